"""What can be said of the images and the Compose projects without a container engine."""

import json
import re
import shlex
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Literal

import click
import pytest
import yaml
from pydantic import BaseModel, ConfigDict, Field

from sentinel.app.loops import DRAIN_WITHIN
from sentinel.app.sockets import STOP_WITHIN
from sentinel.cli.commands import cli
from sentinel.config import Config, examine
from sentinel.config.durations import parse_duration
from sentinel.edge import END_WITHIN

ROOT = Path(__file__).resolve().parents[2]
GO = ROOT / "sidecar-go"
IMAGES = ("sidecar", "simtailnet", "service")
PROJECTS = ("docker-compose.yml", "docker-compose.single.yml")


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Build(Strict):
    context: Literal["."] = "."
    target: str = ""
    args: Mapping[str, str] = Field(default_factory=dict)


class EnvFile(Strict):
    path: str
    required: Literal[False]


class Logging(Strict):
    driver: Literal["json-file"]
    options: Mapping[str, str]


class Container(Strict):
    """Those keys of a Compose service that we use."""

    image: str = ""
    build: Build = Build()
    user: str = ""
    restart: Literal["unless-stopped"] | None = None
    read_only: bool = False
    cap_drop: Sequence[str] = ()
    security_opt: Sequence[str] = ()
    stop_grace_period: str = "0"
    logging: Logging | None = None
    tmpfs: Sequence[str] = ()
    working_dir: str = ""
    env_file: Sequence[EnvFile] = ()
    environment: Mapping[str, str] = Field(default_factory=dict)
    volumes: Sequence[str] = ()
    depends_on: Sequence[str] = ()
    network_mode: str = ""
    profiles: Sequence[Literal["demo"]] = ()
    pull_policy: Literal["build"] | None = None

    @property
    def mounts(self) -> dict[str, str]:
        """What is mounted, by where."""
        return {target: source for source, target, *_ in (volume.split(":") for volume in self.volumes)}

    @property
    def variables(self) -> dict[str, str]:
        """The environment as it is where nothing is set that Compose puts in."""
        return {name: re.sub(r"\$\{\w+:-(.*?)\}", r"\1", text) for name, text in self.environment.items()}


class Project(BaseModel):
    """A Compose file; names that begin with `x-` are its own."""

    services: Mapping[str, Container]
    volumes: Mapping[str, None] = Field(default_factory=dict)


@dataclass
class Stage:
    """One target of the Dockerfile: its base, and its instructions with their arguments."""

    base: str
    steps: list[tuple[str, str]] = field(default_factory=list)

    def last(self, name: str) -> str:
        return [text for step, text in self.steps if step == name][-1]

    def command(self, name: str) -> list[str]:
        """An instruction's exec form, which needs no shell."""
        found: list[str] = json.loads(self.last(name))
        return found


def project(name: str) -> Project:
    return Project.model_validate(yaml.safe_load((ROOT / name).read_text()))


def instructions() -> Iterator[tuple[str, str]]:
    lines = (line for line in (ROOT / "Dockerfile").read_text().splitlines() if not line.startswith("#"))
    for line in "\n".join(lines).replace("\\\n", " ").splitlines():
        if line.strip():
            name, _, rest = line.partition(" ")
            yield name, rest.strip()


def dockerfile() -> tuple[dict[str, str], dict[str, Stage]]:
    """The arguments with their defaults, and the stages by name."""
    arguments: dict[str, str] = {}
    stages: dict[str, Stage] = {}
    for name, text in instructions():
        if name == "FROM":
            words = [word for word in text.split() if not word.startswith("--")]
            stage = stages[words[2]] = Stage(base=words[0])
        elif not stages:
            argument, _, default = text.partition("=")
            arguments[argument] = default
        else:
            stage.steps.append((name, text))
    return arguments, stages


PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
ARGUMENTS, STAGES = dockerfile()
COMPOSE = project("docker-compose.yml")
SERVICES = [name for name in COMPOSE.services if name.endswith("sentinel")]
EDGES = [name for name in COMPOSE.services if name.endswith("sidecar")]


def settled(container: Container, tmp_path: Path) -> Config:
    """The configuration that a service has in its container."""
    env = {**container.variables, "HOME": "/data"}
    loaded = examine(None, env, cwd=tmp_path)
    assert (loaded.faults, loaded.warnings) == ((), ())
    assert loaded.config is not None
    return loaded.config


class TestImages:
    def test_every_base_can_be_another_one(self) -> None:
        bases = {stage.base for stage in STAGES.values()}
        assert bases == {f"${{{name}}}" for name in ARGUMENTS}

    def test_the_last_is_the_one_that_stands_for_the_original(self) -> None:
        assert list(STAGES)[-1] == "service"

    @pytest.mark.parametrize("name", IMAGES)
    def test_nobody_is_root(self, name: str) -> None:
        user, _, group = STAGES[name].last("USER").partition(":")
        assert int(user) > 999
        assert int(group) > 999

    @pytest.mark.parametrize("name", IMAGES)
    def test_they_say_what_they_are(self, name: str) -> None:
        labels = dict(word.split("=", 1) for word in shlex.split(STAGES[name].last("LABEL")))
        wanted = {f"org.opencontainers.image.{part}" for part in ("title", "description", "licenses")}
        assert wanted <= set(labels)
        assert all(labels.values())

    @pytest.mark.parametrize("name", IMAGES)
    def test_no_tool_of_the_build_is_left_in_them(self, name: str) -> None:
        run = " ".join(text for step, text in STAGES[name].steps if step == "RUN")
        assert not re.search(r"\b(apt|apt-get|pip|go)\b", run)

    def test_python_packages_are_pinned(self) -> None:
        runs = [text for step, text in STAGES["python"].steps if step == "RUN"]
        installs = [
            part for run in runs for part in run.split("&&") if re.search(r"\bpip\b.*\b(install|wheel)\b", part)
        ]
        assert len(installs) == 4
        for part in installs:
            assert "--require-hashes" in part or "--no-deps" in part, part

    def test_what_builds_is_pinned_as_for_development(self) -> None:
        def pins(name: str) -> set[str]:
            return set(re.findall(r"^\S+==\S+", (ROOT / "requirements" / name).read_text(), re.MULTILINE))

        assert any(pin.startswith("hatchling==") for pin in pins("build.txt"))
        assert pins("build.txt") <= pins("dev.txt")

    def test_a_build_leaves_nothing_of_its_place_in_the_binary(self) -> None:
        text = " ".join(f"{step} {text}" for step, text in STAGES["go"].steps)
        for needed in ("CGO_ENABLED=0", "-buildvcs=false", "-trimpath", "-buildid="):
            assert needed in text

    def test_the_base_images_are_new_enough(self) -> None:
        needs_go = re.search(r"^go (\d+)\.(\d+)", (GO / "go.mod").read_text(), re.MULTILINE)
        has_go = re.search(r":(\d+)\.(\d+)", ARGUMENTS["GO_IMAGE"])
        needs_python = re.search(r">=(\d+)\.(\d+)", PYPROJECT["requires-python"])
        has_python = re.search(r":(\d+)\.(\d+)", ARGUMENTS["PYTHON_IMAGE"])
        for has, needs in ((has_go, needs_go), (has_python, needs_python)):
            assert has is not None
            assert needs is not None
            assert [int(part) for part in has.groups()] >= [int(part) for part in needs.groups()]

    def test_what_is_copied_is_sent_to_the_builder(self) -> None:
        sent = {line[1:].split("/")[0] for line in (ROOT / ".dockerignore").read_text().splitlines() if line[:1] == "!"}
        for stage in STAGES.values():
            for step, text in stage.steps:
                words = [word for word in text.split() if not word.startswith("--")]
                if step == "COPY" and "--from" not in text:
                    for source in words[:-1]:
                        assert (ROOT / source).exists(), source
                        assert source.split("/")[0] in sent, source


class TestEntryPoints:
    def test_the_service_is_started_by_its_name(self) -> None:
        assert STAGES["service"].command("ENTRYPOINT") == ["sentinel"]
        assert "sentinel" in PYPROJECT["scripts"]
        assert STAGES["service"].command("CMD") == ["run"]
        assert cli.get_command(click.Context(cli), "run")

    def test_its_health_is_asked_with_a_command_that_there_is(self) -> None:
        options, _, check = STAGES["service"].last("HEALTHCHECK").partition("CMD ")
        assert json.loads(check) == ["sentinel", "check"]
        assert cli.get_command(click.Context(cli), "check")
        assert re.search(r"--start-period=\d+s", options)

    def test_the_sidecar_is_where_the_service_looks_for_it(self) -> None:
        places = [text for step, text in STAGES["service"].steps if step == "COPY" and "sentinel-sidecar" in text]
        assert [text.split()[-1] for text in places] == ["/opt/sentinel/bin/sentinel-sidecar"]
        assert STAGES["service"].last("ENV").startswith("PATH=/opt/sentinel/bin:")

    @pytest.mark.parametrize(
        ("image", "source"),
        [("sidecar", "internal/edge/options.go"), ("simtailnet", "cmd/simtailnet/main.go")],
    )
    def test_arguments_are_flags_that_there_are(self, image: str, source: str) -> None:
        known = set(re.findall(r'Var\(&[\w.]+, "([\w-]+)"', (GO / source).read_text()))
        given = {word.removeprefix("--") for word in STAGES[image].command("CMD") if word.startswith("--")}
        assert given
        assert given <= known

    def test_the_sidecars_health_is_asked_where_it_has_its_state(self) -> None:
        command = STAGES["sidecar"].command("CMD")
        asked = json.loads(STAGES["sidecar"].last("HEALTHCHECK").partition("CMD ")[2])
        place = command[command.index("--state-dir") + 1]
        assert asked == [*STAGES["sidecar"].command("ENTRYPOINT"), "health", "--state-dir", place]


class TestProjects:
    @pytest.mark.parametrize("file", PROJECTS)
    def test_every_container_is_locked_down(self, file: str) -> None:
        for name, container in project(file).services.items():
            assert container.read_only, name
            assert container.cap_drop == ["ALL"], name
            assert container.security_opt == ["no-new-privileges:true"], name
            assert container.restart == "unless-stopped", name

    @pytest.mark.parametrize("file", PROJECTS)
    def test_a_container_has_time_to_end(self, file: str) -> None:
        longest = timedelta(seconds=DRAIN_WITHIN + 2 * STOP_WITHIN + ("single" in file) * END_WITHIN)
        for name, container in project(file).services.items():
            assert parse_duration(container.stop_grace_period) > longest, name

    @pytest.mark.parametrize("file", PROJECTS)
    def test_containers_are_built_from_what_there_is(self, file: str) -> None:
        for container in project(file).services.values():
            assert container.build.target in IMAGES

    def test_containers_run_as_the_images_do(self) -> None:
        for container in COMPOSE.services.values():
            assert container.user == STAGES[container.build.target].last("USER")

    def test_two_users_share_a_group(self) -> None:
        (service, group), (edge, same) = (COMPOSE.services[name].user.split(":") for name in ("sentinel", "sidecar"))
        assert service != edge
        assert group == same
        assert f"-o {service} -g {group} -m 2750 /run/sentinel" in STAGES["service"].last("RUN")

    @pytest.mark.parametrize(("service", "edge"), list(zip(SERVICES, EDGES, strict=True)))
    def test_they_share_the_socket_and_nothing_else(self, service: str, edge: str) -> None:
        theirs, its = COMPOSE.services[service].mounts, COMPOSE.services[edge].mounts
        assert {place for place in theirs if its.get(place) == theirs[place]} == {"/run/sentinel"}
        assert set(theirs.values()) & set(its.values()) == {theirs["/run/sentinel"]}
        assert service in COMPOSE.services[edge].depends_on

    def test_the_demonstration_touches_nothing_of_the_tailnet_proper(self) -> None:
        def held(demo: bool) -> set[str]:
            containers = [each for each in COMPOSE.services.values() if bool(each.profiles) is demo]
            return {source for each in containers for source in each.mounts.values()}

        assert held(True)
        assert not held(True) & held(False)

    @pytest.mark.parametrize("name", SERVICES)
    def test_variables_of_a_service_make_a_configuration(self, name: str, tmp_path: Path) -> None:
        config = settled(COMPOSE.services[name], tmp_path)
        assert config.sources["tailnet"].sidecar == "external"
        assert str(config.state.store_path.parent) in COMPOSE.services[name].mounts
        command = STAGES["sidecar"].command("CMD")
        assert command[command.index("--connect") + 1] == f"unix:{config.ingest.socket}"
        assert command[command.index("--source") + 1] in config.sources

    @pytest.mark.parametrize("name", EDGES)
    def test_variables_of_an_edge_are_those_that_it_reads(self, name: str) -> None:
        known = set(re.findall(r'\{"(SENTINEL_\w+)"', (GO / "internal/settings/settings.go").read_text()))
        given = {variable for variable in COMPOSE.services[name].environment if variable.startswith("SENTINEL_")}
        assert given
        assert given <= known

    def test_an_edge_of_the_demonstration_finds_the_simulated_tailnet(self) -> None:
        edge = COMPOSE.services["demo-sidecar"]
        command = STAGES["simtailnet"].command("CMD")
        assert edge.environment["SENTINEL_TSNET_CONTROL_URL"] == f"http://{command[command.index('--listen') + 1]}"
        assert edge.network_mode == "service:demo-tailnet"
        assert edge.environment["TS_PANIC_IF_HIT_MAIN_CONTROL"] == "1"

    def test_only_the_edge_has_the_auth_key(self) -> None:
        assert COMPOSE.services["sidecar"].variables["SENTINEL_TAILSCALE_AUTH_KEY"] == ""
        assert not any("AUTH_KEY" in name for name in COMPOSE.services["sentinel"].environment)

    def test_images_are_named_as_the_variables_say(self) -> None:
        for name, container in COMPOSE.services.items():
            kind = container.build.target.upper()
            assert container.image.startswith(f"${{SENTINEL_{kind}_IMAGE:-") or name == "demo-tailnet"

    def test_every_volume_is_declared_and_used(self) -> None:
        used = {source for each in COMPOSE.services.values() for source in each.mounts.values()}
        assert {source for source in used if not source.startswith(".")} == set(COMPOSE.volumes)

    def test_the_example_of_an_override_changes_what_there_is(self, tmp_path: Path) -> None:
        override = project("docker-compose.override.example.yml")
        for name, container in override.services.items():
            assert name in COMPOSE.services
            assert set(container.build.args) <= set(ARGUMENTS)
            assert container.model_fields_set <= {"pull_policy", "build", "environment"}
        given = override.services["sentinel"].variables
        (tmp_path / "phone").write_text("ntfy://localhost/a-name\n")
        given["SENTINEL_SINKS__PHONE__URL_FILE"] = str(tmp_path / "phone")
        merged = Container(environment={**COMPOSE.services["sentinel"].variables, **given})
        assert "phone" in settled(merged, tmp_path).sinks
