"""A Compose project, and the container engine's own word on it.

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
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
PROJECT = "sentinel-containers"
ADMIN = "http://127.0.0.1:8182"
_POST = """
import sys, urllib.request as r
q = r.Request(sys.argv[1], data=sys.argv[2].encode() or None)
print(r.urlopen(q, timeout=10).read().decode())
"""


def compose(*arguments: str, within: float = 120.0) -> str:
    """What Compose prints on standard output; fails with what it printed on standard error."""
    command = [
        *shlex.split(os.environ.get("COMPOSE", "docker compose")),
        *("--project-name", PROJECT, "--project-directory", str(ROOT), "--profile", "demo"),
        *("--file", str(ROOT / "docker-compose.yml"), "--file", str(Path(__file__).with_name("compose.yml"))),
        *arguments,
    ]
    # One image after the other: each of them compiles.
    env = {**os.environ, "COMPOSE_PARALLEL_LIMIT": "1"}
    done = subprocess.run(command, capture_output=True, text=True, timeout=within, check=False, env=env)
    assert done.returncode == 0, f"{shlex.join(arguments)}: {done.stderr[-3000:]}"
    return done.stdout


def sentinel(*arguments: str) -> Any:
    """The JSON that a command of the demonstration's service prints."""
    return json.loads(compose("exec", "-T", "demo-sentinel", "sentinel", *arguments, "--json"))


def tailnet(path: str, body: object = None) -> Any:
    """An answer of the simulated tailnet's interface; with a body the request is a POST."""
    text = "" if body is None else json.dumps(body)
    return json.loads(compose("exec", "-T", "asking", "python3", "-c", _POST, f"{ADMIN}{path}", text))


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


def container(service: str) -> Mapping[str, Any]:
    """The engine's description of a service's container."""
    found: Mapping[str, Any] = engine(f"/containers/{PROJECT}-{service}-1/json")
    return found


def users(service: str) -> Sequence[int]:
    """The real, effective, saved and file system users of all processes in a container."""
    space = _pids(container(service)["State"]["Pid"])
    found = [int(user) for pid in _processes() if _pids(pid) == space for user in _field(pid, "Uid").split()]
    assert found
    return found


def capabilities(service: str) -> int:
    """The capabilities that a container's first process could have."""
    return int(_field(container(service)["State"]["Pid"], "CapBnd"), base=16)


def _processes() -> Sequence[int]:
    return [int(folder.name) for folder in Path("/proc").iterdir() if folder.name.isdigit()]


def _pids(pid: int) -> str:
    try:
        return str(Path(f"/proc/{pid}/ns/pid").readlink())
    except OSError:
        return ""


def _field(pid: int, name: str) -> str:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(line.partition(":")[2].strip() for line in lines if line.startswith(f"{name}:"))
