"""The tables of all rooms, joined."""

from collections.abc import Mapping

from sentinel.config import Config
from sentinel.events import EventType, Words
from sentinel.sources import own, tailnet
from sentinel.sources.own import examples as own_examples
from sentinel.sources.own import reference as own_reference
from sentinel.sources.reference import Entry
from sentinel.sources.room import Example, Room
from sentinel.sources.tailnet import examples as tailnet_examples
from sentinel.sources.tailnet import reference as tailnet_reference

ROOMS: tuple[Room, ...] = (tailnet.ROOM, own.ROOM)
CATALOGUE: Mapping[str, EventType] = {**tailnet.ROOM.catalogue, **own.ROOM.catalogue}
WORDS: Mapping[str, Words] = {**tailnet.ROOM.words, **own.ROOM.words}
ENTRIES: Mapping[str, Entry] = {**tailnet_reference.ENTRIES, **own_reference.ENTRIES}
EXAMPLES: Mapping[str, Example] = {**tailnet_examples.EXAMPLES, **own_examples.EXAMPLES}


def rooms(config: Config) -> dict[str, Room]:
    """The room of each configured source."""
    return {
        name: tailnet.room(frozenset(source.include)) if source.include else tailnet.ROOM
        for name, source in config.sources.items()
    }
