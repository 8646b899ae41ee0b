"""The command line's side where no service runs: the same answers from the store that one left."""

from collections.abc import Iterable, Iterator

from sentinel.control import values
from sentinel.control.answers import Answers
from sentinel.control.v1 import control_pb2
from sentinel.control.values import EventsWanted, Explanation, Letter, Occurrence, SinkStatus, Subject, SubjectsWanted
from sentinel.store.protocol import EVERYTHING


class StoredClient:
    """Answers from a store that no service runs on."""

    def __init__(self, answers: Answers) -> None:
        self._answers = answers

    def subjects(self, wanted: SubjectsWanted) -> tuple[Subject, ...]:
        """What exists, sorted by source and name."""
        parts = self._answers.subjects(values.subjects_request(wanted))
        return values.subjects(parts)

    def events(self, wanted: EventsWanted) -> Iterator[Occurrence]:
        """What happened, oldest first."""
        conditions = self._answers.wanted(values.events_request(wanted))
        found = self._answers.events(conditions, after=0, newest=wanted.limit or None)
        return (values.occurrence(answer) for _, answer in found)

    def events_after(self, number: int) -> Iterator[Occurrence]:
        """What happened after the event with this number, oldest first."""
        found = self._answers.events(EVERYTHING, after=number, newest=None)
        return (values.occurrence(answer) for _, answer in found)

    def explain(self, about: str) -> Explanation:
        """Why sinks were told or not."""
        return values.explanation(self._answers.explain(control_pb2.ExplainRequest(about=about)))

    def deliveries(
        self, *, sink: str = "", state: str = "", limit: int = 0, ids: Iterable[int] = ()
    ) -> tuple[Letter, ...]:
        """What was to be sent where, oldest first."""
        request = control_pb2.ListDeliveriesRequest(sink=sink, state=state, limit=limit, ids=ids)
        return tuple(map(values.letter, self._answers.deliveries(request)))

    def sinks(self) -> tuple[SinkStatus, ...]:
        """How it stands with each sink, sorted by name."""
        return tuple(map(values.sink_status, self._answers.sinks()))
