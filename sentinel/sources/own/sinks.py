"""Whether messages arrive at a sink: what is known, what changes it, and what is told of that."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from sentinel.clock import parse_rfc3339, rfc3339
from sentinel.events import Finding, Severity, compact_json
from sentinel.model import Change, Condition, SubjectKey
from sentinel.sources.own.catalogue import FAILING, RECOVERED

DOES_NOT_ARRIVE = "failing"
"""The value of the aspect while messages do not arrive."""


@dataclass(frozen=True, slots=True)
class Sink:
    """A sink that failed at some time: whether it still does, and since when it does or does not.

    `error` is what it said when it failed; `given_up` and `still_open` are as of `since`.
    """

    name: str
    failing: bool
    since: datetime
    error: str
    given_up: int
    still_open: tuple[str, ...] = ()


def advance(before: Sink | None, said: Condition | None, _: Mapping[int, str], __: datetime) -> Sink | None:
    """The sink after what its loop said; None says that it is no longer configured.

    One that never failed is not kept, and of several reports of one failure the first counts.
    """
    if said is None or (before is None and not said.failing):
        return None
    if before is not None and before.failing == said.failing:
        return before
    error = said.error if said.failing or before is None else before.error
    return Sink(said.sink, said.failing, said.since, error, said.given_up, said.still_open)


def fails(sink: object) -> bool:
    """Whether this is the record of a sink at which messages do not arrive."""
    return isinstance(sink, Sink) and sink.failing


def delivering(subject: SubjectKey, before: Sink | None, after: Sink | None, at: datetime) -> Iterator[Finding]:
    """`sink.failing` and `sink.recovered`; one that is no longer configured fails no longer."""
    failed, fails = before is not None and before.failing, after is not None and after.failing
    if after is not None and fails and not failed:
        yield _failing(subject, after)
    elif before is not None and failed and not fails:
        yield _recovered(subject, before, after, at)


def _failing(subject: SubjectKey, after: Sink) -> Finding:
    return Finding(
        type=FAILING,
        subject=subject,
        subject_name=after.name,
        severity=Severity.CRITICAL,
        happened_at=after.since,
        before="",
        after=DOES_NOT_ARRIVE,
        summary=f"messages do not arrive at {after.name}: {after.error}",
        payload={"sink": after.name, "error": after.error, "given_up": after.given_up},
        changes=(Change("failing", before=False, after=True),),
    )


def _recovered(subject: SubjectKey, before: Sink, after: Sink | None, at: datetime) -> Finding:
    what = "messages arrive again at" if after else "nothing is sent any more to"
    return Finding(
        type=RECOVERED,
        subject=subject,
        subject_name=before.name,
        severity=Severity.INFO,
        happened_at=after.since if after else at,
        before=DOES_NOT_ARRIVE,
        after="",
        summary=f"{what} {before.name}",
        payload={
            "sink": before.name,
            "configured": after is not None,
            "failing_since": rfc3339(before.since),
            "error": before.error,
            "given_up": after.given_up if after else before.given_up,
            "still_open": list(after.still_open) if after else [],
        },
        changes=(Change("failing", before=True, after=False),),
    )


def encode(sink: Sink) -> bytes:
    """The sink as JSON: equal sinks give equal bytes."""
    return compact_json(sink)


def decode(body: bytes) -> Sink:
    """The sink that `encode` wrote."""
    fields: dict[str, Any] = orjson.loads(body)
    return Sink(**fields | {"since": parse_rfc3339(fields["since"]), "still_open": tuple(fields["still_open"])})
