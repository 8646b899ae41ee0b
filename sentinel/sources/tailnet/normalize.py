"""Brings a sighting into the one form in which peers are compared, so that only real changes differ."""

from collections.abc import Mapping
from dataclasses import replace
from ipaddress import ip_interface

from sentinel.sources.tailnet.model import Peer


def normalize(peer: Peer, people: Mapping[int, str]) -> Peer:
    """The peer with its owner's login, sorted lists and canonical addresses."""
    return replace(
        peer,
        name=_short_name(peer),
        owner="" if peer.tags else people.get(peer.owner_id, ""),
        tags=tuple(sorted(peer.tags)),
        addresses=tuple(sorted(map(_bare_address, peer.addresses), key=_ipv4_first)),
        routes=tuple(sorted(peer.routes)),
    )


def _short_name(peer: Peer) -> str:
    return peer.dns_name.split(".", 1)[0] or peer.hostname or peer.id


def _bare_address(address: str) -> str:
    # An edge writes canonical prefixes of single addresses: parsing each again would be half of a base's cost.
    bare = address.removesuffix("/128" if ":" in address else "/32")
    if len(bare) < len(address):
        return bare
    try:
        return str(ip_interface(address).ip)
    except ValueError:
        # An address that nobody can parse is still worth showing.
        return address


def _ipv4_first(address: str) -> tuple[bool, str]:
    return (":" in address, address)
