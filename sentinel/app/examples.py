"""Made-up events, for tests of sinks and of what is written for them."""

import hashlib
from dataclasses import replace
from datetime import datetime
from uuid import uuid4

from sentinel.app.tables import EXAMPLES, ROOMS
from sentinel.events import Event, Message, Provenance, seal

CAUSE = "test"
"""What an envelope says of itself that came of no change."""


def names() -> tuple[str, ...]:
    """The types of which there is an example."""
    return tuple(EXAMPLES)


def event(event_type: str, source: str, at: datetime) -> Event:
    """An event of the type that happens at this moment. Its key is one that no other event has or will have.

    Raises KeyError for a type of which there is no example.
    """
    finding = EXAMPLES[event_type](source, at)
    provenance = Provenance(
        ledger_id=uuid4().hex,
        kind=next(room.kind for room in ROOMS if event_type in room.catalogue),
        cause=CAUSE,
        before_hash=_digest(finding.before),
        after_hash=_digest(finding.after),
        recorded_at=at,
        revision=1,
    )
    return seal(replace(finding, summary=f"Test: {finding.summary}"), provenance, number=1)


def message(event_type: str, source: str, at: datetime, *, sink: str = "") -> Message:
    """What a sink would be told of such an event."""
    made = event(event_type, source, at)
    return Message(made.key, sink, made)


def _digest(value: str) -> str:
    return hashlib.sha256(value.encode()).hexdigest()
