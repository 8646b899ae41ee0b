"""Single values of a configuration: variables in texts, zones, addresses. A ValueError says what to do about it."""

import re
from collections.abc import Collection, Mapping
from difflib import get_close_matches
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, available_timezones

from sentinel.config.places import known_zone

_VARIABLE = re.compile(r"\$\{([^}]*)\}?")


def nearest(name: str, names: Collection[str]) -> str:
    """Advice on a name that nobody knows."""
    near = get_close_matches(name.lower(), {known.lower(): known for known in names}, n=1, cutoff=0.5)
    if near:
        return f": did you mean `{next(known for known in names if known.lower() == near[0])}`?"
    return f": there are {', '.join(names)}" if names else ": there are none"


def variables(text: str) -> list[str]:
    """The names in the `${…}` of a text."""
    return _VARIABLE.findall(text)


def expand(text: object, env: Mapping[str, str]) -> str:
    """The text with each `${NAME}` replaced; a variable that is unset or empty is an error: never meant."""
    if not isinstance(text, str):
        raise ValueError("must be text: put it in quotes")
    for name in variables(text):
        if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name) or "${" + name + "}" not in text:
            raise ValueError("has a `${` that is not the beginning of `${NAME}`")
        if not env.get(name, "").strip():
            raise ValueError(f"uses ${{{name}}}, and the variable {name} is {'empty' if name in env else 'not set'}")
    return _VARIABLE.sub(lambda found: env[found[1]].strip(), text).strip()


def zone(name: object) -> ZoneInfo:
    """The IANA time zone of that name."""
    if isinstance(name, ZoneInfo):
        return name
    if (known := known_zone(name)) is not None:
        return known
    names = {candidate.lower(): candidate for candidate in available_timezones()}
    near = get_close_matches(str(name).lower(), names, n=1, cutoff=0.7)
    advice = f"did you mean {names[near[0]]}?" if near else "write for example Europe/Berlin"
    raise ValueError(f"is not a time zone of the IANA database: {advice}")


def web_address(text: str) -> str:
    """The address of an HTTP server, or nothing."""
    if not text:
        return text
    try:
        parts = urlsplit(text)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable or any(char.isspace() for char in text):
        raise ValueError("is not a web address: write for example https://control.example.com")
    return text
