"""What a sink that keeps incidents is told: that a problem begins, that it is another one now, that it ended."""

from collections.abc import Iterable

from sentinel.events import Difference, Event


def turning(events: Iterable[Event]) -> Event | None:
    """The newest event that opens or ends a problem."""
    return next((event for event in reversed(tuple(events)) if event.problem is not None), None)


def removal_in(rows: Iterable[Difference]) -> Event | None:
    """The removal that still holds, if one of the rows, all of one subject, waits with it."""
    newest = (row.waiting[-1] for row in rows if row.waiting)
    return next((event for event in newest if event.type.removal), None)
