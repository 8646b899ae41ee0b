"""The command that runs the service: serve."""

from functools import partial

import click

from sentinel.cli.configuring import checked, different
from sentinel.cli.group import ExitCode, SentinelCommand
from sentinel.cli.session import examined, settled
from sentinel.config import Loaded
from sentinel.logs import the_logger


@click.command(cls=SentinelCommand)
@click.option("--once", is_flag=True, help="Look once, tell what follows from that, and end; at the latest after 30 s.")
@click.option("--dry-run", is_flag=True, help="Print what sinks would be told; neither sinks nor store get anything.")
@click.pass_context
def serve(context: click.Context, *, once: bool, dry_run: bool) -> int:
    """Run the service in the foreground. It ends with SIGINT or SIGTERM."""
    loaded = _examined(context)
    config = settled(context, loaded)
    _remark(len(different(loaded)))
    if dry_run:
        code: int = context.obj.rehearse(config, once=once)
    else:
        skipped = tuple(each.text for each in loaded.skipped)
        code = context.obj.serve(config, once=once, again=partial(_examined, context), warnings=skipped)
    # That time was short is no failure of a single look, as scripts know it: the log says it.
    return ExitCode.OK if once and code == ExitCode.OUT_OF_TIME else code


def _remark(number: int) -> None:
    """Who came from the original has not asked what is different; where to look is enough for a log."""
    if number:
        things = "1 thing acts" if number == 1 else f"{number} things act"
        where = "'sentinel-py config validate' says what, and what restores it"
        the_logger().warning("{}", f"{things} differently from jaxxstorm/sentinel: {where}")


def _examined(context: click.Context) -> Loaded:
    return checked(context.obj, examined(context))
