"""The tables of all rooms, joined."""

from collections.abc import Mapping

from sentinel.config import Config
from sentinel.events import EventType, Words
from sentinel.sources import tailnet
from sentinel.sources.reference import Entry
from sentinel.sources.room import Room
from sentinel.sources.tailnet.reference import ENTRIES as ENTRIES_OF_A_TAILNET

CATALOGUE: Mapping[str, EventType] = tailnet.ROOM.catalogue
WORDS: Mapping[str, Words] = tailnet.ROOM.words
ENTRIES: Mapping[str, Entry] = ENTRIES_OF_A_TAILNET


def rooms(config: Config) -> dict[str, Room]:
    """The room of each configured source."""
    return dict.fromkeys(config.sources, tailnet.ROOM)
