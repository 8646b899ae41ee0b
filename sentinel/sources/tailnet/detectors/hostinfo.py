"""What a machine says of itself: system, versions, host name, model, and whatever else does not change by itself."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from sentinel.events import Finding
from sentinel.model import Change, SubjectKey
from sentinel.sources.tailnet.catalogue import HOSTINFO
from sentinel.sources.tailnet.facts import hostinfo_hash, said_of_itself, turned
from sentinel.sources.tailnet.finding import found
from sentinel.sources.tailnet.model import Peer


def hostinfo(subject: SubjectKey, before: Peer | None, after: Peer | None, at: datetime) -> Iterator[Finding]:
    """`peer.hostinfo.changed`: each fact that changed is named; nothing as long as one of both is not known."""
    if before is None or after is None or before.hostinfo is None or after.hostinfo is None:
        return
    if (before.os, before.hostname, before.hostinfo) == (after.os, after.hostname, after.hostinfo):
        return
    was, now = said_of_itself(before), said_of_itself(after)
    hashes = hostinfo_hash(before), hostinfo_hash(after)
    changes = tuple(Change(f"hostinfo.{fact}", was[fact], now[fact]) for fact in now if was[fact] != now[fact])
    yield found(
        HOSTINFO,
        subject,
        after,
        at,
        values=hashes,
        summary=f"{after.name} reports something new about itself: {_named(changes)}",
        payload=turned("hostinfo_hash", *hashes) | {"hostinfo": now},
        changes=changes,
    )


def _named(changes: Sequence[Change]) -> str:
    return ", ".join(change.path.removeprefix("hostinfo.").replace("_", " ") for change in changes)
