"""Commands about what was to be sent: deliveries, and the dead ones."""

from collections.abc import Collection, Iterable
from zoneinfo import ZoneInfo

import click

from sentinel.cli.asking import answering, json_option, limit_option
from sentinel.cli.completing import complete_sinks
from sentinel.cli.group import ExitCode, SentinelCommand, SentinelGroup
from sentinel.cli.printing import print_json
from sentinel.cli.session import asking
from sentinel.cli.tables import local, screen, table, wrapped
from sentinel.config.values import nearest
from sentinel.control.client import connected
from sentinel.control.values import Letter, SinkStatus
from sentinel.logs import escape_controls

STATES = ("pending", "delivered", "dead", "absorbed")
COUNTED = ("delivered", "pending", "dead", "absorbed", "purged")

sink_option = click.option(
    "--sink", default="", metavar="SINK", help="Only those of this sink.", shell_complete=complete_sinks
)
all_option = click.option("--all", "everything", is_flag=True, help="All dead deliveries of all sinks.")
ids_argument = click.argument("ids", metavar="[ID]...", nargs=-1, type=click.IntRange(min=1))


@click.command(cls=SentinelCommand)
@sink_option
@click.option("--state", type=click.Choice(STATES), default=None, help="Only those in this state.")
@limit_option
@json_option
@click.pass_context
def deliveries(context: click.Context, *, sink: str, state: str | None, limit: int, as_json: bool) -> int:
    """List what was to be sent where, and how that went."""
    none = f"Nothing is {state}." if state else "Nothing was to be sent."
    return _list(context, sink=sink, state=state or "", limit=limit, as_json=as_json, none=none)


@click.group("dlq", cls=SentinelGroup)
def dlq() -> None:
    """Look after dead deliveries: messages that were given up."""


@dlq.command("list", cls=SentinelCommand)
@sink_option
@limit_option
@json_option
@click.pass_context
def list_dead(context: click.Context, *, sink: str, limit: int, as_json: bool) -> int:
    """List dead deliveries and why they are dead."""
    return _list(context, sink=sink, state="dead", limit=limit, as_json=as_json, none="Nothing is dead.")


@dlq.command(cls=SentinelCommand)
@click.argument("number", metavar="ID", type=click.IntRange(min=1))
@json_option
@click.pass_context
def show(context: click.Context, *, number: int, as_json: bool) -> int:
    """Say everything about one delivery."""
    where = asking(context)
    with answering(context, where.socket) as asked:
        found = asked.deliveries(ids=(number,))
    if not found:
        return _nothing(f"there is no delivery {number}: 'sentinel-py deliveries' lists them")
    if as_json:
        print_json(found[0])
    else:
        click.echo("\n".join(_lines(found[0], where.time_zone)))
    return ExitCode.OK


@dlq.command(cls=SentinelCommand)
@ids_argument
@sink_option
@all_option
@click.option(
    "--to",
    default="",
    metavar="SINK",
    help="Send them to this sink instead of their own.",
    shell_complete=complete_sinks,
)
@json_option
@click.pass_context
def replay(context: click.Context, *, ids: tuple[int, ...], sink: str, everything: bool, to: str, as_json: bool) -> int:
    """Try dead deliveries again, with their old keys, behind everything that waits."""
    _refuse_unmeant(ids, sink, everything=everything)
    with connected(asking(context).socket) as client:
        count = client.replay(ids=ids, sink=sink, to=to)
        known = () if count else client.sinks()
    if as_json:
        print_json({"pending": count})
    else:
        click.echo(f"{count} {'delivery is' if count == 1 else 'deliveries are'} pending again.")
    return _done(count, ids, sink, known)


@dlq.command(cls=SentinelCommand)
@ids_argument
@sink_option
@all_option
@json_option
@click.pass_context
def purge(context: click.Context, *, ids: tuple[int, ...], sink: str, everything: bool, as_json: bool) -> int:
    """Forget dead deliveries for good."""
    _refuse_unmeant(ids, sink, everything=everything)
    with connected(asking(context).socket) as client:
        count = client.purge(ids=ids, sink=sink)
        known = () if count else client.sinks()
    if as_json:
        print_json({"purged": count})
    else:
        click.echo(f"{count} {'delivery was' if count == 1 else 'deliveries were'} forgotten.")
    return _done(count, ids, sink, known)


def _done(count: int, ids: Collection[int], sink: str, known: Iterable[SinkStatus]) -> int:
    """The exit code, once so many of the dead ones that were meant were found; and what was wrong with the others."""
    if not count and (unknown := _unknown(sink, known)):
        return _nothing(unknown)
    left = len(set(ids)) - count
    if left <= 0:
        return ExitCode.OK
    whose = f"{left} of them {'is' if left == 1 else 'are'}" if count else "what has that number is"
    _nothing(f"{whose} not dead{f' at {sink}' if sink else ''}: 'sentinel-py dlq list' has all that are")
    return ExitCode.PARTIAL if count else ExitCode.NOTHING_MATCHED


def _unknown(sink: str, known: Iterable[SinkStatus]) -> str:
    """What to say of a sink that nobody knows; empty for one that is known, or for none."""
    names = [one.name for one in known]
    return f"no sink is named {sink}{nearest(sink, names)}" if sink and sink not in names else ""


def _nothing(why: str) -> int:
    click.echo(f"error: {escape_controls(why)}", err=True)
    return ExitCode.NOTHING_MATCHED


def _refuse_unmeant(ids: tuple[int, ...], sink: str, *, everything: bool) -> None:
    if everything == bool(ids or sink):
        raise click.UsageError("say which: IDs from 'dlq list', --sink SINK, or --all")


def _list(context: click.Context, *, sink: str, state: str, limit: int, as_json: bool, none: str) -> int:
    where = asking(context)
    with answering(context, where.socket) as asked:
        found, known = asked.deliveries(sink=sink, state=state, limit=limit), asked.sinks()
    if not found and (unknown := _unknown(sink, known)):
        return _nothing(unknown)
    if as_json:
        print_json(found)
        return ExitCode.OK
    click.echo("\n".join(_table(found, where.time_zone) if found else [none]))
    if sums := _sums(one for one in known if sink in ("", one.name)):
        click.echo("\n".join(["", *sums]))
    return ExitCode.OK


def _sums(sinks: Iterable[SinkStatus]) -> list[str]:
    """How all that each sink was to get stands, a line for each that was to get anything."""
    lines = []
    for sink in sinks:
        counts = [f"{count} {word}" for word in COUNTED if (count := getattr(sink, word))]
        if counts:
            lines.append(wrapped(f"{sink.name}: {', '.join(counts)}", indent="  "))
    return lines


def _table(found: Iterable[Letter], zone: ZoneInfo) -> list[str]:
    rows = [
        (
            str(letter.id),
            letter.sink,
            letter.state,
            local(letter.created_at, zone),
            str(letter.attempt),
            f"for {letter.fallback_for}: {letter.text}" if letter.fallback_for else letter.text,
            letter.error,
        )
        for letter in found
    ]
    titles = ("id", "sink", "state", "since", "attempts", "message", "last error")
    return table(titles, rows, columns=screen(), whole=("id", "since"))


def _lines(letter: Letter, zone: ZoneInfo) -> Iterable[str]:
    """Label and text of everything that there is."""
    absorbed = f"{letter.absorbed} events of earlier messages" if letter.absorbed else ""
    fields = {
        "delivery": str(letter.id),
        "sink": letter.sink,
        "stands in": f"for {letter.fallback_for}" if letter.fallback_for else "",
        "message": letter.text,
        "speaks for": absorbed,
        "told by": f"delivery {letter.absorbed_by}" if letter.absorbed_by else "",
        "state": letter.state,
        "decided": local(letter.created_at, zone, seconds=True),
        "attempts": str(letter.attempt),
        "next try": local(letter.next_try, zone, seconds=True) if letter.next_try else "",
        "settled": local(letter.settled_at, zone, seconds=True) if letter.settled_at else "",
        "error": letter.error,
        "key": letter.key,
    }
    for label, text in fields.items():
        if text:
            yield wrapped(f"{label + ':':<12}{escape_controls(text)}", indent=" " * 12)
