"""Sentinel itself, as far as somebody has to know how it does: its sinks."""

from sentinel.sources.own import catalogue, sinks, words
from sentinel.sources.room import Kind, Room

SOURCE = "sentinel"
"""The name of this source; no edge speaks for it."""
SINK = "sink"

fails = sinks.fails
ROOM = Room(
    kind="sentinel",
    kinds={SINK: Kind(sinks.advance, (sinks.delivering,), sinks.encode, sinks.decode, needs_sight=False)},
    catalogue=catalogue.CATALOGUE,
    words=words.WORDS,
    remedies={},
)
