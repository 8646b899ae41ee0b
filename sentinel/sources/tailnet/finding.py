"""The one shape of what the detectors of a peer that stays find."""

from collections.abc import Mapping
from datetime import datetime

from sentinel.events import EventType, Finding, Severity
from sentinel.model import Change, SubjectKey
from sentinel.sources.tailnet.facts import identity
from sentinel.sources.tailnet.model import Peer


def found(
    event_type: EventType,
    subject: SubjectKey,
    peer: Peer,
    at: datetime,
    *,
    values: tuple[str, str],
    summary: str,
    payload: Mapping[str, object],
    changes: tuple[Change, ...],
    severity: Severity = Severity.INFO,
) -> Finding:
    """A change of a peer; `peer` is as it is now, `values` are those of the aspect before and after."""
    return Finding(
        type=event_type,
        subject=subject,
        subject_name=peer.name,
        severity=severity,
        happened_at=at,
        before=values[0],
        after=values[1],
        summary=summary,
        payload=identity(peer) | dict(payload),
        changes=changes,
    )
