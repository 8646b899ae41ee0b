"""Frames in, events and words out: the living specification.

Each case is a story of frames. Its file shows the events that it leads to, byte for byte, and the words in which people
are told. `pytest tests/golden --accept` writes the files anew.
"""

import random
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import orjson
import pytest

from sentinel.app.tables import WORDS
from sentinel.delivery.render import Limit, render_text
from sentinel.events import Reading
from sentinel.model import Audience, SinkPolicy
from sentinel.sources.room import Frame
from sentinel.wire.v1 import frame_pb2, tailnet_pb2
from tests.builders import START, Wire, delta, node, patch, user
from tests.golden import own_node, peers, routes, sinks
from tests.world import World

CASES = Path(__file__).parent / "cases"
TOM = user(7, "tom@example.com")
LIMIT = Limit(title=250, body=4000)

Story = Callable[[Wire], Iterator[Frame]]


def contact_is_lost(wire: Wire) -> Iterator[Frame]:
    """The control server says when it last heard the server."""
    yield wire.base(node("nas", tags=["tag:server"]))
    wire.pass_time(10)
    yield wire.patch("nas", online=False, last_seen=wire.now - timedelta(seconds=4))


def contact_is_lost_and_found(wire: Wire) -> Iterator[Frame]:
    """The second event ends the problem that the first one opened."""
    yield wire.base(node("nas", tags=["tag:server"]))
    wire.pass_time(10)
    yield wire.patch("nas", online=False)
    wire.pass_time(4320)
    yield wire.patch("nas", online=True)


def a_phone_goes_to_sleep(wire: Wire) -> Iterator[Frame]:
    """A personal device comes and goes: information, not a warning."""
    yield wire.base(node("phone", os="iOS", owner=7), users=[TOM])
    wire.pass_time(10)
    yield wire.patch("phone", online=False)


def a_peer_joins_in_contact(wire: Wire) -> Iterator[Frame]:
    """Two facts of one frame; people are told one of them."""
    yield wire.base(node("nas"))
    wire.pass_time(10)
    yield wire.frame(delta=delta(upserts=[node("laptop", os="macOS", owner=7)], users=[TOM]))


def a_peer_joins_as_headscale_shows_it(wire: Wire) -> Iterator[Frame]:
    """First without contact, a second later with it."""
    yield wire.base(node("nas"))
    wire.pass_time(10)
    joined = node("laptop", os="windows", owner=7, online=False, last_seen=wire.now)
    yield wire.frame(delta=delta(upserts=[joined], users=[TOM]))
    wire.pass_time(1)
    yield wire.patch("laptop", online=True)


def a_peer_is_removed_while_in_contact(wire: Wire) -> Iterator[Frame]:
    """A full map no longer has it; that it went out of contact is part of it."""
    yield wire.base(node("nas"), node("phone", os="iOS", owner=7), users=[TOM])
    wire.pass_time(10)
    yield wire.frame(delta=delta(removals=["phone"], cause=frame_pb2.DELTA_CAUSE_FULL_REBUILD))


def a_peer_is_removed_long_after_it_went(wire: Wire) -> Iterator[Frame]:
    """The removal ends the problem that was open."""
    yield wire.base(node("nas"), node("old", tags=["tag:server"]))
    wire.pass_time(10)
    yield wire.patch("old", online=False)
    wire.pass_time(86_400)
    yield wire.frame(delta=delta(removals=["old"]))


def several_peers_change_in_one_frame(wire: Wire) -> Iterator[Frame]:
    """Events of one frame are sorted by subject."""
    yield wire.base(node("c"), node("a"), node("b", online=False))
    wire.pass_time(10)
    patches = [patch("c", online=False), patch("b", online=True), patch("a", online=False)]
    yield wire.frame(delta=delta(patches=patches))


def a_base_after_a_gap_differs(wire: Wire) -> Iterator[Frame]:
    """What happened while nobody looked is told as what differs."""
    yield wire.base(node("nas"), node("pi"), node("old"))
    wire.pass_time(3600)
    yield wire.base(node("nas", online=False), node("pi"), node("new"))


def nothing_real_changes(wire: Wire) -> Iterator[Frame]:
    """Looks like news and is not: a repeated base, an unknown presence, a later sighting of what is away."""
    yield wire.base(node("nas"), node("pi", online=False, last_seen=START))
    wire.pass_time(10)
    yield wire.base(node("nas"), node("pi", online=False, last_seen=wire.now))
    yield wire.patch("nas", online=None)
    yield wire.patch("pi", online=False, last_seen=wire.now)
    yield wire.frame(delta=delta(removals=["never-seen"], patches=[patch("unknown", online=True)]))


STORIES: tuple[Story, ...] = (
    contact_is_lost,
    contact_is_lost_and_found,
    a_phone_goes_to_sleep,
    a_peer_joins_in_contact,
    a_peer_joins_as_headscale_shows_it,
    a_peer_is_removed_while_in_contact,
    a_peer_is_removed_long_after_it_went,
    several_peers_change_in_one_frame,
    a_base_after_a_gap_differs,
    nothing_real_changes,
    *peers.STORIES,
    *own_node.STORIES,
    *routes.STORIES,
)


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.__name__)
def test_the_story_leads_to_these_events_and_words(
    story: Story, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    _compare_both(story.__name__, _told(story, tmp_path), request)


@pytest.mark.parametrize("story", sinks.STORIES, ids=lambda story: story.__name__)
def test_what_sinks_go_through_leads_to_these_events_and_words(
    story: Callable[[], Iterator[sinks.Said]], tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    programs = [SinkPolicy(name, Audience.PROGRAMS) for name in ("mail", "phone")]
    world = World(tmp_path / "golden.db", sinks=[SinkPolicy("people", Audience.PEOPLE), *programs])
    for seconds, condition in story():
        world.pass_time(seconds)
        world.writer.inbox.ask(condition, lambda: None)
        world.step()
    world.pass_time(180)
    _compare_both(story.__name__, world, request)


@pytest.mark.parametrize("seed", range(20))
def test_the_same_frames_give_the_same_bytes_however_they_are_batched(seed: int, tmp_path: Path) -> None:
    print(f"seed {seed}")
    one_by_one = _bodies_in_batches(tmp_path / "single.db", random.Random(0), most=1)
    at_random = _bodies_in_batches(tmp_path / "random.db", random.Random(seed), most=8)
    assert at_random == one_by_one
    assert len(one_by_one) > 20


def _told(story: Story, tmp_path: Path) -> World:
    """The service lives through the story: time passes for it as it does for the frames, then all comes to rest."""
    world = World(tmp_path / "golden.db", sinks=[SinkPolicy("people", Audience.PEOPLE)])
    world.connect()
    wire = Wire()
    for frame in story(wire):
        world.pass_time((frame.captured_at - world.clock.now().wall).total_seconds())
        world.see(frame)
    world.pass_time(180)
    return world


def _words(world: World) -> Iterator[str]:
    for telling in world.outboxes["people"].tellings:
        reading = Reading(telling.delivery.created_at, ZoneInfo("Europe/Berlin"))
        text = render_text(telling.message, WORDS, reading, LIMIT)
        yield f"{text.title}\n  {text.body}\n"


def _bodies_in_batches(path: Path, order: random.Random, most: int) -> list[bytes]:
    """All stories that begin alike, frame after frame, some of them together; the clock stands still."""
    world = World(path)
    world.connect()
    frames = list(_flips(random.Random(7)))
    while frames:
        size = order.randint(1, most)
        world.see(*frames[:size])
        del frames[:size]
    return [told.event.body for told in world.history()]


def _flips(chance: random.Random) -> Iterator[Frame]:
    # So shortly before the clock that no key reaches a rung in between.
    wire = Wire(now=START - timedelta(minutes=2))
    names = [f"peer-{number}" for number in range(5)]
    yield wire.base(*(node(name) for name in names))
    for _ in range(60):
        wire.pass_time(chance.random())
        chosen = chance.sample(names, 2)
        if chance.random() < 0.2:
            yield wire.frame(delta=delta(removals=chosen[:1], upserts=[node(chosen[1])]))
        elif chance.random() < 0.3:
            yield wire.frame(delta=delta(upserts=[_mutant(chance, name) for name in chosen]))
        else:
            yield wire.frame(delta=delta(patches=[patch(name, online=chance.random() < 0.5) for name in chosen]))


def _mutant(chance: random.Random, name: str) -> tailnet_pb2.Node:
    """The peer with other tags, routes, keys and versions, its key expired long ago or far from its end."""
    return node(
        name,
        online=None,
        tags=chance.sample(["tag:a", "tag:b"], chance.randint(0, 2)),
        primary_routes=chance.sample(["10.0.0.0/24", "10.1.0.0/24"], chance.randint(0, 2)),
        node_key=f"nodekey:{chance.randint(1, 3):064x}",
        key_expiry=START + timedelta(days=chance.choice([-3, 90])),
        says={"os_version": str(chance.randint(1, 3))},
    )


def _compare_both(name: str, world: World, request: pytest.FixtureRequest) -> None:
    events = b"".join(orjson.dumps(body, option=orjson.OPT_INDENT_2) + b"\n" for body in world.bodies())
    _compare(CASES / f"{name}.json", events.decode(), request)
    _compare(CASES / f"{name}.txt", "".join(_words(world)), request)


def _compare(file: Path, text: str, request: pytest.FixtureRequest) -> None:
    if request.config.getoption("--accept"):
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)
    assert text == file.read_text()
