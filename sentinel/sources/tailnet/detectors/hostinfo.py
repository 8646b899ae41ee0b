"""What a machine says of itself: system, versions, host name, model, and whatever else does not change by itself."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime

import orjson

from sentinel.events import Finding
from sentinel.model import Change, SubjectKey
from sentinel.sources.tailnet.catalogue import HOSTINFO
from sentinel.sources.tailnet.facts import turned
from sentinel.sources.tailnet.finding import found
from sentinel.sources.tailnet.model import Peer


def hostinfo(subject: SubjectKey, before: Peer | None, after: Peer | None, at: datetime) -> Iterator[Finding]:
    """`peer.hostinfo.changed`: each fact that changed is named; nothing as long as one of both is not known."""
    if before is None or after is None or before.hostinfo is None or after.hostinfo is None:
        return
    if (before.os, before.hostname, before.hostinfo) == (after.os, after.hostname, after.hostinfo):
        return
    was, now = _said(before), _said(after)
    hashes = _hash(was), _hash(now)
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


def _said(peer: Peer) -> dict[str, object]:
    rest = asdict(peer.hostinfo) if peer.hostinfo else {}
    return {"os": peer.os, "hostname": peer.hostname, **rest}


def _hash(said: Mapping[str, object]) -> str:
    """Eight bytes in hex that stand for all that it says."""
    return hashlib.sha256(orjson.dumps(said)).hexdigest()[:16]


def _named(changes: Sequence[Change]) -> str:
    return ", ".join(change.path.removeprefix("hostinfo.").replace("_", " ") for change in changes)
