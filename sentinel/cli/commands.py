"""The table of commands. Each is imported when it is asked for: one that only asks need not wait for the others."""

from collections.abc import Mapping
from copy import copy
from importlib import import_module

import click

from sentinel import __version__
from sentinel.cli.group import SentinelGroup

# Where each command is, as a module in this package and a name in it.
PLACES: Mapping[str, tuple[str, str]] = {
    "check": ("asking", "check"),
    "completion": ("completing", "completion"),
    "config": ("configuring", "config_group"),
    "deliveries": ("letters", "deliveries"),
    "demo": ("demo", "demo"),
    "devices": ("asking", "devices"),
    "diff": ("looking", "diff"),
    "dlq": ("letters", "dlq"),
    "dump-netmap": ("looking", "dump_netmap"),
    "events": ("asking", "events"),
    "explain": ("asking", "explain"),
    "reload": ("asking", "reload_configuration"),
    "serve": ("serving", "serve"),
    "status": ("asking", "status"),
    "test-notify": ("trying", "test_notify"),
    "version": ("checking", "version"),
}
# Names under which the same commands are known, too.
ALIASES: Mapping[str, tuple[str, str]] = {
    "run": PLACES["serve"],
    "history": PLACES["events"],
    "validate-config": ("configuring", "validate"),
}


class Commands(SentinelGroup):
    """The commands of the table."""

    def list_commands(self, _context: click.Context) -> list[str]:
        """Their names, sorted; the help leaves the hidden ones out."""
        return sorted((*PLACES, *ALIASES))

    def get_command(self, _context: click.Context, name: str) -> click.Command | None:
        """The command of that name, None if there is none."""
        place = PLACES.get(name) or ALIASES.get(name)
        if place is None:
            return None
        module, own = place
        command: click.Command = getattr(import_module(f"sentinel.cli.{module}"), own)
        return command if name in PLACES else _unlisted(command)


def _unlisted(command: click.Command) -> click.Command:
    twin = copy(command)
    twin.hidden = True
    return twin


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="sentinel-py", message="%(prog)s %(version)s")
def cli() -> None:
    """Watch a tailnet and tell what changed."""
