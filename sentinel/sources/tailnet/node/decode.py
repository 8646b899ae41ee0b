"""From messages of the wire to what they say of the own node and its network."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from google.protobuf.timestamp_pb2 import Timestamp

from sentinel.model import Sight
from sentinel.sources.room import Inputs
from sentinel.sources.tailnet.node.model import (
    DAEMON,
    LOCAL,
    NETWORK,
    PREFS,
    TAILNET,
    DaemonInput,
    HealthWarning,
    Key,
    Login,
    Prefs,
    TailnetInput,
)
from sentinel.wire.v1 import frame_pb2, tailnet_pb2

Moment = Callable[[Timestamp], datetime]


def said_by_base(begin: frame_pb2.BaseBegin, moment: Moment) -> Inputs:
    """What a base says. An edge may leave parts of it out: they stay as they were."""
    self_id = begin.self.node.stable_id
    inputs: dict[str, dict[str, Any]] = {
        DAEMON: {
            LOCAL: DaemonInput(
                state=begin.daemon.state,
                login=Login(needed=False),
                warnings=_warnings(begin.health) if begin.HasField("health") else None,
                key=_key(begin.self.node, moment) if self_id else None,
            )
        },
        TAILNET: {NETWORK: _tailnet(begin.tailnet, self_id)},
    }
    if begin.HasField("prefs"):
        inputs[PREFS] = {LOCAL: _prefs(begin.prefs)}
    return inputs


def said_by_sight(sight: Sight) -> Inputs:
    """That a login is needed lasts until the edge sees: what else keeps it from seeing comes and goes in between."""
    if sight.seeing:
        return _of_daemon(DaemonInput(login=Login(needed=False)))
    if sight.reason != "needs_login":
        return {}
    return _of_daemon(DaemonInput(login=Login(True, sight.detail, sight.needs_operator)))


def said_by_value(message: frame_pb2.Frame, body: str, moment: Moment) -> Inputs:
    """What a frame says that carries one value.

    Before its first base an edge may be on its way into another network, of which only the base can tell.
    """
    based = message.position.epoch > 0
    match body:
        case "daemon":
            return _of_daemon(DaemonInput(state=message.daemon.state))
        case "health":
            return _of_daemon(DaemonInput(warnings=_warnings(message.health)))
        case "prefs":
            return {PREFS: {LOCAL: _prefs(message.prefs)}}
        case "self" if based:
            return _of_daemon(DaemonInput(key=_key(message.self.node, moment)))
        case "tailnet" if based:
            return {TAILNET: {NETWORK: _tailnet(message.tailnet, self_id="")}}
        case _:
            return {}


def _of_daemon(said: DaemonInput) -> Inputs:
    return {DAEMON: {LOCAL: said}}


def _key(node: tailnet_pb2.Node, moment: Moment) -> Key:
    return Key(moment(node.key_expiry) if node.HasField("key_expiry") else None, node.expired)


def _warnings(health: tailnet_pb2.Health) -> tuple[HealthWarning, ...]:
    return tuple(HealthWarning(warning.code, warning.severity, warning.title) for warning in health.warnings)


def _prefs(prefs: tailnet_pb2.Prefs) -> Prefs:
    return Prefs(
        advertise_routes=tuple(sorted(prefs.advertise_routes)),
        exit_node=prefs.exit_node_id or prefs.exit_node_ip,
        run_ssh=prefs.run_ssh,
        shields_up=prefs.shields_up,
    )


def _tailnet(tailnet: tailnet_pb2.Tailnet, self_id: str) -> TailnetInput:
    lock = tailnet.lock_enabled if tailnet.HasField("lock_enabled") else None
    return TailnetInput(tailnet.domain, self_id, lock)
