"""Servers on unix sockets: who may reach them, and what happens to what lies in their place."""

import os
import socket
from pathlib import Path

import grpc
import pytest

from sentinel.app.sockets import served
from sentinel.errors import StateError


def nothing(_: grpc.Server) -> None:
    """A server that answers no call."""


def reachable(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        return probe.connect_ex(str(path)) == 0


def test_a_socket_is_for_its_user_alone(tmp_path: Path) -> None:
    path = tmp_path / "run" / "a.sock"
    with served(path, nothing, name="ingest"):
        assert path.stat().st_mode & 0o777 == 0o600
        assert path.parent.stat().st_mode & 0o777 == 0o700


def test_a_folder_that_hands_its_group_on_lets_the_group_in(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    groups = (os.getgid(), *os.getgroups())
    os.chown(folder, -1, groups[-1])
    folder.chmod(0o2750)
    with served(folder / "a.sock", nothing, name="ingest"):
        found = (folder / "a.sock").stat()
        assert (found.st_mode & 0o777, found.st_gid) == (0o660, groups[-1])


def test_a_stale_socket_is_no_obstacle(tmp_path: Path) -> None:
    path = tmp_path / "a.sock"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    assert not reachable(path)
    with served(path, nothing, name="ingest"):
        assert reachable(path)
    assert not path.exists()


def test_a_socket_in_use_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "a.sock"
    with served(path, nothing, name="control"):
        with pytest.raises(StateError, match=r"set control\.socket"), served(path, nothing, name="control"):
            pytest.fail("two servers share a socket")
        assert reachable(path)


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(StateError, match=r"folder of ingest\.socket"),
        served(tmp_path / "file" / "a", nothing, name="ingest"),
    ):
        pytest.fail("a file was taken for a folder")
