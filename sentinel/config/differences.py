"""What acts differently from the original with the same file, each with the line that restores what it did there."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from sentinel.config.arranging import is_original
from sentinel.config.given import Given, get
from sentinel.config.groups import DETECTORS
from sentinel.config.model import Config
from sentinel.config.routes import Route, Selector
from sentinel.config.sinks import DiscordSink
from sentinel.config.variables import ORIGINALS


@dataclass(frozen=True, slots=True)
class Difference:
    """What is different, and the line of the file or the shell that restores the old effect; empty if nothing does."""

    text: str
    restore: str


def differences(config: Config, *, said: Given, given: Given, env: Mapping[str, str]) -> tuple[Difference, ...]:
    """Each difference that this configuration meets. `said` is the file alone, `given` has everything in it."""
    routes = [(f"routes.{index}", route) for index, route in enumerate(config.routes) if route.is_original]
    found = [
        *_variables(said, env),
        *(each for path, route in routes for each in _route(_written(path, given), route)),
        *_order(config),
        *(_hold(config, given) if routes or is_original(said.values) else ()),
    ]
    return tuple(found)


def _written(path: str, given: Given) -> str:
    place = given.place_of(path)
    return given.origins[place].path if place is not None else path


def _route(path: str, route: Route) -> Iterator[Difference]:
    if "*" in route.selector.event_types:
        yield Difference(
            f"{path}: `*` has more types than the 17 of the original",
            'event_types: ["@original"]',
        )
    if route.severities:
        yield Difference(
            f"{path}: `severities` now chooses; in the original every event was `info`",
            'severity_overrides: {"*": info}',
        )
    if _identifies(route.exclusion) and not _identifies(route.selector):
        yield Difference(
            f"{path}: what `filters.exclude` says of devices no longer keeps out the events that have no device",
            'event_types: ["peer.*"]',
        )


def _identifies(selector: Selector) -> bool:
    return bool(selector.device_names or selector.tags or selector.owners or selector.ips)


def _order(config: Config) -> Iterator[Difference]:
    theirs = [name for name in DETECTORS if name in config.detector_order]
    if list(config.detector_order) != theirs:
        yield Difference("`detector_order` says which detectors there are, and no longer in which order they speak", "")


def _variables(said: Given, env: Mapping[str, str]) -> Iterator[Difference]:
    """The original read these only if its file had the keys, too."""
    for variable in ORIGINALS.values():
        if variable.late and env.get(variable.name, "").strip() and get(said.values, variable.place) is None:
            yield Difference(
                f"{variable.name} sets {'.'.join(variable.place)}; the original did not read it",
                f"unset {variable.name}",
            )


def _hold(config: Config, given: Given) -> Iterator[Difference]:
    """Only messages to people wait for a device that may come back."""
    people = any(isinstance(sink, DiscordSink) for sink in config.sinks.values())
    if people and config.policy.hold is None and get(given.values, ("policy", "debounce_window")) is None:
        yield Difference("people are told of a device that is away only after 2 minutes", "policy: {hold: []}")
