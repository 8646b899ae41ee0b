"""Deliveries for the command line: listed from the store; replayed and purged by the writer."""

import threading
from collections.abc import Callable, Collection, Iterator, Mapping

import orjson

from sentinel.control.moments import stamp
from sentinel.control.v1 import control_pb2
from sentinel.errors import ControlError
from sentinel.model import Burial, Command, DeliveryState, Replay
from sentinel.store.protocol import Reader, Sent, SinkCounts

AT_ONCE = 1_000
"""Deliveries per command, so that the writer's other work comes in between."""
COMMITTED_WITHIN = 30.0
NOTHING = SinkCounts({}, held=0, last_error="")

Dead = tuple[tuple[int, str], ...]
"""Numbers of dead deliveries, with their sinks."""
Ask = Callable[[Command, Callable[[], None]], None]
"""Puts a command to the writer; calls back once it is committed."""


def listed(reader: Reader, request: control_pb2.ListDeliveriesRequest) -> Iterator[control_pb2.ListDeliveriesResponse]:
    """The newest deliveries that match, oldest first. Raises ControlError for a state that there is not."""
    try:
        state = DeliveryState(request.state) if request.state else None
    except ValueError:
        raise ControlError(f"there is no state {request.state}: ask for {', '.join(DeliveryState)}") from None
    found = reader.deliveries(sink=request.sink, state=state, ids=tuple(request.ids), limit=request.limit)
    return map(_listed, found)


def fate(sent: Sent | None, sink: str) -> str:
    """Why a message that was decided has not arrived at the sink; empty if it has. None is one that was not kept."""
    if sent is None:
        return "it did not arrive and was purged"
    error = f": {sent.delivery.error}" if sent.delivery.error else ""
    match sent.state:
        case DeliveryState.DELIVERED:
            return "" if sent.delivery.sink == sink else f"it went to {sent.delivery.sink} instead"
        case DeliveryState.DEAD:
            return f"it did not arrive{error}"
        case DeliveryState.PENDING:
            return f"it has not arrived yet{error}"
    # An incident that came and went while its service was away: nobody has to hear of either.
    over = sent.absorbed_by == sent.delivery.id
    return "it was over before it could be sent" if over else f"message {sent.absorbed_by} speaks for it"


def summed(counts: Mapping[str, SinkCounts], sinks: Mapping[str, str]) -> list[control_pb2.SinkStatus]:
    """How it stands with each sink, sorted by name.

    `sinks` are the types of the configured ones. Others are there as far as they left something that can be replayed,
    or that was purged.
    """
    left = {name for name, found in counts.items() if found.states.get(DeliveryState.DEAD) or found.purged}
    return [_summed(name, sinks.get(name, ""), counts.get(name, NOTHING)) for name in sorted(sinks.keys() | left)]


def replay(reader: Reader, ask: Ask, sinks: Collection[str], request: control_pb2.ReplayDeliveriesRequest) -> int:
    """Makes dead deliveries pending again; returns how many. Raises ControlError if there is no sink for them."""
    if request.to and request.to not in sinks:
        raise ControlError(f"there is no sink {request.to}: name one of {', '.join(sorted(sinks))}")
    dead = tuple(reader.dead(sink=request.sink, ids=tuple(request.ids)))
    gone = {sink for _, sink in dead} - set(sinks)
    if gone and not request.to:
        names = ", ".join(sorted(gone))
        raise ControlError(f"the configuration no longer has {names}: name another sink with --to")
    _obeyed(ask, dead, lambda portion: Replay(portion, request.to))
    return len(dead)


def purge(reader: Reader, ask: Ask, request: control_pb2.PurgeDeliveriesRequest) -> int:
    """Forgets dead deliveries; returns how many."""
    dead = tuple(reader.dead(sink=request.sink, ids=tuple(request.ids)))
    _obeyed(ask, dead, lambda portion: Burial(tuple(number for number, _ in portion)))
    return len(dead)


def _obeyed(ask: Ask, dead: Dead, command: Callable[[Dead], Command]) -> None:
    """Waits until all of it is committed."""
    committed = threading.Semaphore(0)
    portions = [tuple(dead[start : start + AT_ONCE]) for start in range(0, len(dead), AT_ONCE)]
    for portion in portions:
        ask(command(portion), committed.release)
    for _ in portions:
        if not committed.acquire(timeout=COMMITTED_WITHIN):
            raise ControlError("the writer did not get to it: look at the service's log")


def _summed(name: str, type_: str, counts: SinkCounts) -> control_pb2.SinkStatus:
    return control_pb2.SinkStatus(
        name=name,
        type=type_,
        pending=counts.states.get(DeliveryState.PENDING, 0),
        delivered=counts.states.get(DeliveryState.DELIVERED, 0),
        dead=counts.states.get(DeliveryState.DEAD, 0),
        held=counts.held,
        last_error=counts.last_error,
        absorbed=counts.states.get(DeliveryState.ABSORBED, 0),
        purged=counts.purged,
    )


def _listed(sent: Sent) -> control_pb2.ListDeliveriesResponse:
    delivery = sent.delivery
    return control_pb2.ListDeliveriesResponse(
        id=delivery.id,
        sink=delivery.sink,
        state=sent.state,
        key=delivery.key,
        created_at=stamp(delivery.created_at),
        attempt=delivery.attempt,
        next_try=stamp(delivery.next_try),
        settled_at=stamp(sent.settled_at),
        error=delivery.error,
        absorbed_by=sent.absorbed_by or 0,
        absorbed=len(delivery.also),
        event_json=sent.event.body,
        text=str(orjson.loads(sent.event.body)["summary"]),
        fallback_for=sent.fallback_for,
    )
