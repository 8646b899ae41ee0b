"""What programs may rely on: the envelope and the payload of each type of event, as tables and as a JSON schema."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from sentinel.events import SCHEMA_VERSION, EventType, Severity

Schema = Mapping[str, object]

TEXT: Schema = {"type": "string"}
TEXTS: Schema = {"type": "array", "items": TEXT}
NUMBER: Schema = {"type": "integer"}
FLAG: Schema = {"type": "boolean"}
OPTIONAL_FLAG: Schema = {"type": ["boolean", "null"]}
MOMENT: Schema = {"type": "string", "format": "date-time"}
OPTIONAL_MOMENT: Schema = {"type": ["string", "null"], "format": "date-time"}
OBJECT: Schema = {"type": "object"}


@dataclass(frozen=True, slots=True)
class Entry:
    """One type of event for its readers: when it comes, and the keys of its payload with their schemas.

    `optional` are keys that are there in some cases only.
    """

    when: str
    severities: tuple[Severity, ...]
    payload: Mapping[str, Schema]
    optional: Mapping[str, Schema] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Field:
    """One field of the envelope."""

    schema: Schema
    meaning: str


def _digits(count: int) -> Schema:
    return {"type": "string", "pattern": f"^[0-9a-f]{{{count}}}$"}


ENVELOPE: Mapping[str, Field] = {
    "schema_version": Field({"const": SCHEMA_VERSION}, "The version of this form."),
    "event_id": Field(_digits(32), "Names the event; the same whenever it is sent again."),
    "event_type": Field(TEXT, "What happened: one of the types below."),
    "severity": Field({"enum": [severity.value for severity in Severity]}, "How much it matters."),
    "timestamp": Field(MOMENT, "When it happened, as far as known."),
    "subject_id": Field(TEXT, "Names the subject within its source, for good."),
    "subject_type": Field(TEXT, "What kind of thing it happened to."),
    "before_hash": Field(_digits(64), "Stands for all that was known of the source before."),
    "after_hash": Field(_digits(64), "Stands for all that is known of the source since."),
    "payload": Field(OBJECT, "The facts, by type."),
    "source": Field(
        {"type": "object", "properties": {"kind": TEXT, "name": TEXT}, "required": ["kind", "name"]},
        "Who saw it: the kind of the source and its name in the configuration.",
    ),
    "subject_name": Field(TEXT, "What people call the subject."),
    "subject_revision": Field({"type": "integer"}, "Grows with every change of the subject."),
    "aspect": Field(TEXT, "Which side of the subject it is about; events of one aspect supersede each other."),
    "recorded_at": Field(MOMENT, "When Sentinel recorded it."),
    "cause": Field(
        TEXT, "How the source came to know: by a change, a comparison, or time that passed; `test` is none."
    ),
    "labels": Field({"type": "object", "additionalProperties": TEXT}, "Labels from the configuration."),
    "changes": Field(
        {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"path": TEXT, "before": {}, "after": {}},
                "required": ["path", "before", "after"],
            },
        },
        "Each fact that changed: where it stands in the payload, its value before and after.",
    ),
    "resolves": Field(
        {"type": ["string", "null"], "pattern": "^[0-9a-f]{32}$"}, "The `event_id` of the problem that this ends."
    ),
    "summary": Field(TEXT, "One line for a log."),
}


def event_schema(catalogue: Mapping[str, EventType], entries: Mapping[str, Entry]) -> dict[str, object]:
    """The JSON schema of an event. Further keys in a payload are no fault: newer versions may add some."""
    envelope = {name: dict(row.schema) for name, row in ENVELOPE.items()}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "An event of Sentinel",
        "type": "object",
        "properties": envelope | {"event_type": {"enum": sorted(entries)}},
        "required": list(ENVELOPE),
        "additionalProperties": False,
        "allOf": [_branch(catalogue[name], entry) for name, entry in entries.items()],
    }


def problem(event_type: EventType) -> str:
    """What an event of the type does to the problem of its aspect: `opens`, `ends`, `opens or ends`, or nothing."""
    if isinstance(event_type.problem, frozenset) or event_type.problem == "any":
        return "opens or ends"
    return event_type.problem or ""


def _branch(event_type: EventType, entry: Entry) -> dict[str, object]:
    payload = {
        "type": "object",
        "properties": {**entry.payload, **entry.optional},
        "required": list(entry.payload),
    }
    return {
        "if": {"properties": {"event_type": {"const": event_type.name}}},
        "then": {
            "properties": {
                "severity": {"enum": [severity.value for severity in entry.severities]},
                "aspect": {"const": event_type.aspect},
                "payload": payload,
            }
        },
    }
