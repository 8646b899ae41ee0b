"""The routes of a tailnet, and who carries them."""

from sentinel.sources.room import Kind
from sentinel.sources.tailnet.routes.detectors import carrier
from sentinel.sources.tailnet.routes.model import ROUTE, advance
from sentinel.sources.tailnet.routes.records import decode, encode

KINDS = {ROUTE: Kind(advance=advance, detectors=(carrier,), encode=encode, decode=decode)}
