"""How a sink's attempts end: counted, and told when that changes."""

import traceback
from dataclasses import dataclass
from datetime import datetime, timedelta

from loguru import logger

from sentinel.delivery.schedule import HORIZON
from sentinel.errors import DeliveryError
from sentinel.model import Attempt, DeliveryState


@dataclass(frozen=True, slots=True)
class SinkReport:
    """How a sink is doing since the start.

    `waiting` deliveries in memory are not settled yet; `failures` attempts failed in a row, the first at
    `failing_since`, the last with `last_error`; `resting` says that the sink is left alone but for probes; `disabled`
    is why it wants nothing more, empty if it does; `hanging` sends were given up on and have not ended; `alive` is
    False when the loop itself is gone.
    """

    name: str
    alive: bool
    waiting: int
    delivered: int
    dead: int
    failures: int
    last_error: str
    hanging: int
    failing_since: datetime | None = None
    resting: bool = False
    disabled: str = ""


class Story:
    """Counts how a sink's attempts end and logs when that changes."""

    def __init__(self, name: str) -> None:
        self._log = logger.bind(log_source="sink", sink=name)
        self._told: set[type[Exception]] = set()
        self._told_dead = False
        self.delivered = 0
        self.dead = 0
        self.failures = 0
        self.reason = ""
        self.last_error = ""
        self._told_unreadable = False
        self.failing_since: datetime | None = None

    def succeeded(self, delivery: int, attempt: int) -> None:
        """An attempt ended well."""
        self.delivered += 1
        self._log.bind(delivery=delivery, attempt=attempt).debug("delivered")
        if self.failures:
            self._log.bind(failures=self.failures).info("delivery recovered")
        self._told.clear()
        self._told_dead = False
        self.failures = 0
        self.failing_since = None

    def failed(self, attempt: Attempt, error: Exception) -> None:
        """An attempt failed; the error's own text is only in `attempt` when it is known to hold no secret."""
        self.failures += 1
        self.failing_since = self.failing_since or attempt.finished_at
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

    def gave_up(self, attempt: Attempt) -> None:
        """A delivery is given up without another attempt; `reason` is what the last one of its sink said."""
        self.dead += 1
        self.last_error = attempt.error
        log = self._log.bind(delivery=attempt.delivery, attempt=attempt.attempt, error=attempt.error)
        log.log("DEBUG" if self._told_dead else "ERROR", "delivery given up")
        self._told_dead = True

    def unreadable(self, error: Exception) -> None:
        """The deliveries that are not in memory cannot be read now."""
        level = "DEBUG" if self._told_unreadable else "ERROR"
        self._log.bind(error=str(error)).log(level, "waiting deliveries cannot be read, trying again")
        self._told_unreadable = True

    def disabled(self, reason: str) -> None:
        """The other side wants nothing more."""
        self._log.bind(error=reason).error("sink switched off until the next start: its address is gone")

    def broke_off(self, error: Exception) -> None:
        """The loop itself failed, which is a defect."""
        self.last_error = type(error).__name__
        self._log.bind(error_type=type(error).__name__, where=_where(error)).error("delivery loop broke off")


def reason_of(error: Exception) -> str:
    """What may be said of an error anywhere."""
    # Only the text of a DeliveryError is known to hold no secret.
    return str(error) if isinstance(error, DeliveryError) else f"unexpected {type(error).__name__}"


def too_old(reason: str) -> str:
    """Why a delivery is given up whose last attempt, or its sink's, failed for a reason."""
    return f"given up after {HORIZON // timedelta(hours=1)} h: {reason}"


def _where(error: Exception) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    return f"{frames[-1].filename}:{frames[-1].lineno}" if frames else ""
