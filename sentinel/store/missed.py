"""Messages that a sink has not got, and what is known of them elsewhere: read before others are told of them."""

import sqlite3
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace

import orjson

from sentinel.events import Event, EventType, Telling, Unheard
from sentinel.model import SubjectKey
from sentinel.store import rows

Aspect = tuple[SubjectKey, str]


class SqliteMissed:
    """Reads on the writer's own connection, so that nothing comes between looking and committing.

    `faults` turns what SQLite says into an error of the store's.
    """

    def __init__(
        self,
        connection: sqlite3.Connection,
        catalogue: Mapping[str, EventType],
        faults: Callable[[], AbstractContextManager[None]],
    ) -> None:
        self._connection = connection
        self._catalogue = catalogue
        self._faults = faults

    def pending(self, sink: str, *, besides: Collection[str], after: int, limit: int) -> tuple[Telling, ...]:
        """The oldest `limit` that wait at the sink, absorbed ones included, and tell an event above `after`.

        Those that each of `besides` knows are left out, and those that the sink itself was told as a fallback.
        """
        given = {"sink": sink, "besides": _json(besides), "after": after, "limit": limit}
        with self._faults():
            return self._tellings(_PENDING, given)

    def given_up(self, sink: str, deliveries: Sequence[int], *, besides: Collection[str]) -> tuple[Telling, ...]:
        """Of these deliveries of the sink, and of those that they absorbed, what `pending` would have of them."""
        given = {"sink": sink, "besides": _json(besides), "ids": rows.numbers(deliveries), "after": 0, "limit": -1}
        with self._faults():
            return self._tellings(_GIVEN_UP, given)

    def seen_from(self, sink: str, tellings: Sequence[Telling]) -> tuple[Unheard, ...]:
        """What is known of the messages at another sink."""
        with self._faults():
            return self._seen_from(sink, tellings)

    def _seen_from(self, sink: str, tellings: Sequence[Telling]) -> tuple[Unheard, ...]:
        known = self._known(sink, {number for one in tellings for number in one.delivery.events})
        missing = [one.delivery.speaks for one in tellings if one.delivery.speaks not in known]
        newest = self._newest(sink, min(missing)) if missing else {}
        return tuple(
            Unheard(
                message=one.message,
                opening=self._opening(one.message.event),
                known=known.intersection(one.delivery.events),
                overtaken=newest.get(_aspect(one.message.event), 0) > one.delivery.speaks,
            )
            for one in tellings
        )

    def _tellings(self, query: str, given: Mapping[str, object]) -> tuple[Telling, ...]:
        deliveries = [rows.to_delivery(row) for row in self._connection.execute(query, given)]
        events = dict(self._events({number for one in deliveries for number in one.events}))
        # Of what was absorbed, folded events may have been forgotten by now.
        kept = [replace(one, events=tuple(filter(events.__contains__, one.events)), also=()) for one in deliveries]
        return tuple(rows.to_telling(one, events) for one in kept)

    def _events(self, numbers: Collection[int]) -> Iterator[tuple[int, Event]]:
        query = f"SELECT {rows.EVENT_COLUMNS} FROM events WHERE number IN (SELECT value FROM json_each(?))"
        for row in self._connection.execute(query, (rows.numbers(numbers),)):
            yield row[0], rows.to_event(row, self._catalogue)

    def _known(self, sink: str, numbers: Collection[int]) -> frozenset[int]:
        query = "SELECT event FROM outcomes WHERE sink = ? AND event IN (SELECT value FROM json_each(?))"
        return frozenset(number for (number,) in self._connection.execute(query, (sink, rows.numbers(numbers))))

    def _newest(self, sink: str, after: int) -> dict[Aspect, int]:
        """For what the sink was told since, the number of the newest event."""
        found = self._connection.execute(_NEWEST, (after, sink))
        return {(SubjectKey(*key), aspect): number for *key, aspect, number in found}

    def _opening(self, event: Event) -> Event | None:
        if event.resolves is None:
            return None
        found = self._connection.execute(_OPENING, (event.resolves,)).fetchone()
        return rows.to_event(found, self._catalogue) if found else None


def _aspect(event: Event) -> Aspect:
    return event.subject, event.type.aspect


def _json(names: Collection[str]) -> str:
    return orjson.dumps(list(names)).decode()


_NOT_KNOWN = f"""
    UNION SELECT deliveries.id FROM found JOIN deliveries ON absorbed_by = found.id
    )
    SELECT {rows.DELIVERY_COLUMNS} FROM deliveries JOIN found USING (id)
    WHERE speaks > :after
        AND NOT EXISTS (SELECT 1 FROM outcomes WHERE event = speaks AND outcomes.sink = :sink AND fallback_for <> '')
        AND (SELECT count(*) FROM outcomes
             WHERE event = speaks AND outcomes.sink IN (SELECT value FROM json_each(:besides))
            ) < json_array_length(:besides)
    ORDER BY speaks LIMIT :limit
"""
_PENDING = f"""
    WITH RECURSIVE found (id) AS (SELECT id FROM deliveries WHERE sink = :sink AND state = 'pending' {_NOT_KNOWN}
"""
_GIVEN_UP = f"""
    WITH RECURSIVE found (id) AS (
        SELECT id FROM deliveries
        WHERE sink = :sink AND state <> 'delivered' AND id IN (SELECT value FROM json_each(:ids)) {_NOT_KNOWN}
"""
_NEWEST = """
    SELECT source, subject_type, subject_id, aspect, max(number) FROM outcomes JOIN events ON number = event
    WHERE event > ? AND sink = ? AND state IN ('told', 'folded') GROUP BY source, subject_type, subject_id, aspect
"""
_OPENING = f"SELECT {rows.EVENT_COLUMNS} FROM events WHERE key >= ?1 AND key < ?1 || 'g'"
