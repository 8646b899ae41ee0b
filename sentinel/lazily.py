"""Packages whose parts are imported when they are first used, for those who start often and use little."""

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any


def parts_of(package: str, places: Mapping[str, str]) -> Callable[[str], Any]:
    """The `__getattr__` of a package whose names stand in these modules. Others raise AttributeError."""

    def part(name: str) -> Any:
        if name not in places:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(import_module(places[name]), name)

    return part
