"""The table of commands."""

from collections.abc import Mapping
from copy import copy

import click

from sentinel import __version__
from sentinel.cli.asking import devices, events, status
from sentinel.cli.checking import checked, config_group, test_notify, validate, version
from sentinel.cli.demo import demo
from sentinel.cli.group import SentinelGroup
from sentinel.cli.letters import deliveries, dlq
from sentinel.cli.session import examined, settled


@click.group(cls=SentinelGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="sentinel-py", message="%(prog)s %(version)s")
def cli() -> None:
    """Watch a tailnet and tell what changed."""


@cli.command()
@click.pass_context
def serve(context: click.Context) -> int:
    """Run the service in the foreground. It ends with SIGINT or SIGTERM."""
    config = settled(context, checked(context.obj, examined(context)))
    code: int = context.obj.serve(config)
    return code


def _unlisted(command: click.Command) -> click.Command:
    twin = copy(command)
    twin.hidden = True
    return twin


for command in (demo, status, devices, events, deliveries, dlq, test_notify, config_group, version):
    cli.add_command(command)
# Names under which the same commands are known, too.
ALIASES: Mapping[str, click.Command] = {"run": serve, "validate-config": validate}
for alias, known in ALIASES.items():
    cli.add_command(_unlisted(known), alias)
