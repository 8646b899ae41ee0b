"""Releases of Sentinel, each with its two programs: this one, and another one that is built from the repository."""

import os
import subprocess
import venv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.rig import ROOT, Process, Service, clean_environment, program

SETTINGS: Mapping[str, Any] = {
    "sources": {"home": {"sidecar": "external"}},
    "policy": {"debounce_window": "500ms"},
}


ALONE: Mapping[str, str] = {"PYTHONPATH": ""}
"""What is installed in an environment of its own imports nothing else."""


@dataclass(frozen=True, slots=True)
class Release:
    """A service and a sidecar of one release, by the paths of their programs, and what they need around them."""

    service: str
    sidecar: str
    env: Mapping[str, str]


class ReleasedService(Service):
    """A service of any release, which its own command line asks."""

    def __init__(self, folder: Path, release: Release, *, control_url: str) -> None:
        self._release = release
        command = (release.service, "serve")
        super().__init__(folder, control_url=control_url, settings=SETTINGS, env=release.env, command=command)

    def ask(self, *words: str) -> "subprocess.CompletedProcess[str]":
        """One command of its own command line."""
        command = (self._release.service, *words, "--config", str(self.config))
        return subprocess.run(
            command, capture_output=True, text=True, timeout=60, check=False, env=clean_environment(self._release.env)
        )


class ReleasedSidecar(Process):
    """An external sidecar of any release; all of them in one folder are the same node."""

    def __init__(self, folder: Path, release: Release) -> None:
        to = ("--connect", f"unix:{folder}/run/ingest.sock", "--source", "home", "--state-dir", str(folder / "edge"))
        super().__init__(release.sidecar, *to)


def present() -> Release:
    """This one, as it is built."""
    return Release(program(), str(ROOT / "bin" / "sentinel-sidecar"), {})


def wanted() -> str:
    """The release to compare with: PREVIOUS, else the newest tag. Fails if there is neither."""
    if named := os.environ.get("PREVIOUS", ""):
        return named
    command = ("git", "describe", "--tags", "--abbrev=0")
    found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert found.returncode == 0, "there is no tag yet: name a commit with make mixed PREVIOUS=…"
    return found.stdout.strip()


def built(reference: str, folder: Path) -> Release:
    """The release at a tag or commit, built and installed in a folder of its own."""
    source, environment = folder / "source", folder / "environment"
    source.mkdir()
    archive = _done(("git", "archive", "--format=tar", reference), ROOT)
    _done(("tar", "-x", "-C", str(source)), ROOT, given=archive)
    venv.create(environment, with_pip=True)
    _done((str(environment / "bin" / "pip"), "install", "--quiet", str(source)), folder)
    build = ("build", "-trimpath", "-ldflags", f"-s -w -X main.version={reference}", "-o", f"{folder}/sentinel-sidecar")
    go = (str(ROOT / "scripts" / "go"), "-C", str(source / "sidecar-go"), *build, "./cmd/sentinel-sidecar")
    _done(go, folder, env={"CGO_ENABLED": "0"})
    return Release(str(environment / "bin" / "sentinel-py"), str(folder / "sentinel-sidecar"), ALONE)


def _done(command: Sequence[str], folder: Path, *, given: bytes = b"", env: Mapping[str, str] | None = None) -> bytes:
    """What a command prints; fails with what it says if it fails."""
    whole = {**os.environ, **ALONE, **(env or {})}
    done = subprocess.run(command, cwd=folder, input=given, capture_output=True, check=False, env=whole)
    assert done.returncode == 0, f"{command[0]}: {done.stderr.decode()[-2000:]}"
    return done.stdout
