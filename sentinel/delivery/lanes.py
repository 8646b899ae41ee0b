"""What waits to be sent: one lane per subject, in which deliveries keep their order."""

import heapq
from dataclasses import dataclass

from sentinel.events import Telling
from sentinel.model import DeliveryState, SubjectKey


@dataclass(slots=True, eq=False)
class Item:
    """A delivery on its way; `attempt` counts finished ones, `due` is on the boot clock, None for at once."""

    telling: Telling
    attempt: int
    due: float | None = None
    state: DeliveryState = DeliveryState.PENDING

    @property
    def id(self) -> int:
        """The delivery's id."""
        return self.telling.delivery.id

    @property
    def subject(self) -> SubjectKey:
        """Whose lane it is in."""
        return self.telling.delivery.subject


class Lanes:
    """The oldest of a subject goes first; while it waits for its due time, other subjects overtake.

    What is taken keeps its lane to itself until it is given back with `release`. Nothing overtakes an older delivery
    that speaks for its subject.
    """

    def __init__(self) -> None:
        self._lanes: dict[SubjectKey, list[tuple[int, Item]]] = {}
        self._ids: set[int] = set()
        self._busy: set[SubjectKey] = set()
        self._covering: dict[int, frozenset[SubjectKey]] = {}
        # Both may hold entries that are no longer true: what is taken is checked against its lane.
        self._ready: list[tuple[int, SubjectKey]] = []
        self._later: list[tuple[float, int, SubjectKey]] = []

    def __len__(self) -> int:
        return len(self._ids)

    def add(self, item: Item) -> None:
        """Takes a delivery; one that is there already is left as it is."""
        if item.id in self._ids:
            return
        self._ids.add(item.id)
        heapq.heappush(self._lanes.setdefault(item.subject, []), (item.id, item))
        self.cover(item)
        if self._first(item.subject) is item:
            self._line_up(item)

    def cover(self, item: Item) -> None:
        """A delivery speaks for other subjects, too: nothing newer of theirs overtakes it."""
        if also := item.telling.message.also:
            self._covering[item.id] = frozenset(event.subject for event in also)

    def take(self, now: float) -> Item | None:
        """The oldest delivery that may be sent at `now`; its lane is closed until it is released."""
        while self._later and self._later[0][0] <= now:
            _, delivery, subject = heapq.heappop(self._later)
            heapq.heappush(self._ready, (delivery, subject))
        while self._ready:
            delivery, subject = heapq.heappop(self._ready)
            first = self._named(delivery, subject)
            if first is not None and (first.due is None or first.due <= now):
                self._busy.add(subject)
                return first
        return None

    def take_oldest(self) -> Item | None:
        """The oldest delivery that is not taken, due or not; its lane is closed until it is released."""
        heads = [first for subject in list(self._lanes) if (first := self._waiting(subject)) is not None]
        if not heads:
            return None
        oldest = min(heads, key=lambda item: item.id)
        self._busy.add(oldest.subject)
        return oldest

    def waiting(self) -> list[Item]:
        """All that are not settled, without the lanes that are closed."""
        return [item for subject in self._lanes if subject not in self._busy for item in self._pending(subject)]

    def fresh(self) -> list[Item]:
        """All of subjects of which none was ever attempted and for which nothing else speaks, oldest first."""
        lanes = [self._pending(subject) for subject in self._lanes if subject not in self._busy]
        untried = {
            item.id: item
            for lane in lanes
            if not any(item.attempt or item.due is not None for item in lane)
            for item in lane
        }
        tried = [subjects for number, subjects in self._covering.items() if number not in untried]
        return [item for _, item in sorted(untried.items()) if not any(item.subject in subjects for subjects in tried)]

    def hasten(self) -> None:
        """Lets nothing wait for its due time any longer."""
        for item in self.waiting():
            if item.due is not None:
                item.due = None
                self._line_up(item)

    def release(self, item: Item) -> None:
        """Opens the lane of a delivery that was taken, which is settled by now or due again."""
        self._busy.discard(item.subject)
        first = self._first(item.subject)
        if first is not None:
            self._line_up(first)

    def due(self) -> float | None:
        """When to take again, on the boot clock; None while nothing waits."""
        dues: list[float] = []
        while self._ready and not dues:
            first = self._named(*self._ready[0])
            dues += [] if first is None else [first.due or 0.0]
            if first is None:
                heapq.heappop(self._ready)
        while self._later:
            due, delivery, subject = self._later[0]
            if self._named(delivery, subject) is not None:
                return min([due, *dues])
            heapq.heappop(self._later)
        return min(dues, default=None)

    def remove(self, item: Item) -> None:
        """Lets a settled delivery go, whose state says so already; the next of its subject comes forward."""
        if item.id not in self._ids:
            return
        self._ids.remove(item.id)
        covered = self._covering.pop(item.id, frozenset())
        for subject in {item.subject, *covered}:
            first = self._first(subject)
            if first is not None:
                self._line_up(first)

    def _line_up(self, item: Item) -> None:
        if item.due is None:
            heapq.heappush(self._ready, (item.id, item.subject))
        else:
            heapq.heappush(self._later, (item.due, item.id, item.subject))

    def _pending(self, subject: SubjectKey) -> list[Item]:
        return [item for _, item in self._lanes[subject] if item.state is DeliveryState.PENDING]

    def _named(self, delivery: int, subject: SubjectKey) -> Item | None:
        """The delivery, if it is the next of its subject."""
        first = self._waiting(subject)
        return first if first is not None and first.id == delivery else None

    def _waiting(self, subject: SubjectKey) -> Item | None:
        first = None if subject in self._busy else self._first(subject)
        return None if first is None or self._is_covered(first) else first

    def _is_covered(self, item: Item) -> bool:
        return any(number < item.id and item.subject in subjects for number, subjects in self._covering.items())

    def _first(self, subject: SubjectKey) -> Item | None:
        lane = self._lanes.get(subject, [])
        while lane and lane[0][1].state is not DeliveryState.PENDING:
            heapq.heappop(lane)
        if lane:
            return lane[0][1]
        self._lanes.pop(subject, None)
        return None
