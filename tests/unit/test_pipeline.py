"""The spine, from frames to deliveries, under a fake clock."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from loguru import logger

from sentinel.app.tables import CATALOGUE
from sentinel.model import Audience, OutcomeState, Position, SinkPolicy
from tests.builders import delta, node, user
from tests.world import World

HELD, TOLD = OutcomeState.HELD, OutcomeState.TOLD
FOLDED, REVERTED = OutcomeState.FOLDED, OutcomeState.REVERTED


@pytest.fixture
def world(tmp_path: Path) -> World:
    """A service that has just seen a tailnet of three for the first time."""
    made = World(tmp_path / "state.db")
    made.connect()
    made.see(
        made.wire.base(node("nas"), node("pi"), node("phone", os="iOS", owner=7), users=[user(7, "tom@example.com")])
    )
    return made


def people(tmp_path: Path) -> World:
    made = World(tmp_path / "people.db", sinks=[SinkPolicy("phone", Audience.PEOPLE)])
    made.connect()
    made.see(made.wire.base(node("nas")))
    return made


def test_first_sight_is_silent(world: World) -> None:
    world.pass_time(60)
    assert world.events() == []
    assert world.told() == []


def test_a_change_is_told_once_after_the_window(world: World) -> None:
    world.see(world.wire.patch("nas", online=False))
    assert world.told() == []
    assert world.outcomes() == [HELD]
    world.pass_time(3)
    assert world.told() == ["nas peer.offline"]
    assert world.outcomes() == [TOLD]
    world.pass_time(600)
    assert world.told() == ["nas peer.offline"]


def test_there_and_back_inside_the_window_is_not_told_but_recorded(world: World) -> None:
    world.see(world.wire.patch("nas", online=False))
    world.pass_time(1)
    world.see(world.wire.patch("nas", online=True))
    world.pass_time(60)
    assert world.told() == []
    assert world.events() == ["nas peer.offline", "nas peer.online"]
    assert world.outcomes() == [REVERTED, REVERTED]


def test_without_a_window_each_change_is_told_however_many_arrive_together(tmp_path: Path) -> None:
    world = World(tmp_path / "state.db", window=0)
    world.connect()
    world.see(world.wire.base(node("nas")))
    world.see(world.wire.patch("nas", online=False), world.wire.patch("nas", online=True))
    assert world.told() == ["nas peer.offline", "nas peer.online"]


def test_changes_that_arrive_late_and_together_are_told_as_if_they_had_come_one_by_one(world: World) -> None:
    late = []
    for online, until_next in ((False, 1), (True, 10), (False, 10), (True, 1)):
        late.append(world.wire.patch("nas", online=online))
        world.wire.pass_time(until_next)
    world.clock.advance(22)
    world.see(*late)
    world.pass_time(60)
    assert world.told() == ["nas peer.offline", "nas peer.online"]
    assert world.outcomes() == [REVERTED, REVERTED, TOLD, TOLD]


def test_the_last_state_of_a_burst_is_told(world: World) -> None:
    for online in (False, True, False):
        world.see(world.wire.patch("nas", online=online))
        world.pass_time(1)
    world.pass_time(60)
    assert world.told() == ["nas peer.offline +2"]
    assert world.outcomes() == [FOLDED, FOLDED, TOLD]


def test_a_subject_that_never_rests_is_told_after_five_windows(world: World) -> None:
    online = True
    for _ in range(15):
        online = not online
        world.see(world.wire.patch("nas", online=online))
        world.pass_time(1)
    assert len(world.told()) == 1


def test_a_peer_that_comes_back_ends_the_problem(world: World) -> None:
    world.see(world.wire.patch("nas", online=False))
    world.pass_time(10)
    world.see(world.wire.patch("nas", online=True))
    world.pass_time(10)
    assert world.told() == ["nas peer.offline", "nas peer.online"]
    offline, online = world.bodies()
    assert online["resolves"] == offline["event_id"]
    assert offline["resolves"] is None


def test_a_second_flap_is_another_event(world: World) -> None:
    for online in (False, True, False, True):
        world.see(world.wire.patch("nas", online=online))
        world.pass_time(10)
    keys = [told.event.key for told in world.history()]
    assert len(set(keys)) == 4


def test_programs_are_told_each_fact_of_a_new_peer(world: World) -> None:
    world.see(world.wire.frame(delta=delta(upserts=[node("laptop", os="macOS")])))
    world.pass_time(3)
    assert world.told() == ["laptop peer.added", "laptop peer.online"]


def test_programs_are_told_each_fact_of_a_removal(world: World) -> None:
    world.see(world.wire.frame(delta=delta(removals=["nas"])))
    world.pass_time(3)
    assert world.told() == ["nas peer.offline", "nas peer.removed"]
    assert world.bodies()[0]["payload"]["reason"] == "missing_from_netmap"  # type: ignore[index]


def test_people_are_told_of_a_new_peer_once(tmp_path: Path) -> None:
    world = people(tmp_path)
    world.see(world.wire.frame(delta=delta(upserts=[node("laptop", online=False)])))
    world.pass_time(1)
    world.see(world.wire.patch("laptop", online=True))
    world.pass_time(60)
    assert world.told("phone") == ["laptop peer.added +1"]
    assert world.outcomes("phone") == [TOLD, FOLDED]


def test_people_are_told_of_a_removal_once(tmp_path: Path) -> None:
    world = people(tmp_path)
    world.see(world.wire.frame(delta=delta(removals=["nas"])))
    world.pass_time(60)
    assert world.told("phone") == ["nas peer.removed +1"]


def test_a_removal_ends_what_was_open(tmp_path: Path) -> None:
    world = people(tmp_path)
    world.see(world.wire.patch("nas", online=False))
    world.pass_time(10)
    world.see(world.wire.frame(delta=delta(removals=["nas"])))
    world.pass_time(10)
    assert world.told("phone") == ["nas peer.offline", "nas peer.removed"]
    offline, removed = world.bodies()
    assert removed["resolves"] == offline["event_id"]
    assert world.store.load().differences == ()


def test_a_peer_that_is_hidden_and_shown_again_gets_new_keys(world: World) -> None:
    for _ in range(2):
        world.see(world.wire.frame(delta=delta(removals=["nas"])))
        world.pass_time(10)
        world.see(world.wire.frame(delta=delta(upserts=[node("nas")])))
        world.pass_time(10)
    keys = [told.event.key for told in world.history()]
    assert len(keys) == len(set(keys)) == 8


def test_what_a_repeated_base_says_again_is_no_news(world: World) -> None:
    world.see(
        world.wire.base(node("nas"), node("pi"), node("phone", os="iOS", owner=7), users=[user(7, "tom@example.com")])
    )
    assert world.events() == []


def test_a_base_tells_only_what_differs(world: World) -> None:
    world.see(world.wire.base(node("nas", online=False), node("pi")))
    assert world.events() == ["nas peer.offline", "phone peer.offline", "phone peer.removed"]


def test_unknown_presence_keeps_the_last_known_one(world: World) -> None:
    world.see(world.wire.frame(delta=delta(upserts=[node("nas", online=None)])))
    world.see(world.wire.patch("nas", online=False))
    assert world.events() == ["nas peer.offline"]


def test_foreign_peers_are_not_seen(world: World) -> None:
    world.see(
        world.wire.frame(delta=delta(upserts=[node("mullvad", wireguard_only=True), node("theirs", sharer_id=9)]))
    )
    assert world.events() == []


def test_nothing_is_told_while_the_source_is_blind(world: World) -> None:
    world.see(world.wire.patch("nas", online=False))
    world.disconnect()
    world.pass_time(600)
    assert world.told() == []
    assert [told.outcomes[0].why for told in world.history()] == ["blind"]
    world.connect(last_made=Position("boot-1", 1, 4))
    assert world.told() == ["nas peer.offline"]


def test_what_came_back_while_the_source_was_blind_is_not_told(world: World) -> None:
    world.see(world.wire.patch("nas", online=False))
    world.disconnect()
    world.pass_time(600)
    world.connect(last_made=Position("boot-1", 1, 5))
    world.pass_time(10)
    world.see(world.wire.patch("nas", online=True))
    world.pass_time(10)
    assert world.told() == []
    assert world.outcomes() == [REVERTED, REVERTED]


def test_acknowledgements_follow_the_commit(world: World) -> None:
    frame = world.wire.patch("nas", online=False)
    before = world.commits
    world.see(frame)
    assert world.session.acks[-1] == frame.position
    assert world.commits == before + 1


def test_a_frame_that_was_seen_is_acknowledged_and_ignored(world: World) -> None:
    frame = world.wire.patch("nas", online=False)
    world.see(frame, frame)
    assert world.events() == ["nas peer.offline"]
    assert world.session.refusals == []


def test_a_hole_in_the_sequence_ends_the_session(world: World) -> None:
    world.wire.patch("nas", online=False)
    world.see(world.wire.patch("pi", online=False))
    assert world.events() == []
    assert "does not follow" in world.session.refusals[0]


def test_a_restart_goes_on_where_the_commit_was(world: World) -> None:
    world.see(world.wire.patch("nas", online=False))
    world.restart()
    session = world.connect(last_made=Position("boot-1", 1, 4))
    assert session.welcomes == [Position("boot-1", 1, 4)]
    world.pass_time(3)
    assert world.told() == ["nas peer.offline"]


def test_a_window_survives_a_restart_of_the_machine(world: World) -> None:
    world.see(world.wire.patch("nas", online=False))
    world.clock.reboot(60)
    world.restart()
    world.connect(last_made=Position("boot-1", 1, 4))
    assert world.told() == ["nas peer.offline"]


def test_a_corrected_wall_clock_bends_no_window(world: World) -> None:
    world.see(world.wire.patch("nas", online=False))
    world.clock.correct(3600)
    world.step()
    assert world.told() == []
    world.pass_time(3)
    assert world.told() == ["nas peer.offline"]


def test_a_new_run_of_the_edge_is_asked_for_a_base(world: World) -> None:
    world.disconnect()
    world.wire.boot_id, world.wire.epoch = "boot-2", 0
    session = world.connect()
    assert session.welcomes == [None]
    world.see(
        world.wire.base(
            node("nas", online=False),
            node("pi"),
            node("phone", os="iOS", owner=7),
            users=[user(7, "tom@example.com")],
        )
    )
    assert world.events() == ["nas peer.offline"]


def test_an_edge_that_knows_more_than_the_store_makes_a_new_ledger(world: World) -> None:
    world.disconnect()
    world.ledger_ids.append("ledger-2")
    session = world.connect(last_made=Position("boot-1", 1, 9), last_acked=Position("boot-1", 1, 9))
    assert session.welcomes == [None]
    assert world.store.load().ledger_id == "ledger-2"


def test_another_tailnet_is_taken_in_silence_but_for_one_word(world: World) -> None:
    world.disconnect()
    world.wire.boot_id, world.wire.epoch, world.wire.self_id = "boot-2", 0, "n-elsewhere"
    world.connect()
    world.see(world.wire.base(node("other")))
    assert world.events() == ["example.com tailnet.domain.changed"]


def test_hashes_chain_from_event_to_event(world: World) -> None:
    world.see(world.wire.patch("nas", online=False))
    world.see(world.wire.patch("pi", online=False))
    world.see(world.wire.patch("nas", online=True))
    first, second, third = world.bodies()
    assert first["after_hash"] == second["before_hash"]
    assert second["after_hash"] == third["before_hash"]
    assert len({body["before_hash"] for body in (first, second, third)}) == 3


def test_old_events_go_and_open_problems_stay(tmp_path: Path) -> None:
    world = people(tmp_path)
    world.see(world.wire.frame(delta=delta(upserts=[node("pi")])))
    world.see(world.wire.patch("nas", online=False))
    world.pass_time(10)
    world.settle()
    world.pass_time(100 * 86_400)
    assert world.events() == ["nas peer.offline"]


@pytest.fixture
def logged() -> Iterator[list[tuple[str, object]]]:
    """Sentence and number of events of every log line about events."""
    seen: list[tuple[str, object]] = []
    sink = logger.add(lambda m: seen.append((m.record["message"], m.record["extra"].get("events"))), level="INFO")
    yield seen
    logger.remove(sink)


@pytest.mark.parametrize(
    ("changes", "lines"),
    [(20, [("event recorded", None)] * 20), (21, [("many events recorded", 21)])],
    ids=["few", "many"],
)
def test_each_event_is_logged_until_there_are_more_than_anybody_reads(
    tmp_path: Path, logged: list[tuple[str, object]], changes: int, lines: list[tuple[str, object]]
) -> None:
    world = World(tmp_path / "state.db")
    world.connect()
    world.see(world.wire.base(node("nas")))
    logged.clear()
    world.see(*(world.wire.patch("nas", online=number % 2 == 1) for number in range(changes)))
    assert logged == lines


def test_no_type_that_is_left_to_another_to_tell_leaves_a_third_untold() -> None:
    left = {name for row in CATALOGUE.values() for name in row.outranks}
    assert left <= CATALOGUE.keys()
    assert not [name for name in left if CATALOGUE[name].outranks]
