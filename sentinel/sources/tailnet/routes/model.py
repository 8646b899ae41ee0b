"""Routes and who carries them: derived from peers, because no frame speaks of them.

A subject is either a prefix that peers route into the tailnet, with the prefix as its id, or one exit node, with the id
`exit:` and that of the peer. Prefixes are carried by whoever is there; exit nodes do not stand in for each other, since
each machine chooses the one that it uses.

Carrying means to be a prefix's primary router and in contact. A route is lost when nobody carries it any more, and what
ends that is that somebody does. If a prefix was withdrawn while its carrier stayed in contact, that is told, but it is
no problem that would stay open: nobody expects it any more. That a peer ceased to be an exit node is its own news, so
that its route goes in silence.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

ROUTE = "route"
"""The type of these subjects."""
EXIT_PREFIX = "exit:"

OFFLINE = "carrier_offline"
REMOVED = "carrier_removed"
WITHDRAWN = "withdrawn"
"""Why nobody carries a route any more."""


@dataclass(frozen=True, slots=True)
class Carrier:
    """A peer that carries a route."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class Route:
    """A route as it is carried.

    While nobody carries it, `last` are those who did, and `why` says why they do not any more. `since` is when it began
    or ceased to be carried.
    """

    label: str
    carriers: tuple[Carrier, ...]
    since: datetime
    last: tuple[Carrier, ...] = ()
    why: str = ""

    @property
    def name(self) -> str:
        """The prefix, or which exit node."""
        return self.label


@dataclass(frozen=True, slots=True)
class Carrying:
    """Who carries a route after a frame; if somebody left it, why, and since when as far as known.

    `alone` says that nobody else could ever carry it.
    """

    label: str
    carriers: tuple[Carrier, ...]
    alone: bool
    why: str = ""
    since: datetime | None = None


def advance(before: Route | None, said: Carrying, _: Mapping[int, str], at: datetime) -> Route | None:
    """The route after a frame. One that nobody ever carried, or will carry again, is none."""
    if said.carriers:
        since = before.since if before is not None and before.carriers else at
        return Route(said.label, said.carriers, since)
    if before is None or not before.carriers:
        return before
    if said.alone and said.why == WITHDRAWN:
        return None
    return Route(before.label, (), min(said.since or at, at), last=before.carriers, why=said.why)
