"""From the configuration to the rules that the writer follows."""

from collections.abc import Iterable

from sentinel.app import routing, tables
from sentinel.config import Config, DetectorSettings
from sentinel.events import Severity
from sentinel.model import SinkPolicy
from sentinel.pipeline.rules import Rules
from sentinel.pipeline.sealing import Sealing
from sentinel.policy.severities import Override

PRESENCE = frozenset({"peer.online", "peer.offline"})
"""What the original's detector of this name makes."""
_RUNTIME = ("daemon.", "prefs.", "tailnet.")


def rules(config: Config, sinks: Iterable[SinkPolicy]) -> Rules:
    """The rules for these sinks."""
    return Rules(
        sinks=tuple(sinks),
        routes=routing.routes(config),
        window=config.policy.debounce_window,
        retention=config.retention,
        sealing=sealing(config),
    )


def sealing(config: Config) -> Sealing:
    """What the configuration makes of findings."""
    overrides = (Override(routing.selector(each.match), Severity(each.severity)) for each in config.severity_overrides)
    return Sealing(
        labels={name: dict(source.labels) for name, source in config.sources.items() if source.labels},
        overrides=tuple(overrides),
        unrecorded=frozenset(name for name in tables.CATALOGUE if not _is_detected(name, config)),
    )


def _is_detected(event_type: str, config: Config) -> bool:
    """A group of the original's is there if its order names it and it is not switched off."""
    group = _group(event_type)
    return group in config.detector_order and config.detectors.get(group, DetectorSettings()).enabled


def _group(event_type: str) -> str:
    if event_type in PRESENCE:
        return "presence"
    return "runtime" if event_type.startswith(_RUNTIME) else "peer_changes"
