"""Where messages go: the keys of each type of sink."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, Discriminator, Field, SecretStr, Tag, field_validator, model_validator

from sentinel.config.fields import (
    Duration,
    FilePath,
    Networks,
    Secret,
    SecretPath,
    Secrets,
    Settings,
    Severity,
    Words,
    computed,
    positive,
)


class TextTemplate(Settings):
    """A text of the operator's own for a type of event."""

    title: str = Field(default="", description="The title; the built-in one if it is empty.")
    body: str = Field(default="", description="The text; the built-in one if it is empty.")

    @model_validator(mode="after")
    def _says_something(self) -> "TextTemplate":
        if not (self.title or self.body):
            raise ValueError("needs `title` or `body`")
        return self


Templates = Annotated[
    Mapping[str, TextTemplate],
    Field(
        description="Texts of your own (Jinja2) in place of the built-in ones, by type: "
        "`{peer.offline: {title: '{{ name }} is gone'}}`.",
        json_schema_extra={"x-type": "mapping"},
    ),
]


RateLimit = Annotated[
    int | None,
    Field(
        description="The most messages a minute to this sink, before `policy.rate_limit_per_min`; `0` is no limit.",
        json_schema_extra=computed("`policy.rate_limit_per_min`"),
    ),
]


class StdoutSink(Settings):
    """Lines on standard output, for programs or for people."""

    empty_is_unset: ClassVar[frozenset[str]] = frozenset({"url"})

    type: Literal["stdout"] = Field(description="`stdout`; `debug` is another name for it.")
    format: Literal["json", "text"] = Field(
        default="json", description="`json` is one object a line for programs, `text` is words for people."
    )
    templates: Templates = Field(default={})
    rate_limit_per_min: RateLimit = Field(default=None)

    @field_validator("type", mode="before")
    @classmethod
    def _one_name(cls, given: object) -> object:
        return "stdout" if given == "debug" else given

    @model_validator(mode="after")
    def _words_for_people(self) -> "StdoutSink":
        if self.templates and self.format == "json":
            raise ValueError("has `templates`, which are words for people: it needs `format: text`")
        return self


class _Remote(Settings):
    """A sink with an address that is a secret."""

    type: str
    url: Secret | None = Field(
        default=None, description="The address; `${VAR}` is replaced by the variable. Either this or `url_file`."
    )
    url_file: SecretPath = Field(default=None, description="A file with the address in it. Either this or `url`.")

    @model_validator(mode="after")
    def _one_url(self) -> "_Remote":
        given = {"url", "url_file"} & self.model_fields_set
        if len(given) != 1:
            raise ValueError("needs either `url` or `url_file`" + (", not both" if given else ""))
        return self

    @property
    def target(self) -> SecretStr:
        """The address, wherever it came from."""
        if self.url_file is not None:
            return self.url_file.secret
        return self.url or SecretStr("")


class AppriseSink(_Remote):
    """Any service that Apprise can reach, for people."""

    type: Literal["apprise"] = Field(description="`apprise`: any service that Apprise can reach, by its URL.")
    by_severity: Mapping[Severity, Mapping[str, str]] = Field(
        default={},
        description="Parameters of the URL by severity: `{critical: {priority: max}}`.",
        json_schema_extra={"x-type": "mapping"},
    )
    templates: Templates = Field(default={})
    rate_limit_per_min: RateLimit = Field(default=None)


class _Http(_Remote):
    """An address that Sentinel itself speaks HTTP to."""

    ca_file: FilePath | None = Field(
        default=None, description="Certificates that are trusted instead of the machine's own."
    )


class WebhookSink(_Http):
    """Posts JSON, for programs."""

    type: Literal["webhook"] = Field(description="`webhook`: JSON is posted to an address.")
    secrets: Secrets = Field(default=(), description="Keys that sign each message; the first is the newest.")
    secrets_file: SecretPath = Field(default=None, description="A file with such a key in it.")
    allow: Networks = Field(default=(), description="Networks that may be spoken to; empty is all.")
    deny: Networks = Field(default=(), description="Networks that may not be spoken to.")
    in_flight: int = Field(default=8, ge=1, le=64, description="How many subjects are told of at once.")
    rate_limit_per_min: RateLimit = Field(default=None)


class DiscordSink(_Http):
    """A channel of Discord, for people."""

    type: Literal["discord"] = Field(description="`discord`: a webhook of Discord.")
    mention: str = Field(default="", description="Who is mentioned, as Discord writes it: `<@&123>`; empty is nobody.")
    templates: Templates = Field(default={})
    rate_limit_per_min: RateLimit = Field(default=None)


class AlertmanagerSink(_Http):
    """Alerts that are open and close, for incidents."""

    type: Literal["alertmanager"] = Field(description="`alertmanager`: the address of one.")
    labels: Mapping[str, str] = Field(
        default={}, description="Labels of every alert.", json_schema_extra={"x-type": "mapping"}
    )
    repeat_every: Annotated[Duration, AfterValidator(positive)] = Field(
        default=timedelta(minutes=1), description="How often what is open is sent again."
    )
    templates: Templates = Field(default={})
    rate_limit_per_min: RateLimit = Field(default=None)


class FileSink(Settings):
    """JSON lines in a file, for programs."""

    type: Literal["file"] = Field(description="`file`: JSON lines in a file.")
    path: FilePath = Field(description="The file.")
    max_bytes: int = Field(default=10_000_000, ge=1, description="At which size a new file is begun.")
    keep: int = Field(default=5, ge=0, description="How many full files are kept.")
    sync: bool = Field(default=True, description="Whether each line is on the disk when it counts as delivered.")
    rate_limit_per_min: RateLimit = Field(default=None)


class ExecSink(Settings):
    """A program that gets each event on its standard input."""

    type: Literal["exec"] = Field(description="`exec`: a program gets each event on its standard input.")
    command: Words = Field(min_length=1, description="The program and its arguments; no shell reads them.")
    allow: bool = Field(default=False, description="Programs are started only if this is `true`.")
    env: Words = Field(default=(), description="Names of the variables that the program gets.")
    timeout: Annotated[Duration, AfterValidator(positive)] = Field(
        default=timedelta(seconds=20), description="How long it may run before it is ended."
    )
    rate_limit_per_min: RateLimit = Field(default=None)


def _sink_type(given: object) -> str | None:
    kind = given.get("type") if isinstance(given, Mapping) else getattr(given, "type", None)
    return "stdout" if kind == "debug" else None if kind is None else str(kind)


Sink = Annotated[
    Annotated[StdoutSink, Tag("stdout")]
    | Annotated[AppriseSink, Tag("apprise")]
    | Annotated[WebhookSink, Tag("webhook")]
    | Annotated[DiscordSink, Tag("discord")]
    | Annotated[AlertmanagerSink, Tag("alertmanager")]
    | Annotated[FileSink, Tag("file")]
    | Annotated[ExecSink, Tag("exec")],
    Discriminator(_sink_type),
]
SINK_TYPES: Mapping[str, type[Settings]] = {
    "stdout": StdoutSink,
    "debug": StdoutSink,
    "apprise": AppriseSink,
    "webhook": WebhookSink,
    "discord": DiscordSink,
    "alertmanager": AlertmanagerSink,
    "file": FileSink,
    "exec": ExecSink,
}
