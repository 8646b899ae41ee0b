"""A disk that is full, broken or read-only under a running service."""

import errno
import json
from contextlib import closing
from pathlib import Path

import pytest

from sentinel.sources.tailnet import ROOM
from sentinel.store.reader import SqliteReader
from sentinel.store.sqlite import SqliteStore
from tests.builders import START
from tests.crash_storage.edge import SETTINGS, Edge, place
from tests.crash_storage.faults import Action, Calls, Faults
from tests.rig import Service, eventually

NOWHERE = "http://127.0.0.1:9"
ENDS_WITHIN = 10.0


def served(folder: Path, faults: Faults) -> Service:
    return Service(folder, control_url=NOWHERE, settings=SETTINGS, env=faults.environment)


def stored(folder: Path) -> list[str]:
    """What happened according to the ledger."""
    reader = SqliteReader(folder / "state" / "state.db", ROOM.catalogue)
    return [f"{told.event.subject_name} {told.event.type.name}" for told in reader.events(after=0, newest=None)]


def error_lines(service: Service) -> list[str]:
    lines = [json.loads(line) for line in service.errors if line.startswith("{")]
    return [" ".join(map(str, line.values())) for line in lines if line["level"] == "error"]


@pytest.mark.parametrize(
    ("calls", "error", "words"),
    [
        pytest.param(Calls.WRITES, errno.ENOSPC, "free some space on its disk", id="full"),
        pytest.param(Calls.SYNCS, errno.EIO, "disk I/O error", id="broken"),
    ],
)
def test_nothing_is_acknowledged_after_the_store_failed_and_nothing_is_lost(
    tmp_path: Path, faults: Faults, calls: Calls, error: int, words: str
) -> None:
    edge = Edge(tmp_path / "run" / "ingest.sock")
    with served(tmp_path, faults) as service, closing(edge):
        edge.connect()
        edge.base("nas", "pi")
        edge.change("nas", online=False)
        edge.wait_acked()
        acked = edge.acked
        faults.order(Action.FAIL, calls=calls, error=error)
        edge.change("pi", online=False)
        edge.change("nas", online=True)
        said = eventually(lambda: words in service.ask("status").stdout, "the status says why", within=ENDS_WITHIN)
        assert said
        assert edge.broken.wait(ENDS_WITHIN)
        assert service.wait(ENDS_WITHIN) == 1
    assert edge.acked == acked
    assert any(words in line for line in error_lines(service))
    assert service.errors[-1].startswith("error: the store ")
    assert "nas peer.offline" in stored(tmp_path)

    with Service(tmp_path, control_url=NOWHERE, settings=SETTINGS) as service, closing(edge):
        edge.connect()
        edge.wait_acked()
        last_words = service.json("status")["last_words"]
    assert words in last_words
    assert stored(tmp_path) == ["nas peer.offline", "pi peer.offline", "nas peer.online"]
    assert edge.acked == place(edge.made[-1])


@pytest.mark.parametrize("match", [".db", "sentinel.lock"])
def test_a_read_only_file_system_is_refused_at_the_start_in_one_line(
    tmp_path: Path, faults: Faults, match: str
) -> None:
    faults.order(Action.FAIL, calls=Calls.OPENS, error=errno.EROFS, match=match)
    with served(tmp_path, faults) as service:
        assert service.wait() == 1
    assert len(service.errors) == 1
    assert "Read-only file system" in service.errors[0]


def test_a_read_only_store_is_refused_at_the_start_in_one_line(tmp_path: Path, faults: Faults) -> None:
    path = tmp_path / "state" / "state.db"
    path.parent.mkdir()
    SqliteStore(path, catalogue=ROOM.catalogue, new_id=lambda: "ledger", now=START).close()
    faults.order(Action.FAIL, calls=Calls.OPENS, error=errno.EROFS)
    with served(tmp_path, faults) as service:
        assert service.wait() == 1
    assert len(service.errors) == 1
    assert "make it and its folder writable" in service.errors[0]
