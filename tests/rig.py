"""Real processes for integration tests and benchmarks: a simulated tailnet, a sidecar, a service.

Everything listens on loopback or on sockets in a temporary folder, and every process ends with the object that started
it: simulated tailnet and sidecar also when this process dies, because their standard input closes.
"""

import json
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

ROOT = Path(__file__).parents[1]
T = TypeVar("T")
JOINING = {
    "TS_ASSUME_NETWORK_UP_FOR_TEST": "1",
    "TS_NO_LOGS_NO_SUPPORT": "true",
    "TS_DISABLE_PORTMAPPER": "1",
    "TS_PANIC_IF_HIT_MAIN_CONTROL": "1",
}
PATIENCE = 60.0


def clean_environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment without anything of Sentinel's or Tailscale's, but what joining a simulated tailnet needs."""
    own = {name: value for name, value in os.environ.items() if not name.startswith(("SENTINEL_", "TS_"))}
    return own | JOINING | dict(extra or {})


def eventually(look: Callable[[], T], what: str, *, within: float = PATIENCE) -> T:
    """The first truthy answer of `look`; fails with `what` and the last answer when the time is over."""
    end = time.monotonic() + within
    while True:
        answer = look()
        if answer:
            return answer
        if time.monotonic() > end:
            raise AssertionError(f"not within {within:g} s: {what}; the last look showed {answer!r}")
        time.sleep(0.05)


def becomes(look: Callable[[], object], expected: object, *, within: float = PATIENCE) -> None:
    """Waits until `look` shows what is expected; fails with what it showed last."""
    end = time.monotonic() + within
    while (shown := look()) != expected:
        assert time.monotonic() < end, f"not within {within:g} s: expected {expected!r}, shown last: {shown!r}"
        time.sleep(0.05)


class Process:
    """A child process with its output collected line by line; each stdout line with the time when it came (ns)."""

    def __init__(self, *command: str, env: Mapping[str, str] | None = None, cwd: Path | None = None) -> None:
        self._started_at = time.monotonic()
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=clean_environment(env),
            cwd=cwd,
        )
        self.lines: list[tuple[int, str]] = []
        self.errors: list[str] = []
        self._readers = [threading.Thread(target=read, daemon=True) for read in (self._read_out, self._read_err)]
        for reader in self._readers:
            reader.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            print("\n".join(self.errors[-40:]), file=sys.stderr)
        self.stop()

    @property
    def pid(self) -> int:
        """The process's id."""
        return self._process.pid

    @property
    def age(self) -> float:
        """Seconds since its start."""
        return time.monotonic() - self._started_at

    def code(self) -> int | None:
        """The exit code; None while it runs."""
        return self._process.poll()

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Ends it and returns its exit code; one that does not end is killed and fails the test."""
        if self.code() is None:
            self._process.send_signal(number)
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            raise AssertionError("a process did not end when asked to") from None
        return self._close()

    def wait(self, seconds: float = PATIENCE) -> int:
        """Waits for its own end and returns its exit code."""
        self._process.wait(seconds)
        return self._close()

    def first_line(self) -> str:
        """Its first line on stdout."""
        eventually(lambda: self.lines or self.code() is not None, "a first line")
        return self.lines[0][1]

    def _close(self) -> int:
        for reader in self._readers:
            reader.join(10)
        for stream in (self._process.stdin, self._process.stdout, self._process.stderr):
            if stream is not None:
                stream.close()
        return self._process.returncode

    def _read_out(self) -> None:
        for line in self._process.stdout or ():
            self.lines.append((time.time_ns(), line.decode().rstrip("\n")))

    def _read_err(self) -> None:
        for line in self._process.stderr or ():
            self.errors.append(line.decode(errors="replace").rstrip("\n"))


class Tailnet(Process):
    """A simulated tailnet."""

    def __init__(self, *, peers: int = 10, options: tuple[str, ...] = ()) -> None:
        super().__init__(str(ROOT / "bin" / "simtailnet"), "--managed", "--peers", str(peers), *options)
        ready = json.loads(self.first_line())
        self.control_url: str = ready["control_url"]
        self._admin_url: str = ready["admin_url"]

    def ask(self, method: str, path: str, body: object = None) -> Any:
        """One call of its admin interface."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self._admin_url + path, data=data, method=method)  # noqa: S310
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
            return json.load(answer)

    def change(self, *changes: dict[str, Any], via: str = "delta") -> dict[str, Any]:
        """Changes that go out together; the answer says when."""
        receipt: dict[str, Any] = self.ask("POST", "/v1/mutate", {"via": via, "changes": list(changes)})
        return receipt

    def change_whole(self, **news: Any) -> dict[str, Any]:
        """Changes of the tailnet as a whole (`domain`, `messages`, `lock`, …); the answer says when."""
        receipt: dict[str, Any] = self.ask("POST", "/v1/tailnet", news)
        return receipt

    def change_node(self, node: str = "all", **news: Any) -> dict[str, Any]:
        """Changes of a real node by the control server (`expired`, `key_expiry`, `tags`); the answer says when."""
        receipt: dict[str, Any] = self.ask("POST", "/v1/self", {"node": node, **news})
        return receipt

    def truth(self) -> dict[str, dict[str, Any]]:
        """What a watcher should see, by short name."""
        return {peer["short"]: peer for peer in self.ask("GET", "/v1/truth")["peers"]}


class SteeredSidecar(Process):
    """An external sidecar of a service, whose node's preferences can be changed; `folder` keeps the node's identity.

    `program` is `built("steered-sidecar")`.
    """

    def __init__(self, program: str, *, socket: Path, folder: Path, source: str = "home") -> None:
        own = ("--connect", f"unix:{socket}", "--source", source, "--state-dir", str(folder))
        super().__init__(program, "--", *own)
        self._steer_url: str = json.loads(self.first_line())["steer_url"]

    def prefs(self) -> dict[str, Any]:
        """The node's preferences, as Tailscale spells them."""
        return self._ask("GET")

    def edit_prefs(self, **prefs: Any) -> dict[str, Any]:
        """Changes preferences, named as Tailscale spells them (`ShieldsUp=True`); returns all of them."""
        return self._ask("PATCH", prefs | {f"{name}Set": True for name in prefs})

    def _ask(self, method: str, body: object = None) -> dict[str, Any]:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self._steer_url}/prefs", data=data, method=method)  # noqa: S310
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
            answered: dict[str, Any] = json.load(answer)
        return answered


class Service(Process):
    """A service with its configuration and state in a folder of its own.

    `command` is another program than the command line's own that serves; it takes `--config`, too.
    """

    def __init__(
        self,
        folder: Path,
        *,
        control_url: str,
        settings: Mapping[str, Any] | None = None,
        env: Mapping[str, str] | None = None,
        command: tuple[str, ...] = (),
    ) -> None:
        self.folder = folder
        self.config = folder / "sentinel.json"
        base: dict[str, Any] = {
            "state": {"path": str(folder / "state" / "state.db")},
            "tsnet": {"state_dir": str(folder / "tsnet"), "control_url": control_url, "log_upload": False},
            "ingest": {"socket": str(folder / "run" / "ingest.sock")},
            "control": {"socket": str(folder / "run" / "control.sock")},
            "time_zone": "UTC",
            "output": {"log_format": "json"},
        }
        for group, values in (settings or {}).items():
            known = base.get(group)
            base[group] = {**known, **values} if isinstance(known, dict) and isinstance(values, dict) else values
        self.config.write_text(json.dumps(base))
        super().__init__(*(command or (program(), "serve")), "--config", str(self.config), env=env, cwd=folder)

    def ask(self, *words: str) -> "subprocess.CompletedProcess[str]":
        """One command of the command line, with this service's configuration."""
        return run(*words, "--config", str(self.config))

    def json(self, *words: str) -> Any:
        """What a command prints with --json."""
        answer = self.ask(*words, "--json")
        assert answer.stdout, answer.stderr
        return json.loads(answer.stdout)

    def sees(self) -> bool:
        """Whether its source sees."""
        answer = self.ask("status", "--json")
        if not answer.stdout:
            return False
        return all(source["sight"] == "seeing" for source in json.loads(answer.stdout)["sources"])

    def wait_seeing(self) -> None:
        """Until it sees."""
        eventually(self.sees, "the service sees its tailnet")

    def tellings(self) -> list[str]:
        """What its JSON sink was told: `nas peer.offline`."""
        told = [json.loads(line) for _, line in self.lines if line.startswith("{")]
        return [f"{one['event']['subject_name']} {one['event']['event_type']}" for one in told]

    def states(self) -> dict[str, str]:
        """Each device's state, by name."""
        return {device["name"]: device["state"] for device in self.json("devices")}


def built(name: str) -> str:
    """A program of the Go side that only tests need, built as the sidecar is, so that both share Go's cache."""
    build = ("build", "-trimpath", "-ldflags", "-s -w", "-o", f"../bin/{name}", f"./cmd/{name}")
    subprocess.run(
        [str(ROOT / "scripts" / "go"), "-C", "sidecar-go", *build],
        cwd=ROOT,
        env={**os.environ, "CGO_ENABLED": "0"},
        check=True,
    )
    return str(ROOT / "bin" / name)


def program() -> str:
    """The command line's program."""
    return str(Path(sys.executable).with_name("sentinel-py"))


def run(
    *words: str, env: Mapping[str, str] | None = None, cwd: Path | None = None
) -> "subprocess.CompletedProcess[str]":
    """One run of the command line."""
    return subprocess.run(
        [program(), *words],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
        env=clean_environment(env),
        cwd=cwd,
    )
