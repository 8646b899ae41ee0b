"""Whatever a file and the environment say, the end is a configuration or a list of faults, and neither has a secret."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from sentinel.app import routing
from sentinel.config import SECRETS, examine
from sentinel.config.differences import differences
from sentinel.config.document import Document, Place
from sentinel.config.given import read
from sentinel.config.pending import pending_in
from sentinel.config.reloading import compare
from sentinel.config.showing import shown
from sentinel.config.variables import known

FIXTURE = Path(__file__).parents[1] / "fixtures/original/sentinel.yaml"
OURS = {
    "sinks": {"a": {"type": "apprise", "url": "json://canary"}, "b": {"type": "file", "path": "x"}},
    "routes": [{"match": {"tags": ["a"], "labels": {"b": "c"}}, "except": {"ips": ["1.2.3.4"]}, "sinks": ["a"]}],
    "policy": {"hold": [{"for": "1m"}], "quiet_hours": {"n": {"from": 60, "to": "7:00"}}},
    "severity_overrides": {"peer.offline": "critical"},
    "sources": {"home": {"labels": {"a": "b"}, "tsnet": {"auth_key": "tskey-canary"}}},
}
WHOLE = yaml.safe_load(FIXTURE.read_text()) | OURS | {"notifier": yaml.safe_load(FIXTURE.read_text())["notifier"]}

scalars = st.one_of(
    *(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5)),
    st.sampled_from(["*", "0", "${NO}", "3s", "a,b", "stdout", "webhook", "${A}", "peer.*", "", " "]),
)
anything = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["name", "type", "a", "url"]), inner),
    max_leaves=5,
)


def all_places(value: Any, place: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [place, *(each for key, below in inner for each in all_places(below, (*place, key)))]


PLACES = all_places(WHOLE)[1:]


def changed(value: Any, place: tuple[str | int, ...], to: object) -> Any:
    """The value with something else at a place, unless an earlier change took the place away."""
    if not place:
        return to
    head, rest = place[0], place[1:]
    if isinstance(value, dict) and head in value:
        return {**value, head: changed(value[head], rest, to)}
    if isinstance(value, list) and isinstance(head, int) and head < len(value):
        return [*value[:head], changed(value[head], rest, to), *value[head + 1 :]]
    return value


@settings(max_examples=60, deadline=None)
@given(
    changes=st.lists(st.tuples(st.sampled_from(PLACES), anything), max_size=4),
    env=st.dictionaries(st.sampled_from(sorted(known())), st.text(max_size=6) | anything.map(json.dumps), max_size=3),
)
def test_it_ends_in_a_configuration_or_in_faults(
    tmp_path_factory: Any, changes: list[tuple[tuple[str | int, ...], object]], env: Mapping[str, str]
) -> None:
    folder = tmp_path_factory.getbasetemp()
    values = WHOLE
    for place, to in changes:
        values = changed(values, place, to)
    file = folder / "anything.yaml"
    file.write_text(yaml.safe_dump(values))
    env = {**env, "SENTINEL_CONFIG_PATH": "", "A": "https://canary"}

    found = examine(file, env, cwd=folder)
    lenient = examine(file, env, cwd=folder, forgive=SECRETS)

    assert (found.config is None) == bool(found.faults)
    assert "canary" not in repr((found.faults, found.warnings, lenient.config))
    if found.config is not None:
        assert "canary" not in repr(list(shown(found.config, found.given)))
        assert list(routing.routes(found.config)) is not None
        list(routing.check(found.config))
        list(pending_in(found.given))
        differences(found.config, said=found.said, given=found.given, env=env)
        assert compare(found.config, found.config) == ()


def test_a_file_without_anything_is_given_nothing() -> None:
    place: Place = ("a",)
    assert read(Document()).fault(place, "is wrong").fault.path == "a"
