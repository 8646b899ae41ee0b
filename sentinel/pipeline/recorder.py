"""Folds a frame into the snapshot and turns what changed into events."""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import count
from typing import Any

from loguru import logger

from sentinel.clock import Instant
from sentinel.events import Event, Finding, Provenance, seal
from sentinel.pipeline.intake import SourceState, SubjectState
from sentinel.sources.room import Frame
from sentinel.store.protocol import Batch, Reject, SpanRow, SubjectRow

_MODULUS = 1 << 256


@dataclass(frozen=True, slots=True)
class Step:
    """One subject's way through one frame: records before and after (None: not there) and what was found.

    `problems` are the subject's open ones; sealing the findings in their order keeps them up to date.
    """

    subject_id: str
    before: Any
    after: Any
    findings: tuple[Finding, ...]
    revision: int
    problems: dict[str, str]


class Recorder:
    """Keeps the ledger's counters: its id, the highest revision, the numbers of events."""

    def __init__(self, *, ledger_id: str, high_revision: int, next_event: int) -> None:
        self.ledger_id = ledger_id
        self._high_revision = high_revision
        self._numbers = count(next_event)

    def record(self, state: SourceState, frame: Frame, batch: Batch, now: Instant) -> list[Event]:
        """Takes the frame into the snapshot and the batch; returns its events, sorted by subject and catalogue.

        The first base of a source, and the first one in another network, are taken in silence.
        """
        silent = frame.whole and (not state.row.based or _is_another_network(state, frame))
        before_hash = state.snapshot_hash()
        steps = list(self._steps(state, frame, batch, now, silent=silent))
        for step in steps:
            _apply(state, step, frame, batch, now)
        provenance = partial(
            Provenance,
            ledger_id=self.ledger_id,
            kind=state.room.kind,
            cause=frame.cause,
            before_hash=before_hash,
            after_hash=state.snapshot_hash(),
            recorded_at=now.wall,
        )
        events = [] if silent else list(self._events(steps, provenance))
        batch.events.extend(events)
        if steps:
            batch.high_revision = self._high_revision
        return events

    def _steps(self, state: SourceState, frame: Frame, batch: Batch, now: Instant, *, silent: bool) -> Iterator[Step]:
        """One step for each subject that really changed. A subject that cannot be understood stays as it was."""
        inputs: Mapping[str, Any] = frame.inputs
        if frame.whole:
            inputs = dict.fromkeys(state.subjects.keys() - inputs.keys(), state.room.gone) | dict(inputs)
        people = {**state.row.people, **frame.people} if frame.people else state.row.people
        for subject_id in sorted(inputs):
            known = state.subjects.get(subject_id)
            before = known.record if known else None
            try:
                after = state.room.advance(before, inputs[subject_id], people, frame.captured_at)
                findings = _detect(state, subject_id, before, after, frame) if after != before and not silent else ()
            except Exception as error:
                _reject(state, subject_id, error, batch, now)
                continue
            if after != before:
                problems = dict(known.problems) if known else {}
                yield Step(subject_id, before, after, findings, self._revision(known), problems)

    def _revision(self, known: SubjectState | None) -> int:
        """The next revision; a subject that is new, or new again, starts above all that ever were."""
        revision = known.revision + 1 if known else self._high_revision + 1
        self._high_revision = max(self._high_revision, revision)
        return revision

    def _events(self, steps: list[Step], provenance: Callable[..., Provenance]) -> Iterator[Event]:
        for step in steps:
            for finding in step.findings:
                resolves = _resolves(step, finding)
                event = seal(finding, provenance(revision=step.revision, resolves=resolves), next(self._numbers))
                if finding.type.problem == "opens":
                    step.problems[finding.type.aspect] = event.event_id
                yield event


def _resolves(step: Step, finding: Finding) -> str | None:
    """The problem that a finding ends: its aspect's own, or with a removal whatever is open."""
    if finding.type.removal:
        open_problems = list(step.problems.values())
        step.problems.clear()
        return open_problems[0] if open_problems else None
    return step.problems.pop(finding.type.aspect, None) if finding.type.problem == "ends" else None


def _detect(state: SourceState, subject_id: str, before: Any, after: Any, frame: Frame) -> tuple[Finding, ...]:
    key = state.key(subject_id)
    found = [
        finding for detector in state.room.detectors for finding in detector(key, before, after, frame.captured_at)
    ]
    return tuple(sorted(found, key=lambda finding: finding.type.order))


def _apply(state: SourceState, step: Step, frame: Frame, batch: Batch, now: Instant) -> None:
    """The subject's new record in memory, its row and its availability in the batch."""
    key = state.key(step.subject_id)
    known = state.subjects.pop(step.subject_id, None)
    state.digest -= known.digest if known else 0
    if step.after is None:
        batch.subjects[key] = None
    else:
        body = state.room.encode(step.after)
        digest = subject_digest(key.type, key.id, body)
        state.subjects[step.subject_id] = SubjectState(step.revision, step.after, digest, step.problems)
        state.digest += digest
        # The row shares the step's problems, which sealing its events completes before the commit.
        batch.subjects[key] = SubjectRow(key, step.revision, body, step.problems)
    state.digest %= _MODULUS
    _note_availability(state, step, frame, batch, now)


def _note_availability(state: SourceState, step: Step, frame: Frame, batch: Batch, now: Instant) -> None:
    was = state.room.availability(step.before)[0] if step.before is not None else None
    became, since = state.room.availability(step.after) if step.after is not None else (None, None)
    if was != became:
        began = min(since or frame.captured_at, now.wall)
        batch.spans.append(SpanRow(state.key(step.subject_id), began, became))


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
    """Another own id and not one subject in common: the edge was logged into another network."""
    own = frame.network.self_id if frame.network else ""
    moved = bool(state.row.self_id) and bool(own) and own != state.row.self_id
    return moved and not (frame.inputs.keys() & state.subjects.keys())
