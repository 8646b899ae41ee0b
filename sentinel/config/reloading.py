"""What a new configuration changes, and how much has to start again for it."""

from dataclasses import dataclass
from enum import IntEnum

from sentinel.config.document import Place
from sentinel.config.model import Config
from sentinel.config.showing import exposed


class Restart(IntEnum):
    """What has to start again before a change counts; the greater includes the smaller."""

    NOTHING = 0
    NODE = 1
    SERVICE = 2


@dataclass(frozen=True, slots=True)
class Changed:
    """A key that is different now, by its dotted path."""

    path: str
    restart: Restart


_SERVICE: tuple[Place, ...] = (
    ("state", "path"),
    ("tsnet", "state_dir"),
    ("ingest",),
    ("control",),
    ("http", "listen"),
)
_NODE: tuple[Place, ...] = (
    ("tsnet", "control_url"),
    ("tsnet", "advertise_tags"),
    ("tsnet", "ephemeral"),
    ("tsnet", "log_upload"),
)


def compare(old: Config, new: Config) -> tuple[Changed, ...]:
    """The keys whose effective values differ, secrets included, in the order of the file."""
    before, after = dict(exposed(old)), dict(exposed(new))
    places = [*before, *(place for place in after if place not in before)]
    return tuple(
        Changed(".".join(place), _restart(place, old, new))
        for place in places
        if place not in before or place not in after or before[place] != after[place]
    )


def _restart(place: Place, old: Config, new: Config) -> Restart:
    if _is_wiring(place, old, new) or any(place[: len(each)] == each for each in _SERVICE):
        return Restart.SERVICE
    return Restart.NODE if place in _NODE else Restart.NOTHING


def _is_wiring(place: Place, old: Config, new: Config) -> bool:
    """Whether another edge has to be started or ended for it."""
    if place[0] != "sources":
        return False
    return place[2:] == ("sidecar",) or (place[1] in old.sources) != (place[1] in new.sources)
