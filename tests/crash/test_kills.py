"""Service, sidecar or both are killed while peers change: afterwards every change is told, and none twice."""

import os
import signal
from collections import Counter
from random import Random

import pytest

from tests.crash.ground import Contacts, Ground, Place, child_of, is_running, sees, turns
from tests.crash.oracle import Evidence, faults, repeated
from tests.rig import Service, eventually

PEERS = 200
CHANGED, BURST = 20, 180
GONE_WITHIN = 10.0


def told(evidence: Evidence, names: list[str]) -> Counter[str]:
    """How many messages of these peers came, by name."""
    subjects = (line.content["event"]["subject_name"] for line in evidence.lines)
    return Counter(name for name in subjects if name in names)


def end_sidecar(service: Service) -> None:
    """Kills the managed sidecar."""
    os.kill(child_of(service), signal.SIGKILL)


def test_changes_while_the_service_was_dead_are_each_told_once(place: Place) -> None:
    ground, contacts = Ground(place, external=False), Contacts(place.tailnet, Random(1))
    names = contacts.pick(CHANGED)
    with ground.service() as service:
        ground.wait_recovered(service)
        ground.kill(service)
    contacts.turn_all(names)
    with ground.service() as service:
        ground.wait_recovered(service)
        evidence = ground.settled(service)
    assert faults(evidence) == []
    assert turns(evidence) == told(evidence, names) == Counter(names)


def test_changes_while_the_sidecar_was_dead_are_each_told_once(place: Place) -> None:
    ground, contacts = Ground(place, external=False), Contacts(place.tailnet, Random(2))
    names = contacts.pick(CHANGED)
    with ground.service() as service:
        ground.wait_recovered(service)
        end_sidecar(service)
        contacts.turn_all(names)
        # The next one may be there before anybody has looked; the log keeps that it was gone.
        eventually(lambda: any("edge disconnected" in line for line in service.errors), "the sidecar is missed")
        eventually(lambda: sees(service), "a new sidecar is started")
        evidence = ground.settled(service)
    assert faults(evidence) == []
    assert turns(evidence) == told(evidence, names) == Counter(names)


def test_changes_while_both_were_dead_are_each_told_once(place: Place) -> None:
    ground, contacts = Ground(place, external=False), Contacts(place.tailnet, Random(3))
    names = contacts.pick(CHANGED)
    with ground.service() as service:
        ground.wait_recovered(service)
        end_sidecar(service)
        ground.kill(service)
    contacts.turn_all(names)
    with ground.service() as service:
        ground.wait_recovered(service)
        evidence = ground.settled(service)
    assert faults(evidence) == []
    assert turns(evidence) == told(evidence, names) == Counter(names)


@pytest.mark.parametrize("window", [0, "200ms"])
def test_a_sidecar_that_outlives_the_service_brings_every_change_in_between(place: Place, window: int | str) -> None:
    """Each peer turns three times: three events, of which a program hears the last with the others folded into it."""
    ground, contacts = Ground(place, window=window), Contacts(place.tailnet, Random(4))
    names = contacts.pick(CHANGED)
    with ground.service() as service, ground.edge(service):
        ground.wait_recovered(service)
        ground.kill(service)
        for _ in range(3):
            contacts.turn_all(names)
        with ground.service() as again:
            ground.wait_recovered(again)
            evidence = ground.settled(again)
    assert faults(evidence) == []
    assert turns(evidence) == Counter(names * 3)
    assert told(evidence, names) == Counter(names)
    assert all(
        len(line.content["folded"]) == 2 for line in evidence.lines if line.content["event"]["subject_name"] in names
    )


def test_a_service_killed_in_the_middle_of_a_burst_tells_the_rest_and_repeats_only_what_was_in_flight(
    place: Place,
) -> None:
    """All changes come in one frame, and with it in one commit; the kill finds some told and some not yet."""
    ground, contacts = Ground(place), Contacts(place.tailnet, Random(5))
    names = contacts.pick(BURST)
    with ground.victim("answer received", BURST // 2) as victim, ground.edge(victim):
        eventually(lambda: sees(victim), "the victim sees")
        contacts.turn_all(names)
        ground.wait_dead(victim)
        with ground.service() as service:
            ground.wait_recovered(service)
            evidence = ground.settled(service)
    assert faults(evidence) == []
    assert turns(evidence) == Counter(names)
    assert 1 <= repeated(evidence) <= BURST // 2


def test_a_killed_service_leaves_no_sidecar_and_no_lock_behind(place: Place) -> None:
    ground = Ground(place, external=False)
    with ground.service() as service:
        ground.wait_recovered(service)
        sidecar = child_of(service)
        ground.kill(service)
    eventually(lambda: not is_running(sidecar), "the sidecar ends by itself", within=GONE_WITHIN)
    with ground.service() as service:
        ground.wait_recovered(service)
        assert child_of(service) != sidecar
        assert faults(ground.settled(service)) == []


def test_a_service_that_starts_before_the_old_sidecar_has_ended_sees(place: Place) -> None:
    """The old sidecar is held up, so that it still has the node's identity when the new one wants it."""
    ground = Ground(place, external=False)
    with ground.service() as service:
        ground.wait_recovered(service)
        sidecar = child_of(service)
        os.kill(sidecar, signal.SIGSTOP)
        ground.kill(service)
    try:
        with ground.service() as service:
            eventually(lambda: child_of(service), "a second sidecar waits for the first one's end")
            os.kill(sidecar, signal.SIGCONT)
            ground.wait_recovered(service)
            assert not is_running(sidecar)
            assert faults(ground.settled(service)) == []
    finally:
        if is_running(sidecar):
            os.kill(sidecar, signal.SIGKILL)
