"""Commands that need no running service: test-notify, version."""

import importlib.metadata
import platform
import subprocess
import sys
from collections.abc import Collection, Iterable, Sequence
from contextlib import nullcontext, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import click

from sentinel import __version__
from sentinel.cli.application import Application, Verdict
from sentinel.cli.asking import json_option
from sentinel.cli.group import ExitCode, SentinelCommand
from sentinel.cli.printing import print_json
from sentinel.cli.session import examined, settled
from sentinel.cli.tables import width
from sentinel.config import SINKS, Config, Loaded
from sentinel.errors import ConfigError, Fault
from sentinel.logs import escape_controls

TEST_WITHIN = 30.0
"""Seconds that each sink has for a test."""


@dataclass(frozen=True, slots=True)
class FaultVerdict:
    """The verdict on a sink that cannot even be tried."""

    sink: str
    type: str
    error: str
    ok: bool = False


@click.command("test-notify", cls=SentinelCommand)
@click.argument("names", metavar="[SINK]...", nargs=-1)
@json_option
@click.pass_context
def test_notify(context: click.Context, *, names: tuple[str, ...], as_json: bool) -> int:
    """Send a test message to sinks. All of them, or those that are named; needs no running service."""
    loaded = examined(context, forgive=SINKS)
    config = settled(context, loaded)
    faulty = _faulty(context.obj, loaded, config)
    known = _in_order_of_file(loaded, {*config.sinks, *faulty})
    if unknown := [name for name in names if name not in known]:
        click.echo(f"error: no sink is named {_listed(unknown)}: there are {_listed(known)}", err=True)
        return ExitCode.NOTHING_MATCHED
    asked = tuple(dict.fromkeys(names)) or known
    tried = [name for name in asked if name not in faulty]
    # The only document on standard output shall be ours: lines that a sink writes there go beside it.
    with redirect_stdout(sys.stderr) if as_json else nullcontext():
        sent = context.obj.test_sinks(config, tried, deadline_s=TEST_WITHIN)
    verdicts = faulty | {verdict.sink: verdict for verdict in sent}
    found = [verdicts[name] for name in asked]
    _print_verdicts(found, as_json=as_json)
    good = sum(verdict.ok for verdict in found)
    return ExitCode.OK if good == len(found) else ExitCode.PARTIAL if good else ExitCode.FAILURE


@click.command(cls=SentinelCommand)
@json_option
@click.pass_context
def version(context: click.Context, *, as_json: bool) -> int:
    """Say which versions this Sentinel is made of."""
    parts = {
        "version": __version__,
        "python": platform.python_version(),
        "grpc": importlib.metadata.version("grpcio"),
        "apprise": importlib.metadata.version("apprise"),
        "sidecar": _sidecar_version(context.obj.find_sidecar()),
    }
    if as_json:
        print_json(parts)
    else:
        click.echo(f"sentinel-py {parts['version']}")
        for name in ("python", "grpc", "apprise", "sidecar"):
            click.echo(f"{name:<8} {escape_controls(parts[name] or 'not found')}")
    return ExitCode.OK


def _faulty(app: Application, loaded: Loaded, config: Config) -> dict[str, Verdict]:
    """Verdicts on the sinks that cannot even be tried. Raises ConfigError for every other fault."""
    faults = {sink.name: list(sink.faults) for sink in loaded.faulty_sinks}
    types = {sink.name: sink.type for sink in loaded.faulty_sinks}
    others = []
    for fault in map(loaded.located, app.check(config)):
        name = _sink_of(fault, config)
        if name is None:
            others.append(fault)
        else:
            faults.setdefault(name, []).append(fault)
            types[name] = config.sinks[name].type
    if others:
        raise ConfigError(tuple(others))
    return {name: FaultVerdict(name, types[name], "; ".join(map(str, found))) for name, found in faults.items()}


def _sink_of(fault: Fault, config: Config) -> str | None:
    """The sink that the fault is about; names may have dots, so the longest that fits is meant."""
    fitting = [name for name in config.sinks if f"{fault.path}.".startswith(f"sinks.{name}.")]
    return max(fitting, key=len, default=None)


def _in_order_of_file(loaded: Loaded, names: Collection[str]) -> tuple[str, ...]:
    given = loaded.given.values.get("sinks") or {}
    return tuple(dict.fromkeys([*(name for name in given if name in names), *sorted(names)]))


def _listed(names: Iterable[str]) -> str:
    return escape_controls(", ".join(names))


def _print_verdicts(found: Sequence[Verdict], *, as_json: bool) -> None:
    if as_json:
        fields = ("sink", "ok", "type", "error")
        print_json([{field: getattr(verdict, field) for field in fields} for verdict in found])
        return
    columns = max(width(verdict.sink) for verdict in found)
    for verdict in found:
        end = "ok" if verdict.ok else f"failed: {verdict.error}"
        space = " " * (columns - width(verdict.sink))
        click.echo(f"{escape_controls(verdict.sink)}{space}  {escape_controls(end)}")


def _sidecar_version(binary: Path | None) -> str:
    """What the sidecar says of itself; empty without one."""
    if binary is None:
        return ""
    try:
        asked = subprocess.run(
            [binary, "--version"], stdin=subprocess.DEVNULL, capture_output=True, timeout=10, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return f"{binary} cannot be run"
    said = asked.stdout.decode(errors="replace").strip().splitlines()
    return said[0] if said and asked.returncode == 0 else f"{binary} does not say"
