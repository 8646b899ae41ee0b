"""Routes on disk."""

from typing import Any

import orjson

from sentinel.clock import parse_rfc3339
from sentinel.events import compact_json
from sentinel.sources.tailnet.routes.model import Carrier, Route


def encode(route: Route) -> bytes:
    """The route as JSON: equal routes give equal bytes."""
    return compact_json(route)


def decode(body: bytes) -> Route:
    """The route that `encode` wrote."""
    fields: dict[str, Any] = orjson.loads(body)
    for name in ("carriers", "last"):
        fields[name] = tuple(Carrier(**carrier) for carrier in fields[name])
    return Route(**fields | {"since": parse_rfc3339(fields["since"])})
