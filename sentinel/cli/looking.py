"""Commands that look at what is watched by themselves where no service does: diff, dump-netmap."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from zoneinfo import ZoneInfo

import click
import orjson

from sentinel.cli.asking import json_option
from sentinel.cli.configuring import checked
from sentinel.cli.group import ExitCode, SentinelCommand
from sentinel.cli.printing import occurrence_json, print_json
from sentinel.cli.session import asking, examined, settled
from sentinel.cli.tables import COLUMNS, cut, local
from sentinel.clock import SystemClock, parse_rfc3339, rfc3339
from sentinel.control.client import connected
from sentinel.control.values import EVERYTHING, Look, Occurrence, Subject
from sentinel.errors import NoServiceError
from sentinel.logs import escape_controls


@click.command(cls=SentinelCommand)
@json_option
@click.pass_context
def diff(context: click.Context, *, as_json: bool) -> int:
    """Say what the service has not seen yet.

    Nothing is changed or told by this, and where a service is running there is no difference.
    """
    look = _look(context)
    if as_json:
        print_json([occurrence_json(occurrence) for occurrence in look.events])
    else:
        click.echo("\n".join(_diff_lines(look.events, asking(context).time_zone)))
    return ExitCode.OK


@click.command("dump-netmap", cls=SentinelCommand)
@click.pass_context
def dump_netmap(context: click.Context) -> int:
    """Print the tailnet as JSON.

    It is what the running service knows; where none is running, the tailnet is looked at once.
    """
    look = _look(context)
    text = orjson.dumps(netmap(look.subjects), option=orjson.OPT_INDENT_2).decode()
    # Line by line, so that what ends the lines stays; names may have other characters that end one.
    click.echo("\n".join(map(escape_controls, text.split("\n"))))
    return ExitCode.OK


def netmap(subjects: Sequence[Subject]) -> Mapping[str, Any]:
    """The tailnet in the original's terms; what was never said is null."""
    daemon = _detail(subjects, "daemon")
    return {
        "polled_at": rfc3339(SystemClock().now().wall),
        "peers": [_peer(subject) for subject in subjects if subject.subject_type == "peer"],
        "daemon_state": daemon.get("state", ""),
        "prefs": _detail(subjects, "prefs"),
        "tailnet": _detail(subjects, "tailnet"),
        "error_message": daemon.get("login_detail", ""),
    }


_PEER_KEYS = ("routes", "machine_authorized", "expired", "key_expiry", "hostinfo_hash")
_NAMED_OTHERWISE = ("presence", "addresses", "owner_id")


def _peer(subject: Subject) -> Mapping[str, Any]:
    said = subject.detail
    own = {
        "id": subject.subject_id,
        "name": subject.name,
        "online": subject.state == "online",
        "tags": said.get("tags", []),
        "owners": said.get("owners", []),
        "ips": said.get("addresses", []),
        **{key: said.get(key) for key in _PEER_KEYS},
    }
    rest = {key: value for key, value in said.items() if key not in (*own, *_NAMED_OTHERWISE)}
    return {**own, "metadata": rest}


def _detail(subjects: Sequence[Subject], subject_type: str) -> Mapping[str, Any]:
    """What is known of the first subject of a type, of which there is one for each source."""
    return next((subject.detail for subject in subjects if subject.subject_type == subject_type), {})


def _look(context: click.Context) -> Look:
    """The running service has seen all there is; where there is none, the tailnet is looked at once."""
    where = asking(context)
    try:
        with connected(where.socket) as client:
            return Look(client.subjects(EVERYTHING), ())
    except NoServiceError:
        click.echo("no service is running: looking once, which takes some seconds", err=True)
    look: Look = context.obj.look(settled(context, checked(context.obj, examined(context))))
    return look


def _diff_lines(events: Sequence[Occurrence], zone: ZoneInfo) -> Iterator[str]:
    yield "Sentinel Diff"
    for occurrence in events:
        envelope = occurrence.envelope
        happened = local(parse_rfc3339(str(envelope["timestamp"])), zone, seconds=True)
        begin, end = f"- {envelope['event_type']} ", f" ({happened})"
        name = cut(escape_controls(str(envelope["subject_name"])), COLUMNS - len(begin) - len(end))
        yield f"{begin}{name}{end}"
    if not events:
        yield "No changes detected"
