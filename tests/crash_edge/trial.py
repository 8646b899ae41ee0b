"""One trial: contacts that come and go while a sidecar dies again and again, and what must hold afterwards."""

import json
from collections import Counter
from itertools import pairwise
from random import Random
from typing import Any

from tests.rig import ROOT, Process, Service, Tailnet

Event = dict[str, Any]
SETTLED = ("told", "folded", "reverted")


class Edge(Process):
    """An external sidecar of the service; all of them, one after the other, are the same node."""

    def __init__(self, service: Service, *program: str) -> None:
        socket, state = service.folder / "run" / "ingest.sock", service.folder / "edge"
        super().__init__(*program, "--connect", f"unix:{socket}", "--source", "home", "--state-dir", str(state))


def real(service: Service) -> Edge:
    """The sidecar as it is delivered."""
    return Edge(service, str(ROOT / "bin" / "sentinel-sidecar"))


def doomed(service: Service, program: str, *, at: str, after: int) -> Edge:
    """A sidecar that kills itself when it reaches a boundary for the given time."""
    return Edge(service, program, "--kill-at", at, "--kill-after", str(after), "--")


class Contacts:
    """Turns contacts of a tailnet's peers around and remembers how often."""

    def __init__(self, tailnet: Tailnet, dice: Random) -> None:
        self._tailnet = tailnet
        self._dice = dice
        self.online = _peers(tailnet)
        self.turned: Counter[str] = Counter()

    def turn(self, times: int = 3) -> bool:
        """Turns some contacts, one after the other; always True."""
        for _ in range(times):
            name = self._dice.choice(list(self.online))
            self.online[name] = not self.online[name]
            self.turned[name] += 1
            self._tailnet.change({"op": "online" if self.online[name] else "offline", "peer": name})
        return True

    def states(self) -> dict[str, str]:
        """What a service should show now."""
        return {name: _word(online) for name, online in self.online.items()}


def _peers(tailnet: Tailnet) -> dict[str, bool]:
    return {name: bool(peer["online"]) for name, peer in tailnet.truth().items() if not peer["real"]}


def _word(online: bool) -> str:
    return "online" if online else "offline"


def ledger(service: Service) -> list[Event]:
    """Every event so far, oldest first."""
    events: list[Event] = service.json("events", "--limit", "0")
    return events


def told(service: Service) -> dict[str, list[Event]]:
    """What the sink for programs got, by id of the event: one message, or the same message again."""
    copies: dict[str, list[Event]] = {}
    for _, line in service.lines:
        if line.startswith("{"):
            message = json.loads(line)
            assert message["idempotency_key"].startswith(message["event"]["event_id"])
            copies.setdefault(message["idempotency_key"][:32], []).append(message["event"])
    return copies


def to_be_told(events: list[Event]) -> set[str]:
    """The ids of those that the sink has to get; the others came and went, or another one spoke for them."""
    for event in events:
        assert [outcome["state"] in SETTLED for outcome in event["outcomes"]] == [True], event
    return {event["event_id"] for event in events if event["outcomes"][0]["state"] == "told"}


def check_told(events: list[Event], messages: dict[str, list[Event]]) -> None:
    """No key stands for two events, in the ledger or in what the sink got."""
    by_id = {
        event["event_id"]: {name: value for name, value in event.items() if name != "outcomes"} for event in events
    }
    assert len(by_id) == len(events)
    for event_id, copies in messages.items():
        assert all(copy == by_id[event_id] for copy in copies), event_id


def check_way(before: dict[str, str], after: dict[str, str], turned: Counter[str], events: list[Event]) -> None:
    """The events lead each peer from its state before to that after, and none was without a turn.

    What the own node has to say of its crashes is another matter.
    """
    events = [event for event in events if event["subject_type"] == "peer"]
    assert {event["event_type"] for event in events} <= {"peer.online", "peer.offline"}
    happened: dict[str, list[Event]] = {name: [] for name in before}
    for event in events:
        happened[event["subject_name"]].append(event)
    for name, own in happened.items():
        way = [before[name], *(event["event_type"].removeprefix("peer.") for event in own)]
        assert way[-1] == after[name], (name, way)
        assert all(one != other for one, other in pairwise(way)), (name, way)
        assert len(own) <= turned[name], (name, way)
        revisions = [event["subject_revision"] for event in own]
        assert revisions == sorted(set(revisions)), (name, revisions)
