"""The table of commands."""

from collections.abc import Mapping
from copy import copy
from functools import partial

import click

from sentinel import __version__
from sentinel.cli import asking
from sentinel.cli.checking import version
from sentinel.cli.completing import completion
from sentinel.cli.configuring import checked, config_group, validate
from sentinel.cli.demo import demo
from sentinel.cli.group import ExitCode, SentinelGroup
from sentinel.cli.letters import deliveries, dlq
from sentinel.cli.looking import diff, dump_netmap
from sentinel.cli.session import examined, settled
from sentinel.cli.trying import test_notify
from sentinel.config import Loaded


@click.group(cls=SentinelGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="sentinel-py", message="%(prog)s %(version)s")
def cli() -> None:
    """Watch a tailnet and tell what changed."""


@cli.command()
@click.option("--once", is_flag=True, help="Look once, tell what follows from that, and end; at the latest after 30 s.")
@click.option("--dry-run", is_flag=True, help="Print what sinks would be told; neither sinks nor store get anything.")
@click.pass_context
def serve(context: click.Context, *, once: bool, dry_run: bool) -> int:
    """Run the service in the foreground. It ends with SIGINT or SIGTERM."""
    loaded = _examined(context)
    config = settled(context, loaded)
    if dry_run:
        code: int = context.obj.rehearse(config, once=once)
    else:
        skipped = tuple(each.text for each in loaded.skipped)
        code = context.obj.serve(config, once=once, again=partial(_examined, context), warnings=skipped)
    # That time was short is no failure of a single look, as scripts know it: the log says it.
    return ExitCode.OK if once and code == ExitCode.OUT_OF_TIME else code


def _examined(context: click.Context) -> Loaded:
    return checked(context.obj, examined(context))


def _unlisted(command: click.Command) -> click.Command:
    twin = copy(command)
    twin.hidden = True
    return twin


COMMANDS = (demo, *asking.COMMANDS, deliveries, dlq, diff, dump_netmap, test_notify, config_group, completion, version)
for command in COMMANDS:
    cli.add_command(command)
# Names under which the same commands are known, too.
ALIASES: Mapping[str, click.Command] = {"run": serve, "history": asking.events, "validate-config": validate}
for alias, known in ALIASES.items():
    cli.add_command(_unlisted(known), alias)
