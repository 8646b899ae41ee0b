"""Which file is the configuration."""

from collections.abc import Mapping
from pathlib import Path

from sentinel.config import places

FILE_VARIABLE = "SENTINEL_CONFIG_PATH"
DEFAULT_FILES = ("sentinel.yaml", "sentinel.json")


def find_file(path: Path | None, env: Mapping[str, str], *, cwd: Path) -> Path | None:
    """The configuration file: `path`, else what the environment names, else one in `cwd`, else none."""
    named = str(path) if path is not None else env.get(FILE_VARIABLE, "").strip()
    if named:
        return places.absolute_path(named, cwd=cwd, home=env.get("HOME", ""))
    return next((cwd / name for name in DEFAULT_FILES if _may_be_there(cwd / name)), None)


def _may_be_there(path: Path) -> bool:
    """Whether a file is there, or in a folder that is closed to us: reading it then says so."""
    try:
        return path.exists()
    except PermissionError:
        return True
