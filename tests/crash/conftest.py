"""What every crash shares: one simulated tailnet, one identity of the node that watches it, the figures."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.crash.ground import Figures, Mailbox, Place, mailbox
from tests.rig import Tailnet

FIGURES = pytest.StashKey[Figures]()


@pytest.fixture(scope="session")
def figures(pytestconfig: pytest.Config) -> Figures:
    return pytestconfig.stash.setdefault(FIGURES, Figures())


@pytest.fixture(scope="module")
def tailnet(request: pytest.FixtureRequest) -> Iterator[Tailnet]:
    """As many peers as the module's `PEERS`."""
    with Tailnet(peers=request.module.PEERS, options=("--grace", "500ms")) as running:
        yield running


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One identity for all edges of a module: the tailnet of the next test has no node of the last one."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture
def place(tmp_path: Path, tailnet: Tailnet, home: Path, figures: Figures) -> Place:
    return Place(tmp_path, tailnet, home, figures)


@pytest.fixture
def box() -> Iterator[Mailbox]:
    with mailbox() as running:
        yield running


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Times are measured and shown, never asserted tightly."""
    if FIGURES in config.stash:
        terminalreporter.write_line(f"crashes: {config.stash[FIGURES]}")
