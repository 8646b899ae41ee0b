"""When a delivery is tried again, and when it is given up."""

from datetime import datetime, timedelta

WAITS = (
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    *(timedelta(hours=hours) for hours in (2, 5, 10, 14, 20, 24)),
)
"""The longest wait after each failed attempt, as Standard Webhooks proposes; the last one stays."""
SHORTEST = timedelta(seconds=1)
LONGEST_ASKED = timedelta(hours=1)
HORIZON = timedelta(hours=72)
FEWEST = len(WAITS)
"""Attempts of one delivery before it may be given up. Age alone gives nothing up: the clock may have been set, or the
machine switched off, so that nobody tried."""
FEWEST_AT_SINK = HORIZON // LONGEST_ASKED
"""Failures in a row of the whole sink that count as much, for deliveries that had no attempt of their own."""

FIRST_PROBE = timedelta(seconds=5)
LONGEST_PROBE = timedelta(minutes=10)


def next_try(
    attempt: int, *, now: datetime, created_at: datetime, jitter: float, retry_after: timedelta | None = None
) -> datetime | None:
    """When to try again after the failed attempt number `attempt` (from 1); None when that would be too late.

    Too late is when an attempt at the horizon or beyond it has failed, and it was tried often enough. The wait is drawn
    evenly (`jitter` in [0, 1)) up to the longest one, so that deliveries which failed together do not come back
    together. What the other side asks for is honoured up to an hour.
    """
    end = created_at + HORIZON
    if now >= end and attempt >= FEWEST:
        return None
    due = now + max(SHORTEST, jitter * WAITS[min(attempt, len(WAITS)) - 1])
    if now < end:
        # The last attempt is made at the horizon, however long the wait before it was to be.
        due = max(min(due, end), now + SHORTEST)
    return due if retry_after is None else max(due, now + min(retry_after, LONGEST_ASKED))


def is_over(*, now: datetime, created_at: datetime, failures: int) -> bool:
    """Whether a delivery that waited for its sink is given up after so many failures in a row of that sink."""
    return failures >= FEWEST_AT_SINK and now >= created_at + HORIZON


def next_probe(failures: int, *, jitter: float) -> timedelta:
    """How long a sink is left alone after so many failed probes; the longest wait doubles each time."""
    # Beyond a few doublings the cap holds anyway; without the bound the power would grow into an overflow.
    doublings: int = min(max(failures, 1) - 1, 16)
    return max(SHORTEST, jitter * min(LONGEST_PROBE, FIRST_PROBE * (1 << doublings)))
