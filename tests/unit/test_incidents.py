"""What a sink that keeps incidents is told: one opening and one end for each problem."""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from sentinel.delivery.incidents import dedup_key, incident_of
from sentinel.events import Telling
from sentinel.model import NO_SINK, Attempt, Audience, DeliveryState, OutcomeState, Position, Replay, SinkPolicy
from sentinel.policy.routes import Route, Selector
from tests.builders import START, delta, node
from tests.world import World

SINKS = (SinkPolicy("desk", Audience.INCIDENTS),)
LAN = "10.0.0.0/24"
SOON = START + timedelta(days=6)
TOLD, FOLDED, REVERTED = OutcomeState.TOLD, OutcomeState.FOLDED, OutcomeState.REVERTED


def route(*event_types: str, resolved: bool = True, **match: Any) -> Route:
    asks = Selector(event_types=event_types, **match)
    return Route("", asks, None, ("desk",), stop=False, index=0, resolved=resolved)


def world(tmp_path: Path, *routes: Route) -> World:
    """A service that has just seen three peers for the first time; one of them carries a route."""
    made = World(tmp_path / "state.db", sinks=SINKS, routes=routes or None)
    made.connect()
    made.see(made.wire.base(gate(), node("spare", tags=["tag:router"]), server()))
    return made


def gate(**fields: Any) -> Any:
    return node("gate", tags=["tag:router"], **{"primary_routes": [LAN], **fields})


def server(**fields: Any) -> Any:
    return node("nas", tags=["tag:server"], **fields)


def steps(world: World) -> list[str]:
    """What the sink was told, oldest first: which incident opens or closes, and what says so."""
    return [_step(telling) for telling in world.outboxes["desk"].tellings]


def _step(telling: Telling) -> str:
    incident = incident_of(telling.message)
    verb = "closes" if incident.ends else "opens"
    return f"{verb} {telling.message.event.subject_name} {incident.aspect}: {telling.message.event.type.name}"


def keys(tellings: Sequence[Telling]) -> list[str]:
    return [dedup_key(incident_of(telling.message)) for telling in tellings]


def test_a_problem_opens_and_its_end_closes_the_same_incident(tmp_path: Path) -> None:
    here = world(tmp_path)
    here.see(here.wire.patch("nas", online=False))
    here.pass_time(10)
    here.see(here.wire.patch("nas", online=True))
    here.pass_time(10)
    assert steps(here) == ["opens nas presence: peer.offline", "closes nas presence: peer.online"]
    opened, closed = keys(here.outboxes["desk"].tellings)
    assert opened == closed


def test_what_is_no_problem_concerns_no_incident(tmp_path: Path) -> None:
    here = world(tmp_path)
    here.see(here.wire.frame(delta=delta(upserts=[server(label="box"), node("new")])))
    here.pass_time(10)
    assert here.events() == ["box peer.renamed", "new peer.added", "new peer.online"]
    assert steps(here) == []
    assert here.outcomes(NO_SINK) == [OutcomeState.UNROUTED] * 3
    assert here.store.load().differences == ()


def test_the_end_of_what_was_never_told_closes_nothing(tmp_path: Path) -> None:
    here = world(tmp_path, route("peer.online"))
    here.see(here.wire.patch("nas", online=False))
    here.pass_time(10)
    here.see(here.wire.patch("nas", online=True))
    here.pass_time(10)
    assert steps(here) == []


def test_there_and_back_within_the_window_is_no_incident(tmp_path: Path) -> None:
    here = world(tmp_path)
    here.see(here.wire.patch("nas", online=False))
    here.pass_time(1)
    here.see(here.wire.patch("nas", online=True))
    here.pass_time(10)
    assert steps(here) == []
    assert here.outcomes("desk") == [REVERTED, REVERTED]


def test_a_problem_that_ended_otherwise_than_it_began_is_no_incident(tmp_path: Path) -> None:
    """Another one carries the route: the view differs from before, and yet nothing is wrong."""
    here = world(tmp_path, route("route.lost"))
    here.see(here.wire.frame(delta=delta(upserts=[gate(online=False)])))
    here.pass_time(1)
    here.see(here.wire.frame(delta=delta(upserts=[node("spare", tags=["tag:router"], primary_routes=[LAN])])))
    here.pass_time(10)
    assert "10.0.0.0/24 route.restored" in here.events()
    assert steps(here) == []
    assert here.store.load().differences == ()


def test_a_type_that_opens_and_ends_opens_and_closes(tmp_path: Path) -> None:
    here = world(tmp_path, route("route.*"))
    here.see(here.wire.frame(delta=delta(upserts=[gate(online=False)])))
    here.pass_time(10)
    here.see(here.wire.frame(delta=delta(upserts=[node("spare", tags=["tag:router"], primary_routes=[LAN])])))
    here.pass_time(10)
    assert steps(here) == ["opens 10.0.0.0/24 carrier: route.lost", "closes 10.0.0.0/24 carrier: route.restored"]


def test_a_worse_rung_updates_the_incident(tmp_path: Path) -> None:
    here = world(tmp_path, route("peer.key_*"))
    here.see(here.wire.frame(delta=delta(upserts=[server(key_expiry=SOON)])))
    here.pass_time(10)
    for _ in range(7):
        here.pass_time(86_400)
    here.see(here.wire.frame(delta=delta(upserts=[server(key_expiry=SOON + timedelta(days=400))])))
    here.pass_time(10)
    told = [step.removeprefix("opens ") for step in steps(here)]
    assert told[-1] == "closes nas key_life: peer.key_renewed"
    assert told[-2] == "nas key_life: peer.key_expired"
    assert set(told[:-2]) == {"nas key_life: peer.key_expiring"}
    assert len(set(keys(here.outboxes["desk"].tellings))) == 1


def test_a_removal_closes_each_open_incident_in_a_message_of_its_own(tmp_path: Path) -> None:
    here = removed_with_two_problems(tmp_path)
    assert sorted(steps(here)[2:]) == ["closes nas key_life: peer.removed", "closes nas presence: peer.removed"]
    tellings = here.outboxes["desk"].tellings
    assert set(keys(tellings[:2])) == set(keys(tellings[2:]))
    assert len({telling.message.key for telling in tellings}) == 4
    assert here.outcomes("desk")[-1] is TOLD
    assert here.store.load().differences == ()


def test_what_a_removal_closes_is_known_after_a_restart(tmp_path: Path) -> None:
    here = removed_with_two_problems(tmp_path)
    said = [telling.message for telling in here.outboxes["desk"].tellings]
    here.restart()
    read = [telling.message for telling in here.reader.backlog("desk", after=0, limit=10)]
    assert read == said
    assert [incident_of(message) for message in read] == [incident_of(message) for message in said]


def removed_with_two_problems(tmp_path: Path) -> World:
    here = world(tmp_path, route("peer.offline", "peer.key_expired"))
    here.see(here.wire.frame(delta=delta(upserts=[server(key_expiry=START - timedelta(days=1), online=False)])))
    here.pass_time(10)
    assert len(steps(here)) == 2
    here.see(here.wire.frame(delta=delta(removals=["nas"])))
    here.pass_time(10)
    return here


@pytest.mark.parametrize(
    ("asked", "told"), [("*", []), ("peer.offline", ["opens nas presence: peer.offline"])], ids=["removals", "without"]
)
def test_being_removed_is_an_incident_only_for_who_hears_of_removals_in_no_other_way(
    tmp_path: Path, asked: str, told: list[str]
) -> None:
    here = world(tmp_path, route(asked))
    here.see(here.wire.frame(delta=delta(removals=["nas"])))
    here.pass_time(10)
    assert here.events() == ["nas peer.offline", "nas peer.removed"]
    assert steps(here) == told
    assert here.outcomes("desk") == [TOLD if told else REVERTED, REVERTED]


@pytest.mark.parametrize(
    ("asked", "told"), [("*", []), ("peer.offline", ["opens nas presence: peer.offline"])], ids=["removals", "without"]
)
def test_a_removal_ends_what_nobody_was_told_of_yet_only_for_who_asks_for_removals(
    tmp_path: Path, asked: str, told: list[str]
) -> None:
    here = world(tmp_path, route(asked))
    here.see(here.wire.patch("nas", online=False))
    here.see(here.wire.frame(delta=delta(removals=["nas"])))
    here.pass_time(10)
    assert steps(here) == told
    assert here.outcomes("desk") == [TOLD if told else REVERTED, REVERTED]


def test_a_peer_that_is_back_at_once_keeps_its_incident(tmp_path: Path) -> None:
    here = world(tmp_path)
    here.see(here.wire.patch("nas", online=False))
    here.pass_time(10)
    here.see(here.wire.frame(delta=delta(removals=["nas"])))
    here.see(here.wire.frame(delta=delta(upserts=[server(online=False)])))
    here.pass_time(10)
    assert steps(here) == ["opens nas presence: peer.offline"]
    here.see(here.wire.patch("nas", online=True))
    here.pass_time(10)
    assert steps(here)[1:] == ["closes nas presence: peer.online"]


def test_a_route_without_endings_closes_nothing_and_opens_again(tmp_path: Path) -> None:
    here = world(tmp_path, route(resolved=False))
    for online in (False, True, False):
        here.see(here.wire.patch("nas", online=online))
        here.pass_time(10)
    here.see(here.wire.frame(delta=delta(removals=["nas"])))
    here.pass_time(10)
    assert steps(here) == ["opens nas presence: peer.offline"] * 2
    assert here.store.load().differences == ()


def test_an_incident_is_closed_after_a_restart(tmp_path: Path) -> None:
    here = world(tmp_path, route("peer.offline"))
    here.see(here.wire.patch("nas", online=False))
    here.pass_time(10)
    here.restart()
    here.connect(last_made=Position("boot-1", 1, 4))
    here.see(here.wire.patch("nas", online=True))
    here.pass_time(10)
    assert steps(here)[1:] == ["closes nas presence: peer.online"]


def test_an_opening_that_was_closed_since_by_a_removal_is_not_replayed(tmp_path: Path) -> None:
    here = removed_with_two_problems(tmp_path)
    at = here.clock.now().wall
    for number, state in ((1, "dead"), (2, "dead"), (3, "delivered"), (4, "delivered")):
        here.writer.inbox.report(Attempt(number, "desk", 1, DeliveryState(state), at))
    here.pass_time(1)
    here.writer.inbox.ask(Replay(((1, "desk"), (2, "desk"))), lambda: None)
    here.step()
    assert here.reader.backlog("desk", after=0, limit=10) == ()


def test_an_end_is_not_replayed_into_an_incident_that_is_open_again(tmp_path: Path) -> None:
    here = removed_with_two_problems(tmp_path)
    at = here.clock.now().wall
    for number in (1, 2, 3, 4):
        state = DeliveryState.DEAD if number > 2 else DeliveryState.DELIVERED
        here.writer.inbox.report(Attempt(number, "desk", 1, state, at))
    here.see(here.wire.frame(delta=delta(upserts=[server()])))
    here.pass_time(10)
    here.see(here.wire.patch("nas", online=False))
    here.pass_time(10)
    assert steps(here)[-1] == "opens nas presence: peer.offline"
    here.writer.inbox.ask(Replay(((3, "desk"), (4, "desk"))), lambda: None)
    here.step()
    waiting = [_step(telling) for telling in here.reader.backlog("desk", after=0, limit=10)]
    assert waiting == ["opens nas presence: peer.offline", "closes nas key_life: peer.removed"]
