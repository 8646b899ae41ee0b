"""Pairs of this release and another one: they work, or both sides say exactly why not.

`make mixed PREVIOUS=v1.2.3` names the other release by a tag or commit; without a name it is the newest tag.
"""

import json
import signal
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.mixed.releases import Release, ReleasedService, ReleasedSidecar, built, present, wanted
from tests.rig import Tailnet, becomes, eventually

pytestmark = [pytest.mark.long, pytest.mark.timeout(3600)]

REFUSED = "speaks wire protocol"
"""What both sides say of versions that are too far apart."""


@pytest.fixture(scope="module")
def previous(tmp_path_factory: pytest.TempPathFactory) -> Release:
    """The other release."""
    return built(wanted(), tmp_path_factory.mktemp("previous"))


def told(services: Iterable[ReleasedService]) -> Counter[str]:
    """How often each event was told, whichever of the processes did it; one that came twice had one key."""
    lines = [json.loads(line) for one in services for _, line in one.lines if line.startswith("{")]
    by_key = {line["idempotency_key"]: line["event"] for line in lines}
    return Counter(f"{event['subject_name']} {event['event_type']}" for event in by_key.values())


class Pair:
    """A service and a sidecar in one folder, either of which can give way to another."""

    def __init__(self, folder: Path, tailnet: Tailnet, service: Release, sidecar: Release) -> None:
        self.folder, self.tailnet = folder, tailnet
        self.services = [ReleasedService(folder, service, control_url=tailnet.control_url)]
        self.sidecars = [ReleasedSidecar(folder, sidecar)]

    def __enter__(self) -> "Pair":
        return self

    def __exit__(self, *_: object) -> None:
        self.sidecars[-1].stop()
        self.services[-1].stop()

    def works(self) -> bool:
        """Once it is clear whether they work together. If not, both have to have said why."""
        service, sidecar = self.services[-1], self.sidecars[-1]
        eventually(lambda: service.sees() or self._refused() or self._over(), "they work together or say why not")
        assert not self._over(), (*service.errors[-3:], *sidecar.errors[-3:])
        if service.sees():
            return True
        eventually(lambda: all(map(says_why, (service.errors, sidecar.errors))), "both say why not")
        return False

    def _over(self) -> bool:
        """Whether one of the two has ended by itself."""
        return self.services[-1].code() is not None or self.sidecars[-1].code() is not None

    def _refused(self) -> bool:
        return says_why(self.services[-1].errors) or says_why(self.sidecars[-1].errors)

    def other_service(self, release: Release, number: signal.Signals = signal.SIGTERM) -> None:
        """Another process of a service takes over."""
        self.services[-1].stop(number)
        self.services.append(ReleasedService(self.folder, release, control_url=self.tailnet.control_url))

    def other_sidecar(self, release: Release, number: signal.Signals = signal.SIGTERM) -> None:
        """Another process of a sidecar takes over."""
        self.sidecars[-1].stop(number)
        self.sidecars.append(ReleasedSidecar(self.folder, release))

    def flip(self, name: str, expected: Counter[str]) -> None:
        """A peer goes or comes, which is told once, like all before it."""
        expected[self.turn(name)] += 1
        becomes(lambda: told(self.services), expected)

    def turn(self, name: str) -> str:
        """A peer goes or comes; returns what there is to tell."""
        way = "offline" if self.tailnet.truth()[name]["online"] else "online"
        self.tailnet.change({"op": way, "peer": name})
        return f"{name} peer.{way}"

    def ledger(self) -> str:
        """The id of the ledger that the service writes."""
        return str(self.services[-1].json("status")["ledger_id"])


def says_why(lines: Iterable[str]) -> bool:
    return any(REFUSED in line for line in lines)


@pytest.mark.parametrize("newer", ["service", "sidecar"])
def test_a_mixed_pair_works_and_outlives_restarts_of_either_side_or_says_why_not(
    tmp_path: Path, previous: Release, newer: str
) -> None:
    service = present() if newer == "service" else previous
    sidecar = present() if newer == "sidecar" else previous
    with Tailnet(peers=10) as tailnet, Pair(tmp_path, tailnet, service, sidecar) as pair:
        if not pair.works():
            return
        assert len(pair.services[-1].states()) == 10
        expected: Counter[str] = Counter()
        pair.flip("nas", expected)
        for number in (signal.SIGTERM, signal.SIGKILL):
            pair.sidecars[-1].stop(number)
            expected[pair.turn("nas")] += 1
            pair.other_sidecar(sidecar)
            becomes(lambda: told(pair.services), expected)
            pair.services[-1].stop(number)
            expected[pair.turn("nas")] += 1
            pair.other_service(service)
            becomes(lambda: told(pair.services), expected)
            assert pair.works()
        pair.flip("nas", expected)


def test_an_update_of_the_service_and_then_of_the_sidecar_loses_and_repeats_nothing(
    tmp_path: Path, previous: Release
) -> None:
    with Tailnet(peers=10) as tailnet, Pair(tmp_path, tailnet, previous, previous) as pair:
        assert pair.works()
        expected: Counter[str] = Counter()
        pair.flip("nas", expected)
        ledger = pair.ledger()
        pair.services[-1].stop()
        expected[pair.turn("nas")] += 1
        pair.other_service(present())
        if pair.works():
            becomes(lambda: told(pair.services), expected)
            pair.flip("nas", expected)
        pair.other_sidecar(present())
        assert pair.works()
        pair.flip("nas", expected)
        assert pair.ledger() == ledger
