"""What Sentinel knows of a peer, and what a frame can say of one."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Presence(StrEnum):
    """Contact with the control server; not the same as being reachable."""

    UNKNOWN = "unknown"
    ONLINE = "online"
    OFFLINE = "offline"


@dataclass(frozen=True, slots=True)
class Peer:
    """One machine of the tailnet.

    `name` is its short name, `dns_name` the full one. `owner` is a login, empty for tagged machines. `routes` are the
    subnets that it is the primary router of. `since` is when its presence began, as far as known. `key_expiry` is None
    for never; `machine_authorized` is None where the control server does not say.
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


@dataclass(frozen=True, slots=True)
class Sighting:
    """A peer as a frame shows it. `foreign` says why it is none of the tailnet's own (empty for its own)."""

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
