"""Reading while the writer writes: own connections that cannot change anything."""

import re
import sqlite3
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

import orjson

from sentinel.errors import StoreError
from sentinel.events import Event, EventType, Message, Telling
from sentinel.model import DeliveryState, Outcome, SubjectKey
from sentinel.store import rows
from sentinel.store.protocol import EVERYTHING, OpenProblem, Sent, SinkCounts, SubjectRow, Told, Wanted
from sentinel.store.versions import refuse_others

Conditions = Mapping[str, object]
"""Parameters of a query, by name."""
FEWEST_DIGITS = 8
"""Of an event's id; fewer digits are a number."""
PAGE = 500
"""Events per transaction: a long listing never holds the write-ahead log."""


class SqliteReader:
    """A connection per call, so that any thread may ask."""

    def __init__(self, path: Path, catalogue: Mapping[str, EventType]) -> None:
        self._path = path
        self._catalogue = catalogue

    def events(self, *, after: int, newest: int | None, wanted: Wanted = EVERYTHING) -> Iterator[Told]:
        """Wanted events with a number above `after`, oldest first; only the `newest` so many unless None."""
        conditions = _conditions(wanted)
        start = max(after, self._start(newest, conditions))
        while page := self._page(start, conditions):
            yield from page
            start = page[-1].event.number

    def event(self, name: str) -> Told | None:
        """The event with a number, or the only one whose id begins so; None for none or several."""
        number = int(name) if name.isdecimal() and len(name) < FEWEST_DIGITS else 0
        beginning = name.lower() if re.fullmatch(f"[0-9a-fA-F]{{{FEWEST_DIGITS},64}}", name) else None
        query = f"SELECT {rows.EVENT_COLUMNS} FROM events WHERE number = ?1 OR (key >= ?2 AND key < ?2 || 'g') LIMIT 2"
        with self._open() as connection:
            found = connection.execute(query, (number, beginning)).fetchall()
            if len(found) != 1:
                return None
            event = rows.to_event(found[0], self._catalogue)
            return Told(event, self._outcomes(connection, event.number))

    def open_problems(self, subject: SubjectKey) -> tuple[OpenProblem, ...]:
        """What sinks were told of a subject and is open, sorted by sink."""
        with self._open() as connection:
            found = connection.execute(_OPEN_PROBLEMS, subject).fetchall()
            return tuple(
                OpenProblem(sink, event_id, route, self._by_id(connection, event_id)) for sink, event_id, route in found
            )

    def copy_to(self, path: Path) -> None:
        """Makes a file there that has everything as of the last commit; that file must not exist."""
        path.touch(mode=0o600, exist_ok=False)
        with self._open() as connection, closing(sqlite3.connect(path)) as copy:
            connection.rollback()  # a backup begins a transaction of its own
            connection.backup(copy)

    def event_count(self) -> int:
        """How many events the ledger has."""
        with self._open() as connection:
            return _one(connection, "SELECT count(*) FROM events")

    def subjects(self, types: Collection[str] = ()) -> Iterator[SubjectRow]:
        """All subjects, or those of some types, sorted by key; without their problems, which are the writer's."""
        with self._open() as connection:
            found = connection.execute(_SUBJECTS, {"types": orjson.dumps(list(types)).decode()}).fetchall()
        # Who takes them may be slow, and the write-ahead log would grow meanwhile.
        return map(rows.to_listed, found)

    def sink_counts(self) -> Mapping[str, SinkCounts]:
        """Deliveries by sink."""
        with self._open() as connection:
            counted = connection.execute("SELECT sink, state, count(*) FROM deliveries GROUP BY sink, state").fetchall()
            held = dict(connection.execute(_HELD).fetchall())
            purged = dict(connection.execute("SELECT sink, count FROM purged").fetchall())
            errors = dict(
                connection.execute(
                    "SELECT sink, error FROM deliveries WHERE state = 'pending' AND error <> '' GROUP BY sink"
                ).fetchall()
            )
        states: dict[str, dict[DeliveryState, int]] = {}
        for sink, state, number in counted:
            states.setdefault(sink, {})[DeliveryState(state)] = number
        return {
            sink: SinkCounts(states.get(sink, {}), held.get(sink, 0), errors.get(sink, ""), purged.get(sink, 0))
            for sink in states.keys() | held.keys() | purged.keys()
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
            SELECT state, settled_at, absorbed_by, {_FALLBACK_FOR}, {rows.DELIVERY_COLUMNS} FROM deliveries
            WHERE {_MATCH} AND id > :after ORDER BY id LIMIT {PAGE}
        """
        with self._open() as connection:
            found = connection.execute(query, wanted).fetchall()
            deliveries = [rows.to_delivery(row[4:]) for row in found]
            events = self._events(connection, {one.speaks for one in deliveries})
        return [
            Sent(one, DeliveryState(state), rows.moment(settled_at), absorbed_by, fallback_for, events[one.speaks])
            for one, (state, settled_at, absorbed_by, fallback_for, *_) in zip(deliveries, found, strict=True)
        ]

    def still_open(self, sink: str, *, limit: int = -1) -> tuple[Message, ...]:
        """What the sink was told, or is about to be told, of problems that are open, oldest first; -1 is all of it."""
        with self._open() as connection:
            found = connection.execute(_STILL_OPEN, (sink, limit)).fetchall()
        events = (rows.to_event(row, self._catalogue) for row in found)
        return tuple(Message(event.key, sink, event) for event in events)

    def backlog(self, sink: str, *, after: int, limit: int) -> tuple[Telling, ...]:
        """The sink's oldest pending deliveries with an id above `after`, at most `limit`."""
        with self._open() as connection:
            found = connection.execute(_BACKLOG, (sink, after, limit)).fetchall()
            deliveries = list(map(rows.to_delivery, found))
            events = self._events(connection, {n for one in deliveries for n in (*one.also, *one.events)})
        return tuple(rows.to_telling(delivery, events) for delivery in deliveries)

    def _events(self, connection: sqlite3.Connection, numbers: set[int]) -> dict[int, Event]:
        query = f"SELECT {rows.EVENT_COLUMNS} FROM events WHERE number IN (SELECT value FROM json_each(?))"
        found = connection.execute(query, (rows.numbers(sorted(numbers)),))
        return {row[0]: rows.to_event(row, self._catalogue) for row in found}

    def _by_id(self, connection: sqlite3.Connection, event_id: str) -> Event | None:
        query = f"SELECT {rows.EVENT_COLUMNS} FROM events WHERE key >= ?1 AND key < ?1 || 'g'"
        found = connection.execute(query, (event_id,)).fetchone()
        return rows.to_event(found, self._catalogue) if found else None

    def _start(self, newest: int | None, conditions: Conditions) -> int:
        if newest is None:
            return 0
        with self._open() as connection:
            nth = f"SELECT number FROM events WHERE {_WANTED} ORDER BY number DESC LIMIT 1 OFFSET :newest"
            found = connection.execute(nth, {**conditions, "newest": newest}).fetchone()
        return int(found[0]) if found else 0

    def _page(self, after: int, conditions: Conditions) -> list[Told]:
        with self._open() as connection:
            found = connection.execute(_PAGE, {**conditions, "after": after})
            events = [rows.to_event(row, self._catalogue) for row in found]
            return [Told(event, self._outcomes(connection, event.number)) for event in events]

    def _outcomes(self, connection: sqlite3.Connection, number: int) -> tuple[Outcome, ...]:
        return tuple(map(rows.to_outcome, connection.execute(_OUTCOMES, (number,))))

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        try:
            with closing(sqlite3.connect(f"{self._path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
                connection.execute("PRAGMA query_only = ON")
                connection.execute("BEGIN")
                refuse_others(connection, self._path)
                yield connection
        except sqlite3.DatabaseError as error:
            raise StoreError(f"the store {self._path} cannot be read: {error}") from error


def _json(ids: Sequence[int]) -> str:
    return rows.numbers(ids) if ids else ""


_MATCH = """
    (:sink = '' OR sink = :sink) AND (:state = '' OR state = :state)
    AND (:ids = '' OR id IN (SELECT value FROM json_each(nullif(:ids, ''))))
"""
_FALLBACK_FOR = "coalesce((SELECT max(fallback_for) FROM outcomes WHERE message = deliveries.id), '')"
_BACKLOG = f"""
    SELECT {rows.DELIVERY_COLUMNS} FROM deliveries
    WHERE sink = ? AND state = 'pending' AND id > ? ORDER BY id LIMIT ?
"""


def _conditions(wanted: Wanted) -> Conditions:
    """The parameters of `_WANTED`."""
    return {
        "types": orjson.dumps([glob.replace("[!", "[^") for glob in wanted.types]).decode(),
        "severities": orjson.dumps(wanted.severities).decode(),
        "subjects": orjson.dumps(["|".join(key) for key in wanted.subjects]).decode(),
        "name": wanted.name.lower(),
        "source": wanted.source,
        "sink": wanted.sink,
        "since": rows.text(wanted.since) or "",
    }


_WANTED = """
    (:types = '[]' OR EXISTS (SELECT 1 FROM json_each(:types) WHERE events.type GLOB value))
    AND (:severities = '[]' OR severity IN (SELECT value FROM json_each(:severities)))
    AND (:name = '' OR (:source IN ('', source) AND (lower(subject_name) = :name OR lower(subject_id) = :name))
         OR source || '|' || subject_type || '|' || subject_id IN (SELECT value FROM json_each(:subjects)))
    AND (:sink = '' OR EXISTS (SELECT 1 FROM outcomes WHERE outcomes.event = events.number AND outcomes.sink = :sink))
    AND +recorded_at >= :since  -- without its index: events are read in their order
"""
_PAGE = f"SELECT {rows.EVENT_COLUMNS} FROM events WHERE number > :after AND {_WANTED} ORDER BY number LIMIT {PAGE}"
_SUBJECTS = f"""
    SELECT {rows.LISTED_COLUMNS} FROM subjects
    WHERE :types = '[]' OR type IN (SELECT value FROM json_each(:types)) ORDER BY source, type, id
"""
_OUTCOMES = f"""
    SELECT {rows.OUTCOME_COLUMNS}, CASE WHEN state = 'held' AND why = 'debounce' THEN (
        SELECT due_wall FROM differences JOIN events USING (source, subject_type, subject_id, aspect)
        WHERE number = outcomes.event AND differences.sink = outcomes.sink) END
    FROM outcomes WHERE event = ? ORDER BY sink
"""
_OPEN_PROBLEMS = """
    SELECT sink, problem, route FROM differences
    WHERE source = ? AND subject_type = ? AND subject_id = ? AND problem IS NOT NULL ORDER BY sink, aspect
"""
_STILL_OPEN = f"""
    SELECT {rows.EVENT_COLUMNS} FROM events
    WHERE number IN (SELECT number FROM differences
                     JOIN events ON key >= problem AND key < problem || 'g' WHERE sink = ? AND problem IS NOT NULL)
    ORDER BY number LIMIT ?
"""
_HELD = "SELECT sink, count(*) FROM differences WHERE waiting <> '[]' GROUP BY sink"


def _one(connection: sqlite3.Connection, query: str, values: Sequence[object] = ()) -> int:
    return int(connection.execute(query, values).fetchone()[0])
