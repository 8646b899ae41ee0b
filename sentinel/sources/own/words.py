"""What people read about Sentinel itself."""

from sentinel.clock import parse_rfc3339
from sentinel.events import Message, Reading, Text
from sentinel.sources.own.catalogue import FAILING, RECOVERED
from sentinel.times import duration, local_time, since

MOST_NAMED = 10
"""Open problems that are named one by one."""


def _failing(message: Message, reading: Reading) -> Text:
    event, payload = message.event, message.event.payload()
    when = since(event.timestamp, reading).removeprefix("at ")
    return Text(
        f"Messages to {event.subject_name} do not arrive",
        f"Messages to {event.subject_name} have not arrived since {when}: {payload['error']}. {_given_up(payload)}What "
        "waits is sent once they do. Check its address, its credentials and the way there.",
    )


def _recovered(message: Message, reading: Reading) -> Text:
    event, payload = message.event, message.event.payload()
    name, when = event.subject_name, local_time(event.timestamp, reading)
    if not payload["configured"]:
        return Text(
            f"{name} is no longer configured",
            f"Nothing is sent to {name} any more since {when}: it is no longer in the configuration.",
        )
    gap = duration(event.timestamp - parse_rfc3339(str(payload["failing_since"])))
    told = f"Messages to {name} arrive again since {when}, after {gap}. {_given_up(payload)}{_still_open(payload)}"
    return Text(f"Messages to {name} arrive again", told.strip())


def _given_up(payload: dict[str, object]) -> str:
    """Deliveries that nobody tries again by itself."""
    count = payload["given_up"]
    if not count:
        return ""
    were, them = ("message was", "it") if count == 1 else ("messages were", "them")
    return f"{count} {were} given up: `sentinel-py dlq` lists {them} and sends {them} again. "


def _still_open(payload: dict[str, object]) -> str:
    found = payload["still_open"]
    lines = [str(line) for line in found] if isinstance(found, list) else []
    more = "; and more" if len(lines) > MOST_NAMED else ""
    return f"Still open: {'; '.join(lines[:MOST_NAMED])}{more}." if lines else ""


WORDS = {FAILING.name: _failing, RECOVERED.name: _recovered}
