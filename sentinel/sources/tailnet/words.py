"""What people read about a tailnet: who, what, since when, what it may mean, what to do."""

from datetime import datetime

from sentinel.clock import parse_rfc3339
from sentinel.events import Event, Message, Reading, Text
from sentinel.sources.tailnet.catalogue import ADDED, OFFLINE, ONLINE, REMOVED
from sentinel.sources.tailnet.facts import is_personal
from sentinel.times import duration, local_time, since

SYSTEMS = {
    "linux": "Linux",
    "windows": "Windows",
    "freebsd": "FreeBSD",
    "openbsd": "OpenBSD",
    "android": "Android",
}


UP_OR_DOWN = (
    "It may still be up on its own network; if nobody switched it off, check its power and its internet connection."
)
ASLEEP = "It may be asleep, switched off, or somewhere without internet."


def who(event: Event, payload: dict[str, object], reading: Reading) -> str:
    """`nas (tag:server, Linux)`: the name, whose it is, what it runs, and which tailnet if there are several."""
    tags, owner, system = payload["tags"], str(payload["owner"] or ""), str(payload["os"] or "")
    belongs = ", ".join(map(str, tags)) if isinstance(tags, list) and tags else owner
    about = [part for part in (belongs, SYSTEMS.get(system, system)) if part]
    if reading.several_networks:
        about.append(event.subject.source)
    return f"{event.subject_name} ({', '.join(about)})" if about else event.subject_name


def _added(message: Message, reading: Reading) -> Text:
    event, payload = message.event, message.event.payload()
    online = payload["online"] or any(earlier.type is ONLINE for earlier in message.folded)
    # A machine that comes in is in contact a moment later, which need not be worth another word.
    contact = " and is in contact" if online else ""
    if payload.get("machine_authorized") is False:
        contact = " and waits for an approval in the admin console"
    return Text(
        f"{event.subject_name} is new in the tailnet",
        f"{who(event, payload, reading)} is new in the tailnet since {local_time(event.timestamp, reading)}"
        f"{contact}. If nobody expected it, remove it in the admin console.",
    )


def _removed(message: Message, reading: Reading) -> Text:
    event, payload = message.event, message.event.payload()
    return Text(
        f"{event.subject_name} is no longer visible in the tailnet",
        f"{who(event, payload, reading)} is no longer visible since {local_time(event.timestamp, reading)}: it was "
        "removed from the tailnet, or an access rule now hides it. If nobody meant to, look in the admin console.",
    )


def _offline(message: Message, reading: Reading) -> Text:
    event, payload = message.event, message.event.payload()
    return Text(
        f"{event.subject_name} lost contact with Tailscale",
        f"{who(event, payload, reading)} lost contact with Tailscale {since(event.timestamp, reading)}. "
        + (ASLEEP if is_personal(payload["tags"], str(payload["os"])) else UP_OR_DOWN),
    )


def _online(message: Message, reading: Reading) -> Text:
    event, payload = message.event, message.event.payload()
    away_since = _away_since(message)
    if away_since is None:
        return Text(
            f"{event.subject_name} is in contact with Tailscale",
            f"{who(event, payload, reading)} is in contact with Tailscale since "
            f"{local_time(event.timestamp, reading)}.",
        )
    away = duration(event.timestamp - away_since)
    return Text(
        f"{event.subject_name} is back",
        f"{who(event, payload, reading)} is back after {away}, since {local_time(event.timestamp, reading)}.",
    )


def _away_since(message: Message) -> datetime | None:
    """When the absence began that ends here: as far as the reader was told, so across flips that nobody told."""
    first = next((event for event in (*message.folded, message.event) if event.type is ONLINE), message.event)
    since_text = first.payload().get("offline_since")
    return parse_rfc3339(str(since_text)) if since_text else None


REMEDIES = {
    "starting": "if this lasts, check tsnet.control_url and this machine's network",
    "needs_login": "log its node in, or set tsnet.auth_key to a fresh key and restart",
    "needs_approval": "approve its node in the admin console",
    "stopped": "its node was switched off: restart Sentinel to switch it on",
    "logging_required": "this tailnet demands client logs: set tsnet.log_upload to true and restart",
    "stale": "check this machine's internet connection and the control server",
}
"""What to do about a sidecar that does not see, by its reason."""

WORDS = {ADDED.name: _added, REMOVED.name: _removed, OFFLINE.name: _offline, ONLINE.name: _online}
