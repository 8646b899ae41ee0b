"""How much memory a peer takes, and what a full map costs that repeats everything.

Run: make bench, or .venv/bin/python tests/bench/bench_memory.py. What the service's own objects take is counted in this
process; then both real processes are looked at with 100 and with 10,000 peers, long enough after the base for them to
have come to rest. Most of the sidecar's is Tailscale's own client, which keeps every peer several times over; its live
heap is what its garbage collector says that it found alive.
"""

import gc
import re
import sqlite3
import sys
import tempfile
import tracemalloc
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.bench import crowd, gauge, inside
from tests.rig import Service, Tailnet

FEW, MANY = 100, 10_000
KIB = 1024
REPEATS = 10
HEAP = re.compile(r"gc \d+ @.* \d+->\d+->(\d+) MB")
"""A line of the Go runtime about one collection; the last of the three numbers is what was alive."""


@dataclass(frozen=True)
class Look:
    """What was seen of both processes with so many peers.

    `sizes` are bytes by name; `repeats` is the CPU of service and sidecar for one full map, in milliseconds, and
    `frames` how many frames all of these maps made.
    """

    peers: int
    sizes: dict[str, int]
    repeats: tuple[float, ...]
    frames: int


def main() -> None:
    """Prints what the objects take, then the processes."""
    few, many = _objects(FEW), _objects(MANY)
    print(f"the service's own objects: {few / KIB:,.0f} KiB at {FEW} peers, {many / KIB:,.0f} KiB at {MANY:,}\n")
    gauge.figure("objects of the service, per peer", (many - few) / (MANY - FEW) / KIB, 2.5, "KiB")
    looks = _look(FEW), _look(MANY)
    _print_processes(*looks)
    _print_repeats(looks)


def _objects(size: int) -> int:
    """Bytes that a writer with so many peers holds on to, the base's frames gone."""
    with tempfile.TemporaryDirectory(prefix="sentinel-bench-") as folder:
        world = inside.world(Path(folder))
        frames = [message.SerializeToString() for message in crowd.base(world.wire, crowd.peers(size))]
        gc.collect()
        tracemalloc.start()
        inside.feed(world, frames)
        gc.collect()
        held, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        world.store.close()
    return held


def _look(peers: int) -> Look:
    with (
        tempfile.TemporaryDirectory(prefix="sentinel-bench-") as folder,
        Tailnet(peers=peers) as tailnet,
        Service(Path(folder), control_url=tailnet.control_url, env={"GODEBUG": "gctrace=1"}) as service,
    ):
        service.wait_seeing()
        pids = (service.pid, gauge.child(service.pid, "sentinel-sidecar"))
        sizes = _sizes(*pids)
        # The first one may bring people whom no device of the base names.
        _repeats(tailnet, pids, times=1)
        position = _position(service)
        repeats = _repeats(tailnet, pids, times=REPEATS)
        return Look(peers, sizes | {"sidecar live heap": _heap(service)}, repeats, _position(service) - position)


def _sizes(service: int, sidecar: int) -> dict[str, int]:
    """Bytes of both processes once they have come to rest."""
    for pid in (service, sidecar):
        gauge.settled(partial(gauge.memory, pid), still=256 * KIB)
    return {
        "service RSS": gauge.memory(service),
        "service PSS": gauge.memory(service, "Pss"),
        "sidecar RSS": gauge.memory(sidecar),
        "sidecar PSS": gauge.memory(sidecar, "Pss"),
    }


def _heap(service: Service) -> int:
    """The least that the sidecar's collector found alive after it had seen everything."""
    found = [int(match[1]) for line in service.errors[-400:] if (match := HEAP.search(line))]
    return min(found[-5:], default=0) * KIB * KIB


def _position(service: Service) -> int:
    """The number of the newest frame that is committed."""
    with closing(sqlite3.connect(f"file:{service.folder}/state/state.db?mode=ro", uri=True)) as store:
        return int(store.execute("SELECT epoch * 1000000 + seq FROM sources").fetchone()[0])


def _repeats(tailnet: Tailnet, pids: tuple[int, ...], *, times: int) -> tuple[float, ...]:
    """Milliseconds of CPU of each process for one full map that repeats everything."""
    before = [gauge.cpu_seconds(pid) for pid in pids]
    for _ in range(times):
        tailnet.ask("POST", "/v1/repeat")
        gauge.settled(lambda: sum(map(gauge.cpu_seconds, pids)), still=0.03)
    return tuple((gauge.cpu_seconds(pid) - was) / times * 1e3 for pid, was in zip(pids, before, strict=True))


def _print_processes(few: Look, many: Look) -> None:
    print("\nboth real processes, MiB; a peer is the difference divided by the peers between\n")
    print(f"{'':>18} {FEW:>8} {MANY:>8} {'KiB/peer':>9}")
    for name, small in few.sizes.items():
        large = many.sizes[name]
        print(f"{name:>18} {small / KIB**2:>8.1f} {large / KIB**2:>8.1f} {(large - small) / (MANY - FEW) / KIB:>9.2f}")
    print()
    per_peer = (many.sizes["service RSS"] - few.sizes["service RSS"]) / (MANY - FEW) / KIB
    gauge.figure("RSS of the service, per peer", per_peer, 2.5, "KiB")
    gauge.figure(f"RSS of the service at {MANY:,} peers", many.sizes["service RSS"] / KIB**2, 150, "MiB")
    gauge.figure(f"RSS of the sidecar at {MANY:,} peers", many.sizes["sidecar RSS"] / KIB**2, 900, "MiB")


def _print_repeats(looks: tuple[Look, Look]) -> None:
    print("\na full map that repeats everything, CPU of one in ms\n")
    print(f"{'peers':>7} {'service':>8} {'sidecar':>8} {'frames sent':>12}")
    for look in looks:
        print(f"{look.peers:>7} {look.repeats[0]:>8.1f} {look.repeats[1]:>8.1f} {look.frames:>12}")
    print()
    gauge.figure("frames for a full map that repeats everything", sum(look.frames for look in looks), 0)


if __name__ == "__main__":
    main()
