"""How a test lets a sink say something: as the trial of sinks does, once and within a deadline."""

from datetime import datetime, timedelta

from sentinel.delivery.once import within
from sentinel.delivery.sinks import Sink
from sentinel.dispatcher import DEADLINE
from sentinel.events import Severity, Text


def say(sink: Sink, text: Text, severity: Severity, *, now: datetime, deadline: timedelta = DEADLINE) -> None:
    """Says words of Sentinel's own; raises only DeliveryError."""
    within(deadline, lambda: sink.say(text, severity, now))
