"""What a sink was told and is still open, told again before the other side forgets it."""

from collections.abc import Callable, Iterable
from datetime import datetime

from loguru import logger

from sentinel.clock import Instant
from sentinel.delivery.incidents import dedup_key, incident_of
from sentinel.delivery.sinks.protocol import RepeatingSink
from sentinel.delivery.workers import Worker
from sentinel.errors import DeliveryError
from sentinel.events import Message


class Repeats:
    """Belongs to one sink's loop. A repeat is no delivery: how it ends is reported nowhere, the next one follows.

    While one is on its way (`busy`) nothing else may be sent: it could open again what was closed meanwhile.
    """

    def __init__(self, name: str, sink: RepeatingSink, new_worker: Callable[[str], Worker]) -> None:
        self._log = logger.bind(log_source="sink", sink=name)
        self._name = name
        self._sink = sink
        self._new_worker = new_worker
        self._worker: Worker | None = None
        self._open: dict[str, Message] = {}
        self._due: float | None = None
        self._failing = False
        self.busy = False

    def told(self, message: Message, now: Instant) -> None:
        """The sink was told the message: from now on it is repeated, or what it ends no longer is."""
        incident = incident_of(message)
        if incident.ends:
            self._open.pop(dedup_key(incident), None)
        else:
            self._open[dedup_key(incident)] = message
        if self._due is None:
            self._due = now.boot + self._sink.repeat_every.total_seconds()

    def remember(self, messages: Iterable[Message]) -> None:
        """Takes over what was told before the start and is still open; it is repeated at once."""
        self._open |= {dedup_key(incident_of(message)): message for message in messages}
        self._due = 0.0

    def due(self) -> float | None:
        """When to repeat, on the boot clock; None while nothing is open or a repeat is on its way."""
        return self._due if self._open and not self.busy else None

    def begin(self, now: Instant, ended: Callable[[], None]) -> None:
        """Repeats all that is open; `ended` is called in another thread when that is done."""
        self.busy = True
        self._due = now.boot + self._sink.repeat_every.total_seconds()
        messages = tuple(self._open.values())
        if self._worker is None:
            self._worker = self._new_worker(f"repeat-{self._name}")
        self._worker.submit(lambda: self._repeat(messages, now.wall, ended))

    def close(self) -> None:
        """Lets go of the thread."""
        if self._worker is not None:
            self._worker.retire()

    def _repeat(self, messages: tuple[Message, ...], now: datetime, ended: Callable[[], None]) -> None:
        """Runs in the worker."""
        try:
            self._sink.repeat(messages, now)
        except Exception as error:
            # Only the text of a DeliveryError is known to hold no secret.
            reason = str(error) if isinstance(error, DeliveryError) else f"unexpected {type(error).__name__}"
            self._log.bind(error=reason, open=len(messages)).log(
                "DEBUG" if self._failing else "WARNING", "what is open could not be told again"
            )
            self._failing = True
        else:
            self._failing = False
        self.busy = False
        ended()
