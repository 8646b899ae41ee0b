"""A write-ahead log that lost commits is refused; one whose last commit is torn is what a crash leaves."""

import random
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from sentinel.errors import StoreError
from sentinel.store import sqlite, wal
from tests.builders import node
from tests.world import World

STRIDE = 4096 + 24
COMMITS = 6


@dataclass(frozen=True)
class Crashed:
    """What a killed service left: database, log and index."""

    database: bytes
    log: bytes
    index: bytes

    @property
    def frames(self) -> int:
        return len(self.log) // STRIDE

    def ends(self) -> list[int]:
        """Frames after which a commit has ended."""
        starts = ((number, 32 + number * STRIDE) for number in range(self.frames))
        return [number + 1 for number, at in starts if any(self.log[at + 4 : at + 8])]

    def put(self, folder: Path, *, log: bytes, index: bool) -> Path:
        path = folder / "state.db"
        path.write_bytes(self.database)
        (folder / "state.db-wal").write_bytes(log)
        (folder / "state.db-shm").unlink(missing_ok=True)
        if index:
            (folder / "state.db-shm").write_bytes(self.index)
        return path


@pytest.fixture(scope="module")
def crashed(tmp_path_factory: pytest.TempPathFactory) -> Crashed:
    path = tmp_path_factory.mktemp("crashed") / "state.db"
    world = World(path)
    world.connect()
    world.see(world.wire.base(node("nas"), node("pi")))
    for number in range(COMMITS):
        world.see(world.wire.patch("nas", online=bool(number % 2)))
    return Crashed(*(path.with_name(f"state.db{ending}").read_bytes() for ending in ("", "-wal", "-shm")))


def events(path: Path) -> int:
    """How many events are there after a start."""
    world = World(path)
    try:
        return world.reader.event_count()
    finally:
        world.store.close()


def refuse(path: Path) -> None:
    """A start is refused, and the log stays as it was."""
    log = path.with_name("state.db-wal")
    before = log.read_bytes()
    with pytest.raises(StoreError, match=log.name):
        events(path)
    assert log.read_bytes() == before


def test_what_a_kill_left_is_taken(crashed: Crashed, tmp_path: Path) -> None:
    assert wal.damage(crashed.log, crashed.index) == ""
    assert wal.promise(crashed.index) is not None
    assert events(crashed.put(tmp_path, log=crashed.log, index=True)) == COMMITS


@pytest.mark.parametrize("per_frame", [1, pytest.param(400, marks=pytest.mark.long)])
def test_any_flipped_bit_in_the_log_of_a_killed_process_is_found(crashed: Crashed, per_frame: int) -> None:
    """Its index outlives it and says how many frames there were."""
    draw = random.Random(2)
    places = [(at, 1 << draw.randrange(8)) for at in range(32)]
    for start in range(32, len(crashed.log), STRIDE):
        places += [(start + draw.randrange(24), 1 << draw.randrange(8)) for _ in range(per_frame)]
        places += [(start + 24 + draw.randrange(4096), 1 << draw.randrange(8)) for _ in range(per_frame)]
    missed = []
    for at, bit in places:
        log = bytearray(crashed.log)
        log[at] ^= bit
        if not wal.damage(bytes(log), crashed.index):
            missed.append((at, bit))
    assert missed == []


def test_a_flipped_bit_before_the_last_commit_is_found_without_an_index(crashed: Crashed, tmp_path: Path) -> None:
    """As after a loss of power: what follows the damage proves that it is none of a torn write."""
    draw = random.Random(3)
    *_, before_last, _ = crashed.ends()
    for number in range(before_last):
        log = bytearray(crashed.log)
        log[32 + number * STRIDE + 24 + draw.randrange(4096)] ^= 1 << draw.randrange(8)
        refuse(crashed.put(tmp_path, log=bytes(log), index=False))


def test_a_torn_last_commit_after_a_loss_of_power_is_let_go(crashed: Crashed, tmp_path: Path) -> None:
    *_, before_last, last = crashed.ends()
    for number in range(before_last, last):
        log = bytearray(crashed.log)
        start = 32 + number * STRIDE
        log[start + 512 : start + STRIDE] = bytes(STRIDE - 512)
        path = crashed.put(tmp_path, log=bytes(log), index=False)
        assert events(path) == COMMITS - 1
    log = bytearray(crashed.log[: 32 + before_last * STRIDE + 1000])
    assert events(crashed.put(tmp_path, log=bytes(log), index=False)) == COMMITS - 1


def test_a_log_that_was_cut_off_is_refused_as_long_as_its_index_is_there(crashed: Crashed, tmp_path: Path) -> None:
    for number in range(crashed.frames):
        refuse(crashed.put(tmp_path, log=crashed.log[: 32 + number * STRIDE], index=True))
    refuse(crashed.put(tmp_path, log=b"", index=True))


def test_a_damaged_index_promises_nothing(crashed: Crashed) -> None:
    for at in range(96):
        for bit in range(8):
            index = bytearray(crashed.index)
            index[at] ^= 1 << bit
            assert wal.promise(bytes(index)) is None


def test_frames_of_older_generations_are_no_damage(tmp_path: Path) -> None:
    """A log that begins anew keeps its length; behind its end are the remains of a longer one."""
    path = tmp_path / "some.db"
    log, index = path.with_name("some.db-wal"), path.with_name("some.db-shm")
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA page_size = 512")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("CREATE TABLE one (number INTEGER PRIMARY KEY, text TEXT)")
        for generation in range(3):
            for number in range(40 // (generation + 1)):
                connection.execute("INSERT INTO one VALUES (NULL, ?)", ("x" * 100 * (number % 20),))
                assert wal.damage(log.read_bytes(), index.read_bytes()) == ""
            connection.execute("PRAGMA wal_checkpoint(PASSIVE)")


def test_a_rolled_back_transaction_that_spilled_into_the_log_is_no_damage(tmp_path: Path) -> None:
    path = tmp_path / "some.db"
    log, index = path.with_name("some.db-wal"), path.with_name("some.db-shm")
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA cache_size = 5")
        connection.execute("CREATE TABLE one (number INTEGER PRIMARY KEY, text TEXT)")
        for _ in range(3):
            connection.execute("BEGIN")
            connection.executemany("INSERT INTO one VALUES (NULL, ?)", [("x" * 3000,)] * 60)
            connection.execute("ROLLBACK")
            connection.execute("INSERT INTO one VALUES (NULL, 'kept')")
            assert log.stat().st_size > 20 * STRIDE
            assert wal.damage(log.read_bytes(), index.read_bytes()) == ""
            assert wal.damage(log.read_bytes()) == ""


@pytest.mark.parametrize("order", [0, 1])
def test_both_orders_of_bytes_are_understood(crashed: Crashed, order: int, tmp_path: Path) -> None:
    log = reordered(crashed.log, order)
    assert wal.damage(log) == ""
    assert events(crashed.put(tmp_path, log=log, index=False)) == COMMITS


def reordered(log: bytes, order: int) -> bytes:
    """The log as a machine of the other kind writes it: checksums of words in its order."""
    kind = "<>"[order]
    head = (0x377F0682 | order).to_bytes(4, "big") + log[4:24]
    sums = wal._checksum(head, (0, 0), kind)
    made = head + b"".join(one.to_bytes(4, "big") for one in sums)
    for start in range(32, len(log) - STRIDE + 1, STRIDE):
        sums = wal._checksum(log[start + 24 : start + STRIDE], wal._checksum(log[start : start + 8], sums, kind), kind)
        made += log[start : start + 16] + b"".join(one.to_bytes(4, "big") for one in sums)
        made += log[start + 24 : start + STRIDE]
    return made


def test_the_log_is_taken_in_once_for_each_time_that_it_has_grown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its file does not shrink: what counts is what was written since."""
    monkeypatch.setattr(sqlite, "LOG_LIMIT", 40 * STRIDE)
    reached: list[str] = []
    world = World(tmp_path / "state.db", reached=reached.append)
    world.connect()
    world.see(world.wire.base(node("nas")))
    for number in range(60):
        world.see(world.wire.patch("nas", online=bool(number % 2)))
    taken_in = reached.count("after checkpoint")
    assert 4 < taken_in < 20
    assert (tmp_path / "state.db-wal").stat().st_size < 80 * STRIDE
