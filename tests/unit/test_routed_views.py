"""What sinks are told when routes ask for a part of what happens."""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from datetime import timedelta
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from sentinel.events import Event, EventType, Severity
from sentinel.model import NO_SINK, Audience, OutcomeState, Position, SinkPolicy, SubjectKey
from sentinel.policy.routes import Route, Selector, everything_to
from sentinel.policy.views import Views
from sentinel.store import rows
from sentinel.store.damage import schema_seal
from tests.builders import delta, node
from tests.fakes import FakeClock
from tests.world import World

HELD, TOLD, UNROUTED = OutcomeState.HELD, OutcomeState.TOLD, OutcomeState.UNROUTED
FOLDED, REVERTED = OutcomeState.FOLDED, OutcomeState.REVERTED
SINKS = (SinkPolicy("hook", Audience.PROGRAMS), SinkPolicy("phone", Audience.PEOPLE))


def route(*event_types: str, to: Sequence[str] = ("hook",), index: int = 0, **match: Any) -> Route:
    return Route("", Selector(event_types=event_types, **match), None, tuple(to), stop=False, index=index)


def world(tmp_path: Path, *routes: Route, sinks: Sequence[SinkPolicy] = SINKS) -> World:
    """A service that has just seen two peers for the first time."""
    made = World(tmp_path / "state.db", sinks=sinks, routes=routes)
    made.connect()
    made.see(made.wire.base(node("nas", tags=["tag:server"]), node("pi")))
    return made


def test_a_sink_is_told_only_what_a_route_asks_for(tmp_path: Path) -> None:
    here = world(tmp_path, route("peer.offline"), route("peer.added", to=["phone"], index=1))
    here.see(here.wire.patch("nas", online=False))
    here.see(here.wire.frame(delta=delta(upserts=[node("new")])))
    here.pass_time(10)
    assert here.told("hook") == ["nas peer.offline"]
    assert here.told("phone") == ["new peer.added"]
    assert here.outcomes("hook") == [TOLD]
    assert here.outcomes("phone") == [TOLD]


def test_an_event_that_concerns_no_sink_is_recorded_as_that(tmp_path: Path) -> None:
    here = world(tmp_path, route("peer.removed"))
    here.see(here.wire.patch("nas", online=False))
    here.pass_time(10)
    assert here.events() == ["nas peer.offline"]
    assert here.outcomes(NO_SINK) == [UNROUTED]
    assert here.told("hook") == here.outcomes("hook") == []
    assert here.store.load().differences == ()


def test_the_end_of_a_told_problem_is_told_though_no_route_asks_for_it(tmp_path: Path) -> None:
    here = world(tmp_path, route("peer.offline"))
    here.see(here.wire.patch("nas", online=False))
    here.pass_time(10)
    here.see(here.wire.patch("nas", online=True))
    here.pass_time(10)
    assert here.told("hook") == ["nas peer.offline", "nas peer.online"]
    assert here.outcomes(NO_SINK) == []


def test_the_end_of_a_problem_that_was_not_told_concerns_nobody(tmp_path: Path) -> None:
    here = world(tmp_path, route("peer.offline", tags=("tag:server",)))
    here.see(here.wire.patch("pi", online=False))
    here.pass_time(10)
    here.see(here.wire.patch("pi", online=True))
    here.pass_time(10)
    assert here.told("hook") == []
    assert here.outcomes(NO_SINK) == [UNROUTED, UNROUTED]


def test_the_end_of_a_told_problem_is_told_after_a_restart(tmp_path: Path) -> None:
    here = world(tmp_path, route("peer.offline"))
    here.see(here.wire.patch("nas", online=False))
    here.pass_time(10)
    here.restart()
    here.connect(last_made=Position("boot-1", 1, 4))
    here.see(here.wire.patch("nas", online=True))
    here.pass_time(10)
    assert here.told("hook") == ["nas peer.offline", "nas peer.online"]


@pytest.mark.parametrize("restarted", [False, True])
def test_a_route_without_endings_lets_its_problem_end_in_silence(tmp_path: Path, restarted: bool) -> None:
    quiet = Route("quiet", Selector(), None, ("hook",), stop=False, index=0, resolved=False)
    here = world(tmp_path, quiet)
    here.see(here.wire.patch("nas", online=False))
    here.pass_time(10)
    assert [row.route for row in here.store.load().differences] == ["quiet"]
    if restarted:
        here.restart()
        here.connect(last_made=Position("boot-1", 1, 4))
    here.see(here.wire.patch("nas", online=True))
    here.pass_time(10)
    assert here.told("hook") == ["nas peer.offline"]
    assert here.outcomes("hook") == [TOLD, REVERTED]
    assert here.store.load().differences == ()
    here.see(here.wire.patch("nas", online=False))
    here.pass_time(10)
    assert here.told("hook") == ["nas peer.offline"] * 2


def test_a_route_without_endings_is_not_told_of_a_removal_that_it_does_not_ask_for(tmp_path: Path) -> None:
    asks = Selector(event_types=("peer.offline", "peer.online"))
    here = world(tmp_path, Route("quiet", asks, None, ("hook",), stop=False, index=0, resolved=False))
    here.see(here.wire.patch("nas", online=False))
    here.pass_time(10)
    here.see(here.wire.frame(delta=delta(removals=["nas"])))
    here.pass_time(10)
    assert here.told("hook") == ["nas peer.offline"]
    assert here.outcomes("hook") == [TOLD, REVERTED]
    assert here.store.load().differences == ()


def test_there_and_back_is_not_told_though_only_there_was_asked_for(tmp_path: Path) -> None:
    here = world(tmp_path, route("peer.offline"))
    here.see(here.wire.patch("nas", online=False))
    here.pass_time(1)
    here.see(here.wire.patch("nas", online=True))
    here.pass_time(10)
    assert here.told("hook") == []
    assert here.outcomes("hook") == [REVERTED, REVERTED]


@pytest.mark.parametrize("sink", ["hook", "phone"])
def test_a_problem_that_ended_otherwise_than_it_began_is_not_told_as_open(tmp_path: Path, sink: str) -> None:
    """Another one carries the route before the window is over: the view differs, and nothing is wrong."""
    here = world(tmp_path, route("route.lost", to=[sink]))
    routed = node("pi", primary_routes=["10.0.0.0/24"])
    here.see(here.wire.frame(delta=delta(upserts=[routed])))
    here.pass_time(10)
    here.see(here.wire.patch("pi", online=False))
    here.pass_time(1)
    here.see(here.wire.frame(delta=delta(upserts=[node("nas", tags=["tag:server"], primary_routes=["10.0.0.0/24"])])))
    here.pass_time(10)
    assert [told for told in here.events() if "route." in told] == [
        "10.0.0.0/24 route.lost",
        "10.0.0.0/24 route.restored",
    ]
    assert here.told(sink) == []
    assert here.store.load().differences == ()


def test_what_no_route_asks_for_is_folded_into_what_one_does(tmp_path: Path) -> None:
    here = world(tmp_path, route("peer.offline"))
    for online in (False, True, False):
        here.see(here.wire.patch("nas", online=online))
        here.pass_time(1)
    here.pass_time(10)
    assert here.told("hook") == ["nas peer.offline +2"]
    assert here.outcomes("hook") == [FOLDED, FOLDED, TOLD]


def test_a_view_that_moved_in_silence_is_compared_with_what_it_became(tmp_path: Path) -> None:
    here = world(tmp_path, route("peer.online"))
    here.see(here.wire.patch("nas", online=False))
    here.pass_time(10)
    here.see(here.wire.patch("nas", online=True))
    here.pass_time(10)
    assert here.told("hook") == ["nas peer.online"]
    assert here.outcomes("hook") == [TOLD]
    assert here.outcomes(NO_SINK) == [UNROUTED]


def test_waiting_events_of_which_a_restart_with_other_routes_asks_for_none_are_not_told(tmp_path: Path) -> None:
    here = world(tmp_path, route("peer.offline"))
    here.see(here.wire.patch("nas", online=False))
    here.routes = (route("peer.removed"),)
    here.restart()
    here.connect(last_made=Position("boot-1", 1, 4))
    here.pass_time(10)
    assert here.told("hook") == []
    assert here.outcomes("hook") == [REVERTED]
    assert here.store.load().differences == ()


@pytest.mark.parametrize("audience", [Audience.PROGRAMS, Audience.PEOPLE])
def test_a_removal_is_the_ending_for_a_sink_that_was_told_a_problem(tmp_path: Path, audience: Audience) -> None:
    here = world(tmp_path, route("peer.offline"), sinks=[SinkPolicy("hook", audience)])
    here.see(here.wire.patch("nas", online=False))
    here.pass_time(10)
    here.see(here.wire.frame(delta=delta(removals=["nas"])))
    here.pass_time(10)
    assert here.told("hook") == ["nas peer.offline", "nas peer.removed"]
    assert here.store.load().differences == ()


def test_a_removal_concerns_nobody_who_was_told_no_problem(tmp_path: Path) -> None:
    here = world(tmp_path, route("peer.online"))
    here.see(here.wire.frame(delta=delta(removals=["nas"])))
    here.pass_time(10)
    assert here.told("hook") == []
    assert here.outcomes(NO_SINK) == [UNROUTED, UNROUTED]


@pytest.mark.parametrize("audience", [Audience.PROGRAMS, Audience.PEOPLE])
def test_going_away_with_a_removal_is_a_problem_for_who_does_not_ask_for_removals(
    tmp_path: Path, audience: Audience
) -> None:
    here = world(tmp_path, route("peer.offline"), sinks=[SinkPolicy("hook", audience)])
    here.see(here.wire.frame(delta=delta(removals=["nas"])))
    here.pass_time(10)
    assert here.told("hook") == ["nas peer.offline"]
    here.see(here.wire.frame(delta=delta(upserts=[node("nas")])))
    here.pass_time(10)
    assert here.told("hook") == ["nas peer.offline", "nas peer.online"]
    assert here.outcomes(NO_SINK) == [UNROUTED, UNROUTED]


@pytest.mark.parametrize("audience", [Audience.PROGRAMS, Audience.PEOPLE])
def test_going_away_with_a_removal_is_no_problem_for_who_asks_for_removals(tmp_path: Path, audience: Audience) -> None:
    here = world(tmp_path, route("peer.offline", "peer.removed"), sinks=[SinkPolicy("hook", audience)])
    here.see(here.wire.frame(delta=delta(removals=["nas"])))
    here.pass_time(10)
    assert here.told("hook")[-1].startswith("nas peer.removed")
    assert here.store.load().differences == ()
    here.see(here.wire.frame(delta=delta(upserts=[node("nas")])))
    here.pass_time(10)
    assert len(here.told("hook")) == (1 if audience is Audience.PEOPLE else 2)


def test_for_people_only_what_concerns_them_outranks(tmp_path: Path) -> None:
    here = world(tmp_path, route("peer.online", to=["phone"]))
    here.see(here.wire.frame(delta=delta(upserts=[node("new")])))
    here.pass_time(10)
    assert here.told("phone") == ["new peer.online"]


def test_the_tags_that_a_peer_had_count_for_its_removal(tmp_path: Path) -> None:
    here = world(tmp_path, route("peer.removed", tags=("tag:server",)))
    here.see(here.wire.frame(delta=delta(removals=["nas", "pi"])))
    here.pass_time(10)
    assert here.told("hook") == ["nas peer.removed"]


def test_each_outcome_names_the_route_that_asked(tmp_path: Path) -> None:
    named = Route("servers", Selector(tags=("tag:server",)), None, ("hook",), stop=False, index=0)
    here = world(tmp_path, named, route("peer.offline", to=["hook", "phone"], index=1))
    here.see(here.wire.patch("nas", online=False))
    here.pass_time(10)
    here.see(here.wire.patch("nas", online=True))
    asked = [(outcome.sink, outcome.state, outcome.route) for told in here.history() for outcome in told.outcomes]
    assert asked == [
        ("hook", TOLD, "servers"),
        ("phone", TOLD, "routes[1]"),
        ("hook", HELD, "servers"),
        ("phone", HELD, ""),
    ]


def test_routes_to_unknown_sinks_concern_nobody(tmp_path: Path) -> None:
    here = world(tmp_path, *everything_to(["gone"]))
    here.see(here.wire.patch("nas", online=False))
    assert here.outcomes(NO_SINK) == [UNROUTED]


def test_a_store_without_routes_is_taken_over(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    here = world(tmp_path, *everything_to(["hook"]))
    here.see(here.wire.patch("nas", online=False))
    before = here.store.load().differences
    told = here.history()
    here.store.close()
    _make_older(path)
    here.start()
    assert here.store.load().differences == before
    assert [outcome.state for told_before in told for outcome in told_before.outcomes] == [HELD]
    here.connect(last_made=Position("boot-1", 1, 4))
    here.pass_time(10)
    assert here.told("hook") == ["nas peer.offline"]
    here.restart()


def _make_older(path: Path) -> None:
    """Puts the tables back to how the first version had them."""
    first = (resources.files("sentinel.store") / "migrations" / "0001_ledger.sql").read_text()
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        outcomes = connection.execute("SELECT event, sink, state, message, NULL, why FROM outcomes").fetchall()
        differences = [row[:-2] for row in connection.execute("SELECT * FROM differences")]
        subjects = [row[:-1] for row in connection.execute("SELECT * FROM subjects")]
        for name, found in (("outcomes", outcomes), ("differences", differences), ("subjects", subjects)):
            connection.execute(f"DROP TABLE {name}")
            for statement in first.split(";\n"):
                if f"CREATE TABLE {name} " in statement or f"ON {name} (" in statement:
                    connection.execute(statement)
            for row in found:
                marks = ",".join("?" * (len(row) + 1))
                connection.execute(f"INSERT INTO {name} VALUES ({marks})", rows.sealed(row))
        connection.execute("DROP TABLE purged")
        connection.execute("PRAGMA user_version = 1")
        connection.create_function("seal", -1, rows.seal, deterministic=True)
        connection.execute(
            "UPDATE ledger SET schema = ?1, seal = seal(one, id, created_at, high_revision, last_words, ?1)",
            (schema_seal(connection),),
        )


def test_a_problem_that_outlives_a_burst_still_ends_as_its_route_says(tmp_path: Path) -> None:
    quiet = Route("quiet", Selector(), None, ("hook",), stop=False, index=0, resolved=False)
    here = world(tmp_path, quiet)
    here.see(here.wire.patch("nas", online=False))
    here.pass_time(10)
    for online in (True, False):
        here.see(here.wire.patch("nas", online=online))
    here.pass_time(10)
    here.see(here.wire.patch("nas", online=True))
    here.pass_time(10)
    assert here.told("hook") == ["nas peer.offline"]


def test_what_is_not_asked_for_moves_the_view_of_an_open_problem() -> None:
    clock = FakeClock()
    warnings = route("key.expiring", severities=("warning",))
    views = Views(sinks=SINKS[:1], routes=[warnings], window=timedelta(), rows=(), next_delivery=1, now=clock.now())
    rungs = (("none", "7d", Severity.WARNING), ("7d", "3d", Severity.INFO), ("3d", "7d", Severity.WARNING))
    told = []
    for number, (before, after, severity) in enumerate(rungs, start=1):
        views.observe(rung(number, before, after, severity), clock.now().wall, clock.now())
        views.settle(clock.now(), {("tailnet", "peer")}, until=clock.now())
        told += [telling.delivery.speaks for telling in views.rulings().tellings]
    assert told == [1, 3]


def rung(number: int, before: str, after: str, severity: Severity) -> Event:
    """One step of a problem that has more than two values."""
    now = FakeClock().now().wall
    return Event(
        number=number,
        key=f"{number:064}",
        event_id=f"{number:032}",
        type=EventType("key.expiring", aspect="key life", order=1, problem="opens"),
        subject=SubjectKey("tailnet", "peer", "n1"),
        subject_name="nas",
        severity=severity,
        revision=number,
        timestamp=now,
        recorded_at=now,
        before=before,
        after=after,
        resolves=None,
        body=b"{}",
    )
