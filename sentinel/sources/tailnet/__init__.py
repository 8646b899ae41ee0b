"""A Tailscale network, as a node of it sees it."""

from collections.abc import Set as AbstractSet
from functools import partial

from sentinel.sources.room import Kind, Room, Timer
from sentinel.sources.tailnet import catalogue, node, routes, words, words_of_changes
from sentinel.sources.tailnet.detectors import DETECTORS
from sentinel.sources.tailnet.fold import GONE, advance, next_due
from sentinel.sources.tailnet.model import PEER, Input
from sentinel.sources.tailnet.node import catalogue as node_catalogue
from sentinel.sources.tailnet.node import words as node_words
from sentinel.sources.tailnet.records import TITLES, availability, decode, describe, detail, encode
from sentinel.sources.tailnet.routes import catalogue as route_catalogue
from sentinel.sources.tailnet.routes import words as route_words
from sentinel.sources.tailnet.routes.carriers import Carriers


def room(include: AbstractSet[str] = frozenset()) -> Room:
    """The room of a tailnet; `include` names the kinds of foreign peers that are watched like its own (`FOREIGN`)."""
    return Room(
        kind="tailnet",
        kinds={PEER: _peers(include), **node.KINDS, **routes.KINDS},
        catalogue=catalogue.CATALOGUE | node_catalogue.CATALOGUE | route_catalogue.CATALOGUE,
        words=words.WORDS | words_of_changes.WORDS_OF_CHANGES | node_words.WORDS | route_words.WORDS,
        remedies=words.REMEDIES,
        derivation=Carriers,
    )


def _peers(include: AbstractSet[str]) -> Kind:
    return Kind(
        advance=partial(advance, include=include) if include else advance,
        detectors=DETECTORS,
        encode=encode,
        decode=decode,
        gone=GONE,
        availability=availability,
        describe=describe,
        titles=TITLES,
        detail=detail,
        timer=Timer(next_due, Input()),
    )


ROOM = room()
