"""How a sink's attempts end: counted, and logged when that changes."""

import traceback

from loguru import logger

from sentinel.errors import DeliveryError
from sentinel.model import Attempt, DeliveryState


class Story:
    """Of one sink, since the start."""

    def __init__(self, name: str) -> None:
        self._log = logger.bind(log_source="sink", sink=name)
        self._told: set[type[Exception]] = set()
        self._told_dead = False
        self.delivered = 0
        self.dead = 0
        self.failures = 0
        self.last_error = ""

    def succeeded(self, delivery: int, attempt: int) -> None:
        """An attempt ended well."""
        self.delivered += 1
        self._log.bind(delivery=delivery, attempt=attempt).debug("delivered")
        if self.failures:
            self._log.bind(failures=self.failures).info("delivery recovered")
        self._told.clear()
        self._told_dead = False
        self.failures = 0

    def failed(self, attempt: Attempt, error: Exception) -> None:
        """An attempt failed; the error's own text is only in `attempt` when it is known to hold no secret."""
        self.failures += 1
        self.last_error = attempt.error
        log = self._log.bind(delivery=attempt.delivery, attempt=attempt.attempt, error=attempt.error)
        unexpected = not isinstance(error, DeliveryError)
        if unexpected and type(error) not in self._told:
            log = log.bind(error_type=type(error).__name__, where=_where(error))
        if attempt.state is DeliveryState.DEAD:
            self.dead += 1
            log.log("DEBUG" if self._told_dead else "ERROR", "delivery given up")
            self._told_dead = True
        elif self.failures == 1 or (unexpected and type(error) not in self._told):
            log.warning("delivery failed")
        else:
            log.bind(failures=self.failures).debug("delivery failed again")
        self._told.add(type(error))

    def disabled(self, reason: str) -> None:
        """The other side wants nothing more."""
        self._log.bind(error=reason).error("sink switched off until the next start: its address is gone")

    def broke_off(self, error: Exception) -> None:
        """The loop itself failed, which is a defect."""
        self.last_error = type(error).__name__
        self._log.bind(error_type=type(error).__name__, where=_where(error)).error("delivery loop broke off")


def _where(error: Exception) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    return f"{frames[-1].filename}:{frames[-1].lineno}" if frames else ""
