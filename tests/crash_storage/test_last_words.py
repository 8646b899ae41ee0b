"""Why a run ended, when the store cannot keep it."""

from pathlib import Path

from sentinel.app.last_words import ROOM, LastWords


def test_what_was_left_is_told_once(tmp_path: Path) -> None:
    words = LastWords(tmp_path / "last-words")
    assert words.take() == ""
    words.leave("the disk is full")
    assert [words.take(), words.take()] == ["the disk is full", ""]


def test_its_room_is_there_before_it_is_needed_and_stays_the_same(tmp_path: Path) -> None:
    words = LastWords(tmp_path / "last-words")
    words.take()
    assert (tmp_path / "last-words").stat().st_size == ROOM
    words.leave("é" * ROOM)
    assert (tmp_path / "last-words").stat().st_size == ROOM
    assert words.take() == "é" * (ROOM // 2)


def test_shorter_words_leave_nothing_of_longer_ones(tmp_path: Path) -> None:
    words = LastWords(tmp_path / "last-words")
    words.leave("a long story")
    words.leave("short")
    assert words.take() == "short"


def test_a_clean_end_leaves_nothing(tmp_path: Path) -> None:
    words = LastWords(tmp_path / "last-words")
    words.take()
    words.clear()
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_cannot_be_written_is_borne(tmp_path: Path) -> None:
    words = LastWords(tmp_path / "missing" / "last-words")
    words.leave("nobody will know")
    assert words.take() == ""
    words.clear()
