"""Commands that ask the running service, or the store that one left: status, check, devices, events, explain."""

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import click

from sentinel.cli.completing import complete_devices, complete_sinks
from sentinel.cli.group import ExitCode, SentinelCommand
from sentinel.cli.printing import (
    explained_event_lines,
    explained_subject_lines,
    explanation_json,
    occurrence_json,
    occurrence_lines,
    print_json,
    reload_lines,
    status_lines,
    subject_json,
    subject_lines,
)
from sentinel.cli.session import asking, whole
from sentinel.clock import SystemClock
from sentinel.config.durations import parse_duration
from sentinel.control.client import ControlClient, connected
from sentinel.control.values import Asked, EventsWanted, ExplainedEvent, SubjectsWanted
from sentinel.errors import NoServiceError
from sentinel.logs import escape_controls

if TYPE_CHECKING:
    from sentinel.cli.application import Application

SEVERITIES = ("info", "warning", "critical")

json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
limit_option = click.option(
    "--limit",
    type=click.IntRange(min=0, max=2**32 - 1),
    default=50,
    metavar="N",
    show_default=True,
    help="The newest so many; 0 is all.",
)


@click.command(cls=SentinelCommand)
@json_option
@click.pass_context
def status(context: click.Context, *, as_json: bool) -> int:
    """Say how the running service is. Ends with 1 if it has troubles."""
    where = asking(context)
    with connected(where.socket) as client:
        found = client.status()
    if as_json:
        print_json(found)
    else:
        click.echo("\n".join(status_lines(found, where.time_zone)))
    return ExitCode.FAILURE if found.troubles else ExitCode.OK


@click.command("reload", cls=SentinelCommand)
@json_option
@click.pass_context
def reload_configuration(context: click.Context, *, as_json: bool) -> int:
    """Let the running service read its configuration again. If anything is wrong with it, the old one stays."""
    where = asking(context)
    with connected(where.socket) as client:
        what = client.reload()
    if as_json:
        print_json(what)
    elif not what.faults:
        click.echo("\n".join(reload_lines(what)))
    for fault in what.faults if not as_json else ():
        click.echo(f"error: {escape_controls(fault)}", err=True)
    return ExitCode.BAD_CONFIGURATION if what.faults else ExitCode.OK


@click.command(cls=SentinelCommand)
@json_option
@click.pass_context
def check(context: click.Context, *, as_json: bool) -> int:
    """Say whether the running service answers. Ends with 1 if not, for health checks.

    Troubles are no reason to end a service, so they do not count here: 'status' has them.
    """
    with connected(asking(context).socket) as client:
        found = client.status()
    if as_json:
        print_json({"version": found.version, "troubles": found.troubles})
    else:
        click.echo(f"Sentinel {found.version} is running, troubles: {len(found.troubles)}")
    return ExitCode.OK


@click.command(cls=SentinelCommand)
@click.argument("names", metavar="[NAME]...", nargs=-1, shell_complete=complete_devices)
@click.option("--tag", "tags", multiple=True, metavar="TAG", help="With this tag; several are alternatives.")
@click.option("--owner", "owners", multiple=True, metavar="OWNER", help="Of this owner: a login or a numeric id.")
@click.option("--os", "systems", multiple=True, metavar="OS", help="With this operating system.")
@click.option("--online/--offline", "online", default=None, help="In contact, or not.")
@json_option
@click.pass_context
def devices(
    context: click.Context,
    *,
    names: tuple[str, ...],
    tags: tuple[str, ...],
    owners: tuple[str, ...],
    systems: tuple[str, ...],
    online: bool | None,
    as_json: bool,
) -> int:
    """List what is known to exist. A NAME may be a glob; ends with 3 if nothing is as asked."""
    where = asking(context)
    states = () if online is None else ("online",) if online else ("offline",)
    wanted = SubjectsWanted(names, tags, owners, systems, states, detailed=as_json)
    filtered = bool(names or tags or owners or systems or states)
    with answering(context, where.socket) as asked:
        subjects = asked.subjects(wanted)
    if as_json:
        print_json([subject_json(subject) for subject in subjects])
    elif subjects or not filtered:
        click.echo("\n".join(subject_lines(subjects, where.time_zone)))
    return ExitCode.OK if subjects or not filtered else ExitCode.NOTHING_MATCHED


@click.command(cls=SentinelCommand)
@click.option("--type", "types", multiple=True, metavar="GLOB", help="Of this type; several are alternatives.")
@click.option("--severity", "severities", multiple=True, type=click.Choice(SEVERITIES), help="Of this severity.")
@click.option(
    "--device",
    default="",
    metavar="DEVICE",
    help="Of this device: short name, full name, address or id.",
    shell_complete=complete_devices,
)
@click.option("--sink", default="", metavar="SINK", help="That concerned this sink.", shell_complete=complete_sinks)
@click.option("--since", metavar="WHEN", help="Since a time, or for so long: 2026-03-01T14:00 or 90m.")
@limit_option
@click.option("--follow", is_flag=True, help="Go on with events as they happen, until Ctrl-C; JSON is one line each.")
@json_option
@click.pass_context
def events(
    context: click.Context,
    *,
    types: tuple[str, ...],
    severities: tuple[str, ...],
    device: str,
    sink: str,
    since: str | None,
    limit: int,
    follow: bool,
    as_json: bool,
) -> int:
    """List what happened and what became of it at each sink."""
    where = asking(context)
    moment = _moment(since, where.time_zone)
    wanted = EventsWanted(limit, types, severities, device, sink, moment)
    if follow:
        with connected(where.socket) as client:
            return _follow(client, wanted, where.time_zone, as_json=as_json)
    with answering(context, where.socket) as asked:
        found = list(asked.events(wanted))
    if as_json:
        print_json([occurrence_json(occurrence) for occurrence in found])
    elif found:
        click.echo("\n".join(line for one in found for line in occurrence_lines(one, where.time_zone)))
    elif wanted == EventsWanted(limit):
        click.echo("Nothing has happened yet.")
    return ExitCode.OK if found or wanted == EventsWanted(limit) else ExitCode.NOTHING_MATCHED


@click.command(cls=SentinelCommand)
@click.argument("about", metavar="EVENT|DEVICE", shell_complete=complete_devices)
@json_option
@click.pass_context
def explain(context: click.Context, *, about: str, as_json: bool) -> int:
    """Say why sinks were told or not.

    EVENT is the beginning of an id or a number, DEVICE a short name, full name, address or id.
    """
    where = asking(context)
    with answering(context, where.socket) as asked:
        found = asked.explain(about)
    if not found:
        click.echo(f"error: neither an event nor a device is {about}: 'sentinel-py events --json' has ids", err=True)
        return ExitCode.NOTHING_MATCHED
    if as_json:
        print_json(explanation_json(found))
    elif isinstance(found, ExplainedEvent):
        click.echo("\n".join(explained_event_lines(found, where.time_zone)))
    else:
        parts = ["\n".join(explained_subject_lines(subject, where.time_zone)) for subject in found]
        click.echo("\n\n".join(parts))
    return ExitCode.OK


@contextmanager
def answering(context: click.Context, socket: Path) -> Iterator[Asked]:
    """The running service; if there is none, the store that the last one left."""
    with ExitStack() as stack:
        try:
            asked: Asked = stack.enter_context(connected(socket))
        except NoServiceError:
            app: Application = context.obj
            stored = app.stored(whole(context))
            if stored is None:
                raise
            click.echo("no service is running: this is what the last one stored", err=True)
            asked = stored
        yield asked


def _follow(client: ControlClient, wanted: EventsWanted, zone: ZoneInfo, *, as_json: bool) -> int:
    try:
        for occurrence in client.follow(wanted):
            if as_json:
                print_json(occurrence_json(occurrence))
            else:
                click.echo("\n".join(occurrence_lines(occurrence, zone)))
            sys.stdout.flush()
    except KeyboardInterrupt:
        pass  # the way to end it
    return ExitCode.OK


def _moment(since: str | None, zone: ZoneInfo) -> datetime | None:
    """The moment that a time, in the reader's zone, or a duration names."""
    if since is None:
        return None
    try:
        ago = parse_duration(since)
    except ValueError:
        return _time(since, zone)
    return _before(SystemClock().now().wall, ago)


def _before(now: datetime, ago: timedelta) -> datetime:
    try:
        return now - ago
    except OverflowError:
        return datetime.min.replace(year=2, tzinfo=now.tzinfo)


def _time(since: str, zone: ZoneInfo) -> datetime:
    try:
        moment = datetime.fromisoformat(since)
    except ValueError:
        wrong = f"{since!r} is neither a time nor a duration: write for example 2026-03-01T14:00 or 90m."
        raise click.BadParameter(wrong, param_hint="'--since'") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=zone)
