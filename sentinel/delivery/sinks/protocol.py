"""What the dispatcher asks of every sink, and how sinks for people put a message into words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Protocol, runtime_checkable
from zoneinfo import ZoneInfo

from loguru import logger

from sentinel.delivery.render import Limit, render_text
from sentinel.events import Message, Reading, Severity, Text, Words
from sentinel.model import Audience

if TYPE_CHECKING:
    from loguru import Logger


class Sink(Protocol):
    """Where messages go. Only one message is sent at a time, except after a send that was given up on."""

    @property
    def audience(self) -> Audience:
        """Whom the sink speaks to."""
        ...

    def send(self, message: Message, now: datetime) -> None:
        """Delivers the message and returns when the other side took it; raises DeliveryError when it did not.

        It may block as long as it likes: the deadline is the caller's. No error text contains a secret.
        """
        ...

    def say(self, text: Text, severity: Severity, now: datetime) -> None:
        """Delivers words of Sentinel's own, such as a test; raises DeliveryError like `send`."""
        ...

    def close(self) -> None:
        """Lets go of what the sink holds; it is not used afterwards."""
        ...


@runtime_checkable
class RepeatingSink(Protocol):
    """A sink whose other side forgets what it is not told again."""

    @property
    def repeat_every(self) -> timedelta:
        """How often it has to be told."""
        ...

    def repeat(self, messages: Sequence[Message], now: datetime) -> None:
        """Tells again what it was told and is still open; raises DeliveryError. It ends by itself in bounded time."""
        ...


@dataclass(frozen=True, slots=True)
class Wording:
    """How sinks for people word a message: by event type, in which zone, for how many networks.

    `own` are words that come before those; where they fail, that is told once for each type.
    """

    words: Mapping[str, Words]
    zone: ZoneInfo
    several_networks: bool = False
    own: Mapping[str, Words] = field(default_factory=dict)
    _failed: set[str] = field(default_factory=set, init=False, compare=False, repr=False)

    def text(self, message: Message, now: datetime, limit: Limit) -> Text:
        """The message in words; words that fail are replaced by plainer ones: a plain alert beats none."""
        reading = Reading(now, self.zone, self.several_networks)
        if self.own:
            try:
                return render_text(message, {**self.words, **self.own}, reading, limit)
            except Exception as error:
                self._tell_once(message, error)
        try:
            return render_text(message, self.words, reading, limit)
        except Exception:
            _log(message).exception("wording failed, the summary is sent instead")
            return render_text(message, {}, reading, limit)

    def _tell_once(self, message: Message, error: Exception) -> None:
        event_type = message.event.type.name
        if event_type not in self._failed:
            self._failed.add(event_type)
            reason = type(error).__name__
            _log(message).bind(error=reason).warning("a template failed, the built-in text is sent instead")


def _log(message: Message) -> "Logger":
    return logger.bind(log_source="sink", sink=message.sink, event_type=message.event.type.name)
