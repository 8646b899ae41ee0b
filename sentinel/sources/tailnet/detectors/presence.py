"""Whether a peer is in contact with the control server."""

from collections.abc import Iterator
from datetime import datetime

from sentinel.clock import rfc3339
from sentinel.events import Finding, Severity
from sentinel.model import Change, SubjectKey
from sentinel.sources.tailnet.catalogue import OFFLINE, ONLINE
from sentinel.sources.tailnet.facts import identity, is_personal
from sentinel.sources.tailnet.model import Peer, Presence


def presence(subject: SubjectKey, before: Peer | None, after: Peer | None, at: datetime) -> Iterator[Finding]:
    """`peer.online` and `peer.offline`.

    As long as the presence of a peer was never said, nobody was told that it is in contact: that it is not is no news,
    that it is, is.
    """
    was = before.presence if before is not None else Presence.OFFLINE
    now = after.presence if after is not None else Presence.OFFLINE
    if was is not Presence.ONLINE and now is Presence.ONLINE and after is not None:
        yield _online(subject, before, after, at)
    elif (was, now) == (Presence.ONLINE, Presence.OFFLINE) and before is not None:
        yield _offline(subject, before, after, at)


def _online(subject: SubjectKey, before: Peer | None, after: Peer, at: datetime) -> Finding:
    away_since = before.since if before is not None else None
    return Finding(
        type=ONLINE,
        subject=subject,
        subject_name=after.name,
        severity=Severity.INFO,
        happened_at=after.since or at,
        before=Presence.OFFLINE,
        after=Presence.ONLINE,
        summary=f"{after.name} is in contact with Tailscale",
        payload=identity(after) | {"offline_since": rfc3339(away_since) if away_since else None},
        changes=(Change("online", before=False, after=True),),
    )


def _offline(subject: SubjectKey, before: Peer, after: Peer | None, at: datetime) -> Finding:
    peer = after or before
    reason: dict[str, object] = {} if after is not None else {"reason": "missing_from_netmap"}
    return Finding(
        type=OFFLINE,
        subject=subject,
        subject_name=peer.name,
        severity=Severity.INFO if is_personal(peer.tags, peer.os) else Severity.WARNING,
        happened_at=(after.since if after is not None else None) or at,
        before=Presence.ONLINE,
        after=Presence.OFFLINE,
        summary=f"{peer.name} lost contact with Tailscale",
        payload=identity(peer) | reason,
        changes=(Change("online", before=True, after=False),),
    )
