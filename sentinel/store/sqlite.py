"""The store in one SQLite file: write-ahead log, every commit on disk before it counts, one connection that writes."""

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from importlib import resources
from pathlib import Path
from typing import Any

from sentinel.clock import rfc3339
from sentinel.errors import StoreError
from sentinel.events import Event, EventType
from sentinel.model import Delivery, Reached, unwatched
from sentinel.store import rows
from sentinel.store.protocol import Batch, Contents, SpanRow

SCHEMA_VERSION = 1
LOG_LIMIT = 4 << 20
"""Bytes of write-ahead log after which it is taken into the database."""


class SqliteStore:
    """The writer's connection. Opening migrates; `new_id` names a new ledger."""

    def __init__(
        self,
        path: Path,
        *,
        catalogue: Mapping[str, EventType],
        new_id: Callable[[], str],
        now: datetime,
        reached: Reached = unwatched,
    ) -> None:
        self._path = path
        self._log = path.with_name(f"{path.name}-wal")
        self._catalogue = catalogue
        self._reached = reached
        with _faults(path):
            path.touch(mode=0o600)
            self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
            # Checkpoints are made by `tidy`, so that no commit ever waits for one.
            for pragma in (
                "journal_mode = WAL",
                "synchronous = FULL",
                "busy_timeout = 5000",
                "wal_autocheckpoint = 0",
            ):
                self._connection.execute(f"PRAGMA {pragma}")
            self._migrate(path)
            first = "INSERT OR IGNORE INTO ledger VALUES (1, ?, ?, 0, '')"
            self._connection.execute(first, (new_id(), rfc3339(now)))

    def load(self) -> Contents:
        """Everything as of the last commit."""
        with _faults(self._path):
            return self._load()

    def commit(self, batch: Batch) -> None:
        """All of the batch or nothing, on disk when it returns."""
        with _faults(self._path), self._transaction():
            self._write(batch)
            self._reached("in transaction")

    def purge(self, before: datetime, limit: int) -> int:
        """Forgets up to `limit` events recorded before a moment, sparing what is held, unsent or still open."""
        with _faults(self._path), self._transaction() as connection:
            gone = connection.execute(_PURGEABLE, (rfc3339(before), limit)).fetchall()
            connection.executemany("DELETE FROM outcomes WHERE event = ?", gone)
            connection.executemany("DELETE FROM deliveries WHERE speaks = ?", gone)
            connection.executemany("DELETE FROM events WHERE number = ?", gone)
            spans = "DELETE FROM spans WHERE ended_at IS NOT NULL AND ended_at < ?"
            connection.execute(spans, (rfc3339(before),))
            connection.execute("DELETE FROM rejects WHERE recorded_at < ?", (rfc3339(before),))
            self._reached("purging")
        return len(gone)

    def tidy(self) -> None:
        """Takes the write-ahead log into the database when it has grown; readers at work make it wait, never fail."""
        with _faults(self._path):
            if self._log.stat().st_size >= LOG_LIMIT:
                self._reached("before checkpoint")
                self._connection.execute("PRAGMA wal_checkpoint(PASSIVE)")
                self._reached("after checkpoint")

    def last_words(self, text: str) -> None:
        """Notes why the run ends; empty for a clean end."""
        with _faults(self._path):
            self._connection.execute("UPDATE ledger SET last_words = ?", (text,))

    def close(self) -> None:
        """Ends the connection."""
        self._connection.close()

    def _migrate(self, path: Path) -> None:
        (version,) = self._connection.execute("PRAGMA user_version").fetchone()
        if version > SCHEMA_VERSION:
            raise StoreError(
                f"{path} was written by a newer Sentinel (schema {version}, this one knows {SCHEMA_VERSION}): "
                "install that version or restore a backup"
            )
        for number, script in _migrations():
            if number > version:
                with self._transaction() as connection:
                    for statement in _statements(script):
                        connection.execute(statement)
                    connection.execute(f"PRAGMA user_version = {number}")
                    self._reached("migrating")

    def _load(self) -> Contents:
        fetch = self._connection.execute
        ledger_id, high_revision, last_words = fetch("SELECT id, high_revision, last_words FROM ledger").fetchone()
        (next_event,) = fetch("SELECT coalesce(max(number), 0) + 1 FROM events").fetchone()
        (next_delivery,) = fetch("SELECT coalesce(max(id), 0) + 1 FROM deliveries").fetchone()
        pending = [rows.to_delivery(row) for row in fetch(_PENDING)]
        differences = fetch(f"SELECT {rows.DIFFERENCE_COLUMNS} FROM differences").fetchall()
        events = self._open_events()
        return Contents(
            ledger_id=ledger_id,
            high_revision=high_revision,
            next_event=next_event,
            next_delivery=next_delivery,
            last_words=last_words,
            sources=tuple(rows.to_source(row) for row in fetch("SELECT * FROM sources ORDER BY name")),
            subjects=tuple(rows.to_subject(row) for row in fetch(_SUBJECTS)),
            differences=tuple(rows.to_difference(row, events) for row in differences),
            pending=tuple((delivery, _events_of(delivery, events)) for delivery in pending),
        )

    def _open_events(self) -> dict[int, Event]:
        """Events that wait in a difference or in a pending delivery."""
        found = self._connection.execute(_OPEN_EVENTS)
        return {row[0]: rows.to_event(row, self._catalogue) for row in found}

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield self._connection
        except BaseException:
            # The first error is the one to tell; a rollback that fails too adds nothing.
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")

    def _write(self, batch: Batch) -> None:
        many = self._connection.executemany
        if batch.high_revision is not None:
            many("UPDATE ledger SET high_revision = ?", [(batch.high_revision,)])
        if batch.ledger_id is not None:
            many("UPDATE ledger SET id = ?", [(batch.ledger_id,)])
        many(
            f"INSERT OR REPLACE INTO sources VALUES ({_marks(14)})",
            map(rows.from_source, batch.sources.values()),
        )
        subject_key = ("source", "type", "id")
        _replace(many, "subjects", width=6, key=subject_key, changes=batch.subjects, columns=rows.from_subject)
        many(f"INSERT INTO events VALUES ({_marks(16)})", map(rows.from_event, batch.events))
        for span in batch.spans:
            self._write_span(span)
        place = ("sink", "source", "subject_type", "subject_id", "aspect")
        differences = {(sink, *key, aspect): row for (sink, key, aspect), row in batch.differences.items()}
        _replace(many, "differences", width=13, key=place, changes=differences, columns=rows.from_difference)
        many(
            "INSERT OR REPLACE INTO outcomes VALUES (?,?,?,?,?,?)",
            map(rows.from_outcome, batch.outcomes.values()),
        )
        many(_INSERT_DELIVERY, map(rows.from_delivery, batch.deliveries))
        many(_UPDATE_DELIVERY, map(rows.from_attempt, batch.attempts))
        many(
            "INSERT INTO rejects (source, subject_id, recorded_at, why) VALUES (?,?,?,?)",
            [(reject.source, reject.subject_id, rfc3339(reject.recorded_at), reject.why) for reject in batch.rejects],
        )

    def _write_span(self, span: SpanRow) -> None:
        began = rfc3339(span.began_at)
        self._connection.execute(_END_SPAN, (began, *span.key))
        if span.state is not None:
            started = "INSERT OR REPLACE INTO spans VALUES (?,?,?,?,NULL,?)"
            self._connection.execute(started, (*span.key, began, span.state))


def _replace(
    many: Callable[[str, Iterable[Any]], object],
    table: str,
    *,
    width: int,
    key: tuple[str, ...],
    changes: Mapping[Any, Any],
    columns: Callable[[Any], rows.Row],
) -> None:
    """Writes what is there and deletes what maps to None."""
    put = [columns(row) for row in changes.values() if row is not None]
    gone = [tuple(place) for place, row in changes.items() if row is None]
    many(f"INSERT OR REPLACE INTO {table} VALUES ({_marks(width)})", put)
    many(f"DELETE FROM {table} WHERE ({', '.join(key)}) = ({_marks(len(key))})", gone)


def _marks(count: int) -> str:
    return ",".join("?" * count)


def _events_of(delivery: Delivery, events: Mapping[int, Event]) -> tuple[Event, ...]:
    return tuple(events[number] for number in delivery.events)


def _migrations() -> list[tuple[int, str]]:
    folder = resources.files("sentinel.store") / "migrations"
    files = sorted((entry for entry in folder.iterdir() if entry.name.endswith(".sql")), key=lambda entry: entry.name)
    return [(int(entry.name[:4]), entry.read_text()) for entry in files]


def _statements(script: str) -> Iterator[str]:
    """The statements of a script, whose lines each end at most one of them."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""


@contextmanager
def _faults(path: Path) -> Iterator[None]:
    """Turns what SQLite and the file system say into an error that names the file and what to do."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        raise StoreError(f"the store {path} failed: {error}; {_remedy(error)}") from error
    except OSError as error:
        raise StoreError(
            f"the store {path} cannot be used: {error.strerror}; check its folder's permissions"
        ) from error


def _remedy(error: sqlite3.DatabaseError) -> str:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return "it is damaged: restore a backup, or move it away to start anew"
    if code == sqlite3.SQLITE_FULL:
        return "free some space on its disk and start again"
    return "check its disk and permissions, then start again"


_SUBJECTS = "SELECT source, type, id, revision, problems, body FROM subjects ORDER BY source, type, id"
_PENDING = f"SELECT {rows.DELIVERY_COLUMNS} FROM deliveries WHERE state = 'pending' ORDER BY id"
_OPEN_EVENTS = f"""
    SELECT {rows.EVENT_COLUMNS} FROM events WHERE number IN (
        SELECT event FROM outcomes WHERE state = 'held'
        UNION
        SELECT value FROM deliveries, json_each(deliveries.events) WHERE state = 'pending')
"""
_INSERT_DELIVERY = f"""
    INSERT INTO deliveries ({rows.DELIVERY_COLUMNS}, state) VALUES ({_marks(12)}, 'pending')
"""
# A late success settles a delivery that was given up meanwhile; nothing unsettles a delivered one.
_UPDATE_DELIVERY = """
    UPDATE deliveries SET state = ?, attempt = ?, next_try = ?, settled_at = ?, error = ?
    WHERE id = ? AND state <> 'delivered'
"""
_END_SPAN = """
    UPDATE spans SET ended_at = max(began_at, ?)
    WHERE source = ? AND subject_type = ? AND subject_id = ? AND ended_at IS NULL
"""
_PURGEABLE = """
    SELECT number FROM events
    WHERE recorded_at < ?
      AND NOT EXISTS (SELECT 1 FROM outcomes
                      LEFT JOIN deliveries ON deliveries.id = outcomes.message
                      WHERE outcomes.event = events.number
                        AND (outcomes.state = 'held' OR deliveries.state = 'pending'))
      AND NOT EXISTS (SELECT 1 FROM differences
                      WHERE differences.source = events.source AND differences.subject_type = events.subject_type
                        AND differences.subject_id = events.subject_id
                        AND differences.problem = substr(events.key, 1, 32))
    ORDER BY number LIMIT ?
"""
