"""Sinks that hang take nothing from the others, nor from the end of the service, with a real one."""

import json
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from sentinel.clock import SystemClock
from tests.bench import crowd, edge
from tests.builders import Wire
from tests.contracts.endpoint import Answer, Endpoint, hang, status, trickle, trickle_headers
from tests.rig import Service, eventually

PEERS = 60
HANGING: dict[str, Answer] = {
    "hangs": hang,
    **{f"trickles-{number}": trickle for number in range(3)},
    **{f"trickles-{number}": trickle_headers for number in range(3, 6)},
}
DRAIN_WITHIN = 5.0
"""What a service gives all of its sinks together for what they are at."""
LAST_STEPS = 4.0
"""For all else at its end, on a machine that has other things to do."""


def test_a_sink_gets_everything_while_seven_others_hang_and_the_service_ends_in_time(tmp_path: Path) -> None:
    with ExitStack() as stack:
        fine = stack.enter_context(Endpoint(status(200)))
        hanging = {name: stack.enter_context(Endpoint(answer)) for name, answer in HANGING.items()}
        sinks = {name: _sink(name, endpoint) for name, endpoint in {"fine": fine, **hanging}.items()}
        service = stack.enter_context(Service(tmp_path, control_url="", settings={**edge.SETTINGS, "sinks": sinks}))
        _change(tmp_path, stack)
        eventually(lambda: all(endpoint.requests for endpoint in hanging.values()), "each of them has got something")
        eventually(lambda: len(_gone(fine)) == PEERS, "everything has arrived where nothing hangs")
        told = {sink["name"]: sink for sink in service.json("status")["sinks"]}
        begun = SystemClock().now().boot
        assert service.stop() == 0
        assert SystemClock().now().boot - begun < DRAIN_WITHIN + LAST_STEPS
    assert {told[name]["delivered"] for name in hanging} == {0}


def _sink(name: str, endpoint: Endpoint) -> dict[str, Any]:
    if name.endswith(("1", "4")):
        return {"type": "apprise", "url": f"json://{endpoint.place}/"}
    return {"type": "webhook", "url": f"http://{endpoint.place}/"}


def _change(folder: Path, stack: ExitStack) -> None:
    """An edge that sees each peer go."""
    wire = Wire()
    link = stack.enter_context(edge.FakeEdge(folder / "run" / "ingest.sock", wire.boot_id))
    link.welcomed()
    base = crowd.base(wire, crowd.peers(PEERS))
    changes = list(crowd.flips(wire, PEERS, among=PEERS))
    link.send(map(edge.request, [*base, *changes]))
    link.wait_acked(changes[-1].position)


def _gone(endpoint: Endpoint) -> set[str]:
    """The peers that a webhook was told to have gone."""
    events = [json.loads(request.body)["event"] for request in endpoint.requests]
    return {event["subject_name"] for event in events if event["event_type"] == "peer.offline"}
