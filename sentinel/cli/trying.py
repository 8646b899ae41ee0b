"""The command that tries sinks, with or without a running service: test-notify."""

import sys
from collections.abc import Collection, Iterable, Sequence
from contextlib import nullcontext, redirect_stdout
from dataclasses import dataclass

import click

from sentinel.cli.application import Application, Verdict
from sentinel.cli.asking import json_option
from sentinel.cli.completing import complete_sinks
from sentinel.cli.group import ExitCode, SentinelCommand
from sentinel.cli.printing import print_json
from sentinel.cli.session import examined, settled, unconfigured
from sentinel.cli.tables import width, wrapped
from sentinel.config import SINKS, Config, Loaded
from sentinel.config.values import nearest
from sentinel.errors import ConfigError, Fault
from sentinel.logs import escape_controls

TEST_WITHIN = 30.0
"""Seconds that each sink has for a test."""
ORIGINALS_EVENT = "peer.online"
"""What the original sends to where its routes lead."""
GIVEN = "url"
"""What a sink is called that stands on the command line."""


@dataclass(frozen=True, slots=True)
class FaultVerdict:
    """The verdict on a sink that cannot even be tried."""

    sink: str
    type: str
    error: str
    ok: bool = False
    words: str = ""


@click.command("test-notify", cls=SentinelCommand)
@click.argument("names", metavar="[SINK]...", nargs=-1, shell_complete=complete_sinks)
@click.option("--routed", is_flag=True, help="Send a made-up event, peer.online of test-peer, to where routes lead.")
@click.option("--event", "event_type", metavar="TYPE", default="", help="Send a made-up event of this type.")
@click.option("--dry-run", is_flag=True, help="Send nothing; say who would be told what.")
@click.option(
    "--url",
    metavar="URL",
    help="Try this address (Apprise's, or http) without any configuration. Everybody on this machine can read it while "
    "the command runs; `-` reads it from standard input.",
)
@json_option
@click.pass_context
def test_notify(
    context: click.Context,
    *,
    names: tuple[str, ...],
    routed: bool,
    event_type: str,
    dry_run: bool,
    url: str | None,
    as_json: bool,
) -> int:
    """Send a test message to sinks. All of them, or those that are named; needs no running service."""
    if sum((bool(names), routed, url is not None)) > 1:
        raise click.UsageError("SINK, --routed and --url cannot be combined")
    app: Application = context.obj
    event_type = event_type or (ORIGINALS_EVENT if routed else "")
    if event_type and event_type not in (types := app.example_types()):
        return _nothing(f"there is no example of `{event_type}`{nearest(event_type, types)}")
    loaded = _loaded(context, app, url=url, forgiving=not routed)
    config = settled(context, loaded)
    faulty = _faulty(app, loaded, config, in_full=url is None)
    known = _in_order_of_file(loaded, {*config.sinks, *faulty})
    if unknown := [name for name in names if name not in known]:
        return _nothing(f"no sink is named {', '.join(unknown)}: there are {', '.join(known)}")
    asked = app.routed(config, event_type) if routed else tuple(dict.fromkeys(names)) or known
    tried = [name for name in asked if name not in faulty]
    # The only document on standard output shall be ours: lines that a sink writes there go beside it.
    with redirect_stdout(sys.stderr) if as_json else nullcontext():
        sent = app.test_sinks(config, tried, deadline_s=TEST_WITHIN, event_type=event_type, dry_run=dry_run)
    verdicts = faulty | {verdict.sink: verdict for verdict in sent}
    found = [verdicts[name] for name in asked]
    _print(found, as_json=as_json, dry_run=dry_run)
    return _code(found) if found else _nothing(f"no route asks for {event_type} of such a subject")


def _loaded(context: click.Context, app: Application, *, url: str | None, forgiving: bool) -> Loaded:
    if url is None:
        # Where routes lead is only known when every sink is: without one, the rest would be told instead.
        return examined(context, forgive=SINKS if forgiving else ())
    given = sys.stdin.readline().strip() if url == "-" else url
    return unconfigured(context, sinks={GIVEN: {"type": app.kind_of(given), "url": given}})


def _nothing(why: str) -> int:
    click.echo(f"error: {escape_controls(why)}", err=True)
    return ExitCode.NOTHING_MATCHED


def _code(found: Sequence[Verdict]) -> int:
    good = sum(verdict.ok for verdict in found)
    return ExitCode.OK if good == len(found) else ExitCode.PARTIAL if good else ExitCode.FAILURE


def _faulty(app: Application, loaded: Loaded, config: Config, *, in_full: bool) -> dict[str, Verdict]:
    """Verdicts on the sinks that cannot even be tried, with place if `in_full`. Raises ConfigError for other faults."""
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
    # What stands on the command line needs no place: there is nothing else.
    said = {
        name: "; ".join(str(fault) if in_full else fault.text.removeprefix("--url ") for fault in found)
        for name, found in faults.items()
    }
    return {name: FaultVerdict(name, types[name], text) for name, text in said.items()}


def _sink_of(fault: Fault, config: Config) -> str | None:
    """The sink that the fault is about; names may have dots, so the longest that fits is meant."""
    fitting = [name for name in config.sinks if f"{fault.path}.".startswith(f"sinks.{name}.")]
    return max(fitting, key=len, default=None)


def _in_order_of_file(loaded: Loaded, names: Collection[str]) -> tuple[str, ...]:
    given = loaded.given.values.get("sinks") or {}
    return tuple(dict.fromkeys([*(name for name in given if name in names), *sorted(names)]))


def _print(found: Sequence[Verdict], *, as_json: bool, dry_run: bool) -> None:
    if as_json:
        fields = ("sink", "ok", "type", "error", "words")
        print_json([{field: getattr(verdict, field) for field in fields} | {"dry_run": dry_run} for verdict in found])
        return
    columns = max((width(verdict.sink) for verdict in found), default=0)
    for verdict in found:
        click.echo("\n".join(_lines(verdict, columns, dry_run=dry_run)))
    good = sum(verdict.ok for verdict in found)
    # The original's own words, which scripts look for. Nothing is suppressed here: policy is not asked.
    click.echo(f"notifications sent={0 if dry_run else good} dry_run={good if dry_run else 0} suppressed=0")


def _lines(verdict: Verdict, columns: int, *, dry_run: bool) -> Iterable[str]:
    end = ("not sent" if dry_run else "ok") if verdict.ok else f"failed: {verdict.error}"
    space = " " * (columns - width(verdict.sink) + 2)
    yield wrapped(f"{verdict.sink}{space}{end}", indent="  ")
    if dry_run and verdict.ok:
        for line in verdict.words.splitlines():
            yield wrapped(f"  {line}", indent="  ")
