"""Texts of the operator's own in place of built-in ones: Jinja2 in a sandbox, checked before anything happens.

What a template may name is said in `FIELDS`. Values from the network come in tamed, like those of the built-in texts,
and what comes out is cut to size and stripped of control characters by whoever renders it.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from fnmatch import fnmatchcase

import orjson
from jinja2 import StrictUndefined, Template, TemplateError, TemplateSyntaxError, meta, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment

from sentinel.errors import ConfigError, Fault
from sentinel.events import Message, Reading, Text, Words
from sentinel.times import local_time

FIELDS: Mapping[str, str] = {
    "title": "the built-in title",
    "body": "the built-in text",
    "name": "what people call the subject",
    "type": "the type of the event",
    "severity": "`info`, `warning` or `critical`",
    "when": "when it happened, in the reader's time zone: `14:02`, on another day `Nov 20, 23:12`",
    "time": "the same as a Python `datetime`: `{{ time.strftime('%A') }}`",
    "source": "the name of the source",
    "summary": "one line for a log",
    "payload": "the facts of the type as docs/events.md lists them: `payload.owner`; null where one is not there",
    "changes": "what changed: a list of `path`, `before`, `after`",
    "earlier": "how many earlier events of the subject this one speaks for",
}
"""What a template may name."""
LONGEST = 20_000
"""Characters that are taken of what a template says; no service takes as many."""


@dataclass(frozen=True, slots=True)
class Grounds:
    """What a template of one type builds on: the built-in text, the keys of the payload, and a message to try it on."""

    words: Words
    payload: frozenset[str]
    example: Message


def compiled(given: Mapping[str, Text], grounds: Mapping[str, Grounds], reading: Reading) -> dict[str, Words]:
    """Words by type of event. `given` has patterns of types, of which the first that fits counts; an empty title or
    body is the built-in one.

    Raises ConfigError with paths such as `peer.offline.body` for whatever does not compile, names what is not there,
    or says nothing.
    """
    environment = _environment()
    found: dict[str, Words] = {}
    faults: list[Fault] = []
    for pattern, text in given.items():
        types = [name for name in grounds if fnmatchcase(name, pattern)]
        if not types:
            faults.append(Fault(f"is no type of event{_nearest(pattern, list(grounds))}", path=pattern))
        parts = {"title": text.title, "body": text.body}
        wrong = [
            Fault(fault, path=f"{pattern}.{part}")
            for part, source in parts.items()
            for fault in _faults(environment, source, {name: grounds[name] for name in types}, reading)
        ]
        faults += wrong
        if not wrong:
            made = {part: environment.from_string(source) for part, source in parts.items() if source}
            for name in types:
                found.setdefault(name, _words(made, grounds[name]))
    if faults:
        raise ConfigError(tuple(faults))
    return found


def _environment() -> ImmutableSandboxedEnvironment:
    environment = ImmutableSandboxedEnvironment(undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.globals.clear()
    return environment


def _words(made: Mapping[str, Template], grounds: Grounds) -> Words:
    def words(message: Message, reading: Reading) -> Text:
        return _text(made, grounds, message, reading)

    return words


def _text(made: Mapping[str, Template], grounds: Grounds, message: Message, reading: Reading) -> Text:
    usual = grounds.words(message, reading)
    fields = _fields(message, reading, usual, grounds.payload)
    said = {part: _said(template, fields) for part, template in made.items()}
    return Text(said.get("title", usual.title), said.get("body", usual.body))


def _said(template: Template, fields: Mapping[str, object]) -> str:
    """What the template says, cut; raises TemplateError if that is nothing."""
    said, size = [], 0
    for chunk in template.generate(fields):
        said.append(chunk)
        size += len(chunk)
        if size >= LONGEST:
            break
    text = "".join(said)[:LONGEST].strip()
    if not text:
        raise TemplateError("says nothing")
    return text


def _fields(message: Message, reading: Reading, usual: Text, payload: Collection[str]) -> dict[str, object]:
    event = message.event
    body = orjson.loads(event.body)
    return {
        "title": usual.title,
        "body": usual.body,
        "name": event.subject_name,
        "type": event.type.name,
        "severity": event.severity.value,
        "when": local_time(event.timestamp, reading),
        "time": event.timestamp.astimezone(reading.zone),
        "source": event.subject.source,
        "summary": body["summary"],
        "payload": dict.fromkeys(payload) | body["payload"],
        "changes": body["changes"],
        "earlier": len(message.folded),
    }


def _faults(
    environment: ImmutableSandboxedEnvironment, source: str, grounds: Mapping[str, Grounds], reading: Reading
) -> list[str]:
    """What is wrong with a template of these types."""
    try:
        tree = environment.parse(source)
        template = environment.from_string(source)
    except TemplateSyntaxError as error:
        return [f"is no template: {error.message} (line {error.lineno} of it); see docs/sinks.md"]
    unknown = sorted(meta.find_undeclared_variables(tree) - FIELDS.keys())
    faults = [f"names `{name}`, which is not there{_nearest(name, list(FIELDS))}" for name in unknown]
    faults += _unknown_facts(tree, grounds)
    return faults or [
        fault for name, ground in grounds.items() for fault in _tried(template, source, ground, name, reading)
    ]


def _unknown_facts(tree: nodes.Template, grounds: Mapping[str, Grounds]) -> Iterator[str]:
    """Keys of payloads that a type does not have, wherever in the template they stand."""
    for fact in dict.fromkeys(_facts(tree)):
        lacking = [name for name, ground in grounds.items() if fact not in ground.payload]
        if lacking:
            known = sorted(grounds[lacking[0]].payload)
            yield f"names `payload.{fact}`, which {lacking[0]} does not have{_nearest(fact, known)}"


def _facts(tree: nodes.Template) -> Iterator[str]:
    for node in tree.find_all(nodes.Getattr):
        if _is_payload(node.node) and not hasattr(dict, node.attr):
            yield node.attr
    for item in tree.find_all(nodes.Getitem):
        if _is_payload(item.node) and isinstance(item.arg, nodes.Const):
            yield str(item.arg.value)


def _is_payload(node: nodes.Node) -> bool:
    return isinstance(node, nodes.Name) and node.name == "payload"


def _tried(template: Template, source: str, grounds: Grounds, name: str, reading: Reading) -> list[str]:
    """What goes wrong when the template is tried on an event of the type."""
    usual = grounds.words(grounds.example, reading)
    fields = _fields(grounds.example, reading, usual, grounds.payload)
    try:
        if source:
            _said(template, fields)
    except Exception as error:
        reason = str(error) if isinstance(error, TemplateError) else f"{type(error).__name__}: {error}"
        return [f"fails for {name}: {reason}"]
    return []


def _nearest(name: str, known: list[str]) -> str:
    near = get_close_matches(name, known, n=1)
    return f": did you mean `{near[0]}`?" if near else f": there are {', '.join(known)}"
