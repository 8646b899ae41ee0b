"""Sinks that are tried once, without a running service and without a store."""

import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from sentinel.app import examples, routing
from sentinel.app.sinks import built, specs
from sentinel.app.wording import marked, own_words, wording
from sentinel.clock import SystemClock
from sentinel.config import Config
from sentinel.delivery.once import within
from sentinel.delivery.render import Limit
from sentinel.delivery.sinks import AppriseSettings, Lines, Sink, SinkSpec, build
from sentinel.errors import ConfigError, DeliveryError
from sentinel.events import Incident, Message, Severity, Text
from sentinel.model import Audience
from sentinel.policy.routes import concerned

TEST = Text("Test from Sentinel", "Test from Sentinel: if you can read this, messages reach you here.")


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a test of one sink went; `error` is empty when it arrived. `words` are those for people, else empty."""

    sink: str
    type: str
    ok: bool
    error: str = ""
    words: str = ""


def example_types() -> tuple[str, ...]:
    """The types of events of which a made-up one can be sent."""
    return examples.names()


def routed(config: Config, event_type: str) -> tuple[str, ...]:
    """The sinks that the routes name for a made-up event of the type."""
    made = examples.event(event_type, _source(config), SystemClock().now().wall)
    return tuple(concerned(made, routing.routes(config)))


def kind_of(url: str) -> str:
    """The type of sink that an address is for: `apprise`, or `webhook` for one of HTTP that Apprise does not know."""
    if urlsplit(url.strip()).scheme.lower() not in {"http", "https"}:
        return "apprise"
    try:
        build(SinkSpec("url", "apprise", AppriseSettings(url)), wording=wording(Config()), lines=_lines()).close()
    except ConfigError:
        return "webhook"
    return "apprise"


def test_sinks(
    config: Config, names: Sequence[str], *, deadline_s: float, event_type: str, dry_run: bool
) -> tuple[Verdict, ...]:
    """Sends a test to each named sink, all at once, and waits for their answers until the deadline (seconds).

    It is a made-up event of the type; if that is empty, words that say what they are. With `dry_run` the sinks are
    built and nothing is sent.
    """
    now = SystemClock().now().wall
    chosen = [spec for spec in specs(config) if spec.name in names]
    sinks, faults = built(config, chosen, _lines(), worded=marked)
    made = examples.message(event_type, _source(config), now) if event_type else None
    tries = [_trial(sink, replace(made, sink=name) if made else None, now) for name, sink in sinks.items()]
    wrong = {name: own[0].text for name, own in faults.items()}
    if not dry_run:
        ended = zip(sinks, _all_at_once(tries, timedelta(seconds=deadline_s)), strict=True)
        wrong |= {name: error for name, error in ended if error}
    for sink in sinks.values():
        sink.close()
    wanting_words = {name for name, sink in sinks.items() if sink.audience is not Audience.PROGRAMS}
    words = {spec.name: _words(config, spec, made, now) for spec in chosen if spec.name in wanting_words}
    return tuple(
        Verdict(spec.name, spec.type, spec.name not in wrong, wrong.get(spec.name, ""), words.get(spec.name, ""))
        for spec in chosen
    )


def _lines() -> Lines:
    return Lines(sys.stdout.buffer)


def _source(config: Config) -> str:
    return next(iter(config.sources))


def _words(config: Config, spec: SinkSpec, made: Message | None, now: datetime) -> str:
    """What people are told, title first."""
    text = marked(own_words(wording(config), spec)).text(made, now, Limit()) if made else TEST
    return f"{text.title}\n{text.body}"


def _all_at_once(tries: Sequence[Callable[[], None]], deadline: timedelta) -> list[str]:
    """What went wrong with each; empty when it arrived."""
    with ThreadPoolExecutor(max_workers=max(1, len(tries))) as pool:
        return list(pool.map(lambda attempt: _ended(attempt, deadline), tries))


def _ended(attempt: Callable[[], None], deadline: timedelta) -> str:
    try:
        within(deadline, attempt)
    except DeliveryError as error:
        return str(error)
    return ""


def _trial(sink: Sink, message: Message | None, now: datetime) -> Callable[[], None]:
    """What is done to try the sink."""
    if message is None:
        return lambda: sink.say(TEST, Severity.INFO, now)
    if sink.audience is Audience.INCIDENTS:
        return lambda: _open_and_close(sink, message, now)
    return lambda: sink.send(message, now)


def _open_and_close(sink: Sink, message: Message, now: datetime) -> None:
    """Whatever the event would do to an incident: one is opened, and nothing of it is left."""
    opened = Incident(message.event.subject, message.event.type.aspect, ends=False)
    sink.send(replace(message, incident=opened), now)
    try:
        sink.send(replace(message, incident=replace(opened, ends=True)), now)
    except DeliveryError as error:
        raise DeliveryError(f"an incident was opened, but not closed: {error}", retryable=error.retryable) from None
