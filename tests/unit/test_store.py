"""The ledger's file: what it promises beyond what the pipeline's tests show."""

import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from sentinel.clock import rfc3339
from sentinel.errors import StoreError
from sentinel.model import Attempt, DeliveryState, SubjectKey
from sentinel.sources.tailnet import ROOM
from sentinel.sources.tailnet.model import PEER
from sentinel.store import statements
from sentinel.store.damage import schema_seal
from sentinel.store.protocol import Batch, SubjectRow
from sentinel.store.reader import SqliteReader
from sentinel.store.sqlite import SqliteStore, _connected
from tests.builders import START, delta, node
from tests.world import World


def opened(path: Path) -> SqliteStore:
    return SqliteStore(path, catalogue=ROOM.catalogue, new_id=lambda: "ledger", now=START)


@pytest.fixture
def world(tmp_path: Path) -> World:
    made = World(tmp_path / "state.db")
    made.connect()
    made.see(made.wire.base(node("nas"), node("pi")))
    return made


def test_everything_is_there_again_after_a_restart(world: World) -> None:
    world.see(world.wire.patch("nas", online=False))
    before = world.store.load()
    world.restart()
    assert world.store.load() == before
    assert before.differences[0].waiting[0].type.name == "peer.offline"


def test_records_of_the_size_of_a_peer_s_share_pages(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    keys = [SubjectKey("tailnet", "peer", f"n-{number}") for number in range(300)]
    store = opened(path)
    store.commit(Batch(subjects={key: SubjectRow(key, 1, b'{"name":"%s"}' % (b"x" * 1_300)) for key in keys}))
    store.close()
    with closing(_connected(path)) as connection:
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
    assert pages < len(keys) / 2


def test_a_subject_that_changes_stays_where_it_is_and_may_go(world: World) -> None:
    nas, _ = (row for row in world.reader.subjects({PEER}))
    changed = nas._replace(revision=9, body=nas.body.replace(b"nas", b"nas2"), problems={"presence": "e"})
    world.store.commit(Batch(subjects={nas.key: changed}))
    assert changed in world.store.load().subjects
    with closing(_connected(world.path)) as connection:
        first = connection.execute("SELECT id FROM subjects WHERE type = 'peer' ORDER BY rowid").fetchone()
    assert first == (nas.key.id,)
    world.store.commit(Batch(subjects={nas.key: None}))
    assert nas.key not in {row.key for row in world.store.load().subjects}


def test_who_takes_subjects_slowly_holds_nothing_up(world: World, tmp_path: Path) -> None:
    found = world.reader.subjects()
    next(iter(found))
    world.see(world.wire.patch("nas", online=False))
    with closing(_connected(tmp_path / "state.db")) as connection:
        busy, in_log, taken = connection.execute("PRAGMA wal_checkpoint(RESTART)").fetchone()
    assert (busy, in_log) == (0, taken)
    assert list(found)


def test_a_delivery_that_was_not_settled_is_pending_after_a_restart(world: World) -> None:
    world.see(world.wire.patch("nas", online=False))
    world.pass_time(5)
    world.restart()
    assert world.store.load().pending == {"hook": 1}
    assert list(world.reader.backlog("hook", after=0, limit=10)) == world.outboxes["hook"].tellings


def test_a_settled_delivery_is_not_pending(world: World) -> None:
    world.see(world.wire.patch("nas", online=False))
    world.pass_time(5)
    world.settle()
    assert world.store.load().pending == {}
    assert world.reader.backlog("hook", after=0, limit=10) == ()
    assert world.reader.sink_counts()["hook"].states == {DeliveryState.DELIVERED: 1}


def test_a_late_success_settles_what_was_given_up_and_stays(world: World) -> None:
    world.see(world.wire.patch("nas", online=False))
    world.pass_time(5)
    for state in (DeliveryState.DEAD, DeliveryState.DELIVERED, DeliveryState.DEAD):
        world.settle(state)
    assert world.reader.sink_counts()["hook"].states == {DeliveryState.DELIVERED: 1}


def test_a_failed_attempt_leaves_its_words_and_its_next_try(world: World) -> None:
    world.see(world.wire.patch("nas", online=False))
    world.pass_time(5)
    again = world.clock.now().wall + timedelta(seconds=9)
    attempt = Attempt(1, "hook", 1, DeliveryState.PENDING, world.clock.now().wall, again, "it hung up")
    world.writer.inbox.report(attempt)
    world.pass_time(1)
    (delivery,) = [telling.delivery for telling in world.reader.backlog("hook", after=0, limit=10)]
    assert (delivery.attempt, delivery.next_try, delivery.error) == (1, again, "it hung up")
    assert world.reader.sink_counts()["hook"].last_error == "it hung up"


def test_a_batch_is_all_or_nothing(world: World) -> None:
    world.see(world.wire.patch("nas", online=False))
    event = world.history()[0].event
    key = "peer", "n-x"
    batch = Batch(events=[event], subjects={("tailnet", *key): SubjectRow(("tailnet", *key), 9, b"{}")})  # type: ignore[dict-item, arg-type]
    subjects = tuple(world.reader.subjects())
    with pytest.raises(StoreError, match="UNIQUE"):
        world.store.commit(batch)
    assert tuple(world.reader.subjects()) == subjects


def test_availability_is_kept_from_the_first_day(world: World) -> None:
    world.pass_time(60)
    world.see(world.wire.patch("nas", online=False))
    world.pass_time(60)
    world.see(world.wire.frame(delta=delta(removals=["nas"])))
    world.disconnect()
    with closing(sqlite3.connect(world.path)) as connection:
        spans = connection.execute(
            "SELECT subject_id, state, ended_at IS NULL FROM spans WHERE subject_id <> 'n-pi' ORDER BY began_at, state"
        ).fetchall()
    assert spans == [
        ("n-nas", "up", 0),
        ("tailnet", "up", 0),
        ("n-nas", "down", 0),
        ("tailnet", "unknown", 1),
    ]


def test_the_time_between_a_kill_and_the_next_run_is_unknown(world: World) -> None:
    world.store.last_words("killed")
    last_frame = world.wire.now
    world.pass_time(3600)
    world.restart()
    world.pass_time(10)
    with closing(sqlite3.connect(world.path)) as connection:
        query = "SELECT state, began_at FROM spans WHERE subject_type = 'source' AND ended_at IS NULL"
        assert connection.execute(query).fetchall() == [("unknown", rfc3339(last_frame))]


def test_a_subject_that_cannot_be_understood_keeps_its_state_and_is_noted(world: World) -> None:
    frame = world.wire.frame(delta=delta(upserts=[node("pi", online=False)]))
    poisoned = {"peer": {**frame.inputs["peer"], "n-nas": "poison"}}
    object.__setattr__(frame, "inputs", poisoned)
    world.see(frame)
    assert world.events() == ["pi peer.offline"]
    assert world.writer.reports[0].rejected == 1
    with closing(sqlite3.connect(world.path)) as connection:
        ((subject, why),) = connection.execute("SELECT subject_id, why FROM rejects").fetchall()
    assert subject == "n-nas"
    assert "AttributeError" in why


NEWER = {
    "nothing else": "",
    "a table that is sealed in another way": "CREATE TABLE later (value TEXT) STRICT; INSERT INTO later VALUES ('x')",
    "another form of the ledger": "ALTER TABLE ledger ADD COLUMN later TEXT NOT NULL DEFAULT ''",
}


@pytest.mark.parametrize("change", NEWER.values(), ids=NEWER)
def test_a_store_of_a_newer_sentinel_is_refused_and_not_taken_for_a_damaged_one(tmp_path: Path, change: str) -> None:
    path = tmp_path / "state.db"
    opened(path).close()
    with closing(_connected(path)) as connection:
        connection.executescript(f"{change}; PRAGMA user_version = 99")
        connection.execute(statements.SEAL_SCHEMA, (schema_seal(connection),))
    before = path.read_bytes()
    with pytest.raises(StoreError, match=r"written by a newer Sentinel \(schema 99, this one knows \d+\)") as refused:
        opened(path)
    assert "damaged" not in str(refused.value)
    assert path.read_bytes() == before


@pytest.mark.parametrize(("version", "said"), [(99, "written by a newer"), (1, "written by an older")])
def test_what_another_sentinel_stored_is_not_read_as_if_it_were_ours(tmp_path: Path, version: int, said: str) -> None:
    path = tmp_path / "state.db"
    opened(path).close()
    with closing(_connected(path)) as connection:
        connection.execute(f"PRAGMA user_version = {version}")
    with pytest.raises(StoreError, match=said):
        SqliteReader(path, ROOM.catalogue).event_count()


def test_a_file_that_is_no_store_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    path.write_bytes(b"not a database, however long it may be" * 100)
    with pytest.raises(StoreError, match="restore a backup"):
        opened(path)
    assert path.read_bytes().startswith(b"not a database")


def test_a_store_in_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="cannot be used"):
        opened(tmp_path / "missing" / "state.db")


def test_only_its_owner_reads_the_store(tmp_path: Path) -> None:
    opened(tmp_path / "state.db").close()
    assert (tmp_path / "state.db").stat().st_mode & 0o077 == 0


def test_every_commit_is_on_disk(tmp_path: Path) -> None:
    store = opened(tmp_path / "state.db")
    settings = {
        name: store._connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("journal_mode", "synchronous")
    }
    store.close()
    assert settings == {"journal_mode": "wal", "synchronous": 2}


def test_a_reader_cannot_write(world: World) -> None:
    reader = SqliteReader(world.path, ROOM.catalogue)
    with pytest.raises(StoreError, match="readonly"), reader._open() as connection:
        connection.execute("DELETE FROM events")


def test_only_the_newest_events_are_read_when_asked(world: World) -> None:
    for online in (False, True, False, True):
        world.see(world.wire.patch("nas", online=online))
    newest = [told.event.number for told in world.reader.events(after=0, newest=3)]
    assert newest == [2, 3, 4]
    assert [told.event.number for told in world.reader.events(after=3, newest=None)] == [4]
    assert world.reader.event_count() == 4


def test_what_a_kill_left_of_a_store_in_the_making_is_not_part_of_the_next_one(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere.db"
    with closing(sqlite3.connect(elsewhere, isolation_level=None)) as other:
        other.executescript("PRAGMA journal_mode = WAL; CREATE TABLE other (one); INSERT INTO other VALUES (1)")
        for ending in ("-wal", "-shm"):
            copy = Path(f"{elsewhere}{ending}").read_bytes()
            (tmp_path / f"state.db.new{ending}").write_bytes(copy)
    opened(tmp_path / "state.db").close()
    assert [path.name for path in tmp_path.glob("state.db*")] == ["state.db"]
    opened(tmp_path / "state.db").close()


def test_a_store_is_in_its_place_with_its_journal_mode_already(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    placed: list[bytes] = []
    rename = Path.rename

    def note(fresh: Path, place: Path) -> Path:
        placed.append(fresh.read_bytes()[18:20])
        return rename(fresh, place)

    monkeypatch.setattr(Path, "rename", note)
    opened(tmp_path / "state.db").close()
    assert placed == [b"\2\2"]


@pytest.mark.parametrize("pause", [20, 0.01], ids=["told", "waiting"])
def test_a_change_costs_the_same_however_often_its_subject_came_and_went(world: World, pause: float) -> None:
    def steps() -> int:
        """Of SQLite's machine, for one change of contact there and back."""
        taken = 0

        def count() -> int:
            nonlocal taken
            taken += 1
            return 0

        world.store._connection.set_progress_handler(count, 1)
        for online in (False, True):
            world.wire.pass_time(pause)
            world.see(world.wire.patch("nas", online=online))
        world.store._connection.set_progress_handler(None, 1)
        world.pass_time(pause)
        return taken

    steps()
    few = steps()
    for online in (False, True) * 200:
        world.see(world.wire.patch("nas", online=online))
        world.pass_time(pause)
    assert steps() < 1.5 * few


def test_until_when_an_event_is_held_is_known_of_all_that_wait_together(world: World) -> None:
    for online in (False, True, False):
        world.see(world.wire.patch("nas", online=online))
        world.pass_time(1)
    (due,) = {outcome.until for told in world.reader.events(after=0, newest=None) for outcome in told.outcomes}
    assert due == world.clock.now().wall + timedelta(seconds=2)
    world.pass_time(3)
    assert {outcome.until for told in world.reader.events(after=0, newest=None) for outcome in told.outcomes} == {None}
