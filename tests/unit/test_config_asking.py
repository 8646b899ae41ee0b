"""What a command needs that only asks is the same whether the models say it or the short way does."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from sentinel.config import Option, examine
from sentinel.config.asking import VARIABLES, Asking, asked
from sentinel.config.document import Place
from sentinel.config.variables import ORIGINALS, OURS

OPTIONS: Mapping[Place, str] = {
    ("output", "log_format"): "--log-format",
    ("output", "log_level"): "--log-level",
    ("output", "no_color"): "--no-color",
}
RUNTIME = ("RUNTIME_DIRECTORY", "XDG_RUNTIME_DIR")
anything = st.one_of(
    *(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5)),
    st.sampled_from(["", " ", "~/run/s.sock", "s.sock", "/run/s.sock", "/" + "x" * 120, "a/state.json", "${HOME}"]),
    st.sampled_from(["UTC", "Europe/Berlin", " utc", "Mars/Olympus", "json", "pretty", "JSON", "warn", "debug", "yes"]),
    *(st.lists(st.text(max_size=2), max_size=1), st.builds(dict)),
)
groups = {
    "control": st.fixed_dictionaries({}, optional={"socket": anything}),
    "state": st.fixed_dictionaries({}, optional={"path": anything, "PATH": anything}),
    "output": st.fixed_dictionaries({}, optional={"log_format": anything, "log_level": anything, "no_color": anything}),
    "time_zone": anything,
    "Time_Zone": anything,
}
files = st.fixed_dictionaries({}, optional={name: inner | anything for name, inner in groups.items()})
environments = st.dictionaries(
    st.sampled_from([name for names in (*VARIABLES.values(), ("HOME", "TZ", "NO_COLOR"), RUNTIME) for name in names]),
    anything.map(str).filter(lambda text: "\0" not in text),
    max_size=4,
)


def by_models(file: Path, env: Mapping[str, str], options: Mapping[Place, object]) -> Asking | None:
    said = {place: Option(OPTIONS[place], value) for place, value in options.items()}
    config = examine(file, env, cwd=file.parent, options=said).config
    if config is None:
        return None
    output = config.output
    return Asking(config.control.socket, config.time_zone, output.log_format, output.log_level, output.no_color)


def written(folder: Path, values: Mapping[str, Any]) -> Path:
    file = folder / "sentinel.yaml"
    file.write_text(yaml.safe_dump(dict(values)))
    return file


@given(
    values=files,
    env=environments,
    options=st.fixed_dictionaries(
        {},
        optional={
            ("output", "log_format"): st.sampled_from(["pretty", "json"]),
            ("output", "log_level"): st.sampled_from(["debug", "warn", "error"]),
            ("output", "no_color"): st.just(True),
        },
    ),
)
def test_what_it_says_the_models_say_too(
    tmp_path_factory: Any, values: Mapping[str, Any], env: Mapping[str, str], options: Mapping[Place, object]
) -> None:
    file = written(tmp_path_factory.getbasetemp(), values)
    short = asked(file, env, cwd=file.parent, options=options)
    assert short is None or short == by_models(file, env, options)


@pytest.mark.parametrize(
    ("values", "env"),
    [
        ({}, {}),
        ({"control": {"socket": "~/s.sock"}, "time_zone": "Europe/Berlin"}, {"HOME": "/home/me", "TZ": "UTC"}),
        ({"State": {"Path": "/data/state.json"}, "output": {"log_format": "json", "no_color": True}}, {}),
        ({"control": None, "output": {"log_level": None}}, {"SENTINEL_STATE_PATH": "a/s.db", "NO_COLOR": "1"}),
        ({}, {"SENTINEL_STATE_PATH": "a/s.db", "SENTINEL_STATE__PATH": "b/s.db", "SENTINEL_TIME_ZONE": "Asia/Tokyo"}),
        ({"state": {"path": "/a/s.db"}}, {"RUNTIME_DIRECTORY": "/run/sentinel:/run/other"}),
        ({"state": {"path": "/a/s.db"}}, {"SENTINEL_CONTROL__SOCKET": "/c/s.sock", "XDG_RUNTIME_DIR": "/run/user/1"}),
        ({}, {"RUNTIME_DIRECTORY": "run"}),
        ({"output": {"log_level": "warn"}}, {"SENTINEL_OUTPUT_LOG_FORMAT": "pretty"}),
    ],
)
def test_what_is_simply_said_needs_no_models(tmp_path: Path, values: Mapping[str, Any], env: Mapping[str, str]) -> None:
    file = written(tmp_path, values)
    short = asked(file, env, cwd=tmp_path, options={})
    assert short is not None
    assert short == by_models(file, env, {})


def test_a_fault_of_another_key_does_not_stand_in_the_way(tmp_path: Path) -> None:
    file = written(tmp_path, {"sinks": {"a": {"type": "nonsense"}}, "control": {"socket": "/run/s.sock"}})
    found = asked(file, {}, cwd=tmp_path, options={})
    assert found is not None
    assert found.socket == Path("/run/s.sock")


@pytest.mark.parametrize("text", ["control: {socket: []}", "control: here", "time_zone: Mars", "a: 1\na: 2", "\tx"])
def test_what_is_not_simply_right_is_left_to_the_models(tmp_path: Path, text: str) -> None:
    file = tmp_path / "sentinel.yaml"
    file.write_text(text)
    assert asked(file, {}, cwd=tmp_path, options={}) is None


def test_the_file_is_found_as_everywhere(tmp_path: Path) -> None:
    (tmp_path / "sentinel.json").write_text(json.dumps({"control": {"socket": "here.sock"}}))
    found = asked(None, {}, cwd=tmp_path, options={})
    assert found is not None
    assert found.socket == tmp_path / "here.sock"
    assert asked(Path("no.yaml"), {}, cwd=tmp_path, options={}) is None


def test_the_variables_are_those_of_the_keys() -> None:
    named = {variable.name: variable.place for variable in (*OURS.values(), *ORIGINALS.values())}
    for place, names in VARIABLES.items():
        assert sorted(names) == sorted(name for name, own in named.items() if own == place)
