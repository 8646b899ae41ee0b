"""What acts differently from the original with the same file or variables, each with the line that restores it."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from sentinel.config.arranging import FALLBACK, is_original
from sentinel.config.given import DEFAULT, Given, Origin, OriginKind, get
from sentinel.config.groups import DETECTORS
from sentinel.config.model import Config
from sentinel.config.routes import Route, Selector
from sentinel.config.sinks import DiscordSink
from sentinel.config.variables import ORIGINALS, ROUTE_SHORTHAND, speaks_as_the_original

_SHORTHAND = frozenset(name for names in ROUTE_SHORTHAND.values() for name in names)


@dataclass(frozen=True, slots=True)
class Difference:
    """What is different, and the line of the file or the shell that restores the old effect; empty if nothing does."""

    text: str
    restore: str


def differences(config: Config, *, said: Given, given: Given, env: Mapping[str, str]) -> tuple[Difference, ...]:
    """Each difference that this configuration meets. `said` is the file alone, `given` has everything in it."""
    by_file = bool(said.values)
    theirs = is_original(said.values) if by_file else speaks_as_the_original(env)
    routes = list(_routes(config, given))
    found = [
        *_variables(said, env),
        *(each for written in routes for each in _route(written, all_info=_all_info(config), by_file=by_file)),
        *([_default_route(by_file=by_file)] if theirs and not config.routes else ()),
        *_order(config),
        *((*_hold(config, given, by_file=by_file), *_limit(config)) if routes or theirs else ()),
    ]
    return tuple(found)


@dataclass(frozen=True, slots=True)
class _Written:
    """A route of the original's form, and where and under which name it is written."""

    route: Route
    origin: Origin
    name: str

    def types(self, wanted: str) -> str:
        """How its types are written there."""
        if self.origin.kind is not OriginKind.VARIABLE:
            return f'event_types: ["{wanted}"]'
        if self.origin.name in _SHORTHAND:
            return f"{ROUTE_SHORTHAND[('event_types',)][0]}={wanted}"
        return f'"event_types": ["{wanted}"]'


def _routes(config: Config, given: Given) -> Iterator[_Written]:
    """Those of the original's form."""
    before: Counter[str] = Counter()
    for index, route in enumerate(config.routes):
        origin = given.origins.get(("routes", str(index)), DEFAULT)
        at = before[origin.name]
        before[origin.name] += 1
        if route.is_original:
            yield _Written(route, origin, _name(origin, at))


def _name(origin: Origin, at: int) -> str:
    """What the user knows a route by; `at` is its number among those of the same origin."""
    if origin.kind is not OriginKind.VARIABLE:
        return origin.path
    return "SENTINEL_NOTIFIER_ROUTE_…" if origin.name in _SHORTHAND else f"{origin.name}.{at}"


def _route(written: _Written, *, all_info: bool, by_file: bool) -> Iterator[Difference]:
    route, name = written.route, written.name
    if "*" in route.selector.event_types and written.origin is DEFAULT:
        yield _default_route(by_file=by_file)
    elif "*" in route.selector.event_types:
        yield Difference(f"{name}: `*` has more types than the 17 of the original", written.types("@original"))
    if route.severities and not all_info:
        yield Difference(
            f"{name}: `severities` now chooses; in the original every event was `info`",
            'severity_overrides: {"*": info}' if by_file else 'SENTINEL_SEVERITY_OVERRIDES={"*": "info"}',
        )
    if _identifies(route.exclusion) and not _identifies(route.selector):
        yield Difference(
            f"{name}: what `filters.exclude` says of devices no longer keeps out the events that have no device",
            written.types("peer.*"),
        )


def _all_info(config: Config) -> bool:
    """Whether every event is of the one severity that the original has."""
    first = next(iter(config.severity_overrides), None)
    return first is not None and first.severity == "info" and first.match == Selector(event_types=("*",))


def _default_route(*, by_file: bool) -> Difference:
    """Nobody wrote it, so that the whole of it has to be written."""
    whole = f'{{event_types: ["@original"], sinks: [{FALLBACK}]}}'
    as_json = f'{{"event_types": ["@original"], "sinks": ["{FALLBACK}"]}}'
    return Difference(
        f"the default route, to {FALLBACK}, has more types than the 17 of the original",
        f"notifier: {{routes: [{whole}]}}" if by_file else f"SENTINEL_NOTIFIER_ROUTES=[{as_json}]",
    )


def _identifies(selector: Selector) -> bool:
    return bool(selector.device_names or selector.tags or selector.owners or selector.ips)


def _order(config: Config) -> Iterator[Difference]:
    theirs = [name for name in DETECTORS if name in config.detector_order]
    if list(config.detector_order) != theirs:
        yield Difference("`detector_order` says which detectors there are, and no longer in which order they speak", "")


def _variables(said: Given, env: Mapping[str, str]) -> Iterator[Difference]:
    """The original read these only if its file had the keys, too."""
    for variable in ORIGINALS.values():
        if variable.late and env.get(variable.name, "").strip() and get(said.values, variable.place) is None:
            yield Difference(
                f"{variable.name} sets {'.'.join(variable.place)}; the original did not read it",
                f"unset {variable.name}",
            )


def _hold(config: Config, given: Given, *, by_file: bool) -> Iterator[Difference]:
    """Only messages to people wait for a device that may come back."""
    people = any(isinstance(sink, DiscordSink) for sink in config.sinks.values())
    if people and config.policy.hold is None and get(given.values, ("policy", "debounce_window")) is None:
        yield Difference(
            "people are told of a device that is away only after 2 minutes",
            "policy: {hold: []}" if by_file else "SENTINEL_POLICY__HOLD=[]",
        )


def _limit(config: Config) -> Iterator[Difference]:
    if (config.policy.rate_limit_per_min or 0) > 0:
        yield Difference("what is more than `policy.rate_limit_per_min` waits; the original dropped it", "")
