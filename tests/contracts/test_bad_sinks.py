"""Sinks that cannot work are refused at the start: each with its key and what to do."""

from pathlib import Path

import pytest

from sentinel.app.checks import check
from sentinel.config import examine
from sentinel.delivery.sinks.apprise import _known_services


def refused(tmp_path: Path, sinks: str) -> list[str]:
    """Every fault as it is told, without the file's own path."""
    file = tmp_path / "sentinel.yaml"
    file.write_text(f"sinks:\n{sinks}\n")
    loaded = examine(file, {}, cwd=tmp_path)
    found = (*loaded.faults, *(map(loaded.located, check(loaded.rest)) if loaded.rest else ()))
    return [str(fault).removeprefix(f"{file}:") for fault in found]


@pytest.mark.parametrize(
    ("sink", "said"),
    [
        ("{type: apprise, url: 'nfty://x'}", "url: Apprise knows no service `nfty://`; did you mean `ntfy://`?"),
        ("{type: apprise, url: 'ntfy://x/?retry=3'}", "url: `retry=` is not allowed: Sentinel itself tries again"),
        ("{type: apprise, url: 'ntfy://x/?optional=yes'}", "url: `optional=` is not allowed: it would report"),
        ("{type: apprise, url: 'ntfys://x/?verify=no'}", "url: `verify=no` is not allowed: anybody on the way"),
        ("{type: apprise, url: 'mqtt://x/a?qos=0'}", "url: `qos=0` is not allowed: nobody would notice if"),
        ("{type: apprise, url: 'mqtt://x'}", "url: the `mqtt://` URL says nowhere whom to tell"),
        ("{type: apprise, url: 'syslog://'}", "url: `syslog://` acts on this machine"),
        (
            "{type: webhook, url: 'https://x', secrets: [YWJj]}",
            "secrets.0: is a webhook secret of 3 bytes; it",
        ),
        (
            "{type: webhook, url: 'https://x', secrets: ['?']}",
            "secrets.0: is no webhook secret: `whsec_` and the",
        ),
        ("{type: exec, command: [/no/such], allow: true}", "command: begins with something that cannot be run: is it"),
        ("{type: exec, command: [cat], allow: true}", "command: has to begin with the program's absolute path"),
        ("{type: exec, command: [/bin/cat]}", "allow: has to be `true`: a sink of this type runs a program"),
        ("{type: file, path: /no/such/folder/x}", "path: cannot be written: there is no folder /no/such/folder"),
        (
            "{type: apprise, url: 'ntfy://x', templates: {peer.offline: {title: '{{ nmae }}'}}}",
            "templates.peer.offline.title: names `nmae`, which is not there: did you mean `name`?",
        ),
        (
            "{type: apprise, url: 'ntfy://x', templates: {peer.offline: {}}}",
            "templates.peer.offline: needs `title` or `body`",
        ),
        ("{type: stdout, templates: {peer.offline: {title: x}}}", "a: has `templates`, which are words for people"),
    ],
)
def test_it_is_refused_with_line_key_and_remedy(tmp_path: Path, sink: str, said: str) -> None:
    (fault,) = refused(tmp_path, f"  a: {sink}")
    assert fault.startswith("2: sinks.a")
    assert said.removeprefix("a: ") in fault


def test_several_faults_in_one_sink_hide_none_of_another(tmp_path: Path) -> None:
    sinks = "  a: {type: webhook, url: 'https://x', allow: [everywhere], in_flight: 0}\n"
    sinks += "  b: {type: apprise, url: 'nfty://x'}"
    found = refused(tmp_path, sinks)
    assert [fault.split(": ")[1] for fault in found] == ["sinks.a.allow", "sinks.a.in_flight", "sinks.b.url"]


def test_the_faults_of_every_severity_are_told_at_once(tmp_path: Path) -> None:
    sink = "{type: apprise, url: 'ntfy://x', by_severity: {info: {priority: loudest}, critical: {prio: max}}}"
    found = refused(tmp_path, f"  a: {sink}")
    assert [fault.split(": ")[1] for fault in found] == ["sinks.a.by_severity.info", "sinks.a.by_severity.critical"]


def test_a_missing_package_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    services = _known_services()
    monkeypatch.setattr(services["mqtt"], "enabled", False)
    (fault,) = refused(tmp_path, "  a: {type: apprise, url: 'mqtt://host/topic'}")
    assert "sinks.a.url: `mqtt://` needs the Python package `paho-mqtt" in fault
    assert fault.endswith("(install with pip)")


@pytest.mark.parametrize("installed", [False, True])
def test_a_package_without_which_a_service_may_not_load_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, installed: bool
) -> None:
    recommended = "pytest" if installed else ["no-such-package >= 2", "nor-this"]
    monkeypatch.setattr(_known_services()["pover"], "requirements", {"packages_recommended": recommended})
    (fault,) = refused(tmp_path, "  a: {type: apprise, url: 'pover://x'}")
    assert "sinks.a.url: the `pover://` URL is incomplete or has a part that the service does not accept" in fault
    assert fault.endswith("accept") is installed
    hint = "; or it lacks the Python packages `no-such-package >= 2`, `nor-this` (install with pip)"
    assert fault.endswith(hint) is not installed


@pytest.mark.parametrize("path", ["x.jsonl", "./x.jsonl", "x.jsonl.2"])
def test_two_sinks_in_one_file_are_refused(tmp_path: Path, path: str) -> None:
    sinks = f"  a: {{type: file, path: x.jsonl}}\n  b: {{type: file, path: {path}}}"
    (fault,) = refused(tmp_path, sinks)
    assert fault == "3: sinks.b.path: is shared with the sink a: give each a file of its own"


def test_two_sinks_in_files_of_their_own_are_not(tmp_path: Path) -> None:
    sinks = "  a: {type: file, path: x.jsonl, keep: 1}\n  b: {type: file, path: x.jsonl.2, keep: 0}"
    assert refused(tmp_path, sinks) == []


def test_what_came_from_a_file_is_said_of_that_file(tmp_path: Path) -> None:
    (tmp_path / "url").write_text("nfty://x")
    (tmp_path / "key").write_text("YWJj")
    sinks = "  a: {type: apprise, url_file: url}\n"
    sinks += "  b: {type: webhook, url: 'https://x', secrets_file: key}"
    first, second = refused(tmp_path, sinks)
    assert first.startswith("2: sinks.a.url_file: Apprise knows no service `nfty://`")
    assert second.startswith("3: sinks.b.secrets_file: is a webhook secret of 3 bytes")
