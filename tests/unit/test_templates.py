"""Texts of the operator's own: what they may name, what is refused at the start, what happens when one fails."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from loguru import logger

from sentinel.app import examples, wording
from sentinel.app.tables import WORDS
from sentinel.delivery.render import Limit
from sentinel.delivery.sinks import SinkSpec, Wording
from sentinel.delivery.templates import FIELDS, LONGEST
from sentinel.errors import ConfigError
from sentinel.events import Message, Reading, Text

DOCS = Path(__file__).parents[2] / "docs/sinks.md"
AT = datetime(2026, 3, 1, 13, 2, tzinfo=UTC)
USUAL = Wording(words=WORDS, zone=ZoneInfo("Europe/Berlin"))


def own(templates: Mapping[str, Text]) -> Wording:
    return wording.own_words(USUAL, SinkSpec("phone", "apprise", templates=templates))


def told(templates: Mapping[str, Text], event_type: str = "peer.offline", message: Message | None = None) -> Text:
    said = message or examples.message(event_type, "home", AT, sink="phone")
    return own(templates).text(said, AT, Limit())


def refused(source: str, pattern: str = "peer.offline") -> list[tuple[str, str]]:
    with pytest.raises(ConfigError) as raised:
        own({pattern: Text("", source)})
    return [(fault.path, fault.text) for fault in raised.value.faults]


@pytest.fixture
def warnings() -> Iterator[list[str]]:
    lines: list[str] = []
    handler = logger.add(lambda line: lines.append(str(line)), level="WARNING", format="{level} {message} {extra}")
    yield lines
    logger.remove(handler)


def test_title_and_text_are_replaced_each_by_itself() -> None:
    usual = USUAL.text(examples.message("peer.offline", "home", AT), AT, Limit())
    assert told({"peer.offline": Text("{{ name }} fehlt", "")}) == Text("test-peer fehlt", usual.body)
    assert told({"peer.offline": Text("", "{{ name }} fehlt.")}) == Text(usual.title, "test-peer fehlt.")


def test_every_field_can_be_named() -> None:
    source = "|".join(f"{{{{ {name} }}}}" for name in FIELDS)
    text = told({"peer.offline": Text("", source)}).body
    assert "|test-peer|peer.offline|warning|14:02|2026-03-01 14:02:00+01:00|home|" in text
    assert text.endswith("|0")


def test_the_documentation_names_every_field() -> None:
    table = DOCS.read_text().partition("| a template may name |")[2].partition("\n\n")[0]
    cells = re.findall(r"^\| (`.+?) \|", table, re.MULTILINE)
    assert {name for cell in cells for name in re.findall(r"`(\w+)`", cell)} == set(FIELDS)


def test_the_time_can_be_written_as_one_likes() -> None:
    assert told({"peer.offline": Text("{{ time.strftime('%A, %H:%M') }}", "")}).title == "Sunday, 14:02"


def test_the_facts_of_the_type_can_be_named_even_where_one_is_not_there() -> None:
    source = "{{ payload.os }} {{ payload.tags | join(',') }} {{ payload['reason'] or 'no reason' }}"
    assert told({"peer.offline": Text("", source)}).body == "linux  no reason"


def test_the_first_pattern_that_fits_counts() -> None:
    templates = {"peer.off*": Text("first", ""), "peer.*": Text("second", "")}
    assert told(templates).title == "first"
    assert told(templates, "peer.online").title == "second"
    assert told(templates, "route.lost").title == "The route 192.0.2.0/24 is lost"


def test_what_it_says_is_cut_and_tamed_like_any_other_text() -> None:
    message = examples.message("peer.offline", "home", AT)
    hostile = replace(message, event=replace(message.event, subject_name="@here\nnas\x1b"))
    assert told({"peer.offline": Text("{{ name }}", "")}, message=hostile).title == "@\u200bhere nas\ufffd"
    long = told({"peer.offline": Text("", "{% for a in 'x' * 3000 %}{{ title }}{% endfor %}")})
    assert len(long.body) == Limit().body < LONGEST


def test_one_that_goes_on_and_on_is_left_alone() -> None:
    source = "{% for a in range(9) %}{% endfor %}x"
    assert refused(source)[0][1].startswith("names `range`, which is not there")


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("{{ name", "is no template: unexpected end of template"),
        ("{% if name %}", "is no template: Unexpected end of template"),
        ("{{ name | shout }}", "is no template: No filter named 'shout'"),
        ("{{ nmae }}", "names `nmae`, which is not there: did you mean `name`?"),
        (
            "{% if False %}{{ nothing_like_it }}{% endif %}",
            "names `nothing_like_it`, which is not there: there are",
        ),
        ("{{ payload.onwer }}", "names `payload.onwer`, which peer.offline does not have: did you mean `owner`?"),
        (
            "{% if False %}{{ payload['routes'] }}{% endif %}",
            "names `payload.routes`, which peer.offline does not have",
        ),
        ("{{ name.nothing }}", "fails for peer.offline: "),
        ("{{ name + 1 }}", "fails for peer.offline: TypeError"),
        ("{{ name.__class__.__mro__ }}", "fails for peer.offline: "),
        ("{% include 'other' %}", "fails for peer.offline: "),
        ("   ", "fails for peer.offline: says nothing"),
    ],
)
def test_what_cannot_work_is_refused_with_place_and_remedy(source: str, said: str) -> None:
    ((path, text),) = refused(source)
    assert path == "templates.peer.offline.body"
    assert text.startswith(said)


def test_a_type_that_there_is_not_is_refused_with_the_one_that_was_meant() -> None:
    assert refused("x", "peer.ofline") == [
        ("templates.peer.ofline", "is no type of event: did you mean `peer.offline`?"),
    ]


def test_a_fact_that_one_of_several_types_lacks_is_refused_with_that_type() -> None:
    ((path, text),) = refused("{{ payload.owner }}", "*")
    assert path == "templates.*.body"
    assert text.startswith("names `payload.owner`, which daemon.state.changed does not have")


def test_all_faults_are_told_at_once() -> None:
    with pytest.raises(ConfigError) as raised:
        own({"peer.offline": Text("{{ a", "{{ b"), "peer.online": Text("{{ nmae }}", "")})
    assert [fault.path for fault in raised.value.faults] == [
        "templates.peer.offline.title",
        "templates.peer.offline.body",
        "templates.peer.online.title",
    ]


def test_one_that_fails_later_gives_way_to_the_built_in_text_with_one_warning(warnings: list[str]) -> None:
    templates = {"peer.offline": Text("", "{{ 1 // (payload.tags | length - 1) }}")}
    wording_of_phone = own(templates)
    message = examples.message("peer.offline", "home", AT, sink="phone")
    body = message.event.body.replace(b'"tags":[]', b'"tags":["tag:a"]')
    failing = replace(message, event=replace(message.event, body=body))
    usual = USUAL.text(failing, AT, Limit())
    assert [wording_of_phone.text(failing, AT, Limit()) for _ in range(3)] == [usual] * 3
    (line,) = warnings
    assert line.startswith("WARNING a template failed, the built-in text is sent instead")
    assert "'sink': 'phone'" in line
    assert "ZeroDivisionError" in line


def test_one_that_says_nothing_later_gives_way_to_the_built_in_text(warnings: list[str]) -> None:
    templates = {"peer.offline": Text("{{ payload.os }}", "")}
    message = examples.message("peer.offline", "home", AT)
    empty = replace(message, event=replace(message.event, body=message.event.body.replace(b'"linux"', b'""')))
    assert own(templates).text(empty, AT, Limit()).title == "test-peer lost contact with Tailscale"
    assert len(warnings) == 1


def test_a_message_that_speaks_for_several_has_the_own_titles_in_its_lines() -> None:
    first, second = (examples.message(name, "home", AT) for name in ("peer.offline", "peer.tags.changed"))
    several = replace(first, also=(replace(second.event, number=2),))
    assert told({"peer.offline": Text("{{ name }} fehlt", "")}, message=several).body == (
        "test-peer fehlt, since 14:02\nThe tags of test-peer changed, since 14:02"
    )


def test_a_test_says_so_whatever_the_template_says() -> None:
    marked = wording.marked(own({"peer.offline": Text("{{ name }}", "{{ name }} fehlt.")}))
    message = examples.message("peer.offline", "home", AT)
    assert marked.text(message, AT, Limit()) == Text("Test: test-peer", "Test: test-peer fehlt.")
    assert marked.text(examples.message("peer.removed", "home", AT), AT, Limit()).body.startswith("Test: test-peer")


def test_a_failing_built_in_text_is_still_the_summary() -> None:
    def fails(_message: Message, _reading: Reading) -> Text:
        raise KeyError("owner")

    broken = replace(USUAL, own={"peer.offline": fails}, words={"peer.offline": fails})
    message = examples.message("peer.offline", "home", AT)
    assert broken.text(message, AT, Limit()).body == "Test: test-peer lost contact with Tailscale"
