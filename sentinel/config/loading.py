"""Finds, reads and checks a configuration: file < environment. Whatever is wrong is told in one go."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from sentinel.config import values
from sentinel.config.document import Document, Located, Place, read_document
from sentinel.config.environment import find_file, overlaid, unknown_variables
from sentinel.config.faults import fault_text, place_of
from sentinel.config.model import Config, Surroundings
from sentinel.errors import ConfigError, Fault

SINKS: tuple[Place, ...] = (("sinks", "*"),)
"""Single sinks: what a test of sinks tells as their verdicts."""
SECRETS: tuple[Place, ...] = (*SINKS, ("tsnet", "auth_key"))
"""What the environment of the service has and that of somebody who only asks the service may not have."""


@dataclass(frozen=True, slots=True)
class FaultySink:
    """A sink that cannot be used, and why; `type` is what the file says, empty if it says none."""

    name: str
    type: str
    faults: tuple[Fault, ...]


@dataclass(frozen=True, slots=True)
class Loaded:
    """A configuration and everything that was found on the way to it.

    `config` is None when a fault stands in its way that was not to be forgiven. `faults` are all; those of
    single sinks stand in `faulty_sinks` besides. `file` is None when there is no file.
    """

    config: Config | None
    file: Path | None
    faults: tuple[Fault, ...] = ()
    faulty_sinks: tuple[FaultySink, ...] = ()
    warnings: tuple[str, ...] = ()
    document: Document = field(default_factory=Document)

    def located(self, fault: Fault) -> Fault:
        """The fault with file and line, if the file has the key that it speaks of."""
        place = next((place for place in self.document.lines if ".".join(place) == fault.path), None)
        if place is None or fault.file:
            return fault
        return replace(fault, file=self.document.file, line=self.document.lines[place])


def load(path: Path | None, env: Mapping[str, str], *, cwd: Path) -> Config:
    """The configuration in `path`, else where `env` says, else in `cwd`, else the defaults.

    Raises ConfigError with every fault there is.
    """
    loaded = examine(path, env, cwd=cwd)
    if loaded.config is None:
        raise ConfigError(loaded.faults)
    return loaded.config


def load_leniently(path: Path | None, env: Mapping[str, str], *, cwd: Path) -> tuple[Config | None, tuple[Fault, ...]]:
    """Like `load`, but does without the sinks that have faults; all faults are handed back beside it."""
    loaded = examine(path, env, cwd=cwd, forgive=SINKS)
    return loaded.config, loaded.faults


def examine(path: Path | None, env: Mapping[str, str], *, cwd: Path, forgive: tuple[Place, ...] = ()) -> Loaded:
    """Loads and tells everything; what stands at a place to `forgive` is left out if it has faults."""
    file = find_file(path, env, cwd=cwd)
    document = read_document(file) if file else Document()
    around = Surroundings(env, cwd, values.machine_zone(env))
    given, origins = overlaid(document.values, env)
    config, wrong = _validated(given, document, around, origins) if document.usable else (None, [])
    located = sorted([*document.faults, *wrong], key=lambda each: (each.fault.line or 0, each.place))
    if located:
        config = _without_faulty(given, located, around, forgive)
    return Loaded(
        config=config,
        file=file,
        faults=tuple(each.fault for each in located),
        faulty_sinks=tuple(_faulty_sinks(located, given)),
        warnings=unknown_variables(document.values, env),
        document=document,
    )


def _validated(
    given: Mapping[str, Any], document: Document, around: Surroundings, origins: Mapping[Place, str]
) -> tuple[Config | None, list[Located]]:
    try:
        return Config.model_validate(given, context=around), []
    except ValidationError as error:
        found = []
        for each in error.errors(include_url=False, include_input=False):
            place, text = place_of(each), fault_text(each, given)
            if variable := origins.get(place):
                found.append(Located(place, Fault(f"{variable} {text}", path=".".join(place))))
            else:
                found.append(document.locate(place, text))
        return None, found


def _without_faulty(
    given: Mapping[str, Any], located: Iterable[Located], around: Surroundings, forgive: tuple[Place, ...]
) -> Config | None:
    """The configuration without what is to be forgiven; None if that is not all that is wrong."""
    pardons = [_pardon(each.place, forgive) for each in located]
    if None in pardons:
        return None
    rest = _pruned(given, {pardon for pardon in pardons if pardon})
    config = Config.model_validate(rest, context=around)
    # That no sink is left is not the same as that none was ever named.
    return config.model_copy(update={"sinks": {}}) if given.get("sinks") and not rest.get("sinks") else config


def _pardon(place: Place, forgive: tuple[Place, ...]) -> Place | None:
    """The part of `place` that matches something to forgive."""
    for pattern in forgive:
        head = place[: len(pattern)]
        if len(head) == len(pattern) and all(part in ("*", own) for part, own in zip(pattern, head, strict=True)):
            return head
    return None


def _pruned(given: Mapping[str, Any], places: Collection[Place]) -> dict[str, Any]:
    """The values without those at `places`, which are two parts long."""
    return {
        group: {key: value for key, value in inner.items() if (group, key) not in places}
        if isinstance(inner, Mapping)
        else inner
        for group, inner in given.items()
    }


def _faulty_sinks(located: Iterable[Located], given: Mapping[str, Any]) -> Iterable[FaultySink]:
    by_name: dict[str, list[Fault]] = {}
    for each in located:
        if (place := _pardon(each.place, SINKS)) is not None:
            by_name.setdefault(place[1], []).append(each.fault)
    for name, faults in by_name.items():
        sink = given["sinks"].get(name)
        kind = sink.get("type") if isinstance(sink, Mapping) else None
        yield FaultySink(name, kind if isinstance(kind, str) else "", tuple(faults))
