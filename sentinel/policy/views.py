"""Each sink has a view of the world; this decides when to mend it.

A row exists only where a view differs from the truth or a problem that the sink was told is still open. An event that
concerns the sink opens or moves a row: a route asks for it, or it ends a problem that the sink was told, or it goes on
with a row that waits. Any other event moves the view in silence. When no reason holds the row any longer, view and
truth are compared: equal means that everything came and went unseen, different means that the sink is told, if
something of it was asked for or ends what it was told. A sink that keeps incidents is concerned by problems alone.
"""

import heapq
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import count

from sentinel.clock import Instant
from sentinel.events import Difference, Event, Message, Telling, incident_at, key_at
from sentinel.model import NO_SINK, Audience, Delivery, Outcome, OutcomeState, SinkPolicy, SubjectKey
from sentinel.policy.incidents import removal_in, turning
from sentinel.policy.reasons import blind, debounce, rebased
from sentinel.policy.routes import Route, concerned

RowKey = tuple[str, SubjectKey, str]
Place = tuple[str, SubjectKey]


@dataclass(slots=True)
class Rulings:
    """What deciding changed since the last commit; `rows` maps to None where a row is gone."""

    rows: dict[RowKey, Difference | None] = field(default_factory=dict)
    outcomes: dict[tuple[int, str], Outcome] = field(default_factory=dict)
    tellings: list[Telling] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Claim:
    """A row that differs, and the event in it that has something to tell the sink."""

    row: Difference
    event: Event


class Views:
    """All rows of all sinks, and the timers that they wait for."""

    def __init__(
        self,
        *,
        sinks: Sequence[SinkPolicy],
        routes: Sequence[Route],
        window: timedelta,
        rows: Iterable[Difference],
        next_delivery: int,
        now: Instant,
    ) -> None:
        self._sinks = {sink.name: sink for sink in sinks}
        self._routes = routes
        self._without_endings = {route.label for route in routes if not route.resolved}
        self._window = window
        self._ids = count(next_delivery)
        self._places: dict[Place, dict[str, Difference]] = {}
        self._timers: list[tuple[float, Place]] = []
        self._unseen: dict[str, set[Place]] = {}
        self._rulings = Rulings()
        self._asked: tuple[Event, Mapping[str, Route]] | None = None
        for row in rows:
            if row.sink in self._sinks:
                self._keep(replace(row, due=rebased(row.due, window, now)))

    def observe(self, event: Event, seen_at: datetime, now: Instant) -> None:
        """Takes an event to every sink that it concerns; `seen_at` starts its windows."""
        asked = self._concerned(event)
        reached = False
        for sink in self._sinks:
            place = (sink, event.subject)
            known = self._places.get(place, {}).get(event.type.aspect)
            if (known and known.waiting) or self._concerns(place, event, asked=sink in asked):
                reached = True
                self._wait(known or _right(place, event), event, seen_at, now)
            elif known:
                self._put(replace(known, told=event.after, truth=event.after))
        if not reached:
            self._rule(Outcome(event.number, NO_SINK, OutcomeState.UNROUTED))

    def settle(self, now: Instant, seeing: AbstractSet[tuple[str, str]], *, until: Instant) -> None:
        """Compares every row that nothing holds any longer than `until`; `seeing` are the sources with
        the types of their subjects that can be believed now.
        """
        for place in self._due(until):
            rows = self._ripe(place, until)
            if not rows:
                continue
            if blind(place[1], seeing):
                self._unseen.setdefault(place[1].source, set()).add(place)
                self._hold(rows, why="blind")
            else:
                self._compare(place, rows, now)

    def sighted(self, source: str, now: Instant) -> None:
        """The source sees again: what only its blindness held is compared at the next settling."""
        for place in sorted(self._unseen.pop(source, ())):
            heapq.heappush(self._timers, (now.boot, place))

    def forget(self, subjects: Iterable[SubjectKey]) -> None:
        """Subjects that are none of ours any more: nothing of them is told, and no sink has anything open there."""
        for place in [(sink, subject) for subject in subjects for sink in self._sinks]:
            for row in list(self._places.get(place, {}).values()):
                self._revert(row, problem=None)

    def next_due(self, now: Instant) -> float | None:
        """Seconds until the next timer; None without one."""
        return max(0.0, self._timers[0][0] - now.boot) if self._timers else None

    def new_delivery(self) -> int:
        """The number of a delivery that somebody else decided."""
        return next(self._ids)

    def rows(self, sink: str, subject: SubjectKey) -> Mapping[str, Difference]:
        """The rows of a sink about a subject, by aspect."""
        return self._places.get((sink, subject), {})

    def take_over(self, telling: Telling, outcomes: Iterable[Outcome], rows: Iterable[Difference]) -> None:
        """Takes over what a sink is told besides, with what becomes of the events and of the sink's view."""
        self._rulings.tellings.append(telling)
        for outcome in outcomes:
            self._rule(outcome)
        for row in rows:
            self._put(row)

    @property
    def decided(self) -> Rulings:
        """What changed since it was last handed over."""
        return self._rulings

    def rulings(self) -> Rulings:
        """Hands over what changed since the last call."""
        taken, self._rulings = self._rulings, Rulings()
        return taken

    def _concerns(self, place: Place, event: Event, *, asked: bool) -> bool:
        """Whether an event concerns a sink at which nothing of its aspect waits; `asked` says that a route asks."""
        if self._ended(place, event):
            return True
        if self._keeps_incidents(place):
            untold = event.type.removal and any(row.waiting for row in self._places.get(place, {}).values())
            return untold or (asked and event.problem == "opens" and not _spares(event, place))
        return (asked and not _spares(event, place)) or _is_told_itself(event, place)

    def _keeps_incidents(self, place: Place) -> bool:
        return self._sinks[place[0]].audience is Audience.INCIDENTS

    def _wait(self, row: Difference, event: Event, seen_at: datetime, now: Instant) -> None:
        place, began = (row.sink, row.subject), row.began or min(seen_at, now.wall)
        due = debounce(self._window, began=began, newest=seen_at, now=now)
        self._put(replace(row, truth=event.after, waiting=(*row.waiting, event), began=began, due=due))
        if self._sinks[row.sink].audience is Audience.PEOPLE:
            self._wait_along(place, row.aspect, seen_at, now)
        if place in self._unseen.get(row.subject.source, ()):
            self._hold(self._places[place].values(), why="debounce")
        else:
            # What waits here already is held for the same reason. There may be a lot of it.
            self._rule(self._outcome(event, row.sink, OutcomeState.HELD, why="debounce"))

    def _ended(self, place: Place, event: Event) -> list[Difference]:
        """The rows whose problem, which the sink was told, the event ends."""
        rows = self._places.get(place, {})
        if event.type.removal:
            return [row for row in rows.values() if row.problem is not None]
        row = rows.get(event.type.aspect) if event.problem == "ends" else None
        return [row] if row and row.problem is not None else []

    def _wait_along(self, place: Place, aspect: str, seen_at: datetime, now: Instant) -> None:
        """People hear one thing of one subject: whatever else it has open there than this aspect waits along."""
        for row in list(self._places[place].values()):
            if row.began is not None and row.aspect != aspect:
                due = debounce(self._window, began=row.began, newest=seen_at, now=now)
                self._put(replace(row, due=due))

    def _due(self, until: Instant) -> Iterator[Place]:
        while self._timers and self._timers[0][0] <= until.boot:
            yield heapq.heappop(self._timers)[1]

    def _ripe(self, place: Place, until: Instant) -> list[Difference]:
        """The rows whose windows are over, and those that wait with something older.

        A wall clock that is corrected between two frames bends their windows; a subject's story keeps its order.
        """
        waiting = [row for row in self._places.get(place, {}).values() if row.waiting]
        newest = max((row.waiting[-1].number for row in waiting if _is_due(row, until)), default=0)
        return [row for row in waiting if row.waiting[-1].number <= newest]

    def _compare(self, place: Place, rows: list[Difference], now: Instant) -> None:
        if self._keeps_incidents(place):
            self._compare_incidents(place, rows, now)
            return
        # Who speaks is settled before anything is told: a problem that is told now was not open before.
        speaking = [(row, self._speaker(place, row)) for row in rows]
        claims = []
        for row, event in speaking:
            if row.told == row.truth:
                self._revert(row, problem=row.problem)
            elif event is None:
                self._move_silently(row)
            else:
                claims.append(_Claim(row, event))
        people = self._sinks[place[0]].audience is Audience.PEOPLE
        for speaker, quiet in _parts(claims) if people else ((claim, ()) for claim in _in_order(claims)):
            self._tell(speaker, quiet, now)

    def _compare_incidents(self, place: Place, rows: list[Difference], now: Instant) -> None:
        """Each problem by itself; a removal ends all that is open, each in a message of its own."""
        removal = removal_in(rows)
        if removal is None:
            for row in rows:
                self._turn(place, row, None, now)
            return
        gone = next(row for row in rows if row.waiting[-1] is removal)
        open_rows = [row for row in self._places[place].values() if row.problem is not None and not row.waiting]
        told = [self._turn(place, row, removal, now) for row in (*rows, *open_rows) if row is not gone]
        self._revert(gone, problem=None)
        if first := next(filter(None, told), None):
            self._rule(self._outcome(removal, place[0], OutcomeState.TOLD, message=first))

    def _turn(self, place: Place, row: Difference, removal: Event | None, now: Instant) -> int | None:
        """Tells what became of the problem of a row, if anything; returns the delivery that tells of the removal."""
        last = turning(row.waiting)
        over = last is not None and last.problem == "ends"
        if row.problem is not None and (over or removal is not None):
            speaks = last if over else removal
            reaches = row.route not in self._without_endings or (over and self._asks(place, last))
        else:
            # Who asks for no removals hears in no other way that something went.
            came_and_went = over or row.told == row.truth or self._asks(place, removal)
            speaks = None if came_and_went else last
            reaches = self._asks(place, speaks)
        if speaks is not None and reaches:
            delivery = self._tell(_Claim(row, speaks), (), now)
            return delivery if speaks is removal else None
        why = "" if speaks is None else "no route asks for what is left"
        self._revert(row, problem=None if over or removal is not None else row.problem, why=why)
        return None

    def _asks(self, place: Place, event: Event | None) -> bool:
        return event is not None and place[0] in self._concerned(event)

    def _speaker(self, place: Place, row: Difference) -> Event | None:
        """The newest event that a route asks for or that ends what the sink was told; no problem that ended since."""
        last = turning(row.waiting)
        over = last is not None and last.problem == "ends"
        news = (event for event in reversed(row.waiting) if not (over and event.problem == "opens"))
        return next((event for event in news if self._reaches(place, event)), None)

    def _reaches(self, place: Place, event: Event) -> bool:
        """An ending travels by the route that told the problem, unless that carries none."""
        if self._asks(place, event) or _is_told_itself(event, place):
            return True
        return any(row.route not in self._without_endings for row in self._ended(place, event))

    def _revert(self, row: Difference, *, problem: str | None, why: str = "") -> None:
        for event in row.waiting:
            self._rule(self._outcome(event, row.sink, OutcomeState.REVERTED, why=why))
        self._close(row, problem=problem, route=row.route)

    def _move_silently(self, row: Difference) -> None:
        """Nobody asked for what is left; an ending in it still ends what the sink was told."""
        ended = any(event.problem == "ends" for event in row.waiting)
        self._revert(row, problem=None if ended else row.problem, why="no route asks for what is left")
        if any(event.type.removal for event in row.waiting):
            self._end_problems((row.sink, row.subject), told_by=self._without_endings)

    def _tell(self, speaker: _Claim, quiet: Iterable[_Claim], now: Instant) -> int:
        """Returns the delivery."""
        claims = [speaker, *quiet]
        events = sorted((event for claim in claims for event in claim.row.waiting), key=lambda event: event.number)
        speaks = speaker.event
        folded = tuple(event for event in events if event is not speaks)
        telling = self._telling(speaker.row, speaks, folded, now)
        self._rulings.tellings.append(telling)
        for event in events:
            state = OutcomeState.TOLD if event is speaks else OutcomeState.FOLDED
            self._rule(self._outcome(event, speaker.row.sink, state, message=telling.delivery.id))
        for claim in claims:
            opened = claim.event if claim.event.problem == "opens" else None
            route = self._route(opened, claim.row.sink) if opened else ""
            self._close(claim.row, problem=opened.event_id if opened else None, route=route)
        place = (speaker.row.sink, speaker.row.subject)
        if speaks.type.removal and not self._keeps_incidents(place):
            self._end_problems(place)
        return telling.delivery.id

    def _telling(self, row: Difference, speaks: Event, folded: tuple[Event, ...], now: Instant) -> Telling:
        key = key_at(speaks, row.aspect)
        delivery = Delivery(
            id=next(self._ids),
            sink=row.sink,
            subject=row.subject,
            key=key,
            speaks=speaks.number,
            events=tuple(event.number for event in (*folded, speaks)),
            created_at=now.wall,
        )
        return Telling(delivery, Message(key, row.sink, speaks, folded, incident_at(key, speaks)))

    def _end_problems(self, place: Place, told_by: AbstractSet[str] | None = None) -> None:
        """A removal is the ending of whatever its subject had open, one in silence of what these routes told."""
        for row in list(self._places.get(place, {}).values()):
            if row.problem is not None and (told_by is None or row.route in told_by):
                if row.waiting:
                    self._put(replace(row, problem=None, route=""))
                else:
                    self._close(row, problem=None, route="")

    def _close(self, row: Difference, *, problem: str | None, route: str) -> None:
        """The row has nothing left to tell: it stays only as the memory of an open problem and who told it."""
        if problem is not None:
            self._put(Difference(row.sink, row.subject, row.aspect, row.truth, row.truth, problem, route=route))
            return
        place = (row.sink, row.subject)
        del self._places[place][row.aspect]
        if not self._places[place]:
            del self._places[place]
        self._rulings.rows[*place, row.aspect] = None

    def _hold(self, rows: Iterable[Difference], *, why: str) -> None:
        for row in rows:
            for event in row.waiting:
                self._rule(self._outcome(event, row.sink, OutcomeState.HELD, why=why))

    def _outcome(
        self,
        event: Event,
        sink: str,
        state: OutcomeState,
        *,
        message: int | None = None,
        why: str = "",
    ) -> Outcome:
        return Outcome(event.number, sink, state, message, why, self._route(event, sink))

    def _route(self, event: Event, sink: str) -> str:
        """The label of the route that asks for the event there, empty if none does."""
        route = self._concerned(event).get(sink)
        return route.label if route else ""

    def _concerned(self, event: Event) -> Mapping[str, Route]:
        """For each sink the route that asks for the event, which is wanted time and again for one and the same."""
        if self._asked is None or self._asked[0] is not event:
            self._asked = (event, concerned(event, self._routes))
        return self._asked[1]

    def _rule(self, outcome: Outcome) -> None:
        self._rulings.outcomes[outcome.event, outcome.sink] = outcome

    def _put(self, row: Difference) -> None:
        self._keep(row)
        self._rulings.rows[row.sink, row.subject, row.aspect] = row

    def _keep(self, row: Difference) -> None:
        place = (row.sink, row.subject)
        self._places.setdefault(place, {})[row.aspect] = row
        if row.due is not None:
            heapq.heappush(self._timers, (row.due.boot, place))


def _right(place: Place, event: Event) -> Difference:
    """The view of an aspect that is as it was before the event."""
    return Difference(*place, event.type.aspect, told=event.before, truth=event.before)


def _spares(event: Event, place: Place) -> bool:
    """Whether the event is about the sink itself, which is not told of it."""
    return event.type.itself == "spared" and event.subject.id == place[0]


def _is_told_itself(event: Event, place: Place) -> bool:
    return event.type.itself == "told" and event.subject.id == place[0]


def _is_due(row: Difference, until: Instant) -> bool:
    return row.due is not None and row.due.seconds_left(until) <= 0


def _in_order(claims: Iterable[_Claim]) -> list[_Claim]:
    return sorted(claims, key=lambda claim: claim.event.number)


def _parts(claims: list[_Claim]) -> Iterator[tuple[_Claim, list[_Claim]]]:
    """Who speaks to people, and whom each of them leaves nothing to say."""
    quiet = {
        other.row.aspect: claim.row.aspect
        for claim in claims
        for other in claims
        if other.event.type.name in claim.event.type.outranks
    }
    for claim in _in_order(claims):
        if claim.row.aspect not in quiet:
            yield claim, [other for other in claims if quiet.get(other.row.aspect) == claim.row.aspect]
