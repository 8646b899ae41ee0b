"""Stories of routes and who carries them."""

from collections.abc import Iterator

from sentinel.sources.room import Frame
from sentinel.wire.v1 import tailnet_pb2
from tests.builders import Wire, delta, node, patch

LAN = "10.0.0.0/24"
EXIT = ("0.0.0.0/0", "::/0")


def router(name: str, *routes: str, online: bool = True) -> tailnet_pb2.Node:
    """A peer that is the primary router of subnets."""
    return node(name, online=online, tags=["tag:router"], primary_routes=routes)


def exit_node(name: str) -> tailnet_pb2.Node:
    """A peer that offers to be an exit node."""
    return node(name, tags=["tag:exit"], allowed_ips=["100.64.0.1/32", *EXIT])


def the_only_router_goes_and_comes_back(wire: Wire) -> Iterator[Frame]:
    """The peer and the route that it carried are two facts; while it is away its routes are taken from it."""
    yield wire.base(router("gate", LAN))
    wire.pass_time(10)
    yield wire.patch("gate", online=False)
    wire.pass_time(1)
    yield wire.frame(delta=delta(upserts=[router("gate", online=False)]))
    wire.pass_time(600)
    yield wire.patch("gate", online=True)
    wire.pass_time(1)
    yield wire.frame(delta=delta(upserts=[router("gate", LAN)]))


def another_router_takes_over_at_once(wire: Wire) -> Iterator[Frame]:
    """One frame says that one is away and the other is primary."""
    yield wire.base(router("gate", LAN), router("spare"))
    wire.pass_time(10)
    gone, now = router("gate", online=False), router("spare", LAN)
    yield wire.frame(delta=delta(upserts=[gone, now]))


def another_router_takes_over_later(wire: Wire) -> Iterator[Frame]:
    """The loss was told meanwhile, and its end says who carries the route now."""
    yield wire.base(router("gate", LAN), router("spare"))
    wire.pass_time(10)
    yield wire.patch("gate", online=False)
    wire.pass_time(20)
    yield wire.frame(delta=delta(upserts=[router("spare", LAN)]))


def a_router_is_removed(wire: Wire) -> Iterator[Frame]:
    """Nobody is left who carries its subnet."""
    yield wire.base(router("gate", LAN), router("spare"))
    wire.pass_time(10)
    yield wire.frame(delta=delta(removals=["gate"]))


def a_route_is_withdrawn(wire: Wire) -> Iterator[Frame]:
    """Its carrier stays in contact: told, but no problem that stays open. Later another one carries it."""
    yield wire.base(router("gate", LAN), router("spare"))
    wire.pass_time(10)
    yield wire.frame(delta=delta(upserts=[router("gate")]))
    wire.pass_time(600)
    yield wire.frame(delta=delta(upserts=[router("spare", LAN)]))


def an_exit_node_goes(wire: Wire) -> Iterator[Frame]:
    """Another one is there, and does not stand in for it; that it ceases to offer itself is news of the peer."""
    yield wire.base(exit_node("berlin"), exit_node("paris"))
    wire.pass_time(10)
    yield wire.patch("paris", online=False)
    wire.pass_time(60)
    yield wire.patch("paris", online=True)
    wire.pass_time(60)
    yield wire.frame(delta=delta(upserts=[node("paris", tags=["tag:exit"])]))


def routes_seem_to_be_lost(wire: Wire) -> Iterator[Frame]:
    """One that two carry loses one of them, another is new, and one nobody ever carried."""
    away = router("away", "10.3.0.0/24", online=False)
    yield wire.base(router("gate", LAN), router("spare", LAN), router("east", "10.1.0.0/24"), node("west"), away)
    wire.pass_time(10)
    yield wire.frame(delta=delta(upserts=[router("new", "10.2.0.0/24")]))
    yield wire.frame(delta=delta(patches=[patch("spare", online=None), patch("away", online=False)]))
    wire.pass_time(60)
    yield wire.frame(delta=delta(upserts=[router("gate", "10.9.0.0/24")]))


STORIES = (
    the_only_router_goes_and_comes_back,
    another_router_takes_over_at_once,
    another_router_takes_over_later,
    a_router_is_removed,
    a_route_is_withdrawn,
    an_exit_node_goes,
    routes_seem_to_be_lost,
)
