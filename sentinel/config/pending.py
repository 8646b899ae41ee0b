"""Keys that are accepted and checked, but have no effect yet. One line each: what the key will do."""

from collections.abc import Iterator, Mapping

from sentinel.config.given import Given
from sentinel.config.reference import key_id, keys

_POLL = "sources are watched in real time; polling comes as another mode of the edge"
_KEYS = "keys never repeat, so none is forgotten; this will bound how long a replay is recognised"

PENDING: Mapping[str, str] = {
    "routes[].hold": "only `policy.debounce_window` holds",
    "routes[].quiet": "people are told at all hours",
    "routes[].digest.*": "messages do not wait for each other",
    "policy.suppression_window": "nothing is suppressed after a message",
    "policy.batch_size": "messages to people name as many subjects as there are",
    "policy.hold[].*": "only `policy.debounce_window` holds",
    "policy.quiet_hours.<name>.*": "people are told at all hours",
    "policy.baseline": "the first sight of a tailnet is silent",
    "policy.flap.*": "flapping is not told of",
    "policy.mass_change.*": "mass changes are not told of",
    "policy.blind_after": "that a source does not see is in the status alone",
    "policy.ephemeral": "all nodes are told of",
    "policy.remind": "an open problem is told once",
    "key_expiry.at": "keys that expire are told of at any hour",
    "state.idempotency_key_ttl": _KEYS,
    "notifier.idempotency_key_ttl": _KEYS,
    "poll_interval": _POLL,
    "poll_jitter": _POLL,
    "poll_backoff_min": _POLL,
    "poll_backoff_max": _POLL,
    "source.mode": _POLL,
    "sources.<name>.mode": _POLL,
    "sources.<name>.expect_at_least": "devices are not counted",
    "ingest.listen": "sidecars dial in at the socket alone",
    "ingest.secret_file": "sidecars dial in at the socket alone",
    "ingest.certificate": "sidecars dial in at the socket alone",
    "ingest.private_key": "sidecars dial in at the socket alone",
    "ingest.client_ca": "sidecars dial in at the socket alone",
    "http.*": "there is no page yet",
    "heartbeat.*": "there is no sign of life yet",
    "metrics.per_device": "there are no metrics yet",
}


def pending(key: str) -> str:
    """What is not there yet of the key with this id; empty if all of it is."""
    if key in PENDING:
        return PENDING[key]
    above = (entry for entry in PENDING if entry.endswith(".*") and key.startswith(entry.removesuffix("*")))
    return next((PENDING[entry] for entry in above), "")


def pending_in(given: Given) -> Iterator[tuple[str, str]]:
    """The keys among those given that have no effect yet, as they are written, each with its line of the table."""
    known = {key.id for key in keys()}
    told: set[tuple[str, str]] = set()
    for place, origin in given.origins.items():
        key = key_id(place, given.values)
        text = pending(key) if key in known else ""
        if text and (key, origin.name) not in told:
            told.add((key, origin.name))
            yield origin.path or ".".join(place), text
