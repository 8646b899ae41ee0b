"""Compose projects, and the container engine's own word on them.

`COMPOSE` is the command that runs Docker Compose, `docker compose` if it is not set; `DOCKER_HOST` is the engine's unix
socket. The engine has to be on this machine: what its processes are is read from /proc.
"""

import http.client
import json
import os
import shlex
import socket
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Project:
    """A Compose project of ours: its name, its files below the source tree, and variables for Compose itself."""

    name: str
    files: Sequence[str]
    env: Mapping[str, str] = field(default_factory=dict)

    def compose(self, *arguments: str, within: float = 120.0) -> str:
        """What Compose prints on standard output; fails with what it printed on standard error."""
        command = [
            *shlex.split(os.environ.get("COMPOSE", "docker compose")),
            *("--project-name", self.name, "--project-directory", str(ROOT), "--profile", "demo"),
            *(part for file in self.files for part in ("--file", str(ROOT / file))),
            *arguments,
        ]
        # One image after the other: each of them compiles.
        env = {**os.environ, "COMPOSE_PARALLEL_LIMIT": "1", **self.env}
        done = subprocess.run(command, capture_output=True, text=True, timeout=within, check=False, env=env)
        assert done.returncode == 0, f"{shlex.join(arguments)}: {done.stderr[-3000:]}"
        return done.stdout

    def sentinel(self, service: str, *arguments: str) -> Any:
        """The JSON that a command of Sentinel prints in a service's container."""
        return json.loads(self.compose("exec", "-T", service, "sentinel", *arguments, "--json"))

    def container(self, service: str) -> Mapping[str, Any]:
        """The engine's description of a service's container."""
        found: Mapping[str, Any] = engine(f"/containers/{self.name}-{service}-1/json")
        return found

    def users(self, service: str) -> Sequence[int]:
        """The real, effective, saved and file system users of all processes in a container."""
        space = _pids(self.container(service)["State"]["Pid"])
        found = [int(user) for pid in _processes() if _pids(pid) == space for user in _field(pid, "Uid").split()]
        assert found
        return found

    def capabilities(self, service: str) -> int:
        """The capabilities that a container's first process could have."""
        return int(_field(self.container(service)["State"]["Pid"], "CapBnd"), base=16)


class _Connection(http.client.HTTPConnection):
    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(self.host)


def engine(path: str) -> Any:
    """What the engine's API answers."""
    place = os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock").removeprefix("unix://")
    connection = _Connection(place, timeout=30)
    try:
        connection.request("GET", path, headers={"Host": "engine"})
        return json.loads(connection.getresponse().read())
    finally:
        connection.close()


def _processes() -> Sequence[int]:
    return [int(folder.name) for folder in Path("/proc").iterdir() if folder.name.isdigit()]


def _pids(pid: int) -> str:
    """The space of process ids that a process lives in; empty if it has ended."""
    try:
        return str(Path(f"/proc/{pid}/ns/pid").readlink())
    except OSError:
        return ""


def _field(pid: int, name: str) -> str:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(line.partition(":")[2].strip() for line in lines if line.startswith(f"{name}:"))
