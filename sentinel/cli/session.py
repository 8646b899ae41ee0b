"""From the options and the environment to a configuration and a configured log."""

import gc
import os
from collections.abc import Mapping
from pathlib import Path

import click
from pydantic import SecretStr

from sentinel import logs
from sentinel.cli.group import flags
from sentinel.config import SECRETS, SINKS, Config, Loaded, Option, examine
from sentinel.errors import ConfigError


def examined(context: click.Context, *, forgive: tuple[tuple[str, ...], ...] = ()) -> Loaded:
    """The configuration that the options and the environment name, with its faults."""
    return examine(flags(context).config, os.environ, cwd=Path.cwd(), forgive=forgive, options=_options(context))


def unconfigured(context: click.Context, *, sinks: Mapping[str, Mapping[str, str]]) -> Loaded:
    """The defaults with these sinks, whatever files and Sentinel's own variables say; a `${VAR}` in them holds."""
    others = {name: value for name, value in os.environ.items() if not name.startswith("SENTINEL_")}
    options = {**_options(context), ("sinks",): Option("--url", sinks)}
    return examine(Path(os.devnull), others, cwd=Path.cwd(), forgive=SINKS, options=options)


def _options(context: click.Context) -> dict[tuple[str, ...], Option]:
    """What the options say, by the key that each sets."""
    given = flags(context)
    key, folder = given.tailscale_auth_key, given.tailscale_state_dir
    return {
        place: Option(name, value)
        for place, (name, value) in {
            ("output", "log_format"): ("--log-format", given.log_format),
            ("output", "log_level"): ("--log-level", given.log_level),
            ("output", "no_color"): ("--no-color", given.no_color),
            ("tsnet", "auth_key"): ("--tailscale-auth-key", SecretStr(key) if key is not None else None),
            ("tsnet", "state_dir"): ("--tailscale-state-dir", folder.expanduser() if folder is not None else None),
            ("tsnet", "login_mode"): ("--tailscale-login-mode", given.tailscale_login_mode),
            ("tsnet", "login_timeout"): ("--tailscale-login-timeout", given.tailscale_login_timeout or None),
            ("tsnet", "allow_interactive_fallback"): (
                "--tailscale-allow-interactive-fallback",
                given.tailscale_allow_interactive_fallback,
            ),
        }.items()
        if value is not None
    }


def settled(context: click.Context, loaded: Loaded) -> Config:
    """The configuration; from here on logs go where it says. Raises ConfigError."""
    if loaded.config is None:
        raise ConfigError(loaded.faults)
    configure_logs(loaded.config)
    for warning in loaded.warnings:
        logs.the_logger().warning("{}", warning)
    return loaded.config


def asking(context: click.Context) -> Config:
    """The configuration for a command that only asks the running service; logs tell errors alone.

    Neither the service's secrets nor sinks that cannot be used from here stand in its way.
    """
    loaded = examined(context, forgive=SECRETS)
    if loaded.config is None:
        raise ConfigError(loaded.faults)
    output = loaded.config.output
    if flags(context).log_level is None:
        output = output.model_copy(update={"log_level": "error"})
    logs.configure_for_libraries(log_format=output.log_format, log_level=output.log_level, color=not output.no_color)
    # What is imported by now stays: the collector of cycles need not look at it while thousands of answers are made.
    gc.freeze()
    return loaded.config.model_copy(update={"output": output})


def configure_logs(config: Config) -> None:
    """Sends log lines to standard error as the configuration says."""
    logs.configure(
        log_format=config.output.log_format,
        log_level=config.output.log_level,
        color=not config.output.no_color,
    )
