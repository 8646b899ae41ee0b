"""What every event of a peer says about it, whatever happened."""

import hashlib
from collections.abc import Sequence
from dataclasses import fields
from datetime import datetime

import orjson

from sentinel.clock import rfc3339
from sentinel.sources.tailnet.model import Hostinfo, Peer

EVERYWHERE = frozenset({"0.0.0.0/0", "::/0"})
"""The routes of an exit node."""
PERSONAL_SYSTEMS = frozenset({"ios", "android", "macos", "windows"})
_HOSTINFO = tuple(each.name for each in fields(Hostinfo))


def identity(peer: Peer) -> dict[str, object]:
    """The payload's common part; `owners` are numeric ids, `owner` is the login."""
    return {
        "name": peer.name,
        "tags": peer.tags,
        "owners": owners(peer),
        "ips": peer.addresses,
        "dns_name": peer.dns_name,
        "hostname": peer.hostname,
        "owner": peer.owner,
        "os": peer.os,
        "roles": roles(peer),
    }


def owners(peer: Peer) -> tuple[str, ...]:
    """The numeric ids of its owners, as text; there is at most one."""
    return (str(peer.owner_id),) if peer.owner_id else ()


def roles(peer: Peer) -> tuple[str, ...]:
    """What others use it for: `router` of subnets, `exit_node`."""
    is_router = not EVERYWHERE.issuperset(peer.routes)
    return ("router",) * is_router + ("exit_node",) * bool(peer.exit_node)


def said_of_itself(peer: Peer) -> dict[str, object]:
    """Everything that it says of itself, as far as known."""
    rest = {name: getattr(peer.hostinfo, name) for name in _HOSTINFO} if peer.hostinfo else {}
    return {"os": peer.os, "hostname": peer.hostname, **rest}


def hostinfo_hash(peer: Peer) -> str:
    """Eight bytes in hex that stand for all that it says of itself; empty if it is not shown."""
    if peer.hostinfo is None:
        return ""
    return hashlib.sha256(orjson.dumps(said_of_itself(peer))).hexdigest()[:16]


def is_personal(tags: object, system: str) -> bool:
    """A phone or personal computer, untagged: it comes and goes as it pleases."""
    return not tags and system.lower() in PERSONAL_SYSTEMS


def moment(value: datetime | None) -> str | None:
    """A moment for a payload; None for never."""
    return rfc3339(value) if value else None


def turned(name: str, before: object, after: object) -> dict[str, object]:
    """A value before and after for a payload: in the way of all types, and under the names that name it."""
    return {"before": before, "after": after, f"before_{name}": before, f"after_{name}": after}


def turned_list(name: str, before: Sequence[str], after: Sequence[str]) -> dict[str, object]:
    """The same for a list, with what was added to it and what was removed."""
    return turned(name, before, after) | {
        "added": tuple(value for value in after if value not in before),
        "removed": tuple(value for value in before if value not in after),
    }


def listed(values: Sequence[str]) -> str:
    """A list as the value of an aspect and for a sentence: `a, b`, or `none`."""
    return ", ".join(values) or "none"
