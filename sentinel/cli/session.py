"""From the options and the environment to a configuration and a configured log."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sentinel import config, logs
from sentinel.cli.group import flags
from sentinel.config.asking import Asking, asked
from sentinel.config.document import Place
from sentinel.errors import ConfigError

# The models of the configuration are built when they are first used, which a command that only asks does not.
if TYPE_CHECKING:
    from sentinel.config import Config, Loaded, Option


def examined(context: click.Context, *, forgive: tuple[Place, ...] = ()) -> "Loaded":
    """The configuration that the options and the environment name, with its faults."""
    return config.examine(flags(context).config, os.environ, cwd=Path.cwd(), forgive=forgive, options=_options(context))


def unconfigured(context: click.Context, *, sinks: Mapping[str, Mapping[str, str]]) -> "Loaded":
    """The defaults with these sinks, whatever files and Sentinel's own variables say; a `${VAR}` in them holds."""
    others = {name: value for name, value in os.environ.items() if not name.startswith("SENTINEL_")}
    options = {**_options(context), ("sinks",): config.Option("--url", sinks)}
    return config.examine(Path(os.devnull), others, cwd=Path.cwd(), forgive=config.SINKS, options=options)


_Said = Mapping[Place, tuple[str, object]]
"""The name of an option and what it says, None where it was not given, by the key that it sets."""


def _output_options(context: click.Context) -> _Said:
    given = flags(context)
    return {
        ("output", "log_format"): ("--log-format", given.log_format),
        ("output", "log_level"): ("--log-level", given.log_level),
        ("output", "no_color"): ("--no-color", given.no_color),
    }


def _node_options(context: click.Context) -> _Said:
    given = flags(context)
    folder = given.tailscale_state_dir
    return {
        ("tsnet", "auth_key"): ("--tailscale-auth-key", given.tailscale_auth_key),
        ("tsnet", "state_dir"): ("--tailscale-state-dir", folder.expanduser() if folder is not None else None),
        ("tsnet", "login_mode"): ("--tailscale-login-mode", given.tailscale_login_mode),
        ("tsnet", "login_timeout"): ("--tailscale-login-timeout", given.tailscale_login_timeout or None),
        ("tsnet", "allow_interactive_fallback"): (
            "--tailscale-allow-interactive-fallback",
            given.tailscale_allow_interactive_fallback,
        ),
    }


def _options(context: click.Context) -> "dict[Place, Option]":
    """What the options say, by the key that each sets."""
    said = {**_output_options(context), **_node_options(context)}
    return {place: config.Option(name, value) for place, (name, value) in said.items() if value is not None}


def settled(context: click.Context, loaded: "Loaded") -> "Config":
    """The configuration; from here on logs go where it says. Raises ConfigError."""
    if loaded.config is None:
        raise ConfigError(loaded.faults)
    configure_logs(loaded.config)
    for warning in loaded.warnings:
        logs.the_logger().warning("{}", warning)
    return loaded.config


def asking(context: click.Context) -> Asking:
    """What a command needs that only asks the running service; logs tell errors alone."""
    options = {place: value for place, (_, value) in _output_options(context).items() if value is not None}
    found = asked(flags(context).config, os.environ, cwd=Path.cwd(), options=options) or _of(whole(context))
    level = "error" if flags(context).log_level is None else found.log_level
    logs.configure_for_libraries(log_format=found.log_format, log_level=level, color=not found.no_color)
    return found


def whole(context: click.Context) -> "Config":
    """The configuration for a command that looks for itself what the service would know.

    Neither the service's secrets nor sinks that cannot be used from here stand in its way. Raises ConfigError.
    """
    loaded = examined(context, forgive=config.SECRETS)
    if loaded.config is None:
        raise ConfigError(loaded.faults)
    return loaded.config


def _of(found: "Config") -> Asking:
    output = found.output
    return Asking(found.control.socket, found.time_zone, output.log_format, output.log_level, output.no_color)


def configure_logs(settings: "Config") -> None:
    """Sends log lines to standard error as the configuration says."""
    logs.configure(
        log_format=settings.output.log_format,
        log_level=settings.output.log_level,
        color=not settings.output.no_color,
    )
