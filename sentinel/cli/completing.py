"""What a shell offers behind the Tab key, names of devices and sinks included."""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import click
from click.shell_completion import BashComplete, FishComplete, ShellComplete, ZshComplete

from sentinel.cli.group import ExitCode, SentinelCommand
from sentinel.cli.session import asking, whole
from sentinel.control.client import connected
from sentinel.errors import SentinelError

PROGRAMS = ("sentinel-py", "sentinel")
SHELLS: Mapping[str, type[ShellComplete]] = {"bash": BashComplete, "zsh": ZshComplete, "fish": FishComplete}
PATIENCE = 1.0
"""Seconds that a Tab may take."""


@click.command(cls=SentinelCommand)
@click.argument("shell", type=click.Choice(list(SHELLS)))
@click.pass_context
def completion(context: click.Context, *, shell: str) -> int:
    """Print what makes a shell complete commands, options and names.

    For bash: eval "$(sentinel-py completion bash)" in ~/.bashrc; zsh and fish alike.
    """
    for program in PROGRAMS:
        click.echo(SHELLS[shell](context.find_root().command, {}, program, "_SENTINEL_PY_COMPLETE").source())
    return ExitCode.OK


def complete_devices(context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
    """Names that the running service knows."""
    return _beginning(incomplete, lambda: _device_names(asking(context).socket))


def complete_sinks(context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
    """Names of the configured sinks."""
    return _beginning(incomplete, lambda: whole(context).sinks)


def _device_names(socket: Path) -> Iterable[str]:
    with connected(socket, answer_within=PATIENCE) as client:
        return [subject.name for subject in client.subjects() if subject.name.isprintable()]


def _beginning(incomplete: str, names: Callable[[], Iterable[str]]) -> list[str]:
    """Names that go on with what is there; whatever goes wrong, a shell is told nothing of it."""
    try:
        return sorted({name for name in names() if name.lower().startswith(incomplete.lower())})
    except SentinelError:
        return []
