"""What the environment says: which file to read, which keys it sets, and which of its names nobody knows."""

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from sentinel.config import values
from sentinel.config.document import Place

FILE_VARIABLE = "SENTINEL_CONFIG_PATH"
AUTH_KEY_VARIABLE = "SENTINEL_TAILSCALE_AUTH_KEY"
DEFAULT_FILES = ("sentinel.yaml", "sentinel.json")
KNOWN_VARIABLES: Mapping[str, str] = {
    FILE_VARIABLE: "The configuration file, unless `--config` names one; empty is as if it were not set.",
    AUTH_KEY_VARIABLE: "The same as `tsnet.auth_key`, and comes before it.",
}
OVERLAYS: Mapping[Place, str] = {("tsnet", "auth_key"): AUTH_KEY_VARIABLE}

# Container platforms put these into the environment of whatever runs beside a service named `sentinel`.
_SERVICE_LINKS = ("SENTINEL_SERVICE_", "SENTINEL_PORT")


def find_file(path: Path | None, env: Mapping[str, str], *, cwd: Path) -> Path | None:
    """The configuration file: `path`, else what the environment names, else one in `cwd`, else none."""
    named = str(path) if path is not None else env.get(FILE_VARIABLE, "").strip()
    if named:
        return values.absolute_path(named, cwd=cwd, home=env.get("HOME", ""))
    return next((cwd / name for name in DEFAULT_FILES if (cwd / name).exists()), None)


def overlaid(given: Mapping[str, Any], env: Mapping[str, str]) -> tuple[dict[str, Any], dict[Place, str]]:
    """The values with those of the environment over them, and which variable each of these came from."""
    result = dict(given)
    origins: dict[Place, str] = {}
    for (group, key), variable in OVERLAYS.items():
        text = env.get(variable, "").strip()
        inner = result.get(group) or {}
        if text and isinstance(inner, Mapping):
            # Already a secret: a `${` in it is part of it.
            result[group] = {**inner, key: SecretStr(text)}
            origins[group, key] = variable
    return result, origins


def unknown_variables(given: Mapping[str, Any], env: Mapping[str, str]) -> tuple[str, ...]:
    """A sentence for each variable that looks like one of Sentinel's; those in a `${}` are the user's own."""
    known = {*KNOWN_VARIABLES, *_used(given)}
    strange = (name for name in env if name.startswith("SENTINEL_") and name not in known)
    return tuple(_unknown(name) for name in sorted(strange) if not name.startswith(_SERVICE_LINKS))


def _unknown(name: str) -> str:
    near = get_close_matches(name, KNOWN_VARIABLES, n=1, cutoff=0.5)
    advice = f": did you mean {near[0]}?" if near else ""
    return f"the environment variable {name} is not one that Sentinel knows{advice}"


def _used(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield from values.variables(value)
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from _used(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _used(inner)
