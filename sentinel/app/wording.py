"""How the sinks of a configuration word what they tell people."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from sentinel.app import examples
from sentinel.app.tables import CATALOGUE, ENTRIES, WORDS
from sentinel.config import Config
from sentinel.delivery.sinks import SinkSpec, Wording
from sentinel.errors import ConfigError
from sentinel.events import Message, Reading, Text, Words

_ONCE = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)
"""When the examples happen that templates are tried on: any moment will do, but it has to be the same one."""


def wording(config: Config) -> Wording:
    """The built-in words, as this configuration's sinks use them."""
    return Wording(words=WORDS, zone=config.time_zone, several_networks=len(config.sources) > 1)


def own_words(usual: Wording, spec: SinkSpec) -> Wording:
    """The wording with the sink's own templates. Raises ConfigError with paths below `templates`."""
    if not spec.templates:
        return usual
    return replace(usual, own=_compiled(spec.templates, usual.zone))


def marked(usual: Wording) -> Wording:
    """The wording, but each text says first that it is a test."""
    return replace(usual, words=_each_marked(usual.words), own=_each_marked(usual.own))


def _each_marked(words: Mapping[str, Words]) -> dict[str, Words]:
    return {name: _marked(own) for name, own in words.items()}


def _marked(words: Words) -> Words:
    def say(message: Message, reading: Reading) -> Text:
        text = words(message, reading)
        return Text(f"Test: {text.title}", f"Test: {text.body}" if text.body else "")

    return say


def _compiled(templates: Mapping[str, Text], zone: ZoneInfo) -> Mapping[str, Words]:
    # Jinja2 takes its time to load; whoever has no template does not wait for it.
    from sentinel.delivery.templates import Grounds, compiled  # noqa: PLC0415

    grounds = {
        name: Grounds(
            words=WORDS[name],
            payload=frozenset((*ENTRIES[name].payload, *ENTRIES[name].optional)),
            example=examples.message(name, "tailnet", _ONCE),
        )
        for name in CATALOGUE
    }
    try:
        return compiled(templates, grounds, Reading(_ONCE, zone))
    except ConfigError as error:
        raise ConfigError(tuple(replace(fault, path=f"templates.{fault.path}") for fault in error.faults)) from None
