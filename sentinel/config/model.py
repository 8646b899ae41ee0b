"""What can be configured: every key, its default and its one-line description stand in these models alone."""

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from pydantic import Field, ValidationInfo, field_validator, model_validator

from sentinel.config import places
from sentinel.config.fields import (
    Duration,
    Name,
    Settings,
    Words,
    Zone,
    computed,
    path_value,
    surroundings,
    without_unset,
)
from sentinel.config.groups import (
    DETECTORS,
    ControlSettings,
    DetectorSettings,
    HeartbeatSettings,
    HttpSettings,
    IngestSettings,
    MetricsSettings,
    ModeSettings,
    NotifierSettings,
    OutputSettings,
    SourceSettings,
    StateSettings,
    TsnetSettings,
)
from sentinel.config.policy import KeyExpirySettings, PolicySettings, SeverityOverride, Span
from sentinel.config.routes import Route
from sentinel.config.sinks import Sink, StdoutSink

_MAPS = ("sinks", "sources", "routes", "detectors")


class Config(Settings):
    """The whole configuration; immutable, paths absolute, secrets unprintable."""

    sinks: Mapping[Name, Sink] = Field(
        default={"stdout-debug": StdoutSink(type="stdout")}, description="Where messages go, by name."
    )
    routes: tuple[Route, ...] = Field(default=(), description="Which events go where; all that match count.")
    policy: PolicySettings = PolicySettings()
    severity_overrides: tuple[SeverityOverride, ...] = Field(
        default=(), description="Other severities, by type or as a list of `match` and `severity`; the first counts."
    )
    key_expiry: KeyExpirySettings = KeyExpirySettings()
    state: StateSettings = StateSettings()
    retention: Span = Field(default=timedelta(days=90), description="How long events are kept.")
    time_zone: Zone = Field(
        default=ZoneInfo("UTC"),
        description="The IANA time zone in which people read times.",
        json_schema_extra=computed("the machine's own: `TZ`, else `/etc/localtime`, else `UTC`"),
    )
    poll_interval: Span = Field(default=timedelta(seconds=10), description="How often a source in mode `poll` looks.")
    poll_jitter: Duration = Field(default=timedelta(seconds=1), description="The most by which it looks later.")
    poll_backoff_min: Duration = Field(
        default=timedelta(milliseconds=500), description="The first pause after a failed look."
    )
    poll_backoff_max: Duration = Field(default=timedelta(seconds=30), description="The longest such pause.")
    detector_order: Words = Field(
        default=DETECTORS, min_length=1, description="Which of these groups there are; the order is always the same."
    )
    detectors: Mapping[str, DetectorSettings] = Field(
        default={name: DetectorSettings(enabled=True) for name in DETECTORS},
        description="Groups of the original's events: `presence`, `peer_changes`, `runtime`.",
    )
    source: ModeSettings = ModeSettings()
    notifier: NotifierSettings = NotifierSettings()
    tsnet: TsnetSettings = TsnetSettings()
    sources: Mapping[Name, SourceSettings] = Field(
        default={"tailnet": SourceSettings()}, description="What is watched, by name."
    )
    ingest: IngestSettings = IngestSettings()
    control: ControlSettings = ControlSettings()
    http: HttpSettings = HttpSettings()
    heartbeat: HeartbeatSettings = HeartbeatSettings()
    metrics: MetricsSettings = MetricsSettings()
    output: OutputSettings = OutputSettings()

    def tsnet_of(self, source: str) -> TsnetSettings:
        """The source's own node: what its group says over what holds for all."""
        own = self.sources[source].tsnet
        if own is None:
            return self.tsnet
        said = {name: getattr(own, name) for name in own.model_fields_set}
        if "auth_key" in said:
            said = {"auth_key_file": None} | said
        return self.tsnet.model_copy(update=said)

    @model_validator(mode="before")
    @classmethod
    def _complete(cls, given: object, info: ValidationInfo) -> object:
        """Puts in what depends on the machine; an empty map or list is one that is not set."""
        if not isinstance(given, Mapping):
            return given
        around = surroundings(info)
        named = without_unset(given, cls)
        folder = places.socket_directory(around.env, _state_directory(named.get("state"), info))
        return {
            "time_zone": around.machine_zone,
            "state": {},
            "tsnet": {},
            **{key: value for key, value in named.items() if key not in _MAPS or value not in ({}, [])},
            "ingest": _with_socket(named.get("ingest"), folder / "ingest.sock"),
            "control": _with_socket(named.get("control"), folder / "control.sock"),
        }

    @field_validator("sources")
    @classmethod
    def _one_managed(cls, given: Mapping[str, SourceSettings]) -> Mapping[str, SourceSettings]:
        managed = [name for name, source in given.items() if source.sidecar == "managed"]
        if len(managed) > 1:
            raise ValueError(f"has {len(managed)} managed sidecars: make all but one `sidecar: external`")
        return given


def _state_directory(group: object, info: ValidationInfo) -> Path:
    given = group.get("path") if isinstance(group, Mapping) else getattr(group, "path", None)
    usable = isinstance(given, Path) or (isinstance(given, str) and bool(given.strip()))
    return path_value(given if usable else places.STATE_PATH, info).parent


def _with_socket(group: object, default: Path) -> object:
    if group is None:
        return {"socket": default}
    if isinstance(group, Mapping) and group.get("socket") is None:
        return {**group, "socket": default}
    return group
