"""Finds a key's place in the models: which group it stands in, and whether it is a single value."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from sentinel.config.document import Place
from sentinel.config.fields import fields_of
from sentinel.config.given import get
from sentinel.config.model import Config
from sentinel.config.sinks import SINK_TYPES


def group_at(place: Place, given: Mapping[str, Any]) -> type[BaseModel] | None:
    """The group whose keys stand below `place`; None if there are none."""
    model: type[BaseModel] | None = Config
    rest = place
    while rest and model is not None:
        head, rest = rest[0], rest[1:]
        found = fields_of(model).get(head)
        if found is None:
            return None
        many = is_many(found)
        if many and not rest:
            return None
        if many:
            rest = rest[1:]
        if place[0] == "sinks":
            sink = get(given, place[:2])
            kind = sink.get("type") if isinstance(sink, Mapping) else None
            return SINK_TYPES.get(kind) if isinstance(kind, str) else None
        model = inner_group(found)
    return model


def inner_group(field: FieldInfo) -> type[BaseModel] | None:
    """The group of keys that a key holds: itself, by name or as a list."""
    return next(_groups(field.annotation), None)


def is_many(field: FieldInfo) -> bool:
    """Whether the key holds several groups, by name or as a list."""
    return inner_group(field) is not None and any(
        get_origin(part) is tuple or _is_mapping(part) for part in _parts(field.annotation)
    )


def is_named(field: FieldInfo) -> bool:
    """Whether the key holds groups by name."""
    return inner_group(field) is not None and any(map(_is_mapping, _parts(field.annotation)))


def is_structured(field: FieldInfo) -> bool:
    """Whether the key holds more than a single value."""
    return any(
        get_origin(part) is tuple or _is_mapping(part) or (isinstance(part, type) and issubclass(part, BaseModel))
        for part in _parts(field.annotation)
    )


def single_keys(model: type[BaseModel] = Config, prefix: Place = ()) -> Iterator[tuple[Place, FieldInfo]]:
    """Every key that has a fixed place, with all that a list or a map of groups holds as one of them."""
    for name, field in fields_of(model).items():
        inner = inner_group(field)
        if inner is not None and not is_many(field) and field.default is not None:
            yield from single_keys(inner, (*prefix, name))
        else:
            yield (*prefix, name), field


def _is_mapping(annotation: Any) -> bool:
    origin = get_origin(annotation)
    return isinstance(origin, type) and issubclass(origin, Mapping)


def _parts(annotation: Any) -> Iterator[Any]:
    """The annotation without what pydantic adds to it; of a choice, each part."""
    if get_origin(annotation) is Annotated:
        yield from _parts(get_args(annotation)[0])
    elif get_origin(annotation) is not None and not _is_mapping(annotation) and get_origin(annotation) is not tuple:
        for part in get_args(annotation):
            yield from _parts(part)
    else:
        yield annotation


def _groups(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from _groups(part)
