"""What a command needs that asks the running service: a few keys, read without the models of all of them.

Building those takes longer than the answer. Here stands where the few keys are said; what they mean and what else
there is, the models say, and whatever is not in its plainest form is left to them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo

from sentinel.config import places
from sentinel.config.document import Document, Place, read_document
from sentinel.config.files import find_file
from sentinel.config.given import get, read

NO_COLOR = "NO_COLOR"
SOCKET: Place = ("control", "socket")
STATE: Place = ("state", "path")
ZONE: Place = ("time_zone",)
FORMAT: Place = ("output", "log_format")
LEVEL: Place = ("output", "log_level")
COLORLESS: Place = ("output", "no_color")
# Of two names of one key the later one counts.
VARIABLES: Mapping[Place, tuple[str, ...]] = {
    SOCKET: ("SENTINEL_CONTROL__SOCKET",),
    STATE: ("SENTINEL_STATE_PATH", "SENTINEL_STATE__PATH"),
    ZONE: ("SENTINEL_TIME_ZONE",),
    FORMAT: ("SENTINEL_OUTPUT_LOG_FORMAT", "SENTINEL_OUTPUT__LOG_FORMAT"),
    LEVEL: ("SENTINEL_OUTPUT_LOG_LEVEL", "SENTINEL_OUTPUT__LOG_LEVEL"),
    COLORLESS: ("SENTINEL_OUTPUT_NO_COLOR", "SENTINEL_OUTPUT__NO_COLOR"),
}
_UNSET = (None, "")
_FORMATS: Mapping[object, Literal["pretty", "json"] | None] = {
    **dict.fromkeys(_UNSET),
    "pretty": "pretty",
    "json": "json",
}
_LEVELS: Mapping[object, Literal["debug", "info", "warning", "error"]] = {
    **dict.fromkeys(_UNSET, "info"),
    "debug": "debug",
    "info": "info",
    "warn": "warning",
    "warning": "warning",
    "error": "error",
}


@dataclass(frozen=True, slots=True)
class Asking:
    """Where the service is asked, and how its answer is shown."""

    socket: Path
    time_zone: ZoneInfo
    log_format: Literal["pretty", "json"] | None
    log_level: Literal["debug", "info", "warning", "error"]
    no_color: bool


def asked(path: Path | None, env: Mapping[str, str], *, cwd: Path, options: Mapping[Place, object]) -> Asking | None:
    """These keys as the file, the environment and the options say; None if one of them is not simply what it must be.

    Faults of other keys do not stand in the way of asking.
    """
    file = find_file(path, env, cwd=cwd)
    given = read(read_document(file) if file else Document())
    if given.faults:
        return None
    try:
        said = {place: _said(place, given.values, env, options) for place in VARIABLES}
        return _asking(said, env, cwd)
    except (KeyError, TypeError, ValueError):
        return None


def _said(place: Place, given: Mapping[str, Any], env: Mapping[str, str], options: Mapping[Place, object]) -> object:
    """What is said of a key at last, None if nothing. Raises ValueError where its group is no group."""
    if not all(isinstance(get(given, place[:end]), Mapping | None) for end in range(1, len(place))):
        raise ValueError(f"{place[0]} is not a group")
    if place in options:
        return options[place]
    if place == COLORLESS and env.get(NO_COLOR):
        return True
    texts = [text for name in VARIABLES[place] if (text := env.get(name, "").strip())]
    return texts[-1] if texts else get(given, place)


def _asking(said: Mapping[Place, object], env: Mapping[str, str], cwd: Path) -> Asking:
    def path(given: object) -> Path:
        return places.absolute_path(given, cwd=cwd, home=env.get("HOME", ""))

    folder = places.socket_directory(env, path(places.STATE_PATH if said[STATE] in _UNSET else said[STATE]).parent)
    socket = path(folder / "control.sock" if said[SOCKET] is None else said[SOCKET])
    zone = places.known_zone(places.machine_zone(env) if said[ZONE] is None else said[ZONE])
    colorless = False if said[COLORLESS] is None else said[COLORLESS]
    if zone is None or not isinstance(colorless, bool):
        raise ValueError("is not as plain as that")
    return Asking(
        socket=places.socket_path(socket),
        time_zone=zone,
        log_format=_FORMATS[said[FORMAT]],
        log_level=_LEVELS[said[LEVEL]],
        no_color=colorless,
    )
