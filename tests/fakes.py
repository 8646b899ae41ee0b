"""Stand-ins for what a test must control."""

from datetime import UTC, datetime, timedelta

from sentinel.clock import Instant


class FakeClock:
    """A clock that moves only when told to; `wall` and `boot` can be pulled apart with `correct`."""

    def __init__(self) -> None:
        self._now = Instant(datetime(2026, 1, 1, 9, 0, tzinfo=UTC), 1000.0, "machine-1")

    def now(self) -> Instant:
        return self._now

    def advance(self, seconds: float) -> None:
        now = self._now
        self._now = Instant(now.wall + timedelta(seconds=seconds), now.boot + seconds, now.boot_id)

    def correct(self, seconds: float) -> None:
        """Somebody sets the wall clock."""
        now = self._now
        self._now = Instant(now.wall + timedelta(seconds=seconds), now.boot, now.boot_id)

    def reboot(self, seconds: float) -> None:
        """The machine restarts and is back after so many seconds."""
        self._now = Instant(self._now.wall + timedelta(seconds=seconds), 5.0, f"{self._now.boot_id}+")
