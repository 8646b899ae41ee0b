"""From the configuration's sinks to the settings that each type of sink takes."""

from collections.abc import Callable, Mapping
from ipaddress import ip_network
from typing import Any

from sentinel import config
from sentinel.delivery import sinks
from sentinel.events import Severity, Text


def settings_of(sink: config.Sink) -> sinks.Settings:
    """The settings of a configured sink; secrets come out of their wrapping here."""
    return _TABLE[type(sink)](sink)


def key_of(sink: config.Sink, path: str) -> str:
    """The key that gave the sink what its settings have at `path`: a secret may have come from a file."""
    if path == "url" and getattr(sink, "url_file", None) is not None:
        return "url_file"
    if isinstance(sink, config.WebhookSink) and path == f"secrets.{len(sink.secrets)}":
        return "secrets_file"
    return path


def templates_of(sink: config.Sink) -> dict[str, Text]:
    """The texts of the operator's own, by pattern of types; a sink for programs has none."""
    if not isinstance(sink, config.StdoutSink | config.AppriseSink | config.DiscordSink | config.AlertmanagerSink):
        return {}
    return {pattern: Text(own.title, own.body) for pattern, own in sink.templates.items()}


def _stdout(sink: config.StdoutSink) -> sinks.StdoutSettings:
    return sinks.StdoutSettings(sink.format)


def _apprise(sink: config.AppriseSink) -> sinks.AppriseSettings:
    by_severity = {Severity(severity): dict(named) for severity, named in sink.by_severity.items()}
    return sinks.AppriseSettings(sink.target.get_secret_value(), by_severity)


def _webhook(sink: config.WebhookSink) -> sinks.WebhookSettings:
    secrets = (*sink.secrets, *((sink.secrets_file.secret,) if sink.secrets_file else ()))
    allow, deny = (tuple(ip_network(text, strict=False) for text in texts) for texts in (sink.allow, sink.deny))
    return sinks.WebhookSettings(
        http=sinks.HttpSettings(sink.target.get_secret_value(), sinks.Reach(allow, deny), sink.ca_file),
        secrets=tuple(secret.get_secret_value() for secret in secrets),
        in_flight=sink.in_flight,
    )


def _discord(sink: config.DiscordSink) -> sinks.DiscordSettings:
    return sinks.DiscordSettings(_http(sink), mention=sink.mention)


def _alertmanager(sink: config.AlertmanagerSink) -> sinks.AlertmanagerSettings:
    return sinks.AlertmanagerSettings(_http(sink), labels=dict(sink.labels), repeat_every=sink.repeat_every)


def _file(sink: config.FileSink) -> sinks.FileSettings:
    return sinks.FileSettings(sink.path, max_bytes=sink.max_bytes, keep=sink.keep, sync=sink.sync)


def _exec(sink: config.ExecSink) -> sinks.ExecSettings:
    return sinks.ExecSettings(sink.command, allow=sink.allow, env=sink.env, timeout=sink.timeout)


def _http(sink: config.DiscordSink | config.AlertmanagerSink) -> sinks.HttpSettings:
    return sinks.HttpSettings(sink.target.get_secret_value(), ca_file=sink.ca_file)


_TABLE: Mapping[type, Callable[[Any], sinks.Settings]] = {
    config.StdoutSink: _stdout,
    config.AppriseSink: _apprise,
    config.WebhookSink: _webhook,
    config.DiscordSink: _discord,
    config.AlertmanagerSink: _alertmanager,
    config.FileSink: _file,
    config.ExecSink: _exec,
}
