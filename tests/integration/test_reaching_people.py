"""What people and programs get to see of one change, with real processes."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.rig import Process, Service, Tailnet, eventually, program


@contextmanager
def mailbox() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """An Apprise URL, and the messages that arrive there."""
    messages: list[dict[str, Any]] = []

    class Box(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            messages.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """The test reads messages, not logs."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Box)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"json://127.0.0.1:{server.server_port}/box", messages
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_a_change_reaches_people_in_words_programs_as_json_and_followers_as_lines(tmp_path: Path) -> None:
    with mailbox() as (url, messages), Tailnet(peers=5) as tailnet:
        settings: dict[str, Any] = {
            "sinks": {"phone": {"type": "apprise", "url": url}, "lines": {"type": "stdout"}},
            "policy": {"debounce_window": "200ms"},
        }
        with Service(tmp_path, control_url=tailnet.control_url, settings=settings) as service:
            service.wait_seeing()
            follow = ("events", "--follow", "--json", "--config", str(service.config))
            with Process(program(), *follow) as follower:
                tailnet.change({"op": "offline", "peer": "nas"})
                (message,) = eventually(lambda: list(messages), "the message arrives")
                eventually(lambda: service.tellings() == ["nas peer.offline"], "the line is written")
                followed = json.loads(follower.first_line())
    assert message["title"] == "nas lost contact with Tailscale"
    assert message["message"].startswith("nas (tag:server, Linux) lost contact with Tailscale at ")
    assert message["type"] == "warning"
    assert followed["event_type"] == "peer.offline"
    assert {outcome["sink"] for outcome in followed["outcomes"]} == {"phone", "lines"}
