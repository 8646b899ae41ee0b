"""Why a difference is held back. Each reason is a function with an end, or open until something happens."""

from collections.abc import Set as AbstractSet
from datetime import datetime, timedelta

from sentinel.clock import Deadline, Instant, deadline
from sentinel.model import SubjectKey

MOST_WINDOWS = 5
"""A subject that never comes to rest is told after so many debounce windows all the same."""


def debounce(window: timedelta, *, began: datetime, newest: datetime, now: Instant) -> Deadline:
    """Trailing: ends one window after the newest event, at the latest `MOST_WINDOWS` windows after the first."""
    return deadline(now, min(newest, began + (MOST_WINDOWS - 1) * window), window)


def rebased(due: Deadline | None, window: timedelta, now: Instant) -> Deadline | None:
    """The same moment on this boot's clock; a wall clock that starts behind makes no window longer than usual."""
    if due is None or due.boot_id == now.boot_id:
        return due
    left = timedelta(seconds=due.seconds_left(now))
    return deadline(now, now.wall, min(left, window))


def blind(subject: SubjectKey, seeing: AbstractSet[tuple[str, str]]) -> bool:
    """Open as long as the subject's source does not see: what looks like a change may only be the lost view.

    `seeing` has each source with the types of subjects that can be believed now: some need no sight. A source that is
    not watched any more does not see either.
    """
    return (subject.source, subject.type) not in seeing
