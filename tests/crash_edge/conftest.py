"""What every trial shares: the program that dies, a simulated tailnet, a service that outlives its sidecars."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.rig import Service, Tailnet, built


@pytest.fixture(scope="session")
def crashing_sidecar() -> str:
    """The program that dies."""
    return built("crashing-sidecar")


@pytest.fixture(scope="module")
def tailnet() -> Iterator[Tailnet]:
    with Tailnet(peers=10) as running:
        yield running


@pytest.fixture(scope="module")
def service(tailnet: Tailnet, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    settings: dict[str, Any] = {"sources": {"home": {"sidecar": "external"}}, "policy": {"debounce_window": 0}}
    folder: Path = tmp_path_factory.mktemp("crash-edge")
    with Service(folder, control_url=tailnet.control_url, settings=settings) as running:
        yield running
