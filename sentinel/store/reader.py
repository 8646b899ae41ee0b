"""Reading while the writer writes: own connections that cannot change anything."""

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from sentinel.errors import StoreError
from sentinel.events import Event, EventType, Message, Telling
from sentinel.model import Delivery, DeliveryState, Outcome
from sentinel.store import rows
from sentinel.store.protocol import Sent, SinkCounts, SubjectRow, Told

PAGE = 500
"""Events per transaction: a long listing never holds the write-ahead log."""


class SqliteReader:
    """A connection per call, so that any thread may ask."""

    def __init__(self, path: Path, catalogue: Mapping[str, EventType]) -> None:
        self._path = path
        self._catalogue = catalogue

    def events(self, *, after: int, newest: int | None) -> Iterator[Told]:
        """Events with a number above `after`, oldest first; only the `newest` so many unless None."""
        start = max(after, self._start(newest))
        while page := self._page(start):
            yield from page
            start = page[-1].event.number

    def event_count(self) -> int:
        """How many events the ledger has."""
        with self._open() as connection:
            return _one(connection, "SELECT count(*) FROM events")

    def subjects(self) -> tuple[SubjectRow, ...]:
        """All subjects, sorted by key."""
        with self._open() as connection:
            found = connection.execute(f"SELECT {rows.SUBJECT_COLUMNS} FROM subjects ORDER BY source, type, id")
            return tuple(map(rows.to_subject, found))

    def sink_counts(self) -> Mapping[str, SinkCounts]:
        """Deliveries by sink."""
        with self._open() as connection:
            counted = connection.execute("SELECT sink, state, count(*) FROM deliveries GROUP BY sink, state").fetchall()
            held = dict(connection.execute(_HELD).fetchall())
            errors = dict(
                connection.execute(
                    "SELECT sink, error FROM deliveries WHERE state = 'pending' AND error <> '' GROUP BY sink"
                ).fetchall()
            )
        states: dict[str, dict[DeliveryState, int]] = {}
        for sink, state, number in counted:
            states.setdefault(sink, {})[DeliveryState(state)] = number
        return {
            sink: SinkCounts(states.get(sink, {}), held.get(sink, 0), errors.get(sink, ""))
            for sink in states.keys() | held.keys()
        }

    def deliveries(self, *, sink: str, state: DeliveryState | None, ids: Sequence[int], limit: int) -> Iterator[Sent]:
        """The newest `limit` deliveries that match, oldest first; empty conditions match all, limit 0 means all."""
        wanted = {"sink": sink, "state": state or "", "ids": _json(ids)}
        with self._open() as connection:
            nth = f"SELECT id FROM deliveries WHERE {_MATCH} ORDER BY id DESC LIMIT 1 OFFSET :limit"
            found = connection.execute(nth, wanted | {"limit": limit}).fetchone() if limit else None
        after = int(found[0]) if found else 0
        while page := self._sent(wanted | {"after": after}):
            yield from page
            after = page[-1].delivery.id

    def dead(self, *, sink: str, ids: Sequence[int]) -> Sequence[tuple[int, str]]:
        """Dead deliveries that match, with their sinks, oldest first; empty conditions match all."""
        query = f"SELECT id, sink FROM deliveries WHERE {_MATCH} ORDER BY id"
        with self._open() as connection:
            return connection.execute(query, {"sink": sink, "state": "dead", "ids": _json(ids)}).fetchall()

    def _sent(self, wanted: Mapping[str, object]) -> list[Sent]:
        query = f"""
            SELECT state, settled_at, absorbed_by, {rows.DELIVERY_COLUMNS} FROM deliveries
            WHERE {_MATCH} AND id > :after ORDER BY id LIMIT {PAGE}
        """
        with self._open() as connection:
            found = connection.execute(query, wanted).fetchall()
            deliveries = [rows.to_delivery(row[3:]) for row in found]
            events = self._events(connection, {one.speaks for one in deliveries})
        return [
            Sent(delivery, DeliveryState(state), rows.moment(settled_at), absorbed_by, events[delivery.speaks])
            for delivery, (state, settled_at, absorbed_by, *_) in zip(deliveries, found, strict=True)
        ]

    def backlog(self, sink: str, *, after: int, limit: int) -> tuple[Telling, ...]:
        """The sink's oldest pending deliveries with an id above `after`, at most `limit`."""
        with self._open() as connection:
            found = connection.execute(_BACKLOG, (sink, after, limit)).fetchall()
            deliveries = list(map(rows.to_delivery, found))
            events = self._events(connection, {n for one in deliveries for n in (*one.also, *one.events)})
        return tuple(_telling(delivery, events) for delivery in deliveries)

    def _events(self, connection: sqlite3.Connection, numbers: set[int]) -> dict[int, Event]:
        query = f"SELECT {rows.EVENT_COLUMNS} FROM events WHERE number IN (SELECT value FROM json_each(?))"
        found = connection.execute(query, (rows.numbers(sorted(numbers)),))
        return {row[0]: rows.to_event(row, self._catalogue) for row in found}

    def _start(self, newest: int | None) -> int:
        if newest is None:
            return 0
        with self._open() as connection:
            nth = "SELECT number FROM events ORDER BY number DESC LIMIT 1 OFFSET ?"
            found = connection.execute(nth, (newest,)).fetchone()
        return int(found[0]) if found else 0

    def _page(self, after: int) -> list[Told]:
        with self._open() as connection:
            query = f"SELECT {rows.EVENT_COLUMNS} FROM events WHERE number > ? ORDER BY number LIMIT {PAGE}"
            events = [rows.to_event(row, self._catalogue) for row in connection.execute(query, (after,))]
            return [Told(event, self._outcomes(connection, event.number)) for event in events]

    def _outcomes(self, connection: sqlite3.Connection, number: int) -> tuple[Outcome, ...]:
        query = f"SELECT {rows.OUTCOME_COLUMNS} FROM outcomes WHERE event = ? ORDER BY sink"
        found = connection.execute(query, (number,))
        return tuple(map(rows.to_outcome, found))

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        try:
            with closing(sqlite3.connect(f"{self._path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
                connection.execute("PRAGMA query_only = ON")
                connection.execute("BEGIN")
                yield connection
        except sqlite3.DatabaseError as error:
            raise StoreError(f"the store {self._path} cannot be read: {error}") from error


def _telling(delivery: Delivery, events: Mapping[int, Event]) -> Telling:
    """What was told for others may have been forgotten by now; a pending delivery's own events never are."""
    folded = tuple(events[number] for number in delivery.events if number != delivery.speaks)
    also = tuple(events[number] for number in delivery.also if number in events)
    return Telling(delivery, Message(delivery.key, delivery.sink, events[delivery.speaks], folded, also=also))


def _json(ids: Sequence[int]) -> str:
    return rows.numbers(ids) if ids else ""


_MATCH = """
    (:sink = '' OR sink = :sink) AND (:state = '' OR state = :state)
    AND (:ids = '' OR id IN (SELECT value FROM json_each(nullif(:ids, ''))))
"""
_BACKLOG = f"""
    SELECT {rows.DELIVERY_COLUMNS} FROM deliveries
    WHERE sink = ? AND state = 'pending' AND id > ? ORDER BY id LIMIT ?
"""
_HELD = "SELECT sink, count(*) FROM differences WHERE waiting <> '[]' GROUP BY sink"


def _one(connection: sqlite3.Connection, query: str, values: Sequence[object] = ()) -> int:
    return int(connection.execute(query, values).fetchone()[0])
