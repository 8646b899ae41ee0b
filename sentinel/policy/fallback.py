"""Who else is told what a sink does not get: the fallback sinks of the route by which that sink is told.

A fallback sink is told the message as it is. Its view moves along: a problem that it is told of in this way is as open
there as at the sink that should have been told, so that its end reaches it like any other.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from sentinel.clock import Instant, deadline
from sentinel.events import Difference, Event, Message, Telling, Unheard
from sentinel.model import Audience, Delivery, Outcome, OutcomeState, SinkPolicy
from sentinel.policy.routes import Route, concerned
from sentinel.policy.views import Views


def standing_by(routes: Iterable[Route]) -> dict[str, tuple[str, ...]]:
    """For each sink that is not alone, the sinks that some route names as its fallback."""
    found: dict[str, dict[str, None]] = {}
    for route in routes:
        for sink in route.sinks if route.fallback else ():
            found.setdefault(sink, {}).update(dict.fromkeys(name for name in route.fallback if name != sink))
    return {sink: tuple(names) for sink, names in found.items() if names}


def stand_in(
    views: Views, unheard: Iterable[Unheard], fallback: SinkPolicy, routes: Sequence[Route], now: Instant
) -> None:
    """Tells a fallback sink what others have not got, in the order in which it happened.

    The routes of the moment decide whether it is a fallback for them. What concerns it by itself, and what it was told
    already, it is not told.
    """
    for one in sorted(unheard, key=lambda one: one.message.event.number):
        route = _route(one, routes)
        if route is None or fallback.name not in route.fallback:
            continue
        for extra in _extras(views, one, fallback, route):
            _tell(views, extra, now)


@dataclass(frozen=True, slots=True)
class _Extra:
    """What a fallback sink is told of a message: `speaks` and what it folds, for the sake of the message's sink."""

    sink: str
    missed: Unheard
    speaks: Event
    folded: tuple[Event, ...]
    route: Route


def _route(one: Unheard, routes: Sequence[Route]) -> Route | None:
    """The route by which a message's sink is told: an ending travels by that of its problem, if none asks for it."""
    sink, event = one.message.sink, one.message.event
    if event.type.itself and event.subject.id == sink:
        # How a sink does is no news that it could miss.
        return None
    asks = concerned(event, routes).get(sink)
    return asks or (concerned(one.opening, routes).get(sink) if one.opening else None)


def _extras(views: Views, one: Unheard, fallback: SinkPolicy, route: Route) -> Iterator[_Extra]:
    """One for a program or for people; for incidents one for each problem that is open at the message's sink."""
    if one.overtaken and fallback.audience is not Audience.PROGRAMS:
        return
    message = one.message
    events = [event for event in (*message.folded, message.event) if not _knows(views, one, event, fallback.name)]
    if fallback.audience is Audience.INCIDENTS:
        opened = {row.problem for row in views.rows(message.sink, message.event.subject).values()}
        for event in events:
            if event.event_id in opened:
                yield _Extra(fallback.name, one, event, (), route)
    elif message.event in events:
        yield _Extra(fallback.name, one, message.event, tuple(events[:-1]), route)


def _knows(views: Views, one: Unheard, event: Event, sink: str) -> bool:
    """Whether the event has an outcome at the sink, committed or not."""
    return event.number in one.known or (event.number, sink) in views.decided.outcomes


def _tell(views: Views, extra: _Extra, now: Instant) -> None:
    speaks, folded = extra.speaks, extra.folded
    delivery = Delivery(
        id=views.new_delivery(),
        sink=extra.sink,
        subject=speaks.subject,
        key=speaks.key,
        speaks=speaks.number,
        events=tuple(event.number for event in (*folded, speaks)),
        created_at=now.wall,
    )
    outcomes = [_outcome(extra, OutcomeState.TOLD, speaks, delivery)]
    outcomes += [_outcome(extra, OutcomeState.FOLDED, event, delivery) for event in folded]
    rows = [] if extra.missed.overtaken else list(_open(views, extra, now))
    outcomes += [_held(row, event) for row in rows for event in row.waiting]
    views.take_over(Telling(delivery, Message(speaks.key, extra.sink, speaks, folded)), outcomes, rows)


def _outcome(extra: _Extra, state: OutcomeState, event: Event, delivery: Delivery) -> Outcome:
    missed_by = extra.missed.message.sink
    return Outcome(event.number, extra.sink, state, delivery.id, route=extra.route.label, fallback_for=missed_by)


def _open(views: Views, extra: _Extra, now: Instant) -> Iterator[Difference]:
    """The fallback sink's rows for the problems of the message that are open at its sink, with what waits there."""
    told = {event.event_id for event in (*extra.folded, extra.speaks)}
    own: Mapping[str, Difference] = views.rows(extra.sink, extra.speaks.subject)
    for row in views.rows(extra.missed.message.sink, extra.speaks.subject).values():
        if row.problem is None or row.problem not in told:
            continue
        if (known := own.get(row.aspect)) is not None:
            yield replace(known, problem=row.problem, route=extra.route.label)
        else:
            due = row.due or (deadline(now, now.wall, timedelta()) if row.waiting else None)
            yield replace(row, sink=extra.sink, route=extra.route.label, due=due)


def _held(row: Difference, event: Event) -> Outcome:
    return Outcome(event.number, row.sink, OutcomeState.HELD, why="debounce")
