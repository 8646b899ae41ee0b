"""Killed, or failing from then on, at the n-th call on the store's files: what was acknowledged is there."""

import errno
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from tests.crash_storage.faults import Action, Calls, Faults
from tests.crash_storage.victim import STORE_FAILED, live
from tests.rig import ROOT, clean_environment

FEW, MANY = 4, 200
MAKING = 160
"""About as many calls make a new store."""
MANY_MARK = pytest.mark.long


def run(folder: Path, faults: Faults) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "tests.crash_storage.victim", str(folder / "state.db")],
        cwd=ROOT,
        env=clean_environment(faults.environment),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def keys(path: Path) -> list[str]:
    """Identities of all events, in their order."""
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        return [key for (key,) in connection.execute("SELECT key FROM events ORDER BY number")]


@pytest.fixture(scope="module")
def undisturbed(library: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[int, list[str]]:
    """How many calls a life makes, and what it leaves."""
    folder = tmp_path_factory.mktemp("undisturbed")
    faults = Faults(library, folder / "orders")
    faults.order(Action.COUNT)
    assert run(folder, faults).returncode == 0
    return faults.count, keys(folder / "state.db")


def recovers(folder: Path, said: str, expected: list[str]) -> None:
    """What was acknowledged is there; what was not is sent again; nothing is there twice."""
    path = folder / "state.db"
    acked = [int(line) for line in said.split()]
    sent_again: list[int] = []
    world = live(path, sent_again.append)
    assert not set(acked) & set(sent_again)
    world.store.close()
    assert keys(path) == expected


@pytest.mark.parametrize("share", [pytest.param(FEW, id="few"), pytest.param(MANY, id="many", marks=MANY_MARK)])
@pytest.mark.parametrize("action", [Action.KILL, Action.TEAR])
def test_a_kill_at_any_call_loses_nothing(
    tmp_path: Path, library: Path, undisturbed: tuple[int, list[str]], share: int, action: Action
) -> None:
    calls, expected = undisturbed
    for number in range(share):
        folder = tmp_path / str(number)
        folder.mkdir()
        faults = Faults(library, folder / "orders")
        faults.order(action, start=1 + (calls - 1) * number // share)
        victim = run(folder, faults)
        assert victim.returncode == -signal.SIGKILL, victim.stderr
        recovers(folder, victim.stdout, expected)


def test_a_disk_that_is_full_when_a_store_is_made_leaves_no_half_of_one(
    tmp_path: Path, library: Path, undisturbed: tuple[int, list[str]]
) -> None:
    """To take the log into the new file is the last of it, and the end of a connection tells nobody that it failed."""
    _, expected = undisturbed
    for start in range(1, MAKING, 8):
        folder = tmp_path / str(start)
        folder.mkdir()
        faults = Faults(library, folder / "orders")
        faults.order(Action.FAIL, calls=Calls.WRITES, error=errno.ENOSPC, start=start)
        victim = run(folder, faults)
        assert victim.returncode == STORE_FAILED, victim.stderr
        recovers(folder, victim.stdout, expected)


@pytest.mark.parametrize("share", [pytest.param(FEW, id="few"), pytest.param(MANY, id="many", marks=MANY_MARK)])
@pytest.mark.parametrize(
    "kind",
    [
        pytest.param((errno.ENOSPC, Calls.WRITES), id="full"),
        pytest.param((errno.EIO, Calls.WRITES | Calls.SYNCS), id="broken"),
    ],
)
def test_a_failure_from_any_call_on_loses_nothing(
    tmp_path: Path, library: Path, undisturbed: tuple[int, list[str]], share: int, kind: tuple[int, Calls]
) -> None:
    total, expected = undisturbed
    error, calls = kind
    for number in range(share):
        folder = tmp_path / str(number)
        folder.mkdir()
        faults = Faults(library, folder / "orders")
        faults.order(Action.FAIL, calls=calls, error=error, start=1 + (total - 1) * number // share)
        victim = run(folder, faults)
        # The end of the connection may fail unheard: what it takes into the database is in the log, too.
        assert victim.returncode in (0, STORE_FAILED), victim.stderr
        assert victim.returncode or number
        recovers(folder, victim.stdout, expected)
