"""Brings the original's spellings into the one form of the model: sinks by name, one list of routes."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from sentinel.config import values
from sentinel.config.document import Place
from sentinel.config.given import Given, OriginKind, get, put
from sentinel.config.groups import DETECTORS

# What files of the original have; those that ours have as well say nothing about whose file it is.
THEIRS = {
    *("notifier", "poll_interval", "poll_jitter", "poll_backoff_min", "poll_backoff_max"),
    *("source", "detectors", "detector_order"),
}
SHARED = {"policy", "state", "output", "tsnet"}
FALLBACK = "stdout-debug"
FALLBACK_SINK: Mapping[str, Any] = {"name": FALLBACK, "type": "stdout"}
PRIMARY = "webhook-primary"
PRIMARY_SINK: Mapping[str, Any] = {"name": PRIMARY, "type": "webhook", "url": "${SLACK_WEBHOOK_URL}"}
EVERYTHING: Mapping[str, Any] = {"event_types": ["*"], "sinks": [FALLBACK]}

DETECTING: Mapping[str, Any] = {name: {"enabled": True} for name in DETECTORS}

_KEYS: tuple[Place, ...] = (("tsnet", "auth_key"), ("tsnet", "auth_key_file"))
_SINKS: Place = ("sinks",)
_ROUTES: Place = ("routes",)
_LISTED: Place = ("notifier", "sinks")
_ROUTED: Place = ("notifier", "routes")


@dataclass(frozen=True, slots=True)
class Skipped:
    """A sink that is left out, as the original does, because its address is empty."""

    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Arranged:
    """What was given in the model's form; `skipped` are webhooks of the original's form without an address."""

    given: Given
    skipped: tuple[Skipped, ...] = ()


def arranged(given: Given, env: Mapping[str, str]) -> Arranged:
    """The same in the model's form."""
    given = _overrides(_routes(_quiet_hold(_one_key(given))))
    given, listed = _named(given)
    skipped = tuple(filter(None, (_skip(name, sink, env) for name, sink in listed.items())))
    gone = {each.name for each in skipped}
    sinks = get(given.values, _SINKS)
    if not gone or not isinstance(sinks, Mapping):
        return Arranged(given)
    left = {name: sink for name, sink in sinks.items() if name not in gone}
    return Arranged(given.moved((), put(given.values, _SINKS, left)), skipped)


def with_detectors(given: Given) -> Given:
    """The file's detectors over those that there are without it."""
    found = get(given.values, ("detectors",))
    if not isinstance(found, Mapping) or not found:
        return given
    return given.moved((), put(given.values, ("detectors",), {**DETECTING, **found}))


def is_original(given_values: Mapping[str, Any]) -> bool:
    """Whether a file speaks as those of the original do."""
    return bool(THEIRS & set(given_values)) and set(given_values) <= THEIRS | SHARED


def default_sinks(given_values: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The sinks that the original has when none is given; its webhook only if a route names it."""
    routes = [*_list(get(given_values, _ROUTES)), *_list(get(given_values, _ROUTED))]
    named = any(PRIMARY in _words(route.get("sinks")) for route in routes if isinstance(route, Mapping))
    return [FALLBACK_SINK, PRIMARY_SINK] if named else [FALLBACK_SINK]


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _words(value: object) -> list[str]:
    if isinstance(value, str):
        return [word.strip() for word in value.split(",")]
    return [word.strip() for word in _list(value) if isinstance(word, str)]


def _routes(given: Given) -> Given:
    """`notifier.routes` behind `routes`; the original's one route if its sinks stand alone."""
    routed, own = get(given.values, _ROUTED), get(given.values, _ROUTES)
    if not routed and not own:
        alone = isinstance(get(given.values, _LISTED), list) or isinstance(get(given.values, _SINKS), list)
        rest = _without(given.values, _ROUTED)
        return given.moved((), put(rest, _ROUTES, [dict(EVERYTHING)]) if alone else rest)
    if routed is None:
        return given
    if not isinstance(routed, list) or not isinstance(own, list | None):
        return given.moved([(_ROUTED, _ROUTES)], put(_without(given.values, _ROUTED), _ROUTES, routed))
    before = len(own or [])
    moves = [((*_ROUTED, str(at)), (*_ROUTES, str(before + at))) for at in range(len(routed))]
    merged = put(_without(given.values, _ROUTED), _ROUTES, [*(own or []), *routed])
    return given.moved([*moves, *([] if own else [(_ROUTED, _ROUTES)])], merged)


def _named(given: Given) -> tuple[Given, dict[str, Any]]:
    """Sinks by name, wherever they stand; with those that came from a list of the original's form."""
    listed: dict[str, Any] = {}
    if not get(given.values, _SINKS) and not get(given.values, _LISTED):
        defaults = default_sinks(given.values)
        if len(defaults) > 1:
            given = given.moved((), put(given.values, _LISTED, defaults))
    for at in (_LISTED, _SINKS):
        found = get(given.values, at)
        if isinstance(found, list):
            given, named = _by_name(given, at, found)
            listed |= named
        elif at == _LISTED and found is not None:
            given = _joined(given, found)
    if listed and FALLBACK not in get(given.values, _SINKS):
        sinks = {**get(given.values, _SINKS), FALLBACK: {"type": "stdout"}}
        given = given.moved((), put(given.values, _SINKS, sinks))
    return given, listed


def _joined(given: Given, found: object) -> Given:
    """`notifier.sinks` as a mapping stands for `sinks`."""
    rest, own = _without(given.values, _LISTED), get(given.values, _SINKS)
    if not isinstance(found, Mapping) or (own and not isinstance(own, Mapping)):
        return given.moved([(_LISTED, _SINKS)], put(rest, _SINKS, found))
    twice = [
        given.fault((*_SINKS, name), "is given below `notifier.sinks`, too") for name in found if name in (own or {})
    ]
    moves = [((*_LISTED, name), (*_SINKS, name)) for name in found]
    return given.moved(moves, put(rest, _SINKS, {**(own or {}), **found})).with_faults(twice)


def _by_name(given: Given, at: Place, found: list[Any]) -> tuple[Given, dict[str, Any]]:
    known = get(given.values, _SINKS)
    named: dict[str, Any] = {}
    moves, faults = [], []
    for index, item in enumerate(found):
        here = (*at, str(index))
        name = str(item.get("name") or "").strip() if isinstance(item, Mapping) else ""
        if not name:
            said = "needs a `name`" if isinstance(item, Mapping) else "must be a mapping of keys to values"
            faults.append(given.fault(here, said))
        elif name in named or (isinstance(known, Mapping) and name in known and at != _SINKS):
            faults.append(given.fault((*here, "name"), f"is `{name}`, which another sink has, too"))
        else:
            named[name] = _typed({key: value for key, value in item.items() if key != "name"})
            moves.append((here, (*_SINKS, name)))
    others = known if isinstance(known, Mapping) else {}
    moved = given.moved(moves, put(_without(given.values, at), _SINKS, {**others, **named}))
    return moved.with_faults(faults), named


def _typed(sink: Mapping[str, Any]) -> dict[str, Any]:
    kind = sink.get("type") or "webhook"
    return {**sink, "type": kind.strip().lower() or "webhook" if isinstance(kind, str) else kind}


def _skip(name: str, sink: Mapping[str, Any], env: Mapping[str, str]) -> Skipped | None:
    """A webhook whose address is empty, or would be."""
    url = sink.get("url") or ""
    if sink.get("type") != "webhook" or sink.get("url_file") or not isinstance(url, str):
        return None
    unset = [variable for variable in values.variables(url) if not env.get(variable, "").strip()]
    plain = all(re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", variable) for variable in unset)
    if url.strip() and not (unset and plain):
        return None
    why = f"the variable {unset[0]} is not set" if unset else "it has no url"
    return Skipped(name, f"the sink {name} is skipped: {why}")


def _overrides(given: Given) -> Given:
    """Severities by type are the same as a list of them."""
    found = get(given.values, ("severity_overrides",))
    if not isinstance(found, Mapping):
        return given
    listed = [{"match": {"event_types": [kind]}, "severity": severity} for kind, severity in found.items()]
    moves = [
        (("severity_overrides", kind), ("severity_overrides", str(at), "severity")) for at, kind in enumerate(found)
    ]
    return given.moved(moves, put(given.values, ("severity_overrides",), listed))


def _quiet_hold(given: Given) -> Given:
    """In a file of the original its own `debounce_window` is all that holds."""
    own = get(given.values, ("policy", "debounce_window")) is not None
    if not own or not is_original(given.values) or get(given.values, ("policy", "hold")) is not None:
        return given
    return given.moved((), put(given.values, ("policy", "hold"), []))


def _one_key(given: Given) -> Given:
    """Of an auth key and a file with one, that of the stronger layer counts; one layer cannot have both."""
    rank = {OriginKind.FILE: 0, OriginKind.VARIABLE: 1, OriginKind.OPTION: 2}
    said = [(rank[given.origins[place].kind], place) for place in _KEYS if get(given.values, place)]
    if len(said) < len(_KEYS) or said[0][0] == said[1][0]:
        return given
    _, weaker = min(said)
    origins = {place: origin for place, origin in given.origins.items() if place != weaker}
    return replace(given, values=_without(given.values, weaker), origins=origins)


def _without(given_values: Mapping[str, Any], place: Place) -> dict[str, Any]:
    head, *rest = place
    inner = given_values.get(head)
    if not rest or not isinstance(inner, Mapping):
        return {key: value for key, value in given_values.items() if key != head or rest}
    return {**given_values, head: _without(inner, tuple(rest))}
