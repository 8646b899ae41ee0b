"""What people read about Sentinel's own node and the network it is in."""

from sentinel.clock import parse_rfc3339
from sentinel.events import Event, Message, Reading, Text
from sentinel.sources.tailnet import ladder
from sentinel.sources.tailnet.node.catalogue import (
    DOMAIN,
    EXIT_NODE,
    HEALTH,
    KEY,
    LOCK,
    LOGIN,
    ROUTES,
    RUN_SSH,
    SHIELDS_UP,
    STATE,
)
from sentinel.times import calendar, local_time, since

STATES = {
    "Stopped": "switched off",
    "NeedsLogin": "logged out",
    "NeedsMachineAuth": "waiting for approval",
    "InUseOtherUser": "in use by somebody else on its machine",
}
STATE_REMEDIES = {
    "Stopped": "Restart Sentinel to switch it on.",
    "NeedsLogin": "Log it in, or give Sentinel a fresh auth key and restart it.",
    "NeedsMachineAuth": "Approve it in the admin console.",
}


def _node(event: Event, reading: Reading) -> str:
    return f"Sentinel's own node in {event.subject.source}" if reading.several_networks else "Sentinel's own node"


def _state(message: Message, reading: Reading) -> Text:
    event, node = message.event, _node(message.event, reading)
    state = str(event.payload()["after_state"])
    if event.problem == "ends":
        return Text(f"{node} runs again", f"{node} runs again since {local_time(event.timestamp, reading)}.")
    word = STATES.get(state, f"in the state {state}")
    remedy = STATE_REMEDIES.get(state, "If this lasts, look at Sentinel's log.")
    return Text(
        f"{node} is {word}",
        f"{node} is {word} since {_from(event, reading)}. Until it runs, Sentinel cannot see the tailnet. {remedy}",
    )


def _login(message: Message, reading: Reading) -> Text:
    event, node, payload = message.event, _node(message.event, reading), message.event.payload()
    if event.problem == "ends":
        return Text(
            f"{node} is logged in again",
            f"{node} is logged in again and sees the tailnet since {local_time(event.timestamp, reading)}.",
        )
    why = f" ({payload['detail']})" if payload["detail"] else ""
    return Text(
        f"{node} has to be logged in",
        f"{node} has to be logged in since {_from(event, reading)}{why}. Until then Sentinel cannot see the tailnet: "
        "its status and its log show where to log in, or give it a fresh auth key and restart it.",
    )


def _from(event: Event, reading: Reading) -> str:
    return since(event.timestamp, reading).removeprefix("at ")


def _health(message: Message, reading: Reading) -> Text:
    event, node, payload = message.event, _node(message.event, reading), message.event.payload()
    if event.problem == "ends":
        return Text(f"{node} is healthy again", f"The Tailscale client of {node} has nothing to complain of any more.")
    added, removed = _titles(payload["added"]), _titles(payload["removed"])
    told = [f"It says now: {added}." if added else "", f"Over is: {removed}." if removed else ""]
    return Text(
        f"{node} is not well",
        f"The Tailscale client of {node} warns since {local_time(event.timestamp, reading)}. "
        f"{' '.join(filter(None, told))} What Sentinel tells may come late or not at all while this lasts.",
    )


def _titles(warnings: object) -> str:
    found = warnings if isinstance(warnings, list) else []
    return "; ".join(str(warning["title"] or warning["code"]).rstrip(".") for warning in found)


def _key(message: Message, reading: Reading) -> Text:
    event, node, payload = message.event, _node(message.event, reading), message.event.payload()
    if event.problem == "ends":
        return Text(f"The key of {node} was renewed", f"The key of {node} was renewed{_end(payload, reading)}.")
    if payload["rung"] == ladder.EXPIRED:
        return Text(
            f"The key of {node} has expired",
            f"The key of {node} has expired. Sentinel cannot see the tailnet until its node is logged in again: log it "
            "in, or give Sentinel a fresh auth key and restart it.",
        )
    expires = calendar(parse_rfc3339(str(payload["key_expiry"])), reading)
    return Text(
        f"The key of {node} expires soon",
        f"The key of {node} expires {expires}. From then on Sentinel cannot see the "
        "tailnet. Log its node in again before that, or switch key expiry off for it in the admin console.",
    )


def _end(payload: dict[str, object], reading: Reading) -> str:
    if not payload["key_expiry"]:
        return " and never expires"
    return f" and expires {calendar(parse_rfc3339(str(payload['key_expiry'])), reading)}"


def _routes(message: Message, reading: Reading) -> Text:
    payload = message.event.payload()
    before, after = _listed(payload["before_routes"]), _listed(payload["after_routes"])
    offers = f"now offers to route {after}" if after else "no longer offers to route anything"
    return _set(message, reading, offers, f"Before, it was {before or 'nothing'}.")


def _exit_node(message: Message, reading: Reading) -> Text:
    payload = message.event.payload()
    if payload["after_exit_node_id"]:
        return _set(message, reading, "now uses an exit node", "Its internet traffic leaves through another machine.")
    return _set(message, reading, "no longer uses an exit node", "Its internet traffic leaves from its own machine.")


def _run_ssh(message: Message, reading: Reading) -> Text:
    if message.event.payload()["after_run_ssh"]:
        return _set(message, reading, "now runs Tailscale SSH", "Whom the access rules allow can log in there.")
    return _set(message, reading, "no longer runs Tailscale SSH", "Nobody can log in there that way.")


def _shields_up(message: Message, reading: Reading) -> Text:
    if message.event.payload()["after_shields_up"]:
        return _set(message, reading, "now refuses incoming connections", "Sentinel does not need any.")
    return _set(message, reading, "accepts incoming connections again", "The access rules say from whom.")


def _set(message: Message, reading: Reading, does: str, what_else: str) -> Text:
    node = _node(message.event, reading)
    when = local_time(message.event.timestamp, reading)
    return Text(
        f"{node} {does}",
        f"{node} {does} since {when}. {what_else} If nobody meant to change its settings, find out who did.",
    )


def _listed(values: object) -> str:
    return ", ".join(map(str, values)) if isinstance(values, list) else ""


def _domain(message: Message, reading: Reading) -> Text:
    event, payload = message.event, message.event.payload()
    before, after = payload["before_domain"] or "another tailnet", payload["after_domain"] or "a tailnet without name"
    when = local_time(event.timestamp, reading)
    if payload["another_tailnet"]:
        return Text(
            f"{_node(event, reading)} is in another tailnet",
            f"{_node(event, reading)} is in {after} since {when}, no longer in {before}. What is there is taken as it "
            "is, and only changes are told from now on. If nobody meant to, log it in where it belongs.",
        )
    return Text(f"The tailnet is now called {after}", f"The tailnet {before} is called {after} since {when}.")


def _lock(message: Message, reading: Reading) -> Text:
    event = message.event
    when = local_time(event.timestamp, reading)
    if event.payload()["after_tka_enabled"]:
        return Text(
            "Tailnet lock is on",
            f"Tailnet lock of {event.subject_name} is on since {when}: machines that nobody signed are not let in.",
        )
    return Text(
        "Tailnet lock is off",
        f"Tailnet lock of {event.subject_name} is off since {when}: machines are let in without a signature. If nobody "
        "meant to, look in the admin console.",
    )


WORDS = {
    STATE.name: _state,
    LOGIN.name: _login,
    HEALTH.name: _health,
    KEY.name: _key,
    ROUTES.name: _routes,
    EXIT_NODE.name: _exit_node,
    RUN_SSH.name: _run_ssh,
    SHIELDS_UP.name: _shields_up,
    DOMAIN.name: _domain,
    LOCK.name: _lock,
}
