"""Finds, reads and checks a configuration: file < environment < options. Whatever is wrong is told in one go."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from pydantic import ValidationError

from sentinel.config import places
from sentinel.config.arranging import Skipped, arranged, with_detectors
from sentinel.config.crossing import crossed, unrouted
from sentinel.config.document import DEEPEST, Document, Located, Place, read_document
from sentinel.config.environment import overlaid, taken_literally, unknown_variables
from sentinel.config.faults import fault_text, place_of
from sentinel.config.fields import Surroundings
from sentinel.config.files import find_file
from sentinel.config.given import Given, Origin, OriginKind, get, put, read, set_at
from sentinel.config.model import Config
from sentinel.errors import ConfigError, Fault

SINKS: tuple[Place, ...] = (("sinks", "*"),)
"""Single sinks: what a test of sinks tells as their verdicts."""
SECRETS: tuple[Place, ...] = (
    *SINKS,
    ("tsnet", "auth_key"),
    ("tsnet", "auth_key_file"),
    ("tsnet", "client_secret"),
    ("tsnet", "id_token"),
)
"""What the environment of the service has and that of somebody who only asks the service may not have."""


@dataclass(frozen=True, slots=True)
class Option:
    """An option of the command line, by its name, and what it says."""

    name: str
    value: object


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
    single sinks stand in `faulty_sinks` besides. `skipped` are sinks that are left out because the original does
    that, too. `file` is None when there is no file. `given` is what the configuration was made of, `said` what
    the file says of it. `rest` is what is left without the faults, to look for more; None if that is nothing usable.
    """

    config: Config | None
    file: Path | None
    faults: tuple[Fault, ...] = ()
    faulty_sinks: tuple[FaultySink, ...] = ()
    warnings: tuple[str, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    given: Given = field(default_factory=Given)
    said: Given = field(default_factory=Given)
    rest: Config | None = None

    def located(self, fault: Fault) -> Fault:
        """The fault with file and line, if something was given for the key that it speaks of."""
        if fault.file:
            return fault
        parts = fault.path.split(".")
        for end in range(len(parts), 0, -1):
            place = self.given.place_of(".".join(parts[:end]))
            if place is not None:
                return self.given.fault((*place, *parts[end:]), fault.text).fault
        return fault


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


def examine(
    path: Path | None,
    env: Mapping[str, str],
    *,
    cwd: Path,
    forgive: tuple[Place, ...] = (),
    options: Mapping[Place, Option] = MappingProxyType({}),
) -> Loaded:
    """Loads and tells everything; what stands at a place to `forgive` is left out if it has faults.

    `options` are those of the command line, by the key that each of them sets.
    """
    file = find_file(path, env, cwd=cwd)
    document = read_document(file) if file else Document()
    around = Surroundings(env, cwd, places.machine_zone(env))
    said = read(document)
    if not document.usable:
        return Loaded(None, file, tuple(each.fault for each in said.faults), said=said)
    whole = arranged(_with_options(overlaid(with_detectors(said), env), options), env)
    given = whole.given
    config, rest, wrong = _validated(given, around, whole.skipped)
    located = sorted([*given.faults, *wrong], key=lambda each: (each.fault.line or 0, each.place))
    if located:
        config = _without_faulty(given, located, around, forgive)
    return Loaded(
        config=config,
        rest=config or rest,
        file=file,
        faults=tuple(each.fault for each in located),
        faulty_sinks=tuple(_faulty_sinks(located, given.values)),
        warnings=(
            *unknown_variables(given, env),
            *(each.text for each in whole.skipped),
            *(unrouted(config) if config else ()),
        ),
        skipped=whole.skipped,
        given=given,
        said=said,
    )


def _with_options(given: Given, options: Mapping[Place, Option]) -> Given:
    for place, option in options.items():
        origin = Origin(OriginKind.OPTION, option.name, path=".".join(place))
        value = taken_literally(place, option.value)
        given = replace(given, values=put(given.values, place, value), origins={**given.origins, place: origin})
    return given


def _validated(
    given: Given, around: Surroundings, skipped: Iterable[Skipped]
) -> tuple[Config | None, Config | None, list[Located]]:
    """The configuration; else what is left of it without its faults, as far as that is one; and all faults."""
    config: Config | None
    faults: list[Located] = []
    try:
        config = Config.model_validate(given.values, context=around)
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False)
        faults = [given.fault(place_of(each), fault_text(each, given.values)) for each in found]
        config = _left(given, faults, around)
    hurt = {each.place[0] for each in (*faults, *given.faults) if each.place}
    left = tuple(each.name for each in skipped)
    sinks, quiet = _names(given, ("sinks",)), _names(given, _QUIET)
    for place, text in crossed(config, sinks=sinks, quiet=quiet, skipped=left) if config else ():
        # What stands beside a fault may be wrong for its sake alone; routes are looked at by what they name.
        if place[0] == "routes" or place[0] not in hurt:
            faults.append(given.fault(place, text))
    return (None if faults else config), config, faults


_QUIET: Place = ("policy", "quiet_hours")


def _names(given: Given, place: Place) -> tuple[str, ...]:
    found = get(given.values, place)
    return tuple(found) if isinstance(found, Mapping) else ()


def _left(given: Given, faults: Iterable[Located], around: Surroundings) -> Config | None:
    """What is left without the faults, to look for more; None if it is no configuration."""
    rest: Mapping[str, Any] = given.values
    places = [each.place for each in faults]
    # A key that is dropped may leave its group without what the group needs.
    for _ in range(DEEPEST):
        # Several faults may be in one and the same part, which goes once.
        for place in {_part(rest, place[:2] if place[:1] == ("sinks",) else place) for place in places}:
            rest = _without(rest, place)
        try:
            return Config.model_validate(rest, context=around)
        except ValidationError as error:
            places = [place_of(each) for each in error.errors(include_url=False, include_input=False)]
    return None


def _part(given_values: Mapping[str, Any], place: Place) -> Place:
    """What goes with `place`: what is missing, or in a list, takes along what it stands in."""
    above = get(given_values, place[:-1]) if place else None
    if not place or (isinstance(above, Mapping) and place[-1] in above):
        return place
    return _part(given_values, place[:-1])


def _without(given_values: Mapping[str, Any], place: Place) -> Mapping[str, Any]:
    above = get(given_values, place[:-1]) if place else None
    if not isinstance(above, Mapping):
        return given_values
    left = {key: value for key, value in above.items() if key != place[-1]}
    whole: Mapping[str, Any] = set_at(given_values, place[:-1], left)
    return whole


def _without_faulty(
    given: Given, located: Iterable[Located], around: Surroundings, forgive: tuple[Place, ...]
) -> Config | None:
    """The configuration without what is to be forgiven; None if that is not all that is wrong."""
    pardons = [_pardon(each.place, forgive) for each in located]
    if None in pardons:
        return None
    rest = _pruned(given.values, {pardon for pardon in pardons if pardon})
    config = Config.model_validate(rest, context=around)
    # That no sink is left is not the same as that none was ever named.
    return config.model_copy(update={"sinks": {}}) if given.values.get("sinks") and not rest.get("sinks") else config


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
