"""As much of JSON Schema as our own schema uses; a keyword that it does not know is an error, not a pass."""

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

_TYPES: Mapping[str, type | tuple[type, ...]] = {
    "string": str,
    "integer": int,
    "boolean": bool,
    "array": list,
    "object": dict,
    "null": type(None),
}
_NOTES = frozenset({"$schema", "title"})


def faults(schema: Mapping[str, Any], value: Any, at: str = "event") -> list[str]:
    """Where the value is not what the schema says."""
    found: list[str] = []
    for keyword, rule in schema.items():
        if keyword not in _NOTES:
            found += _CHECKS[keyword](schema, rule, value, at)
    return found


def _type(_schema: Any, rule: Any, value: Any, at: str) -> Iterator[str]:
    if not any(_is(name, value) for name in (rule if isinstance(rule, list) else [rule])):
        yield f"{at} is no {rule}: {value!r}"


def _is(name: str, value: Any) -> bool:
    return name == "boolean" if isinstance(value, bool) else isinstance(value, _TYPES[name])


def _const(_schema: Any, rule: Any, value: Any, at: str) -> Iterator[str]:
    if value != rule:
        yield f"{at} is not {rule!r}: {value!r}"


def _enum(_schema: Any, rule: Any, value: Any, at: str) -> Iterator[str]:
    if value not in rule:
        yield f"{at} is none of {rule}: {value!r}"


def _pattern(_schema: Any, rule: Any, value: Any, at: str) -> Iterator[str]:
    if isinstance(value, str) and not re.search(rule, value):
        yield f"{at} does not match {rule}: {value!r}"


def _format(_schema: Any, rule: Any, value: Any, at: str) -> Iterator[str]:
    if isinstance(value, str) and (rule != "date-time" or datetime.fromisoformat(value).tzinfo is None):
        yield f"{at} is no {rule}: {value!r}"


def _items(_schema: Any, rule: Any, value: Any, at: str) -> Iterator[str]:
    for number, item in enumerate(value):
        yield from faults(rule, item, f"{at}[{number}]")


def _properties(_schema: Any, rule: Any, value: Any, at: str) -> Iterator[str]:
    for name in rule.keys() & value.keys():
        yield from faults(rule[name], value[name], f"{at}.{name}")


def _required(_schema: Any, rule: Any, value: Any, at: str) -> Iterator[str]:
    yield from (f"{at} has no {name}" for name in rule if name not in value)


def _additional(schema: Any, rule: Any, value: Any, at: str) -> Iterator[str]:
    for name in value.keys() - schema.get("properties", {}).keys():
        yield from [f"{at} has {name}, too"] if rule is False else faults(rule, value[name], f"{at}.{name}")


def _all_of(_schema: Any, rule: Any, value: Any, at: str) -> Iterator[str]:
    for part in rule:
        yield from faults(part, value, at)


def _if(schema: Any, rule: Any, value: Any, at: str) -> Iterator[str]:
    if not faults(rule, value, at):
        yield from faults(schema["then"], value, at)


def _nothing(_schema: Any, _rule: Any, _value: Any, _at: str) -> Iterator[str]:
    yield from ()


_CHECKS = {
    "type": _type,
    "const": _const,
    "enum": _enum,
    "pattern": _pattern,
    "format": _format,
    "items": _items,
    "properties": _properties,
    "required": _required,
    "additionalProperties": _additional,
    "allOf": _all_of,
    "if": _if,
    "then": _nothing,
}
