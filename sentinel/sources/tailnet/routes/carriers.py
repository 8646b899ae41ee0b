"""The index of who carries what, kept up to date from the peers that change."""

from datetime import datetime

from sentinel.sources.room import Inputs
from sentinel.sources.tailnet.facts import EVERYWHERE
from sentinel.sources.tailnet.model import PEER, Peer, Presence
from sentinel.sources.tailnet.routes.model import (
    EXIT_PREFIX,
    OFFLINE,
    REMOVED,
    ROUTE,
    WITHDRAWN,
    Carrier,
    Carrying,
)

_GRAVITY = ("", WITHDRAWN, OFFLINE, REMOVED)
"""Of several reasons in one frame the last of these is told."""


class Carriers:
    """Follows peers; what it costs depends on the routes of those that change, not on how many there are."""

    def __init__(self) -> None:
        self._carriers: dict[str, dict[str, Carrier]] = {}
        self._touched: dict[str, tuple[str, str, datetime | None]] = {}

    def follow(self, subject_type: str, subject_id: str, before: Peer | None, after: Peer | None) -> None:
        """A peer changed."""
        if subject_type != PEER:
            return
        was, now = _carried(before), _carried(after)
        if not was and not now:
            return
        for route in was.keys() - now.keys():
            self._carriers[route].pop(subject_id, None)
            self._touch(route, was[route], _why(after), after.since if after else None)
        for route, label in now.items():
            carrier = Carrier(subject_id, after.name if after else "")
            carriers = self._carriers.setdefault(route, {})
            if carriers.get(subject_id) != carrier:
                carriers[subject_id] = carrier
                self._touch(route, label, "", None)

    def inputs(self) -> Inputs:
        """Who carries each route of which somebody began or ceased to since the last call."""
        touched, self._touched = self._touched, {}
        return {ROUTE: {route: self._carrying(route, *why) for route, why in touched.items()}} if touched else {}

    def _touch(self, route: str, label: str, why: str, since: datetime | None) -> None:
        known = self._touched.get(route)
        if known is None or _GRAVITY.index(why) > _GRAVITY.index(known[1]):
            self._touched[route] = (label, why, since if why == OFFLINE else None)

    def _carrying(self, route: str, label: str, why: str, since: datetime | None) -> Carrying:
        carriers = self._carriers[route]
        if not carriers:
            del self._carriers[route]
        return Carrying(
            label=label,
            carriers=tuple(carriers[peer_id] for peer_id in sorted(carriers)),
            alone=route.startswith(EXIT_PREFIX),
            why=why,
            since=since,
        )


def _carried(peer: Peer | None) -> dict[str, str]:
    """Ids of the routes that a peer carries, with what people call them."""
    if peer is None or peer.presence is not Presence.ONLINE or not (peer.routes or peer.exit_node):
        return {}
    carried = {prefix: prefix for prefix in peer.routes if prefix not in EVERYWHERE}
    if peer.exit_node or not EVERYWHERE.isdisjoint(peer.routes):
        carried[f"{EXIT_PREFIX}{peer.id}"] = f"exit node {peer.name}"
    return carried


def _why(after: Peer | None) -> str:
    if after is None:
        return REMOVED
    return WITHDRAWN if after.presence is Presence.ONLINE else OFFLINE
