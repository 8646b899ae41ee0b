"""What Sentinel knows of a peer, and what a frame can say of one."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import lru_cache
from sys import intern
from typing import Any

PEER = "peer"
"""The type of subjects that are machines of the tailnet."""


class Presence(StrEnum):
    """Contact with the control server; not the same as being reachable."""

    UNKNOWN = "unknown"
    ONLINE = "online"
    OFFLINE = "offline"


@dataclass(frozen=True, slots=True)
class Hostinfo:
    """What a machine says of itself, without what changes all the time. Empty and None are what it does not say.

    The names are those of the wire. `ssh_host_keys` is a fingerprint of all of them.
    """

    os_version: str = ""
    distro: str = ""
    distro_version: str = ""
    distro_code_name: str = ""
    client_version: str = ""
    device_model: str = ""
    package: str = ""
    app: str = ""
    machine: str = ""
    environment: str = ""
    cloud: str = ""
    exit_node_id: str = ""
    ssh_host_keys: str = ""
    routable_ips: tuple[str, ...] = ()
    request_tags: tuple[str, ...] = ()
    shields_up: bool = False
    no_logs_no_support: bool = False
    allows_update: bool = False
    peer_relay: bool = False
    remote_config: bool = False
    ingress_enabled: bool = False
    tpm: bool = False
    container: bool | None = None
    app_connector: bool | None = None
    state_encrypted: bool | None = None
    userspace: bool | None = None
    userspace_router: bool | None = None


@lru_cache(maxsize=4096)
def hostinfo(facts: tuple[tuple[str, Any], ...]) -> Hostinfo:
    """The facts, by name. Most machines say what others say too, so equal ones share one object and their texts."""
    known: dict[str, Any] = {name: intern(value) if isinstance(value, str) else value for name, value in facts}
    return Hostinfo(**known)


@dataclass(frozen=True, slots=True)
class Peer:
    """One machine of the tailnet.

    `name` is its short name, `dns_name` the full one. `owner` is a login, empty for tagged machines; an `owner_id` of 0
    is not known. `routes` are the subnets that it is the primary router of. `since` is when its presence began, as far
    as known. `key_expiry` is None for never; `machine_authorized` is None where the control server does not say.

    What has a default came later: a record that an older version wrote does not know it, and so may a control server.
    `os`, `hostname` and `hostinfo` are what the machine says of itself. `exit_node` says whether it offers to be one.
    `key` is the beginning of its node key, in hex. `key_seen` is when this `key_expiry` was first seen, `rung` where
    the key stands on the ladder of its life.
    """

    id: str
    name: str
    dns_name: str
    hostname: str
    os: str
    owner_id: int
    owner: str
    tags: tuple[str, ...]
    addresses: tuple[str, ...]
    routes: tuple[str, ...]
    presence: Presence
    since: datetime | None
    created: datetime | None
    key_expiry: datetime | None
    expired: bool
    machine_authorized: bool | None
    hostinfo: Hostinfo | None = None
    exit_node: bool | None = None
    key: str = ""
    key_seen: datetime | None = None
    rung: str = ""


FOREIGN = frozenset({"mullvad", "shared", "ingress"})
"""Why a peer may be none of the tailnet's own: a Mullvad exit node, shared into it, only there for Funnel traffic."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """A peer as a frame shows it. `foreign` is one of `FOREIGN`, empty for the tailnet's own."""

    peer: Peer
    last_seen: datetime | None
    foreign: str = ""


@dataclass(frozen=True, slots=True)
class Patch:
    """A change of contact alone; unknown presence or no `last_seen` leave them as they were."""

    presence: Presence
    last_seen: datetime | None


@dataclass(frozen=True, slots=True)
class Input:
    """What one frame says of one peer; if several, the removal came first and the patch last."""

    removed: bool = False
    sighting: Sighting | None = None
    patch: Patch | None = None
