"""Sinks from the configuration: built, checked, tested."""

import sys
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sentinel.app.settings import settings_of
from sentinel.app.tables import WORDS
from sentinel.clock import SystemClock
from sentinel.config import Config
from sentinel.delivery.sinks import Lines, Sink, SinkSpec, Wording, build
from sentinel.dispatcher import say
from sentinel.errors import ConfigError, DeliveryError, Fault
from sentinel.events import Severity, Text
from sentinel.model import Audience

TEST = Text("Test from Sentinel", "Test from Sentinel: if you can read this, messages reach you here.")


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a test of one sink went; `error` is empty when it arrived."""

    sink: str
    type: str
    ok: bool
    error: str = ""


def specs(config: Config) -> tuple[SinkSpec, ...]:
    """The configured sinks, sorted by name."""
    return tuple(SinkSpec(name, sink.type, settings_of(sink)) for name, sink in sorted(config.sinks.items()))


def built(
    config: Config, chosen: Iterable[SinkSpec], lines: Lines
) -> tuple[dict[str, Sink], dict[str, tuple[Fault, ...]]]:
    """The sinks that can be built, and what is wrong with the others, by name; nothing is sent."""
    wording = Wording(words=WORDS, zone=config.time_zone, several_networks=len(config.sources) > 1)
    sinks: dict[str, Sink] = {}
    faults: dict[str, tuple[Fault, ...]] = {}
    for spec in chosen:
        try:
            sinks[spec.name] = build(spec, wording=wording, lines=lines)
        except ConfigError as error:
            faults[spec.name] = error.faults
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


def test_sinks(config: Config, names: Sequence[str], *, deadline_s: float) -> tuple[Verdict, ...]:
    """Sends a test to each named sink, all at once, and waits for their answers until the deadline (seconds)."""
    now = SystemClock().now().wall
    deadline = timedelta(seconds=deadline_s)
    chosen = [spec for spec in specs(config) if spec.name in names]
    sinks, faults = built(config, chosen, Lines(sys.stdout.buffer))
    with ThreadPoolExecutor(max_workers=max(1, len(sinks))) as tries:
        said = tries.map(lambda sink: _try(sink, now, deadline), sinks.values())
        errors = {name: own[0].text for name, own in faults.items()} | dict(zip(sinks, said, strict=True))
    for sink in sinks.values():
        sink.close()
    return tuple(Verdict(spec.name, spec.type, not errors[spec.name], errors[spec.name]) for spec in chosen)


def _try(sink: Sink, now: datetime, deadline: timedelta) -> str:
    """What went wrong; empty when the test arrived."""
    try:
        say(sink, TEST, Severity.INFO, now=now, deadline=deadline)
    except DeliveryError as error:
        return str(error)
    return ""
