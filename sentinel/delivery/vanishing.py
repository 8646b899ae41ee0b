"""An incident that opened and closed before its service could hear of it: nothing of it is sent."""

from collections.abc import Callable, Iterable, Sequence

from sentinel.delivery.absorption import Absorb
from sentinel.delivery.incidents import dedup_key, incident_of
from sentinel.delivery.lanes import Item, Lanes
from sentinel.events import Message, Telling
from sentinel.model import Absorption, DeliveryState


class Vanishing:
    """Lets openings vanish with their ends in the lanes of a sink that keeps incidents.

    Only what was decided in this run and never attempted: a former run may have sent more than it wrote down. While
    `busy`, nothing may be sent. `wake` is called by the writer, once what was asked of it is committed.
    """

    def __init__(self, sink: str, lanes: Lanes, ask: Absorb, wake: Callable[[], None]) -> None:
        self._sink = sink
        self._lanes = lanes
        self._ask = ask
        self._wake = wake
        self._maybe_open: set[str] = set()
        self._untried: set[int] = set()
        self._has_ends = False
        self._going: list[Item] = []
        self.committed = False

    @property
    def busy(self) -> bool:
        """The writer has been asked and has not committed yet."""
        return bool(self._going)

    def remember(self, messages: Iterable[Message]) -> None:
        """What a former run told of and is still open."""
        self._maybe_open |= {_key(message) for message in messages}

    def offered(self, tellings: Sequence[Telling]) -> None:
        """These were decided just now."""
        self._untried |= {telling.delivery.id for telling in tellings}
        self._has_ends = self._has_ends or any(incident_of(telling.message).ends for telling in tellings)

    def began(self, item: Item) -> None:
        """It is being sent: from now on the other side may know of it."""
        self._untried.discard(item.id)
        self._maybe_open.add(_key(item.telling.message))

    def delivered(self, message: Message) -> None:
        """The other side took it."""
        if incident_of(message).ends:
            self._maybe_open.discard(_key(message))

    def begin(self) -> None:
        """Asks the writer, if something came and went."""
        if self.busy or not self._has_ends:
            return
        self._has_ends = False
        gone = [passed for passed in map(self._passed, self._by_incident()) if passed]
        self._going = [item for items in gone for item in items]
        for number, items in enumerate(gone, start=1):
            # The writer obeys in this order, so the last is committed last.
            done = self._note_committed if number == len(gone) else _nothing
            ids = tuple(item.id for item in items)
            self._ask(Absorption(self._sink, ids, ids[-1], ()), done)

    def settle(self) -> None:
        """Takes over what was committed."""
        if not self.committed:
            return
        self.committed = False
        going, self._going = self._going, []
        for item in going:
            self._untried.discard(item.id)
            item.state = DeliveryState.ABSORBED
            self._lanes.remove(item)

    def _by_incident(self) -> Iterable[list[Item]]:
        found: dict[str, list[Item]] = {}
        for item in self._lanes.fresh():
            found.setdefault(_key(item.telling.message), []).append(item)
        return (items for key, items in found.items() if key not in self._maybe_open)

    def _passed(self, items: list[Item]) -> list[Item]:
        """All up to the newest end, if each of them was never tried."""
        ends = [number for number, item in enumerate(items, start=1) if incident_of(item.telling.message).ends]
        passed = items[: ends[-1]] if ends else []
        return passed if all(item.id in self._untried for item in items) else []

    def _note_committed(self) -> None:
        self.committed = True
        self._wake()


def _key(message: Message) -> str:
    return dedup_key(incident_of(message))


def _nothing() -> None:
    """Nobody waits for this one."""
