"""What the configuration asks of the writer, and how it is exchanged while the writer works."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from loguru import logger

from sentinel.clock import Instant
from sentinel.events import Telling
from sentinel.model import SinkPolicy
from sentinel.pipeline.sealing import Sealing
from sentinel.policy.routes import Route
from sentinel.store.protocol import Batch, Contents, GivenUp, Store


class Outbox(Protocol):
    """Where a sink's deliveries go after the commit."""

    def offer(self, tellings: Sequence[Telling]) -> None:
        """Takes them over; returns at once."""

    def look_again(self) -> None:
        """The store has deliveries that nobody offers; returns at once."""


@dataclass(frozen=True, slots=True)
class Rules:
    """Who is told what and when, what is recorded, and for how long."""

    sinks: Sequence[SinkPolicy]
    routes: Sequence[Route]
    window: timedelta
    retention: timedelta
    sealing: Sealing


@dataclass(frozen=True, slots=True)
class Exchange:
    """Asks the writer to go on with other rules and with these outboxes, one for each of their sinks.

    It is done after everything that was reported before it is committed. What is pending at sinks that are gone is
    given up; what is pending at an outbox that is new, that one reads from the store by itself.
    """

    rules: Rules
    outboxes: Mapping[str, Outbox]


def give_up_orphans(store: Store, contents: Contents, sinks: Sequence[SinkPolicy], now: Instant) -> None:
    """Pending deliveries of sinks that the configuration no longer has are dead, with that reason."""
    gone = sorted(contents.pending.keys() - {sink.name for sink in sinks})
    if not gone:
        return
    why = "the configuration no longer has this sink"
    store.commit(Batch(given_up=[GivenUp(sink, now.wall, why) for sink in gone]))
    fields = logger.bind(sinks=gone, deliveries=sum(contents.pending[name] for name in gone))
    fields.error("deliveries are given up: the configuration no longer has their sinks")
