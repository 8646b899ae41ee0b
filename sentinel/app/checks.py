"""What is wrong with a configuration that only the rooms can see."""

from collections.abc import Iterator

from sentinel.app import routing, sinks
from sentinel.config import Config
from sentinel.errors import Fault
from sentinel.sources.tailnet.model import FOREIGN


def remarks(config: Config) -> tuple[str, ...]:
    """What is worth knowing of a configuration that can be used; nothing is sent."""
    return tuple(routing.remarks(config, sinks.keeping_incidents(config)))


def check(config: Config) -> tuple[Fault, ...]:
    """Everything that its sinks, its sources and the table of types say against a configuration; nothing is sent."""
    return (*sinks.check(config), *_included(config), *routing.check(config))


def _included(config: Config) -> Iterator[Fault]:
    known = ", ".join(sorted(FOREIGN))
    for name, source in config.sources.items():
        for word in source.include:
            if word not in FOREIGN:
                yield Fault(f"names `{word}`, which is none of: {known}", path=f"sources.{name}.include")
