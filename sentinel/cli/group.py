"""What all commands share: the global options, and how errors end."""

import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass, fields
from enum import IntEnum
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from sentinel.errors import ConfigError, SentinelError
from sentinel.logs import LogFormat, escape_controls


class ExitCode(IntEnum):
    """What a command's end says to a script; 2, a wrong usage, is click's own."""

    OK = 0
    FAILURE = 1
    NOTHING_MATCHED = 3
    PARTIAL = 4
    OUT_OF_TIME = 5
    BAD_CONFIGURATION = 78
    INTERRUPTED = 130


@dataclass(frozen=True, slots=True)
class Flags:
    """The global options; None where one was not given."""

    config: Path | None = None
    log_format: LogFormat | None = None
    log_level: str | None = None
    no_color: bool | None = None
    tailscale_auth_key: str | None = None
    tailscale_state_dir: Path | None = None
    tailscale_login_mode: str | None = None
    tailscale_login_timeout: str | None = None
    tailscale_allow_interactive_fallback: bool | None = None


_NAMES = tuple(each.name for each in fields(Flags))


def flags(context: click.Context) -> Flags:
    """The global options as given before or after the verb; after it wins."""
    return Flags(**{name: context.meta[f"sentinel.{name}"] for name in _NAMES if f"sentinel.{name}" in context.meta})


def global_options() -> list[click.Option]:
    """The options that every command takes."""
    shared: dict[str, Any] = {"expose_value": False, "callback": _note}
    return [
        click.Option(
            ["--config"],
            type=click.Path(path_type=Path),
            metavar="FILE",
            help="The configuration file; else SENTINEL_CONFIG_PATH, ./sentinel.yaml, ./sentinel.json.",
            **shared,
        ),
        click.Option(
            ["--log-format"],
            type=click.Choice(["pretty", "json"]),
            help="Overrides output.log_format.",
            **shared,
        ),
        click.Option(
            ["--log-level"],
            type=click.Choice(["debug", "info", "warning", "warn", "error"]),
            help="Overrides output.log_level.",
            **shared,
        ),
        click.Option(["--no-color"], is_flag=True, default=None, help="Overrides output.no_color.", **shared),
        click.Option(
            ["--tailscale-auth-key"],
            metavar="KEY",
            help="Overrides tsnet.auth_key; everybody on this machine can read it while the command runs.",
            **shared,
        ),
        click.Option(
            ["--tailscale-state-dir"],
            type=click.Path(path_type=Path),
            metavar="DIR",
            help="Overrides tsnet.state_dir.",
            **shared,
        ),
        click.Option(
            ["--tailscale-login-mode"],
            type=click.Choice(["auto", "auth_key", "oauth", "interactive"]),
            help="Overrides tsnet.login_mode.",
            **shared,
        ),
        click.Option(
            ["--tailscale-login-timeout"], metavar="DURATION", help="Overrides tsnet.login_timeout.", **shared
        ),
        click.Option(
            ["--tailscale-allow-interactive-fallback"],
            is_flag=True,
            default=None,
            help="Switches tsnet.allow_interactive_fallback on.",
            **shared,
        ),
    ]


class SentinelCommand(click.Command):
    """A command that takes the global options, too."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.params.extend(global_options())


class SentinelGroup(click.Group):
    """Commands that return their exit code and may raise; outermost, it tells errors in one line."""

    command_class = SentinelCommand

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.params.extend(global_options())

    def invoke(self, ctx: click.Context) -> Any:
        """Runs the command that was named."""
        if ctx.parent is not None:
            return super().invoke(ctx)
        return ctx.exit(_run(ctx, super().invoke))


def _run(context: click.Context, invoke: Callable[[click.Context], Any]) -> int:
    try:
        code = invoke(context)
        # What is still buffered may meet a closed pipe: quiet here, noisy at the interpreter's end.
        sys.stdout.flush()
    except (click.ClickException, click.exceptions.Exit, click.Abort, BrokenPipeError):
        raise
    except KeyboardInterrupt:
        return ExitCode.INTERRUPTED
    except ConfigError as error:
        for fault in error.faults:
            _say(str(fault))
        return ExitCode.BAD_CONFIGURATION
    except SentinelError as error:
        _say(str(error))
        return ExitCode.FAILURE
    except Exception as error:
        _unexpected(error, debug=flags(context).log_level == "debug")
        return ExitCode.FAILURE
    return code if isinstance(code, int) else ExitCode.OK


def _unexpected(error: Exception, *, debug: bool) -> None:
    if debug:
        click.echo("".join(traceback.format_exception(error)), err=True, nl=False)
    advice = "" if debug else "; run with --log-level debug for the traceback"
    _say(f"unexpected {type(error).__name__}: {error}{advice}")


def _say(text: str) -> None:
    click.echo(f"error: {escape_controls(' '.join(text.split()))}", err=True)


def _note(context: click.Context, parameter: click.Parameter, value: Any) -> None:
    if parameter.name and context.get_parameter_source(parameter.name) is ParameterSource.COMMANDLINE:
        context.meta[f"sentinel.{parameter.name}"] = value
