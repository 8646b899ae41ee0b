"""What the command line needs of the program behind it."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from sentinel.config import Config, Loaded
from sentinel.control.values import Asked, Look
from sentinel.errors import Fault


class Verdict(Protocol):
    """How the test of one sink ended; `error` is empty when it went well."""

    @property
    def sink(self) -> str:
        """The sink's name."""
        ...

    @property
    def type(self) -> str:
        """The sink's type."""
        ...

    @property
    def ok(self) -> bool:
        """Whether the message arrived."""
        ...

    @property
    def error(self) -> str:
        """What went wrong."""
        ...

    @property
    def words(self) -> str:
        """What people are told, title first; empty for a sink that speaks to programs."""
        ...


class Application(Protocol):
    """The program; `sentinel.app` is one."""

    def serve(
        self,
        config: Config,
        *,
        extra_env: Mapping[str, str] | None = None,
        ready: Callable[[], None] | None = None,
        once: bool = False,
        again: Callable[[], Loaded] | None = None,
        warnings: tuple[str, ...] = (),
    ) -> int:
        """Runs the service until it is told to end, or until it has looked once; returns the exit code.

        `again` reads the configuration anew, `warnings` are for its status.
        """
        ...

    def rehearse(self, config: Config, *, once: bool) -> int:
        """Runs the service on a copy of its store, and prints what sinks would be told; returns the exit code."""
        ...

    def look(self, config: Config) -> Look:
        """Looks at what is watched once, on a copy of the store."""
        ...

    def stored(self, config: Config) -> Asked | None:
        """Who answers from the store where no service runs; None if there is no store."""
        ...

    def check(self, config: Config) -> tuple[Fault, ...]:
        """What is wrong with a configuration beyond its own form."""
        ...

    def remarks(self, config: Config) -> tuple[str, ...]:
        """What is worth knowing of a configuration that can be used, beyond its own form."""
        ...

    def test_sinks(
        self, config: Config, names: Sequence[str], *, deadline_s: float, event_type: str, dry_run: bool
    ) -> Sequence[Verdict]:
        """Sends each of the sinks a made-up event, or words where no type is given, and waits for a verdict on each.

        With `dry_run` nothing is sent.
        """
        ...

    def example_types(self) -> tuple[str, ...]:
        """The types of events that can be made up."""
        ...

    def routed(self, config: Config, event_type: str) -> tuple[str, ...]:
        """The sinks that the routes name for a made-up event of the type."""
        ...

    def kind_of(self, url: str) -> str:
        """The type of sink that an address is for."""
        ...

    def find_sidecar(self) -> Path | None:
        """The sidecar's binary, if there is one."""
        ...

    def find_binary(self, name: str) -> Path | None:
        """Another program that is built along with the sidecar, if there is one."""
        ...
