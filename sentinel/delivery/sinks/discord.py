"""A channel at Discord: one embed per message, which calls nobody but whom the operator named."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import orjson

from sentinel.clock import rfc3339
from sentinel.delivery.digest import loudest
from sentinel.delivery.render import Limit, cut, escape_markdown, fit
from sentinel.delivery.sinks.posting import HttpAddress, HttpSettings, RefusedError
from sentinel.delivery.sinks.protocol import Wording
from sentinel.errors import ConfigError, Fault
from sentinel.events import Event, Message, Severity, Text
from sentinel.model import Audience

LIMIT = Limit(title=256, body=4096)
"""What an embed takes; both together stay below the 6,000 that it may have in all."""
COLOURS = {Severity.INFO: 0x3B82F6, Severity.WARNING: 0xF59E0B, Severity.CRITICAL: 0xDC2626}
ENDED = 0x16A34A

_MENTION = re.compile(r"@everyone|@here|<@&(?P<role>\d{1,20})>|<@!?(?P<user>\d{1,20})>")


@dataclass(frozen=True, slots=True)
class DiscordSettings:
    """`http.url` is the webhook's. `mention` (`@here`, `<@&ROLE>`, `<@USER>`, several with spaces) goes before what is
    a warning or worse and no ending."""

    http: HttpSettings
    mention: str = ""


class DiscordSink:
    """Posts each message as an embed and waits until Discord has stored it."""

    audience = Audience.PEOPLE

    def __init__(self, settings: DiscordSettings, *, wording: Wording) -> None:
        """Sends nothing; raises ConfigError with the paths `url`, `ca_file` or `mention`."""
        self._mention = settings.mention.strip()
        self._called = _called(self._mention)
        self._address = HttpAddress(settings.http, query="wait=true")
        self._wording = wording

    def send(self, message: Message, now: datetime) -> None:
        """Posts the message in words; raises DeliveryError."""
        event = loudest(message)
        embed = _embed(self._wording.text(message, now, LIMIT), _colour(event), event.timestamp)
        self._post(embed, now, calls=_alarms(event), key=message.key)

    def say(self, text: Text, severity: Severity, now: datetime) -> None:
        """Posts the text, calling nobody."""
        self._post(_embed(fit(text, LIMIT), COLOURS[severity], now), now)

    def close(self) -> None:
        """Lets go of the kept connections."""
        self._address.close()

    def _post(self, embed: Mapping[str, object], now: datetime, *, calls: bool = False, key: str = "") -> None:
        calls = calls and bool(self._mention)
        body = {
            "content": self._mention if calls else "",
            "embeds": [embed],
            "allowed_mentions": self._called if calls else {"parse": []},
        }
        headers = {"Content-Type": "application/json"} | ({"Idempotency-Key": key} if key else {})
        try:
            self._address.post(orjson.dumps(body), headers, now)
        except RefusedError as error:
            raise RefusedError(error.reply, now, asked=_asked(error.reply.body)) from None


def _embed(text: Text, colour: int, moment: datetime) -> dict[str, object]:
    return {
        "title": _escaped(text.title, LIMIT.title),
        "description": _escaped(text.body, LIMIT.body),
        "color": colour,
        "timestamp": rfc3339(moment),
    }


def _escaped(text: str, size: int) -> str:
    """The text as Markdown that shows it as it is, within `size` as Discord counts: in units of UTF-16."""
    room = size
    while True:
        escaped = escape_markdown(cut(text, room))
        over = len(escaped.encode("utf-16-le")) // 2 - size
        if over <= 0:
            return escaped
        # What is too long is mostly escapes and letters of two units, so half of the surplus is never too much to take.
        room -= max(1, over // 2)


def _colour(event: Event) -> int:
    return ENDED if event.type.problem == "ends" else COLOURS[event.severity]


def _alarms(event: Event) -> bool:
    return event.severity is not Severity.INFO and event.type.problem != "ends"


def _called(mention: str) -> dict[str, object]:
    """Whom Discord may call: exactly those who are named."""
    named = list(_MENTION.finditer(mention))
    if _MENTION.sub("", mention).strip():
        raise ConfigError((Fault("is no mention: use `@here`, `@everyone`, `<@&ROLE>` or `<@USER>`", path="mention"),))
    called = {
        "parse": ["everyone"] if any(found[0].startswith("@") for found in named) else [],
        "roles": [found["role"] for found in named if found["role"]],
        "users": [found["user"] for found in named if found["user"]],
    }
    return {kind: names for kind, names in called.items() if names or kind == "parse"}


def _asked(body: bytes) -> timedelta | None:
    """How long Discord wants to be left alone: more precise in the body than in the header."""
    try:
        parsed = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    seconds = parsed.get("retry_after") if isinstance(parsed, dict) else None
    if not isinstance(seconds, int | float) or isinstance(seconds, bool) or not 0 <= seconds < 10**6:
        return None
    return timedelta(seconds=seconds)
