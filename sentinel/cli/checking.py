"""Commands about this program itself: version."""

import importlib.metadata
import platform
import subprocess
from pathlib import Path

import click

from sentinel import __version__
from sentinel.cli.asking import json_option
from sentinel.cli.group import ExitCode, SentinelCommand
from sentinel.cli.printing import print_json
from sentinel.logs import escape_controls


@click.command(cls=SentinelCommand)
@json_option
@click.pass_context
def version(context: click.Context, *, as_json: bool) -> int:
    """Say which versions this Sentinel is made of."""
    parts = {
        "version": __version__,
        "python": platform.python_version(),
        "grpc": importlib.metadata.version("grpcio"),
        "apprise": importlib.metadata.version("apprise"),
        "sidecar": _sidecar_version(context.obj.find_sidecar()),
    }
    if as_json:
        print_json(parts)
    else:
        click.echo(f"sentinel-py {parts['version']}")
        for name in ("python", "grpc", "apprise", "sidecar"):
            click.echo(f"{name:<8} {escape_controls(parts[name] or 'not found')}")
    return ExitCode.OK


def _sidecar_version(binary: Path | None) -> str:
    """What the sidecar says of itself; empty without one."""
    if binary is None:
        return ""
    try:
        asked = subprocess.run(
            [binary, "--version"], stdin=subprocess.DEVNULL, capture_output=True, timeout=10, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return f"{binary} cannot be run"
    said = asked.stdout.decode(errors="replace").strip().splitlines()
    return said[0] if said and asked.returncode == 0 else f"{binary} does not say"
