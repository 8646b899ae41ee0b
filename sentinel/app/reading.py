"""Answers where no service runs: from the store that one left."""

from sentinel.app import routing, tables
from sentinel.config import Config
from sentinel.control.answers import Answers
from sentinel.control.stored import StoredClient
from sentinel.store.reader import SqliteReader


def stored(config: Config) -> StoredClient | None:
    """Reads the store and changes nothing; None if there is none."""
    path = config.state.store_path
    if not path.exists():
        return None
    reader = SqliteReader(path, tables.CATALOGUE)
    sinks = {name: sink.type for name, sink in config.sinks.items()}
    return StoredClient(Answers(reader=reader, rooms=tables.rooms(config), routes=routing.routes(config), sinks=sinks))
