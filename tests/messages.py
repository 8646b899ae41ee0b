"""Deliveries and what they say, built from what a test of sinks cares about."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

from sentinel.events import Event, EventType, Finding, Message, Provenance, Severity, Telling, seal
from sentinel.model import Change, Delivery, SubjectKey

START = datetime(2026, 1, 1, 9, 0, tzinfo=UTC)

OFFLINE = EventType("peer.offline", aspect="presence", order=21, problem="opens")
ONLINE = EventType("peer.online", aspect="presence", order=20, problem="ends")
RENAMED = EventType("peer.renamed", aspect="name", order=30)


def event(
    event_type: EventType = OFFLINE,
    *,
    subject: str = "nas",
    name: str | None = None,
    number: int = 1,
    severity: Severity = Severity.WARNING,
    at: datetime = START,
    summary: str = "nas lost contact",
    payload: Mapping[str, object] | None = None,
    changes: Sequence[Change] = (),
) -> Event:
    """A recorded event; `number` is its revision, too."""
    finding = Finding(
        type=event_type,
        subject=SubjectKey("home", "peer", f"n-{subject}"),
        subject_name=subject if name is None else name,
        severity=severity,
        happened_at=at,
        before="online",
        after="offline",
        summary=summary,
        payload=payload or {},
        changes=tuple(changes),
    )
    provenance = Provenance(
        ledger_id="ledger",
        kind="tailnet",
        cause="delta",
        before_hash="before",
        after_hash="after",
        recorded_at=max(at, START),
        revision=number,
    )
    return seal(finding, provenance, number)


def message(speaks: Event | None = None, *, folded: Sequence[Event] = (), sink: str = "sink") -> Message:
    """What a delivery says."""
    speaks = speaks or event()
    return Message(speaks.key, sink, speaks, tuple(folded))


def telling(
    delivery: int,
    *,
    subject: str = "nas",
    attempt: int = 0,
    next_try: datetime | None = None,
    age: timedelta = timedelta(0),
) -> Telling:
    """A delivery with the number `delivery`, decided `age` before the tests start."""
    said = message(event(subject=subject, number=delivery))
    return Telling(
        Delivery(
            id=delivery,
            sink="sink",
            subject=said.event.subject,
            key=said.key,
            speaks=delivery,
            events=(delivery,),
            created_at=START - age,
            attempt=attempt,
            next_try=next_try,
        ),
        said,
    )
