"""Whether an admin has approved a peer."""

from collections.abc import Iterator
from datetime import datetime

from sentinel.events import Finding, Severity
from sentinel.model import Change, SubjectKey
from sentinel.sources.tailnet.catalogue import APPROVED, AUTHORIZED, WAITING
from sentinel.sources.tailnet.facts import turned
from sentinel.sources.tailnet.finding import found
from sentinel.sources.tailnet.model import Peer


def approval(subject: SubjectKey, before: Peer | None, after: Peer | None, at: datetime) -> Iterator[Finding]:
    """`peer.machine_authorized.changed`: it needs an approval, or got it."""
    if before is None or after is None:
        return
    was, now = before.machine_authorized, after.machine_authorized
    if was is None or now is None or was == now:
        return
    yield found(
        AUTHORIZED,
        subject,
        after,
        at,
        severity=Severity.WARNING,
        values=(_word(was), _word(now)),
        summary=f"{after.name} {'was approved' if now else 'needs approval'}",
        payload=turned("authorized", was, now) | {"machine_authorized": now},
        changes=(Change("machine_authorized", was, now),),
    )


def _word(authorized: bool) -> str:
    return APPROVED if authorized else WAITING
