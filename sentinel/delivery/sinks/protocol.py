"""What the dispatcher asks of every sink, and how sinks for people put a message into words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol, runtime_checkable
from zoneinfo import ZoneInfo

from loguru import logger

from sentinel.delivery.render import Limit, render_text
from sentinel.events import Message, Reading, Severity, Text, Words
from sentinel.model import Audience


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
    """How sinks for people word a message: by event type, in which zone, for how many networks."""

    words: Mapping[str, Words]
    zone: ZoneInfo
    several_networks: bool = False

    def text(self, message: Message, now: datetime, limit: Limit) -> Text:
        """The message in words; words that fail are replaced by the summary: a plain alert beats none."""
        reading = Reading(now, self.zone, self.several_networks)
        try:
            return render_text(message, self.words, reading, limit)
        except Exception:
            logger.bind(log_source="sink", sink=message.sink, event_type=message.event.type.name).exception(
                "wording failed, the summary is sent instead"
            )
            return render_text(message, {}, reading, limit)
