"""Stories of peers that stay and change. Each type has one, and one of what looks like it and is not."""

from collections.abc import Callable, Iterator
from datetime import timedelta

from sentinel.sources.room import Frame
from sentinel.wire.v1 import tailnet_pb2
from tests.builders import START, Wire, delta, node, user

TOM, ANN = user(7, "tom@example.com"), user(8, "ann@example.com")
EXIT = ("0.0.0.0/0", "::/0")
KEY, OTHER_KEY = f"nodekey:{'ab' * 32}", f"nodekey:{'cd' * 32}"

Story = Callable[[Wire], Iterator[Frame]]


def _upsert(wire: Wire, *nodes: tailnet_pb2.Node, after: timedelta = timedelta(seconds=10)) -> Frame:
    """The next frame, some time later: peers as they are now."""
    wire.pass_time(after.total_seconds())
    return wire.frame(delta=delta(upserts=nodes, users=[TOM, ANN]))


def _later(wire: Wire, **time: float) -> Frame:
    """The next frame, some time later: it says nothing of the peer but that it is there."""
    wire.pass_time(timedelta(**time).total_seconds())
    return wire.patch("nas", online=None)


def routes_change(wire: Wire) -> Iterator[Frame]:
    """A router takes over another subnet."""
    before, after = ["10.0.0.0/24", "10.1.0.0/24"], ["10.0.0.0/24", "192.168.7.0/24"]
    yield wire.base(node("nas", tags=["tag:router"], primary_routes=before))
    yield _upsert(wire, node("nas", tags=["tag:router"], primary_routes=after))


def routes_are_lost(wire: Wire) -> Iterator[Frame]:
    """The last subnet goes: it is no router any longer."""
    yield wire.base(node("nas", primary_routes=["10.0.0.0/24"]))
    yield _upsert(wire, node("nas"))


def routes_seem_to_change(wire: Wire) -> Iterator[Frame]:
    """The same subnets in another order; offered but not carried is something that the machine says of itself."""
    yield wire.base(node("nas", primary_routes=["10.0.0.0/24", "10.1.0.0/24"]))
    yield _upsert(wire, node("nas", primary_routes=["10.1.0.0/24", "10.0.0.0/24"]))
    yield _upsert(
        wire,
        node("nas", primary_routes=["10.1.0.0/24", "10.0.0.0/24"], says={"routable_ips": ["10.9.0.0/24"]}),
    )


def tags_change(wire: Wire) -> Iterator[Frame]:
    """A person's machine is tagged: it has no owner any longer, which the tags say."""
    yield wire.base(node("nas", owner=7), users=[TOM])
    yield _upsert(wire, node("nas", owner=99, tags=["tag:server", "tag:backup"]))


def tags_seem_to_change(wire: Wire) -> Iterator[Frame]:
    """The same tags in another order; the machine asks for another one and does not get it."""
    yield wire.base(node("nas", tags=["tag:a", "tag:b"]))
    yield _upsert(wire, node("nas", tags=["tag:b", "tag:a"]))
    yield _upsert(wire, node("nas", tags=["tag:b", "tag:a"], says={"request_tags": ["tag:c"]}))


def addresses_change(wire: Wire) -> Iterator[Frame]:
    """An admin gives the machine another address."""
    yield wire.base(node("nas"))
    yield _upsert(wire, node("nas", addresses=["100.64.0.9/32", "fd7a:115c:a1e0::1/128"]))


def addresses_seem_to_change(wire: Wire) -> Iterator[Frame]:
    """The same addresses in another order, and without the length of their prefix."""
    yield wire.base(node("nas"))
    yield _upsert(wire, node("nas", addresses=["fd7a:115c:a1e0:0::1", "100.64.0.1"]))


def a_peer_is_renamed(wire: Wire) -> Iterator[Frame]:
    """Twice within the window: people are told where it came from."""
    yield wire.base(node("nas", owner=7), users=[TOM])
    yield _upsert(wire, node("nas", owner=7, label="box"))
    yield _upsert(wire, node("nas", owner=7, label="vault"), after=timedelta(seconds=1))


def a_peer_seems_to_be_renamed(wire: Wire) -> Iterator[Frame]:
    """The tailnet gets another name, its machines keep theirs; one of them changes the host name it gives itself."""
    yield wire.base(node("nas"), node("pi"))
    moved = [node("nas"), node("pi", says={"hostname": "raspberrypi"})]
    for peer in moved:
        peer.name = peer.name.replace("example.ts.net", "tail1234.ts.net")
    yield _upsert(wire, *moved)


def an_owner_changes(wire: Wire) -> Iterator[Frame]:
    """A machine is handed over."""
    yield wire.base(node("laptop", os="macOS", owner=7), users=[TOM])
    yield _upsert(wire, node("laptop", os="macOS", owner=8))


def an_owner_seems_to_change(wire: Wire) -> Iterator[Frame]:
    """The owner gets another login; a frame does not say who it is; a tagged machine is the tagged-devices user's."""
    yield wire.base(node("laptop", owner=7), node("nas", tags=["tag:a"], owner=98), users=[TOM])
    wire.pass_time(10)
    yield wire.frame(delta=delta(upserts=[node("laptop", owner=7)], users=[user(7, "thomas@example.com")]))
    yield _upsert(wire, node("laptop"))
    yield _upsert(wire, node("laptop", owner=7), node("nas", tags=["tag:a"], owner=99))


def an_exit_node_comes_and_goes(wire: Wire) -> Iterator[Frame]:
    """It offers to be one, and no longer does."""
    yield wire.base(node("nas", tags=["tag:server"], allowed_ips=["100.64.0.1/32"]))
    yield _upsert(wire, node("nas", tags=["tag:server"], allowed_ips=["100.64.0.1/32", *EXIT]))
    yield _upsert(wire, node("nas", tags=["tag:server"], allowed_ips=["100.64.0.1/32"]), after=timedelta(hours=1))


def an_exit_node_seems_to_come(wire: Wire) -> Iterator[Frame]:
    """Only half of the internet goes through it; another one is taken into use by it."""
    yield wire.base(node("nas", allowed_ips=["100.64.0.1/32"]))
    yield _upsert(wire, node("nas", allowed_ips=["100.64.0.1/32", "0.0.0.0/0"]))


def an_approval_is_taken_back_and_given(wire: Wire) -> Iterator[Frame]:
    """The second event ends the problem that the first one opened."""
    yield wire.base(node("laptop", os="windows", owner=7, machine_authorized=True), users=[TOM])
    yield _upsert(wire, node("laptop", os="windows", owner=7, machine_authorized=False))
    yield _upsert(wire, node("laptop", os="windows", owner=7, machine_authorized=True), after=timedelta(minutes=30))


def an_approval_is_taken_back_as_a_silent_server_shows_it(wire: Wire) -> Iterator[Frame]:
    """A server that leaves out what is not true: it said yes before."""
    yield wire.base(node("laptop", machine_authorized=True))
    yield _upsert(wire, node("laptop"))


def an_approval_seems_to_be_given(wire: Wire) -> Iterator[Frame]:
    """The server never spoke of approval, and then does."""
    yield wire.base(node("laptop"))
    yield _upsert(wire, node("laptop"))
    yield _upsert(wire, node("laptop", machine_authorized=True))


def a_new_peer_needs_approval(wire: Wire) -> Iterator[Frame]:
    """That it waits is part of its being new."""
    yield wire.base()
    yield _upsert(wire, node("laptop", os="macOS", owner=7, online=False, machine_authorized=False))


def a_key_comes_down_the_ladder(wire: Wire) -> Iterator[Frame]:
    """A server's key of 90 days, down to its end and back: each rung once, in ever stronger words."""
    expiry = START + timedelta(days=90)
    yield wire.base(node("nas", tags=["tag:server"], key_expiry=expiry, node_key=KEY))
    for days in (60, 16, 7, 4, 2):
        yield _later(wire, days=days)
        yield _later(wire, seconds=10)
    yield _later(wire, days=1)
    yield _upsert(wire, node("nas", tags=["tag:server"], key_expiry=expiry, expired=True))
    again = wire.now + timedelta(hours=1, days=90)
    renewed = node("nas", tags=["tag:server"], key_expiry=again, node_key=OTHER_KEY)
    yield _upsert(wire, renewed, after=timedelta(hours=1))


def a_phones_key_expires(wire: Wire) -> Iterator[Frame]:
    """For a person's own machine even the last day is no more than a warning, and the remedy is its app."""
    yield wire.base(node("nas", os="iOS", owner=7, key_expiry=START + timedelta(days=10)), users=[TOM])
    yield _later(wire, days=9)
    yield _later(wire, days=1)


def a_key_is_expired_by_an_admin(wire: Wire) -> Iterator[Frame]:
    """Long before its end: the key is not shown any longer, which is no rotation. Its end is taken away later."""
    expiry = START + timedelta(days=90)
    yield wire.base(node("nas", primary_routes=["10.0.0.0/24"], key_expiry=expiry, node_key=KEY))
    yield _upsert(wire, node("nas", primary_routes=["10.0.0.0/24"], key_expiry=expiry, expired=True))
    yield _upsert(wire, node("nas", primary_routes=["10.0.0.0/24"], node_key=KEY), after=timedelta(hours=2))


def a_key_seems_to_expire(wire: Wire) -> Iterator[Frame]:
    """Keys of 24 hours that are renewed every 20: that is how they are meant to be."""
    yield wire.base(
        node("nas", key_expiry=START + timedelta(hours=24), created=None, node_key=KEY),
        node("far", key_expiry=START + timedelta(days=180)),
    )
    for _ in range(3):
        wire.pass_time(timedelta(hours=20).total_seconds())
        renewed = node("nas", key_expiry=wire.now + timedelta(hours=24), node_key=KEY)
        yield wire.frame(delta=delta(upserts=[renewed]))


def a_key_was_expired_all_along(wire: Wire) -> Iterator[Frame]:
    """What was so at the first sight is no news; that it ends is."""
    expired = node("nas", online=False, key_expiry=START - timedelta(days=3), expired=True)
    yield wire.base(expired)
    yield _later(wire, days=1)
    yield _upsert(wire, node("nas", online=False, key_expiry=START + timedelta(days=90)))


def an_end_is_brought_forward(wire: Wire) -> Iterator[Frame]:
    """A shorter life is no renewal: the rung stays, or is a later one."""
    yield wire.base(node("nas", key_expiry=START + timedelta(days=80)))
    yield _later(wire, days=51)
    yield _upsert(wire, node("nas", key_expiry=wire.now + timedelta(days=6)))


def a_key_is_rotated(wire: Wire) -> Iterator[Frame]:
    """A new login of the same machine."""
    yield wire.base(node("laptop", os="macOS", owner=7, node_key=KEY), users=[TOM])
    yield _upsert(wire, node("laptop", os="macOS", owner=7, node_key=OTHER_KEY))


def a_key_seems_to_be_rotated(wire: Wire) -> Iterator[Frame]:
    """It expires, so the client does not show it; it is extended, and is the same key as before."""
    expiry, extended = START + timedelta(hours=1), START + timedelta(hours=2)
    yield wire.base(node("nas", key_expiry=expiry, node_key=KEY))
    yield _upsert(wire, node("nas", key_expiry=expiry, expired=True), after=timedelta(hours=1))
    yield _upsert(wire, node("nas", key_expiry=extended, node_key=KEY))


def a_machine_is_updated(wire: Wire) -> Iterator[Frame]:
    """The client alone, then the whole system."""
    old = {"client_version": "1.98.1-t0123456", "os_version": "6.1", "distro": "debian", "distro_version": "12"}
    new = old | {"client_version": "1.102.5-t6543210"}
    newest = new | {"os_version": "6.12", "distro_version": "13", "ssh_host_keys": ["ssh-ed25519 AAAA"]}
    yield wire.base(node("nas", tags=["tag:server"], says=old))
    yield _upsert(wire, node("nas", tags=["tag:server"], says=new))
    yield _upsert(wire, node("nas", tags=["tag:server"], says=newest), after=timedelta(hours=1))


def a_machine_seems_to_say_something_new(wire: Wire) -> Iterator[Frame]:
    """The server shows nothing of it for a while, then the same again; lists come in another order."""
    says = {"ssh_host_keys": ["b", "a"], "request_tags": ["tag:b", "tag:a"]}
    yield wire.base(node("nas", says=says))
    yield _upsert(wire, node("nas", hostinfo=None))
    yield _upsert(wire, node("nas", says={name: values[::-1] for name, values in says.items()}))


def everything_changes_at_once(wire: Wire) -> Iterator[Frame]:
    """One frame, one event for each aspect, in the order of the catalogue."""
    yield wire.base(
        node(
            "nas",
            owner=7,
            machine_authorized=True,
            node_key=KEY,
            key_expiry=START + timedelta(days=100),
        ),
        users=[TOM],
    )
    yield _upsert(
        wire,
        node(
            "nas",
            online=False,
            label="box",
            owner=8,
            machine_authorized=False,
            addresses=["100.64.0.2/32"],
            primary_routes=["10.0.0.0/24"],
            allowed_ips=EXIT,
            node_key=OTHER_KEY,
            key_expiry=START,
            says={"os_version": "6.12"},
        ),
    )


def foreign_peers_come_and_change(wire: Wire) -> Iterator[Frame]:
    """A Mullvad exit node, a machine shared into the tailnet, one that only serves Funnel: not ours to tell."""
    for key in (KEY, OTHER_KEY):
        yield _upsert(
            wire,
            node("mullvad", wireguard_only=True, allowed_ips=EXIT, node_key=key),
            node("shared", sharer_id=9, node_key=key),
            node("ingress", unsigned_peer_api_only=True, node_key=key),
        )


def names_are_hostile(wire: Wire) -> Iterator[Frame]:
    """Control characters, text from right to left, 300 characters, no name at all: none breaks a line."""
    yield wire.base(node("nas", owner=7), node("long"), node("blank", label=" "), users=[TOM])
    unnamed = node("blank", says={"hostname": ""}, node_key=KEY, tags=["tag:\u202eevil"])
    unnamed.name = ""
    yield _upsert(
        wire,
        node("nas", owner=7, label="\x1b[2Jnas\n\u202eALL CLEAR @everyone"),
        node("long", label="x" * 300, says={"device_model": "y" * 300}),
        unnamed,
    )


STORIES: tuple[Story, ...] = (
    routes_change,
    routes_are_lost,
    routes_seem_to_change,
    tags_change,
    tags_seem_to_change,
    addresses_change,
    addresses_seem_to_change,
    a_peer_is_renamed,
    a_peer_seems_to_be_renamed,
    an_owner_changes,
    an_owner_seems_to_change,
    an_exit_node_comes_and_goes,
    an_exit_node_seems_to_come,
    an_approval_is_taken_back_and_given,
    an_approval_is_taken_back_as_a_silent_server_shows_it,
    an_approval_seems_to_be_given,
    a_new_peer_needs_approval,
    a_key_comes_down_the_ladder,
    a_phones_key_expires,
    a_key_is_expired_by_an_admin,
    a_key_seems_to_expire,
    a_key_was_expired_all_along,
    an_end_is_brought_forward,
    a_key_is_rotated,
    a_key_seems_to_be_rotated,
    a_machine_is_updated,
    a_machine_seems_to_say_something_new,
    everything_changes_at_once,
    foreign_peers_come_and_change,
    names_are_hostile,
)
