"""The Python side in this process: the decoder, the real writer and the real store, fed with bytes of the wire."""

import io
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path

from sentinel import logs
from sentinel.clock import Instant, SystemClock
from sentinel.model import Attempt, Audience, DeliveryState, SinkPolicy
from sentinel.pipeline.inbox import Inbox
from sentinel.pipeline.rules import Rules
from sentinel.pipeline.sealing import PLAIN
from sentinel.pipeline.writer import Writer
from sentinel.policy.routes import everything_to
from sentinel.sources.tailnet import ROOM
from sentinel.store.protocol import Contents
from sentinel.store.sqlite import SqliteStore
from sentinel.wire.v1 import frame_pb2
from tests.bench import crowd
from tests.fakes import FakeClock
from tests.world import SOURCE, World

SINK = "stdout-debug"
"""The name of the sink that a configuration without sinks has."""
POLICY = SinkPolicy(SINK, Audience.PROGRAMS)


class _Nowhere(io.StringIO):
    """Takes log lines, which cost what they cost, and forgets them."""

    def write(self, text: str) -> int:
        return len(text)


def world(folder: Path, *, began: timedelta = timedelta()) -> World:
    """A writer on a store of its own that holds nothing back, with an edge connected; logs as a service does.

    With `began` its time is the real one, starting so long ago.
    """
    logs.configure(log_format="json", stream=_Nowhere())
    clock = FakeClock()
    if began:
        clock.advance((SystemClock().now().wall - began - clock.now().wall).total_seconds())
    made = World(folder / "state.db", window=0, sinks=(POLICY,), clock=clock)
    made.connect()
    return made


def writer(store: SqliteStore, contents: Contents, now: Instant) -> Writer:
    """A writer on what a store holds."""
    return Writer(
        inbox=Inbox(),
        store=store,
        contents=contents,
        rooms={SOURCE: ROOM},
        rules=Rules((POLICY,), everything_to((POLICY.name,)), timedelta(), timedelta(days=90), PLAIN),
        outboxes={},
        new_id=lambda: "ledger",
        on_commit=lambda: None,
        now=now,
    )


def feed(into: World, frames: Iterable[bytes], *, deliver: bool = True) -> None:
    """Frames as they come from the wire, one step each; what they tell is delivered before the next one."""
    for frame in frames:
        decoded = into.wire.decoder.feed(frame_pb2.Frame.FromString(frame))
        into.clock.advance(crowd.STEP)
        if decoded is not None:
            into.see(decoded)
        if deliver:
            _deliver(into)


def _deliver(into: World) -> None:
    for outbox in into.outboxes.values():
        now = into.clock.now().wall
        for telling in outbox.tellings:
            delivery = telling.delivery
            into.writer.inbox.report(Attempt(delivery.id, delivery.sink, 1, DeliveryState.DELIVERED, now))
        outbox.tellings.clear()
