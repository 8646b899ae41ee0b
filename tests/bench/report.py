"""Runs every program here and writes docs/performance.md: the figures beside their targets, then what was printed.

Run: .venv/bin/python tests/bench/report.py, on a machine that does nothing else. Names of programs (`base`) run only
these and print the page instead of writing it.
"""

import os
import platform
import re
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.bench.gauge import MARK
from tests.rig import ROOT

FOLDER = Path(__file__).parent
PAGE = ROOT / "docs" / "performance.md"
FIGURE = re.compile(rf"^{MARK} (?P<what>.*): (?P<measured>.*?) \| target (?P<target>.*?) \| (?P<verdict>.*)$")
LIBRARIES = ("grpcio", "protobuf", "orjson", "loguru")

INTRODUCTION = """\
# Performance

This page is generated: `.venv/bin/python tests/bench/report.py` runs every program in `tests/bench` and writes it.
`make bench` only prints; each program also runs alone. It takes a few minutes, and a machine that does nothing else.

Everything runs on one machine: control server, relay, sidecar and service are real processes that talk over loopback,
every commit is on disk (`synchronous=FULL`), logging is what it is by default. Absolute numbers are this machine's;
ratios and CPU time carry over. No test asserts them.
"""

LIMITS = """\

What limits those that miss, or nearly do:

- RSS per peer: the objects take half of it; the rest is free, in pages that also have something that stays.
- `devices`: half is the start of any command, of which importing grpc is two thirds; the service needs as long as it
  takes to read and describe every record, and for `--json` to make six megabytes of them.
- Changes a second, one a frame: the interpreter's one lock. Writer, decoder and the sink's loop share it; a change
  costs the writer half of the CPU that is shown, a third of that in SQLite.
- A sink beside others that hang: a p99 of about a millisecond, which one pause of the machine doubles.
"""


@dataclass(frozen=True)
class Figure:
    """A measurement beside its target."""

    what: str
    measured: str
    target: str
    verdict: str


def main() -> int:
    """Runs the programs and writes the page; the exit code says whether all of them ran to their end."""
    wanted = sys.argv[1:]
    programs = sorted(FOLDER.glob("bench_*.py"))
    chosen = [program for program in programs if not wanted or _name(program) in wanted]
    outputs, failed = {}, []
    for program in chosen:
        outputs[program], code = _run(program)
        failed += [program.name] if code else []
    page = "\n".join(_page(outputs))
    if wanted or failed:
        print(page)
    else:
        PAGE.write_text(page)
    if failed:
        print(f"these did not run to their end, nothing was written: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


def _name(program: Path) -> str:
    return program.stem.removeprefix("bench_")


def _run(program: Path) -> tuple[str, int]:
    """What a program printed, shown as it came, and its exit code."""
    lines = []
    with subprocess.Popen([sys.executable, str(program)], stdout=subprocess.PIPE, text=True) as running:
        for line in running.stdout or ():
            print(line, end="", flush=True)
            lines.append(line)
    print(flush=True)
    return "".join(lines), running.returncode


def _page(outputs: Mapping[Path, str]) -> Iterator[str]:
    yield INTRODUCTION
    yield from _machine()
    yield "\n## Figures\n"
    yield "| what | measured | target | |\n|---|---|---|---|"
    for figure in (found for output in outputs.values() for found in figures(output)):
        yield f"| {figure.what} | {figure.measured} | {figure.target} | {figure.verdict} |"
    yield LIMITS.rstrip()
    for program, output in outputs.items():
        yield f"\n## {_name(program).replace('_', ' ').capitalize()}\n"
        yield f"{_description(program)}\n\n```text\n{_tables(output)}\n```"
    yield ""


def figures(output: str) -> Iterator[Figure]:
    """The lines of a program's output that have a target."""
    for line in output.splitlines():
        if found := FIGURE.match(line):
            yield Figure(**found.groupdict())


def _tables(output: str) -> str:
    """The output without the lines that the page's own table has."""
    kept = "\n".join(line.rstrip() for line in output.splitlines() if not line.startswith(MARK))
    return re.sub(r"\n{3,}", "\n\n", kept).strip("\n")


def _description(program: Path) -> str:
    """What the program says of itself, without how it is run."""
    docstring = program.read_text().split('"""')[1]
    first, _, rest = docstring.partition("\n\n")
    _, _, details = rest.replace("\n", " ").partition(f"{program.name}. ")
    return "\n\n".join(text for text in (first.strip(), details.strip()) if text)


def _machine() -> Iterator[str]:
    yield f"- {datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} cores, {_processor()}, {_memory_gib():.0f} GiB"
    yield f"- {platform.system()} {platform.release()}, {_file_system()} under the stores"
    yield f"- Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, " + ", ".join(
        f"{library} {version(library)}" for library in LIBRARIES
    )
    yield f"- {_sidecar()}"
    yield f"- load of the machine when this began to be written: {os.getloadavg()[2]:.1f}"


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _memory_gib() -> float:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30


def _file_system() -> str:
    shown = subprocess.run(
        ["/usr/bin/env", "stat", "-f", "-c", "%T", "/tmp"], capture_output=True, text=True, check=False
    )
    return shown.stdout.strip() or "an unknown file system"


def _sidecar() -> str:
    program = str(ROOT / "bin" / "sentinel-sidecar")
    return subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout.strip()


if __name__ == "__main__":
    sys.exit(main())
