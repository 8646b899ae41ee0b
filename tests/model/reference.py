"""What has to be true in the end, said as simply as possible: no batches, no windows, no crashes."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

Aspects = Mapping[tuple[str, str], str]


class Seen(NamedTuple):
    """One committed frame: when it was captured, which peers were there after it, and whether in contact if said."""

    at: datetime
    peers: Mapping[str, bool | None]


class Turn(NamedTuple):
    """What one committed frame changed: all peers before and after, and (peer, type) of the events that it leads to."""

    before: Mapping[str, bool | None]
    after: Mapping[str, bool | None]
    events: list[tuple[str, str]]


def turns(sequence: Sequence[Seen]) -> Iterator[Turn]:
    """One turn for each frame. The first is taken in silence, and unsaid contact leaves what was known."""
    before: Mapping[str, bool | None] = {}
    for number, seen in enumerate(sequence):
        after = {name: before.get(name) if online is None else online for name, online in seen.peers.items()}
        yield Turn(before, after, list(_events(before, after)) if number else [])
        before = after


def _events(before: Mapping[str, bool | None], after: Mapping[str, bool | None]) -> Iterator[tuple[str, str]]:
    for name in sorted(before.keys() | after.keys()):
        was, became = bool(before.get(name)), bool(after.get(name))
        happened = {
            "peer.added": name not in before,
            "peer.online": became and not was,
            "peer.offline": was and not became,
            "peer.removed": name not in after,
        }
        yield from ((name, event_type) for event_type, it_did in happened.items() if it_did)


def aspects(peers: Mapping[str, bool | None], names: Sequence[str]) -> Aspects:
    """What a sink has to believe of each (peer, aspect): a peer that is absent, or never said to be, is not online."""
    presence = {(name, "presence"): "online" if peers.get(name) else "offline" for name in names}
    return presence | {(name, "membership"): "present" if name in peers else "absent" for name in names}


def concerned_for_being_away(tellings: Sequence[tuple[str, str]]) -> bool:
    """Whether each telling, as (peer, type), says that a peer went away, or ends what was told of it."""
    away: set[str] = set()
    for name, event_type in tellings:
        if (event_type == "peer.offline") is (name in away):
            return False
        away ^= {name}
    return True


def went_away(events: Sequence[tuple[str, str]]) -> set[str]:
    """Peers whose newest change of contact, among events as (peer, type), is that they went away."""
    last = {name: event_type for name, event_type in events if event_type in ("peer.online", "peer.offline")}
    return {name for name, event_type in last.items() if event_type == "peer.offline"}


def open_problems(tellings: Sequence[tuple[str, str]]) -> set[str]:
    """Peers whose last telling at a sink, as (peer, type), was that they went away."""
    last = {name: event_type for name, event_type in tellings if event_type != "peer.added"}
    return {name for name, event_type in last.items() if event_type == "peer.offline"}
