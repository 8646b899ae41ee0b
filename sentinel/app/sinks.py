"""Sinks from the configuration: built, checked."""

import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

from sentinel.app.settings import key_of, settings_of, templates_of
from sentinel.app.wording import own_words, wording
from sentinel.config import Config
from sentinel.config import Sink as ConfiguredSink
from sentinel.delivery.sinks import Lines, Sink, SinkSpec, Wording, build
from sentinel.errors import ConfigError, Fault
from sentinel.model import Audience


def specs(config: Config) -> tuple[SinkSpec, ...]:
    """The configured sinks, sorted by name."""
    return tuple(_spec(name, sink, config) for name, sink in sorted(config.sinks.items()))


def _spec(name: str, sink: ConfiguredSink, config: Config) -> SinkSpec:
    own, general = sink.rate_limit_per_min, config.policy.rate_limit_per_min
    return SinkSpec(name, sink.type, settings_of(sink), templates_of(sink), general if own is None else own)


def built(
    config: Config,
    chosen: Iterable[SinkSpec],
    lines: Lines,
    *,
    worded: Callable[[Wording], Wording] = lambda usual: usual,
) -> tuple[dict[str, Sink], dict[str, tuple[Fault, ...]]]:
    """The sinks that can be built, and what is wrong with the others, by name; nothing is sent.

    `worded` makes their wording of the one that they have by themselves.
    """
    usual = wording(config)
    sinks: dict[str, Sink] = {}
    faults: dict[str, tuple[Fault, ...]] = {}
    for spec in chosen:
        try:
            sinks[spec.name] = build(spec, wording=worded(own_words(usual, spec)), lines=lines)
        except ConfigError as error:
            sink = config.sinks[spec.name]
            faults[spec.name] = tuple(replace(fault, path=key_of(sink, fault.path)) for fault in error.faults)
    return sinks, faults


def placed(faults: Mapping[str, tuple[Fault, ...]]) -> tuple[Fault, ...]:
    """The faults of sinks with the keys that they are about."""
    return tuple(replace(fault, path=f"sinks.{name}.{fault.path}") for name, own in faults.items() for fault in own)


def check(config: Config) -> tuple[Fault, ...]:
    """What is wrong with a configuration that only its sinks can see, such as a URL that no service accepts."""
    sinks, faults = built(config, specs(config), Lines(sys.stdout.buffer))
    for sink in sinks.values():
        sink.close()
    return placed(faults)


def keeping_incidents(config: Config) -> frozenset[str]:
    """The sinks whose services keep incidents."""
    sinks, _ = built(config, specs(config), Lines(sys.stdout.buffer))
    for sink in sinks.values():
        sink.close()
    return frozenset(name for name, sink in sinks.items() if sink.audience is Audience.INCIDENTS)
