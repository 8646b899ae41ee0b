"""What a sink does not get, the fallback sinks of its route are told besides: once, in order, and how it ends."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from sentinel.control import letters
from sentinel.control.answers import Answers
from sentinel.control.v1 import control_pb2
from sentinel.model import (
    Absorption,
    Attempt,
    Audience,
    Burial,
    Condition,
    DeliveryState,
    OutcomeState,
    Replay,
    SinkPolicy,
)
from sentinel.pipeline import fallback
from sentinel.policy.fallback import standing_by
from sentinel.policy.routes import ANYTHING, Route, Selector
from sentinel.sources.tailnet import ROOM
from tests.builders import delta, node
from tests.world import World

AUDIENCES = list(Audience)
PEERS = Selector(event_types=("peer.*",))
PAGED = Route("paged", PEERS, None, ("pager",), stop=False, index=0, fallback=("spare",))
OFFLINE, ONLINE = "nas peer.offline", "nas peer.online"
TOLD, FOLDED, HELD = OutcomeState.TOLD, OutcomeState.FOLDED, OutcomeState.HELD


def world(
    tmp_path: Path,
    *routes: Route,
    pager: Audience = Audience.PROGRAMS,
    spare: Audience = Audience.PROGRAMS,
    window: float = 3.0,
) -> World:
    """Two peers, a pager and a spare sink; what is sent to the pager stays unanswered."""
    sinks = (SinkPolicy("pager", pager), SinkPolicy("spare", spare), SinkPolicy("other", Audience.PROGRAMS))
    made = World(tmp_path / "state.db", sinks=sinks, routes=routes or (PAGED,), window=window)
    made.connect()
    made.see(made.wire.base(node("nas"), node("pi")))
    return made


def turn(here: World, *online: bool, name: str = "nas") -> None:
    """The contact of a peer, time after time, each long enough to be told."""
    for each in online:
        here.see(here.wire.patch(name, online=each))
        here.pass_time(10)


def say(here: World, *, failing: bool, sink: str = "pager") -> None:
    """The sink's loop says how it does."""
    here.writer.inbox.ask(Condition(sink, failing, here.clock.now().wall, "down" if failing else ""), lambda: None)
    here.step()


def end(here: World, number: int, state: DeliveryState, sink: str = "pager") -> None:
    """The sink's loop says how the so-manieth delivery of it ended."""
    delivery = here.outboxes[sink].tellings[number].delivery
    here.writer.inbox.report(Attempt(delivery.id, sink, 1, state, here.clock.now().wall, error="error=401"))
    here.pass_time(1)


def restarted(here: World) -> World:
    """The same after a kill, with an edge that has nothing to add."""
    last = here.session.acks[-1]
    here.restart()
    here.connect(last_made=last, last_acked=last)
    return here


def fates(here: World, sink: str = "spare") -> list[tuple[str, OutcomeState, str, str]]:
    """What became of each event there: its type, the state, by which route, and for which sink."""
    return [
        (told.event.type.name, one.state, one.route, one.fallback_for)
        for told in here.history()
        for one in told.outcomes
        if one.sink == sink
    ]


class TestReasons:
    def test_a_sink_that_does_well_needs_no_fallback(self, tmp_path: Path) -> None:
        here = world(tmp_path)
        turn(here, False)
        end(here, 0, DeliveryState.DELIVERED)
        assert here.told("spare") == []

    def test_what_waits_to_be_tried_again_is_not_given_up(self, tmp_path: Path) -> None:
        here = world(tmp_path)
        turn(here, False)
        end(here, 0, DeliveryState.PENDING)
        assert here.told("spare") == []

    def test_what_was_given_up_is_told_besides(self, tmp_path: Path) -> None:
        here = world(tmp_path)
        turn(here, False)
        end(here, 0, DeliveryState.DEAD)
        assert here.told("spare") == [OFFLINE]
        assert fates(here) == [("peer.offline", TOLD, "paged", "pager")]

    def test_what_waits_when_the_sink_begins_to_fail_is_told_in_the_order_in_which_it_happened(
        self, tmp_path: Path
    ) -> None:
        here = world(tmp_path)
        turn(here, False, True)
        turn(here, False, name="pi")
        say(here, failing=True)
        assert here.told("spare") == [OFFLINE, ONLINE, "pi peer.offline"]

    def test_what_is_told_to_a_failing_sink_is_told_besides_in_the_same_commit(self, tmp_path: Path) -> None:
        here = world(tmp_path)
        say(here, failing=True)
        here.pass_time(10)
        here.see(here.wire.patch("nas", online=False))
        commits = here.commits
        here.pass_time(10)
        assert here.told("pager") == here.told("spare") == [OFFLINE]
        assert here.commits == commits + 1

    def test_once_the_sink_is_well_again_it_is_told_alone(self, tmp_path: Path) -> None:
        here = world(tmp_path)
        say(here, failing=True)
        turn(here, False)
        say(here, failing=False)
        turn(here, False, name="pi")
        assert here.told("pager") == [OFFLINE, "pager sink.recovered", "pi peer.offline"]
        assert here.told("spare") == [OFFLINE]

    def test_its_own_delivery_stays_as_it_is(self, tmp_path: Path) -> None:
        here = world(tmp_path)
        turn(here, False)
        say(here, failing=True)
        assert here.store.load().pending == {"pager": 1, "spare": 1}
        assert fates(here, "pager") == [("peer.offline", TOLD, "paged", "")]
        own, extra = here.outboxes["pager"].tellings[0], here.outboxes["spare"].tellings[0]
        assert own.delivery.key == extra.delivery.key == own.message.key == extra.message.key
        assert extra.message.sink == "spare"
        assert list(here.reader.backlog("spare", after=0, limit=9)) == [extra]

    def test_what_was_folded_is_folded_there_as_well(self, tmp_path: Path) -> None:
        here = world(tmp_path)
        for online in (False, True, False):
            here.see(here.wire.patch("nas", online=online))
        here.pass_time(10)
        say(here, failing=True)
        assert here.told("spare") == ["nas peer.offline +2"]
        assert [state for _, state, _, _ in fates(here)] == [FOLDED, FOLDED, TOLD]

    def test_for_what_it_absorbed_a_message_is_told_in_all_its_parts(self, tmp_path: Path) -> None:
        here = world(tmp_path, pager=Audience.PEOPLE)
        turn(here, False, True)
        first, second = (one.delivery for one in here.outboxes["pager"].tellings)
        here.writer.inbox.ask(Absorption("pager", (first.id,), second.id, (first.speaks,)), lambda: None)
        here.step()
        say(here, failing=True)
        assert here.told("spare") == [OFFLINE, ONLINE]

    def test_what_has_arrived_is_not_given_up_any_more(self, tmp_path: Path) -> None:
        here = world(tmp_path)
        turn(here, False)
        end(here, 0, DeliveryState.DELIVERED)
        end(here, 0, DeliveryState.DEAD)
        assert here.told("spare") == []

    def test_a_late_arrival_after_all_takes_nothing_back(self, tmp_path: Path) -> None:
        here = world(tmp_path)
        turn(here, False)
        end(here, 0, DeliveryState.DEAD)
        end(here, 0, DeliveryState.DELIVERED)
        end(here, 0, DeliveryState.DEAD)
        assert here.told("spare") == [OFFLINE]


class TestOnce:
    def test_each_message_is_told_besides_once_however_often_there_is_a_reason(self, tmp_path: Path) -> None:
        here = world(tmp_path)
        turn(here, False)
        say(here, failing=True)
        end(here, 0, DeliveryState.DEAD)
        for failing in (False, True, False, True):
            say(here, failing=failing)
        assert here.told("spare") == [OFFLINE]

    def test_a_restart_repeats_nothing_and_forgets_nothing(self, tmp_path: Path) -> None:
        here = world(tmp_path)
        turn(here, False)
        say(here, failing=True)
        restarted(here)
        turn(here, False, name="pi")
        say(here, failing=True)
        assert here.told("spare") == [OFFLINE, "pi peer.offline"]

    def test_a_replay_is_told_besides_no_second_time(self, tmp_path: Path) -> None:
        here = world(tmp_path)
        turn(here, False)
        end(here, 0, DeliveryState.DEAD)
        number = here.outboxes["pager"].tellings[0].delivery.id
        here.writer.inbox.ask(Replay(((number, "pager"),)), lambda: None)
        here.pass_time(1)
        (again,) = here.reader.backlog("pager", after=0, limit=9)
        say(here, failing=True)
        here.writer.inbox.report(Attempt(again.delivery.id, "pager", 1, DeliveryState.DEAD, here.clock.now().wall))
        here.pass_time(1)
        assert here.told("spare") == [OFFLINE]
        assert {sink: dict(counts.states) for sink, counts in here.reader.sink_counts().items()} == {
            "pager": {DeliveryState.DEAD: 1},
            "spare": {DeliveryState.PENDING: 1},
        }

    def test_two_sinks_that_fail_are_stood_in_for_once(self, tmp_path: Path) -> None:
        here = world(tmp_path, Route("", PEERS, None, ("pager", "other"), stop=False, index=0, fallback=("spare",)))
        turn(here, False)
        say(here, failing=True)
        say(here, failing=True, sink="other")
        turn(here, False, name="pi")
        assert here.told("spare") == [OFFLINE, "pi peer.offline"]

    def test_what_concerns_the_fallback_by_itself_it_is_told_once(self, tmp_path: Path) -> None:
        own = Route("own", Selector(event_types=("peer.offline",)), None, ("spare",), stop=False, index=1)
        here = world(tmp_path, PAGED, own)
        say(here, failing=True)
        turn(here, False)
        here.see(here.wire.frame(delta=delta(upserts=[node("nas", online=False, tags=["tag:new"])])))
        here.pass_time(10)
        assert here.told("spare") == [OFFLINE, "nas peer.tags.changed"]
        assert fates(here) == [
            ("peer.offline", TOLD, "own", ""),
            ("peer.tags.changed", TOLD, "paged", "pager"),
        ]

    def test_the_fallback_of_a_fallback_is_told_nothing(self, tmp_path: Path) -> None:
        second = Route("", PEERS, None, ("spare",), stop=False, index=1, fallback=("other",))
        here = world(tmp_path)
        say(here, failing=True)
        turn(here, False)
        here.routes = (PAGED, second)
        here.exchange()
        say(here, failing=True, sink="spare")
        end(here, 0, DeliveryState.DEAD, "spare")
        assert here.told("other") == []

    def test_much_that_waits_is_told_in_portions(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(fallback, "PORTION", 2)
        here = world(tmp_path)
        turn(here, False, True, False, True, False)
        say(here, failing=True)
        assert here.told("spare") == [OFFLINE, ONLINE]
        assert here.step() == 0
        assert here.told("spare") == [OFFLINE, ONLINE, OFFLINE, ONLINE]
        here.restart()
        here.pass_time(1)
        assert here.told("spare") == [OFFLINE, ONLINE, OFFLINE, ONLINE, OFFLINE]

    def test_what_is_not_told_keeps_nothing_waiting_behind_it(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(fallback, "PORTION", 1)
        here = world(tmp_path, spare=Audience.INCIDENTS)
        here.see(here.wire.frame(delta=delta(upserts=[node("nas", tags=["tag:new"])])))
        here.pass_time(10)
        turn(here, False, name="pi")
        say(here, failing=True)
        for _ in range(3):
            here.step()
        assert here.told("spare") == ["pi peer.offline"]

    def test_of_two_fallbacks_each_is_told_what_it_does_not_know(self, tmp_path: Path) -> None:
        both = Route("", PEERS, None, ("pager",), stop=False, index=0, fallback=("spare", "other"))
        own = Route("own", Selector(event_types=("peer.offline",)), None, ("spare",), stop=False, index=1)
        here = world(tmp_path, both, own)
        turn(here, False)
        say(here, failing=True)
        assert here.told("spare") == here.told("other") == [OFFLINE]


class TestView:
    @pytest.mark.parametrize("spare", AUDIENCES)
    @pytest.mark.parametrize("pager", AUDIENCES)
    def test_the_end_of_a_problem_that_it_was_told_of_reaches_the_fallback(
        self, pager: Audience, spare: Audience, tmp_path: Path
    ) -> None:
        here = world(tmp_path, pager=pager, spare=spare)
        say(here, failing=True)
        turn(here, False)
        say(here, failing=False)
        turn(here, True)
        assert here.told("spare") == [OFFLINE, ONLINE]
        assert fates(here)[0] == ("peer.offline", TOLD, "paged", "pager")
        assert fates(here)[1] == ("peer.online", TOLD, "", "") or fates(here)[1][2:] == ("paged", "pager")
        assert here.store.load().differences == ()

    @pytest.mark.parametrize("spare", AUDIENCES)
    @pytest.mark.parametrize("pager", AUDIENCES)
    def test_so_does_a_removal(self, pager: Audience, spare: Audience, tmp_path: Path) -> None:
        here = world(tmp_path, pager=pager, spare=spare)
        say(here, failing=True)
        turn(here, False)
        here.see(here.wire.frame(delta=delta(removals=["nas"])))
        here.pass_time(10)
        assert here.told("spare") == [OFFLINE, "nas peer.removed"]
        assert here.store.load().differences == ()

    @pytest.mark.parametrize("spare", AUDIENCES)
    def test_an_end_that_is_on_its_way_reaches_it_too(self, spare: Audience, tmp_path: Path) -> None:
        """The end happened before the fallback was told of the problem, and the sink is well when it is told of it."""
        here = world(tmp_path, spare=spare)
        turn(here, False)
        here.see(here.wire.patch("nas", online=True))
        end(here, 0, DeliveryState.DEAD)
        assert here.told("spare") == [OFFLINE]
        assert [state for _, state, _, _ in fates(here)] == [TOLD, HELD]
        here = restarted(here)
        here.pass_time(10)
        assert here.told("spare") == [OFFLINE, ONLINE]
        assert here.store.load().differences == ()

    @pytest.mark.parametrize("spare", [Audience.PROGRAMS, Audience.PEOPLE])
    def test_the_end_of_a_problem_that_only_the_sink_knows_is_told_besides(
        self, spare: Audience, tmp_path: Path
    ) -> None:
        """It travels by the route that told the problem, though that does not ask for it."""
        asks = Selector(event_types=("peer.offline",))
        here = world(tmp_path, Route("", asks, None, ("pager",), stop=False, index=0, fallback=("spare",)), spare=spare)
        turn(here, False)
        end(here, 0, DeliveryState.DELIVERED)
        turn(here, True)
        say(here, failing=True)
        assert here.told("pager") == [OFFLINE, ONLINE]
        assert here.told("spare") == [ONLINE]
        assert fates(here) == [("peer.online", TOLD, "routes[0]", "pager")]

    def test_a_fallback_that_keeps_incidents_opens_what_is_open_and_nothing_else(self, tmp_path: Path) -> None:
        here = world(tmp_path, pager=Audience.PEOPLE, spare=Audience.INCIDENTS)
        turn(here, False, True)
        turn(here, False, name="pi")
        here.see(here.wire.frame(delta=delta(upserts=[node("nas", tags=["tag:new"])])))
        here.pass_time(10)
        say(here, failing=True)
        assert here.told("spare") == ["pi peer.offline"]

    def test_a_removal_closes_several_incidents_and_is_one_message_elsewhere(self, tmp_path: Path) -> None:
        here = world(tmp_path, pager=Audience.INCIDENTS)
        turn(here, False)
        end(here, 0, DeliveryState.DELIVERED)
        here.see(here.wire.frame(delta=delta(removals=["nas"])))
        here.pass_time(10)
        say(here, failing=True)
        (closing,) = [one.delivery for one in here.outboxes["pager"].tellings[1:]]
        (extra,) = [one.delivery for one in here.outboxes["spare"].tellings]
        assert (closing.key, closing.speaks) == (f"{extra.key}.presence", extra.speaks)

    def test_people_are_not_told_what_they_know_something_newer_of(self, tmp_path: Path) -> None:
        back = Route("back", Selector(event_types=("peer.online",)), None, ("spare",), stop=False, index=1)
        here = world(tmp_path, PAGED, back, spare=Audience.PEOPLE)
        turn(here, False, True)
        assert here.told("spare") == [ONLINE]
        say(here, failing=True)
        assert here.told("spare") == [ONLINE]

    def test_programs_are_told_all_the_same(self, tmp_path: Path) -> None:
        back = Route("back", Selector(event_types=("peer.online",)), None, ("spare",), stop=False, index=1)
        here = world(tmp_path, PAGED, back)
        turn(here, False, True)
        say(here, failing=True)
        assert here.told("spare") == [ONLINE, OFFLINE]
        assert [row for row in here.store.load().differences if row.sink == "spare"] == []

    def test_programs_hear_once_what_waits_elsewhere_and_they_know_already(self, tmp_path: Path) -> None:
        """People hear all of a device together, so that its return still waits there."""
        back = Route("back", Selector(event_types=("peer.online",)), None, ("spare",), stop=False, index=1)
        here = world(tmp_path, PAGED, back, pager=Audience.PEOPLE)
        turn(here, False)
        here.see(here.wire.patch("nas", online=True))
        here.pass_time(2)
        here.see(here.wire.frame(delta=delta(upserts=[node("nas", tags=["tag:new"])])))
        here.pass_time(1.5)
        assert (here.told("pager"), here.told("spare")) == ([OFFLINE], [ONLINE])
        end(here, 0, DeliveryState.DEAD)
        here.pass_time(10)
        assert here.told("spare") == [ONLINE, OFFLINE]
        assert [row for row in here.store.load().differences if row.sink == "spare"] == []

    def test_a_problem_that_it_is_told_of_while_it_waits_for_its_own_sake_is_open_there(self, tmp_path: Path) -> None:
        back = Route("back", Selector(event_types=("peer.online",)), None, ("spare",), stop=False, index=1)
        here = world(tmp_path, PAGED, back)
        turn(here, False)
        here.see(here.wire.patch("nas", online=True))
        end(here, 0, DeliveryState.DEAD)
        here.see(here.wire.patch("nas", online=False))
        here.pass_time(10)
        here.routes = (PAGED,)
        here.exchange()
        turn(here, True)
        assert here.told("spare") == [OFFLINE, ONLINE]

    def test_a_route_without_endings_tells_the_fallback_none(self, tmp_path: Path) -> None:
        here = world(
            tmp_path, Route("", PEERS, None, ("pager",), stop=False, index=0, resolved=False, fallback=("spare",))
        )
        say(here, failing=True)
        turn(here, False, True)
        assert here.told("pager") == here.told("spare") == [OFFLINE]
        assert here.store.load().differences == ()


class TestRules:
    def test_lists_and_explanations_say_for_whom_a_fallback_was_told_and_by_which_route(self, tmp_path: Path) -> None:
        here = world(tmp_path)
        turn(here, False)
        say(here, failing=True)
        asked = control_pb2.ListDeliveriesRequest()
        listed = [(one.sink, one.fallback_for, one.key) for one in letters.listed(here.reader, asked)]
        assert [each[:2] for each in listed] == [("pager", ""), ("spare", "pager")]
        assert listed[0][2] == listed[1][2]
        answers = Answers(
            reader=here.reader,
            rooms={"tailnet": ROOM},
            routes=here.routes or (),
            sinks={"pager": "webhook", "spare": "file"},
        )
        explained = answers.explain(control_pb2.ExplainRequest(about="1")).event.event.outcomes
        assert [(one.sink, one.state, one.route, one.fallback_for) for one in explained] == [
            ("pager", "told", "paged", ""),
            ("spare", "told", "paged", "pager"),
        ]

    def test_the_routes_of_the_moment_name_the_fallback(self, tmp_path: Path) -> None:
        here = world(tmp_path, Route("", PEERS, None, ("pager",), stop=False, index=0))
        say(here, failing=True)
        turn(here, False)
        here.routes = (PAGED,)
        here.exchange()
        here.pass_time(1)
        assert here.told("spare") == [OFFLINE]
        here.routes = (Route("", PEERS, None, ("pager",), stop=False, index=0, fallback=("other",)),)
        here.exchange()
        turn(here, False, name="pi")
        assert here.told("spare") == [OFFLINE]
        assert here.told("other") == [OFFLINE, "pi peer.offline"]

    def test_only_what_its_route_sends_there_is_told_besides(self, tmp_path: Path) -> None:
        plain = Route("", Selector(event_types=("peer.tags.*",)), None, ("pager",), stop=True, index=0)
        here = world(tmp_path, plain, PAGED)
        say(here, failing=True)
        here.see(here.wire.frame(delta=delta(upserts=[node("nas", tags=["tag:new"])])))
        here.pass_time(10)
        turn(here, False)
        assert here.told("pager") == ["nas peer.tags.changed", OFFLINE]
        assert here.told("spare") == [OFFLINE]

    def test_how_the_sink_itself_does_is_not_told_for_its_sake(self, tmp_path: Path) -> None:
        every = Route("", ANYTHING, None, ("pager",), stop=False, index=0, fallback=("spare",))
        here = world(tmp_path, every)
        for failing in (True, False):
            say(here, failing=failing)
            here.pass_time(10)
        say(here, failing=True)
        here.pass_time(10)
        assert here.told("pager") == ["pager sink.recovered"]
        assert here.told("spare") == []

    def test_what_was_purged_meanwhile_leaves_no_word(self, tmp_path: Path) -> None:
        here = world(tmp_path)
        turn(here, False)
        end(here, 0, DeliveryState.DEAD)
        numbers = tuple(one.delivery.id for sink in ("pager", "spare") for one in here.outboxes[sink].tellings)
        here.writer.inbox.ask(Burial(numbers), lambda: None)
        here.pass_time(1)
        counted = {sink: (dict(counts.states), counts.purged) for sink, counts in here.reader.sink_counts().items()}
        assert counted == {"pager": ({}, 1), "spare": ({DeliveryState.PENDING: 1}, 0)}

    @pytest.mark.parametrize(
        ("routes", "standing"),
        [
            ((Route("", PEERS, None, ("a",), stop=False, index=0),), {}),
            ((Route("", PEERS, None, ("a", "b"), stop=False, index=0, fallback=("c", "b")),), {"a": "cb", "b": "c"}),
            (
                (
                    Route("", PEERS, None, ("a",), stop=False, index=0, fallback=("b",)),
                    Route("", PEERS, None, ("a",), stop=False, index=1, fallback=("c", "b")),
                ),
                {"a": "bc"},
            ),
        ],
    )
    def test_who_stands_by_whom_is_what_the_routes_say(self, routes: Sequence[Route], standing: dict[str, str]) -> None:
        assert standing_by(routes) == {sink: tuple(names) for sink, names in standing.items()}
