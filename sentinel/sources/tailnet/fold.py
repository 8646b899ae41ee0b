"""Frame by frame: what a peer was, and what a frame says of it, gives what it is."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sentinel.sources.tailnet import ladder
from sentinel.sources.tailnet.model import Input, Patch, Peer, Presence, Sighting
from sentinel.sources.tailnet.normalize import normalize

GONE = Input(removed=True)
LONGEST_RUNG = max(ladder.RUNGS.values())
CLOCKS_DIFFER = timedelta(days=1)
"""More than the clocks of an edge and of its control server ever differ."""


def advance(
    before: Peer | None,
    said: Input,
    people: Mapping[int, str],
    captured_at: datetime,
    *,
    include: AbstractSet[str] = frozenset(),
) -> Peer | None:
    """The peer after a frame; None when it is gone, or none of the tailnet's own and of no kind in `include`.

    An input that says nothing leaves only time to pass: it is what moves a key down the ladder.
    """
    after = None if said.removed else before
    if said.sighting is not None:
        hidden = said.sighting.foreign and said.sighting.foreign not in include
        after = None if hidden else _seen(before, said.sighting, people, captured_at)
    if said.patch is not None and after is not None:
        after = _patched(after, said.patch, captured_at)
    return _aged(before, after, captured_at) if after is not None else None


def next_due(peer: Peer) -> datetime | None:
    """When the peer changes by itself, without a frame; None for never. It is past if nobody looked since."""
    if peer.key_expiry is None or peer.rung == ladder.EXPIRED:
        return None
    # A record of an older version knows no beginning: it gets one at the latest where its first rung may be.
    first_seen = peer.key_seen or peer.key_expiry - 2 * LONGEST_RUNG
    return ladder.next_rung_after(peer.key_expiry, first_seen, peer.rung)


def _seen(before: Peer | None, sighting: Sighting, people: Mapping[int, str], captured_at: datetime) -> Peer:
    peer = normalize(sighting.peer, people)
    if before is not None:
        kept = replace(peer, **_kept(before, peer))
        return _patched(kept, Patch(peer.presence, sighting.last_seen), captured_at)
    since = sighting.last_seen if peer.presence is Presence.OFFLINE else None
    return replace(peer, since=min(since, captured_at)) if since else peer


def _kept(before: Peer, peer: Peer) -> dict[str, Any]:
    """What a sighting leaves as it was, above all what it does not say: unknown is no change."""
    kept: dict[str, Any] = {
        "presence": before.presence,
        "since": before.since,
        "key": peer.key or before.key,
        "key_seen": before.key_seen,
        "rung": before.rung,
    }
    if peer.hostinfo is None:
        kept |= {"os": before.os, "hostname": before.hostname, "hostinfo": before.hostinfo}
        kept |= {"name": peer.name if peer.dns_name else before.name}
    # A frame may name an owner before it tells the login; the login known so far is better than none.
    if peer.owner_id in (0, before.owner_id):
        kept |= {"owner_id": before.owner_id, "owner": peer.owner or ("" if peer.tags else before.owner)}
    # A control server that once spoke of a machine's approval says no by leaving it out.
    if peer.machine_authorized is None and before.machine_authorized is not None:
        kept |= {"machine_authorized": False}
    return kept


def _aged(before: Peer | None, after: Peer, captured_at: datetime) -> Peer:
    """The peer with its key where it stands on the ladder at this moment."""
    if after.key_expiry is None:
        key_seen, rung = None, ladder.EXPIRED if after.expired else ladder.VALID
    elif before is None or before.key_seen is None or _is_later(after.key_expiry, before.key_expiry):
        key_seen, rung = captured_at, _rung(after, captured_at, captured_at)
    else:
        key_seen, rung = before.key_seen, _rung(after, before.key_seen, captured_at)
        if ladder.is_worse(before.rung, rung) and not _is_freed(before, after, captured_at):
            # Neither a clock that is set back nor an earlier end makes a key any fresher.
            rung = before.rung
    return after if (after.key_seen, after.rung) == (key_seen, rung) else replace(after, key_seen=key_seen, rung=rung)


def _rung(peer: Peer, first_seen: datetime, captured_at: datetime) -> str:
    return ladder.EXPIRED if peer.expired else ladder.rung(peer.key_expiry, first_seen, captured_at)


def _is_later(key_expiry: datetime, before: datetime | None) -> bool:
    """A life begins with a later end; an earlier one shortens the life that there is."""
    return before is None or key_expiry > before


def _is_freed(before: Peer, after: Peer, captured_at: datetime) -> bool:
    """The control server takes back that the key has expired, and not because its clock differs from the edge's."""
    left = after.key_expiry - captured_at if after.key_expiry else None
    return before.expired and not after.expired and (left is None or left > CLOCKS_DIFFER)


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
