"""Where services are killed: real processes, and a folder with what outlives them."""

import json
import os
import re
import signal
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from random import Random
from statistics import median
from typing import Any

from sentinel.control.client import connected
from sentinel.control.values import Status
from sentinel.errors import ControlError
from tests.contracts.endpoint import Endpoint, Request
from tests.crash import ledger, oracle
from tests.crash.ledger import Device
from tests.crash.oracle import MANY, Evidence, InFlight, Letter, Line
from tests.rig import ROOT, Process, Service, Tailnet, becomes, eventually

MARKER = "nas"
"""Its contact is turned around last: when that is known, so is everything before it."""
AT_ONCE = 4
RECOVERED_WITHIN = 15.0
"""Seconds; on an idle machine it is one, but a test must not fail because the machine has other work."""


@dataclass(slots=True)
class Figures:
    """What was measured along the way; `recoveries` are seconds from a start after a kill until the source sees."""

    recoveries: list[float] = field(default_factory=list)
    in_flight: list[int] = field(default_factory=list)
    messages: int = 0
    repeated: int = 0

    def __str__(self) -> str:
        if not self.recoveries:
            return "nobody was killed"
        return (
            f"{len(self.in_flight)} kills, {max(self.in_flight, default=0)} messages in flight at most; "
            f"{self.repeated} of {self.messages} messages came twice; "
            f"seeing again after {median(self.recoveries):.2f} s (median), {max(self.recoveries):.2f} s (longest)"
        )


class Contacts:
    """Turns the contact of peers around as the dice say, and remembers how often; nobody else may turn them."""

    def __init__(self, tailnet: Tailnet, dice: Random) -> None:
        self._tailnet = tailnet
        self._dice = dice
        self._online = {name: bool(peer["online"]) for name, peer in tailnet.truth().items() if not peer["real"]}
        self.turned: Counter[str] = Counter()

    def turn(self, times: int = 3) -> None:
        """Some contacts, time after time: one, or a few at once."""
        for _ in range(times):
            self.turn_all(self.pick(self._dice.randint(1, AT_ONCE)))

    def pick(self, number: int) -> list[str]:
        """So many different peers."""
        return self._dice.sample(sorted(self._online.keys() - {MARKER}), number)

    def turn_until(self, over: Callable[[], bool], what: str) -> None:
        """Contacts come and go until something else has happened."""

        def turned_once_more() -> bool:
            self.turn()
            return over()

        eventually(turned_once_more, what)

    def turn_all(self, names: Sequence[str]) -> None:
        """All of these at once."""
        for name in names:
            self._online[name] = not self._online[name]
        self._tailnet.change(*({"op": "online" if self._online[name] else "offline", "peer": name} for name in names))
        self.turned.update(names)


@dataclass(frozen=True, slots=True)
class Place:
    """What a ground stands on; `home` is where the node that watches keeps its identity."""

    folder: Path
    tailnet: Tailnet
    home: Path
    figures: Figures


class Ground:
    """A configuration and a store that outlive every service, and what its sinks were told over all runs.

    `window` is the debounce; `external` says whether the edge is one that a service does not manage. With a `pager`,
    which is to refuse everything, a file stands by it.
    """

    def __init__(
        self,
        place: Place,
        *,
        window: str | int = 0,
        external: bool = True,
        mailbox: "Mailbox | None" = None,
        pager: Endpoint | None = None,
    ) -> None:
        self.store = place.folder / "state" / "state.db"
        self.kills: list[InFlight] = []
        self._place = place
        self._mailbox = mailbox
        self._pager = pager
        self._spare = place.folder / "spare.jsonl"
        self._runs: list[Service] = []
        self._settings: dict[str, Any] = {
            "policy": {"debounce_window": window},
            "tsnet": {"state_dir": str(place.home)},
            "sources": {"home": {"sidecar": "external" if external else "managed"}},
            "sinks": {"lines": {"type": "stdout"}},
        }
        if mailbox is not None:
            self._settings["sinks"]["phone"] = {"type": "apprise", "url": mailbox.url}
            self._settings["routes"] = [{"match": {"event_types": ["*"]}, "sinks": ["lines", "phone"]}]
        if pager is not None:
            self._settings["sinks"]["pager"] = {"type": "webhook", "url": f"http://{pager.place}/"}
            self._settings["sinks"]["spare"] = {"type": "file", "path": str(self._spare)}
            route = {"match": {"event_types": ["*"]}, "sinks": ["lines", "pager"], "fallback": ["spare"]}
            self._settings["routes"] = [route]

    def edge(self, service: Service) -> Process:
        """A sidecar that nobody manages, once the service listens or is dead; it outlives that one."""
        socket = self._place.folder / "run" / "ingest.sock"
        eventually(lambda: socket.exists() or service.code() is not None, "the service listens")
        options = ("--connect", f"unix:{socket}", "--source", "home", "--state-dir", str(self._place.home))
        return Process(str(ROOT / "bin" / "sentinel-sidecar"), *options)

    def keep_events_for(self, retention: str) -> None:
        """How long services that are started from now on keep events."""
        self._settings["retention"] = retention

    def service(self) -> Service:
        """The service as it is delivered."""
        return self._run()

    def victim(self, at: str, nth: int, *options: str) -> Service:
        """A service that kills itself when it reaches a boundary for the n-th time."""
        program = (str(ROOT / ".venv" / "bin" / "python"), str(ROOT / "tests" / "crash" / "victim.py"))
        return self._run(*program, "--at", at, "--nth", str(nth), *options)

    def wait_recovered(self, service: Service) -> None:
        """Until it sees; how long that took since its start is a figure, and bounded."""
        eventually(lambda: sees(service), "the service sees again")
        if self.kills:
            self._place.figures.recoveries.append(service.age)
        assert service.age < RECOVERED_WITHIN

    def wait_dead(self, service: Service) -> None:
        """Until it was killed; notes what was in flight then."""
        assert service.wait() == -signal.SIGKILL, service.errors[-3:]
        found = ledger.in_flight(self.store) if self.store.exists() else frozenset()
        self.kills.append(found)
        self._place.figures.in_flight.append(len(found))

    def kill(self, service: Service) -> None:
        """Kills it from outside, wherever it is."""
        os.kill(service.pid, signal.SIGKILL)
        self.wait_dead(service)

    def kill_after(self, service: Service, seconds: float) -> None:
        """Kills it from outside in so many seconds."""
        timer = threading.Timer(seconds, os.kill, (service.pid, signal.SIGKILL))
        timer.start()
        self.wait_dead(service)
        timer.join()

    def settled(self, service: Service, *, earlier: ledger.Ledger | None = None) -> Evidence:
        """Everything that the oracle needs, once all is quiet and the service has ended.

        `earlier` is the ledger before something was purged from it.
        """
        self._wait_quiet(service)
        assert service.stop() == 0
        known = ledger.read(self.store)
        evidence = Evidence(
            truth={id_: device for id_, device in self._truth().items() if id_ != known.self_id},
            ledger=known.remembering(earlier) if earlier else known,
            programs={"lines", "pager"} if self._pager else {"lines"},
            people={"phone"} if self._mailbox else set(),
            lines=self.lines(),
            letters=self._mailbox.letters if self._mailbox else (),
            kills=self.kills,
            refusing={"pager"} if self._pager else set(),
            standing_by={"spare": "pager"} if self._pager else {},
        )
        self._place.figures.messages += len(evidence.lines) + len(evidence.letters)
        self._place.figures.repeated += oracle.repeated(evidence)
        return evidence

    def lines(self) -> list[Line]:
        """What the sinks for programs got, over all runs, sink by sink."""
        printed = [text for run in self._runs for _, text in run.lines]
        paged = [request.body.decode() for request in self._pager.requests if _is_whole(request)] if self._pager else []
        kept = self._spare.read_text().splitlines() if self._spare.exists() else []
        told = {"lines": printed, "pager": paged, "spare": kept}
        return [_line(sink, json.loads(text)) for sink, texts in told.items() for text in texts]

    def _run(self, *command: str) -> Service:
        control_url = self._place.tailnet.control_url
        run = Service(self._place.folder, control_url=control_url, settings=self._settings, command=command)
        self._runs.append(run)
        return run

    def _wait_quiet(self, service: Service) -> None:
        """Until the newest change is known, everything is decided, and everything is delivered."""
        Contacts(self._place.tailnet, Random(0)).turn_all([MARKER])
        becomes(lambda: states(service).get(MARKER), self._place.tailnet.truth()[MARKER]["online"])
        eventually(lambda: nothing_waits(service), "everything is told")

    def _truth(self) -> dict[str, Device]:
        return {peer["stable_id"]: _device(peer) for peer in self._place.tailnet.truth().values()}


class Mailbox:
    """An endpoint for people's messages, which can kill who sends the n-th one before it gets an answer."""

    def __init__(self, server: ThreadingHTTPServer) -> None:
        self.url = f"json://127.0.0.1:{server.server_port}/box"
        self.letters: list[Letter] = []
        self._doomed: tuple[int, int] | None = None

    def kill_at(self, nth: int, pid: int) -> None:
        """Kills the process when it has sent n messages in all, as soon as the n-th one is here."""
        self._doomed = (nth, pid)

    def take(self, title: str) -> bool:
        """Keeps the letter; says whether it is to be answered."""
        self.letters.append(_letter(title))
        if self._doomed is None or len(self.letters) < self._doomed[0]:
            return True
        os.kill(self._doomed[1], signal.SIGKILL)
        self._doomed = None
        return False


@contextmanager
def mailbox() -> Iterator[Mailbox]:
    """A mailbox on loopback."""

    class Box(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            title = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["title"]
            if box.take(title):
                self.send_response(200)
                self.end_headers()

        def log_message(self, *_: object) -> None:
            """The test reads letters, not logs."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Box)
    box = Mailbox(server)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield box
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def status(service: Service) -> Status | None:
    """What it says of itself; None while it does not answer."""
    try:
        with connected(service.folder / "run" / "control.sock") as client:
            return client.status()
    except ControlError:
        return None


def sees(service: Service) -> bool:
    """Whether all its sources see."""
    told = status(service)
    return told is not None and all(source.sight == "seeing" for source in told.sources)


def states(service: Service) -> dict[str, bool]:
    """Who is in contact, by name; empty while it does not answer."""
    try:
        with connected(service.folder / "run" / "control.sock") as client:
            return {subject.name: subject.state == "online" for subject in client.subjects()}
    except ControlError:
        return {}


def nothing_waits(service: Service) -> bool:
    """Whether everything was decided and delivered."""
    told = status(service)
    return told is not None and not any(sink.held or sink.pending for sink in told.sinks)


def turns(evidence: Evidence) -> Counter[str]:
    """How often the ledger saw a contact turn, by name, but for the marker."""
    named = Counter(event.name for event in evidence.ledger.events.values() if event.aspect == "presence")
    del named[MARKER]
    return named


def child_of(service: Service) -> int:
    """The process id of its managed sidecar."""
    return eventually(lambda: _children(service.pid), "the service starts its sidecar")[0]


def is_running(pid: int) -> bool:
    """Whether there is such a process, other than as a body that nobody has buried."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def _children(pid: int) -> list[int]:
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue  # it has ended meanwhile
        if int(fields[1]) == pid:
            found.append(int(stat.parent.name))
    return found


def _is_whole(request: Request) -> bool:
    """Whether nobody was killed halfway through it."""
    return len(request.body) == int(request.headers["content-length"])


def _line(sink: str, content: Mapping[str, Any]) -> Line:
    return Line(sink, content["idempotency_key"], content)


def _device(peer: Mapping[str, Any]) -> Device:
    return Device(peer["short"], "online" if peer["online"] else "offline", tuple(sorted(peer["tags"])))


_TITLES = (
    (r"Nobody carries the route (.+) any more", "route.lost"),
    (r"The route (.+) is lost", "route.lost"),
    (r"The route (.+) is back", "route.restored"),
    (r"The route (.+) moved to .+", "route.failed_over"),
    (r"The (exit node .+) is lost", "route.lost"),
    (r"The (exit node .+) is back", "route.restored"),
    (r"The routes of (.+) changed", "peer.routes.changed"),
    (r"(.+) lost contact with Tailscale", "peer.offline"),
    (r"(.+) is back", "peer.online"),
    (r"(.+) is in contact with Tailscale", "peer.online"),
)
"""How titles begin and end, around whom they are about."""
_TITLE_OF_MANY = re.compile(r"\d+ (changes?(, \d+ more came and went)?|came and went): .+")


def _letter(title: str) -> Letter:
    if _TITLE_OF_MANY.fullmatch(title):
        return Letter("phone", MANY, "")
    name, kind = next((found[1], kind) for form, kind in _TITLES if (found := re.fullmatch(form, title)))
    return Letter("phone", name, kind)
