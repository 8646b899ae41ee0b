"""When a sink does so badly, or well again, that others have to know."""

from datetime import timedelta

FAILING_AFTER = timedelta(minutes=5)
"""How long nothing may arrive."""


class Watch:
    """A sink fails when nothing arrives for a while, or something was given up; it is well when something arrives.

    Each method says whether that is news. The first that arrives is: a former run may have ended with a failing sink.
    Times are seconds on the boot clock.
    """

    def __init__(self) -> None:
        self._fails: bool | None = None
        self._rests_since: float | None = None
        self.given_up = 0

    def arrived(self) -> bool:
        """A delivery arrived."""
        self._rests_since = None
        self.given_up = 0
        return self._becomes(fails=False)

    def gave_up(self) -> bool:
        """A delivery is dead."""
        self.given_up += 1
        return self._becomes(fails=True)

    def rests(self, now: float) -> bool:
        """The sink is left alone but for probes, at this moment."""
        self._rests_since = now if self._rests_since is None else self._rests_since
        return now >= self._fails_at(self._rests_since) and self._becomes(fails=True)

    def due(self) -> float | None:
        """When a sink that is left alone fails; None if it does already, or is not left alone."""
        return None if self._rests_since is None or self._fails else self._fails_at(self._rests_since)

    def _fails_at(self, rests_since: float) -> float:
        return rests_since + FAILING_AFTER.total_seconds()

    def _becomes(self, *, fails: bool) -> bool:
        was, self._fails = self._fails, fails
        return was is not fails
