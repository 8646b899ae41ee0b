"""One small function per aspect of a peer: what it was and what it is, in; what changed, out."""

from sentinel.sources.tailnet.detectors.membership import membership
from sentinel.sources.tailnet.detectors.presence import presence

DETECTORS = (membership, presence)
