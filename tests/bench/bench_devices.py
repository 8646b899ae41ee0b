"""How long it takes to list 10,000 devices: what the command line and the service that it asks need for it.

Run: make bench, or .venv/bin/python tests/bench/bench_devices.py. A real service is fed over its socket by an edge
without a tailnet; each command is a process of its own. What Python needs to start is measured beside it and taken off.
The package is compiled to bytecode first, as an installed one is.
"""

import compileall
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

import sentinel
from tests.bench import crowd, edge, gauge
from tests.builders import Wire
from tests.rig import Service, clean_environment, program

PEERS = 10_000
ROUNDS = 11
COMMANDS = (("devices",), ("devices", "--json"), ("devices", "machine-00001"), ("explain", "machine-00001"))


@dataclass(frozen=True)
class Cost:
    """What one run of a command took, in ms: time on the wall, CPU time of its own and of the service."""

    wall: float
    own: float
    service: float


def main() -> None:
    """Prints a row for each command."""
    compileall.compile_dir(Path(sentinel.__file__).parent, quiet=1)
    with tempfile.TemporaryDirectory(prefix="sentinel-bench-") as name, serving(Path(name)) as service:
        print(f"commands at {PEERS:,} peers, medians of {ROUNDS} runs beyond Python's own start, ms\n")
        print(f"{'command':>24} {'wall':>7} {'its CPU':>8} {'CPU of service':>15} {'lines':>7}")
        rows = {words: _measured(service, words) for words in COMMANDS}
    print()
    for words in (("devices",), ("devices", "--json")):
        what = " ".join(words)
        gauge.figure(f"{what} at {PEERS:,} peers, CPU of both", rows[words].own + rows[words].service, 300, "ms")
    gauge.figure(f"devices at {PEERS:,} peers, on the wall", rows["devices",].wall, 300, "ms")


@contextmanager
def serving(folder: Path) -> Iterator[Service]:
    """A service that knows all the peers."""
    with Service(folder, control_url="", settings=edge.SETTINGS) as service:
        wire = Wire()
        messages = crowd.base(wire, crowd.peers(PEERS))
        gauge.soon((folder / "run" / "ingest.sock").exists, "the service listens")
        with edge.FakeEdge(folder / "run" / "ingest.sock", wire.boot_id) as live:
            live.welcomed()
            live.send(map(edge.request, messages))
            live.wait_acked(messages[-1].position)
            yield service


def _measured(service: Service, words: Sequence[str]) -> Cost:
    """Prints a row; the start of Python is measured in turns with the command."""
    command = [program(), *words, "--config", str(service.config)]
    starts, costs, lines = [], [], 0
    for _ in range(ROUNDS):
        starts.append(_run([sys.executable, "-c", "pass"], service.pid)[0])
        cost, lines = _run(command, service.pid)
        costs.append(cost)
    medians = [statistics.median(getattr(cost, part) for cost in costs) for part in ("wall", "own", "service")]
    start = [statistics.median(getattr(cost, part) for cost in starts) for part in ("wall", "own")]
    cost = Cost(medians[0] - start[0], medians[1] - start[1], medians[2])
    print(
        f"{' '.join(words):>24} {cost.wall:>7.0f} {cost.own:>8.0f} {cost.service:>15.0f} {lines:>7}",
        flush=True,
    )
    return cost


def _run(command: Sequence[str], service: int) -> tuple[Cost, int]:
    """One run, and how many lines it printed."""
    spent, begin = gauge.cpu_seconds(service), time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, env=clean_environment())
    assert process.stdout is not None
    with process.stdout as output:
        lines = output.read().count(b"\n")
    _, status, used = os.wait4(process.pid, 0)
    wall = time.monotonic() - begin
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, f"{' '.join(command)} ended with {process.returncode}"
    own, theirs = used.ru_utime + used.ru_stime, gauge.cpu_seconds(service) - spent
    return Cost(wall * 1e3, own * 1e3, theirs * 1e3), lines


if __name__ == "__main__":
    main()
