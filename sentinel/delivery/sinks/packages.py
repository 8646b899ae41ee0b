"""Python packages that Apprise's services need besides, as each says of itself."""

from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import Any

Requirements = Mapping[str, Any]
"""`packages_required` and `packages_recommended`: a text or a list of them, each a name with or without a version."""


def needed(requirements: Requirements) -> str:
    """In words: the packages without which a service does not load."""
    names = _listed(requirements.get("packages_required"))
    return _named(names) if names else "something that this machine does not have"


def lacking(requirements: Requirements) -> str:
    """In words: the packages that it can do without, but perhaps not for every URL; empty if all are there."""
    names = [name for name in _listed(requirements.get("packages_recommended")) if not _is_installed(name.split()[0])]
    return _named(names) if names else ""


def _listed(packages: str | Iterable[object] | None) -> list[str]:
    return [packages] if isinstance(packages, str) else [str(name) for name in packages or ()]


def _named(names: Sequence[str]) -> str:
    kind = "the Python package" if len(names) == 1 else "the Python packages"
    return f"{kind} {', '.join(f'`{name}`' for name in names)} (install with pip)"


def _is_installed(package: str) -> bool:
    try:
        version(package)
    except PackageNotFoundError:
        return False
    return True
