"""What people read about a peer that stays and changes: names, routes, keys, what it says of itself."""

from datetime import datetime

import orjson

from sentinel.clock import parse_rfc3339
from sentinel.events import Event, Message, Reading, Text
from sentinel.sources.tailnet.catalogue import (
    ADDRESSES,
    AUTHORIZED,
    EXIT_NODE,
    HOSTINFO,
    KEY_EXPIRED,
    KEY_EXPIRING,
    KEY_EXPIRY,
    KEY_RENEWED,
    KEY_ROTATED,
    OWNER,
    RENAMED,
    ROUTES,
    TAGS,
)
from sentinel.sources.tailnet.facts import is_personal
from sentinel.sources.tailnet.words import who
from sentinel.times import calendar, duration, local_time, since

UNINTENDED = "If nobody meant to, look in the admin console."
RELOGIN = (
    "Before that, log it in again on the machine itself (tailscale up --force-reauth, but not over its own Tailscale "
    "connection), or switch its key expiry off in the admin console."
)
RELOGIN_APP = "Before that, log in again in its Tailscale app."
EXPIRED = (
    "Log it in again on the machine itself (tailscale up). If it can only be reached through Tailscale, extend its key "
    "in the admin console for a while and log it in meanwhile. Do not switch its key expiry off now: that does not "
    "bring it back, and takes the extension away."
)
EXPIRED_APP = "Log in again in its Tailscale app. Switching its key expiry off does not bring it back."
FACTS = {
    "os": "system",
    "hostname": "host name",
    "os_version": "system version",
    "distro_code_name": "distribution code name",
    "distro": "distribution",
    "distro_version": "distribution version",
    "client_version": "Tailscale",
    "device_model": "model",
    "app": "program",
    "machine": "architecture",
    "exit_node_id": "exit node in use",
    "ssh_host_keys": "SSH host keys",
    "routable_ips": "offered routes",
    "request_tags": "requested tags",
    "shields_up": "refuses connections",
    "no_logs_no_support": "uploads no logs",
    "allows_update": "may be updated remotely",
    "remote_config": "may be configured remotely",
    "ingress_enabled": "serves Funnel",
    "tpm": "TPM",
}
"""What a fact is called where its own name would not be understood."""


def _routes(message: Message, reading: Reading) -> Text:
    event, payload = message.event, message.event.payload()
    added, removed = _moved(message, "routes")
    told = _now_and_no_longer("carries", added, removed)
    check = " If others rely on it, check that another router carries it, and that the route is approved."
    return Text(
        f"The routes of {event.subject_name} changed",
        f"{who(event, payload, reading)} {told} since {local_time(event.timestamp, reading)}."
        + (check if removed else ""),
    )


def _tags(message: Message, reading: Reading) -> Text:
    event, payload = message.event, message.event.payload()
    told = _now_and_no_longer("has", *_moved(message, "tags"))
    return Text(
        f"The tags of {event.subject_name} changed",
        f"{who(event, payload, reading)} {told} since {local_time(event.timestamp, reading)}. "
        f"Access rules follow tags. {UNINTENDED}",
    )


def _addresses(message: Message, reading: Reading) -> Text:
    event, payload = message.event, message.event.payload()
    added, removed = _moved(message, "ips")
    told = _now_and_no_longer("has", added, removed)
    outdated = " Whatever uses the old address has to be changed." if removed else ""
    return Text(
        f"The addresses of {event.subject_name} changed",
        f"{who(event, payload, reading)} {told} since {local_time(event.timestamp, reading)}.{outdated}",
    )


def _renamed(message: Message, reading: Reading) -> Text:
    event, payload = message.event, message.event.payload()
    before = _first(message)["before_name"]
    return Text(
        f"{before} is now called {event.subject_name}",
        f"{before} is called {who(event, payload, reading)} since {local_time(event.timestamp, reading)}. "
        "Whatever uses the old name has to be changed.",
    )


def _owner(message: Message, reading: Reading) -> Text:
    event, payload = message.event, message.event.payload()
    before = str(_first(message)["before_owner"] or "somebody")
    return Text(
        f"{event.subject_name} has another owner",
        f"{who(event, payload, reading)} belongs to {payload['after_owner'] or 'somebody else'} since "
        f"{local_time(event.timestamp, reading)}, no longer to {before}. {UNINTENDED}",
    )


def _exit_node(message: Message, reading: Reading) -> Text:
    event, payload = message.event, message.event.payload()
    subject, time = who(event, payload, reading), local_time(event.timestamp, reading)
    if payload["exit_node"]:
        return Text(
            f"{event.subject_name} is now an exit node",
            f"{subject} is an exit node since {time}: machines that choose it send all their internet traffic through "
            f"it. {UNINTENDED}",
        )
    return Text(
        f"{event.subject_name} is no longer an exit node",
        f"{subject} is no longer an exit node since {time}: machines that use it have no internet until they choose "
        "another one or none.",
    )


def _approval(message: Message, reading: Reading) -> Text:
    event, payload = message.event, message.event.payload()
    subject = who(event, payload, reading)
    if payload["machine_authorized"]:
        told = f"{subject} was approved {since(event.timestamp, reading)}, and may use the tailnet."
        return Text(f"{event.subject_name} was approved", told)
    return Text(
        f"{event.subject_name} needs approval",
        f"{subject} waits for an approval since {local_time(event.timestamp, reading)} and cannot use the tailnet "
        "until then. Approve it in the admin console, or remove it if nobody expected it.",
    )


def _key_expiring(message: Message, reading: Reading) -> Text:
    event, payload = message.event, message.event.payload()
    expiry = _moment(payload["key_expiry"]) or event.timestamp
    if expiry <= reading.now:
        return Text(
            f"The key of {event.subject_name} was to expire {calendar(expiry, reading)}",
            f"The key of {who(event, payload, reading)} was to expire {calendar(expiry, reading)}. Unless it was "
            "renewed meanwhile, nobody can reach it through Tailscale any longer.",
        )
    return Text(
        f"The key of {event.subject_name} expires {calendar(expiry, reading)}",
        f"{who(event, payload, reading)} loses its connection {calendar(expiry, reading)}, in "
        f"{duration(expiry - reading.now)}: its key expires then. "
        + (RELOGIN_APP if _is_personal(payload) else RELOGIN),
    )


def _key_expired(message: Message, reading: Reading) -> Text:
    event, payload = message.event, message.event.payload()
    return Text(
        f"The key of {event.subject_name} has expired",
        f"The key of {who(event, payload, reading)} expired {since(event.timestamp, reading)}: nobody can reach it "
        f"through Tailscale any longer. {EXPIRED_APP if _is_personal(payload) else EXPIRED}",
    )


def _key_renewed(message: Message, reading: Reading) -> Text:
    event, payload = message.event, message.event.payload()
    return Text(
        f"The key of {event.subject_name} was renewed",
        f"The key of {who(event, payload, reading)} was renewed {since(event.timestamp, reading)}. "
        f"It {_end(payload['key_expiry'], reading)}.",
    )


def _key_expiry(message: Message, reading: Reading) -> Text:
    event, payload = message.event, message.event.payload()
    before = _end(_first(message)["before_key_expiry"], reading, was=True)
    return Text(
        f"The key of {event.subject_name} {_end(payload['after_key_expiry'], reading)}",
        f"The key of {who(event, payload, reading)} {_end(payload['after_key_expiry'], reading)}; before, it {before}.",
    )


def _key_rotated(message: Message, reading: Reading) -> Text:
    event, payload = message.event, message.event.payload()
    return Text(
        f"{event.subject_name} has a new key",
        f"{who(event, payload, reading)} has a new key since {local_time(event.timestamp, reading)}, as after a new "
        "login. If nobody logged it in again, find out who did.",
    )


def _hostinfo(message: Message, reading: Reading) -> Text:
    event, payload = message.event, message.event.payload()
    changes = _facts(message)
    told = "; ".join(f"{_called(fact)} {_shown(now)} (before: {_shown(was)})" for fact, (was, now) in changes.items())
    version = changes.get("client_version")
    title = (
        f"{event.subject_name} now runs Tailscale {_shown(version[1])}"
        if version and len(changes) == 1
        else f"{event.subject_name} reports something new about itself"
    )
    return Text(title, f"{who(event, payload, reading)} reports since {local_time(event.timestamp, reading)}: {told}.")


def _alike(message: Message) -> list[Event]:
    """The events of this type that are told here, oldest first."""
    return [event for event in (*message.folded, message.event) if event.type is message.event.type]


def _first(message: Message) -> dict[str, object]:
    """The payload that knows what was before all that is told here."""
    return _alike(message)[0].payload()


def _moved(message: Message, name: str) -> tuple[list[str], list[str]]:
    """What a list gained and what it lost over all that is told here."""
    before, after = _texts(_first(message)[f"before_{name}"]), _texts(message.event.payload()[f"after_{name}"])
    return [value for value in after if value not in before], [value for value in before if value not in after]


def _texts(value: object) -> list[str]:
    return [str(item) for item in value] if isinstance(value, list) else []


def _now_and_no_longer(verb: str, added: list[str], removed: list[str]) -> str:
    """`now has a and b, and no longer c`."""
    gained, lost = _and(added), _and(removed)
    if gained and lost:
        return f"now {verb} {gained}, and no longer {lost},"
    return f"now {verb} {gained}" if gained else f"no longer {verb} {lost}"


def _and(values: list[str]) -> str:
    return " and ".join(part for part in (", ".join(values[:-1]), *values[-1:]) if part)


def _facts(message: Message) -> dict[str, tuple[object, object]]:
    """Each fact that differs from what it was before all that is told here: before and after."""
    facts: dict[str, tuple[object, object]] = {}
    for event in _alike(message):
        for change in orjson.loads(event.body)["changes"]:
            fact = change["path"].removeprefix("hostinfo.")
            facts[fact] = (facts.get(fact, (change["before"],))[0], change["after"])
    return {fact: (was, now) for fact, (was, now) in facts.items() if was != now}


def _called(fact: str) -> str:
    return FACTS.get(fact, fact.replace("_", " "))


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return _and([str(item) for item in value]) or "none"
    return str(value or "unknown")


def _end(value: object, reading: Reading, *, was: bool = False) -> str:
    """`expires on Nov 20, 2031` or `never expires`, in the past tense if it `was`."""
    moment = _moment(value)
    if moment is None:
        return "was never to expire" if was else "never expires"
    return f"{'was to expire' if was else 'expires'} {calendar(moment, reading)}"


def _moment(value: object) -> datetime | None:
    return parse_rfc3339(str(value)) if value else None


def _is_personal(payload: dict[str, object]) -> bool:
    return is_personal(payload["tags"], str(payload["os"]))


WORDS_OF_CHANGES = {
    ROUTES.name: _routes,
    TAGS.name: _tags,
    ADDRESSES.name: _addresses,
    RENAMED.name: _renamed,
    OWNER.name: _owner,
    EXIT_NODE.name: _exit_node,
    AUTHORIZED.name: _approval,
    KEY_EXPIRING.name: _key_expiring,
    KEY_EXPIRED.name: _key_expired,
    KEY_RENEWED.name: _key_renewed,
    KEY_EXPIRY.name: _key_expiry,
    KEY_ROTATED.name: _key_rotated,
    HOSTINFO.name: _hostinfo,
}
