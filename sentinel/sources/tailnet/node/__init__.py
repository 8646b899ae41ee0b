"""The edge's own node and the network that it is in: one subject each for the client, its settings, the network."""

from sentinel.sources.room import Kind, Timer
from sentinel.sources.tailnet.node import daemon, network
from sentinel.sources.tailnet.node.fold import advance_daemon, advance_prefs, advance_tailnet, next_due
from sentinel.sources.tailnet.node.model import DAEMON, PREFS, TAILNET, DaemonInput
from sentinel.sources.tailnet.node.prefs import settings
from sentinel.sources.tailnet.node.records import (
    decode_daemon,
    decode_prefs,
    decode_tailnet,
    detail_of_daemon,
    detail_of_prefs,
    detail_of_tailnet,
    encode,
)

DAEMON_DETECTORS = (daemon.state, daemon.login, daemon.health, daemon.key_life)

KINDS = {
    # What the client says of itself holds in any network, and just when the network cannot be seen.
    DAEMON: Kind(
        advance=advance_daemon,
        detectors=DAEMON_DETECTORS,
        encode=encode,
        decode=decode_daemon,
        on_move=DAEMON_DETECTORS,
        needs_sight=False,
        timer=Timer(next_due, DaemonInput()),
        detail=detail_of_daemon,
    ),
    PREFS: Kind(
        advance=advance_prefs,
        detectors=(settings,),
        encode=encode,
        decode=decode_prefs,
        needs_sight=False,
        detail=detail_of_prefs,
    ),
    TAILNET: Kind(
        advance=advance_tailnet,
        detectors=(network.domain, network.lock),
        encode=encode,
        decode=decode_tailnet,
        on_move=(network.moved,),
        needs_sight=False,
        detail=detail_of_tailnet,
    ),
}
