"""The tables of all rooms, joined."""

from collections.abc import Mapping

from sentinel.config import Config
from sentinel.events import EventType, Words
from sentinel.sources import own, tailnet
from sentinel.sources.room import Room

CATALOGUE: Mapping[str, EventType] = {**tailnet.ROOM.catalogue, **own.ROOM.catalogue}
WORDS: Mapping[str, Words] = {**tailnet.ROOM.words, **own.ROOM.words}


def rooms(config: Config) -> dict[str, Room]:
    """The room of each configured source."""
    return {
        name: tailnet.room(frozenset(source.include)) if source.include else tailnet.ROOM
        for name, source in config.sources.items()
    }
