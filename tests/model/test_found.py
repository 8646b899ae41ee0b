"""What the model found, each as the shortest story that shows it."""

from datetime import timedelta
from pathlib import Path

import pytest

from sentinel.delivery.schedule import FEWEST, HORIZON, next_try
from sentinel.model import Audience, Position, SinkPolicy
from tests.builders import START, delta, node
from tests.world import World


@pytest.fixture
def world(tmp_path: Path) -> World:
    """A service that has just seen a tailnet of two for the first time."""
    made = World(tmp_path / "state.db")
    made.connect()
    made.see(made.wire.base(node("nas"), node("pi", online=None)))
    return made


def test_contact_that_was_never_said_before_is_told(world: World) -> None:
    world.see(world.wire.patch("pi", online=True))
    world.pass_time(3)
    assert world.told() == ["pi peer.online"]


def test_a_peer_that_is_hidden_and_shown_without_contact_is_told_when_it_is_in_contact(world: World) -> None:
    world.see(world.wire.frame(delta=delta(removals=["nas"])))
    world.see(world.wire.frame(delta=delta(upserts=[node("nas", online=None)])))
    world.pass_time(10)
    assert world.told() == ["nas peer.offline"]
    world.see(world.wire.patch("nas", online=True))
    world.pass_time(10)
    assert world.told() == ["nas peer.offline", "nas peer.online"]


def test_a_machine_whose_clock_starts_behind_holds_a_change_no_longer_than_a_window(world: World) -> None:
    world.see(world.wire.patch("nas", online=False))
    world.clock.reboot(60)
    world.clock.correct(-100 * 3_600)
    world.restart()
    world.connect(last_made=Position("boot-1", 1, 4))
    world.pass_time(3)
    assert world.told() == ["nas peer.offline"]


@pytest.mark.parametrize("audience", [Audience.PROGRAMS, Audience.PEOPLE])
def test_what_was_before_a_removal_is_told_before_it_though_the_clock_was_set_between(
    audience: Audience, tmp_path: Path
) -> None:
    world = World(tmp_path / "state.db", sinks=[SinkPolicy("sink", audience)])
    world.connect()
    world.see(world.wire.base(node("nas")))
    world.see(world.wire.patch("nas", online=False))
    removed = world.wire.frame(delta=delta(removals=["nas"]))
    world.clock.correct(5)
    world.see(removed)
    world.pass_time(60)
    in_order = ["nas peer.offline", "nas peer.removed"]
    assert world.told("sink") == (in_order if audience is Audience.PROGRAMS else ["nas peer.removed +1"])
    assert world.store.load().differences == ()


@pytest.mark.parametrize("attempt", [1, FEWEST - 1])
def test_a_clock_that_was_set_ahead_gives_up_no_delivery_that_was_hardly_tried(attempt: int) -> None:
    created_at = START - HORIZON - timedelta(hours=28)
    assert next_try(attempt, now=START, created_at=created_at, jitter=0.0) == START + timedelta(seconds=1)


def test_a_frame_that_arrives_again_behind_a_newer_one_takes_no_acknowledgement_back(world: World) -> None:
    older, newer = world.wire.patch("nas", online=False), world.wire.patch("nas", online=True)
    world.see(older, newer, older)
    assert world.session.acks[-1] == newer.position
