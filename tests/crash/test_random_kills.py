"""The service is killed again and again, at any moment, while contacts come and go."""

import os
from random import Random, SystemRandom
from typing import Any

import pytest

from tests.crash.ground import Contacts, Ground, Place, turns
from tests.crash.oracle import faults
from tests.rig import Tailnet, becomes

PEERS = 30
SEED = "CRASH_SEED"
"""The variable that repeats a run: the seed that the failed one printed."""
SOON = 0.8
"""Seconds; a kill comes within so many after the start, or after the service sees."""
ROUNDS = [
    pytest.param(20, id="brief"),
    pytest.param(500, id="long", marks=[pytest.mark.long, pytest.mark.timeout(4 * 3600)]),
]


class Flips:
    """Random losses and returns of contact that the simulated tailnet plays by itself."""

    def __init__(self, tailnet: Tailnet, peers: list[str], seed: int) -> None:
        self._tailnet = tailnet
        order = {"count": 10_000_000, "interval_ms": 15, "peers": peers, "seed": seed}
        self._path = f"/v1/flips/{tailnet.ask('POST', '/v1/flips', order)['id']}"

    def end(self) -> int:
        """Ends it; how many contacts were turned."""
        self._tailnet.ask("DELETE", self._path)
        becomes(lambda: self._state()["state"], "stopped")
        return int(self._state()["done"])

    def _state(self) -> dict[str, Any]:
        state: dict[str, Any] = self._tailnet.ask("GET", self._path)
        return state


@pytest.fixture
def seed() -> int:
    chosen = int(os.environ.get(SEED) or SystemRandom().getrandbits(32))
    print(f"repeat with {SEED}={chosen}")
    return chosen


def kill_again_and_again(ground: Ground, dice: Random, rounds: int) -> None:
    """Kills services that have just started, and services that see."""
    for _ in range(rounds):
        with ground.service() as service:
            if dice.random() < 0.7:
                ground.wait_recovered(service)
            ground.kill_after(service, dice.uniform(0, SOON))


@pytest.mark.parametrize("rounds", ROUNDS)
def test_with_a_sidecar_that_outlives_it_a_service_that_is_killed_again_and_again_loses_no_change(
    rounds: int, seed: int, place: Place
) -> None:
    dice, ground = Random(seed), Ground(place)
    with ground.service() as service, ground.edge(service):
        ground.wait_recovered(service)
        flips = Flips(place.tailnet, Contacts(place.tailnet, dice).pick(PEERS - 1), seed)
        ground.kill_after(service, dice.uniform(0, SOON))
        kill_again_and_again(ground, dice, rounds)
        with ground.service() as last:
            ground.wait_recovered(last)
            turned = flips.end()
            evidence = ground.settled(last)
    assert faults(evidence) == []
    assert turns(evidence).total() == turned


@pytest.mark.parametrize("rounds", ROUNDS)
def test_with_a_sidecar_that_dies_with_it_a_service_that_is_killed_again_and_again_tells_the_truth(
    rounds: int, seed: int, place: Place
) -> None:
    dice, ground = Random(seed), Ground(place, external=False, window="200ms")
    with ground.service() as service:
        ground.wait_recovered(service)
        flips = Flips(place.tailnet, Contacts(place.tailnet, dice).pick(PEERS - 1), seed)
        ground.kill_after(service, dice.uniform(0, SOON))
    kill_again_and_again(ground, dice, rounds)
    with ground.service() as last:
        ground.wait_recovered(last)
        turned = flips.end()
        evidence = ground.settled(last)
    assert faults(evidence) == []
    assert 0 < turns(evidence).total() <= turned
