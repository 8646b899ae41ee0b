"""What a file of lines promises besides."""

import os
import stat
from pathlib import Path

import orjson
import pytest

from sentinel.delivery.render import render_json
from sentinel.delivery.sinks import FileSettings
from sentinel.delivery.sinks.file import FileSink
from sentinel.errors import ConfigError, DeliveryError
from tests.messages import START, event, message

LINE = len(render_json(message())) + 1


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "events.jsonl"


def tell(sink: FileSink, *numbers: int) -> None:
    for number in numbers:
        sink.send(message(event(number=number)), START)


def told(path: Path) -> list[int]:
    """The revisions in the file, in their order; every line is whole."""
    return [orjson.loads(line)["event"]["subject_revision"] for line in path.read_bytes().splitlines()]


def test_a_line_is_the_one_that_standard_output_would_get(path: Path) -> None:
    FileSink("file", FileSettings(path)).send(message(), START)
    assert path.read_bytes() == render_json(message()) + b"\n"


def test_the_file_is_for_the_services_own_user(path: Path) -> None:
    before = os.umask(0)
    try:
        tell(FileSink("file", FileSettings(path, max_bytes=1, keep=1)), 1, 2)
    finally:
        os.umask(before)
    assert {stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()} == {0o600}


def test_what_is_in_the_file_stays(path: Path) -> None:
    tell(FileSink("file", FileSettings(path)), 1)
    tell(FileSink("file", FileSettings(path)), 2)
    assert told(path) == [1, 2]


def test_a_file_that_would_grow_too_large_moves_aside_and_the_oldest_goes(path: Path) -> None:
    tell(FileSink("file", FileSettings(path, max_bytes=2 * LINE, keep=2)), *range(1, 10))
    assert told(path) == [9]
    assert told(path.with_name("events.jsonl.1")) == [7, 8]
    assert told(path.with_name("events.jsonl.2")) == [5, 6]
    assert not path.with_name("events.jsonl.3").exists()


def test_without_older_files_to_keep_only_the_newest_lines_stay(path: Path) -> None:
    tell(FileSink("file", FileSettings(path, max_bytes=2 * LINE, keep=0)), 1, 2, 3)
    assert told(path) == [3]
    assert list(path.parent.iterdir()) == [path]


def test_a_line_that_is_longer_than_the_file_may_be_is_written_all_the_same(path: Path) -> None:
    tell(FileSink("file", FileSettings(path, max_bytes=1)), 1)
    assert told(path) == [1]


def test_a_file_that_was_moved_away_is_made_anew(path: Path) -> None:
    sink = FileSink("file", FileSettings(path))
    tell(sink, 1)
    path.rename(path.with_name("moved"))
    tell(sink, 2)
    assert told(path) == [2]
    assert told(path.with_name("moved")) == [1]


def test_a_file_that_was_replaced_is_the_one_that_is_written(path: Path) -> None:
    sink = FileSink("file", FileSettings(path))
    other = path.with_name("other")
    other.write_bytes(b"")
    other.replace(path)
    tell(sink, 1)
    assert told(path) == [1]


def test_a_line_that_did_not_fit_is_taken_back(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sink = FileSink("file", FileSettings(path))
    tell(sink, 1)
    real = os.write
    room = [10]

    def full(file: int, data: bytes) -> int:
        if not room[0]:
            raise OSError(28, "No space left on device")
        taken, room[0] = min(room[0], len(data)), 0
        return real(file, data[:taken])

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(DeliveryError, match="no space left") as raised:
        tell(sink, 2)
    assert raised.value.retryable
    monkeypatch.undo()
    tell(sink, 2)
    assert told(path) == [1, 2]


@pytest.mark.parametrize("sync", [True, False])
def test_a_line_is_on_the_disk_when_it_counts_if_that_is_asked_for(
    path: Path, monkeypatch: pytest.MonkeyPatch, sync: bool
) -> None:
    sink = FileSink("file", FileSettings(path, sync=sync))
    synced: list[int] = []
    monkeypatch.setattr(os, "fsync", synced.append)
    tell(sink, 1)
    assert bool(synced) == sync


def test_a_folder_that_is_not_there_is_refused_at_the_start(path: Path) -> None:
    with pytest.raises(ConfigError, match="there is no folder") as raised:
        FileSink("file", FileSettings(path / "missing"))
    assert raised.value.faults[0].path == "path"


def test_what_is_no_ordinary_file_is_refused(path: Path) -> None:
    os.mkfifo(path)
    with pytest.raises(ConfigError):
        FileSink("file", FileSettings(path))
    with pytest.raises(ConfigError):
        FileSink("file", FileSettings(path.parent))


def test_looking_at_the_settings_makes_no_file(path: Path) -> None:
    FileSink("file", FileSettings(path)).close()
    assert not path.exists()


def test_a_file_that_became_something_else_is_tried_again(path: Path) -> None:
    sink = FileSink("file", FileSettings(path))
    path.mkdir()
    with pytest.raises(DeliveryError) as raised:
        tell(sink, 1)
    assert raised.value.retryable
    path.rmdir()
    tell(sink, 1)
    assert told(path) == [1]


def test_bounds_that_make_no_sense_are_refused_together(path: Path) -> None:
    with pytest.raises(ConfigError) as raised:
        FileSink("file", FileSettings(path, max_bytes=0, keep=-1))
    assert [fault.path for fault in raised.value.faults] == ["max_bytes", "keep"]
