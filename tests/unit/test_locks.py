"""Who may use a state directory or a socket."""

import os
from pathlib import Path

import pytest

from sentinel.app.locks import file_system, state_lock
from sentinel.errors import StateError


def test_a_state_directory_is_made_for_its_owner_alone(tmp_path: Path) -> None:
    with state_lock(tmp_path / "a" / "state"):
        assert (tmp_path / "a" / "state").stat().st_mode & 0o777 == 0o700


def test_a_second_service_is_refused_with_the_first_ones_process(tmp_path: Path) -> None:
    with (
        state_lock(tmp_path),
        pytest.raises(StateError, match=f"runs as process {os.getpid()}"),
        state_lock(tmp_path),
    ):
        pytest.fail("two services share a state directory")


def test_a_lock_that_was_let_go_can_be_taken(tmp_path: Path) -> None:
    for _ in range(2):
        with state_lock(tmp_path):
            pass


def test_a_directory_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("")
    with pytest.raises(StateError, match="cannot be made"), state_lock(tmp_path / "state"):
        pytest.fail("a file was taken for a directory")


def test_a_folder_of_somebody_else_is_answered_with_the_line_that_hands_it_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "mkdir", refused)
    line = f"run 'chown -R {os.getuid()} {tmp_path}'"
    with pytest.raises(StateError, match=line), state_lock(tmp_path / "a" / "state"):
        pytest.fail("a folder was made where nobody may")


def test_a_network_file_system_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sentinel.app.locks.file_system", lambda _: "nfs4")
    with pytest.raises(StateError, match=r"network file system \(nfs4\)"), state_lock(tmp_path):
        pytest.fail("a network file system was taken")


def test_the_file_system_is_that_of_the_deepest_mount() -> None:
    assert file_system(Path("/proc/self")) == "proc"
