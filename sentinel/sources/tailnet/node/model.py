"""What Sentinel knows of its own node and of the network that it is in, and what a frame can say of them.

Every source has one subject of each of these kinds: the client that runs the node, what it is set to, the network. In
what a frame says, None and empty stand for what it does not say.
"""

from dataclasses import dataclass
from datetime import datetime

DAEMON = "daemon"
PREFS = "prefs"
TAILNET = "tailnet"
"""Types of subjects."""
LOCAL = "local"
"""Id of the node's own subjects."""
NETWORK = "tailnet"
"""Id of the network: its name may change, so it is none."""

RUNNING, NEEDS_LOGIN = "Running", "NeedsLogin"
"""States of the client, as it spells them."""


@dataclass(frozen=True, slots=True)
class HealthWarning:
    """Something that the client is unhappy with; `code` names it, `severity` is the client's own."""

    code: str
    severity: str
    title: str


@dataclass(frozen=True, slots=True)
class Daemon:
    """The client that runs the edge's node.

    `state` is as the client spells it. `warnings` are None as long as nobody said anything of them. `key_expiry` is
    None for never; `key_seen` is when its life was first seen, None before the first look at the own node; `rung`
    is where it stands on the ladder of its life.
    """

    state: str = ""
    login_needed: bool = False
    login_detail: str = ""
    needs_operator: bool = False
    warnings: tuple[HealthWarning, ...] | None = None
    key_expiry: datetime | None = None
    key_seen: datetime | None = None
    key_expired: bool = False
    rung: str = ""

    @property
    def name(self) -> str:
        """It has none of its own."""
        return LOCAL


@dataclass(frozen=True, slots=True)
class Prefs:
    """What the node is set to. `exit_node` is the id or the address of the exit node that it uses."""

    advertise_routes: tuple[str, ...] = ()
    exit_node: str = ""
    run_ssh: bool = False
    shields_up: bool = False

    @property
    def name(self) -> str:
        """It has none of its own."""
        return LOCAL


@dataclass(frozen=True, slots=True)
class Tailnet:
    """The network. `self_id` is the own node's id in the newest base; `tka_enabled` says whether tailnet lock is on."""

    domain: str = ""
    self_id: str = ""
    tka_enabled: bool | None = None

    @property
    def name(self) -> str:
        """Its domain, if it has one."""
        return self.domain or NETWORK


@dataclass(frozen=True, slots=True)
class Login:
    """Whether somebody has to log the node in, and what else there is to say."""

    needed: bool
    detail: str = ""
    needs_operator: bool = False


@dataclass(frozen=True, slots=True)
class Key:
    """The own node's key: when it expires (None for never) and whether the control server says that it has."""

    expiry: datetime | None
    expired: bool


@dataclass(frozen=True, slots=True)
class DaemonInput:
    """What one frame says of the client."""

    state: str = ""
    login: Login | None = None
    warnings: tuple[HealthWarning, ...] | None = None
    key: Key | None = None


@dataclass(frozen=True, slots=True)
class TailnetInput:
    """What one frame says of the network."""

    domain: str = ""
    self_id: str = ""
    tka_enabled: bool | None = None
