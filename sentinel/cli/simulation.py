"""A simulated tailnet as a process of its own: started, listened to, and ended with the demonstration."""

import http.client
import queue
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

import orjson

from sentinel.errors import SentinelError

READY_WITHIN = 20.0
END_WITHIN = 5.0


class Simulation:
    """A simulated tailnet that is up. `scenes` is how many its story has."""

    def __init__(self, *, control_url: str, scenes: int, lines: "queue.SimpleQueue[bytes | None]") -> None:
        self.control_url = control_url
        self.scenes = scenes
        self._lines = lines

    def story(self) -> Iterator[str]:
        """What happens, as it happens; ends when the simulation does."""
        while (line := self._lines.get()) is not None:
            scene = _fields(line).get("scene")
            if scene:
                yield scene


@contextmanager
def simulated(binary: Path, *, peers: int, log: Path) -> Iterator[Simulation]:
    """A simulated tailnet for as long as it is needed; what it logs goes to `log`."""
    command = [str(binary), "--peers", str(peers), "--story", "--managed"]
    with log.open("wb") as complaints:
        # In a session of its own it does not hear Ctrl-C: it has to outlive what watches it.
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=complaints, start_new_session=True
        )
    with process:
        try:
            lines = _read(process.stdout)
            ready = _ready(lines, log)
            yield Simulation(control_url=ready["control_url"], scenes=_scene_count(ready["admin_url"]), lines=lines)
        finally:
            _end(process)


def _read(stream: IO[bytes] | None) -> "queue.SimpleQueue[bytes | None]":
    """The stream's lines as they come, then None."""
    lines: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()

    def read() -> None:
        for line in stream or ():
            lines.put(line)
        lines.put(None)

    threading.Thread(target=read, name="simulation", daemon=True).start()
    return lines


def _ready(lines: "queue.SimpleQueue[bytes | None]", log: Path) -> dict[str, str]:
    try:
        line = lines.get(timeout=READY_WITHIN)
    except queue.Empty:
        raise SentinelError(f"the simulated tailnet did not come up within {READY_WITHIN:g} s") from None
    if line is None:
        raise SentinelError(f"the simulated tailnet could not start: {log.read_text(errors='replace')[-500:]}")
    ready = _fields(line)
    if not {"control_url", "admin_url"} <= ready.keys():
        raise SentinelError("the simulated tailnet is of another version: run 'make build'")
    return ready


def _scene_count(admin_url: str) -> int:
    """How many scenes the story has."""
    address = urlsplit(admin_url)
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=END_WITHIN)
    try:
        connection.request("GET", "/v1/story")
        scenes: list[object] = orjson.loads(connection.getresponse().read())["scenes"]
    except (OSError, http.client.HTTPException, ValueError, KeyError) as error:
        raise SentinelError("the simulated tailnet does not tell its story") from error
    finally:
        connection.close()
    return len(scenes)


def _fields(line: bytes) -> dict[str, str]:
    try:
        fields = orjson.loads(line)
    except orjson.JSONDecodeError:
        return {}
    return fields if isinstance(fields, dict) else {}


def _end(process: "subprocess.Popen[bytes]") -> None:
    """Asks by closing its input, then insists."""
    if process.stdin:
        process.stdin.close()
    for insist in (process.terminate, process.kill):
        try:
            process.wait(END_WITHIN)
        except subprocess.TimeoutExpired:
            insist()
        else:
            return
