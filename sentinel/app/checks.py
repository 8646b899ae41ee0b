"""What is wrong with a configuration that only the rooms can see."""

from sentinel.app import routing, sinks
from sentinel.config import Config
from sentinel.errors import Fault


def warnings(config: Config) -> tuple[str, ...]:
    """What is worth knowing of a configuration that can be used; nothing is sent."""
    return tuple(routing.warnings(config, sinks.keeping_incidents(config)))


def check(config: Config) -> tuple[Fault, ...]:
    """Everything that its sinks and the table of types say against a configuration; nothing is sent."""
    return (*sinks.check(config), *routing.check(config))
