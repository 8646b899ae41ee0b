"""From the options and the environment to a configuration and a configured log."""

import os
from pathlib import Path

import click
from loguru import logger
from pydantic import SecretStr

from sentinel import logs
from sentinel.cli.group import flags
from sentinel.config import SECRETS, Config, Loaded, OutputSettings, TsnetSettings, examine
from sentinel.errors import ConfigError


def examined(context: click.Context, *, forgive: tuple[tuple[str, ...], ...] = ()) -> Loaded:
    """The configuration that the options and the environment name, with its faults."""
    return examine(flags(context).config, os.environ, cwd=Path.cwd(), forgive=forgive)


def settled(context: click.Context, loaded: Loaded) -> Config:
    """The configuration with the options over it; from here on logs go where it says. Raises ConfigError."""
    if loaded.config is None:
        raise ConfigError(loaded.faults)
    output = _output(context, loaded.config.output)
    config = loaded.config.model_copy(update={"output": output, "tsnet": _tsnet(context, loaded.config.tsnet)})
    configure_logs(config)
    for warning in loaded.warnings:
        logger.warning("{}", warning)
    return config


def asking(context: click.Context) -> Config:
    """The configuration for a command that only asks the running service; logs tell errors alone.

    Neither the service's secrets nor sinks that cannot be used from here stand in its way.
    """
    loaded = examined(context, forgive=SECRETS)
    if loaded.config is None:
        raise ConfigError(loaded.faults)
    output = _output(context, loaded.config.output)
    if flags(context).log_level is None:
        output = output.model_copy(update={"log_level": "error"})
    config = loaded.config.model_copy(update={"output": output})
    configure_logs(config)
    return config


def configure_logs(config: Config) -> None:
    """Sends log lines to standard error as the configuration says."""
    logs.configure(
        log_format=config.output.log_format,
        log_level=config.output.log_level,
        color=not config.output.no_color,
    )


def _tsnet(context: click.Context, tsnet: TsnetSettings) -> TsnetSettings:
    """The file's, with the options over it."""
    given = flags(context)
    changed: dict[str, object] = {}
    if given.tailscale_auth_key is not None:
        changed["auth_key"] = SecretStr(given.tailscale_auth_key)
    if given.tailscale_state_dir is not None:
        changed["state_dir"] = given.tailscale_state_dir.expanduser().absolute()
    return tsnet.model_copy(update=changed)


def _output(context: click.Context, output: OutputSettings) -> OutputSettings:
    """The file's, with the options over it and `NO_COLOR` beside it."""
    given = flags(context)
    return OutputSettings(
        log_format=given.log_format or output.log_format,
        log_level=given.log_level or output.log_level,
        no_color=bool(given.no_color or output.no_color or os.environ.get("NO_COLOR")),
    )
