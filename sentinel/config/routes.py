"""Which events go where: selectors and routes, in our form and in the original's."""

from collections.abc import Mapping
from datetime import timedelta
from fnmatch import fnmatchcase
from typing import Annotated

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from sentinel.config.fields import Duration, Globs, Networks, Settings, Severities, TimeOfDay, Words


def _labels(given: object) -> object:
    """Labels as a mapping are the same as a list of `name=value`."""
    return [f"{name}={value}" for name, value in given.items()] if isinstance(given, Mapping) else given


class Selector(Settings):
    """Which events: one of each list, and all of the keys. A key that is not set is any."""

    event_types: Globs = Field(default=(), description="Types; `peer.*` and `*` match several, `@original` 17.")
    severities: Severities = Field(default=(), description="`info`, `warning`, `critical`.")
    device_names: Globs = Field(default=(), description="Short name, full name or host name; `web-*` matches several.")
    tags: Words = Field(default=(), description="Tags, such as `tag:server`.")
    owners: Words = Field(default=(), description="Logins or numeric ids of owners.")
    ips: Networks = Field(default=(), description="Addresses or networks.")
    os: Words = Field(default=(), description="Operating systems, such as `linux`.")
    sources: Words = Field(default=(), description="Names of sources.")
    roles: Words = Field(default=(), description="What a device is for, such as `router` and `exit_node`.")
    labels: Annotated[
        Words,
        BeforeValidator(_labels),
        WithJsonSchema({"anyOf": [{"type": "array"}, {"type": "object"}, {"type": "string"}], "x-type": "list"}),
    ] = Field(default=(), description="Labels of the source, as a mapping or as `name=value`.")


class DeviceFilter(Settings):
    """The original's older way to choose devices."""

    names: Globs = Field(default=(), description="The same as `match.device_names`.")
    tags: Words = Field(default=(), description="The same as `match.tags`.")
    owners: Words = Field(default=(), description="The same as `match.owners`.")
    ips: Networks = Field(default=(), description="The same as `match.ips`.")


class EventFilter(Settings):
    """The original's way to choose devices and types."""

    device_names: Globs = Field(default=(), description="The same as `match.device_names`, or below `except`.")
    tags: Words = Field(default=(), description="The same as `match.tags`, or below `except`.")
    ips: Networks = Field(default=(), description="The same as `match.ips`, or below `except`.")
    events: Globs = Field(default=(), description="Types; with `event_types` beside it, those that both have.")


class Filters(Settings):
    """The original's way to let events in and to keep them out."""

    include: EventFilter = EventFilter()
    exclude: EventFilter = EventFilter()


class Digest(Settings):
    """Messages that wait for each other."""

    at: TimeOfDay | None = Field(default=None, description="The time of day at which all that waits is told.")
    every: Duration | None = Field(default=None, description="How often all that waits is told.")

    @model_validator(mode="after")
    def _one_of_them(self) -> "Digest":
        if (self.at is None) == (self.every is None):
            raise ValueError("needs either `at` or `every`")
        if self.every is not None and self.every <= timedelta():
            raise ValueError("needs an `every` that is longer than 0")
        return self


class Route(Settings):
    """Events that go to sinks.

    Written in our form (`match`, `except`) or in the original's (`event_types`, `severities`, `device`, `filters`).
    """

    name: str = Field(default="", description="What `explain` calls it; else it is known by its number.")
    match: Selector = Selector()
    exclude: Selector = Field(
        default=Selector(),
        alias="except",
        description="What does not match all the same: the keys of `match`.",
        json_schema_extra={"x-type": "selector"},
    )
    sinks: Words = Field(default=(), description="Names of sinks.")
    fallback: Words = Field(
        default=(), description="Names of sinks that are told besides what one of `sinks` does not get."
    )
    stop: bool = Field(default=False, description="Whether routes further down do not see what matches this one.")
    resolved: bool = Field(default=True, description="Whether the ends of problems are told, too.")
    hold: Duration | None = Field(
        default=None, description="How long a new state must last before it is told; before `policy.hold`."
    )
    quiet: str = Field(default="", description="The name of the quiet hours that this route keeps.")
    digest: Digest | None = None
    event_types: Globs = Field(default=(), description="The original's form: types, each known or `*`.")
    severities: Severities = Field(default=(), description="The original's form: severities.")
    device: DeviceFilter = DeviceFilter()
    filters: Filters = Filters()

    @model_validator(mode="after")
    def _one_form(self) -> "Route":
        if self.is_original and self.model_fields_set & {"match", "exclude"}:
            raise ValueError(
                "mixes `match` or `except` with keys of the original's form: write all of it below `match`"
            )
        if self.is_original and not self.event_types:
            raise ValueError('needs `event_types`: ["*"] is all of them')
        include = self.filters.include
        for name, ours, theirs in (
            ("names", self.device.names, include.device_names),
            ("tags", self.device.tags, include.tags),
            ("ips", self.device.ips, include.ips),
        ):
            if ours and theirs:
                raise ValueError(f"has both `device.{name}` and the same below `filters.include`: keep one of them")
        if self.is_original and not self.selector.event_types:
            raise ValueError("matches nothing: `event_types` and `filters.include.events` have no type in common")
        return self

    @property
    def is_original(self) -> bool:
        """Whether it is written as the original wants it."""
        return bool(self.model_fields_set & {"event_types", "severities", "device", "filters"})

    @property
    def selector(self) -> Selector:
        """What matches, whichever form it is written in."""
        if not self.is_original:
            return self.match
        device, include = self.device, self.filters.include
        return Selector(
            event_types=_in_both(self.event_types, include.events),
            severities=self.severities,
            device_names=device.names or include.device_names,
            tags=device.tags or include.tags,
            owners=device.owners,
            ips=device.ips or include.ips,
        )

    @property
    def exclusion(self) -> Selector:
        """What does not match although `selector` has it."""
        if not self.is_original:
            return self.exclude
        out = self.filters.exclude
        return Selector(event_types=out.events, device_names=out.device_names, tags=out.tags, ips=out.ips)


def _in_both(types: tuple[str, ...], others: tuple[str, ...]) -> tuple[str, ...]:
    """The patterns for what both lists match; an empty second list is any."""
    if not others:
        return types
    narrower = [own for own in types if any(fnmatchcase(own, other) for other in others)]
    narrower += [other for other in others if any(fnmatchcase(other, own) for own in types)]
    return tuple(dict.fromkeys(narrower))
