"""Whether a peer is visible at all: it was added or removed, or an access rule began or ceased to hide it."""

from collections.abc import Iterator
from datetime import datetime

from sentinel.events import Finding, Severity
from sentinel.model import Change, SubjectKey
from sentinel.sources.tailnet.catalogue import ADDED, REMOVED
from sentinel.sources.tailnet.facts import identity, moment
from sentinel.sources.tailnet.model import Peer, Presence


def membership(subject: SubjectKey, before: Peer | None, after: Peer | None, at: datetime) -> Iterator[Finding]:
    """`peer.added` and `peer.removed`."""
    if before is None and after is not None:
        yield _added(subject, after, at)
    elif before is not None and after is None:
        yield _removed(subject, before, at)


def _added(subject: SubjectKey, peer: Peer, at: datetime) -> Finding:
    return Finding(
        type=ADDED,
        subject=subject,
        subject_name=peer.name,
        severity=Severity.WARNING,
        happened_at=at,
        before="absent",
        after="present",
        summary=f"{peer.name} is new in the tailnet",
        payload=identity(peer)
        | {
            "online": peer.presence is Presence.ONLINE,
            "routes": peer.routes,
            "created": moment(peer.created),
            "machine_authorized": peer.machine_authorized,
            "key_expiry": moment(peer.key_expiry),
        },
        changes=(Change("visible", before=False, after=True),),
    )


def _removed(subject: SubjectKey, peer: Peer, at: datetime) -> Finding:
    return Finding(
        type=REMOVED,
        subject=subject,
        subject_name=peer.name,
        severity=Severity.WARNING,
        happened_at=at,
        before="present",
        after="absent",
        summary=f"{peer.name} is no longer visible in the tailnet",
        payload=identity(peer) | {"reason": "missing_from_netmap"},
        changes=(Change("visible", before=True, after=False),),
    )
