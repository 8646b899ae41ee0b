"""What a sink's loop has to send: a window of it in memory, the rest in the store."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from sentinel.clock import Instant
from sentinel.delivery.lanes import Item, Lanes
from sentinel.delivery.schedule import LONGEST_PROBE
from sentinel.delivery.story import Story
from sentinel.delivery.window import Window
from sentinel.errors import StoreError
from sentinel.events import Telling

READ_AGAIN_AFTER = 5.0
"""Seconds after which a store that could not be read is tried again."""

Backlog = Callable[..., Sequence[Telling]]
"""Reads from the store: called with `after` and `limit`, like `Reader.backlog` of one sink. May raise StoreError."""


class Stock:
    """Keeps `lanes` filled, oldest first; with a backlog they hold at most `size` deliveries."""

    def __init__(self, backlog: Backlog | None, size: int, story: Story) -> None:
        self.lanes = Lanes()
        self._backlog = backlog
        self._window = Window(size if backlog else None)
        self._story = story
        self._read_from = 0.0

    def take_in(self, tellings: Sequence[Telling], now: Instant, *, more: bool) -> None:
        """Takes what is offered; `more` says that the store has deliveries that nobody offers."""
        if more:
            # Before anything newer is taken: what nobody offers may be older.
            self._window.falls_behind()
        for telling in sorted(tellings, key=lambda telling: telling.delivery.id):
            if self._window.takes(telling.delivery.id, len(self.lanes)):
                self._hold(telling, now)

    def refill(self, now: Instant) -> bool:
        """Reads on where memory ends, if there is room and the store has more; returns whether anything came."""
        room = self._window.room(len(self.lanes))
        if not room or self._backlog is None or now.boot < self._read_from:
            return False
        try:
            tellings = self._backlog(after=self._window.newest, limit=room)
        except StoreError as error:
            self._story.unreadable(error)
            self._read_from = now.boot + READ_AGAIN_AFTER
            return False
        self._window.has_read([telling.delivery.id for telling in tellings], room)
        for telling in tellings:
            self._hold(telling, now)
        return bool(tellings)

    def due(self) -> float | None:
        """When to refill, on the boot clock; None while there is no need."""
        return self._read_from if self._window.room(len(self.lanes)) else None

    def _hold(self, telling: Telling, now: Instant) -> None:
        delivery = telling.delivery
        # What a former run waited for may be over, and a wall clock may have been set back meanwhile.
        due = None if delivery.next_try is None else on_boot_clock(delivery.next_try, now, LONGEST_PROBE)
        self.lanes.add(Item(telling, delivery.attempt, due))


def on_boot_clock(moment: datetime, now: Instant, most: timedelta) -> float:
    """A moment of the wall clock, at most so far ahead."""
    return now.boot + min(moment - now.wall, most).total_seconds()
