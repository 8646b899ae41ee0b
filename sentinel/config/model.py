"""What can be configured. Every key, its default and its one-line description stand here and nowhere else."""

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    SecretStr,
    Tag,
    ValidationInfo,
    WithJsonSchema,
    field_validator,
    model_validator,
)

from sentinel.config import values
from sentinel.config.durations import PATTERN, parse_duration

NAME = r"[A-Za-z0-9._-]+"


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a configuration depends on besides its file; handed to validation as its context.

    `machine_zone` is the name of the machine's own time zone. Relative paths start at `cwd`.
    """

    env: Mapping[str, str] = field(default_factory=dict)
    cwd: Path = field(default_factory=Path)
    machine_zone: str = "UTC"


def surroundings(info: ValidationInfo) -> Surroundings:
    """The context of a validation; without one nothing of the machine is looked at."""
    return info.context if isinstance(info.context, Surroundings) else Surroundings()


def _computed(default: str) -> Callable[[dict[str, Any]], None]:
    """The schema of a key whose default depends on the machine: told in words instead of as a value."""

    def describe(schema: dict[str, Any]) -> None:
        schema.pop("default", None)
        schema["x-default"] = default

    return describe


def _name(text: str) -> str:
    if not re.fullmatch(NAME, text, re.ASCII):
        raise ValueError("is not a name: letters, digits, dots, hyphens and underscores only")
    return text


def _path(text: object, info: ValidationInfo) -> Path:
    around = surroundings(info)
    return values.absolute_path(text, cwd=around.cwd, home=around.env.get("HOME", ""))


def _socket(text: object, info: ValidationInfo) -> Path:
    return values.socket_path(_path(text, info))


def _secret(text: object, info: ValidationInfo) -> object:
    return text if isinstance(text, SecretStr) else values.expand(text, surroundings(info).env)


def _secret_file(text: object, info: ValidationInfo) -> values.SecretFile:
    return text if isinstance(text, values.SecretFile) else values.read_secret(_path(text, info))


def _positive(span: timedelta) -> timedelta:
    if span <= timedelta():
        raise ValueError("must be longer than 0")
    return span


_DURATION_SCHEMA = {"anyOf": [{"type": "string", "pattern": PATTERN}, {"const": 0}]}
Duration = Annotated[
    timedelta,
    BeforeValidator(lambda text: text if isinstance(text, timedelta) else parse_duration(text)),
    WithJsonSchema(_DURATION_SCHEMA),
]
Name = Annotated[str, BeforeValidator(_name)]
FilePath = Annotated[Path, BeforeValidator(_path)]
SocketPath = Annotated[Path, BeforeValidator(_socket)]
Secret = Annotated[SecretStr, BeforeValidator(_secret)]
Zone = Annotated[ZoneInfo, BeforeValidator(values.zone), WithJsonSchema({"type": "string"})]


def _without_nulls(given: Mapping[str, Any], known: Collection[str]) -> dict[str, Any]:
    return {key: value for key, value in given.items() if value is not None or key not in known}


class Settings(BaseModel):
    """A group of keys. A key without a value is one that is not set."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, arbitrary_types_allowed=True)

    @model_validator(mode="before")
    @classmethod
    def _drop_nulls(cls, given: object) -> object:
        if not isinstance(given, Mapping):
            return given
        return _without_nulls(given, cls.model_fields)


class StdoutSink(Settings):
    """Lines on standard output, for programs or for people."""

    type: Literal["stdout"] = Field(description="`stdout`; `debug` is another name for it.")
    format: Literal["json", "text"] = Field(
        default="json", description="`json` is one object a line for programs, `text` is words for people."
    )

    @field_validator("type", mode="before")
    @classmethod
    def _one_name(cls, given: object) -> object:
        return "stdout" if given == "debug" else given


class AppriseSink(Settings):
    """Any service that Apprise can reach, for people."""

    type: Literal["apprise"] = Field(description="`apprise`.")
    url: Secret | None = Field(
        default=None,
        description="The Apprise URL; `${VAR}` is replaced by the variable. Either this or `url_file`.",
    )
    url_file: Annotated[
        values.SecretFile | None, BeforeValidator(_secret_file), WithJsonSchema({"type": "string", "format": "path"})
    ] = Field(default=None, description="A file with the Apprise URL in it. Either this or `url`.")

    @model_validator(mode="after")
    def _one_url(self) -> "AppriseSink":
        given = {"url", "url_file"} & self.model_fields_set
        if len(given) != 1:
            raise ValueError("needs either `url` or `url_file`" + (", not both" if given else ""))
        return self

    @property
    def target(self) -> SecretStr:
        """The URL, wherever it came from."""
        if self.url_file is not None:
            return self.url_file.secret
        return self.url or SecretStr("")


def _sink_type(given: object) -> str | None:
    kind = given.get("type") if isinstance(given, Mapping) else getattr(given, "type", None)
    return "stdout" if kind == "debug" else None if kind is None else str(kind)


Sink = Annotated[
    Annotated[StdoutSink, Tag("stdout")] | Annotated[AppriseSink, Tag("apprise")],
    Discriminator(_sink_type),
]
SINK_TYPES: Mapping[str, type[Settings]] = {"stdout": StdoutSink, "debug": StdoutSink, "apprise": AppriseSink}


class PolicySettings(Settings):
    """When sinks are told."""

    debounce_window: Duration = Field(
        default=timedelta(seconds=3),
        description="How long a subject must be at rest before a change of it is told; `0` tells at once.",
    )


class StateSettings(Settings):
    """What Sentinel remembers."""

    path: FilePath = Field(
        default=Path(".sentinel/state.db"),
        validate_default=True,
        description=(
            "The store; its directory is the state directory. "
            "With a name in `.json` the store stands beside that as `.db`."
        ),
    )

    @property
    def store_path(self) -> Path:
        """Where the store is."""
        return self.path.with_suffix(".db") if self.path.suffix == ".json" else self.path


class TsnetSettings(Settings):
    """Sentinel's own node in the tailnet."""

    hostname: str = Field(
        default="sentinel", min_length=1, max_length=63, description="The node's name in the tailnet."
    )
    state_dir: FilePath = Field(
        default=Path(".sentinel/tsnet"),
        validate_default=True,
        description="Where the node keeps its keys; whoever can read them is the node.",
    )
    control_url: str = Field(default="", description="The address of another control server; empty is Tailscale's own.")
    auth_key: Secret = Field(
        default=SecretStr(""),
        description=(
            "Lets the node in without a login; `${VAR}` is replaced by the variable. "
            "`SENTINEL_TAILSCALE_AUTH_KEY` comes before it."
        ),
    )
    ephemeral: bool = Field(default=False, description="Whether the tailnet forgets the node once it is gone.")
    log_upload: bool = Field(
        default=True, description="Whether the node uploads its Tailscale logs; some tailnets require it."
    )

    @field_validator("hostname")
    @classmethod
    def _label(cls, given: str) -> str:
        if not re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?", given):
            raise ValueError("must be letters, digits and hyphens, with none at its ends")
        return given

    @field_validator("control_url")
    @classmethod
    def _address(cls, given: str) -> str:
        return values.web_address(given)

    @field_validator("auth_key")
    @classmethod
    def _tailscale_key(cls, given: SecretStr, info: ValidationInfo) -> SecretStr:
        # Other control servers have keys of other forms; a faulty control_url is absent here.
        key = given.get_secret_value()
        if key and info.data.get("control_url") == "" and not key.startswith("tskey-"):
            raise ValueError("is not an auth key of Tailscale: those begin with `tskey-`")
        return given


class SourceSettings(Settings):
    """One tailnet that is watched."""

    sidecar: Literal["managed", "external"] = Field(
        default="managed",
        description=(
            "`managed`: Sentinel starts and stops the sidecar; `external`: one that somebody else runs dials in."
        ),
    )


_SOCKET_PLACES = "`$RUNTIME_DIRECTORY/{0}`, else `$XDG_RUNTIME_DIR/sentinel/{0}`, else `{0}` in the state directory"


class IngestSettings(Settings):
    """Where sidecars dial in."""

    socket: SocketPath = Field(
        default=Path("ingest.sock"),
        description="The unix socket for sidecars.",
        json_schema_extra=_computed(_SOCKET_PLACES.format("ingest.sock")),
    )


class ControlSettings(Settings):
    """Where the command line asks the running service."""

    socket: SocketPath = Field(
        default=Path("control.sock"),
        description="The unix socket for `sentinel-py status` and its like.",
        json_schema_extra=_computed(_SOCKET_PLACES.format("control.sock")),
    )


class OutputSettings(Settings):
    """How Sentinel logs, on standard error."""

    log_format: Literal["pretty", "json"] | None = Field(
        default=None,
        description="`pretty` for people, `json` for programs.",
        json_schema_extra=_computed("`pretty` on a terminal, else `json`"),
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="The least that is logged: `debug`, `info`, `warning` or `error`."
    )
    no_color: bool = Field(default=False, description="Never colour anything; the variable `NO_COLOR` does the same.")


_MAPS = ("sinks", "sources")


class Config(Settings):
    """The whole configuration; immutable, paths absolute, secrets unprintable."""

    sinks: Mapping[Name, Sink] = Field(
        default={"stdout-debug": StdoutSink(type="stdout")}, description="Where messages go, by name."
    )
    policy: PolicySettings = PolicySettings()
    state: StateSettings = StateSettings()
    retention: Annotated[Duration, AfterValidator(_positive)] = Field(
        default=timedelta(days=90), description="How long events are kept."
    )
    time_zone: Zone = Field(
        default=ZoneInfo("UTC"),
        description="The IANA time zone in which people read times.",
        json_schema_extra=_computed("the machine's own: `TZ`, else `/etc/localtime`, else `UTC`"),
    )
    tsnet: TsnetSettings = TsnetSettings()
    sources: Mapping[Name, SourceSettings] = Field(
        default={"tailnet": SourceSettings()}, description="What is watched, by name."
    )
    ingest: IngestSettings = IngestSettings()
    control: ControlSettings = ControlSettings()
    output: OutputSettings = OutputSettings()

    @model_validator(mode="before")
    @classmethod
    def _complete(cls, given: object, info: ValidationInfo) -> object:
        """Puts in what depends on the machine; an empty map of sinks or sources is one that is not set."""
        if not isinstance(given, Mapping):
            return given
        around = surroundings(info)
        named = _without_nulls(given, cls.model_fields)
        folder = values.socket_directory(around.env, _state_directory(named.get("state"), info))
        return {
            "time_zone": around.machine_zone,
            "state": {},
            "tsnet": {},
            **{key: value for key, value in named.items() if key not in _MAPS or value != {}},
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
    return _path(given if usable else StateSettings.model_fields["path"].default, info).parent


def _with_socket(group: object, default: Path) -> object:
    if group is None:
        return {"socket": default}
    if isinstance(group, Mapping) and group.get("socket") is None:
        return {**group, "socket": default}
    return group
