"""What a program of the operator's own can count on, and what it cannot do."""

import os
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

import pytest

from sentinel.clock import SystemClock
from sentinel.delivery.render import render_json
from sentinel.delivery.sinks import ExecSettings
from sentinel.delivery.sinks.program import ExecSink
from sentinel.errors import ConfigError, DeliveryError
from tests.messages import START, event, message


def program(
    script: str, *args: str, names: tuple[str, ...] = (), has: Mapping[str, str] | None = None, timeout_s: float = 20
) -> ExecSink:
    settings = ExecSettings(("/bin/sh", "-c", script, "sh", *args), True, names, timedelta(seconds=timeout_s))
    return ExecSink("program", settings, environment=has or {})


def failure(sink: ExecSink) -> DeliveryError:
    with pytest.raises(DeliveryError) as raised:
        sink.send(message(), START)
    return raised.value


def test_it_gets_the_line_that_standard_output_would_get(tmp_path: Path) -> None:
    program('cat > "$1"', str(tmp_path / "in")).send(message(), START)
    assert (tmp_path / "in").read_bytes() == render_json(message()) + b"\n"


def test_a_program_that_reads_nothing_takes_a_message_of_any_length() -> None:
    program("exit 0").send(message(event(payload={"long": "x" * 1_000_000})), START)


def test_it_sees_the_variables_that_it_was_given_by_name_and_no_other(tmp_path: Path) -> None:
    has = {"GIVEN": "yes", "SENTINEL_TAILSCALE_AUTH_KEY": "canary", "HOME": "/root"}
    program('env > "$1"', str(tmp_path / "env"), names=("GIVEN", "ABSENT"), has=has).send(message(), START)
    seen = dict(line.split("=", 1) for line in (tmp_path / "env").read_text().splitlines())
    assert {name: seen[name] for name in ("GIVEN", "SENTINEL_SINK", "PATH")} == {
        "GIVEN": "yes",
        "SENTINEL_SINK": "program",
        "PATH": os.defpath,
    }
    assert not {"SENTINEL_TAILSCALE_AUTH_KEY", "HOME", "ABSENT"} & seen.keys()


def test_nothing_of_a_message_is_a_command(tmp_path: Path) -> None:
    sink = program("cat > /dev/null")
    sink.send(message(event(name=f"$(touch {tmp_path}/made); `touch {tmp_path}/made`")), START)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("status", [64, 65, 77, 78])
def test_statuses_that_say_so_are_final(status: int) -> None:
    error = failure(program(f"exit {status}"))
    assert (str(error), error.retryable) == (f"exit status {status}", False)


@pytest.mark.parametrize("status", [1, 2, 75, 126, 127, 255])
def test_every_other_status_is_tried_again(status: int) -> None:
    assert failure(program(f"exit {status}")).retryable


def test_a_program_that_a_signal_ended_is_tried_again() -> None:
    error = failure(program("kill -KILL $$"))
    assert (str(error), error.retryable) == ("ended by SIGKILL", True)


def test_the_last_line_that_it_said_is_the_reason(tmp_path: Path) -> None:
    script = tmp_path / "script"
    script.write_text("echo first >&2; echo the pager is off >&2; echo >&2; exit 1")
    assert str(failure(program('. "$1"', str(script)))) == "exit status 1: the pager is off"


def test_a_program_that_talks_without_end_is_heard_to_a_bound() -> None:
    error = failure(program("head -c 3000000 /dev/zero | tr '\\0' x >&2; exit 1"))
    assert len(str(error)) == 200


def test_no_secret_that_it_was_given_is_in_the_reason() -> None:
    script = 'echo "cannot reach $TOKEN at $1 with path" >&2; exit 1'
    sink = program(script, "https://host/canarypath", names=("TOKEN",), has={"TOKEN": "canarytoken"})
    assert "canary" not in str(failure(sink))


def test_a_program_that_does_not_end_is_ended_with_all_that_it_started(tmp_path: Path) -> None:
    clock = SystemClock()
    begun = clock.now().boot
    error = failure(program('sleep 60 & echo $! > "$1"; wait', str(tmp_path / "pid"), timeout_s=1))
    assert (str(error), error.retryable) == ("still running after 1 s", True)
    assert clock.now().boot - begun < 10
    assert not _lives(int((tmp_path / "pid").read_text()))


def test_a_program_that_ignores_being_asked_is_killed(tmp_path: Path) -> None:
    failure(program('trap "" TERM; echo $$ > "$1"; while :; do sleep 1; done', str(tmp_path / "pid"), timeout_s=1))
    assert not _lives(int((tmp_path / "pid").read_text()))


def _lives(process: int) -> bool:
    """Whether the process runs; one that is dead and not yet collected by its new parent does not."""
    try:
        return "\nState:\tZ" not in Path(f"/proc/{process}/status").read_text()
    except FileNotFoundError:
        return False


def test_what_it_leaves_running_holds_nothing_up(tmp_path: Path) -> None:
    clock = SystemClock()
    begun = clock.now().boot
    program('sleep 60 & echo $! > "$1"', str(tmp_path / "pid")).send(message(), START)
    assert clock.now().boot - begun < 10
    os.kill(int((tmp_path / "pid").read_text()), 9)


def test_a_program_that_went_away_is_tried_again(tmp_path: Path) -> None:
    path = tmp_path / "program"
    path.write_text("#!/bin/sh\n")
    path.chmod(0o700)
    sink = ExecSink("program", ExecSettings((str(path),), allow=True), environment={})
    sink.send(message(), START)
    path.unlink()
    error = failure(sink)
    assert (str(error), error.retryable) == ("the program cannot be started: no such file or directory", True)


@pytest.mark.parametrize(
    ("command", "allow", "path"),
    [
        (("/bin/sh",), False, "allow"),
        ((), True, "command"),
        (("sh", "-c", "exit"), True, "command"),
        (("/bin/missing",), True, "command"),
        (("/etc/passwd",), True, "command"),
        (("/etc",), True, "command"),
    ],
)
def test_a_program_that_may_not_or_cannot_run_is_refused(command: tuple[str, ...], allow: bool, path: str) -> None:
    with pytest.raises(ConfigError) as raised:
        ExecSink("program", ExecSettings(command, allow), environment={})
    assert [fault.path for fault in raised.value.faults] == [path]


def test_its_arguments_are_not_shown() -> None:
    assert "canary" not in repr(ExecSettings(("/bin/true", "canary"), True))
