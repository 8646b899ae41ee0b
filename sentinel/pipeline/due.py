"""When records change by themselves. Nothing of it is stored: the records say it, and say it again after a restart."""

import heapq
from collections.abc import Set as AbstractSet
from datetime import datetime


class DueTimes:
    """The due times of one source's subjects, on the wall clock, because they are moments of a calendar.

    A time may be noted that holds no longer, or twice: whoever takes it looks at the record once more.
    """

    def __init__(self) -> None:
        self._heap: list[tuple[datetime, str, str]] = []
        self._late: dict[str, set[str]] = {}

    def note(self, due: datetime, subject_type: str, subject_id: str) -> None:
        """The subject's record changes by itself at that moment."""
        heapq.heappush(self._heap, (due, subject_type, subject_id))

    def take(self, now: datetime, ready: AbstractSet[str]) -> dict[str, set[str]]:
        """Ids by type of what is due, of those types whose time may count now; the others stay due."""
        while self._heap and self._heap[0][0] <= now:
            _, subject_type, subject_id = heapq.heappop(self._heap)
            self._late.setdefault(subject_type, set()).add(subject_id)
        return {subject_type: self._late.pop(subject_type) for subject_type in sorted(ready & self._late.keys())}

    def next_due(self, now: datetime, ready: AbstractSet[str]) -> float | None:
        """Seconds until there is something to take; None as long as only a change of `ready` can bring it."""
        if ready & self._late.keys():
            return 0.0
        return max(0.0, (self._heap[0][0] - now).total_seconds()) if self._heap else None
