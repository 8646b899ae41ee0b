"""Words for what validation found: what is wrong with a key and what would be right."""

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any, get_args

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from sentinel.config.document import Place
from sentinel.config.model import SINK_TYPES, Config

_TEXTS = {
    "string_type": "must be text: put it in quotes",
    "bool_parsing": "must be true or false",
    "bool_type": "must be true or false",
    "missing": "is missing",
    "model_type": "must be a mapping of keys to values",
    "dict_type": "must be a mapping of names to values",
    "mapping_type": "must be a mapping of names to values",
    "model_attributes_type": "must be a mapping of keys to values",
    "string_too_short": "must not be empty",
    "string_too_long": "is too long: at most {max_length} characters",
    "union_tag_not_found": "needs a `type`: " + ", ".join(SINK_TYPES),
}


def place_of(error: ErrorDetails) -> Place:
    """The key that the error is about, without what validation puts into its path besides keys."""
    parts = tuple(str(part) for part in error["loc"])
    # Below a sink's name stands the type by which it was read.
    if parts[:1] == ("sinks",) and len(parts) > 2:
        parts = parts[:2] + parts[3:]
    return tuple(part for part in parts if part != "[key]")


def fault_text(error: ErrorDetails, given: Mapping[str, Any]) -> str:
    """One sentence for the error; `given` are the values in which it was found. Never shows a value."""
    kind, context = error["type"], error.get("ctx", {})
    if kind == "value_error":
        return str(context["error"])
    if kind == "extra_forbidden":
        return _unknown_key(place_of(error), given)
    if kind == "union_tag_invalid":
        return f"has an unknown `type`{_nearest(str(context['tag']), SINK_TYPES)}"
    if kind == "literal_error":
        return f"must be {str(context['expected']).replace(chr(39), '')}"
    return _TEXTS.get(kind, error["msg"]).format(**context) if kind in _TEXTS else error["msg"]


def _unknown_key(place: Place, given: Mapping[str, Any]) -> str:
    return f"is not a key that Sentinel knows{_nearest(place[-1], _siblings(place, given))}"


def _nearest(name: str, known: Mapping[str, object]) -> str:
    near = get_close_matches(name.lower(), known, n=1, cutoff=0.5)
    return f": did you mean `{near[0]}`?" if near else f": there are {', '.join(known)}"


def _siblings(place: Place, given: Mapping[str, Any]) -> Mapping[str, object]:
    """The keys that could stand where `place` does."""
    if place[0] == "sinks" and len(place) == 3:
        sink = given["sinks"][place[1]]
        return SINK_TYPES[sink["type"]].model_fields
    model: type[BaseModel] = Config
    for part in place[:-1]:
        if part in model.model_fields:
            model = _inner(model.model_fields[part].annotation)
    return model.model_fields


def _inner(annotation: Any) -> type[BaseModel]:
    """The group of keys that a key holds, itself or by name."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    inner: type[BaseModel] = get_args(annotation)[-1]
    return inner
