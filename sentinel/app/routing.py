"""From the configuration's routes to those of policy, and what only the table of types can say against them."""

from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from difflib import get_close_matches

from sentinel.app import event_types
from sentinel.config import AppriseSink, Config, DiscordSink, StdoutSink
from sentinel.config import Route as ConfiguredRoute
from sentinel.config import Selector as ConfiguredSelector
from sentinel.config import Sink as ConfiguredSink
from sentinel.errors import Fault
from sentinel.policy.routes import Route, Selector

FALLBACK = "stdout-debug"
_FOR_PEOPLE = Selector(severities=("warning", "critical"))


def routes(config: Config) -> tuple[Route, ...]:
    """The routes in their order; with none configured, programs get everything and people what is worth a look."""
    if config.routes:
        return tuple(_route(index, route, config) for index, route in enumerate(config.routes))
    people = tuple(name for name, sink in config.sinks.items() if speaks_to_people(sink))
    programs = tuple(name for name in config.sinks if name not in people)
    first = [Route("", Selector(), None, programs, stop=False, index=0)] if programs else []
    second = [Route("", _FOR_PEOPLE, None, people, stop=False, index=len(first))] if people else []
    return (*first, *second)


def speaks_to_people(sink: ConfiguredSink) -> bool:
    """Whether the sink's messages are words."""
    return isinstance(sink, AppriseSink | DiscordSink) or (isinstance(sink, StdoutSink) and sink.format == "text")


def check(config: Config) -> Iterator[Fault]:
    """Each type that no event has, in a route or another rule."""
    names = event_types.known()
    for place, pattern in _patterns(config):
        if not event_types.matches_any(pattern, names):
            near = get_close_matches(pattern.lower(), names, n=1, cutoff=0.5)
            advice = f": did you mean `{near[0]}`?" if near else ""
            yield Fault(f"names `{pattern}`, which is no type of event{advice}", path=place)


def remarks(config: Config, incidents: AbstractSet[str]) -> Iterator[str]:
    """Each route that names sinks which keep incidents, `incidents`, and no type that could be a problem."""
    problems = [name for name in event_types.known() if event_types.may_be_problem(name)]
    for index, route in enumerate(routes(config)):
        named = sorted(incidents & {*route.sinks, *route.fallback})
        asked = route.match.event_types
        if named and asked and not any(event_types.matches_any(pattern, problems) for pattern in asked):
            yield (
                f"routes.{index}: {', '.join(named)} keeps incidents, and none of these types is a problem that opens "
                f"one: {', '.join(asked)}"
            )


def _route(index: int, route: ConfiguredRoute, config: Config) -> Route:
    out = selector(route.exclusion)
    return Route(
        name=route.name,
        match=selector(route.selector),
        exclude=None if out == Selector() else out,
        sinks=_live(route, config),
        stop=route.stop,
        index=index,
        resolved=route.resolved,
        fallback=tuple(dict.fromkeys(name for name in route.fallback if name in config.sinks)),
    )


def _live(route: ConfiguredRoute, config: Config) -> tuple[str, ...]:
    """The route's sinks without those that are skipped; without any, the one that the original falls back to."""
    live = tuple(dict.fromkeys(name for name in route.sinks if name in config.sinks))
    return live or tuple(name for name in (FALLBACK,) if name in config.sinks)


def selector(given: ConfiguredSelector) -> Selector:
    return Selector(
        event_types=event_types.expanded(given.event_types),
        severities=given.severities,
        device_names=given.device_names,
        tags=given.tags,
        owners=given.owners,
        ips=given.ips,
        os=given.os,
        sources=given.sources,
        roles=given.roles,
        labels=given.labels,
    )


def _patterns(config: Config) -> Iterator[tuple[str, str]]:
    """Every pattern for types, with the place of the list that it stands in."""
    for index, route in enumerate(config.routes):
        here = f"routes.{index}"
        lists = {
            f"{here}.event_types": route.event_types,
            f"{here}.match.event_types": route.match.event_types,
            f"{here}.except.event_types": route.exclude.event_types,
            f"{here}.filters.include.events": route.filters.include.events,
            f"{here}.filters.exclude.events": route.filters.exclude.events,
        }
        yield from ((place, pattern) for place, patterns in lists.items() for pattern in patterns)
    for index, rule in enumerate(config.policy.hold or ()):
        yield from ((f"policy.hold.{index}.match.event_types", pattern) for pattern in rule.match.event_types)
    for index, override in enumerate(config.severity_overrides):
        here = f"severity_overrides.{index}.match.event_types"
        yield from ((here, pattern) for pattern in override.match.event_types)
