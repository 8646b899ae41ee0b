"""The service is killed at each boundary that it passes, at a moment that the seed chooses, and started again."""

from random import Random

import pytest

from tests.contracts.endpoint import Endpoint, status
from tests.crash import ledger
from tests.crash.ground import Contacts, Ground, Mailbox, Place, sees, turns
from tests.crash.oracle import Evidence, faults, repeated
from tests.rig import Service, eventually

PEERS = 10
BRIEF, LONG = 2, 100
FIRST_CHANGE, LATEST = 8, 20
"""A start with its first base passes a boundary fewer times than the first number; later, contacts come and go."""
PORTION = 3
BOUNDARIES = (
    "frame received",
    "folded",
    "in transaction",
    "committed",
    "acknowledged",
    "delivery taken",
    "answer received",
    "before checkpoint",
    "after checkpoint",
)
OF_DELIVERIES = ("in transaction", "committed", "delivery taken", "answer received")
SEEDS = [pytest.param(seed, marks=pytest.mark.long) if seed >= BRIEF else seed for seed in range(LONG)]


def window(seed: int) -> str | int:
    """Every other time differences are held for a while, so that a kill finds them held."""
    return "200ms" if seed % 2 else 0


def moment(seed: int, dice: Random) -> int:
    """How often the boundary has to be reached; of four deaths one comes during the start."""
    return dice.randint(1, FIRST_CHANGE - 1) if seed % 4 == 3 else dice.randint(FIRST_CHANGE, LATEST)


def until_dead(ground: Ground, victim: Service, contacts: Contacts) -> None:
    """Contacts come and go until the victim is dead; none before it sees, so that all of them are news."""
    eventually(lambda: sees(victim) or victim.code() is not None, "the victim sees or dies")
    if victim.code() is None:
        contacts.turn_until(lambda: victim.code() is not None, "the victim dies")
        contacts.turn()
    ground.wait_dead(victim)


def started_again(ground: Ground, contacts: Contacts, *, earlier: ledger.Ledger | None = None) -> Evidence:
    """What there is after a whole run."""
    with ground.service() as service:
        ground.wait_recovered(service)
        contacts.turn()
        return ground.settled(service, earlier=earlier)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("boundary", BOUNDARIES)
def test_a_service_killed_at_a_boundary_loses_nothing_and_invents_nothing(
    boundary: str, seed: int, place: Place
) -> None:
    dice = Random(f"{boundary} {seed}")
    ground, contacts = Ground(place, window=window(seed)), Contacts(place.tailnet, dice)
    log_limit = ("--log-limit", "1") if "checkpoint" in boundary else ()
    with ground.victim(boundary, moment(seed, dice), *log_limit) as victim, ground.edge(victim):
        until_dead(ground, victim, contacts)
        evidence = started_again(ground, contacts)
    assert faults(evidence) == []
    assert turns(evidence) == contacts.turned


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("boundary", OF_DELIVERIES)
def test_a_service_killed_while_a_fallback_stands_in_tells_it_everything_once(
    boundary: str, seed: int, place: Place
) -> None:
    dice = Random(f"fallback {boundary} {seed}")
    with Endpoint(status(401)) as pager:
        ground, contacts = Ground(place, window=window(seed), pager=pager), Contacts(place.tailnet, dice)
        with ground.victim(boundary, moment(seed, dice)) as victim, ground.edge(victim):
            until_dead(ground, victim, contacts)
            evidence = started_again(ground, contacts)
    assert faults(evidence) == []
    assert turns(evidence) == contacts.turned


@pytest.mark.parametrize("seed", SEEDS)
def test_a_service_killed_while_it_makes_its_store_begins_with_a_first_sight(seed: int, place: Place) -> None:
    ground, contacts = Ground(place, window=window(seed)), Contacts(place.tailnet, Random(seed))
    with ground.victim("migrating", 1) as victim, ground.edge(victim):
        ground.wait_dead(victim)
        evidence = started_again(ground, contacts)
    assert faults(evidence) == []
    assert turns(evidence) == contacts.turned


@pytest.mark.parametrize("seed", SEEDS)
def test_a_service_killed_while_it_forgets_has_forgotten_whole_portions(seed: int, place: Place) -> None:
    """A portion that the kill interrupts is all there; those before it are gone with all that belongs to them."""
    dice = Random(f"purging {seed}")
    ground, contacts, nth = Ground(place, window=window(seed)), Contacts(place.tailnet, dice), dice.randint(1, 4)
    with ground.service() as first, ground.edge(first):
        ground.wait_recovered(first)
        contacts.turn(15)
        ground.settled(first)
        old = ledger.read(ground.store)
        ground.keep_events_for("1ms")
        with ground.victim("purging", nth, "--purge-at-once", str(PORTION)) as victim:
            ground.wait_dead(victim)
        ground.keep_events_for("90d")
        contacts.turn()
        evidence = started_again(ground, contacts, earlier=old)
    assert faults(evidence) == []
    assert turns(evidence) == contacts.turned
    left = ledger.read(ground.store)
    assert len(old.events.keys() - left.events.keys()) == PORTION * (nth - 1)
    assert {fate.event for fate in left.fates} == left.events.keys()
    assert {one.speaks for one in left.sent.values()} <= left.events.keys()


@pytest.mark.parametrize("seed", SEEDS)
def test_a_service_killed_before_its_message_is_answered_sends_it_again(seed: int, place: Place, box: Mailbox) -> None:
    dice = Random(f"bytes sent {seed}")
    ground, contacts = Ground(place, window=window(seed), mailbox=box), Contacts(place.tailnet, dice)
    with ground.service() as victim, ground.edge(victim):
        box.kill_at(dice.randint(1, LATEST), victim.pid)
        until_dead(ground, victim, contacts)
        evidence = started_again(ground, contacts)
    assert faults(evidence) == []
    assert turns(evidence) == contacts.turned
    assert repeated(evidence) >= 1, "the message that was not answered was not sent again"
