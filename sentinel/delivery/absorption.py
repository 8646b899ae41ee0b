"""One message for people instead of many that never left."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from sentinel.delivery.lanes import Item, Lanes
from sentinel.events import Event, Telling
from sentinel.model import Absorption, DeliveryState

MOST_APART = 3
"""Unsent messages that still go out one by one."""

Absorb = Callable[[Absorption, Callable[[], None]], None]
"""Asks the writer to let one delivery speak for others; what it is called with is called once that is committed."""


class Absorbing:
    """What piled up in the lanes of a sink for people becomes one message; while `busy`, nothing may be sent.

    `wake` is called by the writer, once what was asked of it is committed.
    """

    def __init__(self, sink: str, lanes: Lanes, ask: Absorb, wake: Callable[[], None]) -> None:
        self._sink = sink
        self._lanes = lanes
        self._ask = ask
        self._wake = wake
        self._merging: tuple[Item, list[Item], Telling] | None = None
        self.committed = False

    @property
    def busy(self) -> bool:
        """The writer has been asked and has not committed yet."""
        return self._merging is not None

    def begin(self) -> None:
        """Asks the writer, if enough has piled up."""
        fresh = [] if self.busy else self._lanes.fresh()
        if len(fresh) <= MOST_APART:
            return
        *older, newest = fresh
        telling = merged([item.telling for item in older], newest.telling)
        self._merging = (newest, older, telling)
        absorption = Absorption(self._sink, tuple(item.id for item in older), newest.id, telling.delivery.also)
        self._ask(absorption, self._note_committed)

    def settle(self) -> None:
        """Takes over what was committed."""
        if not self.committed or self._merging is None:
            return
        self.committed = False
        (newest, older, telling), self._merging = self._merging, None
        newest.telling = telling
        self._lanes.cover(newest)
        for item in older:
            item.state = DeliveryState.ABSORBED
            self._lanes.remove(item)

    def _note_committed(self) -> None:
        self.committed = True
        self._wake()


def merged(older: Sequence[Telling], newest: Telling) -> Telling:
    """The newest telling, which also tells what the older ones would have; its key and its own events stay."""
    also = thinned(event for telling in (*older, newest) for event in _for_others(telling, newest))
    delivery = replace(newest.delivery, also=tuple(event.number for event in also))
    return Telling(delivery, replace(newest.message, also=also))


def thinned(events: Iterable[Event]) -> tuple[Event, ...]:
    """The first and the newest event of each subject and aspect, oldest first: enough to say what came and went."""
    first: dict[tuple[object, str], Event] = {}
    last: dict[tuple[object, str], Event] = {}
    for event in sorted(events, key=lambda event: event.number):
        place = (event.subject, event.type.aspect)
        first.setdefault(place, event)
        last[place] = event
    kept = {event.number: event for event in (*first.values(), *last.values())}
    return tuple(kept[number] for number in sorted(kept))


def _for_others(telling: Telling, newest: Telling) -> Iterable[Event]:
    message = telling.message
    own = () if telling is newest else (*message.folded, message.event)
    return (*message.also, *own)
