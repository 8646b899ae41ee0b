"""What people read about routes."""

from sentinel.clock import parse_rfc3339
from sentinel.events import Message, Reading, Text
from sentinel.sources.tailnet.routes.catalogue import FAILED_OVER, LOST, RESTORED
from sentinel.sources.tailnet.routes.model import EXIT_PREFIX, OFFLINE, REMOVED
from sentinel.times import duration, local_time, since

REASONS = {
    OFFLINE: "lost contact with Tailscale",
    REMOVED: "is no longer visible in the tailnet",
}


def _lost(message: Message, reading: Reading) -> Text:
    event, payload = message.event, message.event.payload()
    what, who, reason = _what(message), _names(payload["before_carriers"]), REASONS.get(str(payload["reason"]))
    when = since(event.timestamp, reading).removeprefix("at ")
    if reason is None:
        return Text(
            f"Nobody carries {what} any more",
            f"Nobody carries {what} since {when}: {who} gave it up. If nobody meant to, look at what it advertises and "
            "what is approved in the admin console.",
        )
    if _is_exit(payload):
        return Text(
            f"{_upper(what)} is lost",
            f"{_upper(what)} is lost since {when}: it {reason}. Machines that use it have no way to the internet until "
            f"they choose another one, or {who} is back.",
        )
    return Text(
        f"{_upper(what)} is lost",
        f"{_upper(what)} is lost since {when}: {who}, which carried it, {reason}. What is behind it cannot be reached "
        f"through the tailnet. Bring {who} back, or let another machine advertise the route.",
    )


def _restored(message: Message, reading: Reading) -> Text:
    event, payload = message.event, message.event.payload()
    what, when = _upper(_what(message)), local_time(event.timestamp, reading)
    gap = duration(event.timestamp - parse_rfc3339(str(payload["lost_since"])))
    if _is_exit(payload):
        return Text(f"{what} is back", f"{what} is back after {gap}, since {when}.")
    before, now = _names(payload["before_carriers"]), _names(payload["after_carriers"])
    instead = "" if now == before else f", no longer by {before}"
    return Text(f"{what} is back", f"{what} is back after {gap}: it is carried by {now} since {when}{instead}.")


def _failed_over(message: Message, reading: Reading) -> Text:
    event, payload = message.event, message.event.payload()
    before, now = _names(payload["before_carriers"]), _names(payload["after_carriers"])
    return Text(
        f"{_upper(_what(message))} moved to {now}",
        f"{_upper(_what(message))} is carried by {now} since {local_time(event.timestamp, reading)}, no longer by "
        f"{before}. What is behind it can still be reached.",
    )


def _what(message: Message) -> str:
    article = "the" if _is_exit(message.event.payload()) else "the route"
    return f"{article} {message.event.subject_name}"


def _is_exit(payload: dict[str, object]) -> bool:
    return str(payload["route"]).startswith(EXIT_PREFIX)


def _upper(text: str) -> str:
    return text[:1].upper() + text[1:]


def _names(carriers: object) -> str:
    found = carriers if isinstance(carriers, list) else []
    return " and ".join(str(carrier["name"]) for carrier in found)


WORDS = {LOST.name: _lost, RESTORED.name: _restored, FAILED_OVER.name: _failed_over}
