"""Keeps the secrets of what a sink was given out of everything that is logged, stored or shown."""

import base64
import logging
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import unquote, unquote_plus

MASK = "***"

# Shorter parts are words of our own language by accident far more often than secrets.
_SHORTEST = 3
_WHOLE_WORD_BELOW = 8
_JOINTS = re.compile(r"[/@:,#;&=+?\s]+")
_LIBRARIES = ("apprise", "urllib3", "requests", "requests_oauthlib", "oauthlib")
_DESCRIPTIVE = ("choice", "bool", "int", "float")


def hush_libraries() -> None:
    """Lets nothing out of the loggers that spell out URLs; what matters of it is in the outcome of each send.

    At debug they print tokens and bodies, and even warnings may quote a URL, so no handler sees a line.
    Apprise itself still collects its warnings per send from the logger, which therefore stays on.
    """
    for name in _LIBRARIES:
        library = logging.getLogger(name)
        library.setLevel(logging.WARNING)
        library.propagate = False
        if not library.handlers:
            library.addHandler(logging.NullHandler())


def scrub(text: str, secrets: Iterable[str]) -> str:
    """The text with every secret masked, whatever its case. Short ones are masked as whole words only."""
    for secret in sorted(set(secrets), key=len, reverse=True):
        pattern = re.escape(secret)
        if len(secret) < _WHOLE_WORD_BELOW:
            pattern = rf"(?<!\w){pattern}(?!\w)"
        text = re.sub(pattern, MASK, text, flags=re.IGNORECASE)
    return text


def pieces(value: str) -> frozenset[str]:
    """The value and what it is made of, as far as that is long enough to be secret."""
    return frozenset(part for part in (value, *_JOINTS.split(value)) if len(part) >= _SHORTEST)


def secrets_of(url: str, *, public: Iterable[str], parameters: Mapping[str, Mapping[str, Any]]) -> frozenset[str]:
    """Everything in the URL that may be secret: user, password, path, values of the query and its headers.

    `public` are parts that may be shown (a host, a port). `parameters` describes the service's own parameters
    (name → `type`); values of those with a closed set of values, such as a priority, are no secrets.
    """
    place, _, query = url.partition("://")[2].partition("?")
    found = {*_parts_of_place(place), *_values_of_query(query, parameters)}
    shown = {part.lower() for part in public}
    return frozenset(part for part in found if len(part) >= _SHORTEST and part.lower() not in shown)


def _parts_of_place(place: str) -> Iterator[str]:
    login, _, _ = place.rpartition("@")
    yield from _spellings(login)
    if login:
        yield base64.b64encode(unquote(login).encode()).decode()
    path = place.rpartition("@")[2].partition("/")[2]
    yield from _spellings(path.rstrip("/"))
    for part in _JOINTS.split(place):
        yield from _spellings(part)


def _values_of_query(query: str, parameters: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    for pair in re.split(r"[&;]", query):
        name, _, value = pair.partition("=")
        kind = str(parameters.get(unquote(name).lower().strip(), {}).get("type", ""))
        if not kind.startswith(_DESCRIPTIVE):
            yield from _spellings(value)
            # A secret may stand behind a word of its scheme, as in `Bearer TOKEN`, or in a list.
            for part in re.split(r"[\s,/]+", unquote_plus(value)):
                yield from _spellings(part)


def _spellings(part: str) -> Iterator[str]:
    yield from (part, unquote(part), unquote_plus(part))
