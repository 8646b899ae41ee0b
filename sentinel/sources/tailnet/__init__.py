"""A Tailscale network, as a node of it sees it."""

from collections.abc import Set as AbstractSet
from functools import partial

from sentinel.sources.room import Room
from sentinel.sources.tailnet.catalogue import CATALOGUE
from sentinel.sources.tailnet.detectors import DETECTORS
from sentinel.sources.tailnet.fold import GONE, advance
from sentinel.sources.tailnet.records import availability, decode, describe, encode
from sentinel.sources.tailnet.words import REMEDIES, WORDS
from sentinel.sources.tailnet.words_of_changes import WORDS_OF_CHANGES


def room(include: AbstractSet[str] = frozenset()) -> Room:
    """The room of a tailnet; `include` names the kinds of foreign peers that are watched like its own (`FOREIGN`)."""
    return Room(
        kind="tailnet",
        subject_type="peer",
        gone=GONE,
        advance=partial(advance, include=include) if include else advance,
        detectors=DETECTORS,
        availability=availability,
        encode=encode,
        decode=decode,
        describe=describe,
        catalogue=CATALOGUE,
        words=WORDS | WORDS_OF_CHANGES,
        remedies=REMEDIES,
    )


ROOM = room()
