"""The only place that reads a clock.

Durations are measured on the machine's boot clock, which no correction of the wall clock can bend. Across a restart of
the machine only the wall clock is left to measure with.
"""

import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Instant:
    """One moment: `wall` is aware UTC, `boot` is seconds since the machine started (sleep included)."""

    wall: datetime
    boot: float
    boot_id: str


@dataclass(frozen=True, slots=True)
class Deadline:
    """A moment in the future, kept on both clocks so that it survives a restart of process or machine."""

    wall: datetime
    boot: float
    boot_id: str

    def seconds_left(self, now: Instant) -> float:
        """Seconds until the deadline; zero or less once it has passed."""
        if self.boot_id == now.boot_id:
            return self.boot - now.boot
        return (self.wall - now.wall).total_seconds()


def earlier(now: Instant, moment: datetime) -> Instant:
    """A wall clock's moment of this boot as an instant; a later one counts as now."""
    ago = max(timedelta(), now.wall - moment)
    return Instant(now.wall - ago, now.boot - ago.total_seconds(), now.boot_id)


def deadline(now: Instant, since: datetime, duration: timedelta) -> Deadline:
    """The moment `duration` after `since`, which lies in the past of `now`; a later one counts as now."""
    left = min(since, now.wall) + duration - now.wall
    return Deadline(now.wall + left, now.boot + left.total_seconds(), now.boot_id)


class Clock(Protocol):
    """Where `now` comes from; it is read once per pass and handed down."""

    def now(self) -> Instant:
        """This moment."""
        ...


_BOOT_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


def boot_seconds() -> float:
    """Seconds since the machine started, for those who wait on a network and have nobody to hand them a moment."""
    return time.clock_gettime(_BOOT_CLOCK)


class SystemClock:
    """The machine's clocks."""

    def __init__(self) -> None:
        # Without the kernel's id every start counts as a new boot: deadlines fall back to the wall clock.
        boot_id = Path("/proc/sys/kernel/random/boot_id")
        self._boot_id = boot_id.read_text().strip() if boot_id.exists() else f"start-{time.time_ns()}"

    def now(self) -> Instant:
        """This moment."""
        wall = datetime.fromtimestamp(time.time_ns() // 1000 / 1_000_000, UTC)
        return Instant(wall, boot_seconds(), self._boot_id)


@lru_cache(maxsize=64)
def rfc3339(moment: datetime) -> str:
    """The moment as UTC text with microseconds: sorts like the time, reads like a date."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")[:-6] + "Z"


def parse_rfc3339(text: str) -> datetime:
    """The moment that `rfc3339` wrote."""
    return datetime.fromisoformat(text)
