"""The store in one SQLite file: write-ahead log, every commit on disk before it counts, one connection that writes."""

import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from datetime import datetime
from functools import partial
from importlib import resources
from itertools import chain
from pathlib import Path
from typing import Any

from sentinel.clock import rfc3339
from sentinel.errors import StoreError
from sentinel.events import Event, EventType
from sentinel.model import Reached, unwatched
from sentinel.store import rows, statements, wal
from sentinel.store.damage import refuse_damaged, refuse_orphaned_log, schema_seal
from sentinel.store.missed import SqliteMissed
from sentinel.store.protocol import Batch, Contents, Revival, SpanRow
from sentinel.store.versions import refuse_newer, version

LOG_LIMIT = 4 << 20
"""Bytes of write-ahead log after which it is taken into the database."""


class SqliteStore:
    """The writer's connection. Opening refuses a damaged file, makes a missing one, and migrates.

    `new_id` names a new ledger. A file that is refused is left as it is.
    """

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
            if path.exists():
                refuse_damaged(path)
            else:
                self._create(new_id(), now)
            self._connection = _connected(path)
            # Checkpoints are made by `tidy`, so that no commit ever waits for one.
            for pragma in ("journal_mode = WAL", "wal_autocheckpoint = 0"):
                self._connection.execute(f"PRAGMA {pragma}")
            # A log that the last run could not sync may be whole in memory alone: in the database it counts.
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            self._migrate(self._connection)
        self.missed = SqliteMissed(self._connection, catalogue, partial(_faults, path))

    def load(self) -> Contents:
        """Everything as of the last commit."""
        with _faults(self._path):
            return self._load()

    def commit(self, batch: Batch) -> None:
        """All of the batch or nothing, on disk when it returns."""
        with _faults(self._path), _transaction(self._connection):
            self._write(batch)
            self._reached("in transaction")

    def purge(self, before: datetime, limit: int) -> int:
        """Forgets up to `limit` events recorded before a moment, sparing what is held, unsent or still open."""
        with _faults(self._path), _transaction(self._connection) as connection:
            gone = connection.execute(statements.PURGEABLE, (rfc3339(before), limit)).fetchall()
            connection.execute(statements.COUNT_PURGED_OF_EVENTS, (rows.numbers(number for (number,) in gone),))
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
            if self._log_has_grown():
                self._reached("before checkpoint")
                self._connection.execute("PRAGMA wal_checkpoint(PASSIVE)")
                self._reached("after checkpoint")

    def last_words(self, text: str) -> None:
        """Notes why the run ends; empty for a clean end."""
        with _faults(self._path):
            self._connection.execute(statements.UPDATE_LEDGER, (None, None, text))

    def close(self) -> None:
        """Ends the connection."""
        self._connection.close()

    def _log_has_grown(self) -> bool:
        if self._log.stat().st_size < LOG_LIMIT:
            return False
        # To open and close a file of SQLite's drops the locks that this process has on it: this one has none.
        with self._log.open("rb") as log:
            return wal.reaches(log, LOG_LIMIT)

    def _create(self, ledger_id: str, now: datetime) -> None:
        """An empty ledger, made beside its place and then put there: at its place, an empty file is a damaged one."""
        path = self._path
        refuse_orphaned_log(path)
        fresh = path.with_name(f"{path.name}.new")
        for ending in ("", "-journal", "-wal", "-shm"):
            fresh.with_name(f"{fresh.name}{ending}").unlink(missing_ok=True)
        fresh.touch(mode=0o600)
        with closing(_connected(fresh)) as connection:
            # Set at its place, a kill would leave a journal to roll back there.
            connection.execute("PRAGMA journal_mode = WAL")
            self._migrate(connection)
            first = rows.sealed((1, ledger_id, rfc3339(now), 0, "", schema_seal(connection)))
            connection.execute(f"INSERT INTO ledger VALUES ({_marks(7)})", first)
            # The log stays behind when the file moves; the end of a connection takes it in, too, but fails unheard.
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        fresh.rename(path)
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def _migrate(self, connection: sqlite3.Connection) -> None:
        refuse_newer(connection, self._path)
        before = version(connection)
        for number, script in _migrations():
            if number > before:
                with _transaction(connection):
                    for statement in _statements(script):
                        connection.execute(statement)
                    connection.execute(f"PRAGMA user_version = {number}")
                    connection.execute(statements.SEAL_SCHEMA, (schema_seal(connection),))
                    self._reached("migrating")

    def _load(self) -> Contents:
        fetch = self._connection.execute
        ledger_id, high_revision, last_words = fetch("SELECT id, high_revision, last_words FROM ledger").fetchone()
        (next_event,) = fetch("SELECT coalesce(max(number), 0) + 1 FROM events").fetchone()
        (next_delivery,) = fetch(statements.NEXT_DELIVERY).fetchone()
        differences = fetch(f"SELECT {rows.DIFFERENCE_COLUMNS} FROM differences").fetchall()
        events = self._open_events()
        return Contents(
            ledger_id=ledger_id,
            high_revision=high_revision,
            next_event=next_event,
            next_delivery=next_delivery,
            last_words=last_words,
            sources=tuple(rows.to_source(row) for row in fetch(statements.SOURCES)),
            subjects=tuple(rows.to_subject(row) for row in fetch(statements.SUBJECTS)),
            differences=tuple(rows.to_difference(row, events) for row in differences),
            pending=dict(fetch(statements.PENDING).fetchall()),
        )

    def _open_events(self) -> dict[int, Event]:
        """Events that wait in a difference."""
        found = self._connection.execute(statements.OPEN_EVENTS)
        return {row[0]: rows.to_event(row, self._catalogue) for row in found}

    def _write(self, batch: Batch) -> None:
        many = self._many
        if batch.high_revision is not None or batch.ledger_id is not None:
            many(statements.UPDATE_LEDGER, [(batch.ledger_id, batch.high_revision, None)])
        many(f"INSERT OR REPLACE INTO sources VALUES ({_marks(15)})", _sealed(rows.from_source, batch.sources.values()))
        _replace(many, statements.PUT_SUBJECT, statements.DELETE_SUBJECT, batch.subjects, rows.from_subject)
        many(f"INSERT INTO events VALUES ({_marks(17)})", _sealed(rows.from_event, batch.events))
        for span in batch.spans:
            self._write_span(span)
        differences = {(sink, *key, aspect): row for (sink, key, aspect), row in batch.differences.items()}
        _replace(many, statements.PUT_DIFFERENCE, statements.DELETE_DIFFERENCE, differences, rows.from_difference)
        outcomes = batch.outcomes.values()
        many(f"INSERT OR REPLACE INTO outcomes VALUES ({_marks(8)})", _sealed(rows.from_outcome, outcomes))
        many(f"INSERT INTO deliveries VALUES ({_marks(17)})", _sealed(rows.from_delivery, batch.deliveries))
        many(statements.UPDATE_DELIVERY, map(rows.from_attempt, batch.attempts))
        self._write_commands(batch)
        many(statements.GIVE_UP, [(rfc3339(one.at), one.why, one.sink) for one in batch.given_up])
        many(
            statements.INSERT_REJECT,
            [(reject.source, reject.subject_id, rfc3339(reject.recorded_at), reject.why) for reject in batch.rejects],
        )

    def _many(self, statement: str, values: Iterable[Any]) -> None:
        """Runs the statement for each of the values; for none it would cost as much as for one, and is left out."""
        left = iter(values)
        if (first := next(left, None)) is not None:
            self._connection.executemany(statement, chain((first,), left))

    def _write_commands(self, batch: Batch) -> None:
        many = self._many
        for absorption, at in batch.absorptions:
            many(statements.ABSORB, [(rfc3339(at), absorption.into, older) for older in absorption.older])
            many(statements.SPEAK_ALSO, [(rows.numbers(absorption.also), absorption.into)])
        for one in batch.revivals:
            self._revive(one)
        if batch.buried:
            self._connection.execute(statements.COUNT_PURGED, (rows.numbers(batch.buried),))
        many("DELETE FROM deliveries WHERE id = ? AND state = 'dead'", [(number,) for number in batch.buried])

    def _revive(self, one: Revival) -> None:
        execute = self._connection.execute
        (told_by,) = execute(statements.TOLD_SINCE, (one.delivery, one.to)).fetchone() if one.only_news else (None,)
        if told_by is not None:
            execute(statements.SETTLE_OLD, (rfc3339(one.at), told_by, one.delivery))
            return
        execute(statements.MOVE_OUTCOMES, (one.into, one.delivery))
        execute(statements.MOVE_ABSORBED, (one.into, one.delivery))
        execute(statements.REVIVE, (one.into, one.to, rfc3339(one.at), one.delivery))

    def _write_span(self, span: SpanRow) -> None:
        began = rfc3339(span.began_at)
        self._connection.execute(statements.END_SPAN, (began, *span.key))
        if span.state is not None:
            started = f"INSERT OR REPLACE INTO spans VALUES ({_marks(7)})"
            self._connection.execute(started, rows.sealed((*span.key, began, None, span.state)))


def _connected(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    connection.create_function("seal", -1, rows.seal, deterministic=True)
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA busy_timeout = 5000")
    return connection


@contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield connection
        connection.execute("COMMIT")
    except BaseException:
        # The first error is the one to tell; a rollback that fails too adds nothing.
        if connection.in_transaction:
            with suppress(sqlite3.DatabaseError):
                connection.execute("ROLLBACK")
        raise


def _replace(
    many: Callable[[str, Iterable[Any]], object],
    put: str,
    delete: str,
    changes: Mapping[Any, Any],
    columns: Callable[[Any], rows.Row],
) -> None:
    """Writes what is there and deletes what maps to None."""
    many(put, _sealed(columns, (row for row in changes.values() if row is not None)))
    many(delete, [tuple(place) for place, row in changes.items() if row is None])


def _sealed(columns: Callable[[Any], rows.Row], objects: Iterable[Any]) -> Iterator[rows.Row]:
    return (rows.sealed(columns(one)) for one in objects)


def _marks(count: int) -> str:
    return ",".join("?" * count)


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
    if code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN):
        return f"make it and its folder writable for user {os.getuid()}, then start again"
    if code == sqlite3.SQLITE_FULL:
        return "free some space on its disk and start again"
    return "check its disk and permissions, then start again"
