"""Answers as lines for people and as JSON for programs."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from itertools import chain
from typing import Any
from zoneinfo import ZoneInfo

import click
import orjson

from sentinel.cli.tables import beside, local, screen, shortened, table, wrapped
from sentinel.clock import parse_rfc3339, rfc3339
from sentinel.control.values import (
    ExplainedEvent,
    ExplainedSubject,
    Explanation,
    Fate,
    Occurrence,
    Reloaded,
    SinkStatus,
    Status,
    Subject,
)
from sentinel.logs import escape_controls


def print_json(document: object) -> None:
    """One JSON document on standard output, on one line."""
    text = orjson.dumps(document, default=_plain, option=orjson.OPT_PASSTHROUGH_DATETIME).decode()
    # Within JSON, whose strings have all the characters that this escapes, the result means the same.
    click.echo(escape_controls(text))


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return rfc3339(value)
    if hasattr(value, "_asdict"):
        return value._asdict()
    raise TypeError(f"{type(value).__name__} has no JSON form")


def status_lines(found: Status, zone: ZoneInfo) -> Iterable[str]:
    """The service, its sources and sinks, and what is wrong."""
    yield wrapped(f"Sentinel {found.version}, up since {local(found.started_at, zone)}")
    yield wrapped(f"{found.events} events in {found.store_path}")
    if found.last_words:
        yield wrapped(f"The last run did not end well: {found.last_words}", indent="  ")
    yield ""
    yield from _source_lines(found, zone)
    yield ""
    yield from _sink_table(found.sinks)
    if any(sink.dead for sink in found.sinks):
        yield "What is dead was given up: 'dlq list' says why, 'dlq replay' tries it again."
    if found.warnings or found.troubles:
        yield ""
    for warning in found.warnings:
        yield wrapped(f"warning: {warning}", indent="  ")
    for trouble in found.troubles:
        yield wrapped(f"trouble: {trouble}", indent="  ")


def _sink_table(found: Sequence[SinkStatus]) -> list[str]:
    """The sinks that there are, and those that are gone and left something that can be replayed."""
    sinks = [sink for sink in found if sink.type or sink.dead]
    absorbing, purging = any(sink.absorbed for sink in sinks), any(sink.purged for sink in sinks)
    titles = ("sink", "type", "delivered", "absorbed", "pending", "held", "dead", "purged", "last error")
    rows = [
        (
            sink.name,
            sink.type or "removed",
            str(sink.delivered),
            str(sink.absorbed) if absorbing else "",
            *map(str, (sink.pending, sink.held, sink.dead)),
            str(sink.purged) if purging else "",
            sink.last_error,
        )
        for sink in sinks
    ]
    return table(titles, rows, columns=screen())


def reload_lines(what: Reloaded) -> Iterable[str]:
    """What became of a new configuration."""
    lists = (
        ("Taken:", what.taken),
        ("Taken, sidecars restart their nodes for it:", what.restarted),
        ("Counts from the next start of the service:", what.waiting),
    )
    for title, keys in lists:
        if keys:
            yield title
            yield from (f"  {escape_controls(key)}" for key in keys)
    if not any(keys for _, keys in lists):
        yield "Nothing has changed."
    for remark in what.remarks:
        yield wrapped(f"warning: {remark}", indent="  ")


def _source_lines(found: Status, zone: ZoneInfo) -> Iterable[str]:
    titles = ("source", "network", "sight", "since", "subjects", "last heard")
    rows = [
        (
            source.name,
            source.network or "-",
            source.sight,
            local(source.since, zone),
            str(source.subjects),
            local(source.last_heard_at, zone),
        )
        for source in found.sources
    ]
    yield from table(titles, rows, columns=screen())


def subject_lines(subjects: tuple[Subject, ...], zone: ZoneInfo) -> list[str]:
    """A table of subjects."""
    if not subjects:
        return ["Nothing is known yet."]
    # As keys of a dict, titles keep the order in which they came.
    extra = dict.fromkeys(chain.from_iterable(subject.columns for subject in subjects))
    several = len({subject.source for subject in subjects}) > 1
    cells = (
        [subject.name or subject.subject_id for subject in subjects],
        [subject.state for subject in subjects],
        [local(subject.since, zone) for subject in subjects],
        *([subject.columns.get(title, "") for subject in subjects] for title in extra),
        [subject.source if several else "" for subject in subjects],
    )
    return beside(("name", "state", "since", *extra, "source"), cells, columns=screen())


def subject_json(subject: Subject) -> Mapping[str, Any]:
    """The subject with everything about it."""
    own = {
        "source": subject.source,
        "subject_type": subject.subject_type,
        "subject_id": subject.subject_id,
        "name": subject.name,
        "state": subject.state,
        "since": subject.since,
        "revision": subject.revision,
    }
    return {**own, **{key: value for key, value in subject.detail.items() if key not in own}}


def occurrence_json(occurrence: Occurrence) -> Mapping[str, Any]:
    """The envelope with the outcomes."""
    return {**occurrence.envelope, "outcomes": occurrence.outcomes}


def explanation_json(found: Explanation) -> Any:
    """An event as an object, subjects as a list of them."""
    if isinstance(found, ExplainedEvent):
        return {**occurrence_json(found.occurrence), "routes": found.routes}
    return [
        {
            **subject_json(each.subject),
            "open_problems": each.problems,
            "events": [occurrence_json(occurrence) for occurrence in each.events],
        }
        for each in found
    ]


def occurrence_lines(occurrence: Occurrence, zone: ZoneInfo) -> Iterable[str]:
    """What happened and when, and beneath it what became of it at each sink."""
    happened = local(parse_rfc3339(str(occurrence.envelope["timestamp"])), zone, seconds=True)
    yield wrapped(f"{happened}  {shortened(occurrence.text)}", indent=" " * 21)
    for fate in occurrence.outcomes:
        told = _fate(fate, zone)
        yield wrapped(f"    {fate.sink}: {told}" if fate.sink else f"    {told}", indent="      ")


def explained_event_lines(found: ExplainedEvent, zone: ZoneInfo) -> Iterable[str]:
    """An event, its type and severity, the routes that ask for it, and what became of it and why."""
    occurrence = found.occurrence
    envelope = occurrence.envelope
    happened = local(parse_rfc3339(str(envelope["timestamp"])), zone, seconds=True)
    yield wrapped(f"{happened}  {shortened(occurrence.text)}", indent=" " * 21)
    yield wrapped(f"{envelope['event_type']}, {envelope['severity']}, event {str(envelope['event_id'])[:12]}")
    asking = ", ".join(found.routes) if found.routes else "none"
    yield wrapped(f"Routes that ask for it now: {asking}", indent="  ")
    if envelope.get("resolves"):
        yield wrapped(f"It ends the problem that began with event {str(envelope['resolves'])[:12]}.", indent="  ")
    yield ""
    for fate in occurrence.outcomes:
        if fate.sink:
            yield wrapped(f"{fate.sink}: {_fate(fate, zone)}{_why_there(fate)}", indent="  ")


def explained_subject_lines(found: ExplainedSubject, zone: ZoneInfo) -> Iterable[str]:
    """A subject's state, what sinks were told of it and is open, and its newest events."""
    subject = found.subject
    since = f" since {local(subject.since, zone)}" if subject.since else ""
    about = shortened(", ".join(filter(None, subject.columns.values())))
    yield wrapped(
        f"{shortened(subject.name or subject.subject_id)} is {subject.state}{since}" + (f" ({about})" if about else "")
    )
    yield wrapped(f"{subject.source}, {subject.subject_type} {subject.subject_id}, revision {subject.revision}")
    yield ""
    if not found.problems:
        yield "No sink was told a problem of it that is open."
    for problem in found.problems:
        text = shortened(problem.text) or f"the problem of event {problem.event_id[:12]}"
        began = f", since {local(problem.since, zone)}" if problem.since else ""
        route = f" (route {problem.route})" if problem.route else ""
        yield wrapped(f"open at {problem.sink}: {text}{began}{route}", indent="  ")
    yield ""
    yield "Its newest events:" if found.events else "Nothing has happened to it yet."
    for occurrence in found.events:
        yield from occurrence_lines(occurrence, zone)


def _why_there(fate: Fate) -> str:
    """Which route asked for the event there, or what else made it the sink's business."""
    if fate.state == "unrouted":
        return ""
    if fate.fallback_for:
        return f" (named by {fate.route})"
    if fate.route:
        return f" (asked for by {fate.route})"
    return " (no route asks for it there: it goes on with what was told or waits)"


def _fate(fate: Fate, zone: ZoneInfo) -> str:
    """What became of the event, in words."""
    message = f"message {fate.message}" if fate.message else "a message"
    texts = {
        "told": f"told in {message}",
        "folded": f"folded into {message}",
        "reverted": "not told" if fate.why else "came and went before it was told",
        "unrouted": "not told" if fate.sink else "no route asks for it, so nobody is told",
        "held": "held" + (f" until {local(fate.until, zone, seconds=True)}" if fate.until else ""),
    }
    stands_in = f" as a fallback for {fate.fallback_for}" if fate.fallback_for else ""
    return texts.get(fate.state, fate.state) + stands_in + (f": {fate.why}" if fate.why else "")
