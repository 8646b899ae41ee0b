"""Frame by frame: what a peer was, and what a frame says of it, gives what it is."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from sentinel.sources.tailnet.model import Input, Patch, Peer, Presence, Sighting
from sentinel.sources.tailnet.normalize import normalize

GONE = Input(removed=True)


def advance(before: Peer | None, said: Input, people: Mapping[int, str], captured_at: datetime) -> Peer | None:
    """The peer after a frame; None when it is gone or none of the tailnet's own."""
    after = None if said.removed else before
    if said.sighting is not None:
        after = _seen(before, said.sighting, people, captured_at)
    if said.patch is not None and after is not None:
        after = _patched(after, said.patch, captured_at)
    return after


def _seen(before: Peer | None, sighting: Sighting, people: Mapping[int, str], captured_at: datetime) -> Peer | None:
    if sighting.foreign:
        return None
    peer = normalize(sighting.peer, people)
    if before is None:
        since = sighting.last_seen if peer.presence is Presence.OFFLINE else None
        return replace(peer, since=min(since, captured_at) if since else None)
    # A frame may name an owner before it tells the login; the login known so far is better than none.
    if not peer.owner and not peer.tags and peer.owner_id == before.owner_id:
        peer = replace(peer, owner=before.owner)
    kept = replace(peer, presence=before.presence, since=before.since)
    return _patched(kept, Patch(peer.presence, sighting.last_seen), captured_at)


def _patched(peer: Peer, patch: Patch, captured_at: datetime) -> Peer:
    if patch.presence in (Presence.UNKNOWN, peer.presence):
        return peer
    return replace(peer, presence=patch.presence, since=_began(peer, patch, captured_at))


def _began(peer: Peer, patch: Patch, captured_at: datetime) -> datetime:
    """When the new presence began: the control server's word if it fits what was seen before, else the frame's."""
    claimed = patch.last_seen if patch.presence is Presence.OFFLINE else None
    if claimed is None or claimed > captured_at or (peer.since is not None and claimed < peer.since):
        return captured_at
    return claimed
