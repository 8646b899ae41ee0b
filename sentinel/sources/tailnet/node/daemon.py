"""Detectors of the client that runs the own node. Each has its problem as its value, and an empty one without."""

from collections.abc import Iterator
from datetime import datetime

from sentinel.events import Finding, Severity
from sentinel.model import Change, SubjectKey
from sentinel.sources.tailnet import ladder
from sentinel.sources.tailnet.facts import moment
from sentinel.sources.tailnet.node.catalogue import HEALTH, KEY, LOGIN, STATE
from sentinel.sources.tailnet.node.model import RUNNING, Daemon, HealthWarning

_EARLY = frozenset({"30d", "14d", ladder.VALID})


def state(subject: SubjectKey, before: Daemon | None, after: Daemon, at: datetime) -> Iterator[Finding]:
    """`daemon.state.changed`: a problem unless the client runs."""
    if before is None or not before.state or before.state == after.state:
        return
    yield Finding(
        type=STATE,
        subject=subject,
        subject_name=after.name,
        severity=Severity.INFO if after.state == RUNNING else Severity.WARNING,
        happened_at=at,
        before=_unless_running(before.state),
        after=_unless_running(after.state),
        summary=f"the client of Sentinel's own node is {after.state}",
        payload={"before_state": before.state, "after_state": after.state},
        changes=(Change("state", before.state, after.state),),
    )


def _unless_running(state: str) -> str:
    return "" if state == RUNNING else state


def login(subject: SubjectKey, before: Daemon | None, after: Daemon, at: datetime) -> Iterator[Finding]:
    """`daemon.login_required`: opens when somebody has to log the node in, ends when it sees its network again."""
    needed = before is not None and before.login_needed
    if needed == after.login_needed:
        return
    yield Finding(
        type=LOGIN,
        subject=subject,
        subject_name=after.name,
        severity=Severity.WARNING if after.login_needed else Severity.INFO,
        happened_at=at,
        before="needed" if needed else "",
        after="needed" if after.login_needed else "",
        summary=f"Sentinel's own node {'has to be logged in' if after.login_needed else 'is logged in again'}",
        payload={
            "login_required": after.login_needed,
            "detail": after.login_detail,
            "needs_operator": after.needs_operator,
        },
        changes=(Change("login_required", needed, after.login_needed),),
    )


def health(subject: SubjectKey, before: Daemon | None, after: Daemon, at: datetime) -> Iterator[Finding]:
    """`daemon.health.changed`: other warnings than before, by their codes; their texts count seconds."""
    if before is None or before.warnings is None or after.warnings is None:
        return
    was, now = _codes(before.warnings), _codes(after.warnings)
    if was == now:
        return
    yield Finding(
        type=HEALTH,
        subject=subject,
        subject_name=after.name,
        severity=Severity.INFO,
        happened_at=at,
        before=",".join(was),
        after=",".join(now),
        summary=f"the client of Sentinel's own node warns of {', '.join(now)}"
        if now
        else "the client of Sentinel's own node is healthy",
        payload={
            "before_warnings": was,
            "after_warnings": now,
            "added": [_shown(warning) for warning in after.warnings if warning.code not in was],
            "removed": [_shown(warning) for warning in before.warnings if warning.code not in now],
        },
        changes=(Change("warnings", was, now),),
    )


def key_life(subject: SubjectKey, before: Daemon | None, after: Daemon, at: datetime) -> Iterator[Finding]:
    """`daemon.key_expiring`: the own key stands on another rung; a problem unless it is as good as new."""
    if before is None or ladder.UNKNOWN in (before.rung, after.rung) or before.rung == after.rung:
        return
    yield Finding(
        type=KEY,
        subject=subject,
        subject_name=after.name,
        severity=Severity.INFO if after.rung in _EARLY else Severity.WARNING,
        happened_at=_began(before, after, at),
        before=_unless_valid(before.rung),
        after=_unless_valid(after.rung),
        summary=f"the key of Sentinel's own node {_standing(after.rung)}",
        payload={"key_expiry": moment(after.key_expiry), "before_rung": before.rung, "rung": after.rung},
        changes=(Change("rung", before.rung, after.rung),),
    )


def _unless_valid(rung: str) -> str:
    return "" if rung == ladder.VALID else rung


def _standing(rung: str) -> str:
    return {ladder.VALID: "was renewed", ladder.EXPIRED: "has expired"}.get(rung, f"expires within {rung[:-1]} d")


def _began(before: Daemon, after: Daemon, at: datetime) -> datetime:
    """When the rung began: by the passing of time, or when somebody moved the end."""
    if after.key_expiry is None or after.rung == ladder.VALID or before.key_expiry != after.key_expiry:
        return at
    return min(after.key_expiry - ladder.RUNGS[after.rung], at)


def _codes(warnings: tuple[HealthWarning, ...]) -> tuple[str, ...]:
    return tuple(warning.code for warning in warnings)


def _shown(warning: HealthWarning) -> dict[str, str]:
    return {"code": warning.code, "severity": warning.severity, "title": warning.title}
