"""When sinks are told."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field
from pydantic.config import JsonDict

from sentinel.config.fields import (
    Duration,
    Name,
    Settings,
    Severities,
    Severity,
    TimeOfDay,
    Words,
    computed,
    positive,
    spelled,
)
from sentinel.config.routes import Selector

Span = Annotated[Duration, AfterValidator(positive)]


def _as_selector(schema: JsonDict) -> None:
    schema["x-type"] = "selector"


class HoldRule(Settings):
    """How long a new state must last before people are told."""

    match: Selector = Field(default=Selector(), description="Which events.", json_schema_extra=_as_selector)
    exclude: Selector = Field(
        default=Selector(), alias="except", description="Which of them not.", json_schema_extra=_as_selector
    )
    span: Duration = Field(alias="for", description="How long the new state must last; `0` does not hold.")


class QuietHours(Settings):
    """Hours in which people are not told."""

    begin: TimeOfDay = Field(alias="from", description="When they begin.")
    end: TimeOfDay = Field(alias="to", description="When they end; before `from` it is on the next day.")
    passing: Severities = Field(
        default=("critical",), alias="pass", description="Severities that are told all the same."
    )
    days: Words = Field(default=(), description="Days on which they begin, such as `[sat, sun]`; empty is every day.")


class FlapSettings(Settings):
    """When a device is said to come and go."""

    changes: int = Field(default=6, ge=2, description="So many changes of contact...")
    within: Span = Field(default=timedelta(minutes=30), description="...within this time are flapping.")
    calm: Span = Field(default=timedelta(minutes=15), description="How long without a change is stable again.")


class MassSettings(Settings):
    """When many devices are lost at once."""

    share: int = Field(default=30, ge=1, le=100, description="More than so many percent of all devices...")
    at_least: int = Field(default=10, ge=2, description="...and at least so many...")
    within: Span = Field(default=timedelta(seconds=60), description="...lost within this time.")


class PolicySettings(Settings):
    """When sinks are told."""

    empty_is_unset: ClassVar[frozenset[str]] = frozenset({"baseline", "ephemeral"})

    debounce_window: Duration = Field(
        default=timedelta(seconds=3),
        description="How long a subject must be at rest before a change of it is told; `0` tells at once.",
    )
    suppression_window: Duration = Field(
        default=timedelta(),
        description="How long after a message nothing more is told of the same subject; `0` does not suppress.",
    )
    rate_limit_per_min: int | None = Field(
        default=None,
        description="The most messages a minute to each sink; what is beyond waits. `0` is no limit.",
        json_schema_extra=computed("`120` for people, `0` for others"),
    )
    batch_size: int = Field(default=20, ge=1, description="The most events that one message to people names.")
    hold: tuple[HoldRule, ...] | None = Field(
        default=None,
        description="The first that matches says how long a new state must last before it is told.",
        json_schema_extra=computed("2m for `peer.offline` and 15s for routes, to people and for incidents"),
    )
    quiet_hours: Mapping[Name, QuietHours] = Field(default={}, description="Quiet hours by name, for routes.")
    baseline: Annotated[Literal["announce", "silent"], spelled(lower=True)] = Field(
        default="announce", description="Whether people get one message about what is there at first sight."
    )
    flap: FlapSettings = FlapSettings()
    mass_change: MassSettings = MassSettings()
    blind_after: Span = Field(
        default=timedelta(seconds=60), description="How long a source may not see before that is told."
    )
    ephemeral: Annotated[Literal["tell", "ignore"], spelled(lower=True)] = Field(
        default="tell", description="Whether nodes that the tailnet forgets by itself are told of."
    )
    remind: Duration = Field(
        default=timedelta(), description="How often a problem that stays open is told again; `0` is never."
    )


class SeverityOverride(Settings):
    """Another severity for some events."""

    match: Selector = Field(default=Selector(), description="Which events.", json_schema_extra=_as_selector)
    severity: Severity = Field(description="`info`, `warning` or `critical`.")


class KeyExpirySettings(Settings):
    """The reminders before a key expires."""

    at: TimeOfDay = Field(
        default="09:00", validate_default=True, description="The time of day at which people are reminded of it."
    )
