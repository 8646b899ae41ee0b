"""The groups of keys besides sinks, routes and policy."""

import re
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, ConfigDict, Field, SecretStr, ValidationInfo, field_validator, model_validator

from sentinel.config import places, values
from sentinel.config.fields import (
    Duration,
    FilePath,
    Secret,
    SecretPath,
    Settings,
    SocketPath,
    Words,
    computed,
    positive,
    spelled,
)

Mode = Annotated[Literal["realtime", "poll"], spelled(lower=True)]
KEPT = timedelta(hours=24)
PATIENCE = timedelta(minutes=5)


def _or_a_day(span: timedelta) -> timedelta:
    return span or KEPT


def _or_patience(span: timedelta) -> timedelta:
    return span or PATIENCE


class StateSettings(Settings):
    """What Sentinel remembers."""

    empty_is_unset: ClassVar[frozenset[str]] = frozenset({"path"})

    path: FilePath = Field(
        default=places.STATE_PATH,
        validate_default=True,
        description=(
            "The store; its directory is the state directory. "
            "With a name in `.json` the store stands beside that as `.db`."
        ),
    )
    idempotency_key_ttl: Annotated[Duration, AfterValidator(_or_a_day)] = Field(
        default=KEPT, description="The original's; keys here never repeat, so there is nothing to forget."
    )

    @property
    def store_path(self) -> Path:
        """Where the store is."""
        return self.path.with_suffix(".db") if self.path.suffix == ".json" else self.path


class TsnetSettings(Settings):
    """Sentinel's own node in the tailnet."""

    empty_is_unset: ClassVar[frozenset[str]] = frozenset({"hostname", "state_dir", "login_mode"})

    hostname: Annotated[str, spelled(lower=False)] = Field(
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
    auth_key_file: SecretPath = Field(
        default=None, description="A file with the auth key in it, instead of `auth_key`."
    )
    login_mode: Annotated[Literal["auto", "auth_key", "oauth", "interactive"], spelled(lower=True)] = Field(
        default="auto", description="How the node gets in; `auto` takes the auth key, else OAuth, else a login."
    )
    allow_interactive_fallback: bool = Field(
        default=False, description="Whether a login is asked for when the auth key or OAuth does not get the node in."
    )
    login_timeout: Annotated[Duration, AfterValidator(_or_patience)] = Field(
        default=PATIENCE, description="How long a login is waited for; `0` is the default."
    )
    advertise_tags: Words = Field(default=(), description="Tags that the node asks for, such as `tag:sentinel`.")
    client_secret: Secret = Field(default=SecretStr(""), description="The secret of an OAuth client.")
    client_id: Annotated[str, spelled(lower=False)] = Field(default="", description="The id of the OAuth client.")
    id_token: Secret = Field(default=SecretStr(""), description="The token of a workload's identity.")
    audience: Annotated[str, spelled(lower=False)] = Field(default="", description="The audience of that token.")
    ephemeral: bool = Field(default=False, description="Whether the tailnet forgets the node once it is gone.")
    log_upload: bool = Field(
        default=True, description="Whether the node uploads its Tailscale logs; some tailnets require it."
    )

    @property
    def login_key(self) -> SecretStr:
        """The auth key, wherever it came from."""
        return self.auth_key_file.secret if self.auth_key_file is not None else self.auth_key

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

    @field_validator("advertise_tags")
    @classmethod
    def _tags(cls, given: tuple[str, ...]) -> tuple[str, ...]:
        for tag in given:
            if not re.fullmatch(r"tag:[A-Za-z0-9._-]+", tag, re.ASCII):
                raise ValueError(f"has `{tag}`, which is not a tag such as tag:sentinel")
        return given

    @field_validator("auth_key")
    @classmethod
    def _tailscale_key(cls, given: SecretStr, info: ValidationInfo) -> SecretStr:
        # Other control servers have keys of other forms; a faulty control_url is absent here.
        key = given.get_secret_value()
        if key and info.data.get("control_url") == "" and not key.startswith("tskey-"):
            raise ValueError("is not an auth key of Tailscale: those begin with `tskey-`")
        return given


class ModeSettings(Settings):
    """How all sources are watched."""

    empty_is_unset: ClassVar[frozenset[str]] = frozenset({"mode"})

    mode: Mode = Field(
        default="realtime", description="`realtime` is told of every change, `poll` looks every `poll_interval`."
    )


class SourceSettings(Settings):
    """One tailnet that is watched."""

    sidecar: Literal["managed", "external"] = Field(
        default="managed",
        description=(
            "`managed`: Sentinel starts and stops the sidecar; `external`: one that somebody else runs dials in."
        ),
    )
    mode: Mode | None = Field(default=None, description="The same as `source.mode`, for this source alone.")
    include: Words = Field(
        default=(), description="Nodes of others that are watched, too: `mullvad`, `shared`, `ingress`."
    )
    labels: Mapping[str, str] = Field(
        default={}, description="Labels of every event of this source.", json_schema_extra={"x-type": "mapping"}
    )
    expect_at_least: int = Field(default=0, ge=0, description="How many devices there should be; fewer is a problem.")
    tsnet: TsnetSettings | None = Field(
        default=None,
        description="The keys of `tsnet` that are different for this source.",
        json_schema_extra={"x-type": "mapping"},
    )


_SOCKET_PLACES = "`$RUNTIME_DIRECTORY/{0}`, else `$XDG_RUNTIME_DIR/sentinel/{0}`, else `{0}` in the state directory"


class IngestSettings(Settings):
    """Where sidecars dial in."""

    socket: SocketPath = Field(
        default=Path("ingest.sock"),
        description="The unix socket for sidecars.",
        json_schema_extra=computed(_SOCKET_PLACES.format("ingest.sock")),
    )
    listen: str = Field(default="", description="An address and port for sidecars besides; empty is none.")
    secret_file: SecretPath = Field(default=None, description="A file with the secret of sidecars on this machine.")
    certificate: FilePath | None = Field(default=None, description="The service's certificate, for other machines.")
    private_key: FilePath | None = Field(default=None, description="Its private key.")
    client_ca: FilePath | None = Field(default=None, description="Whose certificates sidecars must have.")


class ControlSettings(Settings):
    """Where the command line asks the running service."""

    socket: SocketPath = Field(
        default=Path("control.sock"),
        description="The unix socket for `sentinel-py status` and its like.",
        json_schema_extra=computed(_SOCKET_PLACES.format("control.sock")),
    )


class HttpSettings(Settings):
    """The page, health and metrics; read-only."""

    listen: str = Field(default="127.0.0.1:8480", description="The address and port; empty is none.")
    token_file: SecretPath = Field(default=None, description="A file with the token that whoever asks must have.")
    hosts: Words = Field(default=(), description="Names under which the page may be asked for, besides its address.")
    without_token: bool = Field(
        default=False, description="Whether it may be reached from other machines without a token."
    )


class HeartbeatSettings(Settings):
    """A sign of life for somebody who watches Sentinel."""

    url: Secret | None = Field(default=None, description="The address that is asked for; none is no sign of life.")
    url_file: SecretPath = Field(default=None, description="A file with that address in it.")
    every: Annotated[Duration, AfterValidator(positive)] = Field(default=timedelta(minutes=1), description="How often.")

    @model_validator(mode="after")
    def _one_url(self) -> "HeartbeatSettings":
        if self.url is not None and self.url_file is not None:
            raise ValueError("needs either `url` or `url_file`, not both")
        return self


class MetricsSettings(Settings):
    """What `/metrics` shows."""

    per_device: bool = Field(default=False, description="Whether there is a series for each device.")


def _with_twins(schema: dict[str, Any]) -> None:
    """What is read from here and stands in its twin before the models see it."""
    schema["properties"]["sinks"] = {"description": "The same as `sinks`, as a list with `name` in each."}
    schema["properties"]["routes"] = {"description": "The same as `routes`."}


class NotifierSettings(Settings):
    """The original's group; its `sinks` and `routes` are the same as those on their own."""

    model_config = ConfigDict(json_schema_extra=_with_twins)

    idempotency_key_ttl: Annotated[Duration, AfterValidator(_or_a_day)] = Field(
        default=KEPT, description="The original's; keys here never repeat, so there is nothing to forget."
    )


class DetectorSettings(Settings):
    """One group of what the original detects."""

    enabled: bool = Field(default=False, description="Whether its events are made.")


DETECTORS = ("presence", "peer_changes", "runtime")


class OutputSettings(Settings):
    """How Sentinel logs, on standard error."""

    empty_is_unset: ClassVar[frozenset[str]] = frozenset({"log_format", "log_level"})

    log_format: Annotated[Literal["pretty", "json"] | None, spelled(lower=True)] = Field(
        default=None,
        description="`pretty` for people, `json` for programs.",
        json_schema_extra=computed("`pretty` on a terminal, else `json`"),
    )
    log_level: Annotated[Literal["debug", "info", "warning", "error"], spelled(lower=True)] = Field(
        default="info", description="The least that is logged: `debug`, `info`, `warning` (or `warn`) or `error`."
    )
    no_color: bool = Field(default=False, description="Never colour anything; the variable `NO_COLOR` does the same.")

    @field_validator("log_level", mode="before")
    @classmethod
    def _short(cls, given: object) -> object:
        return "warning" if isinstance(given, str) and given.strip().lower() == "warn" else given
