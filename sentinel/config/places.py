"""What a configuration finds on its machine: paths, sockets, the time zone. A ValueError says what to do about it."""

import os
from collections.abc import Mapping
from pathlib import Path
from zoneinfo import ZoneInfo

# The kernel's limit for the address of a unix socket is 108 bytes with the zero that ends it.
LONGEST_SOCKET = 107
LOCALTIME = Path("/etc/localtime")
STATE_PATH = Path(".sentinel/state.db")
"""The store, unless the configuration says otherwise."""


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


def machine_zone(env: Mapping[str, str], localtime: Path = LOCALTIME) -> str:
    """The name of the machine's own time zone, `UTC` if it has none."""
    if given := env.get("TZ", "").removeprefix(":"):
        name = given
    else:
        name = str(localtime.resolve()).partition("/zoneinfo/")[2]
    return name if known_zone(name) is not None else "UTC"


def known_zone(name: object) -> ZoneInfo | None:
    """The IANA time zone of that name, None if there is none."""
    try:
        return ZoneInfo(name) if isinstance(name, str) and name else None
    except (KeyError, ValueError, OSError):
        return None
