"""Anything may happen in any order: what was promised still holds.

A simulated edge, the real writer, store and sink loops under a fake clock, and four sinks with moods, two of which ask
only for a part. Hypothesis chooses
what happens; after every commit the books are compared with the reference, and in the end everything comes to rest.
"""

import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from enum import Enum, auto
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from loguru import logger

from sentinel.errors import FrameError
from sentinel.pipeline.inbox import Arrived, Closed, Opened
from sentinel.wire.v1 import frame_pb2
from tests.builders import delta, node, patch
from tests.fakes import FakeClock
from tests.model.books import NAMES, Books, check, check_at_rest, read
from tests.model.edge import Admission, Edge, Stream, everything, messages_of, says_the_same
from tests.model.service import BOUNDARIES, SINKS, Fuse, Killed, Mood, Service, new_receivers

MEMORY = Path("/dev/shm")
HOURS = 3_600.0
SECONDS = (0.5, 1.0, 2.0, 3.0, 5.0, 15.0, 60.0, HOURS)
CORRECTIONS = (-100 * HOURS, -HOURS, -5.0, 5.0, HOURS, 100 * HOURS)


class End(Enum):
    """How a service may end without a word."""

    ALONE = auto()
    WITH_MACHINE = auto()
    WITH_MACHINE_AND_EDGE = auto()


names = st.sampled_from(NAMES)
sinks = st.sampled_from([sink.name for sink in SINKS])
contact = st.sampled_from([True, False, True, False, None])
soon = st.sampled_from([True, True, False])


class Model(RuleBasedStateMachine):
    """The world of one service: its edge, its sinks, its machine, and the hand that kills it."""

    def __init__(self) -> None:
        super().__init__()
        # fsync is the store's business and costs nothing in memory.
        self.folder = Path(tempfile.mkdtemp(dir=MEMORY if MEMORY.is_dir() else None))
        self.lives = 0
        self.clock = FakeClock()
        self.fuse = Fuse()
        self.receivers = new_receivers()
        self.edge = Edge(self.clock)
        self.left_behind: list[Stream] = []
        self.heard_last_words = False
        self.dead = Admission()
        self._life().mkdir()
        self.service: Service | None = self._born()

    @initialize(peers=st.dictionaries(names, contact), connected=st.booleans())
    def begin(self, peers: dict[str, bool | None], connected: bool) -> None:
        self.edge.peers = dict(peers)
        if connected:
            self.connect(noticed=True)
            self.arrive(100)

    # What happens in the network

    @rule(name=names, now=contact, at_once=soon)
    def contact_changes(self, name: str, now: bool | None, at_once: bool) -> None:
        self._learn({name: now} if name in self.edge.peers else {}, delta(patches=[patch(name, online=now)]), at_once)

    @rule(changes=st.dictionaries(names, contact, min_size=1), at_once=soon)
    def contact_of_several_changes(self, changes: dict[str, bool | None], at_once: bool) -> None:
        patches = [patch(name, online=now) for name, now in changes.items()]
        known = {name: now for name, now in changes.items() if name in self.edge.peers}
        self._learn(known, delta(patches=patches), at_once)

    @rule(name=names, now=contact, at_once=soon)
    def a_peer_is_there(self, name: str, now: bool | None, at_once: bool) -> None:
        self._learn({name: now}, delta(upserts=[node(name, online=now)]), at_once)

    @rule(name=names, at_once=soon)
    def a_peer_is_removed(self, name: str, at_once: bool) -> None:
        self._lose(name)
        self._tell(delta(removals=[name]), at_once)

    @rule(name=names, now=contact, at_once=soon)
    def a_peer_is_replaced_in_one_frame(self, name: str, now: bool | None, at_once: bool) -> None:
        self._learn({name: now}, delta(removals=[name], upserts=[node(name, online=now)]), at_once)

    @rule(gone=names, new=names, now=contact, at_once=soon)
    def one_goes_as_another_comes(self, gone: str, new: str, now: bool | None, at_once: bool) -> None:
        self._lose(gone)
        self._learn({new: now}, delta(removals=[gone], upserts=[node(new, online=now)]), at_once)

    @rule(name=names, at_once=soon)
    def a_peer_is_told_again(self, name: str, at_once: bool) -> None:
        if name in self.edge.peers:
            self._tell(delta(upserts=[says_the_same(name, online=self.edge.peers[name])]), at_once)

    @rule(at_once=soon)
    def a_full_map_repeats_everything(self, at_once: bool) -> None:
        self._tell(everything(self.edge.peers), at_once)

    # What the edge does

    @rule(at_once=soon)
    def the_edge_takes_a_base_by_itself(self, at_once: bool) -> None:
        self.edge.rebase()
        self._at_once(at_once)

    @precondition(lambda self: self.edge.ready)
    @rule(at_once=soon)
    def the_edge_ceases_or_begins_to_see(self, at_once: bool) -> None:
        self.edge.resume() if self.edge.suspended else self.edge.suspend()
        self._at_once(at_once)

    @rule(ready=st.booleans())
    def the_edge_restarts(self, ready: bool) -> None:
        self._stream_ends()
        self.edge.restart(ready=ready)

    @precondition(lambda self: not self.edge.ready)
    @rule()
    def the_edge_gets_its_first_map(self) -> None:
        self.edge.get_ready()

    # What happens to the stream

    @precondition(lambda self: self.service is not None)
    @rule(noticed=st.booleans())
    def connect(self, noticed: bool) -> None:
        """A new session; without notice the service hears of the old one's end, and its last words, only later."""
        assert self.service is not None
        old = self.edge.stream
        if old is not None and noticed:
            self._stream_ends()
        elif old is not None:
            self.left_behind.append(old)
        stream = self.edge.connect(self.service.committed)
        self.service.post(Opened(stream))
        self._work()

    @precondition(lambda self: self.left_behind)
    @rule()
    def an_old_stream_is_noticed_late(self) -> None:
        stream = self.left_behind.pop(0)
        self._feed(stream, messages_of(stream, 3))
        self._service().post(Closed(stream))
        self._work()

    @precondition(lambda self: self.edge.stream is not None)
    @rule(most=st.sampled_from([1, 2, 3, 100]))
    def arrive(self, most: int) -> None:
        """Messages arrive together and are committed together."""
        if self.edge.stream is not None:
            self._feed(self.edge.stream, messages_of(self.edge.stream, most))
        self._work()

    @precondition(lambda self: self.edge.stream is not None and self.edge.stream.last is not None)
    @rule()
    def a_message_arrives_twice(self) -> None:
        stream = self.edge.stream
        assert stream is not None
        assert stream.last is not None
        self._feed(stream, iter([stream.last]))
        self._work()

    @precondition(lambda self: self.edge.stream is not None)
    @rule(order=st.sampled_from([(1,), (1, 0), (0, 1, 0)]), name=names)
    def a_message_is_lost_or_overtaken_or_repeated(self, order: tuple[int, ...], name: str) -> None:
        for now in (True, False):
            self._learn({name: now}, delta(upserts=[node(name, online=now)]), at_once=False)
        stream = self.edge.stream
        assert stream is not None
        if len(stream.transit) > 1:
            pair = [stream.transit.popleft(), stream.transit.popleft()]
            self._feed(stream, (pair[index] for index in order))
        self._work()

    @precondition(lambda self: self.edge.stream is not None)
    @rule()
    def the_stream_is_dropped(self) -> None:
        self._stream_ends()
        self._work()

    # What happens to the service and its machine

    @rule(how=st.sampled_from(End))
    def the_service_is_killed(self, how: End) -> None:
        self._die()
        if how is not End.ALONE:
            self.clock.reboot(60)
        if how is End.WITH_MACHINE_AND_EDGE:
            self.edge.restart(ready=True)

    @precondition(lambda self: self.service is not None)
    @rule(boundary=st.sampled_from(BOUNDARIES), times=st.integers(1, 3), heard=st.booleans(), name=names)
    def the_service_is_killed_at_work(self, boundary: str, times: int, heard: bool, name: str) -> None:
        """Somewhere on the way of a change to the sinks; the edge hears the last words of the service, or not."""
        self.fuse.boundary, self.fuse.left = boundary, times
        self.heard_last_words = heard
        self._change_something(name)

    @precondition(lambda self: self.service is None)
    @rule(connected=st.booleans())
    def the_service_starts(self, connected: bool) -> None:
        self.service = self._born()
        self._work()
        if connected and self.service is not None:
            self.connect(noticed=True)

    @rule(seconds=st.sampled_from(SECONDS))
    def time_passes(self, seconds: float) -> None:
        if self.service is None:
            self.clock.advance(seconds)
            return
        self._alive(lambda service: service.pass_time(seconds))

    @rule(seconds=st.sampled_from(CORRECTIONS))
    def somebody_sets_the_clock(self, seconds: float) -> None:
        self.clock.correct(seconds)

    # What sinks do

    @rule(sink=sinks, mood=st.sampled_from(Mood))
    def a_sink_changes_its_mood(self, sink: str, mood: Mood) -> None:
        self.receivers[sink].mood = mood

    @rule(sink=sinks, mood=st.sampled_from(Mood), name=names)
    def a_sink_is_told_in_a_mood(self, sink: str, mood: Mood, name: str) -> None:
        self.receivers[sink].mood = mood
        self._change_something(name)

    @precondition(lambda self: any(receiver.hanging for receiver in self.receivers.values()))
    @rule(mood=st.sampled_from([Mood.TAKES, Mood.FAILS, Mood.REFUSES]))
    def a_sink_answers_late(self, mood: Mood) -> None:
        receiver = next(receiver for receiver in self.receivers.values() if receiver.hanging)
        self._alive(lambda service: service.answered(receiver, mood))

    # What must hold

    @invariant()
    def the_books_are_right(self) -> None:
        service = self.service
        if service is None or not service.dirty:
            return
        service.dirty = False
        self._check()

    @rule()
    def everything_comes_to_rest(self) -> None:
        self.fuse.boundary = ""
        for receiver in self.receivers.values():
            receiver.mood = Mood.TAKES
        if self.service is None:
            self.the_service_starts(connected=False)
        self._reconnect()
        service = self._service()
        while any(receiver.hanging for receiver in self.receivers.values()):
            self.a_sink_answers_late(Mood.TAKES)
        service.pass_time(2 * HOURS)
        books = self._check()
        check_at_rest(books, self.edge)
        assert service.writer.reports[0].blind is False

    def teardown(self) -> None:
        try:
            if sys.exc_info()[0] is None:
                self.everything_comes_to_rest()
                self._news_still_pass()
        finally:
            if self.service is not None:
                self.service.store.close()
            shutil.rmtree(self.folder)

    # How it is done

    def _change_something(self, name: str) -> None:
        """A peer's contact changes, and everybody could know by now."""
        now = not self.edge.peers.get(name)
        self._learn({name: now}, delta(upserts=[node(name, online=now)]), at_once=True)
        self.time_passes(4.0)

    def _news_still_pass(self) -> None:
        """That a machine came, went away and was removed is told everywhere, each within two windows."""
        service = self._service()
        before = {name: len(receiver.took) for name, receiver in self.receivers.items()}
        for now in (True, False):
            self._learn({"nas": now}, delta(upserts=[node("nas", online=now)]), at_once=True)
            service.pass_time(7)
        self.a_peer_is_removed("nas", at_once=True)
        service.pass_time(7)
        books = self._check()
        check_at_rest(books, self.edge)
        assert all(dict(books.tellings(name))["nas"] == "peer.removed" for name in self.receivers)
        assert all(len(receiver.took) > before[name] for name, receiver in self.receivers.items())

    def _reconnect(self) -> None:
        self.edge.get_ready()
        if self.edge.suspended:
            self.edge.resume()
        while self.left_behind:
            self.an_old_stream_is_noticed_late()
        self.connect(noticed=True)
        while self.edge.stream is not None and self.edge.stream.transit:
            self.arrive(100)

    def _check(self) -> Books:
        service = self._service()
        books = read(service, self.edge)
        assert service.committed() == service.admission.position
        assert books.contents.ledger_id == "ledger"
        assert service.writer.reports[0].blind is not self._sees(service.admission)
        check(books, self.receivers)
        return books

    def _sees(self, admission: Admission) -> bool:
        """The edge is there, all that it had made when it came is committed, and it says that it sees."""
        stream, position = admission.session, admission.position
        if stream is None or position is None or position.boot_id != stream.hello.boot_id:
            return False
        made_before = stream.hello.last_made
        return (made_before is None or position >= made_before) and self.edge.made[position].seeing

    def _learn(self, news: dict[str, bool | None], said: frame_pb2.Delta, at_once: bool) -> None:
        self.edge.peers |= news
        self._tell(said, at_once)

    def _lose(self, name: str) -> None:
        self.edge.peers.pop(name, None)

    def _tell(self, said: frame_pb2.Delta, at_once: bool) -> None:
        self.edge.tell(said)
        self._at_once(at_once)

    def _at_once(self, at_once: bool) -> None:
        """All that waits at the edge arrives, over a new session if there is none."""
        if not at_once or self.service is None:
            return
        if self.edge.stream is None:
            self.connect(noticed=True)
        if self.edge.stream is not None:
            self.arrive(100)

    def _feed(self, stream: Stream, messages: Iterator[frame_pb2.Frame]) -> None:
        """Messages reach the service's end of a stream, which decodes them."""
        for message in messages:
            try:
                frame = stream.decoder.feed(message)
            except FrameError:
                self._end(stream)
                return
            if frame is not None:
                self._service().post(Arrived(stream, frame))

    def _stream_ends(self) -> None:
        if self.edge.stream is not None:
            self._end(self.edge.stream)

    def _end(self, stream: Stream) -> None:
        self._service().post(Closed(stream))
        if self.edge.stream is stream:
            self.edge.stream = None

    def _work(self) -> None:
        self._alive(lambda service: service.rest())

    def _alive(self, do: Callable[[Service], object]) -> None:
        """The service does something, and may be killed at it; the edge hears what it said until then."""
        service, stream = self._service(), self.edge.stream
        try:
            do(service)
        except Killed:
            if stream is not None and self.heard_last_words:
                self.edge.hear(stream)
            self._die()
            return
        if stream is not None:
            self.edge.hear(stream)
            assert bool(stream.refusals) is (stream in service.admission.refused)
            if stream.refusals:
                self._end(stream)
            elif not stream.transit:
                assert self.edge.settled(), "what is committed is not acknowledged"

    def _die(self) -> None:
        if self.service is None:
            return
        self.service.killed(self._next_life())
        self.dead = self.service.admission.restarted()
        self.service = self.edge.stream = None
        self.fuse.boundary = ""
        self.left_behind.clear()
        for receiver in self.receivers.values():
            receiver.hanging.clear()

    def _born(self) -> Service:
        service = Service(
            self._life() / "state.db",
            clock=self.clock,
            fuse=self.fuse,
            receivers=self.receivers,
            admission=self.dead,
        )
        service.sees = self._sees
        return service

    def _life(self) -> Path:
        return self.folder / str(self.lives)

    def _next_life(self) -> Path:
        self.lives += 1
        return self._life()

    def _service(self) -> Service:
        assert self.service is not None
        return self.service


SETTINGS = settings(
    max_examples=150,
    stateful_step_count=40,
    deadline=None,
    print_blob=True,
    # To explain a failure it would be traced line by line, which takes longer than to find it.
    phases=[Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink],
    # An example does real work on a real store: what counts is the time of the whole run.
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    """Thousands of lives would fill the log."""
    logger.disable("sentinel")
    yield
    logger.enable("sentinel")


@pytest.mark.timeout(900)  # a failure takes minutes to shrink; without one it is over in half a minute
def test_whatever_happens_what_was_promised_holds() -> None:
    run_state_machine_as_test(Model, settings=settings(SETTINGS, derandomize=True))


@pytest.mark.long
@pytest.mark.timeout(3_600)
def test_whatever_happens_in_thousands_of_lives_what_was_promised_holds() -> None:
    run_state_machine_as_test(Model, settings=settings(SETTINGS, max_examples=5_000))
