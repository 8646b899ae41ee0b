"""What was given, from wherever it came: values, and for each of them its origin."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from sentinel.config.document import Document, Located, Place
from sentinel.errors import Fault

# Below these stand names of the user's choice, which are kept as they are written.
_NAMED = {"sinks", "sources", "labels", "quiet_hours", "severity_overrides"}


class OriginKind(StrEnum):
    """Who set a value."""

    DEFAULT = "default"
    FILE = "file"
    VARIABLE = "variable"
    OPTION = "option"
    EDGE = "edge"


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a value comes from. `name` is the file's, variable's or option's; `path` is the key as it is written."""

    kind: OriginKind = OriginKind.DEFAULT
    name: str = ""
    line: int | None = None
    path: str = ""

    def __str__(self) -> str:
        if self.kind in (OriginKind.DEFAULT, OriginKind.EDGE):
            return str(self.kind)
        return self.name if self.line is None else f"{self.name}:{self.line}"


DEFAULT = Origin()


@dataclass(frozen=True, slots=True)
class Given:
    """Values as nested mappings, and the origin of each key in them. `faults` are those of their form."""

    values: Mapping[str, Any] = field(default_factory=dict, repr=False)
    origins: Mapping[Place, Origin] = field(default_factory=dict)
    faults: tuple[Located, ...] = ()

    def fault(self, place: Place, text: str) -> Located:
        """A fault of the key at `place`, told where it, or what it stands in, was given."""
        near = next((place[:end] for end in range(len(place), 0, -1) if place[:end] in self.origins), None)
        origin = self.origins[near] if near is not None else DEFAULT
        if origin.kind in (OriginKind.VARIABLE, OriginKind.OPTION):
            return Located(place, Fault(f"{origin.name} {text}", path=".".join(place)))
        path = ".".join((origin.path, *place[len(near) :]) if near is not None else place)
        return Located(place, Fault(text, path=path, file=origin.name, line=origin.line))

    def place_of(self, path: str) -> Place | None:
        """The key with this dotted path; names in it may have dots."""
        return next((place for place in self.origins if ".".join(place) == path), None)

    def with_faults(self, faults: Iterable[Located]) -> "Given":
        """The same with more faults."""
        return replace(self, faults=(*self.faults, *faults))

    def moved(self, moves: Iterable[tuple[Place, Place]], values: Mapping[str, Any]) -> "Given":
        """The same with other values, and the origins of what stood at the first of each pair now at the second."""
        targets = dict(moves)

        def to(place: Place) -> Place:
            end = next((end for end in range(len(place), 0, -1) if place[:end] in targets), 0)
            return (*targets[place[:end]], *place[end:]) if end else place

        return replace(self, values=values, origins={to(place): origin for place, origin in self.origins.items()})


def read(document: Document) -> Given:
    """What a file says, with the keys in small letters; names stay as they are."""
    faults: list[tuple[Place, str]] = []
    values = _folded(document.values, (), faults)
    origins = {
        fold(place): Origin(OriginKind.FILE, document.file, line, ".".join(place))
        for place, line in document.lines.items()
    }
    given = Given(values, origins, tuple(replace(each, place=fold(each.place)) for each in document.faults))
    return given.with_faults(given.fault(place, text) for place, text in faults)


def fold(place: Place) -> Place:
    """The place with its keys in small letters."""
    folded: Place = ()
    for part in place:
        folded = (*folded, part if folded and folded[-1] in _NAMED else part.lower())
    return folded


def _folded(value: Any, place: Place, faults: list[tuple[Place, str]]) -> Any:
    if isinstance(value, list):
        return [_folded(item, (*place, str(index)), faults) for index, item in enumerate(value)]
    if not isinstance(value, Mapping):
        return value
    result: dict[str, Any] = {}
    for key, inner in value.items():
        here = fold((*place, key))
        if here[-1] in result:
            faults.append((here, "is given twice, in capital and in small letters"))
        result[here[-1]] = _folded(inner, here, faults)
    return result


def places(value: Any, place: Place) -> Iterator[Place]:
    """The place of a value, and of every value in it."""
    yield place
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from places(inner, (*place, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from places(inner, (*place, str(index)))


def put(values: Mapping[str, Any], place: Place, value: object) -> dict[str, Any]:
    """The values with `value` at `place`; what stands in its way and is no mapping gives way."""
    head, *rest = place
    if not rest:
        return {**values, head: value}
    inner = values.get(head)
    return {**values, head: put(inner if isinstance(inner, Mapping) else {}, tuple(rest), value)}


def set_at(values: Any, place: Place, value: object) -> Any:
    """Like `put`, through lists as well, where something stands already."""
    if not place:
        return value
    head, rest = place[0], place[1:]
    if isinstance(values, list):
        return [set_at(item, rest, value) if str(at) == head else item for at, item in enumerate(values)]
    return {**values, head: set_at(values[head], rest, value)}


def get(values: Any, place: Place) -> Any:
    """The value at `place`, or None."""
    for part in place:
        if isinstance(values, Mapping):
            values = values.get(part)
        elif isinstance(values, list | tuple) and part.isdigit() and int(part) < len(values):
            values = values[int(part)]
        else:
            return None
    return values
