"""Commands that ask the running service: status, devices, events."""

import dataclasses
import sys
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import click
import orjson

from sentinel.cli.group import ExitCode, SentinelCommand
from sentinel.cli.session import asking
from sentinel.cli.tables import local, screen, table, wrapped
from sentinel.clock import parse_rfc3339, rfc3339
from sentinel.control.client import ControlClient, Fate, Occurrence, Status, Subject, connected
from sentinel.logs import escape_controls

json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")


@click.command(cls=SentinelCommand)
@json_option
@click.pass_context
def status(context: click.Context, *, as_json: bool) -> int:
    """Say how the running service is. Ends with 1 if it has troubles."""
    config = asking(context)
    with connected(config.control.socket) as client:
        found = client.status()
    if as_json:
        print_json(dataclasses.asdict(found))
    else:
        click.echo("\n".join(_status_lines(found, config.time_zone)))
    return ExitCode.FAILURE if found.troubles else ExitCode.OK


@click.command(cls=SentinelCommand)
@json_option
@click.pass_context
def devices(context: click.Context, *, as_json: bool) -> int:
    """List what the running service knows to exist."""
    config = asking(context)
    with connected(config.control.socket) as client:
        subjects = client.subjects()
    if as_json:
        print_json([_subject_json(subject) for subject in subjects])
    else:
        click.echo("\n".join(_subject_lines(subjects, config.time_zone)))
    return ExitCode.OK


@click.command(cls=SentinelCommand)
@click.option(
    "--limit",
    type=click.IntRange(min=0, max=2**32 - 1),
    default=50,
    metavar="N",
    show_default=True,
    help="The newest so many; 0 is all.",
)
@click.option("--follow", is_flag=True, help="Go on with events as they happen, until Ctrl-C; JSON is one line each.")
@json_option
@click.pass_context
def events(context: click.Context, *, limit: int, follow: bool, as_json: bool) -> int:
    """List what happened and what became of it at each sink."""
    config = asking(context)
    with connected(config.control.socket) as client:
        if follow:
            return _follow(client, limit, config.time_zone, as_json=as_json)
        found = list(client.events(limit=limit))
    if as_json:
        print_json([_occurrence_json(occurrence) for occurrence in found])
    else:
        lines = [line for occurrence in found for line in _occurrence_lines(occurrence, config.time_zone)]
        click.echo("\n".join(lines or ["Nothing has happened yet."]))
    return ExitCode.OK


def print_json(document: object) -> None:
    """One JSON document on standard output, on one line."""
    text = orjson.dumps(document, default=_plain, option=orjson.OPT_PASSTHROUGH_DATETIME).decode()
    # Within JSON, whose strings have all the characters that this escapes, the result means the same.
    click.echo(escape_controls(text))


def _follow(client: ControlClient, limit: int, zone: ZoneInfo, *, as_json: bool) -> int:
    try:
        for occurrence in client.follow(limit=limit):
            if as_json:
                print_json(_occurrence_json(occurrence))
            else:
                click.echo("\n".join(_occurrence_lines(occurrence, zone)))
            sys.stdout.flush()
    except KeyboardInterrupt:
        pass  # the way to end it
    return ExitCode.OK


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return rfc3339(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")


def _status_lines(found: Status, zone: ZoneInfo) -> Iterable[str]:
    yield wrapped(f"Sentinel {found.version}, up since {local(found.started_at, zone)}")
    yield wrapped(f"{found.events} events in {found.store_path}")
    if found.last_words:
        yield wrapped(f"The last run did not end well: {found.last_words}", indent="  ")
    yield ""
    yield from _source_lines(found, zone)
    yield ""
    titles = ("sink", "type", "delivered", "pending", "held", "dead", "last error")
    counts = (
        (
            sink.name,
            sink.type,
            *map(str, (sink.delivered, sink.pending, sink.held, sink.dead)),
            sink.last_error,
        )
        for sink in found.sinks
    )
    yield from table(titles, list(counts), columns=screen())
    if found.troubles:
        yield ""
    for trouble in found.troubles:
        yield wrapped(f"trouble: {trouble}", indent="  ")


def _source_lines(found: Status, zone: ZoneInfo) -> Iterable[str]:
    titles = ("source", "network", "sight", "since", "subjects", "last heard")
    rows = [
        (
            source.name,
            source.network or "-",
            source.sight,
            local(source.since, zone),
            str(source.subjects),
            local(source.last_heard_at, zone),
        )
        for source in found.sources
    ]
    yield from table(titles, rows, columns=screen())


def _subject_lines(subjects: tuple[Subject, ...], zone: ZoneInfo) -> list[str]:
    if not subjects:
        return ["Nothing is known yet."]
    # As keys of a dict, titles keep the order in which they came.
    extra = list({title: None for subject in subjects for title, _ in subject.columns})
    several = len({subject.source for subject in subjects}) > 1
    rows = [
        (
            subject.name or subject.subject_id,
            subject.state,
            local(subject.since, zone),
            *(dict(subject.columns).get(title, "") for title in extra),
            subject.source if several else "",
        )
        for subject in subjects
    ]
    return table(("name", "state", "since", *extra, "source"), rows, columns=screen())


def _subject_json(subject: Subject) -> Mapping[str, Any]:
    own = {
        "source": subject.source,
        "subject_type": subject.subject_type,
        "subject_id": subject.subject_id,
        "name": subject.name,
        "state": subject.state,
        "since": subject.since,
        "revision": subject.revision,
    }
    return {**own, **{key: value for key, value in subject.detail.items() if key not in own}}


def _occurrence_json(occurrence: Occurrence) -> Mapping[str, Any]:
    return {**occurrence.envelope, "outcomes": [dataclasses.asdict(fate) for fate in occurrence.outcomes]}


def _occurrence_lines(occurrence: Occurrence, zone: ZoneInfo) -> Iterable[str]:
    happened = local(parse_rfc3339(str(occurrence.envelope["timestamp"])), zone, seconds=True)
    yield f"{happened}  {escape_controls(occurrence.text)}"
    for fate in occurrence.outcomes:
        yield f"    {escape_controls(fate.sink)}: {escape_controls(_fate(fate, zone))}"


def _fate(fate: Fate, zone: ZoneInfo) -> str:
    """What became of the event, in words."""
    message = f"message {fate.message}" if fate.message else "a message"
    texts = {
        "told": f"told in {message}",
        "folded": f"folded into {message}",
        "reverted": "came and went before it was told",
        "held": "held" + (f" until {local(fate.until, zone, seconds=True)}" if fate.until else ""),
    }
    return texts.get(fate.state, fate.state) + (f": {fate.why}" if fate.why else "")
