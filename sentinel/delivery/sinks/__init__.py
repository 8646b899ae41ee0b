"""One adapter per kind of sink, and the table of them."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sentinel.delivery.sinks.alertmanager import AlertmanagerSettings, AlertmanagerSink
from sentinel.delivery.sinks.discord import DiscordSettings, DiscordSink
from sentinel.delivery.sinks.file import FileSettings, FileSink
from sentinel.delivery.sinks.posting import HttpSettings
from sentinel.delivery.sinks.program import ExecSettings, ExecSink
from sentinel.delivery.sinks.protocol import Sink, Wording
from sentinel.delivery.sinks.reach import Reach
from sentinel.delivery.sinks.stdout import JsonLines, Lines, StdoutSettings, TextLines
from sentinel.delivery.sinks.webhook import WebhookSettings, WebhookSink
from sentinel.errors import ConfigError, Fault
from sentinel.events import Severity, Text
from sentinel.model import Audience

__all__ = [
    "SINK_TYPES",
    "AlertmanagerSettings",
    "AppriseSettings",
    "DiscordSettings",
    "ExecSettings",
    "FileSettings",
    "HttpSettings",
    "Lines",
    "Reach",
    "Sink",
    "SinkSpec",
    "StdoutSettings",
    "WebhookSettings",
    "Wording",
    "build",
    "in_flight",
    "most_per_minute",
]

MOST_TO_PEOPLE = 120
"""Messages a minute to a sink that has no other limit."""


@dataclass(frozen=True, slots=True)
class AppriseSettings:
    """`url` is a secret. `by_severity` sets parameters of the URL (name to value) for messages of a severity."""

    url: str = field(repr=False)
    by_severity: Mapping[Severity, Mapping[str, str]] = field(default_factory=dict, repr=False)


Settings = (
    StdoutSettings
    | AppriseSettings
    | WebhookSettings
    | FileSettings
    | ExecSettings
    | DiscordSettings
    | AlertmanagerSettings
)


@dataclass(frozen=True, slots=True)
class SinkSpec:
    """A sink as it is configured: `settings` are those of its type.

    `templates` are texts of the operator's own by patterns of types; an empty title or body is the built-in one.
    `per_minute` is how many messages it gets in a minute at most, without a limit if that is not above 0; None leaves
    it to whom the sink speaks to.
    """

    name: str
    type: str
    settings: Settings = field(default_factory=StdoutSettings)
    templates: Mapping[str, Text] = field(default_factory=dict)
    per_minute: int | None = None


@dataclass(frozen=True, slots=True)
class Kind:
    """A row of the table: the type's settings, and how a sink is made of them."""

    settings: type[Settings]
    make: Callable[[str, Any, Wording, Lines], Sink]


def _stdout(name: str, settings: StdoutSettings, wording: Wording, lines: Lines) -> Sink:
    if settings.format == "text":
        return TextLines(wording=wording, lines=lines)
    return JsonLines(name=name, lines=lines)


def _apprise(name: str, settings: AppriseSettings, wording: Wording, _lines: Lines) -> Sink:
    # Its hundreds of services take their time to load; whoever has no such sink does not wait for them.
    from sentinel.delivery.sinks.apprise import AppriseSink  # noqa: PLC0415

    return AppriseSink(name=name, url=settings.url, by_severity=settings.by_severity, wording=wording)


def _webhook(_name: str, settings: WebhookSettings, _wording: Wording, _lines: Lines) -> Sink:
    return WebhookSink(settings)


def _file(name: str, settings: FileSettings, _wording: Wording, _lines: Lines) -> Sink:
    return FileSink(name, settings)


def _exec(name: str, settings: ExecSettings, _wording: Wording, _lines: Lines) -> Sink:
    return ExecSink(name, settings, environment=os.environ)


def _discord(_name: str, settings: DiscordSettings, wording: Wording, _lines: Lines) -> Sink:
    return DiscordSink(settings, wording=wording)


def _alertmanager(_name: str, settings: AlertmanagerSettings, wording: Wording, _lines: Lines) -> Sink:
    return AlertmanagerSink(settings, wording=wording)


SINK_TYPES: Mapping[str, Kind] = {
    "stdout": Kind(StdoutSettings, _stdout),
    "debug": Kind(StdoutSettings, _stdout),
    "apprise": Kind(AppriseSettings, _apprise),
    "webhook": Kind(WebhookSettings, _webhook),
    "file": Kind(FileSettings, _file),
    "exec": Kind(ExecSettings, _exec),
    "discord": Kind(DiscordSettings, _discord),
    "alertmanager": Kind(AlertmanagerSettings, _alertmanager),
}


def build(spec: SinkSpec, *, wording: Wording, lines: Lines) -> Sink:
    """The sink, ready to send; nothing is sent.

    Raises ConfigError with paths below the sink's own (`url`, `type`), TypeError for the settings of another type.
    """
    kind = SINK_TYPES.get(spec.type)
    if kind is None:
        known = ", ".join(SINK_TYPES)
        raise ConfigError((Fault(f"there is no sink type `{spec.type}`; known are {known}", path="type"),))
    if not isinstance(spec.settings, kind.settings):
        raise TypeError(f"{type(spec.settings).__name__} are not the settings of a sink of type {spec.type}")
    return kind.make(spec.name, spec.settings, wording, lines)


def in_flight(spec: SinkSpec) -> int:
    """How many subjects the sink is told of at once."""
    return spec.settings.in_flight if isinstance(spec.settings, WebhookSettings) else 1


def most_per_minute(spec: SinkSpec, audience: Audience) -> int | None:
    """How many messages the sink gets in a minute at most; None for as many as there are."""
    usual = MOST_TO_PEOPLE if audience is Audience.PEOPLE else 0
    most = usual if spec.per_minute is None else spec.per_minute
    return most if most > 0 else None
