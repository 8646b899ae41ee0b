"""How many messages a sink gets in a minute."""

from collections import deque

MINUTE = 60.0


class Pace:
    """At most so many sends begin within any minute; None for as many as there are. Times are on the boot clock."""

    def __init__(self, per_minute: int | None) -> None:
        self._begun: deque[float] = deque(maxlen=per_minute)

    def begins(self, now: float) -> None:
        """A send begins."""
        if self._begun.maxlen is not None:
            self._begun.append(now)

    def due(self) -> float:
        """From when on the next one may begin."""
        return self._begun[0] + MINUTE if len(self._begun) == self._begun.maxlen else 0.0
