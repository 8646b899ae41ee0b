"""Single values of a configuration: paths, zones, variables in texts. A ValueError says what to do about it."""

import os
import re
from collections.abc import Collection, Mapping
from difflib import get_close_matches
from pathlib import Path
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, available_timezones

# The kernel's limit for the address of a unix socket is 108 bytes with the zero that ends it.
LONGEST_SOCKET = 107
LOCALTIME = Path("/etc/localtime")
STATE_PATH = Path(".sentinel/state.db")
"""The store, unless the configuration says otherwise."""

_VARIABLE = re.compile(r"\$\{([^}]*)\}?")


def absolute_path(text: object, *, cwd: Path, home: str) -> Path:
    """The path, starting at `cwd` unless it says otherwise; `~/` is `home`."""
    if isinstance(text, Path):
        return cwd / text
    if not isinstance(text, str):
        raise ValueError("must be a path")
    if not text.strip() or "\0" in text:
        raise ValueError("must be a path, not empty")
    if text.startswith("~/") and home:
        return Path(home) / text[2:]
    return cwd / text


def socket_path(path: Path) -> Path:
    """The path, if a unix socket can have it."""
    length = len(os.fsencode(path))
    if length > LONGEST_SOCKET:
        raise ValueError(
            f"is {length} bytes long and a unix socket's path can have {LONGEST_SOCKET}: "
            "name a shorter one, for example in /run/sentinel"
        )
    return path


def socket_directory(env: Mapping[str, str], state_directory: Path) -> Path:
    """Where sockets stand unless the configuration says otherwise."""
    # The service manager separates several directories with colons.
    if runtime := env.get("RUNTIME_DIRECTORY", "").partition(":")[0]:
        return Path(runtime)
    if user_runtime := env.get("XDG_RUNTIME_DIR", ""):
        return Path(user_runtime) / "sentinel"
    return state_directory


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
    if (known := _known_zone(name)) is not None:
        return known
    names = {candidate.lower(): candidate for candidate in available_timezones()}
    near = get_close_matches(str(name).lower(), names, n=1, cutoff=0.7)
    advice = f"did you mean {names[near[0]]}?" if near else "write for example Europe/Berlin"
    raise ValueError(f"is not a time zone of the IANA database: {advice}")


def machine_zone(env: Mapping[str, str], localtime: Path = LOCALTIME) -> str:
    """The name of the machine's own time zone, `UTC` if it has none."""
    if given := env.get("TZ", "").removeprefix(":"):
        name = given
    else:
        name = str(localtime.resolve()).partition("/zoneinfo/")[2]
    return name if _known_zone(name) is not None else "UTC"


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


def _known_zone(name: object) -> ZoneInfo | None:
    try:
        return ZoneInfo(name) if isinstance(name, str) and name else None
    except (KeyError, ValueError, OSError):
        return None
