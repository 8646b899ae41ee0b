"""One small function per aspect of a peer: what it was and what it is, in; what changed, out."""

from sentinel.sources.tailnet.detectors.approval import approval
from sentinel.sources.tailnet.detectors.belonging import addresses, name, owner, tags
from sentinel.sources.tailnet.detectors.hostinfo import hostinfo
from sentinel.sources.tailnet.detectors.keys import key, key_expiry, key_life
from sentinel.sources.tailnet.detectors.membership import membership
from sentinel.sources.tailnet.detectors.presence import presence
from sentinel.sources.tailnet.detectors.routing import exit_node, routes

DETECTORS = (
    membership,
    presence,
    approval,
    owner,
    tags,
    name,
    addresses,
    routes,
    exit_node,
    key_life,
    key_expiry,
    key,
    hostinfo,
)
