"""config validate, show and schema: what they print and how they end."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from sentinel import app
from sentinel.cli.commands import cli

ROOT = Path(__file__).parents[2]
GOLDEN = ROOT / "tests/fixtures/config_validate.txt"

Write = Callable[[str], None]


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Writes the configuration of an otherwise empty folder, in which the commands run."""
    for name in [name for name in os.environ if name.startswith(("SENTINEL_", "XDG_", "RUNTIME_", "NO_COLOR"))]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)

    def write_file(text: str) -> None:
        (tmp_path / "sentinel.yaml").write_text(text)

    return write_file


def run(*arguments: str) -> Result:
    return CliRunner().invoke(cli, arguments, obj=app)


class TestValidate:
    def test_what_is_worth_knowing_follows(self, write: Write, request: pytest.FixtureRequest) -> None:
        write(
            "notifier:\n  idempotency_key_ttl: 1h\n"
            "  routes: [{event_types: ['*'], severities: [info], filters: {exclude: {tags: [tag:guest]}}}]\n"
        )
        result = run("config", "validate")

        assert (result.exit_code, result.stderr) == (0, "")
        assert max(map(len, result.stdout.splitlines())) <= 80
        if request.config.getoption("--accept"):
            GOLDEN.write_text(result.stdout)
        assert result.stdout == GOLDEN.read_text()

    def test_json_has_the_same(self, write: Write) -> None:
        write("notifier: {idempotency_key_ttl: 1h, routes: [{event_types: ['*']}]}")
        told = json.loads(run("config", "validate", "--json").stdout)
        assert (told["valid"], told["faults"], told["warnings"]) == (True, [], [])
        assert [each["restore"] for each in told["differences"]] == ['event_types: ["@original"]']
        assert [each["path"] for each in told["pending"]] == ["notifier.idempotency_key_ttl"]

    def test_warnings_are_told_beside_it(self, write: Write) -> None:
        write("notifier: {sinks: [{name: hook, type: webhook, url: '${NO}'}]}")
        result = run("config", "validate")
        assert result.exit_code == 0
        assert "the sink hook is skipped: the variable NO is not set" in result.stderr
        told = json.loads(run("config", "validate", "--json").stdout)
        assert told["warnings"] == ["the sink hook is skipped: the variable NO is not set"]

    def test_faults_of_form_of_sinks_and_of_types_have_their_lines(self, write: Write) -> None:
        write(
            "sinks:\n  a: {type: apprise, url: 'nothing://x'}\nroutes:\n  - {event_types: [peer.onlin], sinks: [a]}\n"
        )
        result = run("validate-config")
        assert result.exit_code == 78
        first, second = result.stderr.splitlines()
        assert "sentinel.yaml:2: sinks.a.url: " in first
        assert second.endswith(
            "sentinel.yaml:4: routes.0.event_types: names `peer.onlin`, which is no type of event: "
            "did you mean `peer.online`?"
        )

    def test_what_is_wrong_between_keys_is_in_the_same_list_as_what_is_wrong_in_them(self, write: Write) -> None:
        write(
            "retention: never\n"
            "sinks: {a: {type: apprise, url: 'x://${NO}'}, b: {type: apprise, url: 'nothing://x'}}\n"
            "policy: {quiet_hours: {night: {from: '25:00', to: '7:00'}}, hold: [{match: {tags: [a]}}]}\n"
            "routes:\n"
            "  - {match: {event_types: [peer.onlin], severties: [info]}, sinks: [a, c], quiet: night}\n"
        )
        told = json.loads(run("config", "validate", "--json").stdout)
        assert [(fault["line"], fault["path"]) for fault in told["faults"]] == [
            (1, "retention"),
            (2, "sinks.a.url"),
            (2, "sinks.b.url"),
            (3, "policy.hold.0.for"),
            (3, "policy.quiet_hours.night.from"),
            (5, "routes.0.match.severties"),
            (5, "routes.0.sinks.1"),
            (5, "routes.0.match.event_types"),
        ]


class TestShow:
    def test_each_value_has_its_origin_and_no_secret_is_shown(
        self, write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        write("retention: 1d\ntsnet: {auth_key: tskey-canary}\n")
        monkeypatch.setenv("SENTINEL_POLICY__BATCH_SIZE", "7")
        monkeypatch.setenv("NO_COLOR", "1")
        result = run("config", "show", "--log-level", "error")

        lines = {line.split()[0]: " ".join(line.split()[1:]) for line in result.stdout.splitlines()}
        assert (result.exit_code, result.stderr) == (0, "")
        assert lines["retention"] == f"1d ({tmp_path}/sentinel.yaml:1)"
        assert lines["tsnet.auth_key"] == f"(hidden) ({tmp_path}/sentinel.yaml:2)"
        assert lines["policy.batch_size"] == "7 (SENTINEL_POLICY__BATCH_SIZE)"
        assert lines["output.log_level"] == "error (--log-level)"
        assert lines["output.no_color"] == "true (NO_COLOR)"
        assert lines["tsnet.hostname"] == "sentinel (default)"
        assert "canary" not in result.output

    def test_json_has_the_same(self, write: Write, tmp_path: Path) -> None:
        write("Retention: 1d\n")
        (each,) = [each for each in json.loads(run("config", "show", "--json").stdout) if each["path"] == "retention"]
        assert each == {
            "path": "retention",
            "value": "1d",
            "origin": "file",
            "name": f"{tmp_path}/sentinel.yaml",
            "line": 1,
            "written": "Retention",
        }

    def test_a_secret_that_only_the_service_has_does_not_stand_in_its_way(self, write: Write) -> None:
        write("tsnet: {auth_key: '${NO}', client_secret: '${NO}'}\nsinks: {a: {type: apprise, url: '${NO}'}}\n")
        assert run("config", "show").exit_code == 0

    def test_a_configuration_with_faults_is_78(self, write: Write) -> None:
        write("retention: never")
        assert run("config", "show").exit_code == 78


def test_the_schema_is_the_one_that_is_published() -> None:
    assert run("config", "schema").stdout == (ROOT / "config/sentinel.schema.json").read_text()
