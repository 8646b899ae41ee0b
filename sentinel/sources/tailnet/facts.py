"""What every event of a peer says about it, whatever happened."""

from sentinel.sources.tailnet.model import Peer


def identity(peer: Peer) -> dict[str, object]:
    """The payload's common part; `owners` are numeric ids, `owner` is the login."""
    return {
        "name": peer.name,
        "tags": peer.tags,
        "owners": (str(peer.owner_id),) if peer.owner_id else (),
        "ips": peer.addresses,
        "dns_name": peer.dns_name,
        "owner": peer.owner,
        "os": peer.os,
    }


PERSONAL_SYSTEMS = frozenset({"ios", "android", "macos", "windows"})


def is_personal(tags: object, system: str) -> bool:
    """A phone or personal computer, untagged: it comes and goes as it pleases."""
    return not tags and system.lower() in PERSONAL_SYSTEMS
