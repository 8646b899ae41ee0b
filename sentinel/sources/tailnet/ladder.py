"""The life of a node key: rungs that lie closer and closer before its end.

A key that lives for hours by design is nobody's trouble a day before its end: a rung that is longer than half of the
key's life is left out. A life is counted from when its end was first seen, because that is all that a peer's record
tells for certain: the age of the machine says nothing about the age of its key.
"""

from datetime import datetime, timedelta
from functools import lru_cache

VALID = "valid"
EXPIRED = "expired"
UNKNOWN = ""
"""Where a key stands of which nobody has looked at the life yet."""

RUNGS = {
    "30d": timedelta(days=30),
    "14d": timedelta(days=14),
    "7d": timedelta(days=7),
    "3d": timedelta(days=3),
    "1d": timedelta(days=1),
    EXPIRED: timedelta(0),
}
"""How long before the end each rung begins, in their order."""

_RANKS = {UNKNOWN: 0, VALID: 0} | {name: rank for rank, name in enumerate(RUNGS, start=1)}


def rung(key_expiry: datetime | None, first_seen: datetime, at: datetime) -> str:
    """Where a key stands at a moment: `valid`, the name of a rung, or `expired`. Without an expiry it stays valid."""
    return next((name for moment, name in reversed(_steps(key_expiry, first_seen)) if moment <= at), VALID)


def next_rung_at(key_expiry: datetime | None, first_seen: datetime, at: datetime) -> datetime | None:
    """The first moment after `at` at which the key stands elsewhere; None if there is none."""
    return next((moment for moment, _ in _steps(key_expiry, first_seen) if moment > at), None)


def next_rung_after(key_expiry: datetime | None, first_seen: datetime, reached: str) -> datetime | None:
    """When the rung after `reached` begins; None if there is none. It is past if nobody looked since."""
    return next((moment for moment, name in _steps(key_expiry, first_seen) if is_worse(name, reached)), None)


def is_worse(name: str, other: str) -> bool:
    """Whether a rung is nearer to the end than another one."""
    return _RANKS[name] > _RANKS[other]


# A change asks three times for the same life; more than the last few are not asked for again.
@lru_cache(maxsize=64)
def _steps(key_expiry: datetime | None, first_seen: datetime) -> tuple[tuple[datetime, str], ...]:
    """When each rung of this life begins, in their order."""
    if key_expiry is None:
        return ()
    longest = max((key_expiry - first_seen) / 2, RUNGS[EXPIRED])
    return tuple((key_expiry - before, name) for name, before in RUNGS.items() if before <= longest)
