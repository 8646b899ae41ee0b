"""When a delivery is tried again, and when it is given up."""

from datetime import datetime, timedelta

FIRST = timedelta(seconds=5)
LONGEST = timedelta(minutes=10)
SHORTEST = timedelta(seconds=1)
LONGEST_ASKED = timedelta(hours=1)
HORIZON = timedelta(hours=72)
FEWEST = HORIZON // LONGEST_ASKED
"""Attempts that the horizon has room for at the least. Age alone gives nothing up: the clock may have been set, or the
machine switched off, so that nobody tried."""


def next_try(
    attempt: int, *, now: datetime, created_at: datetime, jitter: float, retry_after: timedelta | None = None
) -> datetime | None:
    """When to try again after the failed attempt number `attempt` (from 1); None when that would be too late.

    Too late is beyond the horizon, after as many attempts as it has room for at the least.

    The wait is drawn evenly (`jitter` in [0, 1)) from a range that doubles with every attempt, so that
    deliveries which failed together do not come back together. What the other side asks for is honoured up to
    an hour.
    """
    wait = max(SHORTEST, jitter * _ceiling(attempt))
    if retry_after is not None:
        wait = max(wait, min(retry_after, LONGEST_ASKED))
    due = now + wait
    return due if due <= created_at + HORIZON or attempt < FEWEST else None


def _ceiling(attempt: int) -> timedelta:
    # Beyond a few doublings the cap holds anyway; without the bound the power would grow into an overflow.
    doublings: int = min(max(attempt, 1) - 1, 16)
    return min(LONGEST, FIRST * (1 << doublings))
