"""A store in which bits flip or bytes are missing: always found, never silently mended or begun anew."""

import json
import random
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from sentinel.errors import StoreError
from sentinel.sources.tailnet import ROOM
from sentinel.store.sqlite import SqliteStore
from tests.builders import START, delta, node, user
from tests.crash_storage.pages import Pages
from tests.rig import run
from tests.world import World

PEERS = [f"device-{number}" for number in range(40)]


def opened(path: Path) -> SqliteStore:
    return SqliteStore(path, catalogue=ROOM.catalogue, new_id=lambda: "another", now=START)


def lived(path: Path) -> World:
    """A store after a life with everything in it: told, held and failed things, purged ones, free pages."""
    world = World(path, window=1.0, retention=timedelta(minutes=30))
    world.connect()
    world.see(world.wire.base(*(node(name, owner=7) for name in PEERS), users=[user(7, "mira@example.com")]))
    for online in (False, True, False):
        world.see(*(world.wire.patch(name, online=online) for name in PEERS))
        world.pass_time(600)
        world.settle()
    frame = world.wire.frame(delta=delta(upserts=[node("device-1", online=True)]))
    object.__setattr__(frame, "inputs", {"peer": {**frame.inputs["peer"], "n-device-2": "poison"}})
    world.see(frame)
    world.see(world.wire.frame(delta=delta(removals=PEERS[20:])))
    world.pass_time(3600)
    world.see(world.wire.patch("device-3", online=True))
    return world


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("sound") / "state.db"
    world = lived(path)
    world.restart()
    world.store.close()
    return path.read_bytes()


def flips(data: bytes, per_page: int) -> Iterator[tuple[int, int]]:
    """Places and bits, as many on every page that has something on it."""
    draw = random.Random(1)
    pages = Pages(data)
    alike = pages.alike()
    for offsets in pages.live().values():
        for at in draw.sample(offsets, min(per_page, len(offsets))):
            bit = 1 << draw.randrange(8)
            if (at, bit) not in alike:
                yield at, bit


def missed(path: Path, data: bytes, places: Iterator[tuple[int, int]]) -> list[str]:
    """Flips that nobody noticed, or that did not leave the file as it was."""
    found = []
    for at, bit in places:
        damaged = bytearray(data)
        damaged[at] ^= bit
        path.write_bytes(damaged)
        try:
            opened(path).close()
        except StoreError as error:
            if path.read_bytes() != damaged or "\n" in str(error):
                found.append(f"page {at // 4096 + 1} offset {at % 4096} bit {bit}: {error}")
        else:
            found.append(f"page {at // 4096 + 1} offset {at % 4096} bit {bit}: not noticed")
    return found


def test_the_fixture_has_every_kind_of_page(sound: bytes, tmp_path: Path) -> None:
    pages = Pages(sound)
    kinds = {sound[pages._start(number)] for _, number in pages._tree()}
    live = pages.live()
    assert kinds == {2, 5, 10, 13}
    assert len(live) == pages.count > 40
    assert pages._number(36, 4) > 0, "free pages"
    assert [number for number, offsets in live.items() if not offsets], "free pages that nothing reads"
    (tmp_path / "state.db").write_bytes(sound)
    opened(tmp_path / "state.db").close()


def test_one_flipped_bit_on_any_page_is_found(sound: bytes, tmp_path: Path) -> None:
    assert missed(tmp_path / "state.db", sound, flips(sound, 6)) == []


@pytest.mark.long
def test_every_flipped_bit_of_many_is_found(sound: bytes, tmp_path: Path) -> None:
    assert missed(tmp_path / "state.db", sound, flips(sound, 400)) == []


def test_every_bit_of_the_header_is_watched(sound: bytes, tmp_path: Path) -> None:
    live = Pages(sound).live()[1]
    places = ((at, 1 << bit) for at in live if at < 100 for bit in range(8))
    assert missed(tmp_path / "state.db", sound, places) == []


def test_a_store_that_was_cut_off_is_refused(sound: bytes, tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    for pages in range(len(sound) // 4096):
        path.write_bytes(sound[: pages * 4096])
        with pytest.raises(StoreError, match=r"is damaged: .*; restore a backup"):
            opened(path)
        assert path.stat().st_size == pages * 4096


def test_a_log_without_its_store_is_not_thrown_away(tmp_path: Path) -> None:
    log = tmp_path / "state.db-wal"
    log.write_bytes(b"commits")
    with pytest.raises(StoreError, match="is gone but its log is not"):
        opened(tmp_path / "state.db")
    assert log.read_bytes() == b"commits"
    assert not (tmp_path / "state.db").exists()


def test_another_programs_database_is_refused(tmp_path: Path, sound: bytes) -> None:
    path = tmp_path / "state.db"
    path.write_bytes(sound)
    world = World(path)
    world.store._connection.execute("DROP TABLE ledger")
    world.store.close()
    with pytest.raises(StoreError, match="no ledger"):
        opened(path)


def test_a_store_is_made_beside_its_place(tmp_path: Path) -> None:
    (tmp_path / "state.db.new").write_bytes(b"what a crash left")
    opened(tmp_path / "state.db").close()
    assert [file.name for file in tmp_path.iterdir()] == ["state.db"]


def test_the_service_does_not_start_on_a_damaged_store(sound: bytes, tmp_path: Path) -> None:
    damaged = bytearray(sound)
    damaged[damaged.rindex(b'"summary"') + 1] ^= 1
    (tmp_path / "state.db").write_bytes(damaged)
    config = tmp_path / "sentinel.json"
    config.write_text(json.dumps({"state": {"path": str(tmp_path / "state.db")}}))
    refused = run("serve", "--config", str(config), cwd=tmp_path)
    assert refused.returncode == 1
    assert refused.stderr == (
        f"error: the store {tmp_path}/state.db is damaged: 1 rows of its table events do not match their checksums; "
        "restore a backup, or move state.db* away to start anew\n"
    )
    assert (tmp_path / "state.db").read_bytes() == damaged
