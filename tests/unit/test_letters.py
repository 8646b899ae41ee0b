"""Dead deliveries: listed, replayed, purged."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from sentinel.control import letters
from sentinel.control.v1 import control_pb2
from sentinel.errors import ControlError
from sentinel.model import Absorption, Attempt, Audience, Command, DeliveryState, Replay, SinkPolicy
from sentinel.store.damage import refuse_damaged
from tests.builders import node
from tests.world import World, controlled

SINKS = ("hook", "other")
ALL = control_pb2.ListDeliveriesRequest()
EVERY: Any = {"sink": "", "state": None, "ids": (), "limit": 0}


@pytest.fixture
def world(tmp_path: Path) -> World:
    """Three deliveries: the first and the third are dead, the second arrived."""
    made = World(tmp_path / "state.db")
    made.connect()
    made.see(made.wire.base(node("nas"), node("pi"), node("tv")))
    for number, (name, state) in enumerate((("nas", "dead"), ("pi", "delivered"), ("tv", "dead")), start=1):
        made.see(made.wire.patch(name, online=False))
        made.pass_time(5)
        error = "error=401" if state == "dead" else ""
        made.writer.inbox.report(Attempt(number, "hook", 1, DeliveryState(state), made.clock.now().wall, None, error))
        made.pass_time(1)
    return made


def asking(world: World) -> Callable[[Command, Callable[[], None]], None]:
    """Puts a command to the writer, which takes it at once."""

    def ask(command: Command, done: Callable[[], None]) -> None:
        world.writer.inbox.ask(command, done)
        world.step()

    return ask


def replay(world: World, *ids: int, sink: str = "", to: str = "") -> int:
    return letters.replay(
        world.reader, asking(world), SINKS, control_pb2.ReplayDeliveriesRequest(ids=ids, sink=sink, to=to)
    )


def purge(world: World, *ids: int, sink: str = "") -> int:
    return letters.purge(world.reader, asking(world), control_pb2.PurgeDeliveriesRequest(ids=ids, sink=sink))


def listed(world: World, **wanted: Any) -> list[tuple[int, str, str]]:
    request = control_pb2.ListDeliveriesRequest(**wanted)
    return [(one.id, one.sink, one.state) for one in letters.listed(world.reader, request)]


def waiting(world: World, sink: str = "hook") -> Iterator[str]:
    return (telling.message.key for telling in world.reader.backlog(sink, after=0, limit=10))


def keys(world: World) -> list[str]:
    return [told.event.key for told in world.history()]


def test_all_deliveries_are_listed_oldest_first(world: World) -> None:
    assert listed(world) == [(1, "hook", "dead"), (2, "hook", "delivered"), (3, "hook", "dead")]


def test_a_list_can_be_narrowed_by_sink_state_number_and_size(world: World) -> None:
    assert listed(world, sink="other") == []
    assert listed(world, state="dead") == [(1, "hook", "dead"), (3, "hook", "dead")]
    assert listed(world, ids=[2]) == [(2, "hook", "delivered")]
    assert listed(world, limit=1) == [(3, "hook", "dead")]
    assert listed(world, state="dead", limit=5) == [(1, "hook", "dead"), (3, "hook", "dead")]


def test_a_list_says_why_a_delivery_is_dead_and_what_it_was(world: World) -> None:
    (found,) = letters.listed(world.reader, control_pb2.ListDeliveriesRequest(ids=[1]))
    assert (found.error, found.attempt, found.key) == ("error=401", 1, keys(world)[0])
    assert "nas" in found.text
    assert b"peer.offline" in found.event_json


def test_a_state_that_there_is_not_is_refused_with_those_that_there_are(world: World) -> None:
    with pytest.raises(ControlError, match="pending, delivered, dead, absorbed"):
        listed(world, state="lost")


def test_a_replayed_delivery_is_pending_with_its_old_key_behind_everything(world: World) -> None:
    assert replay(world, 1) == 1
    assert listed(world) == [(2, "hook", "delivered"), (3, "hook", "dead"), (4, "hook", "pending")]
    assert list(waiting(world)) == [keys(world)[0]]


def test_a_replayed_delivery_begins_anew(world: World) -> None:
    replay(world, 1)
    (telling,) = world.reader.backlog("hook", after=0, limit=10)
    assert (telling.delivery.attempt, telling.delivery.next_try, telling.delivery.error) == (0, None, "")
    assert telling.delivery.created_at == world.clock.now().wall


def test_several_are_replayed_in_the_order_in_which_they_were_decided(world: World) -> None:
    assert replay(world, sink="hook") == 2
    assert list(waiting(world)) == [keys(world)[0], keys(world)[2]]


def test_events_name_the_replayed_delivery_from_then_on(world: World) -> None:
    replay(world, 1)
    (outcome,) = world.history()[0].outcomes
    assert outcome.message == 4


def test_what_is_not_dead_is_not_replayed(world: World) -> None:
    assert replay(world, 2) == 0
    assert replay(world, 77) == 0
    replay(world, 1)
    assert replay(world, 4) == 0
    assert len(listed(world)) == 3


def test_numbers_stay_unique_after_a_replay(world: World) -> None:
    replay(world)
    world.see(world.wire.patch("pi", online=True))
    world.pass_time(5)
    assert [number for number, _, _ in listed(world)] == [2, 4, 5, 6]


def test_a_replayed_delivery_survives_a_restart(world: World) -> None:
    replay(world, 1)
    before = listed(world)
    world.restart()
    assert listed(world) == before
    assert world.store.load().pending == {"hook": 1}


def test_a_delivery_can_be_replayed_to_another_sink(world: World) -> None:
    assert replay(world, 1, to="other") == 1
    assert list(waiting(world)) == []
    assert list(waiting(world, "other")) == [keys(world)[0]]


def test_dead_deliveries_of_a_sink_that_is_gone_need_another_one(world: World) -> None:
    request = control_pb2.ReplayDeliveriesRequest()
    with pytest.raises(ControlError, match="the configuration no longer has hook: name another sink with --to"):
        letters.replay(world.reader, asking(world), ["other"], request)
    assert listed(world, state="pending") == []


def test_a_sink_that_there_is_not_gets_nothing(world: World) -> None:
    with pytest.raises(ControlError, match="there is no sink phone: name one of hook, other"):
        replay(world, 1, to="phone")


def test_what_a_replayed_delivery_absorbed_is_spoken_for_by_its_new_number(world: World) -> None:
    asking(world)(Replay(((1, "hook"), (3, "hook"))), lambda: None)
    asking(world)(Absorption("hook", (4,), 5, (1,)), lambda: None)
    dead = Attempt(5, "hook", 1, DeliveryState.DEAD, world.clock.now().wall)
    world.writer.inbox.report(dead)
    world.pass_time(1)
    assert replay(world, 5) == 1
    found = {one.id: one for one in letters.listed(world.reader, control_pb2.ListDeliveriesRequest())}
    assert (found[4].state, found[4].absorbed_by) == ("absorbed", 6)
    (telling,) = world.reader.backlog("hook", after=0, limit=10)
    assert [event.number for event in telling.message.also] == [1]


@pytest.mark.parametrize(("audience", "state"), [(Audience.PROGRAMS, "pending"), (Audience.PEOPLE, "absorbed")])
def test_old_news_are_replayed_to_programs_only(audience: Audience, state: str, tmp_path: Path) -> None:
    world = World(tmp_path / "state.db", sinks=[SinkPolicy("hook", audience)])
    world.connect()
    world.see(world.wire.base(node("nas")))
    for number, (online, ended) in enumerate(((False, "dead"), (True, "delivered"), (False, "dead")), start=1):
        world.see(world.wire.patch("nas", online=online))
        world.pass_time(5)
        world.writer.inbox.report(Attempt(number, "hook", 1, DeliveryState(ended), world.clock.now().wall))
        world.pass_time(1)
    assert replay(world) == 2
    found = {one.key: (one.state, one.absorbed_by) for one in letters.listed(world.reader, ALL)}
    first, second, third = keys(world)
    assert found[first] == (state, 2 if state == "absorbed" else 0)
    assert (found[second][0], found[third][0]) == ("delivered", "pending")
    world.store.close()
    refuse_damaged(world.path)


def test_what_is_purged_is_gone_and_counted(world: World) -> None:
    assert purge(world, 1, 2) == 1
    assert listed(world) == [(2, "hook", "delivered"), (3, "hook", "dead")]
    assert purge(world) == 1
    assert listed(world) == [(2, "hook", "delivered")]
    assert world.reader.sink_counts()["hook"].purged == 2


def test_each_sink_has_its_own_count_of_what_was_purged_and_keeps_it(world: World) -> None:
    replay(world, 1, to="other")
    dead = Attempt(4, "other", 1, DeliveryState.DEAD, world.clock.now().wall)
    world.writer.inbox.report(dead)
    world.pass_time(1)
    assert purge(world) == 2
    world.restart()
    assert {sink: counts.purged for sink, counts in world.reader.sink_counts().items()} == {"hook": 1, "other": 1}


def test_all_that_was_admitted_adds_up_whatever_is_replayed_and_purged(world: World) -> None:
    def admitted() -> int:
        counts = world.reader.sink_counts()["hook"]
        return sum(counts.states.values()) + counts.purged

    assert admitted() == 3
    for done in (lambda: replay(world, 1), lambda: purge(world), lambda: purge(world), world.restart):
        done()
        assert admitted() == 3


def test_what_is_dead_for_longer_than_events_are_kept_counts_as_purged(tmp_path: Path) -> None:
    world = World(tmp_path / "state.db", retention=timedelta(days=7))
    world.connect()
    world.see(world.wire.base(node("nas")))
    for number, state in enumerate((DeliveryState.DEAD, DeliveryState.DELIVERED), start=1):
        world.see(world.wire.patch("nas", online=number == 2))
        world.pass_time(5)
        world.writer.inbox.report(Attempt(number, "hook", 1, state, world.clock.now().wall))
    world.pass_time(8 * 86_400)
    counts = world.reader.sink_counts()["hook"]
    assert (counts.states, counts.purged) == ({}, 1)


def test_the_status_has_every_count_also_of_a_sink_that_is_gone_and_left_something(world: World) -> None:
    def sinks(**configured: str) -> list[tuple[Any, ...]]:
        found = controlled(world, configured).GetStatus(control_pb2.GetStatusRequest(), None)  # type: ignore[arg-type]
        return [(one.name, one.type, one.delivered, one.pending, one.dead, one.purged) for one in found.sinks]

    assert sinks(hook="webhook", new="file") == [("hook", "webhook", 1, 0, 2, 0), ("new", "file", 0, 0, 0, 0)]
    purge(world, 1)
    assert sinks(new="file") == [("hook", "", 1, 0, 1, 1), ("new", "file", 0, 0, 0, 0)]
    purge(world)
    assert sinks() == [("hook", "", 1, 0, 0, 2)]


def test_a_sink_that_is_gone_and_left_nothing_to_do_is_not_in_the_status(world: World) -> None:
    replay(world, to="other")
    assert controlled(world, {}).GetStatus(control_pb2.GetStatusRequest(), None).sinks == []  # type: ignore[arg-type]


def test_what_became_of_a_message_is_said_in_words(world: World) -> None:
    replay(world)
    asking(world)(Absorption("hook", (4,), 5, (1,)), lambda: None)
    told = {sent.delivery.id: letters.fate(sent, "hook") for sent in world.reader.deliveries(**EVERY)}
    assert told == {2: "", 4: "message 5 speaks for it", 5: "it has not arrived yet"}
    asking(world)(Absorption("hook", (5,), 5, ()), lambda: None)
    arrived, *_, last = world.reader.deliveries(**EVERY)
    assert letters.fate(arrived, "other") == "it went to hook instead"
    assert letters.fate(last, "hook") == "it was over before it could be sent"


def test_a_number_is_not_used_again_when_what_had_it_was_purged(world: World) -> None:
    assert purge(world, 3) == 1
    world.restart()
    world.connect()
    world.see(world.wire.base(node("nas"), node("pi"), node("tv", online=False)))
    world.pass_time(5)
    assert [number for number, _, _ in listed(world)] == [1, 2, 4, 5]


def test_a_store_is_whole_after_replays_and_purges(world: World) -> None:
    replay(world, 1, to="other")
    purge(world, 3)
    world.store.close()
    refuse_damaged(world.path)
