"""Which sink is concerned by which event: routes, and the selectors that they ask with.

A selector's lists are alternatives, its keys must all hold, and an empty list holds for everything. A key that asks who
the event is about holds for no event that does not say: as a match it lets such an event not through, as an exclude it
hides none. What changed is matched in its old and its new form.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import lru_cache
from ipaddress import ip_interface, ip_network

import orjson

from sentinel.events import Event

_Addresses = Callable[[str], bool]


@dataclass(frozen=True, slots=True)
class Selector:
    """What an event must be like.

    `event_types`, `sources` and `device_names` are globs; a name is a short name, an FQDN or a host name, in any case.
    `owners` are logins or numeric ids, `ips` addresses or CIDR blocks, `labels` are `name` or `name=value`, the value a
    glob.
    """

    event_types: tuple[str, ...] = ()
    severities: tuple[str, ...] = ()
    device_names: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    owners: tuple[str, ...] = ()
    ips: tuple[str, ...] = ()
    os: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()


ANYTHING = Selector()


@dataclass(frozen=True, slots=True)
class Route:
    """Events that `match` and are not what `exclude` names go to `sinks`.

    `index` is its place in the configuration, from 0. `stop` keeps what it matches from the routes after it. With
    `resolved` false it carries no ending of a problem. `fallback` are sinks that are told besides what one of `sinks`
    does not get.
    """

    name: str
    match: Selector
    exclude: Selector | None
    sinks: tuple[str, ...]
    stop: bool
    index: int
    resolved: bool = True
    fallback: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """What it is called where people read it."""
        return self.name or f"routes[{self.index}]"


def everything_to(sinks: Iterable[str]) -> tuple[Route, ...]:
    """The one route that asks for all and goes to all."""
    return (Route("", ANYTHING, None, tuple(sinks), stop=False, index=0),)


def concerned(event: Event, routes: Sequence[Route]) -> dict[str, Route]:
    """For each sink that a route asks for the event, the first such route, whose options hold."""
    found: dict[str, Route] = {}
    for route in matching(event, routes):
        for sink in route.sinks:
            found.setdefault(sink, route)
    return found


def matching(event: Event, routes: Sequence[Route]) -> Iterator[Route]:
    """All routes that ask for the event, in their order."""
    said: _Said | None = None
    for route in routes:
        if not _fits_type(event, route.match) or (event.problem == "ends" and not route.resolved):
            continue
        if said is None and (_asks_who(route.match) or route.exclude is not None):
            said = _said(event)
        if _holds(event, said, route.match) and not (route.exclude and _excludes(event, said, route.exclude)):
            yield route
            if route.stop:
                return


def selects(event: Event, selector: Selector) -> bool:
    """Whether the event is like that; one that names nothing selects every event."""
    return _fits_type(event, selector) and _holds(event, _said(event) if _asks_who(selector) else None, selector)


@dataclass(frozen=True, slots=True)
class _Said:
    """What an event says of who it is about, before and after; lower case but for tags and labels."""

    names: frozenset[str]
    tags: frozenset[str]
    owners: frozenset[str]
    ips: frozenset[str]
    os: frozenset[str]
    roles: frozenset[str]
    labels: Mapping[str, str]


def _said(event: Event) -> _Said:
    body = orjson.loads(event.body)
    payload = body["payload"]

    def values(*keys: str) -> frozenset[str]:
        stated = [payload.get(side + key) for key in keys for side in ("", "before_", "after_")]
        changed = [side for change in body["changes"] if change["path"] in keys for side in _sides(change)]
        return frozenset(_texts((*stated, *changed)))

    return _Said(
        names=frozenset(name.rstrip(".").lower() for name in values("name", "dns_name", "hostname")),
        tags=values("tags"),
        owners=frozenset(owner.lower() for owner in values("owners", "owner", "owner_id")),
        ips=values("ips", "addresses"),
        os=frozenset(system.lower() for system in values("os")),
        roles=frozenset(role.lower() for role in values("roles")),
        labels=body["labels"],
    )


def _sides(change: Mapping[str, object]) -> tuple[object, object]:
    return change["before"], change["after"]


def _texts(values: Iterable[object]) -> Iterator[str]:
    """Every text in them; empty and absent ones say nothing."""
    for value in values:
        if isinstance(value, list):
            yield from _texts(value)
        elif value not in (None, "") and not isinstance(value, bool | dict):
            yield str(value)


def _excludes(event: Event, said: _Said | None, exclude: Selector) -> bool:
    """A selector that names nothing excludes nothing."""
    return exclude != ANYTHING and _fits_type(event, exclude) and _holds(event, said, exclude)


def _fits_type(event: Event, selector: Selector) -> bool:
    """The keys that every event answers without being read."""
    return (
        (not selector.event_types or _any_glob(event.type.name, selector.event_types))
        and (not selector.severities or event.severity.value in selector.severities)
        and (not selector.sources or _any_glob(event.subject.source, selector.sources))
    )


def _asks_who(selector: Selector) -> bool:
    return bool(
        selector.device_names
        or selector.tags
        or selector.owners
        or selector.ips
        or selector.os
        or selector.roles
        or selector.labels
    )


def _holds(event: Event, said: _Said | None, selector: Selector) -> bool:
    """The keys that ask who the event is about."""
    if said is None or not _asks_who(selector):
        return not _asks_who(selector)
    return (
        (not selector.device_names or _any_name(said.names, selector.device_names))
        and (not selector.tags or not said.tags.isdisjoint(selector.tags))
        and (not selector.owners or not said.owners.isdisjoint(map(str.lower, selector.owners)))
        and (not selector.ips or _any_address(said.ips, selector.ips))
        and (not selector.os or not said.os.isdisjoint(map(str.lower, selector.os)))
        and (not selector.roles or not said.roles.isdisjoint(map(str.lower, selector.roles)))
        and (not selector.labels or any(_has_label(said.labels, wanted) for wanted in selector.labels))
    )


def _any_glob(text: str, globs: Collection[str]) -> bool:
    return "*" in globs or text in globs or any(fnmatchcase(text, _glob(glob)) for glob in globs)


def _any_name(names: Iterable[str], globs: Iterable[str]) -> bool:
    wanted = [glob.rstrip(".").lower() for glob in globs]
    return any(_any_glob(name, wanted) for name in names)


def _glob(glob: str) -> str:
    """In the configuration `[^a]` and `[!a]` mean the same."""
    return glob.replace("[^", "[!")


def _has_label(labels: Mapping[str, str], wanted: str) -> bool:
    name, has_value, value = wanted.partition("=")
    return name in labels and (not has_value or _any_glob(str(labels[name]), (value,)))


def _any_address(said: Iterable[str], wanted: Iterable[str]) -> bool:
    blocks = [_block(text) for text in wanted]
    return any(block(address) for address in said for block in blocks)


@lru_cache(maxsize=1024)
def _block(text: str) -> _Addresses:
    """Whether an address lies in the block, which may be a single address. Raises ValueError for neither."""
    network = ip_network(text, strict=False)

    def has(address: str) -> bool:
        try:
            return ip_interface(address).ip in network
        except ValueError:
            return False

    return has
