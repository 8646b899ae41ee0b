"""A sidecar is killed at each boundary between the bus and the service, at a moment that the seed chooses."""

import signal
from random import Random

import pytest

from tests.crash_edge.trial import Contacts, Event, check_told, check_way, doomed, ledger, real, to_be_told, told
from tests.rig import Process, Service, Tailnet, becomes, eventually

BOUNDARIES = ("bus to ring", "ring to wire", "ack to trim")
DEATHS = 3
LATEST = 40
"""A start passes each boundary less than twenty times, so about half of the deaths come after the first base."""


def seeds(brief: int, long: int) -> list[object]:
    """The first few always, all of them in the long form."""
    return [pytest.param(seed, marks=pytest.mark.long) if seed >= brief else seed for seed in range(long)]


@pytest.mark.parametrize("seed", seeds(2, 100))
@pytest.mark.parametrize("boundary", BOUNDARIES)
def test_a_killed_sidecar_loses_nothing_and_invents_nothing(
    boundary: str, seed: int, crashing_sidecar: str, tailnet: Tailnet, service: Service
) -> None:
    dice = Random(f"{boundary} {seed}")
    contacts = Contacts(tailnet, dice)
    before, known = settle(service, contacts), len(ledger(service))
    contacts.turned.clear()
    for _ in range(DEATHS):
        with doomed(service, crashing_sidecar, at=boundary, after=dice.randint(1, LATEST)) as edge:
            turn_until_it_dies(contacts, edge)
            assert edge.code() == -signal.SIGKILL
        contacts.turn()
    after = settle(service, contacts)
    # The last sidecar ended in order, so that all it had is committed; the sink may still be writing.
    events = ledger(service)
    becomes(lambda: told(service).keys(), to_be_told(events))
    check_told(events, told(service))
    check_way(before, after, contacts.turned, events[known:])
    check_way(before, after, contacts.turned, tellings(events[known:]))


def settle(service: Service, contacts: Contacts) -> dict[str, str]:
    """Lets a sidecar that works bring the service up to date; the states that it shows then."""
    with real(service):
        service.wait_seeing()
        contacts.turn()
        becomes(service.states, contacts.states())
    return contacts.states()


def turn_until_it_dies(contacts: Contacts, edge: Process) -> None:
    """Keeps the tailnet busy for as long as the sidecar lives."""
    eventually(lambda: contacts.turn() and edge.code() is not None, "the sidecar dies")


def tellings(events: list[Event]) -> list[Event]:
    """Those of the events that the sink was told, which by themselves have to lead to the same end."""
    spoken = to_be_told(events)
    return [event for event in events if event["event_id"] in spoken]
