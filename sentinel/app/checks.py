"""What is wrong with a configuration that only the rooms can see."""

from sentinel.app import routing, sinks
from sentinel.config import Config
from sentinel.errors import Fault


def check(config: Config) -> tuple[Fault, ...]:
    """Everything that its sinks and the table of types say against a configuration; nothing is sent."""
    return (*sinks.check(config), *routing.check(config))
