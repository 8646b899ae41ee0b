"""How many changes a second are admitted and told, and whether a storm of 100,000 loses any.

Run: make bench, or .venv/bin/python tests/bench/bench_throughput.py. A real service, nothing held back, every commit on
disk, one sink on standard output; an edge without a tailnet sends as fast as it is let. Admitted is committed and
acknowledged; told is the line at the sink. Then everything real: one map response that flips 500 peers of 10,000.
"""

import json
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.bench import crowd, edge, gauge
from tests.builders import Wire
from tests.rig import Service, Tailnet

STEADY, PEERS = 20_000, 1000
STORM, STORM_PEERS, STORM_TOGETHER = 100_000, 10_000, 50
BURST, BURST_PEERS, BURSTS = 500, 10_000, 5


@dataclass(frozen=True)
class Run:
    """What came of a number of changes; `admitted` and `done` are seconds from the first frame's send.

    `events` are those in the ledger, `turns` those of contact, one for each change; what else follows from a change,
    such as a route that is lost, is an event, too. Each must be told, folded or reverted. `lines` are different keys at
    the sink.
    """

    changes: int
    admitted: float
    done: float
    rss: int
    events: int
    turns: int
    outcomes: dict[str, int]
    lines: int

    @property
    def lost(self) -> int:
        """Changes without an event, events without an end, and tellings that did not arrive."""
        ended = sum(self.outcomes.get(state, 0) for state in ("told", "folded", "reverted"))
        return (self.changes - self.turns) + (self.events - ended) + (self.outcomes.get("told", 0) - self.lines)


def main() -> None:
    """Prints the rates, the storm and the burst."""
    print("a service, window 0; changes a second, CPU in us a change; lost is what has no event, no end or no line\n")
    print(
        f"{'changes':>8} {'peers':>6} {'a frame':>8} {'admitted/s':>11} {'told/s':>7} {'CPU us':>7} {'peak MiB':>9}"
        f" {'told':>7} {'folded':>7} {'reverted':>9} {'lost':>5}"
    )
    steady = _run(STEADY, peers=PEERS, together=1)
    storm = _run(STORM, peers=STORM_PEERS, together=STORM_TOGETHER)
    print()
    told = steady.outcomes["told"] / steady.done
    gauge.figure("admitted a second, one change a frame", STEADY / steady.admitted, 2000, least=True)
    gauge.figure("admitted and at the sink a second, one change a frame", told, 2000, least=True)
    gauge.figure(f"admitted a second in a storm of {STORM:,}", STORM / storm.admitted, 2000, least=True)
    gauge.figure(f"lost of {STEADY + STORM:,}", steady.lost + storm.lost, 0)
    gauge.figure("peak memory in the storm", storm.rss / 2**20, 512, "MiB")
    _burst()


def _run(changes: int, *, peers: int, together: int) -> Run:
    """So many changes, some together in one frame, through a service of its own; prints a row."""
    with _service(peers) as (service, link, wire):
        frames = list(crowd.flips(wire, changes, among=peers, together=together))
        requests = [edge.request(frame) for frame in frames]
        cpu, begin = gauge.cpu_seconds(service.pid), time.monotonic()
        link.send(requests)
        admitted = link.wait_acked(frames[-1].position, within=90) - begin
        # With no window all is decided by now; what is decided is sent one by one.
        outcomes = dict(_ask(service, "SELECT state, count(*) FROM outcomes GROUP BY state"))
        gauge.soon(lambda: len(service.lines) >= outcomes["told"], "everything is told", within=120)
        done = time.monotonic() - begin
        cpu = gauge.cpu_seconds(service.pid) - cpu
        ((events, turns),) = _ask(service, "SELECT count(*), sum(aspect = 'presence') FROM events")
        keys = {json.loads(line)["idempotency_key"] for _, line in service.lines}
        run = Run(changes, admitted, done, gauge.peak_memory(service.pid), events, turns, outcomes, len(keys))
    print(
        f"{changes:>8} {peers:>6} {together:>8} {changes / admitted:>11.0f} {len(keys) / done:>7.0f}"
        f" {cpu / changes * 1e6:>7.0f} {run.rss >> 20:>9} {outcomes['told']:>7} {outcomes.get('folded', 0):>7}"
        f" {outcomes.get('reverted', 0):>9} {run.lost:>5}",
        flush=True,
    )
    return run


@contextmanager
def _service(peers: int) -> Iterator[tuple[Service, edge.FakeEdge, Wire]]:
    """A service that has its base."""
    with tempfile.TemporaryDirectory(prefix="sentinel-bench-") as name:
        folder = Path(name)
        wire = Wire(now=datetime.now(UTC) - timedelta(hours=1))
        with (
            Service(folder, control_url="", settings=edge.SETTINGS) as service,
            edge.FakeEdge(folder / "run" / "ingest.sock", wire.boot_id) as link,
        ):
            link.welcomed()
            base = crowd.base(wire, crowd.peers(peers))
            link.send(map(edge.request, base))
            link.wait_acked(base[-1].position)
            yield service, link, wire


def _ask(service: Service, query: str) -> list[tuple[Any, int]]:
    """Rows of its ledger."""
    with closing(sqlite3.connect(f"file:{service.folder}/state/state.db?mode=ro", uri=True)) as store:
        return store.execute(query).fetchall()


def _burst() -> None:
    """One map response with many flips, from the control server's send to the last line at the sink."""
    settings = {"policy": {"debounce_window": 0}}
    with (
        tempfile.TemporaryDirectory(prefix="sentinel-bench-") as name,
        Tailnet(peers=BURST_PEERS) as tailnet,
        Service(Path(name), control_url=tailnet.control_url, settings=settings) as service,
    ):
        service.wait_seeing()
        took = [_flip_many(tailnet, service) for _ in range(BURSTS)]
    print(
        f"\n{BURST} flips in one map response, {BURST_PEERS:,} peers: send → last line at the sink, {BURSTS} times, s"
    )
    print("  ".join(f"{seconds:.2f}" for seconds in took) + "\n")
    gauge.figure(f"{BURST} flips in one map response, median", statistics.median(took), 1.5, "s")


def _flip_many(tailnet: Tailnet, service: Service) -> float:
    """Seconds for one burst."""
    told = len(service.lines)
    run = tailnet.ask("POST", "/v1/flips", {"count": BURST, "interval_ms": 1, "per_response": BURST, "seed": told + 1})
    gauge.soon(lambda: len(service.lines) >= told + BURST, "the burst is told")
    sent = tailnet.ask("GET", f"/v1/flips/{run['id']}")["last_sent_at_unix_ns"]
    took: float = (service.lines[told + BURST - 1][0] - sent) / 1e9
    time.sleep(0.5)
    return took


if __name__ == "__main__":
    main()
