"""A service's store as plain rows, read from a copy: looking at what a kill left must not mend it."""

import json
import shutil
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any


@dataclass(frozen=True, slots=True)
class Device:
    """A peer as the service knows it."""

    name: str
    presence: str
    tags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Recorded:
    """An event; `body` is the envelope. A `subject` that is no peer has its type before its id."""

    number: int
    key: str
    type: str
    aspect: str
    subject: str
    name: str
    revision: int
    before: str
    after: str
    body: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Fate:
    """What became of an event at a sink; `message` is the delivery, `fallback_for` the sink that it stands in for."""

    event: int
    sink: str
    state: str
    message: int | None
    fallback_for: str = ""


@dataclass(frozen=True, slots=True)
class Sent:
    """A delivery; `speaks` is the number of the event that it tells, `absorbing` if it tells others' events, too."""

    id: int
    sink: str
    key: str
    subject: str
    speaks: int
    state: str
    absorbed_by: int | None = None
    absorbing: bool = False


@dataclass(frozen=True, slots=True)
class Ledger:
    """The store at one moment. `open_spans` is each subject's availability now, one entry for each open span."""

    integrity: str
    self_id: str
    devices: Mapping[str, Device]
    events: Mapping[int, Recorded]
    fates: tuple[Fate, ...]
    sent: Mapping[int, Sent]
    differing: int
    open_spans: tuple[tuple[str, str], ...]

    def remembering(self, earlier: "Ledger") -> "Ledger":
        """This ledger with what only an earlier one had: what was purged in between."""
        gone = earlier.events.keys() - self.events.keys()
        return replace(
            self,
            events={**{number: earlier.events[number] for number in gone}, **self.events},
            fates=(*(fate for fate in earlier.fates if fate.event in gone), *self.fates),
            sent={**{one.id: one for one in earlier.sent.values() if one.speaks in gone}, **self.sent},
        )


def read(store: Path) -> Ledger:
    """What the store holds, as the next start of a service will find it."""
    with _copied(store) as connection:
        fetch = connection.execute
        own = fetch("SELECT self_id FROM sources").fetchone()
        return Ledger(
            integrity=fetch("PRAGMA integrity_check").fetchone()[0],
            self_id=own[0] if own else "",
            devices={id_: _device(json.loads(body)) for id_, body in fetch(_PEERS)},
            events={row[0]: _recorded(row) for row in fetch(_EVENTS)},
            fates=tuple(Fate(*row) for row in fetch(_FATES)),
            sent={row[0]: Sent(*row) for row in fetch(_SENT)},
            differing=fetch("SELECT count(*) FROM differences WHERE told <> truth").fetchone()[0],
            open_spans=tuple(fetch(_OPEN_SPANS).fetchall()),
        )


def in_flight(store: Path) -> frozenset[tuple[str, str]]:
    """Sink and key of everything that was decided and is not known to have arrived; nothing of a store half made."""
    with _copied(store) as connection:
        if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'deliveries'").fetchone():
            return frozenset()
        return frozenset(connection.execute("SELECT sink, key FROM deliveries WHERE state = 'pending'"))


@contextmanager
def _copied(store: Path) -> Iterator[sqlite3.Connection]:
    with TemporaryDirectory() as folder:
        # The log's index is not copied: SQLite makes it anew from the log, as it does after a loss of power.
        for file in (store, store.with_name(f"{store.name}-wal")):
            if file.exists():
                shutil.copy(file, folder)
        with closing(sqlite3.connect(Path(folder) / store.name)) as connection:
            yield connection


def _recorded(row: tuple[Any, ...]) -> Recorded:
    event = Recorded(*row)
    return replace(event, body=json.loads(row[-1]))


def _device(body: Mapping[str, Any]) -> Device:
    return Device(body["name"], body["presence"], tuple(body["tags"]))


_PEERS = "SELECT id, body FROM subjects WHERE type = 'peer'"
_EVENTS = """
    SELECT number, key, type, aspect, iif(subject_type = 'peer', '', subject_type || ' ') || subject_id, subject_name,
        revision, before, after, body
    FROM events ORDER BY number
"""
_FATES = "SELECT event, sink, state, message, fallback_for FROM outcomes"
_SENT = "SELECT id, sink, key, subject_id, speaks, state, absorbed_by, also <> '[]' FROM deliveries"
_OPEN_SPANS = "SELECT subject_id, state FROM spans WHERE subject_type = 'peer' AND ended_at IS NULL"
