"""The loops of the configured sinks."""

from collections.abc import Collection, Mapping
from functools import partial

from sentinel.app import sinks as sinks_of
from sentinel.app.conditions import reporting
from sentinel.clock import Clock
from sentinel.config import Config
from sentinel.delivery.sinks import Sink, in_flight, most_per_minute
from sentinel.dispatcher import SinkLoop
from sentinel.model import Audience, Reached
from sentinel.pipeline.inbox import Inbox
from sentinel.store.protocol import Reader

DRAIN_WITHIN = 5.0
"""Seconds that what is being sent has when its loop ends."""


def loops(
    config: Config, sinks: Mapping[str, Sink], *, inbox: Inbox, reader: Reader, reached: Reached
) -> dict[str, SinkLoop]:
    """A loop for each of the sinks, not yet started; what is pending they read from the store."""
    tell = reporting(inbox, reader)
    specs = {spec.name: spec for spec in sinks_of.specs(config)}
    return {
        name: SinkLoop(
            name=name,
            sink=sink,
            report=inbox.report,
            backlog=partial(reader.backlog, name),
            absorb=inbox.ask,
            tell=tell,
            in_flight=in_flight(specs[name]),
            per_minute=most_per_minute(specs[name], sink.audience),
            reached=reached,
        )
        for name, sink in sinks.items()
    }


def remember_open(loops: Mapping[str, SinkLoop], reader: Reader) -> None:
    """Tells those whose sinks keep incidents what is open there; before they start. Raises StoreError."""
    for name, loop in loops.items():
        if loop.audience is Audience.INCIDENTS:
            loop.remember(reader.still_open(name))


def drain(loops: Collection[SinkLoop], clock: Clock, *, within: float) -> None:
    """Ends the loops once what they send is sent; `within` seconds for all of them, however many hang."""
    for loop in loops:
        loop.ask_to_stop()
    end = clock.now().boot + within
    for loop in loops:
        loop.stop(max(0.0, end - clock.now().boot))
