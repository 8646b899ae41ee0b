"""Other rules while the writer works: from then on they hold, and nothing that was told or waits is lost."""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from sentinel.model import Attempt, Audience, DeliveryState, SinkPolicy
from sentinel.policy.routes import Route, Selector
from tests.builders import node
from tests.world import World

HOOK, PHONE = SinkPolicy("hook", Audience.PROGRAMS), SinkPolicy("phone", Audience.PEOPLE)


def route(*event_types: str, to: Sequence[str] = ("hook",)) -> Route:
    return Route("", Selector(event_types=event_types), None, tuple(to), stop=False, index=0)


def world(tmp_path: Path, *sinks: SinkPolicy, routes: Sequence[Route] | None = None) -> World:
    made = World(tmp_path / "state.db", sinks=sinks or (HOOK,), routes=routes)
    made.connect()
    made.see(made.wire.base(node("nas"), node("pi")))
    return made


def states(here: World, sink: str) -> dict[DeliveryState, int]:
    return dict(here.reader.sink_counts()[sink].states)


def test_other_routes_decide_from_then_on(tmp_path: Path) -> None:
    here = world(tmp_path, routes=[route("peer.added")])
    here.see(here.wire.patch("nas", online=False))
    here.pass_time(10)
    here.routes = [route("peer.offline")]
    here.exchange()
    here.see(here.wire.patch("pi", online=False))
    here.pass_time(10)
    assert here.told() == ["pi peer.offline"]


def test_a_route_that_is_gone_still_ends_what_it_told(tmp_path: Path) -> None:
    here = world(tmp_path, routes=[route("peer.offline")])
    here.see(here.wire.patch("nas", online=False))
    here.pass_time(10)
    here.routes = [route("peer.added")]
    here.exchange()
    here.see(here.wire.patch("nas", online=True))
    here.pass_time(10)
    assert here.told() == ["nas peer.offline", "nas peer.online"]


def test_another_window_holds_what_comes_after_it(tmp_path: Path) -> None:
    here = world(tmp_path)
    here.window = timedelta(seconds=30)
    here.exchange()
    here.see(here.wire.patch("nas", online=False))
    here.pass_time(20)
    assert here.told() == []
    here.pass_time(20)
    assert here.told() == ["nas peer.offline"]


def test_what_is_held_when_rules_change_is_told_in_its_time(tmp_path: Path) -> None:
    here = world(tmp_path)
    here.see(here.wire.patch("nas", online=False))
    here.exchange()
    here.pass_time(2)
    assert here.told() == []
    here.pass_time(2)
    assert here.told() == ["nas peer.offline"]


def test_a_sink_that_comes_is_told_what_happens_from_then_on(tmp_path: Path) -> None:
    here = world(tmp_path)
    here.see(here.wire.patch("nas", online=False))
    here.pass_time(10)
    here.sinks = (HOOK, PHONE)
    here.exchange()
    here.see(here.wire.patch("pi", online=False))
    here.pass_time(10)
    assert here.told("phone") == ["pi peer.offline"]
    assert here.told("hook") == ["nas peer.offline", "pi peer.offline"]


def test_what_waits_at_a_sink_that_goes_is_given_up(tmp_path: Path) -> None:
    here = world(tmp_path, HOOK, PHONE)
    here.see(here.wire.patch("nas", online=False))
    here.pass_time(10)
    here.sinks = (HOOK,)
    here.exchange()
    assert states(here, "phone") == {DeliveryState.DEAD: 1}
    assert states(here, "hook") == {DeliveryState.PENDING: 1}
    here.see(here.wire.patch("pi", online=False))
    here.pass_time(10)
    assert here.told() == ["nas peer.offline", "pi peer.offline"]


def test_a_sink_that_comes_back_knows_what_it_was_told(tmp_path: Path) -> None:
    here = world(tmp_path, HOOK, PHONE)
    here.see(here.wire.patch("nas", online=False))
    here.pass_time(10)
    here.settle()
    for sinks in ((HOOK,), (HOOK, PHONE)):
        here.sinks = sinks
        here.exchange()
    here.see(here.wire.patch("nas", online=True))
    here.pass_time(10)
    assert here.told("phone") == ["nas peer.online"]


def test_outcomes_that_were_reported_before_are_committed_first(tmp_path: Path) -> None:
    here = world(tmp_path)
    here.see(here.wire.patch("nas", online=False))
    here.pass_time(10)
    (telling,) = here.outboxes["hook"].tellings
    finished = here.clock.now().wall
    here.writer.inbox.report(Attempt(telling.delivery.id, "hook", 1, DeliveryState.DELIVERED, finished))
    here.sinks = (PHONE,)
    here.exchange()
    assert states(here, "hook") == {DeliveryState.DELIVERED: 1}


def test_deliveries_go_on_counting_after_the_newest_is_forgotten(tmp_path: Path) -> None:
    here = world(tmp_path)
    here.see(here.wire.patch("nas", online=False))
    here.pass_time(10)
    here.settle()
    here.clock.advance(timedelta(days=91).total_seconds())
    here.wire.pass_time(timedelta(days=91).total_seconds())
    here.see(here.wire.patch("nas", online=True))
    here.settle()
    here.exchange()
    here.see(here.wire.patch("pi", online=False))
    here.pass_time(10)
    numbers = [telling.delivery.id for telling in here.outboxes["hook"].tellings]
    assert numbers == sorted(set(numbers))


def test_old_events_are_kept_as_long_as_the_new_rules_say(tmp_path: Path) -> None:
    here = world(tmp_path)
    for online in (False, True):
        here.see(here.wire.patch("nas", online=online))
        here.pass_time(10)
        here.settle()
    here.retention = timedelta(minutes=1)
    here.exchange()
    here.pass_time(2 * 3600)
    assert here.events() == []
