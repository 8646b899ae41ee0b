"""What `test-notify` prints, on eighty columns, and what each made-up event says.

`pytest tests/golden --accept` writes the files anew.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner
from loguru import logger

from sentinel.app import examples, trials, wording
from sentinel.app.tables import WORDS
from sentinel.cli.commands import cli
from sentinel.cli.tables import COLUMNS, width
from sentinel.cli.tables import wrapped as on_lines
from sentinel.config import Config
from sentinel.delivery.render import Limit
from sentinel.delivery.sinks import Wording
from sentinel.errors import Fault
from tests.builders import START

OUTPUTS = Path(__file__).parent / "commands"
SINKS = """
sinks:
  hook: {type: webhook, url: 'https://ops.example.com/hook'}
  living-room: {type: apprise, url: 'ntfy://topic'}
  misspelt: {type: apprise, url: 'ntfy://other'}
routes:
  - {match: {event_types: ["peer.*"]}, sinks: [hook, living-room]}
"""
# From a variable, so that the place of the fault is no path of the machine that the test runs on.
MISSPELT = {"SENTINEL_SINKS__MISSPELT__URL": "${NTFY_TOPIC}"}
FINE: Mapping[str, str] = {}
REFUSED = "ntfy: Failed to send ntfy notification: Forbidden - Your token was refused., error=403."


@dataclass
class Program:
    """The program behind the command line; sinks for people refuse what is sent."""

    def check(self, config: Config) -> tuple[Fault, ...]:
        return ()

    def example_types(self) -> tuple[str, ...]:
        return trials.example_types()

    def routed(self, config: Config, event_type: str) -> tuple[str, ...]:
        return trials.routed(config, event_type)

    def kind_of(self, url: str) -> str:
        return "apprise"

    def test_sinks(
        self, config: Config, names: Sequence[str], *, deadline_s: float, event_type: str, dry_run: bool
    ) -> list[trials.Verdict]:
        words = said(config, event_type) if event_type else f"{trials.TEST.title}\n{trials.TEST.body}"
        return [
            trials.Verdict(name, sink.type, not error, error, words if sink.type == "apprise" else "")
            for name in names
            for sink in (config.sinks[name],)
            for error in ("" if dry_run or sink.type != "apprise" else REFUSED,)
        ]


def said(config: Config, event_type: str) -> str:
    usual = Wording(words=WORDS, zone=config.time_zone)
    text = wording.marked(usual).text(examples.message(event_type, "tailnet", START), START, Limit())
    return f"{text.title}\n{text.body}"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "Europe/Berlin")
    monkeypatch.delenv("NTFY_TOPIC", raising=False)
    monkeypatch.chdir(tmp_path)
    yield
    logger.remove()


def same(name: str, text: str, request: pytest.FixtureRequest) -> None:
    assert max(map(width, text.splitlines())) <= COLUMNS, "wider than the screen"
    file = OUTPUTS / f"{name}.txt"
    if request.config.getoption("--accept"):
        file.write_text(text)
    assert text == file.read_text()


@pytest.mark.parametrize(
    ("arguments", "variables", "code"),
    [
        ((), MISSPELT, 4),
        (("hook",), MISSPELT, 0),
        (("living-room",), MISSPELT, 1),
        (("--dry-run",), MISSPELT, 4),
        (("--routed",), FINE, 4),
        (("--routed", "--dry-run"), FINE, 0),
        (("--event", "route.lost", "--dry-run"), MISSPELT, 4),
        (("--routed", "--event", "route.lost"), FINE, 3),
        (("--url", "ntfy://topic"), MISSPELT, 1),
    ],
    ids=lambda value: "_".join(value).replace("--", "").replace("/", "-") if isinstance(value, tuple) else "",
)
def test_it_prints_this(
    tmp_path: Path, arguments: tuple[str, ...], variables: Mapping[str, str], code: int, request: pytest.FixtureRequest
) -> None:
    (tmp_path / "sentinel.yaml").write_text(SINKS)
    words = ("test-notify", *arguments)
    result = CliRunner(env=variables).invoke(cli, words, obj=Program(), prog_name="sentinel-py")
    assert result.exit_code == code, result.output
    same("_".join(words).replace("--", "").replace(":", "-").replace("/", "-"), result.stdout, request)


def test_each_made_up_event_says_this(request: pytest.FixtureRequest) -> None:
    texts = [f"{name}\n" + "\n".join(map(on_lines, said(Config(), name).splitlines())) for name in examples.names()]
    same("test-notify_events", "\n\n".join(texts) + "\n", request)
