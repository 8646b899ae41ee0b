"""How long a restart takes with 10,000 peers and 100,000 deliveries that were never sent.

Run: make bench, or .venv/bin/python tests/bench/bench_restart.py. The store is made by the real writer, whose sink
never settles anything. Its parts are timed in this process, then a real service starts on it: ready is when its status
answers and says that its source sees, and when the first delivery is out.
"""

import shutil
import statistics
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import pairwise
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from sentinel.clock import SystemClock
from sentinel.control.v1 import control_pb2, control_pb2_grpc
from sentinel.dispatcher import SinkLoop
from sentinel.events import Message, Severity, Text
from sentinel.model import Audience
from sentinel.sources.tailnet import ROOM
from sentinel.store.reader import SqliteReader
from sentinel.store.sqlite import SqliteStore
from sentinel.wire.v1 import frame_pb2
from tests.bench import crowd, edge, gauge, inside
from tests.rig import Service

PEERS, PENDING = 10_000, 100_000
TOGETHER = 500
STARTS = 3


def main() -> None:
    """Prints the parts, then the real starts."""
    with tempfile.TemporaryDirectory(prefix="sentinel-bench-") as name:
        folder = Path(name)
        (folder / "state").mkdir(mode=0o700)
        standing = _make_store(folder / "state")
        print(f"restart with {PEERS:,} peers and {PENDING:,} deliveries pending, store of {_size(folder)} MiB\n")
        _print_parts(folder / "state" / "state.db")
        _print_starts(folder, standing)


def _make_store(folder: Path) -> frame_pb2.Position:
    """A store with everything pending; returns its edge's newest frame."""
    world = inside.world(folder, began=timedelta(hours=2))
    inside.feed(world, (message.SerializeToString() for message in crowd.base(world.wire, crowd.peers(PEERS))))
    standing = frame_pb2.Position()
    for message in crowd.flips(world.wire, PENDING, among=PEERS, together=TOGETHER):
        inside.feed(world, [message.SerializeToString()], deliver=False)
        standing = message.position
        world.outboxes[inside.SINK].tellings.clear()
    world.store.close()
    return standing


def _size(folder: Path) -> int:
    return sum(file.stat().st_size for file in (folder / "state").iterdir()) >> 20


def _print_parts(path: Path) -> None:
    """What a start does before it can send, in this process."""
    marks = [time.perf_counter()]
    now = SystemClock().now()
    store = SqliteStore(path, catalogue=ROOM.catalogue, new_id=lambda: "ledger", now=now.wall)
    marks.append(time.perf_counter())
    contents = store.load()
    marks.append(time.perf_counter())
    inside.writer(store, contents, now)
    marks.append(time.perf_counter())
    reader = SqliteReader(path, ROOM.catalogue)
    loop = SinkLoop(name=inside.SINK, sink=_Sink(), report=lambda _: None, backlog=partial(reader.backlog, inside.SINK))
    loop.step(now)
    marks.append(time.perf_counter())
    store.close()
    print("parts in one process, ms")
    for part, (begin, end) in zip(("open", "load", "writer", "first send"), pairwise(marks), strict=True):
        print(f"{part:>20} {(end - begin) * 1e3:>8.0f}")
    print(flush=True)


class _Sink:
    """Takes everything."""

    audience = Audience.PROGRAMS

    def send(self, message: Message, now: datetime) -> None:
        """Is there at once."""

    def say(self, text: Text, severity: Severity, now: datetime) -> None:
        """Is there at once."""

    def close(self) -> None:
        """Has nothing to close."""


def _print_starts(folder: Path, standing: frame_pb2.Position) -> None:
    print("a real service, s from its start\n")
    print(
        f"{'running':>8} {'status answers':>15} {'source sees':>12} {'first delivery':>15} {'ready':>6} {'CPU s':>6}"
        f" {'RSS MiB':>8}"
    )
    readies = [_start(folder, number, standing) for number in range(STARTS)]
    print()
    gauge.figure(f"restart to ready, median of {STARTS}", statistics.median(readies), 5, "s")


def _start(folder: Path, number: int, standing: frame_pb2.Position) -> float:
    """Prints one row; returns seconds until everything is there."""
    own = folder / str(number)
    shutil.copytree(folder / "state", own / "state")
    begin = time.monotonic()
    with Service(own, control_url="", settings=edge.SETTINGS) as service:
        with edge.FakeEdge(own / "run" / "ingest.sock", standing.boot_id, standing=standing):
            marks = _marks(service, own / "run" / "control.sock", begin)
        cpu, rss = gauge.cpu_seconds(service.pid), gauge.memory(service.pid)
    ready = max(marks)
    shown = [f"{mark:>{width}.2f}" for mark, width in zip((*marks, ready), (8, 15, 12, 15, 6), strict=True)]
    print(*shown, f"{cpu:>6.2f}", f"{rss >> 20:>8}", flush=True)
    shutil.rmtree(own)
    return ready


def _marks(service: Service, socket: Path, begin: float) -> tuple[float, float, float, float]:
    """Seconds until it says that it runs, answers, sees, and has sent something."""
    with edge.channel(socket) as channel:
        stub = control_pb2_grpc.ControlServiceStub(channel)
        request = control_pb2.GetStatusRequest()
        answer = stub.GetStatus(request, wait_for_ready=True, timeout=60)
        answered = time.monotonic()
        while answer.sources[0].sight != "seeing":
            answer = stub.GetStatus(request, timeout=10)
        seeing = time.monotonic()
    gauge.soon(lambda: service.lines, "a first delivery")
    running = gauge.wait_logged(service.errors, "sentinel is running")
    early = datetime.now(UTC).timestamp() - running.timestamp()
    first = time.time() - service.lines[0][0] / 1e9
    now = time.monotonic()
    return now - early - begin, answered - begin, seeing - begin, now - first - begin


if __name__ == "__main__":
    main()
