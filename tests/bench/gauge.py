"""What the programs measure with: CPU and memory of processes from /proc, and figures beside their targets.

CPU time is preferred to time on the wall, because it says nearly the same on a busy machine. It is still noisy, so what
is compared is measured in turns, and a median speaks.
"""

import json
import os
import signal
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Literal, TypeVar

from sentinel.clock import parse_rfc3339

T = TypeVar("T")
TICKS = os.sysconf("SC_CLK_TCK")
HELD, MISSED = "holds", "misses"
MARK = "=>"
"""Begins every line that `figure` prints; the report collects them."""


def cpu_seconds(pid: int) -> float:
    """CPU time of a process so far, user and system, all threads; children do not count."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def child(pid: int, program: str) -> int:
    """The child process that runs a program of this name."""
    # A child is listed with the thread that started it.
    for thread in Path(f"/proc/{pid}/task").iterdir():
        for number in (thread / "children").read_text().split():
            if program in Path(f"/proc/{number}/cmdline").read_text():
                return int(number)
    raise ProcessLookupError(f"process {pid} has no child {program}")


def memory(pid: int, what: Literal["Rss", "Pss"] = "Rss") -> int:
    """Bytes of memory that a process occupies now."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith(f"{what}:"):
            return int(line.split()[1]) * 1024
    raise ValueError(f"the kernel does not tell {what}")


def peak_memory(pid: int) -> int:
    """The most bytes that a process ever occupied."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise ValueError("the kernel does not tell VmHWM")


def settled(look: Callable[[], float], *, still: float, patience: float = 20.0) -> float:
    """The value once it has moved by less than `still` within a second, or whatever it is when patience ends."""
    end, before = time.monotonic() + patience, look()
    while True:
        time.sleep(1)
        now = look()
        if abs(now - before) < still or time.monotonic() > end:
            return now
        before = now


def soon(look: Callable[[], T], what: str, *, within: float = 60.0) -> T:
    """The first truthy answer of `look`, asked often enough to measure by it."""
    end = time.monotonic() + within
    while not (answer := look()):
        if time.monotonic() > end:
            raise AssertionError(f"not within {within:g} s: {what}")
        time.sleep(0.002)
    return answer


def wait_logged(lines: Sequence[str], message: str, *, after: int = 0) -> datetime:
    """When a message was logged for the first time behind so many lines of JSON; waits until it is."""
    line = soon(lambda: next((line for line in lines[after:] if f'"message":"{message}"' in line), ""), message)
    return parse_rfc3339(json.loads(line)["timestamp"])


def end_child(pid: int) -> None:
    """Kills a process that a process of ours has started."""
    os.kill(pid, signal.SIGKILL)


def figure(what: str, measured: float, target: float, unit: str = "", *, least: bool = False) -> None:
    """Prints a measurement beside its target; the target is the most, or with `least` the least, that it should be."""
    good = measured >= target if least else measured <= target
    sign = ">=" if least else "<="
    unit = f" {unit}" if unit else ""
    print(
        f"{MARK} {what}: {measured:,.2f}{unit} | target {sign} {target:,g}{unit} | {HELD if good else MISSED}",
        flush=True,
    )
