"""What lines and Apprise promise besides, over the real thing: a stream, or a real HTTP endpoint on loopback."""

import io
import os
import threading
from collections.abc import Callable
from datetime import timedelta
from queue import SimpleQueue
from typing import IO, Any

import orjson
import pytest
from apprise import NotificationManager

from sentinel.clock import SystemClock
from sentinel.delivery.sinks import (
    SINK_TYPES,
    AppriseSettings,
    Lines,
    Sink,
    SinkSpec,
    StdoutSettings,
    build,
)
from sentinel.dispatcher import SinkLoop
from sentinel.errors import ConfigError, DeliveryError
from sentinel.events import Severity, Telling, Text
from sentinel.model import Attempt, DeliveryState
from tests.contracts.endpoint import Answer, Endpoint, hang, reset, status, trickle
from tests.contracts.rigs import WORDING
from tests.contracts.saying import say
from tests.messages import OFFLINE, ONLINE, RENAMED, START, event, message, telling

NOWHERE = Lines(io.BytesIO())
HTTP_URLS = {
    "json": "json://{place}/hooks/path",
    "ntfy": "ntfy://{place}/topic",
    "gotify": "gotify://{place}/Aabcdefghijklmn",
}
FOR_GOOD = (400, 401, 403, 404, 410, 422)
FOR_NOW = (408, 425, 429, 500, 502, 503, 504)


_registry: Callable[[], Any] = NotificationManager
SERVICES = _registry()


def fresh() -> Telling:
    """A delivery that was decided right now."""
    return telling(1, age=START - SystemClock().now().wall)


def apprise(url: str) -> Sink:
    return build(SinkSpec("phone", "apprise", AppriseSettings(url)), wording=WORDING, lines=NOWHERE)


def stdout(stream: IO[bytes], form: str = "json") -> Sink:
    spec = SinkSpec("out", "stdout", StdoutSettings("text" if form == "text" else "json"))
    return build(spec, wording=WORDING, lines=Lines(stream))


def test_a_sink_type_that_does_not_exist_is_refused_with_those_that_do() -> None:
    with pytest.raises(ConfigError) as raised:
        build(SinkSpec("x", "pigeon"), wording=WORDING, lines=NOWHERE)
    assert raised.value.faults[0].path == "type"
    assert all(name in str(raised.value) for name in SINK_TYPES)


# Lines -----------------------------------------------------------------------------------------------------------


def test_a_json_line_holds_the_recorded_envelope() -> None:
    stream = io.BytesIO()
    told = message()
    stdout(stream).send(told, START)
    line = stream.getvalue()
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    assert told.event.body in line
    assert orjson.loads(line)["idempotency_key"] == told.key


def test_a_text_line_begins_with_the_readers_own_time() -> None:
    stream = io.BytesIO()
    stdout(stream, "text").send(message(), START + timedelta(minutes=5))
    assert stream.getvalue() == b"10:00:00  nas lost contact with Tailscale. It may still be up.\n"


def test_a_text_line_of_another_day_begins_with_its_date() -> None:
    stream = io.BytesIO()
    stdout(stream, "text").send(message(), START + timedelta(days=1))
    assert stream.getvalue().startswith(b"2026-01-01 10:00:00  nas")


def test_words_that_fail_are_replaced_by_the_summary() -> None:
    stream = io.BytesIO()
    stdout(stream, "text").send(message(event(RENAMED, summary="nas is now called box")), START)
    assert stream.getvalue() == b"10:00:00  nas is now called box\n"


def test_a_closed_stream_is_a_delivery_error() -> None:
    stream = io.BytesIO()
    sink = stdout(stream)
    stream.close()
    with pytest.raises(DeliveryError, match="closed"):
        sink.send(message(), START)


def test_a_pipe_without_a_reader_is_a_delivery_error() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "wb") as stream:
        sink = stdout(stream)
        with pytest.raises(DeliveryError, match="Broken pipe"):
            sink.send(message(), START)


def test_a_line_that_broke_off_does_not_run_into_the_next_one() -> None:
    stream = Full(room=10)
    sink = stdout(stream)
    with pytest.raises(DeliveryError, match="No space"):
        sink.send(message(), START)
    stream.room = 100_000
    sink.send(message(), START)
    torn, whole = stream.getvalue().splitlines()
    assert len(torn) == 10
    assert orjson.loads(whole)["sink"] == "sink"


class Full(io.BytesIO):
    """A stream with room for so many bytes."""

    def __init__(self, *, room: int) -> None:
        super().__init__()
        self.room = room

    def write(self, data: object) -> int:
        taken = bytes(data)[: self.room]  # type: ignore[call-overload]
        if not taken:
            raise OSError(28, "No space left on device")
        self.room -= len(taken)
        return super().write(taken)


def test_a_stream_that_nobody_else_holds_stays_open() -> None:
    tape = Tape()
    # A buffer closes what it writes to when it goes; only the sink holds this one.
    sink = stdout(io.BufferedWriter(tape))
    sink.send(message(), START)
    assert tape.written.endswith(b"\n")


class Tape(io.RawIOBase):
    """A device that takes a few bytes at a time."""

    written = b""

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        taken = bytes(data)[:100]  # type: ignore[call-overload]
        self.written += taken
        return len(taken)


def test_lines_of_two_sinks_on_one_stream_come_whole() -> None:
    stream = io.BytesIO()
    lines = Lines(stream)
    for form in ("json", "text"):
        spec = SinkSpec("out", "debug", StdoutSettings("text" if form == "text" else "json"))
        build(spec, wording=WORDING, lines=lines).send(message(), START)
    assert len(stream.getvalue().splitlines()) == 2


# Apprise: outcomes -----------------------------------------------------------------------------------------------


def failure(url: str, answer: Answer) -> tuple[DeliveryError, Endpoint]:
    with Endpoint(answer) as endpoint, pytest.raises(DeliveryError) as raised:
        apprise(url.format(place=endpoint.place)).send(message(), START)
    return raised.value, endpoint


@pytest.mark.parametrize("url", HTTP_URLS.values(), ids=HTTP_URLS)
@pytest.mark.parametrize("code", FOR_GOOD)
def test_an_answer_that_will_not_change_is_not_tried_again(url: str, code: int) -> None:
    error, _ = failure(url, status(code))
    assert not error.retryable
    assert f"error={code}" in str(error)


@pytest.mark.parametrize("service", HTTP_URLS)
def test_a_failure_names_the_service_as_its_url_does(service: str) -> None:
    error, _ = failure(HTTP_URLS[service], status(500))
    assert str(error).startswith(f"{service}: ")


@pytest.mark.parametrize("url", HTTP_URLS.values(), ids=HTTP_URLS)
@pytest.mark.parametrize("code", FOR_NOW)
def test_an_answer_that_may_change_is_tried_again(url: str, code: int) -> None:
    error, _ = failure(url, status(code))
    assert error.retryable


@pytest.mark.parametrize("url", HTTP_URLS.values(), ids=HTTP_URLS)
@pytest.mark.parametrize("code", [301, 302, 307, 308])
def test_a_redirect_is_a_failure_and_is_not_followed(url: str, code: int) -> None:
    error, endpoint = failure(url, status(code))
    assert error.retryable
    assert len(endpoint.requests) == 1


def test_a_connection_that_is_reset_in_the_middle_is_tried_again() -> None:
    error, _ = failure(HTTP_URLS["json"], reset)
    assert error.retryable


def test_nobody_listening_is_tried_again() -> None:
    with Endpoint(status(200)) as endpoint:
        place = endpoint.place
    with pytest.raises(DeliveryError) as raised:
        apprise(f"json://{place}/").send(message(), START)
    assert raised.value.retryable


def test_a_failed_send_is_made_once() -> None:
    _, endpoint = failure(HTTP_URLS["json"], status(500))
    assert len(endpoint.requests) == 1


def test_a_send_runs_in_the_thread_of_its_caller() -> None:
    with Endpoint(status(200)) as endpoint:
        apprise(f"json://{endpoint.place}/").send(message(), START)
        names = [thread.name for thread in threading.enumerate()]
    assert not [name for name in names if "ThreadPool" in name or "apprise" in name.lower()]


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        (event(OFFLINE, severity=Severity.INFO), "info"),
        (event(OFFLINE, severity=Severity.WARNING), "warning"),
        (event(OFFLINE, severity=Severity.CRITICAL), "failure"),
        (event(ONLINE, severity=Severity.CRITICAL), "success"),
    ],
)
def test_the_severity_reaches_the_service_and_an_ending_is_a_success(told: object, expected: str) -> None:
    assert isinstance(told, type(event()))
    with Endpoint(status(200)) as endpoint:
        apprise(f"json://{endpoint.place}/").send(message(told), START)
    assert orjson.loads(endpoint.requests[0].body)["type"] == expected


def test_a_message_is_cut_to_what_the_service_takes() -> None:
    with Endpoint(status(200)) as endpoint:
        apprise(f"json://{endpoint.place}/").say(Text("t" * 999, "b" * 99_999), Severity.INFO, START)
    said = orjson.loads(endpoint.requests[0].body)
    assert (len(said["title"]), len(said["message"])) == (250, 4000)
    assert said["message"].endswith("…")


def test_markers_of_apprises_own_templates_are_sent_as_they_are() -> None:
    with Endpoint(status(200)) as endpoint:
        apprise(f"json://{endpoint.place}/").send(message(event(name=":smile: {{app_id}} \\n")), START)
    assert ":smile: {{app_id}} \\n" in orjson.loads(endpoint.requests[0].body)["title"]


# Apprise: deadlines ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("answer", [hang, trickle])
def test_a_send_that_does_not_end_is_given_up_at_the_deadline(answer: Answer) -> None:
    reported: SimpleQueue[Attempt] = SimpleQueue()
    with Endpoint(answer) as endpoint:
        loop = SinkLoop(
            name="phone",
            sink=apprise(f"json://{endpoint.place}/"),
            report=reported.put,
            deadline=timedelta(seconds=0.1),
            jitter=lambda: 0.999,
        )
        loop.start(SystemClock())
        loop.offer([fresh()])
        attempt = reported.get(timeout=5)
        assert (attempt.state, attempt.error) == (DeliveryState.PENDING, "no answer within 0.1 s")
        assert loop.status().hanging == 1
        assert loop.stop(5)


def test_a_late_success_is_reported_with_its_attempt() -> None:
    reported: SimpleQueue[Attempt] = SimpleQueue()
    with Endpoint(hang) as endpoint:
        loop = SinkLoop(
            name="phone",
            sink=apprise(f"json://{endpoint.place}/"),
            report=reported.put,
            deadline=timedelta(seconds=0.1),
            jitter=lambda: 0.999,
        )
        loop.start(SystemClock())
        loop.offer([fresh()])
        reported.get(timeout=5)
        endpoint.released.set()
        attempt = reported.get(timeout=5)
        assert (attempt.state, attempt.attempt) == (DeliveryState.DELIVERED, 1)
        assert loop.stop(5)


def test_a_running_send_is_finished_before_the_loop_stops() -> None:
    reported: SimpleQueue[Attempt] = SimpleQueue()
    with Endpoint(hang) as endpoint:
        sink = apprise(f"json://{endpoint.place}/")
        loop = SinkLoop(name="phone", sink=sink, report=reported.put)
        loop.start(SystemClock())
        loop.offer([fresh()])
        assert endpoint.arrived.wait(5)
        assert not loop.stop(0.01)
        endpoint.released.set()
        assert reported.get(timeout=5).state is DeliveryState.DELIVERED
        assert loop.stop(5)


def test_a_test_message_has_a_deadline_too() -> None:
    with Endpoint(hang) as endpoint:
        sink = apprise(f"json://{endpoint.place}/")
        with pytest.raises(DeliveryError, match="no answer"):
            say(sink, Text("t", "b"), Severity.INFO, now=START, deadline=timedelta(seconds=0.1))


# Apprise: secrets ------------------------------------------------------------------------------------------------

CANARIES = (
    "json://canaryuser:canarypass@{place}/hooks/canarypath?+X-Token=Bearer%20canaryheader&-q=canaryquery&:e=canarybody",
    "ntfy://canaryuser:canarypass@{place}/canarytopic?click=canaryclick",
    "ntfy://tk_canarytoken@{place}/canarytopic",
    "gotify://{place}/canarypath/Acanarytoken12?priority=high",
)


@pytest.mark.parametrize("answer", [status(200), status(401), status(500), reset], ids=["200", "401", "500", "reset"])
@pytest.mark.parametrize("url", CANARIES, ids=["json", "ntfy", "ntfy token", "gotify"])
def test_no_secret_of_a_url_is_logged_or_reported(
    url: str, answer: Answer, everything_logged: Callable[[], str]
) -> None:
    reported: SimpleQueue[Attempt] = SimpleQueue()
    with Endpoint(answer) as endpoint:
        loop = SinkLoop(name="phone", sink=apprise(url.format(place=endpoint.place)), report=reported.put)
        loop.start(SystemClock())
        loop.offer([fresh()])
        shown = repr(reported.get(timeout=5)) + repr(loop.status())
        loop.stop(5)
    assert "canary" in repr(endpoint.requests).lower()
    assert "canary" not in (shown + everything_logged()).lower()


@pytest.mark.parametrize(
    "url",
    [
        "jsn://canaryuser:canarypass@host.example/canarypath",
        "json://canaryuser:canarypass@:::/canarypath",
        "json://canaryuser:canarypass@host.example/canarypath?retry=canary",
        "slack://canarytoken",
        "xmpp://canaryuser:canarypass@host.example/canarypath",
        "canarytoken",
        "https://hooks.example/canarypath",
    ],
)
def test_no_secret_of_a_refused_url_is_shown(url: str, everything_logged: Callable[[], str]) -> None:
    with pytest.raises(ConfigError) as raised:
        apprise(url)
    assert "canary" not in (str(raised.value) + repr(raised.value.faults) + everything_logged()).lower()


def test_a_sink_and_its_spec_do_not_show_the_url() -> None:
    spec = SinkSpec("phone", "apprise", AppriseSettings("json://host.example/canary"))
    sink = build(spec, wording=WORDING, lines=NOWHERE)
    assert "canary" not in repr(spec) + repr(sink) + str(sink)


# Apprise: what is refused ----------------------------------------------------------------------------------------


def fault(url: str) -> str:
    with pytest.raises(ConfigError) as raised:
        apprise(url)
    assert {fault.path for fault in raised.value.faults} == {"url"}
    return str(raised.value)


@pytest.mark.parametrize(
    ("parameter", "name"),
    [
        ("retry=3", "retry="),
        ("retry=0", "retry="),
        ("wait=2", "wait="),
        ("optional=yes", "optional="),
        ("%6fptional=yes", "optional="),
        ("OPTIONAL=yes", "optional="),
        ("verify=no", "verify=no"),
        ("verify=0", "verify=no"),
        ("verify=False", "verify=no"),
        ("redirect=yes", "redirect=yes"),
        ("a=b;redirect=on", "redirect=yes"),
    ],
)
def test_a_parameter_that_would_undo_a_promise_is_refused_by_name(parameter: str, name: str) -> None:
    assert name in fault(f"json://host.example/?{parameter}")


def test_all_refused_parameters_are_named_at_once() -> None:
    text = fault("json://host.example/?retry=3&optional=yes&verify=no")
    assert all(name in text for name in ("retry=", "optional=", "verify=no"))


@pytest.mark.parametrize("parameter", ["verify=yes", "redirect=no", "overflow=split", "priority=high", "rto=10"])
def test_other_parameters_are_accepted(parameter: str) -> None:
    apprise(f"ntfy://host.example/topic?{parameter}")


def test_a_misspelt_service_is_refused_with_the_one_that_was_meant() -> None:
    assert "did you mean `ntfy://`" in fault("nfty://topic")


def test_several_urls_in_one_sink_are_refused() -> None:
    assert "several URLs" in fault("json://a.example json://b.example")


def test_a_missing_package_is_named() -> None:
    apprise("json://host.example")
    needs = {name: SERVICES[name].requirements.get("packages_required") for name in SERVICES.schemas()}
    missing = [name for name in needs if needs[name] and not SERVICES[name].enabled and name != "blink1"]
    if not missing:
        pytest.skip("every optional package is installed")
    assert "needs the Python package" in fault(f"{missing[0]}://host.example/x")


@pytest.mark.parametrize(
    "scheme",
    ["syslog", "dbus", "kde", "qt", "glib", "gio", "gnome", "macosx", "windows", "blink1"],
)
def test_a_service_that_acts_on_this_machine_is_refused(scheme: str) -> None:
    assert "acts on this machine" in fault(f"{scheme}://local0")


def test_a_file_is_no_service() -> None:
    assert "knows no service `file://`" in fault("file:///etc/passwd")


def test_a_service_that_other_code_registered_is_refused() -> None:
    apprise("json://host.example")
    fields = {"__module__": "homemade", "protocol": "homemade", "secure_protocol": None}
    SERVICES["homemade"] = type("Homemade", (SERVICES["json"],), fields)
    try:
        assert "acts on this machine" in fault("homemade://host.example")
    finally:
        del SERVICES["homemade"]


def test_the_address_that_a_service_itself_shows_can_be_used() -> None:
    hook = "https://discord.com/api/webhooks/4174216298000000/" + "J" * 60
    assert "discord://" in repr(apprise(hook))
