"""Folds a frame into the snapshot and turns what changed into events."""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from itertools import count
from typing import Any, NamedTuple

from loguru import logger

from sentinel.clock import Instant
from sentinel.events import Event, Finding, Provenance
from sentinel.model import SubjectKey
from sentinel.pipeline.intake import SourceState, SubjectState
from sentinel.pipeline.sealing import Sealing
from sentinel.sources.room import Detector, Earlier, Frame, Inputs, Kind
from sentinel.store.protocol import Batch, Reject, SpanRow, SubjectRow

_MODULUS = 1 << 256


@dataclass(frozen=True, slots=True)
class Step:
    """One subject's way through one frame: records before and after (None: not there) and what was found.

    `problems` are the subject's open ones; sealing the findings in their order keeps them up to date.
    """

    key: SubjectKey
    before: Any
    after: Any
    findings: tuple[Finding, ...]
    revision: int
    problems: dict[str, str]


class Recorded(NamedTuple):
    """What came of a frame: events, and the subjects that it dropped in silence."""

    events: list[Event]
    dropped: list[SubjectKey]


@dataclass(frozen=True, slots=True)
class _Moment:
    """What is taken in at one moment: of whom something is said, why, and which detectors may speak."""

    inputs: Inputs
    people: Mapping[int, str]
    at: datetime
    cause: str
    heard: Callable[[Kind], tuple[Detector, ...]]


class Recorder:
    """Keeps the ledger's counters: its id, the highest revision, the numbers of events."""

    def __init__(
        self, *, ledger_id: str, high_revision: int, next_event: int, sealing: Sealing, earlier: Mapping[str, Earlier]
    ) -> None:
        self.ledger_id = ledger_id
        self.sealing = sealing
        self._earlier = earlier
        self._high_revision = high_revision
        self._numbers = count(next_event)

    def record(self, state: SourceState, frame: Frame, batch: Batch, now: Instant) -> Recorded:
        """Takes the frame into the snapshot and the batch; events are sorted by subject and catalogue.

        Everything up to the first base of a source is taken in silence, but for what is compared with what was known
        earlier; and the first base in another network by all but those who speak of the move: what is not in that one
        belonged to the other network.
        """
        moved = _is_another_network(state, frame)
        before_hash = state.snapshot_hash()
        dropped = list(self._drop(state, frame)) if moved else []
        for step in dropped:
            _apply(state, step, batch)
            _note_availability(state, step, frame.captured_at, batch, now)
            batch.high_revision = self._high_revision
        people = {**state.row.people, **frame.people} if frame.people else state.row.people
        said = _Moment(frame.inputs, people, frame.captured_at, frame.cause, _nobody)
        if moved or state.row.based:
            said = replace(said, heard=_on_move if moved else _all)
        elif frame.whole and state.row.name in self._earlier:
            said = replace(said, heard=self._look_back(state, self._earlier[state.row.name], said, batch, now))
            before_hash = state.snapshot_hash()
        moment = replace(said, inputs=_whole(state, frame.inputs)) if frame.whole else said
        events = self._take(state, moment, before_hash, batch, now)
        return Recorded(events, [step.key for step in dropped])

    def _look_back(
        self, state: SourceState, earlier: Earlier, said: _Moment, batch: Batch, now: Instant
    ) -> Callable[[Kind], tuple[Detector, ...]]:
        """Takes in silence what was known before the first base; returns who may speak of what differs from it."""
        seen = dict(_seen(state, earlier.subject_type, said))
        before = earlier.records(seen)
        if before is None:
            return _nobody
        for subject_id, record in before.items():
            key = state.key(earlier.subject_type, subject_id)
            revision = self._revision(state.subjects[key.type].get(subject_id))
            state.derivation.follow(key.type, key.id, None, record)
            _apply(state, Step(key, None, record, (), revision, {}), batch)
            # Nobody knows since when it was as it was: its time begins with what is seen now.
            _note_availability(state, Step(key, None, seen.get(subject_id), (), revision, {}), said.at, batch, now)
        self._fold(state, said, state.derivation.inputs(), batch, now)
        kinds = [state.room.kinds[of] for of in (earlier.subject_type, *earlier.derived)]
        return lambda kind: kind.detectors if any(kind is own for own in kinds) else ()

    def pass_time(self, state: SourceState, due: Mapping[str, set[str]], batch: Batch, now: Instant) -> list[Event]:
        """Takes in that time went by: records that say that they have changed by now, by type and id, do so."""
        moment = _Moment(
            inputs={subject_type: _overdue(state, subject_type, ids, now) for subject_type, ids in due.items()},
            people=state.row.people,
            at=now.wall,
            cause="time",
            heard=_all,
        )
        return self._take(state, moment, state.snapshot_hash(), batch, now)

    def note(self, state: SourceState, inputs: Inputs, batch: Batch, now: Instant) -> list[Event]:
        """Takes in what Sentinel says of itself."""
        moment = _Moment(inputs=inputs, people={}, at=now.wall, cause="own", heard=_all)
        return self._take(state, moment, state.snapshot_hash(), batch, now)

    def _take(self, state: SourceState, moment: _Moment, before_hash: str, batch: Batch, now: Instant) -> list[Event]:
        """What is said, and then what follows from it for subjects that are derived from others."""
        steps = self._fold(state, moment, moment.inputs, batch, now)
        for step in steps:
            state.derivation.follow(step.key.type, step.key.id, step.before, step.after)
        steps += self._fold(state, moment, state.derivation.inputs(), batch, now)
        if steps:
            batch.high_revision = self._high_revision
        provenance = partial(
            Provenance,
            ledger_id=self.ledger_id,
            kind=state.room.kind,
            cause=moment.cause,
            before_hash=before_hash,
            after_hash=state.snapshot_hash(),
            recorded_at=now.wall,
            labels=self.sealing.labels.get(state.row.name, {}),
        )
        events = list(self._events(sorted(steps, key=lambda step: step.key), provenance))
        batch.events.extend(events)
        return events

    def _fold(self, state: SourceState, moment: _Moment, inputs: Inputs, batch: Batch, now: Instant) -> list[Step]:
        steps = list(self._steps(state, moment, inputs, batch, now))
        for step in steps:
            _apply(state, step, batch)
            _note_availability(state, step, moment.at, batch, now)
        return steps

    def _drop(self, state: SourceState, frame: Frame) -> Iterator[Step]:
        """Everything that the frame does not speak of."""
        for subject_type, subjects in state.subjects.items():
            for subject_id in sorted(subjects.keys() - frame.inputs.get(subject_type, {}).keys()):
                known = subjects[subject_id]
                key = state.key(subject_type, subject_id)
                state.derivation.follow(subject_type, subject_id, known.record, None)
                yield Step(key, known.record, None, (), self._revision(known), {})

    def _steps(self, state: SourceState, moment: _Moment, inputs: Inputs, batch: Batch, now: Instant) -> Iterator[Step]:
        """One step for each subject that really changed. A subject that cannot be understood stays as it was."""
        for subject_type, subject_id in sorted((of, subject_id) for of, said in inputs.items() for subject_id in said):
            kind = state.room.kinds[subject_type]
            key = state.key(subject_type, subject_id)
            known = state.subjects[subject_type].get(subject_id)
            before = known.record if known else None
            try:
                after = kind.advance(before, inputs[subject_type][subject_id], moment.people, moment.at)
                findings = _detect(moment.heard(kind), key, before, after, moment.at) if after != before else ()
            except Exception as error:
                _reject(state, subject_id, error, batch, now)
                continue
            if after != before:
                problems = dict(known.problems) if known else {}
                yield Step(key, before, after, findings, self._revision(known), problems)

    def _revision(self, known: SubjectState | None) -> int:
        """The next revision; a subject that is new, or new again, starts above all that ever were."""
        revision = known.revision + 1 if known else self._high_revision + 1
        self._high_revision = max(self._high_revision, revision)
        return revision

    def _events(self, steps: list[Step], provenance: Callable[..., Provenance]) -> Iterator[Event]:
        for step in steps:
            for finding in step.findings:
                if finding.type.name in self.sealing.unrecorded:
                    continue
                told = provenance(revision=step.revision, resolves=_resolves(step, finding))
                event = self.sealing.sealed(finding, told, next(self._numbers))
                if finding.problem == "opens":
                    step.problems[finding.type.aspect] = event.event_id
                yield event


def _all(kind: Kind) -> tuple[Detector, ...]:
    return kind.detectors


def _on_move(kind: Kind) -> tuple[Detector, ...]:
    return kind.on_move


def _nobody(_: Kind) -> tuple[Detector, ...]:
    return ()


def _seen(state: SourceState, subject_type: str, said: _Moment) -> Iterator[tuple[str, Any]]:
    """The records of those that a first base shows; one that cannot be understood is left to the fold."""
    for subject_id, own in said.inputs.get(subject_type, {}).items():
        with suppress(Exception):
            record = state.room.kinds[subject_type].advance(None, own, said.people, said.at)
            if record is not None:
                yield subject_id, record


def _whole(state: SourceState, said: Inputs) -> Inputs:
    """What a base says, and that what it does not have is gone."""
    gone = {
        subject_type: dict.fromkeys(state.subjects[subject_type].keys() - said.get(subject_type, {}).keys(), kind.gone)
        for subject_type, kind in state.room.kinds.items()
        if kind.gone is not None
    }
    return {**said, **{subject_type: {**said.get(subject_type, {}), **absent} for subject_type, absent in gone.items()}}


def _overdue(state: SourceState, subject_type: str, ids: set[str], now: Instant) -> dict[str, Any]:
    """The input of those whose records still say that they are due; what is due later after all is noted again."""
    timer = state.room.kinds[subject_type].timer
    inputs: dict[str, Any] = {}
    for subject_id in ids if timer else ():
        known = state.subjects[subject_type].get(subject_id)
        due = timer.next_due(known.record) if timer and known else None
        if timer and due is not None and due <= now.wall:
            inputs[subject_id] = timer.nothing
        elif due is not None:
            state.due.note(due, subject_type, subject_id)
    return inputs


def _resolves(step: Step, finding: Finding) -> str | None:
    """The problem that a finding ends: its aspect's own, or with a removal whatever is open."""
    if finding.type.removal:
        open_problems = list(step.problems.values())
        step.problems.clear()
        return open_problems[0] if open_problems else None
    return step.problems.pop(finding.type.aspect, None) if finding.problem == "ends" else None


def _detect(
    detectors: tuple[Detector, ...], key: SubjectKey, before: Any, after: Any, at: datetime
) -> tuple[Finding, ...]:
    found = [finding for detector in detectors for finding in detector(key, before, after, at)]
    return tuple(sorted(found, key=lambda finding: finding.type.order))


def _apply(state: SourceState, step: Step, batch: Batch) -> None:
    """The subject's new record in memory, its row in the batch."""
    key, kind = step.key, state.room.kinds[step.key.type]
    subjects = state.subjects[key.type]
    known = subjects.pop(key.id, None)
    state.digest -= known.digest if known else 0
    if step.after is None:
        batch.subjects[key] = None
    else:
        body = kind.encode(step.after)
        digest = subject_digest(key.type, key.id, body)
        subjects[key.id] = SubjectState(step.revision, step.after, digest, step.problems)
        state.digest += digest
        # The row shares the step's problems, which sealing its events completes before the commit.
        batch.subjects[key] = SubjectRow(key, step.revision, body, step.problems)
    state.digest %= _MODULUS
    state.note_due(key.type, key.id, step.before, step.after)


def _note_availability(state: SourceState, step: Step, at: datetime, batch: Batch, now: Instant) -> None:
    availability = state.room.kinds[step.key.type].availability
    if availability is None:
        return
    was = availability(step.before)[0] if step.before is not None else None
    became, since = availability(step.after) if step.after is not None else (None, None)
    if was != became:
        batch.spans.append(SpanRow(step.key, min(since or at, now.wall), became))


def subject_digest(subject_type: str, subject_id: str, body: bytes) -> int:
    """A subject's part in the hash of its source's snapshot; parts are added up."""
    return int.from_bytes(hashlib.sha256(f"{subject_type}|{subject_id}|".encode() + body).digest())


def _reject(state: SourceState, subject_id: str, error: Exception, batch: Batch, now: Instant) -> None:
    state.rejected += 1
    why = f"{type(error).__name__}: {error}"
    batch.rejects.append(Reject(state.row.name, subject_id, now.wall, why))
    if state.rejected == 1:
        fields = logger.bind(source=state.row.name, subject_id=subject_id, error=why)
        fields.error("a subject cannot be understood and keeps its old state")


def _is_another_network(state: SourceState, frame: Frame) -> bool:
    """A base with another own id and not one subject in common: the edge was logged into another network.

    Only those kinds count of which a base has every subject: an edge's own node is in any network.
    """
    own = frame.network.self_id if frame.network else ""
    if not (frame.whole and state.row.self_id and own and own != state.row.self_id):
        return False
    whole = [subject_type for subject_type, kind in state.room.kinds.items() if kind.gone is not None]
    return not any(frame.inputs.get(of, {}).keys() & state.subjects[of].keys() for of in whole)
