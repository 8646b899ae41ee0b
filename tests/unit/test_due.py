"""Records that change by themselves, under a fake clock: at their moment, once, whatever happens in between."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from sentinel.model import OutcomeState
from sentinel.wire.v1 import frame_pb2
from tests.builders import START, node, own
from tests.world import World

DAY = 86_400
EXPIRY = START + timedelta(days=40)
"""A life of 40 days: 14, 7, 3 and 1 day before its end, and the end."""
RUNGS = {"14d": 26, "7d": 33, "3d": 37, "1d": 39, "expired": 40}


class Killed(BaseException):
    """The process ends here."""


def based(path: Path, **settings: object) -> World:
    """A service that has just seen a tailnet for the first time; the own key and that of `nas` end alike."""
    world = World(path / "state.db", **settings)  # type: ignore[arg-type]
    world.connect()
    world.see(world.wire.base(node("nas", key_expiry=EXPIRY), node("pi"), self=own(key_expiry=EXPIRY)))
    return world


@pytest.fixture
def world(tmp_path: Path) -> World:
    """A service that knows two keys with an end."""
    return based(tmp_path)


def rungs(world: World, subject: str = "local") -> list[tuple[object, int]]:
    """Rungs that were reached, each with the day on which it was recorded."""
    found = []
    for body in world.bodies():
        if body["subject_name"] == subject and isinstance(body["payload"], dict) and "rung" in body["payload"]:
            day = (datetime.fromisoformat(str(body["recorded_at"])) - START) // timedelta(days=1)
            found.append((body["payload"]["rung"], day))
    return found


def test_each_due_time_comes_by_itself_and_once(world: World) -> None:
    world.pass_time(60 * DAY)
    assert rungs(world) == rungs(world, "nas") == list(RUNGS.items())
    assert [body["cause"] for body in world.bodies()] == ["time"] * 10


def test_the_writer_sleeps_until_the_next_due_time(world: World) -> None:
    world.pass_time(26 * DAY - 600)
    due = world.step()
    assert due is not None
    assert 0 < due <= 600
    world.pass_time(700)
    assert [rung for rung, _ in rungs(world)] == ["14d"]


def test_due_times_survive_a_restart_between_two(world: World) -> None:
    world.pass_time(30 * DAY)
    world.restart()
    world.connect(last_made=world.contents.sources[0].position)
    world.pass_time(30 * DAY)
    assert rungs(world) == list(RUNGS.items())


def test_what_was_due_during_a_restart_is_told_as_it_is_now(world: World) -> None:
    """Nobody reads three rungs at once."""
    world.pass_time(20 * DAY)
    world.clock.advance(18 * DAY)
    world.wire.pass_time(18 * DAY)
    world.restart()
    world.connect(last_made=world.contents.sources[0].position)
    world.pass_time(DAY / 2)
    assert rungs(world) == [("3d", 38)]


def test_what_the_edge_has_still_to_say_comes_before_what_is_due(world: World) -> None:
    """The key was renewed while the service was away: its old end is nobody's news."""
    world.pass_time(20 * DAY)
    world.restart()
    world.pass_time(30 * DAY)
    assert rungs(world) == rungs(world, "nas") == []
    later = world.wire.now + timedelta(days=180)
    frames = [
        world.wire.frame(delta=frame_pb2.Delta(upserts=[node("nas", key_expiry=later)])),
        world.wire.frame(self=own(key_expiry=later)),
    ]
    world.connect(last_made=frames[-1].position)
    world.see(*frames)
    world.pass_time(DAY)
    assert rungs(world) == rungs(world, "nas") == []


def test_a_due_time_that_must_wait_keeps_nobody_busy(world: World) -> None:
    world.disconnect()
    world.pass_time(26 * DAY)
    due = world.step()
    assert due is not None
    assert due > 1


def test_peers_wait_until_the_source_sees_and_the_own_node_does_not(world: World) -> None:
    world.pass_time(20 * DAY)
    world.see(world.wire.frame(suspended=frame_pb2.Suspended(reason=frame_pb2.SUSPENDED_REASON_STALE)))
    world.pass_time(10 * DAY)
    assert rungs(world) == [("14d", 26)]
    assert rungs(world, "nas") == []
    world.see(world.wire.frame(resumed=frame_pb2.Resumed()))
    world.pass_time(60)
    assert rungs(world, "nas") == [("14d", 30)]


def test_a_clock_that_is_set_ahead_brings_what_is_due_and_back_again_brings_nothing(world: World) -> None:
    world.clock.correct(34 * DAY)
    world.step()
    assert rungs(world) == [("7d", 34)]
    world.clock.correct(-34 * DAY)
    world.pass_time(30 * DAY)
    assert [rung for rung, _ in rungs(world)] == ["7d"]
    world.pass_time(30 * DAY)
    assert [rung for rung, _ in rungs(world)] == ["7d", "3d", "1d", "expired"]


def test_a_clock_that_is_set_back_leaves_what_waits_due_later(world: World) -> None:
    """What was due and had to wait is not due any more when it might be told."""
    world.disconnect()
    world.clock.correct(34 * DAY)
    world.step()
    world.clock.correct(-34 * DAY)
    world.connect(last_made=world.contents.sources[0].position if world.contents.sources else None)
    world.see(world.wire.base(node("nas", key_expiry=EXPIRY), node("pi"), self=own(key_expiry=EXPIRY)))
    assert rungs(world) == []
    world.pass_time(60 * DAY)
    assert rungs(world) == list(RUNGS.items())


def test_a_due_time_that_a_kill_took_back_comes_again_with_the_same_identity(tmp_path: Path) -> None:
    fuse = {"folded": False}

    def reached(boundary: str) -> None:
        if fuse.get(boundary):
            raise Killed

    (tmp_path / "killed").mkdir()
    (tmp_path / "whole").mkdir()
    killed, whole = based(tmp_path / "killed", reached=reached), based(tmp_path / "whole")
    for world in (killed, whole):
        world.pass_time(25 * DAY)
    fuse["folded"] = True
    with pytest.raises(Killed):
        killed.pass_time(2 * DAY)
    fuse["folded"] = False
    killed.restart()
    killed.connect(last_made=killed.contents.sources[0].position)
    killed.pass_time(2 * DAY)
    whole.pass_time(2 * DAY)
    keys = [[body["event_id"] for body in world.bodies()] for world in (killed, whole)]
    assert keys[0] == keys[1]
    assert len(keys[0]) == 2


def test_a_renewed_key_forgets_its_old_due_times(world: World) -> None:
    world.pass_time(34 * DAY)
    world.see(world.wire.frame(self=own(key_expiry=START + timedelta(days=400))))
    world.pass_time(30 * DAY)
    assert [rung for rung, _ in rungs(world)] == ["14d", "7d", "valid"]
    assert world.outcomes().count(OutcomeState.HELD) == 0
