"""Which frames of an edge count, and whether its source sees."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import Enum, auto
from typing import Any

from sentinel.clock import Instant
from sentinel.errors import FrameError
from sentinel.model import Position, Sight, SubjectKey
from sentinel.pipeline.due import DueTimes
from sentinel.pipeline.inbox import Hello, Session
from sentinel.sources.room import Derivation, Frame, Room
from sentinel.store.protocol import SourceRow

STARTING = Sight(seeing=False, reason="starting")
PASSING = frozenset({"no_edge", "catching_up", "starting"})
"""Reasons that a start goes through by itself, unless there is more to say."""


@dataclass(slots=True)
class SubjectState:
    """What the writer keeps of one subject; `digest` is its part in the snapshot's hash."""

    revision: int
    record: object
    digest: int
    problems: dict[str, str]


@dataclass(slots=True)
class SourceState:
    """What the writer keeps of one source.

    `catch_up` is the newest frame that the edge had made when its session began; until it, or a base, is folded, the
    source is blind. `since` is when it last began or ceased to see, `said` what was last logged of its sight.
    `subjects` are by type, then by id; `derivation` follows them.
    """

    room: Room
    row: SourceRow
    since: datetime
    subjects: dict[str, dict[str, SubjectState]] = field(init=False)
    derivation: Derivation = field(init=False)
    due: DueTimes = field(default_factory=DueTimes)
    digest: int = 0
    session: Session | None = None
    edge: str = ""
    caught_up: bool = False
    catch_up: Position | None = None
    login_url: str = ""
    blind: bool = True
    rejected: int = 0
    said: Sight | None = None

    def __post_init__(self) -> None:
        self.subjects = {subject_type: {} for subject_type in self.room.kinds}
        self.derivation = self.room.derivation()

    def key(self, subject_type: str, subject_id: str) -> SubjectKey:
        """The key of one of the source's subjects."""
        return SubjectKey(self.row.name, subject_type, subject_id)

    def devices(self) -> int:
        """How many subjects a table of devices shows."""
        return sum(len(self.subjects[of]) for of, kind in self.room.kinds.items() if kind.describe is not None)

    def believable(self) -> frozenset[str]:
        """Types of subjects whose changes can be believed now."""
        return frozenset(of for of, kind in self.room.kinds.items() if not (self.blind and kind.needs_sight))

    def ready(self) -> frozenset[str]:
        """Types whose due times count now: what the edge has still to tell comes first."""
        return self.believable() if self.caught_up else frozenset()

    def note_due(self, subject_type: str, subject_id: str, before: object, after: object) -> None:
        """Notes when a new record changes by itself, unless it is the moment that the old one had named."""
        timer = self.room.kinds[subject_type].timer
        if timer is None or after is None:
            return
        due = timer.next_due(after)
        if due is not None and (before is None or timer.next_due(before) != due):
            self.due.note(due, subject_type, subject_id)

    def snapshot_hash(self) -> str:
        """One number over all subjects, independent of their order."""
        return format(self.digest, "064x")


class Place(Enum):
    """How a frame stands to what was folded so far."""

    NEXT = auto()
    SEEN = auto()


def place(frame: Frame, so_far: Position | None) -> Place:
    """Whether a frame comes next or was folded before. Raises FrameError for one that leaves a hole."""
    position = frame.position
    if so_far is None or position.boot_id != so_far.boot_id:
        # A run that is new to the ledger begins with a base, or with what it has to say before its first one.
        fits = frame.whole or position.epoch == 0
    elif position[1:] <= so_far[1:]:
        return Place.SEEN
    else:
        fits = frame.whole or (position.epoch == so_far.epoch and position.seq == so_far.seq + 1)
    if not fits:
        raise FrameError(f"frame {position[1:]} of run {position.boot_id} does not follow {so_far}")
    return Place.NEXT


def resume_after(state: SourceState, hello: Hello) -> Position | None:
    """Where an edge shall go on; None asks for a base."""
    position = state.row.position
    return position if position is not None and position.boot_id == hello.boot_id else None


def was_rolled_back(state: SourceState, hello: Hello) -> bool:
    """Whether the edge holds acknowledgements that the ledger knows nothing of: an older copy was put back."""
    position, acked = state.row.position, hello.last_acked
    if acked is None or position is None:
        return False
    return position.boot_id != acked.boot_id or position < acked


def open_session(state: SourceState, session: Session) -> None:
    """A new stream: blind until the edge has told what it made so far."""
    hello = session.hello
    state.session, state.edge, state.catch_up = session, hello.edge, hello.last_made
    resumes = resume_after(state, hello) is not None
    if not resumes:
        # What a former run of the edge said of its sight is over; a new one begins by saying that it starts.
        state.row = replace(state.row, sight=STARTING)
    state.caught_up = resumes and _is_caught_up(state, hello.last_made)


def close_session(state: SourceState, session: Session) -> bool:
    """The stream is gone; False if another one has replaced it."""
    if state.session is not session:
        return False
    state.session, state.caught_up, state.login_url = None, False, ""
    return True


def advance(state: SourceState, frame: Frame) -> None:
    """Moves the source on to the frame: position, network, what the edge sees."""
    said: dict[str, Any] = {}
    if frame.network is not None:
        network = frame.network
        said |= {"network": network.name or state.row.network, "self_id": network.self_id or state.row.self_id}
    if frame.people:
        said |= {"people": {**state.row.people, **frame.people}}
    if frame.sight is not None:
        state.login_url = frame.sight.login_url
        said |= {"sight": replace(frame.sight, login_url="")}
    based = state.row.based or frame.whole
    state.row = replace(state.row, position=frame.position, seen_at=frame.captured_at, based=based, **said)
    state.caught_up = state.caught_up or frame.whole or _is_caught_up(state, state.catch_up)


def _is_caught_up(state: SourceState, newest: Position | None) -> bool:
    """Whether what is folded reaches the edge's newest frame; before the first base of its run nothing counts."""
    return newest is not None and newest.epoch > 0 and state.row.position == newest


def look(state: SourceState, now: Instant) -> bool:
    """Works out anew whether the source is blind; True if that changed."""
    blind = not (state.session is not None and state.caught_up and state.row.sight.seeing)
    if blind == state.blind:
        return False
    state.blind, state.since = blind, now.wall
    return True


def remedy(state: SourceState, sight: Sight) -> str:
    """What to do about a source that does not see; empty if the edge's own words say it."""
    return "" if sight.reason == "starting" and sight.detail else state.room.remedies.get(sight.reason, "")


def sight(state: SourceState) -> Sight:
    """What to say of the source's sight: the edge's own word, or that there is no edge or that it is behind."""
    if state.session is None:
        return Sight(seeing=False, reason="no_edge")
    if not state.row.sight.seeing:
        return replace(state.row.sight, login_url=state.login_url)
    if not state.caught_up:
        return Sight(seeing=False, reason="catching_up")
    return Sight(seeing=True)
