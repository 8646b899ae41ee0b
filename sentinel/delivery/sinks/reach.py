"""Which addresses a sink may connect to.

What is checked is what is connected to: a name is looked up once for each connection, and every address that came
of it is judged, however it is written and whatever other address it carries inside.
"""

import socket
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

# RFC 6052 and 8215: the last four bytes are the address behind the translator.
_TRANSLATED = (IPv6Network("64:ff9b::/96"), IPv6Network("64:ff9b:1::/48"))


@dataclass(frozen=True, slots=True)
class Reach:
    """`allow` empty allows every address; `deny` comes before it. Group and unspecified addresses are never reached."""

    allow: tuple[Network, ...] = ()
    deny: tuple[Network, ...] = ()

    def permits(self, address: Address) -> bool:
        """Whether a connection to `address` may be made."""
        forms = tuple(_forms(address))
        if any(form.is_unspecified or form.is_multicast for form in forms):
            return False
        if _among(forms, self.deny):
            return False
        return not self.allow or _among(forms, self.allow)


class UnreachableError(OSError):
    """The name has addresses, and none of them may be connected to."""


def connect(host: str, port: int, *, timeout: float, reach: Reach) -> socket.socket:
    """A connection to the first address of `host` that is permitted and answers within `timeout` (seconds).

    Raises OSError: of the lookup, of the last address that was tried, or UnreachableError.
    """
    failure: OSError = UnreachableError()
    for family, kind, protocol, _, place in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
        if not reach.permits(ip_address(str(place[0]).partition("%")[0])):
            continue
        attempt = socket.socket(family, kind, protocol)
        try:
            attempt.settimeout(timeout)
            attempt.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            attempt.connect(place)
        except OSError as error:
            attempt.close()
            failure = error
        else:
            return attempt
    raise failure


def _among(forms: Sequence[Address], networks: Sequence[Network]) -> bool:
    return any(form in network for form in forms for network in networks)


def _forms(address: Address) -> Iterator[Address]:
    """The address and those that it leads to: mapped, translated or tunnelled IPv4."""
    yield address
    if isinstance(address, IPv4Address):
        return
    if address.ipv4_mapped is not None:
        yield address.ipv4_mapped
    if address.sixtofour is not None:
        yield address.sixtofour
    if address.teredo is not None:
        yield from address.teredo
    if any(address in network for network in _TRANSLATED) or address < IPv6Address(2**32):
        yield IPv4Address(int(address) & 0xFFFF_FFFF)
