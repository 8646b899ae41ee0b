"""How long a base of 10,000 peers takes, the first one and one that changes nothing.

Run: make bench, or .venv/bin/python tests/bench/bench_base.py. Three looks at it: the Python side alone, in parts; a
real service that an edge without a tailnet feeds; and everything real, where the node's own map has to come in first
(named hydration, and printed apart).
"""

import statistics
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from sentinel.wire.v1 import frame_pb2, tailnet_pb2
from tests.bench import crowd, edge, gauge, inside
from tests.builders import Wire
from tests.rig import Service, Tailnet
from tests.world import World

PEERS = 10_000
REPEATS = 5


def main() -> None:
    """Prints three tables."""
    members = crowd.peers(PEERS)
    _python_alone(members)
    _real_service(members)
    _all_real()


def _python_alone(members: list[tailnet_pb2.Node]) -> None:
    """CPU and time of decoding and of the writer's step, for the first base and for the same one again."""
    print(f"Python alone, {PEERS:,} peers: from bytes to committed, ms\n")
    print(f"{'base':>10} {'decode':>8} {'step':>8} {'both, CPU':>10} {'both, wall':>11}")
    with tempfile.TemporaryDirectory(prefix="sentinel-bench-") as folder:
        world = inside.world(Path(folder))
        _print_parts("first", world, members)
        for _ in range(REPEATS):
            _print_parts("the same", world, members)
    print()


def _print_parts(label: str, world: World, members: list[tailnet_pb2.Node]) -> None:
    parts = [message.SerializeToString() for message in crowd.base(world.wire, members)]
    cpu, begin = time.process_time(), time.perf_counter()
    frames = [world.wire.decoder.feed(frame_pb2.Frame.FromString(part)) for part in parts]
    decoded = time.perf_counter()
    assert frames[-1] is not None
    world.see(frames[-1])
    end = time.perf_counter()
    took = time.process_time() - cpu
    print(
        f"{label:>10} {(decoded - begin) * 1e3:>8.0f} {(end - decoded) * 1e3:>8.0f} {took * 1e3:>10.0f}"
        f" {(end - begin) * 1e3:>11.0f}",
        flush=True,
    )


def _real_service(members: list[tailnet_pb2.Node]) -> None:
    """From sending the base's begin to the acknowledgement of its end, over the socket of a real service."""
    print(f"a real service, an edge without a tailnet, {PEERS:,} peers: BaseBegin → acknowledged\n")
    with tempfile.TemporaryDirectory(prefix="sentinel-bench-") as name:
        folder = Path(name)
        with Service(folder, control_url="", settings=edge.SETTINGS) as service:
            wire = Wire(now=datetime.now(UTC) - timedelta(hours=1))
            with edge.FakeEdge(folder / "run" / "ingest.sock", wire.boot_id) as link:
                link.welcomed()
                cpu = gauge.cpu_seconds(service.pid)
                first = _sent(link, wire, members)
                cpu = gauge.cpu_seconds(service.pid) - cpu
                again = [_sent(link, wire, members) for _ in range(REPEATS)]
    print(f"first base: {first:.2f} s, CPU of the service {cpu:.2f} s")
    print(f"the same again: median {statistics.median(again):.2f} s, most {max(again):.2f} s, {REPEATS} times\n")
    gauge.figure(f"first base of {PEERS:,} peers, begin to acknowledged", first, 2, "s")
    gauge.figure(f"the same base of {PEERS:,} peers again", statistics.median(again), 1, "s")


def _sent(link: edge.FakeEdge, wire: Wire, members: list[tailnet_pb2.Node]) -> float:
    """Seconds for one base."""
    parts = crowd.base(wire, members)
    frames = [edge.request(part) for part in parts]
    begin = time.monotonic()
    link.send(frames)
    return link.wait_acked(parts[-1].position) - begin


def _all_real() -> None:
    """The sidecar's and the service's own log say when what happened."""
    print(f"\neverything real, {PEERS:,} peers, s\n")
    print(f"{'':>28} {'start → sidecar sees':>21} {'sidecar sees → committed':>25}")
    with (
        tempfile.TemporaryDirectory(prefix="sentinel-bench-") as folder,
        Tailnet(peers=PEERS) as tailnet,
        Service(Path(folder), control_url=tailnet.control_url) as service,
    ):
        first = _logged(service, after=0)
        seen = len(service.errors)
        gauge.end_child(gauge.child(service.pid, "sentinel-sidecar"))
        again = _logged(service, after=seen)
    for label, (hydration, base) in {"first": first, "after the sidecar was killed": again}.items():
        print(f"{label:>28} {hydration:>21.2f} {base:>25.2f}")
    print()
    gauge.figure(f"real sidecar: first base of {PEERS:,} peers", first[1], 2, "s")
    gauge.figure(f"real sidecar: base of {PEERS:,} peers that changes nothing", again[1], 1, "s")


def _logged(service: Service, *, after: int) -> tuple[float, float]:
    """Seconds until the sidecar sees its tailnet, and from there until the service has committed what it sees."""
    start = gauge.wait_logged(service.errors, "sidecar started", after=after)
    seen = gauge.wait_logged(service.errors, "the tailnet is seen", after=after)
    end = gauge.wait_logged(service.errors, "source sees", after=after)
    return (seen - start).total_seconds(), (end - seen).total_seconds()


if __name__ == "__main__":
    main()
