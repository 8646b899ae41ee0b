"""A URL full of made-up secrets for every service that Apprise loads, from what each says of its own URLs.

What stands in a place is random, so that eight characters of it anywhere are no coincidence.
"""

import io
import itertools
import random
import re
import string
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

from sentinel.delivery.sinks import AppriseSettings, Lines, Sink, SinkSpec, Wording, build
from sentinel.delivery.sinks.apprise import _check_service, _known_services
from sentinel.errors import ConfigError

HOST, PORT, REGION = "host.example", "9", "us-east-1"
_TELLING = 8
WORDING = Wording({}, ZoneInfo("UTC"))
_LENGTHS = (12, 16, 20, 24, 27, 32, 34, 36, 40, 43, 44, 48, 60, 64, 68, 128, 18, 22, 30, 8, 10, 9, 6)
_ALPHABETS = (string.ascii_letters, string.hexdigits[:16], string.digits, string.ascii_letters + string.digits)
_PREFIXES = ("", "+", "xoxb-", "AC", "AT_", "UID_", "WPUSH", "hlk_", "lpt_", "ylk_", "pingram_sk_")
_SHAPES = (
    "########-####-4###-8###-############",
    "#########:############",
    "#######.########",
    "trgv_########_" + "#" * 32,
)
_WITHOUT_SECRETS = ("choice", "bool", "int", "float")

# Each is looked for in a list of all that there are, and none is a secret.
_NOT_FREE = frozenset({"tz", "to"})

_BY_HAND = {
    "aprs": "aprs://DF1XYZ:{pin}@DF1JSL",
    "dapnet": "dapnet://{a}:{b}@DF1JSL",
    "humhub": "humhub://{a}:{b}@{host}:{port}/123456",
    "nostr": "nostr://{hex64}",
    "pagertree": "pagertree://int_{a}",
    "ringc": "ringc://15551234567:{a}@{b}/{c}/15557654321",
    "session": "session://{hex64}:{hex64}@{host}:{port}/{a}",
    "threema": "threema://*MYGATE1@{a}/+15551234567",
    "vapid": "vapid://{a}@host.example/{b}@host.example",
    "voipms": "voipms://{a}:{b}@host.example/+15551234567/+15557654321",
    "wechat": "wechat://{a}:{b}@1000002/@{c}",
}
"""Services that say of their URLs less than they ask for."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """A service's URL, and all that stands in it and may be shown nowhere."""

    schema: str
    url: str
    canaries: frozenset[str]

    def sink(self) -> Sink:
        """The sink of this URL."""
        spec = SinkSpec("phone", "apprise", AppriseSettings(self.url))
        return build(spec, wording=WORDING, lines=Lines(io.BytesIO()))

    def shown_in(self, text: str) -> set[str]:
        """The secrets of which eight characters in a row stand in the text."""
        lower = text.lower()
        return {canary for canary in self.canaries if any(part in lower for part in _windows(canary.lower()))}


def _windows(canary: str) -> Iterator[str]:
    size = min(len(canary), _TELLING)
    return (canary[at : at + size] for at in range(len(canary) - size + 1))


def permitted() -> list[str]:
    """One scheme for every service that a sink may use."""
    services = _known_services()
    first: dict[Any, str] = {}
    for scheme in sorted(services.schemas()):
        first.setdefault(services[scheme], scheme)
    return [scheme for service, scheme in first.items() if _is_permitted(scheme, service)]


def _is_permitted(scheme: str, service: Any) -> bool:
    try:
        _check_service(scheme, service)
    except ConfigError:
        return False
    return True


def loaded(schema: str) -> list[Loaded]:
    """The service's URLs that load, one for each of the forms that it knows, with everything in them that fits."""
    service, draw = _known_services()[schema], random.Random(zlib.crc32(schema.encode()))
    found = [_filled(schema, template, service, draw) for template in service.templates]
    if schema in _BY_HAND:
        found.append(_by_hand(_BY_HAND[schema], draw))
    return [_with_query(one, service, draw) for one in found if _loads(one.url)]


def _loads(url: str) -> bool:
    try:
        Loaded("", url, frozenset()).sink()
    except ConfigError:
        return False
    return True


def _filled(schema: str, template: str, service: Any, draw: random.Random) -> Loaded:
    """The form with something in each of its places; what has a choice of values, or a number, is no secret."""
    canaries: list[str] = []

    def value(found: re.Match[str]) -> str:
        known = {"schema": schema, "host": HOST, "port": PORT}
        if found[1] in known:
            return known[found[1]]
        token = _token(found[1], service.template_tokens)
        if str(token.get("type", "")).startswith(_WITHOUT_SECRETS):
            return str(next(iter(token.get("values") or [token.get("min", 5)])))
        prefix = str(token.get("prefix") or "") if found[1] == "targets" else ""
        chosen = _email(draw) if token.get("type") == "email" else next(_fitting(token.get("regex"), draw), REGION)
        canaries.extend([chosen.partition("@")[0]] if chosen != REGION else [])
        return quote(prefix + chosen, safe="@:+#!.")

    url = re.sub(r"\{(\w+)\}", value, template)
    return Loaded(schema, url, frozenset(canaries))


def _token(name: str, tokens: Mapping[str, Mapping[str, Any]]) -> Mapping[str, Any]:
    """What may stand in a place; of all the kinds of targets, the first."""
    kinds = (other for key, other in tokens.items() if name == "targets" != key and other.get("map_to") == name)
    return next(kinds, tokens.get(name, {}))


def _email(draw: random.Random) -> str:
    return f"{_random(string.ascii_lowercase, 12, draw)}@{HOST}"


def _fitting(regex: tuple[str, ...] | None, draw: random.Random) -> Iterator[str]:
    """Random values that the pattern takes, if it is one of the usual ones."""
    pattern = re.compile(regex[0], re.IGNORECASE if "i" in (regex[1] or "") else 0) if regex else None
    plain = (_random(alphabet, length, draw) for length in _LENGTHS for alphabet in _ALPHABETS)
    shaped = (re.sub("#", lambda _: draw.choice(string.digits), shape) for shape in _SHAPES)
    for value in itertools.chain(plain, shaped):
        yield from (prefix + value for prefix in _PREFIXES if pattern is None or pattern.match(prefix + value))


def _random(alphabet: str, length: int, draw: random.Random) -> str:
    return "".join(draw.choice(alphabet) for _ in range(length))


def _by_hand(template: str, draw: random.Random) -> Loaded:
    values = {name: _random(string.ascii_letters, 12, draw) for name in "abc"}
    values |= {"hex64": _random(string.hexdigits[:16], 64, draw), "pin": _random(string.digits, 5, draw)}
    url = template.format(host=HOST, port=PORT, **values)
    return Loaded(template.partition(":")[0], url, frozenset(value for value in values.values() if value in url))


def _with_query(plain: Loaded, service: Any, draw: random.Random) -> Loaded:
    """The same with a secret in every parameter and header, or in each by itself with which it still loads."""
    chosen = {name: _random(string.ascii_letters, 14, draw) for name in _parameters(service)}
    full = _with_parameters(plain, chosen)
    if _loads(full.url):
        return full
    for name, value in chosen.items():
        longer = _with_parameters(plain, {name: value})
        plain = longer if _loads(longer.url) else plain
    return plain


def _with_parameters(plain: Loaded, chosen: Mapping[str, str]) -> Loaded:
    joint = "&" if "?" in plain.url else "?"
    query = "&".join(f"{name}={value}" for name, value in chosen.items())
    return Loaded(plain.schema, f"{plain.url}{joint}{query}", plain.canaries | set(chosen.values()))


def _parameters(service: Any) -> Iterator[str]:
    for name, parameter in service.template_args.items():
        free = not str(parameter.get("type", "")).startswith(_WITHOUT_SECRETS)
        if free and "alias_of" not in parameter and name not in _NOT_FREE:
            yield name
    for parameter in service.template_kwargs.values():
        yield f"{quote(parameter['prefix'])}canary"
