"""The variables that set keys: `SENTINEL_A__B` for each of them, and those of the original."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sentinel.config.arranging import THEIRS
from sentinel.config.document import Place
from sentinel.config.fields import fields_of
from sentinel.config.files import FILE_VARIABLE
from sentinel.config.given import get
from sentinel.config.model import Config
from sentinel.config.shapes import inner_group, is_named, is_structured, single_keys
from sentinel.config.sinks import SINK_TYPES

AUTH_KEY_VARIABLE = "SENTINEL_TAILSCALE_AUTH_KEY"


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable for the key at `place`; `structured` if it holds JSON or a list, `late` if it came alive here."""

    name: str
    place: Place
    structured: bool = False
    late: bool = False


# The original lists these, but reads them only if its file sets the same keys.
_LATE: tuple[Place, ...] = (
    ("policy", "debounce_window"),
    ("policy", "suppression_window"),
    ("policy", "rate_limit_per_min"),
    ("policy", "batch_size"),
    ("notifier", "idempotency_key_ttl"),
    ("state", "idempotency_key_ttl"),
    ("output", "no_color"),
    ("tsnet", "auth_key"),
)
_SCALARS: tuple[Place, ...] = (
    ("source", "mode"),
    ("state", "path"),
    ("output", "log_format"),
    ("output", "log_level"),
    ("tsnet", "hostname"),
    ("tsnet", "state_dir"),
    ("tsnet", "client_secret"),
    ("tsnet", "client_id"),
    ("tsnet", "id_token"),
    ("tsnet", "audience"),
    ("tsnet", "login_mode"),
    ("tsnet", "allow_interactive_fallback"),
    ("tsnet", "login_timeout"),
)
_STRUCTURED: tuple[Place, ...] = (("tsnet", "advertise_tags"), ("notifier", "sinks"), ("notifier", "routes"))


def _name(place: Place, between: str) -> str:
    return "SENTINEL_" + between.join(place).upper()


OURS: Mapping[str, Variable] = {
    _name(place, "__"): Variable(_name(place, "__"), place, is_structured(field)) for place, field in single_keys()
}
ORIGINALS: Mapping[str, Variable] = {
    _name(place, "_"): Variable(_name(place, "_"), place, place in _STRUCTURED, place in _LATE)
    for place in (*_SCALARS, *_LATE, *_STRUCTURED)
}
# Each appends one sink or one route to those of the file; the first name of a key comes before the others.
SINK_SHORTHAND: Mapping[str, tuple[str, ...]] = {
    "name": ("SENTINEL_NOTIFIER_SINK_NAME",),
    "type": ("SENTINEL_NOTIFIER_SINK_TYPE",),
    "url": ("SENTINEL_NOTIFIER_SINK_URL",),
}
_ROUTE = "SENTINEL_NOTIFIER_ROUTE_"
ROUTE_SHORTHAND: Mapping[Place, tuple[str, ...]] = {
    ("event_types",): (f"{_ROUTE}EVENT_TYPES", f"{_ROUTE}EVENT_TYPE"),
    ("severities",): (f"{_ROUTE}SEVERITIES",),
    ("sinks",): (f"{_ROUTE}SINKS", "SENTINEL_NOTIFIER_SINK"),
    **{("device", key): (f"{_ROUTE}DEVICE_{key.upper()}",) for key in ("names", "tags", "owners", "ips")},
    **{
        ("filters", way, key): (f"{_ROUTE}FILTER_{way.upper()}_{key.upper()}",)
        for way in ("include", "exclude")
        for key in ("device_names", "tags", "ips", "events")
    },
}
OTHERS: Mapping[str, str] = {
    FILE_VARIABLE: "The configuration file, unless `--config` names one; empty is as if it were not set.",
    AUTH_KEY_VARIABLE: "The same as `tsnet.auth_key`, and comes before it.",
    "SENTINEL_IMAGE": "Which image the original's `docker compose` takes; Sentinel itself does not read it.",
    "SENTINEL_SERVICE_IMAGE": "Which image `docker compose` takes for the service; Sentinel itself does not read it.",
    "SENTINEL_SIDECAR_IMAGE": "Which image `docker compose` takes for the sidecar; Sentinel itself does not read it.",
}


def known() -> Iterator[str]:
    """The name of every variable that there is, without those for keys below names of the user's choice."""
    yield from OTHERS
    yield from ORIGINALS
    yield from OURS
    for names in (*SINK_SHORTHAND.values(), *ROUTE_SHORTHAND.values()):
        yield from names


def find(name: str, given: Mapping[str, Any]) -> Variable | None:
    """The variable of that name; `given` are the values whose sinks, sources and the like it may speak of."""
    found = OURS.get(name) or ORIGINALS.get(name)
    return found or (_below_a_name(name, given) if "__" in name else None)


def _below_a_name(name: str, given: Mapping[str, Any]) -> Variable | None:
    """`SENTINEL_SINKS__PHONE__URL` and its like."""
    parts = name.removeprefix("SENTINEL_").split("__")
    for place, field in single_keys():
        head = [part.lower() for part in parts[: len(place)]]
        rest = parts[len(place) :]
        if tuple(head) == place and len(rest) == 2 and is_named(field):
            key = rest[1].lower()
            models = SINK_TYPES.values() if place == ("sinks",) else [inner_group(field) or Config]
            inner = next((fields_of(model)[key] for model in models if key in fields_of(model)), None)
            if inner is not None:
                own = _own_name(rest[0], get(given, place))
                return Variable(name, (*place, own, key), is_structured(inner))
    return None


def _own_name(part: str, known_names: object) -> str:
    """The name that is meant: variables have capital letters and underscores alone."""
    names = known_names if isinstance(known_names, Mapping) else {}
    return next((name for name in names if re.sub(r"[^A-Za-z0-9]", "_", name).upper() == part), part.lower())


def speaks_as_the_original(env: Mapping[str, str]) -> bool:
    """Whether a variable is set that only users of the original have; the auth key's is everybody's."""
    shorthand = (name for names in (*SINK_SHORTHAND.values(), *ROUTE_SHORTHAND.values()) for name in names)
    theirs = (name for name, variable in OURS.items() if variable.place[0] in THEIRS and len(variable.place) == 1)
    return any(env.get(name, "").strip() for name in (*ORIGINALS, *shorthand, *theirs))


def places_of(names: Iterable[str]) -> frozenset[Place]:
    """The keys that variables with these names set."""
    known: dict[str, Place] = {AUTH_KEY_VARIABLE: ("tsnet", "auth_key")}
    known |= {name: variable.place for name, variable in (*OURS.items(), *ORIGINALS.items())}
    return frozenset(known[name] for name in names if name in known)
