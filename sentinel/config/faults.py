"""Words for what validation found: what is wrong with a key and what would be right."""

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

from pydantic_core import ErrorDetails

from sentinel.config.document import Place
from sentinel.config.fields import fields_of
from sentinel.config.given import get
from sentinel.config.shapes import group_at
from sentinel.config.sinks import SINK_TYPES

_TEXTS = {
    "string_type": "must be text: put it in quotes",
    "bool_parsing": "must be true or false",
    "bool_type": "must be true or false",
    "int_parsing": "must be a whole number",
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "greater_than_equal": "must be at least {ge}",
    "less_than_equal": "must be at most {le}",
    "missing": "is missing",
    "model_type": "must be a mapping of keys to values",
    "dict_type": "must be a mapping of names to values",
    "mapping_type": "must be a mapping of names to values",
    "tuple_type": "must be a list",
    "too_short": "must not be empty",
    "model_attributes_type": "must be a mapping of keys to values",
    "string_too_short": "must not be empty",
    "string_too_long": "is too long: at most {max_length} characters",
    "union_tag_not_found": "needs a `type`: " + ", ".join(SINK_TYPES),
}

MOST_NAMES = 12
"""As many are listed when none is near; more would hide what is said."""


def place_of(error: ErrorDetails) -> Place:
    """The key that the error is about, without what validation puts into its path besides keys."""
    parts = tuple(str(part) for part in error["loc"])
    # Below a sink's name stands the type by which it was read.
    if parts[:1] == ("sinks",) and len(parts) > 2:
        parts = parts[:2] + parts[3:]
    return tuple(part for part in parts if part != "[key]")


def fault_text(error: ErrorDetails, given: Mapping[str, Any]) -> str:
    """One sentence for the error; `given` are the values in which it was found. Never shows a secret."""
    kind, context = error["type"], error.get("ctx", {})
    if kind == "value_error":
        return str(context["error"])
    if kind == "extra_forbidden":
        return _unknown_key(place_of(error), given)
    if kind == "union_tag_invalid":
        return f"has an unknown `type`{_nearest(str(context['tag']), SINK_TYPES)}"
    if kind == "literal_error":
        return _choice(str(context["expected"]), get(given, place_of(error)))
    return _TEXTS.get(kind, error["msg"]).format(**context) if kind in _TEXTS else error["msg"]


def _choice(expected: str, value: object) -> str:
    names = [word for word in expected.replace(",", " ").split() if word.startswith("'")]
    near = get_close_matches(str(value).strip().lower(), [name.strip("'") for name in names], n=1, cutoff=0.6)
    return f"must be {expected.replace(chr(39), '')}" + (f": did you mean `{near[0]}`?" if near else "")


def _unknown_key(place: Place, given: Mapping[str, Any]) -> str:
    group = group_at(place[:-1], given)
    return f"is not a key that Sentinel knows{_nearest(place[-1], fields_of(group) if group else {})}"


def _nearest(name: str, known: Mapping[str, object]) -> str:
    near = get_close_matches(name.lower(), known, n=1, cutoff=0.5)
    if near:
        return f": did you mean `{near[0]}`?"
    return f": there are {', '.join(known)}" if 0 < len(known) <= MOST_NAMES else ""
