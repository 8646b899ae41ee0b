"""A peer's node key: how near its end is, when that is, and whether it is another key."""

from collections.abc import Iterator
from datetime import datetime

from sentinel.events import EventType, Finding, Severity
from sentinel.model import Change, SubjectKey
from sentinel.sources.tailnet import ladder
from sentinel.sources.tailnet.catalogue import KEY_EXPIRED, KEY_EXPIRING, KEY_EXPIRY, KEY_RENEWED, KEY_ROTATED
from sentinel.sources.tailnet.facts import moment, roles, turned
from sentinel.sources.tailnet.finding import found
from sentinel.sources.tailnet.model import Peer

_URGENT = frozenset({"1d", ladder.EXPIRED})
_EARLY = frozenset({"30d", "14d"})


def key_life(subject: SubjectKey, before: Peer | None, after: Peer | None, at: datetime) -> Iterator[Finding]:
    """`peer.key_expiring`, `peer.key_expired` and `peer.key_renewed`: its key stands on another rung."""
    if before is None or after is None or ladder.UNKNOWN in (before.rung, after.rung) or before.rung == after.rung:
        return
    yield found(
        _life_type(after.rung),
        subject,
        after,
        _began(before, after, at),
        severity=_severity(after),
        values=(before.rung, after.rung),
        summary=f"the key of {after.name} {_state(after.rung)}",
        payload={
            "key_expiry": moment(after.key_expiry),
            "before_rung": before.rung,
            "rung": after.rung,
        },
        changes=(Change("rung", before.rung, after.rung),),
    )


def key_expiry(subject: SubjectKey, before: Peer | None, after: Peer | None, at: datetime) -> Iterator[Finding]:
    """`peer.key_expiry.changed`: the moment at which its key expires; None for never."""
    if before is None or after is None or before.key_expiry == after.key_expiry:
        return
    was, now = moment(before.key_expiry), moment(after.key_expiry)
    yield found(
        KEY_EXPIRY,
        subject,
        after,
        at,
        values=(was or "never", now or "never"),
        summary=f"the key of {after.name} {f'expires at {now}' if now else 'never expires'}",
        payload=turned("key_expiry", was, now),
        changes=(Change("key_expiry", was, now),),
    )


def key(subject: SubjectKey, before: Peer | None, after: Peer | None, at: datetime) -> Iterator[Finding]:
    """`peer.key_rotated`: another key. That of an expired machine is not shown, which is no rotation."""
    if before is None or after is None or before.key == after.key or not (before.key and after.key):
        return
    yield found(
        KEY_ROTATED,
        subject,
        after,
        at,
        values=(before.key, after.key),
        summary=f"{after.name} has another node key",
        payload=turned("key", before.key, after.key),
        changes=(Change("key", before.key, after.key),),
    )


def _life_type(rung: str) -> EventType:
    if rung == ladder.VALID:
        return KEY_RENEWED
    return KEY_EXPIRED if rung == ladder.EXPIRED else KEY_EXPIRING


def _state(rung: str) -> str:
    return {ladder.VALID: "was renewed", ladder.EXPIRED: "has expired"}.get(rung, f"expires within {rung[:-1]} d")


def _severity(peer: Peer) -> Severity:
    if peer.rung == ladder.VALID or peer.rung in _EARLY:
        return Severity.INFO
    others_need_it = bool(peer.tags) or bool(roles(peer))
    return Severity.CRITICAL if peer.rung in _URGENT and others_need_it else Severity.WARNING


def _began(before: Peer, after: Peer, at: datetime) -> datetime:
    """When the rung began: by the passing of time, or when somebody moved the end."""
    if after.key_expiry is None or after.rung == ladder.VALID or before.key_expiry != after.key_expiry:
        return at
    return min(after.key_expiry - ladder.RUNGS[after.rung], at)
