"""How many messages a minute a sink gets: what is beyond that waits, and nothing is dropped or folded for it."""

from functools import partial
from itertools import count, islice
from pathlib import Path

import pytest

from sentinel.app import loops as loops_of
from sentinel.app.sinks import specs
from sentinel.config import Config, examine
from sentinel.dispatcher import SinkLoop
from sentinel.model import Audience, unwatched
from sentinel.pipeline.inbox import Inbox
from tests.fakes import FakeClock
from tests.messages import telling
from tests.unit.test_dispatcher import InlineWorker, ScriptedSink
from tests.world import World

PROGRAMS, PEOPLE, INCIDENTS = Audience
HOOK = "type: webhook, url: 'https://x'"
MANY = 300
TOGETHER = 3
"""Messages that people get one by one though they come at once."""


def configured(tmp_path: Path, text: str) -> Config:
    (tmp_path / "sentinel.yaml").write_text(text)
    config = examine(None, {}, cwd=tmp_path).config
    assert config is not None
    return config


def wired(folder: Path, config: Config, sink: ScriptedSink, monkeypatch: pytest.MonkeyPatch) -> SinkLoop:
    """The loop as the service builds it, but that it sends at once."""
    monkeypatch.setattr(loops_of, "SinkLoop", partial(SinkLoop, new_worker=lambda _name: InlineWorker()))
    reader = World(folder / "state.db").reader
    return loops_of.loops(config, {"a": sink}, inbox=Inbox(), reader=reader, reached=unwatched)["a"]


@pytest.mark.parametrize(
    ("text", "audience", "most"),
    [
        (f"sinks: {{a: {{{HOOK}}}}}", PEOPLE, 120),
        (f"sinks: {{a: {{{HOOK}}}}}", PROGRAMS, None),
        (f"sinks: {{a: {{{HOOK}}}}}", INCIDENTS, None),
        (f"sinks: {{a: {{{HOOK}}}}}\npolicy: {{rate_limit_per_min: 60}}", PEOPLE, 60),
        (f"sinks: {{a: {{{HOOK}}}}}\npolicy: {{rate_limit_per_min: 60}}", PROGRAMS, 60),
        (f"sinks: {{a: {{{HOOK}}}}}\npolicy: {{rate_limit_per_min: 0}}", PEOPLE, None),
        (f"sinks: {{a: {{{HOOK}}}}}\npolicy: {{rate_limit_per_min: -1}}", PEOPLE, None),
        (f"sinks: {{a: {{{HOOK}, rate_limit_per_min: 30}}}}", PROGRAMS, 30),
        (f"sinks: {{a: {{{HOOK}, rate_limit_per_min: 30}}}}\npolicy: {{rate_limit_per_min: 60}}", PEOPLE, 30),
        (f"sinks: {{a: {{{HOOK}, rate_limit_per_min: 0}}}}\npolicy: {{rate_limit_per_min: 60}}", PEOPLE, None),
    ],
)
def test_a_sink_gets_so_many_messages_a_minute_and_the_others_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, audience: Audience, most: int | None
) -> None:
    sink, clock, numbers = ScriptedSink(), FakeClock(), count(1)
    sink.audience = audience
    loop = wired(tmp_path, configured(tmp_path, text), sink, monkeypatch)

    def offer() -> None:
        loop.offer([telling(number, subject=f"s{number}") for number in islice(numbers, TOGETHER)])

    def work(seconds: float) -> None:
        """The loop steps whenever something is due."""
        end = clock.now().boot + seconds
        while (due := loop.step(clock.now())) is not None and clock.now().boot + due <= end:
            clock.advance(due)
        clock.advance(end - clock.now().boot)

    work(0)  # it looks into the store first
    while len(sink.sent) < (most or MANY):
        offer()
        work(0)
    assert len(sink.sent) == (most or MANY)
    offer()
    work(59)
    assert len(sink.sent) == (most or MANY + TOGETHER)
    work(2)
    assert sink.sent == list(range(1, len(sink.sent) + 1))
    assert len(sink.sent) == (most or MANY) + TOGETHER


def test_a_sink_whose_limit_changed_is_another_one_for_a_reload(tmp_path: Path) -> None:
    plain = configured(tmp_path, f"sinks: {{a: {{{HOOK}}}}}")
    (before,) = specs(plain)
    for text in (
        f"sinks: {{a: {{{HOOK}, rate_limit_per_min: 9}}}}",
        f"sinks: {{a: {{{HOOK}}}}}\npolicy: {{rate_limit_per_min: 9}}",
    ):
        (after,) = specs(configured(tmp_path, text))
        assert after != before
        assert after.settings == before.settings
