"""How fast messages go to a webhook, what one costs the writer, and whether sinks that hang slow others down.

Run: make bench, or .venv/bin/python tests/bench/bench_delivery.py. A real service with one signed webhook, nothing held
back; an edge without a tailnet sends changes, and the webhook's other side is a process of its own on loopback. Then
the writer alone, which is told how deliveries ended, eight at a time. Then the loops of sinks alone: one message after
the other to a sink that takes them, in turns by itself, while one hangs and six trickle in another process of this
machine, and beside those.
"""

import base64
import io
import itertools
import multiprocessing
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from multiprocessing.connection import Connection
from pathlib import Path
from queue import SimpleQueue
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

from sentinel import logs
from sentinel.clock import SystemClock
from sentinel.delivery.sinks import HttpSettings, WebhookSettings
from sentinel.delivery.sinks.webhook import IN_FLIGHT, WebhookSink
from sentinel.dispatcher import SinkLoop
from sentinel.model import Attempt, DeliveryState
from tests.bench import crowd, edge, gauge, inside
from tests.bench.receiver import Manner, Receivers
from tests.builders import Wire
from tests.messages import START, telling
from tests.rig import Service

PEERS = 5000
IDLE, PAUSE = 300, 0.02
OUTCOMES, TOGETHER, TURNS = 2000, 8, 5
ONE_BY_ONE, RUNS = 5000, 5
SECRET = f"whsec_{base64.b64encode(bytes(range(32))).decode()}"
BAD: tuple[Manner, ...] = ("hangs", "trickles", "trickles", "trickles", "trickles", "trickles", "trickles")


def main() -> None:
    """Prints the rates and delays, the cost, and the comparison."""
    print(f"a service and one signed webhook, window 0: {PEERS:,} messages, then {IDLE} one at a time\n")
    print(f"{'in flight':>10} {'told/s':>8} {'idle p50 ms':>12} {'idle p99 ms':>12} {'max ms':>8}")
    rates = {in_flight: _service_with(in_flight) for in_flight in (1, IN_FLIGHT)}
    print()
    for in_flight, (rate, p50, p99) in rates.items():
        gauge.figure(f"told a second to a webhook, {in_flight} in flight", rate, 500, least=True)
        gauge.figure(f"change to webhook when idle, {in_flight} in flight, p50", p50, 8, "ms")
        gauge.figure(f"change to webhook when idle, {in_flight} in flight, p99", p99, 60, "ms")
    _outcomes()
    _side_by_side()


# Through a service -----------------------------------------------------------------------------------------------


def _service_with(in_flight: int) -> tuple[float, float, float]:
    with Receivers("takes") as receivers, _service(receivers.urls[0], in_flight) as (link, wire):
        changes = crowd.flips(wire, PEERS + IDLE, among=PEERS)
        many = list(map(edge.request, itertools.islice(changes, PEERS)))
        begin = time.monotonic()
        link.send(many)
        rate = PEERS / (_arrived(receivers, PEERS)[-1] - begin)
        delays = sorted(_idle(link, receivers, edge.request(change)) for change in changes)
    p50, p99 = statistics.median(delays), delays[int(len(delays) * 0.99)]
    print(f"{in_flight:>10} {rate:>8.0f} {p50:>12.1f} {p99:>12.1f} {delays[-1]:>8.1f}", flush=True)
    return rate, p50, p99


@contextmanager
def _service(url: str, in_flight: int) -> Iterator[tuple[edge.FakeEdge, Wire]]:
    """A service that has its base, and the edge that sent it."""
    hook = {"type": "webhook", "url": url, "secrets": [SECRET], "in_flight": in_flight}
    # Routes that are carried no more would be told beside the changes that are counted.
    route = {"event_types": ["peer.*"], "sinks": ["hook"]}
    settings: dict[str, Any] = {**edge.SETTINGS, "sinks": {"hook": hook}, "routes": [route]}
    with tempfile.TemporaryDirectory(prefix="sentinel-bench-") as name:
        wire = Wire(now=datetime.now(UTC) - timedelta(hours=1))
        with (
            Service(Path(name), control_url="", settings=settings),
            edge.FakeEdge(Path(name) / "run" / "ingest.sock", wire.boot_id) as link,
        ):
            link.welcomed()
            base = crowd.base(wire, crowd.peers(PEERS))
            link.send(map(edge.request, base))
            link.wait_acked(base[-1].position)
            yield link, wire


def _arrived(receivers: Receivers, count: int) -> list[float]:
    """When so many messages had arrived, oldest first."""
    came: list[float] = []

    def enough() -> bool:
        came.extend(receivers.arrivals())
        return len(came) >= count

    gauge.soon(enough, f"{count} messages have arrived", within=120)
    return sorted(came)


def _idle(link: edge.FakeEdge, receivers: Receivers, change: bytes) -> float:
    """Milliseconds from an edge's change to its message, with nothing else going on."""
    time.sleep(PAUSE)
    begin = time.monotonic()
    link.send([change])
    return (_arrived(receivers, 1)[0] - begin) * 1e3


# The writer alone ------------------------------------------------------------------------------------------------


def _outcomes() -> None:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_settle, args=(theirs,), daemon=True)
    process.start()
    costs: list[float] = [ours.recv() for _ in range(TURNS)]
    process.join(10)
    print(f"\nthe writer alone: CPU of one outcome, {TOGETHER} in a commit, {TURNS} turns of {OUTCOMES:,}, us\n")
    print("  ".join(f"{cost:.0f}" for cost in costs) + "\n")
    gauge.figure("cost of a delivery's outcome in the writer, median", statistics.median(costs), 150, "us")


def _settle(pipe: Connection) -> None:
    with tempfile.TemporaryDirectory(prefix="sentinel-bench-") as folder:
        world = inside.world(Path(folder))
        inside.feed(world, [frame.SerializeToString() for frame in crowd.base(world.wire, crowd.peers(OUTCOMES))])
        changes = crowd.flips(world.wire, TURNS * OUTCOMES, among=OUTCOMES)
        outbox = world.outboxes[inside.SINK]
        for _ in range(TURNS):
            frames = [frame.SerializeToString() for frame in itertools.islice(changes, OUTCOMES)]
            inside.feed(world, frames, deliver=False)
            now = world.clock.now().wall
            ended = [
                Attempt(told.delivery.id, inside.SINK, 1, DeliveryState.DELIVERED, now) for told in outbox.tellings
            ]
            outbox.tellings.clear()
            before = time.process_time()
            for start in range(0, len(ended), TOGETHER):
                for attempt in ended[start : start + TOGETHER]:
                    world.writer.inbox.report(attempt)
                world.step()
            pipe.send((time.process_time() - before) / len(ended) * 1e6)


# Beside sinks that hang ------------------------------------------------------------------------------------------


def _side_by_side() -> None:
    print(f"\nloops of sinks alone: p99 of {ONE_BY_ONE:,} messages one after the other, {RUNS} runs, ms\n")
    print(f"{'alone':>8} {'elsewhere':>10} {'beside':>8} {'to alone':>9} {'to elsewhere':>13}")
    logs.configure(log_format="json", stream=io.StringIO())
    to_elsewhere = []
    # Apart from those that hang: what is measured is one interpreter, and that is Sentinel's.
    with Receivers("takes") as good:
        healthy = good.urls[0]
        _p99(healthy)
        for _ in range(RUNS):
            alone = _p99(healthy)
            with _hanging_elsewhere():
                elsewhere = _p99(healthy)
            with _hanging():
                beside = _p99(healthy)
            to_elsewhere.append(beside / elsewhere)
            print(
                f"{alone:>8.2f} {elsewhere:>10.2f} {beside:>8.2f} {beside / alone:>9.2f} {beside / elsewhere:>13.2f}",
                flush=True,
            )
    print()
    what = "p99 of a sink beside seven that hang / with these in another process, median"
    gauge.figure(what, statistics.median(to_elsewhere), 1.25)


@contextmanager
def _hanging_elsewhere() -> Iterator[None]:
    """The same sinks hang in another process: that much of it is the machine's."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_hang, args=(theirs,))
    process.start()
    ours.recv()
    try:
        yield
    finally:
        ours.send("end")
        process.join(20)


def _hang(pipe: Connection) -> None:
    logs.configure(log_format="json", stream=io.StringIO())
    with _hanging():
        pipe.send("they hang")
        pipe.recv()


@contextmanager
def _hanging() -> Iterator[None]:
    """Loops whose sends all hang, or trickle, for as long as they may."""
    with ExitStack() as stack:
        bad = Receivers(*BAD)
        for url in bad.urls:
            loop, _ = _loop(url)
            stack.callback(loop.stop, 5)
            age = START - SystemClock().now().wall
            loop.offer([telling(number, subject=f"s{number}", age=age) for number in range(1, 201)])
        # It ends first, and with it what hangs.
        stack.enter_context(bad)
        time.sleep(0.2)
        yield


def _loop(url: str) -> tuple[SinkLoop, SimpleQueue[Attempt]]:
    """A running loop and what it reports."""
    reported: SimpleQueue[Attempt] = SimpleQueue()
    sink = WebhookSink(WebhookSettings(HttpSettings(url), secrets=(SECRET,)))
    loop = SinkLoop(name="hook", sink=sink, report=reported.put, in_flight=IN_FLIGHT)
    loop.start(SystemClock())
    return loop, reported


def _p99(url: str) -> float:
    """Milliseconds from the offer of a message to its outcome."""
    loop, reported = _loop(url)
    took = []
    for number in range(1, ONE_BY_ONE + 1):
        told = telling(number, subject=f"s{number}", age=START - SystemClock().now().wall)
        begin = time.monotonic()
        loop.offer([told])
        attempt = reported.get(timeout=20)
        took.append((time.monotonic() - begin) * 1e3)
        assert attempt.state is DeliveryState.DELIVERED, attempt.error
    loop.stop(5)
    return sorted(took)[int(ONE_BY_ONE * 0.99)]


if __name__ == "__main__":
    main()
