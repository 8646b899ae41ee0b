"""Reads a YAML or JSON file into plain values, and remembers on which line each of them stands."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from sentinel.errors import Fault

LARGEST = 1024 * 1024
MOST_ALIASES = 100
DEEPEST = 32
# Few aliases of aliases can still unfold to billions of values.
MOST_VALUES = 50_000

Place = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Located:
    """A fault of the key at `place`; the empty place is the file as a whole."""

    place: Place
    fault: Fault


@dataclass(frozen=True, slots=True)
class Document:
    """What a file says. `lines` has the line of every key and of every item of a list.

    `faults` are those of the file's own form. `usable` is False when the values could not be read at all.
    """

    file: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)
    lines: Mapping[Place, int] = field(default_factory=dict)
    faults: tuple[Located, ...] = ()
    usable: bool = True


class _Refused(Exception):
    def __init__(self, text: str, line: int | None = None) -> None:
        super().__init__(text)
        self.text = text
        self.line = line


def read_document(path: Path) -> Document:
    """The file's values; whatever is wrong with its form is among the faults."""
    try:
        return parse_document(_text(path), file=str(path), as_json=path.suffix.lower() == ".json")
    except _Refused as refused:
        return _unusable(str(path), refused)


def parse_document(text: str, *, file: str = "", as_json: bool = False) -> Document:
    """Like `read_document`, of a text that is already there."""
    try:
        return _parse(text, file, as_json=as_json)
    except _Refused as refused:
        return _unusable(file, refused)


def _unusable(file: str, refused: _Refused) -> Document:
    return Document(file, faults=(Located((), Fault(refused.text, file=file, line=refused.line)),), usable=False)


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            raw = file.read(LARGEST + 1)
    except FileNotFoundError:
        raise _Refused("there is no such file") from None
    except IsADirectoryError:
        raise _Refused("is a directory: name the file in it") from None
    except PermissionError as error:
        raise _Refused(f"cannot be read: {error.strerror}{_way_in(path.parent)}") from None
    except OSError as error:
        raise _Refused(f"cannot be read: {error.strerror}") from None
    if len(raw) > LARGEST:
        raise _Refused(f"is larger than {LARGEST // 1024} KiB: this is not a configuration of Sentinel")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _Refused("is not UTF-8 text", raw.count(b"\n", 0, error.start) + 1) from None


def _way_in(folder: Path) -> str:
    """What opens a folder that is closed to us."""
    user = os.getuid()
    return (
        "" if os.access(folder, os.X_OK) else f"; the folder is closed to user {user}: run 'chown -R {user} {folder}'"
    )


def _parse(text: str, file: str, *, as_json: bool) -> Document:
    if as_json and text.strip():
        _check_json(text)
        # Strings of JSON cannot hold a tab, and YAML does not take one between values.
        text = text.replace("\t", " ")
    loader = _open(text)
    try:
        root = loader.get_single_node()
        reading = _Reading(loader)
        values = {} if root is None else reading.value(root, ())
    except yaml.MarkedYAMLError as error:
        raise _syntax(error) from None
    except (yaml.YAMLError, ValueError, OverflowError, RecursionError):
        raise _Refused("cannot be understood as YAML") from None
    finally:
        loader.dispose()
    if values is None:
        values = {}
    if not isinstance(values, dict):
        raise _Refused("must be a mapping of keys to values, for example `policy: {debounce_window: 3s}`")
    faults = tuple(Located(place, Fault(said, ".".join(place), file, line)) for place, said, line in reading.faults)
    return Document(file, values, reading.lines, tuple(faults))


def _check_json(text: str) -> None:
    def refuse(name: str) -> float:
        raise _Refused(f"{name} is not a number of JSON")

    try:
        json.loads(text, parse_constant=refuse)
    except json.JSONDecodeError as error:
        raise _Refused(f"is not JSON: {error.msg}", error.lineno) from None
    except RecursionError:
        raise _Refused(f"is nested more than {DEEPEST} levels deep") from None
    except ValueError:
        raise _Refused("has a number that is too long") from None


def _open(text: str) -> "_Loader":
    try:
        return _Loader(text)
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1 if isinstance(error.position, int) else None
        raise _Refused("has a control character, which YAML does not allow", line) from None


def _syntax(error: yaml.MarkedYAMLError) -> _Refused:
    mark = error.problem_mark or error.context_mark
    line = mark.line + 1 if mark else None
    problem = error.problem or "cannot be understood"
    if "'\\t'" in problem:
        return _Refused("is indented with a tab: YAML takes spaces only", line)
    return _Refused(problem, line)


class _Loader(yaml.SafeLoader):
    """Composes nodes within bounds; the bounds hold before anything is built of them."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._depth = 0
        self._aliases = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        line = self.peek_event().start_mark.line + 1  # type: ignore[no-untyped-call]
        self._aliases += self.check_event(yaml.AliasEvent)
        if self._aliases > MOST_ALIASES:
            raise _Refused(f"has more than {MOST_ALIASES} aliases", line)
        if self._depth > DEEPEST:
            raise _Refused(f"is nested more than {DEEPEST} levels deep", line)
        self._depth += 1
        try:
            return super().compose_node(parent, index)
        finally:
            self._depth -= 1


class _Reading:
    """Turns nodes into values, keeping the line of every key."""

    def __init__(self, loader: _Loader) -> None:
        self._loader = loader
        self._values = 0
        self.lines: dict[Place, int] = {}
        self.faults: list[tuple[Place, str, int]] = []

    def value(self, node: yaml.Node, place: Place) -> Any:
        """What the node says."""
        self._values += 1
        if self._values > MOST_VALUES:
            raise _Refused(f"unfolds to more than {MOST_VALUES} values", _line(node))
        if len(place) > DEEPEST:
            raise _Refused(f"is nested more than {DEEPEST} levels deep", _line(node))
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, place)
        if isinstance(node, yaml.SequenceNode):
            return [self._item(item, (*place, str(index))) for index, item in enumerate(node.value)]
        return _joined(self._loader.construct_object(node))

    def _item(self, node: yaml.Node, place: Place) -> Any:
        self.lines.setdefault(place, _line(node))
        return self.value(node, place)

    def _mapping(self, node: yaml.MappingNode, place: Place) -> dict[str, Any]:
        own: dict[str, Any] = {}
        merged: dict[str, Any] = {}
        for key_node, value_node in node.value:
            if key_node.tag == "tag:yaml.org,2002:merge":
                for base in self._merged(value_node, place):
                    merged = {**base, **merged}
                continue
            key = self._key(key_node)
            inner = (*place, key)
            if key in own:
                said = f"is given twice, first on line {self.lines[inner]}"
                self.faults.append((inner, said, _line(key_node)))
            self.lines.setdefault(inner, _line(key_node))
            own[key] = self.value(value_node, inner)
        return {**merged, **own}

    def _merged(self, node: yaml.Node, place: Place) -> list[dict[str, Any]]:
        bases = node.value if isinstance(node, yaml.SequenceNode) else [node]
        values = [self.value(base, (*place, "<<")) for base in bases]
        if not all(isinstance(value, dict) for value in values):
            raise _Refused("`<<` takes a mapping, or a list of mappings", _line(node))
        return values

    def _key(self, node: yaml.Node) -> str:
        """Keys are names: `on` and `123` are what they look like, not a boolean and a number."""
        if not isinstance(node, yaml.ScalarNode):
            raise _Refused("a key must be a name", _line(node))
        return str(_joined(node.value))


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1


def _joined(value: Any) -> Any:
    """JSON writes what lies beyond 16 bits as two escapes, which belong together; one alone is no text."""
    if not isinstance(value, str) or not any("\ud800" <= char <= "\udfff" for char in value):
        return value
    return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
