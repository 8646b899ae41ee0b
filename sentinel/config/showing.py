"""The effective configuration: each key with its value and where that comes from. No secret is ever among them."""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from pydantic import BaseModel, SecretStr

from sentinel.config.document import Place
from sentinel.config.durations import spell_duration
from sentinel.config.fields import SecretFile, fields_of
from sentinel.config.given import DEFAULT, Given, Origin, OriginKind
from sentinel.config.model import Config

HIDDEN = "(hidden)"


@dataclass(frozen=True, slots=True)
class Shown:
    """One key: its dotted path, its value as JSON has it, its origin."""

    path: str
    value: object
    origin: Origin


def shown(config: Config, given: Given, *, of_edge: Collection[Place] = ()) -> Iterator[Shown]:
    """Every effective key in the order of the file; `of_edge` are those that an edge has from its own environment."""
    for place, value in _leaves(config, (), all_keys=True):
        origin = Origin(OriginKind.EDGE) if place in of_edge else _origin(place, given)
        yield Shown(".".join(place), HIDDEN if place in of_edge else _plain(value), origin)


def exposed(config: Config) -> Iterator[tuple[Place, object]]:
    """Every effective key with its value as it is, secrets included: to compare, never to print."""
    return _leaves(config, (), all_keys=True)


def _leaves(value: object, place: Place, *, all_keys: bool) -> Iterator[tuple[Place, object]]:
    if isinstance(value, BaseModel):
        for key, field in fields_of(type(value)).items():
            name = next(name for name, own in type(value).model_fields.items() if own is field)
            # An item of a list has many keys, of which few are set.
            if all_keys or name in value.model_fields_set:
                yield from _leaves(getattr(value, name), (*place, key), all_keys=all_keys)
    elif isinstance(value, Mapping) and any(isinstance(inner, BaseModel) for inner in value.values()):
        for name, inner in value.items():
            yield from _leaves(inner, (*place, name), all_keys=all_keys)
    elif isinstance(value, tuple) and any(isinstance(inner, BaseModel) for inner in value):
        for index, inner in enumerate(value):
            yield from _leaves(inner, (*place, str(index)), all_keys=False)
    else:
        yield place, value


def _origin(place: Place, given: Given) -> Origin:
    if place in given.origins:
        return given.origins[place]
    # What stands in a list came with its item; elsewhere a key that was not given has its default.
    items = [end for end, part in enumerate(place, start=1) if part.isdigit() and place[0] != "sinks"]
    near = (place[:end] for end in range(len(place), items[0] - 1, -1)) if items else ()
    return next((given.origins[each] for each in near if each in given.origins), DEFAULT)


def _plain(value: object) -> object:
    """The value as JSON has it."""
    if isinstance(value, tuple | list):
        return [_plain(each) for each in value]
    if isinstance(value, Mapping):
        return {name: _plain(each) for name, each in value.items()}
    return next((spell(value) for kind, spell in _SPELLED if isinstance(value, kind)), value)


_SPELLED: tuple[tuple[type, Callable[[Any], str]], ...] = (
    (SecretStr, lambda secret: HIDDEN if secret.get_secret_value() else ""),
    (SecretFile, lambda secret: str(secret.path)),
    (timedelta, spell_duration),
    (time, lambda at: at.strftime("%H:%M")),
    (Path, str),
    (ZoneInfo, str),
)
