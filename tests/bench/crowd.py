"""Any number of peers as the wire carries them, about as long as real ones are."""

import itertools
import random
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

from sentinel.wire.v1 import frame_pb2, tailnet_pb2
from tests.builders import Wire, delta, patch, stamp, user

JOINED = datetime(2025, 3, 1, 12, 0, tzinfo=UTC)
OWNERS = 50
STEP = 0.02
"""Seconds between two frames, as their edge claims."""
CHUNK = 800
"""Peers in one part of a base: some three quarters of a megabyte, as the sidecar cuts them."""


def name(number: int) -> str:
    """A peer's short name."""
    return f"machine-{number:05}"


def peers(count: int) -> list[tailnet_pb2.Node]:
    """Peers that are all in contact; every fourth is tagged, every tenth carries a route."""
    return [_peer(number) for number in range(count)]


def _peer(number: int) -> tailnet_pb2.Node:
    high, low = divmod(number, 250)
    addresses = [f"100.64.{high}.{low + 1}/32", f"fd7a:115c:a1e0::{high:x}:{low + 1:x}/128"]
    return tailnet_pb2.Node(
        stable_id=f"n-{name(number)}",
        name=f"{name(number)}.tailfe8c.ts.net",
        user_id=1000 + number % OWNERS,
        tags=("tag:server", f"tag:team-{number % 7}") if number % 4 == 0 else (),
        addresses=addresses,
        allowed_ips=addresses,
        primary_routes=[f"10.{high}.{low}.0/24"] if number % 10 == 0 else (),
        presence=tailnet_pb2.PRESENCE_ONLINE,
        created=stamp(JOINED + timedelta(minutes=number)),
        key_expiry=stamp(JOINED + timedelta(days=900, minutes=number)),
        node_key=f"nodekey:{number:064x}",
        machine_key=f"mkey:{number:064x}",
        machine_authorized=True,
        capability_version=130,
        capabilities=("cap/file-sharing", "cap/ssh", "https"),
        hostinfo=_hostinfo(number),
    )


def _hostinfo(number: int) -> tailnet_pb2.Hostinfo:
    return tailnet_pb2.Hostinfo(
        os="linux",
        os_version="6.8.0-45-generic",
        distro="ubuntu",
        distro_version="24.04",
        distro_code_name="noble",
        client_version="1.102.5-t1a2b3c4d5",
        hostname=name(number),
        package="deb",
        machine="x86_64",
    )


def base(wire: Wire, members: Sequence[tailnet_pb2.Node]) -> list[frame_pb2.Frame]:
    """A base in parts as large as the sidecar's; the first part brings the owners."""
    users = [user(1000 + number, f"person-{number}@example.com") for number in range(OWNERS)]
    messages = wire.base_messages(members, users, chunk=CHUNK)
    for message in messages[2:-1]:
        del message.base_chunk.users[:]
    return messages


def flips(wire: Wire, count: int, *, among: int, together: int = 1, seed: int = 1) -> Iterator[frame_pb2.Frame]:
    """`count` changes of contact, `together` in one frame; all are real changes, and every peer's turn comes again."""
    numbers = list(range(among))
    random.Random(seed).shuffle(numbers)
    turn = itertools.cycle(numbers)
    online = [True] * among
    for start in range(0, count, together):
        wire.pass_time(STEP)
        chosen = list(itertools.islice(turn, min(together, count - start)))
        for number in chosen:
            online[number] = not online[number]
        yield wire.message(delta=delta(patches=[_patch(number, online[number], wire) for number in chosen]))


def _patch(number: int, online: bool, wire: Wire) -> frame_pb2.PresencePatch:
    return patch(name(number), online=online, last_seen=None if online else wire.now)
