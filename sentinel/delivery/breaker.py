"""Whether a sink is left alone because nothing arrives there."""

from sentinel.delivery.schedule import next_probe

OPENS_AFTER = 3
"""Failures in a row, of whatever deliveries."""


class Breaker:
    """Opens after some failures in a row; then one delivery at a time probes, ever more seldom, until one arrives.

    Only failures that trying again can help count: who refuses a message for good is there. Times are seconds on the
    boot clock.
    """

    def __init__(self) -> None:
        self.failures = 0
        self._until = 0.0

    @property
    def is_open(self) -> bool:
        """Whether the sink is left alone."""
        return self.failures >= OPENS_AFTER

    def failed(self, now: float, jitter: float) -> None:
        """A send failed; `jitter` is in [0, 1)."""
        self.failures += 1
        if self.is_open:
            self._until = now + next_probe(self.failures - OPENS_AFTER + 1, jitter=jitter).total_seconds()

    def succeeded(self) -> bool:
        """A send arrived; returns whether the sink was left alone until then."""
        was_open, self.failures = self.is_open, 0
        return was_open

    def lets_through(self, now: float, sending: int) -> bool:
        """Whether another send may begin while so many run."""
        return not self.is_open or (sending == 0 and now >= self._until)

    def due(self) -> float:
        """From when on it lets something through."""
        return self._until if self.is_open else 0.0
