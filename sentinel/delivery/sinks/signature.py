"""Signatures by Standard Webhooks 1.0.0, so that a receiver knows who sent a body and when.

A secret is 24 to 64 random bytes, written as `whsec_` and their base64. While one is being replaced there are
several, and each signs.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Sequence
from datetime import datetime

PREFIX = "whsec_"
SHORTEST = 24
LONGEST = 64
MAKE = "`openssl rand -base64 32` makes some"


def key_of(secret: str) -> bytes:
    """The bytes that the secret stands for; raises ValueError, whose text does not hold the secret."""
    try:
        key = base64.b64decode(secret.strip().removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        raise ValueError(f"is no webhook secret: `{PREFIX}` and the base64 of random bytes ({MAKE})") from None
    if not SHORTEST <= len(key) <= LONGEST:
        raise ValueError(f"is a webhook secret of {len(key)} bytes; it takes {SHORTEST} to {LONGEST} ({MAKE})")
    return key


def signed(keys: Sequence[bytes], *, message_id: str, at: datetime, body: bytes) -> dict[str, str]:
    """The headers that vouch for `body`, sent at `at` (seconds count); the id has no dot in it."""
    seconds = str(int(at.timestamp()))
    content = b".".join((message_id.encode(), seconds.encode(), body))
    signatures = (base64.b64encode(hmac.digest(key, content, hashlib.sha256)).decode() for key in keys)
    return {
        "webhook-id": message_id,
        "webhook-timestamp": seconds,
        "webhook-signature": " ".join(f"v1,{signature}" for signature in signatures),
    }
