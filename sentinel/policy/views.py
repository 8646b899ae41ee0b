"""Each sink has a view of the world; this decides when to mend it.

A row exists only where a view differs from the truth or a problem that the sink was told is still open. An event opens
or moves a row; when no reason holds the row any longer, view and truth are compared: equal means that everything came
and went unseen, different means that the sink is told.
"""

import heapq
from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import count

from sentinel.clock import Deadline, Instant, deadline
from sentinel.events import Difference, Event, Message, Telling
from sentinel.model import Audience, Delivery, Outcome, OutcomeState, SinkPolicy, SubjectKey
from sentinel.policy.reasons import blind, debounce

RowKey = tuple[str, SubjectKey, str]
Place = tuple[str, SubjectKey]


@dataclass(slots=True)
class Rulings:
    """What deciding changed since the last commit; `rows` maps to None where a row is gone."""

    rows: dict[RowKey, Difference | None] = field(default_factory=dict)
    outcomes: dict[tuple[int, str], Outcome] = field(default_factory=dict)
    tellings: list[Telling] = field(default_factory=list)


class Views:
    """All rows of all sinks, and the timers that they wait for."""

    def __init__(
        self,
        sinks: Sequence[SinkPolicy],
        window: timedelta,
        rows: Iterable[Difference],
        next_delivery: int,
        now: Instant,
    ) -> None:
        self._sinks = {sink.name: sink for sink in sinks}
        self._window = window
        self._ids = count(next_delivery)
        self._places: dict[Place, dict[str, Difference]] = {}
        self._timers: list[tuple[float, Place]] = []
        self._unseen: dict[str, set[Place]] = {}
        self._rulings = Rulings()
        for row in rows:
            if row.sink in self._sinks:
                self._keep(replace(row, due=_rebased(row.due, window, now)))

    def observe(self, event: Event, seen_at: datetime, now: Instant) -> None:
        """Takes an event to every sink that it concerns; `seen_at` starts its windows."""
        for sink in self._sinks.values():
            place = (sink.name, event.subject)
            row = self._row(place, event)
            began = row.began or min(seen_at, now.wall)
            self._put(replace(row, truth=event.after, waiting=(*row.waiting, event), began=began))
            self._debounce(place, event.type.aspect, seen_at, now)

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
                self._hold(rows, until=None, why="blind")
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
                self._revert(replace(row, problem=None))

    def next_due(self, now: Instant) -> float | None:
        """Seconds until the next timer; None without one."""
        return max(0.0, self._timers[0][0] - now.boot) if self._timers else None

    def rulings(self) -> Rulings:
        """Hands over what changed since the last call."""
        taken, self._rulings = self._rulings, Rulings()
        return taken

    def _row(self, place: Place, event: Event) -> Difference:
        known = self._places.get(place, {}).get(event.type.aspect)
        return known or Difference(*place, event.type.aspect, told=event.before, truth=event.before)

    def _debounce(self, place: Place, aspect: str, seen_at: datetime, now: Instant) -> None:
        """People hear one thing of one subject: whatever else it has open there waits along."""
        together = self._sinks[place[0]].audience is Audience.PEOPLE
        for row in list(self._places[place].values()):
            if row.began is not None and (together or row.aspect == aspect):
                due = debounce(self._window, began=row.began, newest=seen_at, now=now)
                self._put(replace(row, due=due))
                self._hold([row], until=due, why="debounce")

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
        for row in rows:
            if row.told == row.truth:
                self._revert(row)
        differing = [row for row in rows if row.told != row.truth]
        people = self._sinks[place[0]].audience is Audience.PEOPLE
        for speaker, quiet in _parts(differing) if people else ((row, ()) for row in _in_order(differing)):
            self._tell(speaker, quiet, now)

    def _revert(self, row: Difference) -> None:
        for event in row.waiting:
            self._rule(Outcome(event.number, row.sink, OutcomeState.REVERTED))
        self._close(row, problem=row.problem)

    def _tell(self, speaker: Difference, quiet: Iterable[Difference], now: Instant) -> None:
        rows = [speaker, *quiet]
        events = sorted((event for row in rows for event in row.waiting), key=lambda event: event.number)
        speaks = speaker.waiting[-1]
        folded = tuple(event for event in events if event is not speaks)
        telling = self._telling(speaker, speaks, folded, now)
        self._rulings.tellings.append(telling)
        for event in events:
            state = OutcomeState.TOLD if event is speaks else OutcomeState.FOLDED
            self._rule(Outcome(event.number, speaker.sink, state, message=telling.delivery.id))
        for row in rows:
            newest = row.waiting[-1]
            self._close(row, problem=newest.event_id if newest.problem == "opens" else None)
        if speaks.type.removal:
            self._end_problems((speaker.sink, speaker.subject))

    def _telling(self, row: Difference, speaks: Event, folded: tuple[Event, ...], now: Instant) -> Telling:
        delivery = Delivery(
            id=next(self._ids),
            sink=row.sink,
            subject=row.subject,
            key=speaks.key,
            speaks=speaks.number,
            events=tuple(event.number for event in (*folded, speaks)),
            created_at=now.wall,
        )
        return Telling(delivery, Message(speaks.key, row.sink, speaks, folded))

    def _end_problems(self, place: Place) -> None:
        """A removal is the ending of whatever its subject had open."""
        for row in list(self._places.get(place, {}).values()):
            if row.problem is not None:
                self._close(row, problem=None) if not row.waiting else self._put(replace(row, problem=None))

    def _close(self, row: Difference, *, problem: str | None) -> None:
        """The row has nothing left to tell: it stays only as the memory of an open problem."""
        if problem is not None:
            self._put(Difference(row.sink, row.subject, row.aspect, row.truth, row.truth, problem))
            return
        place = (row.sink, row.subject)
        del self._places[place][row.aspect]
        if not self._places[place]:
            del self._places[place]
        self._rulings.rows[*place, row.aspect] = None

    def _hold(self, rows: Iterable[Difference], *, until: Deadline | None, why: str) -> None:
        for row in rows:
            for event in row.waiting:
                held_until = until.wall if until else None
                self._rule(Outcome(event.number, row.sink, OutcomeState.HELD, until=held_until, why=why))

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


def _is_due(row: Difference, until: Instant) -> bool:
    return row.due is not None and row.due.seconds_left(until) <= 0


def _rebased(due: Deadline | None, window: timedelta, now: Instant) -> Deadline | None:
    """The same moment on this boot's clock; a wall clock that starts behind makes no window longer than usual."""
    if due is None or due.boot_id == now.boot_id:
        return due
    left = timedelta(seconds=due.seconds_left(now))
    return deadline(now, now.wall, min(left, window))


def _in_order(rows: Iterable[Difference]) -> list[Difference]:
    return sorted(rows, key=lambda row: row.waiting[-1].number)


def _parts(rows: list[Difference]) -> Iterator[tuple[Difference, list[Difference]]]:
    """Who speaks to people, and whom each of them leaves nothing to say."""
    quiet = {
        other.aspect: row.aspect
        for row in rows
        for other in rows
        if other.waiting[-1].type.name in row.waiting[-1].type.outranks
    }
    for row in _in_order(rows):
        if row.aspect not in quiet:
            yield row, [other for other in rows if quiet.get(other.aspect) == row.aspect]
