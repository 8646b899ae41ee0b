"""What would happen, tried out on a copy of the store: the tailnet is really looked at, and nobody is told.

The state directory is locked meanwhile, and nothing in it changes but the keys of the node itself. A sidecar that
somebody else runs takes no part: it would be acknowledged what the real store never got.
"""

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from loguru import logger

from sentinel.app import routing
from sentinel.app.locks import state_lock
from sentinel.app.reading import stored
from sentinel.app.service import serve
from sentinel.config import Config, SourceSettings, StdoutSink
from sentinel.control.values import EVERYTHING, Look
from sentinel.errors import SentinelError
from sentinel.store.reader import SqliteReader


def rehearse(config: Config, *, once: bool, extra_env: Mapping[str, str] | None = None) -> int:
    """Serves, but what sinks would be told goes to standard output; returns the exit code."""
    with _rehearsed(config) as tried:
        written = {name: _in_writing(config, name) for name in config.sinks}
        return serve(tried.model_copy(update={"sinks": written}), once=once, extra_env=extra_env)


def look(config: Config, *, extra_env: Mapping[str, str] | None = None) -> Look:
    """Looks at what is watched once: what exists, and what changed since the service last looked.

    Raises SentinelError if it could not be seen.
    """
    with _rehearsed(config) as tried:
        before = _newest(tried)
        code = serve(tried.model_copy(update={"sinks": {}}), once=True, extra_env=extra_env)
        found = stored(tried)
        if code or found is None:
            raise SentinelError(
                "not everything could be seen in time: the log of 'sentinel-py serve' says what is missing"
            )
        return Look(found.subjects(EVERYTHING), tuple(found.events_after(before)))


@contextmanager
def _rehearsed(config: Config) -> Iterator[Config]:
    """The configuration with a copy of the store and sockets in a folder that goes away."""
    path = config.state.store_path
    with state_lock(path.parent), tempfile.TemporaryDirectory(prefix="sentinel-dry-") as name:
        folder = Path(name)
        if path.exists():
            SqliteReader(path, {}).copy_to(folder / "state.db")
        left_out = sorted(name for name, source in config.sources.items() if source.sidecar == "external")
        if left_out:
            logger.bind(sources=left_out).warning("sources with a sidecar of their own take no part in this")
        yield config.model_copy(
            update={
                "state": config.state.model_copy(update={"path": folder / "state.db"}),
                "ingest": config.ingest.model_copy(update={"socket": folder / "ingest.sock"}),
                "control": config.control.model_copy(update={"socket": folder / "control.sock"}),
                "sources": _managed(config),
            }
        )


def _managed(config: Config) -> dict[str, SourceSettings]:
    return {name: source for name, source in config.sources.items() if source.sidecar == "managed"}


def _in_writing(config: Config, name: str) -> StdoutSink:
    """A sink on standard output that speaks to whom this one speaks to."""
    return StdoutSink(type="stdout", format="text" if routing.speaks_to_people(config.sinks[name]) else "json")


def _newest(config: Config) -> int:
    """The number of the newest event in the store, 0 if there is none."""
    path = config.state.store_path
    if not path.exists():
        return 0
    newest = list(SqliteReader(path, {}).events(after=0, newest=1))
    return newest[-1].event.number if newest else 0
