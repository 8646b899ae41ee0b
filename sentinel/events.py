"""The envelope: one fact about one subject, with an identity that a replay reproduces."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Literal
from zoneinfo import ZoneInfo

import orjson

from sentinel.clock import Deadline, rfc3339
from sentinel.model import Change, Delivery, SubjectKey

SCHEMA_VERSION = "v1"


class Severity(StrEnum):
    """How much an event matters."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


@dataclass(frozen=True, slots=True)
class EventType:
    """A row of a source's catalogue.

    `order` sorts events of one subject within one frame. `problem` says whether the event opens a problem of its
    aspect or ends it; for a type that tells both, a set names the values of the aspect that are a problem, and `any`
    says that each is but the empty one.
    Where several events of one subject are told together, one of a type in `outranks` is left to this one to tell, for
    people. `removal` ends every problem that its subject had. Where the subject is a sink, `itself` says that this sink
    is told in any case, unless it keeps incidents, or is spared; else it is told like any other.
    """

    name: str
    aspect: str
    order: int
    problem: Literal["opens", "ends", "any"] | frozenset[str] | None = None
    outranks: frozenset[str] = frozenset()
    removal: bool = False
    itself: Literal["told", "spared"] | None = None

    def bearing(self, value: str) -> Literal["opens", "ends"] | None:
        """What an event of this type that leaves its aspect at `value` does to the problem of the aspect."""
        if isinstance(self.problem, frozenset):
            return "opens" if value in self.problem else "ends"
        if self.problem == "any":
            return "opens" if value else "ends"
        return self.problem


@dataclass(frozen=True, slots=True)
class Finding:
    """What a detector saw: everything about an event but its identity.

    `before` and `after` are values of the aspect, the least that tells whether a view is right. `happened_at` is as
    far as known.
    """

    type: EventType
    subject: SubjectKey
    subject_name: str
    severity: Severity
    happened_at: datetime
    before: str
    after: str
    summary: str
    payload: Mapping[str, object]
    changes: tuple[Change, ...] = ()

    @property
    def problem(self) -> Literal["opens", "ends"] | None:
        """Whether it opens the problem of its aspect or ends it."""
        return self.type.bearing(self.after)


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where an event stands in the ledger; the same for all events of a frame but the revision.

    `kind` is the source's kind, `cause` says how the edge came to know, the hashes cover the source's whole snapshot.
    """

    ledger_id: str
    kind: str
    cause: str
    before_hash: str
    after_hash: str
    recorded_at: datetime
    revision: int
    resolves: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Event:
    """A recorded finding. `body` is the envelope as JSON, serialised once; `number` is its place in the ledger."""

    number: int
    key: str
    event_id: str
    type: EventType
    subject: SubjectKey
    subject_name: str
    severity: Severity
    revision: int
    timestamp: datetime
    recorded_at: datetime
    before: str
    after: str
    resolves: str | None
    body: bytes

    @property
    def problem(self) -> Literal["opens", "ends"] | None:
        """Whether it opens the problem of its aspect or ends it."""
        return self.type.bearing(self.after)

    def payload(self) -> dict[str, object]:
        """The payload, parsed from the body."""
        parsed: dict[str, object] = orjson.loads(self.body)["payload"]
        return parsed


def compact_json(value: object) -> bytes:
    """The value as JSON in just the memory that it needs; what orjson hands out keeps its whole buffer of kilobytes."""
    return bytes(memoryview(orjson.dumps(value)))


def identity(ledger_id: str, subject: SubjectKey, event_type: str, revision: int) -> str:
    """The idempotency key: the same for a replay, another one for the next real change."""
    parts = (ledger_id, subject.source, subject.type, subject.id, event_type, str(revision))
    return hashlib.sha256("|".join(parts).encode()).hexdigest()


def seal(finding: Finding, provenance: Provenance, number: int) -> Event:
    """Turns a finding into an event: identity, envelope, bytes."""
    key = identity(provenance.ledger_id, finding.subject, finding.type.name, provenance.revision)
    timestamp = min(finding.happened_at, provenance.recorded_at)
    return Event(
        number=number,
        key=key,
        event_id=key[:32],
        type=finding.type,
        subject=finding.subject,
        subject_name=finding.subject_name,
        severity=finding.severity,
        revision=provenance.revision,
        timestamp=timestamp,
        recorded_at=provenance.recorded_at,
        before=finding.before,
        after=finding.after,
        resolves=provenance.resolves,
        body=compact_json(_envelope(finding, provenance, key, timestamp)),
    )


def _envelope(finding: Finding, provenance: Provenance, key: str, timestamp: datetime) -> dict[str, object]:
    return {
        "schema_version": SCHEMA_VERSION,
        "event_id": key[:32],
        "event_type": finding.type.name,
        "severity": finding.severity,
        "timestamp": rfc3339(timestamp),
        "subject_id": finding.subject.id,
        "subject_type": finding.subject.type,
        "before_hash": provenance.before_hash,
        "after_hash": provenance.after_hash,
        "payload": dict(finding.payload),
        "source": {"kind": provenance.kind, "name": finding.subject.source},
        "subject_name": finding.subject_name,
        "subject_revision": provenance.revision,
        "aspect": finding.type.aspect,
        "recorded_at": rfc3339(provenance.recorded_at),
        "cause": provenance.cause,
        "labels": dict(provenance.labels),
        "changes": [{"path": c.path, "before": c.before, "after": c.after} for c in finding.changes],
        "resolves": provenance.resolves,
        "summary": finding.summary,
    }


@dataclass(frozen=True, slots=True)
class Difference:
    """Where a sink's view and the truth differ, or a problem that it was told is still open.

    `told` and `truth` are values of the aspect; `problem` is the id of the told event that opened the problem, `route`
    the label of the route that told it; `waiting` are the events that are held, oldest first; `began` is when the first
    of them was seen and `due` when the debounce ends.
    """

    sink: str
    subject: SubjectKey
    aspect: str
    told: str
    truth: str
    problem: str | None = None
    waiting: tuple[Event, ...] = ()
    began: datetime | None = None
    due: Deadline | None = None
    route: str = ""


@dataclass(frozen=True, slots=True)
class Incident:
    """One problem as services with incidents know it, from its opening to its end; there is one per subject and aspect.

    A group of problems that is kept as one incident has a subject and an aspect of its own.
    """

    subject: SubjectKey
    aspect: str
    ends: bool


def key_at(event: Event, aspect: str) -> str:
    """The key of what an event tells of an aspect: its own, with the aspect behind a dot if that is another one."""
    return event.key if aspect == event.type.aspect else f"{event.key}.{aspect}"


def incident_at(key: str, event: Event) -> Incident | None:
    """What `key_at` says of an aspect that is not the event's own: a removal ends the problem of each."""
    _, _, aspect = key.partition(".")
    return Incident(event.subject, aspect, ends=True) if aspect else None


@dataclass(frozen=True, slots=True)
class Message:
    """What one delivery says: `event` speaks, `folded` came before it (oldest first) and is told along with it.

    `incident` is what it opens or closes where that is not the event's own subject and aspect. `also` are events of
    deliveries that it absorbed, oldest first: the first and the newest of each subject and aspect.
    """

    key: str
    sink: str
    event: Event
    folded: tuple[Event, ...] = ()
    incident: Incident | None = None
    also: tuple[Event, ...] = ()


@dataclass(frozen=True, slots=True)
class Telling:
    """A delivery that was decided, with what it says."""

    delivery: Delivery
    message: Message


@dataclass(frozen=True, slots=True)
class Unheard:
    """A message that its sink has not got, and what is known of it at another sink.

    `opening` is the event whose problem it ends, if that is kept. `known` are the numbers of those of its events that
    have an outcome at the other sink, which is `overtaken` if it was told something newer of the same subject and
    aspect.
    """

    message: Message
    opening: Event | None = None
    known: frozenset[int] = frozenset()
    overtaken: bool = False


@dataclass(frozen=True, slots=True)
class Text:
    """Words for people: a title of one line and a body of one or more sentences, unescaped."""

    title: str
    body: str


@dataclass(frozen=True, slots=True)
class Reading:
    """The circumstances under which a message is read: when, in which zone, among how many networks."""

    now: datetime
    zone: ZoneInfo
    several_networks: bool = False


Words = Callable[[Message, Reading], Text]
"""How a source's room words one type of event."""
