"""What the environment says: which keys it sets, and which of its names nobody knows."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from difflib import get_close_matches
from typing import Any

from pydantic import SecretStr

from sentinel.config import values
from sentinel.config.arranging import EVERYTHING, FALLBACK, default_sinks
from sentinel.config.asking import NO_COLOR
from sentinel.config.document import Located, Place, parse_document
from sentinel.config.given import Given, Origin, OriginKind, get, places, put
from sentinel.config.variables import (
    AUTH_KEY_VARIABLE,
    ROUTE_SHORTHAND,
    SINK_SHORTHAND,
    Variable,
    find,
    known,
)
from sentinel.errors import Fault

# A `${` in these is part of the secret when it comes from a variable or an option.
_SECRETS: tuple[Place, ...] = (("tsnet", "auth_key"), ("tsnet", "client_secret"), ("tsnet", "id_token"))
# The same thing under two names: what a variable sets under one of them replaces the other.
_TWINS: Mapping[Place, Place] = {
    ("notifier", "sinks"): ("sinks",),
    ("sinks",): ("notifier", "sinks"),
    ("notifier", "routes"): ("routes",),
    ("routes",): ("notifier", "routes"),
}

# Container platforms put these into the environment of whatever runs beside a service named `sentinel`.
_SERVICE_LINKS = ("SENTINEL_SERVICE_", "SENTINEL_PORT")


def overlaid(given: Given, env: Mapping[str, str]) -> Given:
    """The values with those of the environment over them: single ones, then JSON, then what is appended."""
    said = {name: text.strip() for name, text in env.items() if name.startswith("SENTINEL_") and text.strip()}
    variables = [variable for name in sorted(said) if (variable := find(name, given.values)) is not None]
    # Of two names of one key ours, with the double underscore, comes last.
    for variable in sorted(variables, key=lambda each: (each.structured, "__" in each.name)):
        given = _set(given, variable, said[variable.name])
    if text := said.get(AUTH_KEY_VARIABLE):
        place = ("tsnet", "auth_key")
        given = _put(given, place, taken_literally(place, text), AUTH_KEY_VARIABLE)
    if env.get(NO_COLOR):
        given = _put(given, ("output", "no_color"), True, NO_COLOR)
    return _with_sink(_with_route(given, said), said)


def taken_literally(place: Place, value: object) -> object:
    """What a variable or an option says of a key: a secret is what it is, whatever it looks like."""
    return SecretStr(value) if place in _SECRETS and isinstance(value, str) else value


def _set(given: Given, variable: Variable, text: str) -> Given:
    if not variable.structured or text[0] not in "[{":
        return _put(given, variable.place, taken_literally(variable.place, text), variable.name)
    value, wrong = _json(text)
    if wrong:
        return given.with_faults([_fault(variable.name, variable.place, wrong)])
    return _put(given, variable.place, value, variable.name)


def _put(given: Given, place: Place, value: object, name: str) -> Given:
    """The values with this one; what stood there, under either of its names, is gone."""
    if not all(isinstance(get(given.values, place[:end]), Mapping | None) for end in range(1, len(place))):
        return given
    replaced = [place, *([_TWINS[place]] if place in _TWINS else [])]
    origins = {
        each: origin for each, origin in given.origins.items() if not any(each[: len(old)] == old for old in replaced)
    }
    own = Origin(OriginKind.VARIABLE, name, path=".".join(place))
    origins |= dict.fromkeys(places(value, place), own)
    without = (
        put(given.values, replaced[-1], None) if len(replaced) > 1 and get(given.values, replaced[1]) else given.values
    )
    return replace(given, values=put(without, place, value), origins=origins)


def _json(text: str) -> tuple[object, str]:
    """The value that the text spells, and what is wrong with it."""
    document = parse_document(f'{{"value": {text}}}', as_json=True)
    if document.faults or set(document.values) != {"value"}:
        return None, document.faults[0].fault.text if document.faults else "is not JSON"
    return document.values["value"], ""


def _fault(name: str, place: Place, text: str) -> Located:
    return Located(place, Fault(f"{name} {text}", path=".".join(place)))


def _with_sink(given: Given, said: Mapping[str, str]) -> Given:
    """The sink that the variables for a single one describe, behind the others."""
    parts = {key: said[name] for key, names in SINK_SHORTHAND.items() for name in names if name in said}
    if not parts:
        return given
    sink = {"name": "env-sink", "type": "webhook", **parts}
    name = next(name for names in SINK_SHORTHAND.values() for name in names if name in said)
    return _appended(given, ("notifier", "sinks"), default_sinks(given.values), sink, name)


def _with_route(given: Given, said: Mapping[str, str]) -> Given:
    """The route that the variables for a single one describe, behind the others."""
    route: dict[str, Any] = {}
    used = ""
    for place, names in ROUTE_SHORTHAND.items():
        name = next((name for name in names if name in said), "")
        if not name:
            continue
        used = used or name
        value, wrong = _json(said[name]) if said[name].startswith("[") else (said[name], "")
        if wrong:
            given = given.with_faults([_fault(name, ("notifier", "routes"), wrong)])
        route = put(route, place, value)
    if not used:
        return given
    whole = {"event_types": ["*"], "sinks": [FALLBACK], **route}
    return _appended(given, ("notifier", "routes"), [EVERYTHING], whole, used)


def _appended(
    given: Given, place: Place, defaults: list[Mapping[str, Any]], one: Mapping[str, Any], name: str
) -> Given:
    """The list with one more; the defaults stand before it if nothing was given."""
    found, twin = get(given.values, place), get(given.values, _TWINS[place])
    if isinstance(found, Mapping):
        place, found = (*place, str(one.get("name"))), None
        return _put(given, place, {key: value for key, value in one.items() if key != "name"}, name)
    before = found if isinstance(found, list) else [] if found or twin else defaults
    listed = [*before, one]
    own = Origin(OriginKind.VARIABLE, name, path=".".join(place))
    origins = {**given.origins, **dict.fromkeys(places(one, (*place, str(len(before)))), own)}
    return replace(given, values=put(given.values, place, listed), origins=origins)


def unknown_variables(given: Given, env: Mapping[str, str]) -> tuple[str, ...]:
    """A sentence for each variable that looks like one of Sentinel's; those in a `${}` are the user's own."""
    names = {*known(), *_used(given.values)}
    strange = (name for name in env if name.startswith("SENTINEL_") and name not in names)
    return tuple(
        _unknown(name)
        for name in sorted(strange)
        if not name.startswith(_SERVICE_LINKS) and find(name, given.values) is None
    )


def _unknown(name: str) -> str:
    near = get_close_matches(name, known(), n=1, cutoff=0.5)
    advice = f": did you mean {near[0]}?" if near else ""
    return f"the environment variable {name} is not one that Sentinel knows{advice}"


def _used(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield from values.variables(value)
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from _used(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _used(inner)
