"""The loops of the configured sinks."""

from collections.abc import Mapping
from functools import partial

from sentinel.app import sinks as sinks_of
from sentinel.app.conditions import reporting
from sentinel.config import Config
from sentinel.delivery.sinks import Sink, in_flight
from sentinel.dispatcher import SinkLoop
from sentinel.model import Audience, Reached
from sentinel.pipeline.inbox import Inbox
from sentinel.store.protocol import Reader


def loops(
    config: Config, sinks: Mapping[str, Sink], *, inbox: Inbox, reader: Reader, reached: Reached
) -> dict[str, SinkLoop]:
    """A loop for each of the sinks, not yet started; what is pending they read from the store."""
    tell = reporting(inbox, reader)
    abreast = {spec.name: in_flight(spec) for spec in sinks_of.specs(config)}
    return {
        name: SinkLoop(
            name=name,
            sink=sink,
            report=inbox.report,
            backlog=partial(reader.backlog, name),
            absorb=inbox.ask,
            tell=tell,
            in_flight=abreast[name],
            reached=reached,
        )
        for name, sink in sinks.items()
    }


def remember_open(loops: Mapping[str, SinkLoop], reader: Reader) -> None:
    """Tells those whose sinks keep incidents what is open there; before they start. Raises StoreError."""
    for name, loop in loops.items():
        if loop.audience is Audience.INCIDENTS:
            loop.remember(reader.still_open(name))
