"""One adapter per kind of sink, and the table of them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from sentinel.delivery.sinks.protocol import Sink, Wording
from sentinel.delivery.sinks.stdout import JsonLines, Lines, TextLines
from sentinel.errors import ConfigError, Fault

__all__ = ["SINK_TYPES", "Lines", "Sink", "SinkSpec", "Wording", "build"]


@dataclass(frozen=True, slots=True)
class SinkSpec:
    """A sink as it is configured. `format` is for `stdout` alone, `url` (a secret) for `apprise` alone."""

    name: str
    type: str
    format: Literal["json", "text"] = "json"
    url: str = field(default="", repr=False)


Constructor = Callable[[SinkSpec, Wording, Lines], Sink]


def _stdout(spec: SinkSpec, wording: Wording, lines: Lines) -> Sink:
    if spec.format == "text":
        return TextLines(wording=wording, lines=lines)
    return JsonLines(name=spec.name, lines=lines)


def _apprise(spec: SinkSpec, wording: Wording, _lines: Lines) -> Sink:
    # Its hundreds of services take their time to load; whoever has no such sink does not wait for them.
    from sentinel.delivery.sinks.apprise import AppriseSink  # noqa: PLC0415

    return AppriseSink(name=spec.name, url=spec.url, wording=wording)


SINK_TYPES: Mapping[str, Constructor] = {"stdout": _stdout, "debug": _stdout, "apprise": _apprise}


def build(spec: SinkSpec, *, wording: Wording, lines: Lines) -> Sink:
    """The sink, ready to send; nothing is sent.

    Raises ConfigError with paths below the sink's own (`url`, `type`).
    """
    constructor = SINK_TYPES.get(spec.type)
    if constructor is None:
        known = ", ".join(SINK_TYPES)
        raise ConfigError((Fault(f"there is no sink type `{spec.type}`; known are {known}", path="type"),))
    return constructor(spec, wording, lines)
