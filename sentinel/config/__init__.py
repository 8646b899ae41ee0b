"""The configuration: what can be set, where it comes from, and what is wrong with it."""

from sentinel.config.arranging import Skipped
from sentinel.config.fields import Surroundings
from sentinel.config.groups import (
    ControlSettings,
    DetectorSettings,
    IngestSettings,
    OutputSettings,
    SourceSettings,
    StateSettings,
    TsnetSettings,
)
from sentinel.config.loading import (
    SECRETS,
    SINKS,
    FaultySink,
    Loaded,
    Option,
    examine,
    load,
    load_leniently,
)
from sentinel.config.model import Config
from sentinel.config.policy import PolicySettings, SeverityOverride
from sentinel.config.routes import Route, Selector
from sentinel.config.sinks import (
    AlertmanagerSink,
    AppriseSink,
    DiscordSink,
    ExecSink,
    FileSink,
    Sink,
    StdoutSink,
    WebhookSink,
)

__all__ = [
    "SECRETS",
    "SINKS",
    "AlertmanagerSink",
    "AppriseSink",
    "Config",
    "ControlSettings",
    "DetectorSettings",
    "DiscordSink",
    "ExecSink",
    "FaultySink",
    "FileSink",
    "IngestSettings",
    "Loaded",
    "Option",
    "OutputSettings",
    "PolicySettings",
    "Route",
    "Selector",
    "SeverityOverride",
    "Sink",
    "Skipped",
    "SourceSettings",
    "StateSettings",
    "StdoutSink",
    "Surroundings",
    "TsnetSettings",
    "WebhookSink",
    "examine",
    "load",
    "load_leniently",
]
