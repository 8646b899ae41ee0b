"""What one change costs, in CPU time, at 100, 1,000 and 10,000 peers.

Run: make bench, or .venv/bin/python tests/bench/bench_change_cost.py. First the Python side alone: bytes of the wire →
decoder → the real writer → the real store, a commit for every change, nothing held back, every delivery settled; each
size in a process of its own, in turns. Then both real processes, changed by a simulated control server.
"""

import itertools
import multiprocessing
import statistics
import sys
import tempfile
import time
from multiprocessing.connection import Connection
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.bench import crowd, gauge, inside
from tests.rig import Service, Tailnet

SIZES = (100, 1000, 10_000)
TURNS = 12
CHANGES = 250
"""Changes in one turn."""
FLIPS = 300
PAUSE_MS = 20
IDLE = 4.0


def main() -> None:
    """Prints both tables."""
    _python_alone()
    _both_processes()


def _python_alone() -> None:
    print(f"Python alone: CPU of one change, medians of {TURNS} turns of {CHANGES} changes\n")
    print(f"{'peers':>7} {'us/change':>10} {'least us':>9} {'most us':>8}")
    turns = _in_turns()
    medians = [statistics.median(turns[size]) for size in SIZES]
    for size, median in zip(SIZES, medians, strict=True):
        print(f"{size:>7} {median:>10.0f} {min(turns[size]):>9.0f} {max(turns[size]):>8.0f}")
    print()
    gauge.figure("Python, one change at 10,000 peers / at 100", medians[-1] / medians[0], 1.3)


def _in_turns() -> dict[int, list[float]]:
    """Microseconds for a change, by size, one value for each turn. The first turn warms up and does not count."""
    workers = {size: _Worker(size) for size in SIZES}
    for worker in workers.values():
        worker.turn()
    turns: dict[int, list[float]] = {size: [] for size in SIZES}
    for _ in range(TURNS):
        for size, worker in workers.items():
            turns[size].append(worker.turn())
    for worker in workers.values():
        worker.end()
    return turns


class _Worker:
    """A process with a writer and so many peers; makes a turn when it is told to."""

    def __init__(self, size: int) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_work, args=(size, theirs), daemon=True)
        self._process.start()

    def turn(self) -> float:
        """Microseconds of CPU for one change."""
        self._pipe.send("turn")
        answer: float = self._pipe.recv()
        return answer

    def end(self) -> None:
        """Ends the process."""
        self._pipe.send("end")
        self._process.join(10)


def _work(size: int, pipe: Connection) -> None:
    with tempfile.TemporaryDirectory(prefix="sentinel-bench-") as folder:
        world = inside.world(Path(folder))
        inside.feed(world, [message.SerializeToString() for message in crowd.base(world.wire, crowd.peers(size))])
        changes = crowd.flips(world.wire, (TURNS + 1) * CHANGES, among=size)
        while pipe.recv() == "turn":
            frames = [message.SerializeToString() for message in itertools.islice(changes, CHANGES)]
            before = time.process_time()
            inside.feed(world, frames)
            pipe.send((time.process_time() - before) / CHANGES * 1e6)


def _both_processes() -> None:
    print(f"\nboth real processes: CPU of one flip, {FLIPS} flips {PAUSE_MS} ms apart; idle is CPU in a quiet second\n")
    print(f"{'peers':>7} {'service ms':>11} {'sidecar ms':>11} {'both ms':>8} {'idle ms/s':>10}")
    costs = [_real(size) for size in SIZES]
    print()
    for size, cost in zip(SIZES, costs, strict=True):
        gauge.figure(f"both processes, one flip at {size:,} peers", cost, 6, "ms")
    print(f"both processes at {SIZES[-1]:,} peers / at {SIZES[0]}: {costs[-1] / costs[0]:.2f}")


def _real(size: int) -> float:
    settings = {"policy": {"debounce_window": 0}}
    with (
        tempfile.TemporaryDirectory(prefix="sentinel-bench-") as folder,
        Tailnet(peers=size) as tailnet,
        Service(Path(folder), control_url=tailnet.control_url, settings=settings) as service,
    ):
        service.wait_seeing()
        pids = (service.pid, gauge.child(service.pid, "sentinel-sidecar"))
        _flips(tailnet, service, 50)
        idle = _idle(pids)
        before = [gauge.cpu_seconds(pid) for pid in pids]
        _flips(tailnet, service, FLIPS)
        ours, theirs = ((gauge.cpu_seconds(pid) - was) / FLIPS * 1e3 for pid, was in zip(pids, before, strict=True))
    print(f"{size:>7} {ours:>11.2f} {theirs:>11.2f} {ours + theirs:>8.2f} {idle:>10.1f}", flush=True)
    return ours + theirs


def _flips(tailnet: Tailnet, service: Service, count: int) -> None:
    """So many changes of contact, each in a map response of its own; ends when the last one is told."""
    told = len(service.lines)
    tailnet.ask("POST", "/v1/flips", {"count": count, "interval_ms": PAUSE_MS, "per_response": 1})
    gauge.soon(lambda: len(service.lines) >= told + count, f"{count} flips are told")


def _idle(pids: tuple[int, ...]) -> float:
    """Milliseconds of CPU in a second in which nothing happens."""
    time.sleep(1)
    before = sum(map(gauge.cpu_seconds, pids))
    time.sleep(IDLE)
    return (sum(map(gauge.cpu_seconds, pids)) - before) / IDLE * 1e3


if __name__ == "__main__":
    main()
