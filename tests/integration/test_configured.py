"""What the configuration says is what the service does, with real processes."""

from pathlib import Path
from typing import Any

from tests.rig import Service, Tailnet, becomes


def test_a_file_of_the_original_decides_who_is_told(tmp_path: Path) -> None:
    settings: dict[str, Any] = {
        "policy": {"debounce_window": "200ms"},
        "notifier": {
            "sinks": [
                {"name": "stdout-debug", "type": "stdout"},
                {"name": "webhook-primary", "type": "webhook", "url": "${NOT_SET}"},
            ],
            "routes": [
                {
                    "event_types": ["peer.offline"],
                    "sinks": ["stdout-debug", "webhook-primary"],
                    "filters": {"include": {"device_names": ["n*"], "ips": ["100.64.0.0/10"]}},
                },
                {"event_types": ["*"], "sinks": ["webhook-primary"], "device": {"names": ["tom-iphone"]}},
            ],
        },
    }
    with Tailnet(peers=10) as tailnet, Service(tmp_path, control_url=tailnet.control_url, settings=settings) as service:
        service.wait_seeing()
        routed = {"nas", "tom-iphone"}
        other = next(name for name, peer in tailnet.truth().items() if peer["online"] and name[0] not in "nt")
        for name in (other, *sorted(routed)):
            tailnet.change({"op": "offline", "peer": name})
        becomes(lambda: set(service.tellings()), {"nas peer.offline", "tom-iphone peer.offline"})
        events = [event for event in service.json("events") if event["event_type"] == "peer.offline"]
    fates = {event["subject_name"]: [outcome["state"] for outcome in event["outcomes"]] for event in events}
    assert fates == {"nas": ["told"], "tom-iphone": ["told"], other: ["unrouted"]}
