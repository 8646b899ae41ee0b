"""The types that keys have: durations, paths, secrets, lists, times of day, and what all groups of keys share."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import time, timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal
from zoneinfo import ZoneInfo

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    SecretStr,
    ValidationInfo,
    WithJsonSchema,
    model_validator,
)
from pydantic.fields import FieldInfo

from sentinel.config import places, values
from sentinel.config.durations import PATTERN, parse_duration

NAME = r"[A-Za-z0-9._-]+"
LARGEST_SECRET = 64 * 1024


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


@dataclass(frozen=True, slots=True)
class SecretFile:
    """A secret that was read from a file of its own."""

    path: Path
    secret: SecretStr


def computed(default: str) -> Callable[[dict[str, Any]], None]:
    """The schema of a key whose default depends on the machine: told in words instead of as a value."""

    def describe(schema: dict[str, Any]) -> None:
        schema.pop("default", None)
        schema["x-default"] = default

    return describe


def _name(text: str) -> str:
    if not re.fullmatch(NAME, text, re.ASCII):
        raise ValueError("is not a name: letters, digits, dots, hyphens and underscores only")
    return text


def path_value(text: object, info: ValidationInfo) -> Path:
    around = surroundings(info)
    return places.absolute_path(text, cwd=around.cwd, home=around.env.get("HOME", ""))


def _socket(text: object, info: ValidationInfo) -> Path:
    return places.socket_path(path_value(text, info))


def _secret(text: object, info: ValidationInfo) -> object:
    return text if isinstance(text, SecretStr) else values.expand(text, surroundings(info).env)


def _secret_file(text: object, info: ValidationInfo) -> SecretFile:
    return text if isinstance(text, SecretFile) else read_secret(path_value(text, info))


def read_secret(path: Path) -> SecretFile:
    """The secret in a file; white space around it does not count."""
    try:
        with path.open("rb") as file:
            text = file.read(LARGEST_SECRET + 1).decode().strip()
    except OSError as error:
        raise ValueError(f"names {path}, which cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ValueError(f"names {path}, which is not UTF-8 text") from None
    if not text or len(text) >= LARGEST_SECRET:
        raise ValueError(f"names {path}, which is {'empty' if not text else 'too large for a secret'}")
    if "\n" in text:
        raise ValueError(f"names {path}, which has more than one line")
    return SecretFile(path, SecretStr(text))


def positive(span: timedelta) -> timedelta:
    if span <= timedelta():
        raise ValueError("must be longer than 0")
    return span


def spelled(*, lower: bool) -> BeforeValidator:
    """Text without the white space around it, in small letters if `lower`."""

    def tidy(text: object) -> object:
        if not isinstance(text, str):
            return text
        return text.strip().lower() if lower else text.strip()

    return BeforeValidator(tidy)


def _words(given: object) -> tuple[str, ...]:
    """A list of texts; one text with commas is a list, too."""
    if isinstance(given, str):
        given = given.split(",") if given.strip() else []
    if not isinstance(given, list | tuple):
        raise ValueError("must be a list, for example [a, b]")
    if not all(isinstance(word, str) for word in given):
        raise ValueError("must be a list of texts: put them in quotes")
    words = tuple(word.strip() for word in given)
    if "" in words:
        raise ValueError("has an empty text in it")
    return words


def _globs(words: tuple[str, ...]) -> tuple[str, ...]:
    for word in words:
        if re.search(r"\[(?![^\]]+\])", word):
            raise ValueError(f"has `{word}`, where a `[` has no `]`")
    return words


def _networks(words: tuple[str, ...]) -> tuple[str, ...]:
    for word in words:
        try:
            ip_network(word, strict=False)
        except ValueError:
            raise ValueError(f"has `{word}`, which is neither an address nor a network such as 100.64.0.0/10") from None
    return words


def _time_of_day(given: object) -> time:
    # YAML reads 22:30 without quotes as a number to the base of 60.
    if isinstance(given, int) and not isinstance(given, bool) and 0 <= given < 24 * 60:
        return time(given // 60, given % 60)
    if isinstance(given, time):
        return given
    if isinstance(given, str) and re.fullmatch(TIME_PATTERN, given.strip(), re.ASCII):
        return time.fromisoformat(given.strip().zfill(5))
    raise ValueError('is not a time of day: write for example "08:00"')


TIME_PATTERN = r"^([01]?\d|2[0-3]):[0-5]\d$"
_LIST_SCHEMA = {"anyOf": [{"type": "array", "items": {"type": "string"}}, {"type": "string"}], "x-type": "list"}
_DURATION_SCHEMA = {"anyOf": [{"type": "string", "pattern": PATTERN}, {"const": 0}], "x-type": "duration"}
Duration = Annotated[
    timedelta,
    BeforeValidator(lambda text: text if isinstance(text, timedelta) else parse_duration(text)),
    WithJsonSchema(_DURATION_SCHEMA),
]
Name = Annotated[str, BeforeValidator(_name)]
FilePath = Annotated[Path, BeforeValidator(path_value)]
SocketPath = Annotated[Path, BeforeValidator(_socket)]
Secret = Annotated[SecretStr, BeforeValidator(_secret)]
Zone = Annotated[ZoneInfo, BeforeValidator(values.zone), WithJsonSchema({"type": "string"})]


SecretPath = Annotated[
    SecretFile | None, BeforeValidator(_secret_file), WithJsonSchema({"type": "string", "format": "path"})
]
Words = Annotated[tuple[str, ...], BeforeValidator(_words), WithJsonSchema(_LIST_SCHEMA)]
Globs = Annotated[tuple[str, ...], BeforeValidator(_words), AfterValidator(_globs), WithJsonSchema(_LIST_SCHEMA)]
Networks = Annotated[tuple[str, ...], BeforeValidator(_words), AfterValidator(_networks), WithJsonSchema(_LIST_SCHEMA)]
Secrets = Annotated[tuple[Secret, ...], BeforeValidator(_words), WithJsonSchema(_LIST_SCHEMA)]
TimeOfDay = Annotated[
    time,
    BeforeValidator(_time_of_day),
    WithJsonSchema({"type": "string", "pattern": TIME_PATTERN, "x-type": "time of day"}),
]
SEVERITIES = ("info", "warning", "critical")
Severity = Annotated[Literal["info", "warning", "critical"], spelled(lower=True)]
Severities = Annotated[tuple[Severity, ...], BeforeValidator(_words), WithJsonSchema(_LIST_SCHEMA)]


class Settings(BaseModel):
    """A group of keys. A key without a value is one that is not set; so is an empty text in `empty_is_unset`."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, arbitrary_types_allowed=True)

    empty_is_unset: ClassVar[frozenset[str]] = frozenset()

    @model_validator(mode="before")
    @classmethod
    def _drop_unset(cls, given: object) -> object:
        return without_unset(given, cls) if isinstance(given, Mapping) else given


def without_unset(given: Mapping[str, Any], model: type[Settings]) -> dict[str, Any]:
    """The values without those that say nothing."""

    def says_nothing(key: str, value: object) -> bool:
        empty = isinstance(value, str) and not value.strip() and key in model.empty_is_unset
        return empty or (value is None and key in known)

    known = fields_of(model)
    return {key: value for key, value in given.items() if not says_nothing(key, value)}


def fields_of(model: type[BaseModel]) -> Mapping[str, FieldInfo]:
    """The keys of a group, as they are spelled in a file."""
    return {field.alias or name: field for name, field in model.model_fields.items()}
