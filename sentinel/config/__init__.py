"""The configuration: what can be set, where it comes from, and what is wrong with it.

The models take a while to build. A command that only asks needs none of them, so each part is imported when it is first
used.
"""

from typing import TYPE_CHECKING

from sentinel.lazily import parts_of

if TYPE_CHECKING:
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

_PLACES = {
    "AlertmanagerSink": "sentinel.config.sinks",
    "AppriseSink": "sentinel.config.sinks",
    "Config": "sentinel.config.model",
    "ControlSettings": "sentinel.config.groups",
    "DetectorSettings": "sentinel.config.groups",
    "DiscordSink": "sentinel.config.sinks",
    "ExecSink": "sentinel.config.sinks",
    "FaultySink": "sentinel.config.loading",
    "FileSink": "sentinel.config.sinks",
    "IngestSettings": "sentinel.config.groups",
    "Loaded": "sentinel.config.loading",
    "Option": "sentinel.config.loading",
    "OutputSettings": "sentinel.config.groups",
    "PolicySettings": "sentinel.config.policy",
    "Route": "sentinel.config.routes",
    "SECRETS": "sentinel.config.loading",
    "SINKS": "sentinel.config.loading",
    "Selector": "sentinel.config.routes",
    "SeverityOverride": "sentinel.config.policy",
    "Sink": "sentinel.config.sinks",
    "Skipped": "sentinel.config.arranging",
    "SourceSettings": "sentinel.config.groups",
    "StateSettings": "sentinel.config.groups",
    "StdoutSink": "sentinel.config.sinks",
    "Surroundings": "sentinel.config.fields",
    "TsnetSettings": "sentinel.config.groups",
    "WebhookSink": "sentinel.config.sinks",
    "examine": "sentinel.config.loading",
    "load": "sentinel.config.loading",
    "load_leniently": "sentinel.config.loading",
}

__getattr__ = parts_of(__name__, _PLACES)
