"""How long it takes from the simulated control server's send to the byte on the sink, with no window.

Run: make bench, or .venv/bin/python tests/bench/bench_latency.py. Real processes on this machine: simulated control
server → tsnet node in the sidecar → service → line on standard output. One flip at a time, the network otherwise idle.
"""

import itertools
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.bench import gauge
from tests.rig import Service, Tailnet, eventually

FLIPS = 300
SIZES = (100, 10_000)
PAUSE = 0.02


def main() -> None:
    """Prints one row for each size."""
    print(f"control's send to the first byte at the sink, window 0, {FLIPS} flips one at a time\n")
    print(f"{'peers':>7} {'p50 ms':>8} {'p99 ms':>8} {'max ms':>8}")
    measured = {peers: _measured(peers) for peers in SIZES}
    print(f"\np50 at {SIZES[-1]} peers / at {SIZES[0]}: {measured[SIZES[-1]][0] / measured[SIZES[0]][0]:.2f}")
    for peers, (p50, p99) in measured.items():
        gauge.figure(f"control's send to the sink at {peers:,} peers, p50", p50, 8, "ms")
        gauge.figure(f"control's send to the sink at {peers:,} peers, p99", p99, 60, "ms")


def _measured(peers: int) -> tuple[float, float]:
    with tempfile.TemporaryDirectory(prefix="sentinel-bench-") as folder, Tailnet(peers=peers) as tailnet:
        settings = {"policy": {"debounce_window": 0}, "output": {"log_level": "warning", "log_format": "json"}}
        with Service(Path(folder), control_url=tailnet.control_url, settings=settings) as service:
            service.wait_seeing()
            delays = sorted(_flip(tailnet, service, op) for op in itertools.islice(_ops(), FLIPS))
    p50, p99 = statistics.median(delays), delays[int(len(delays) * 0.99)]
    print(f"{peers:>7} {p50:>8.1f} {p99:>8.1f} {delays[-1]:>8.1f}", flush=True)
    return p50, p99


def _ops() -> Iterator[str]:
    return itertools.cycle(("offline", "online"))


def _flip(tailnet: Tailnet, service: Service, op: str) -> float:
    """Milliseconds from send to byte."""
    before = len(service.lines)
    sent: int = tailnet.change({"op": op, "peer": "nas"})["sent_at_unix_ns"]
    eventually(lambda: len(service.lines) > before, "the flip is told")
    came, line = service.lines[before]
    assert json.loads(line)["event"]["event_type"] == f"peer.{op}"
    time.sleep(PAUSE)
    return (came - sent) / 1e6


if __name__ == "__main__":
    main()
