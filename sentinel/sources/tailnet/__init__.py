"""A Tailscale network, as a node of it sees it."""

from sentinel.sources.room import Room
from sentinel.sources.tailnet.catalogue import CATALOGUE
from sentinel.sources.tailnet.detectors import DETECTORS
from sentinel.sources.tailnet.fold import GONE, advance
from sentinel.sources.tailnet.records import availability, decode, describe, encode
from sentinel.sources.tailnet.words import REMEDIES, WORDS

ROOM = Room(
    kind="tailnet",
    subject_type="peer",
    gone=GONE,
    advance=advance,
    detectors=DETECTORS,
    availability=availability,
    encode=encode,
    decode=decode,
    describe=describe,
    catalogue=CATALOGUE,
    words=WORDS,
    remedies=REMEDIES,
)
