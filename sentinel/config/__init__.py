"""The configuration: what can be set, where it comes from, and what is wrong with it."""

from sentinel.config.loading import (
    SECRETS,
    SINKS,
    FaultySink,
    Loaded,
    examine,
    load,
    load_leniently,
)
from sentinel.config.model import (
    AppriseSink,
    Config,
    ControlSettings,
    IngestSettings,
    OutputSettings,
    PolicySettings,
    Sink,
    SourceSettings,
    StateSettings,
    StdoutSink,
    TsnetSettings,
)

__all__ = [
    "SECRETS",
    "SINKS",
    "AppriseSink",
    "Config",
    "ControlSettings",
    "FaultySink",
    "IngestSettings",
    "Loaded",
    "OutputSettings",
    "PolicySettings",
    "Sink",
    "SourceSettings",
    "StateSettings",
    "StdoutSink",
    "TsnetSettings",
    "examine",
    "load",
    "load_leniently",
]
