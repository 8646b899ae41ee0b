"""What a new configuration changes, and how much has to start again for it."""

from collections.abc import Collection
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
_OF_SOURCE = ("sidecar", "include")
_NODE: tuple[Place, ...] = (
    ("tsnet", "control_url"),
    ("tsnet", "advertise_tags"),
    ("tsnet", "ephemeral"),
    ("tsnet", "log_upload"),
)


def compare(old: Config, new: Config) -> tuple[Changed, ...]:
    """The keys whose effective values differ, secrets included, in the order of the file."""
    own = {name for each in (old, new) for name, source in each.sources.items() if source.tsnet is not None}
    before, after = (dict(exposed(_with_nodes(each, own))) for each in (old, new))
    places = [*before, *(place for place in after if place not in before)]
    return tuple(
        Changed(".".join(place), _restart(place, old, new))
        for place in places
        if place not in before or place not in after or before[place] != after[place]
    )


def _with_nodes(config: Config, own: Collection[str]) -> Config:
    """The same with all that holds for the nodes of these sources in their own groups."""
    sources = {
        name: source.model_copy(update={"tsnet": config.tsnet_of(name)}) if name in own else source
        for name, source in config.sources.items()
    }
    return config.model_copy(update={"sources": sources})


def running(old: Config, new: Config) -> Config:
    """The new configuration as far as a service that runs with the old one can take it."""
    sources = {
        name: new.sources.get(name, source).model_copy(update={key: getattr(source, key) for key in _OF_SOURCE})
        for name, source in old.sources.items()
    }
    return new.model_copy(
        update={
            "state": new.state.model_copy(update={"path": old.state.path}),
            "tsnet": new.tsnet.model_copy(update={"state_dir": old.tsnet.state_dir}),
            "sources": sources,
            "ingest": old.ingest,
            "control": old.control,
            "http": new.http.model_copy(update={"listen": old.http.listen}),
        }
    )


def _restart(place: Place, old: Config, new: Config) -> Restart:
    if _is_wiring(place, old, new) or any(place[: len(each)] == each for each in _SERVICE):
        return Restart.SERVICE
    own = place[2:] if place[0] == "sources" else place
    if own == ("tsnet", "state_dir"):
        return Restart.SERVICE
    return Restart.NODE if own in _NODE else Restart.NOTHING


def _is_wiring(place: Place, old: Config, new: Config) -> bool:
    """Whether another edge has to be started or ended for it, or one has to say anew what it sees."""
    if place[0] != "sources":
        return False
    return place[2:3] in [(key,) for key in _OF_SOURCE] or (place[1] in old.sources) != (place[1] in new.sources)
