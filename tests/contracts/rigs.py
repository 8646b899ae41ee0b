"""Every kind of sink, ready to be tried: against a scripted endpoint where it speaks to one."""

import base64
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from sentinel.delivery.sinks import (
    AlertmanagerSettings,
    AppriseSettings,
    DiscordSettings,
    ExecSettings,
    FileSettings,
    HttpSettings,
    Lines,
    Sink,
    SinkSpec,
    StdoutSettings,
    WebhookSettings,
    Wording,
    build,
)
from sentinel.events import Message, Reading, Text
from sentinel.model import Audience
from tests.messages import OFFLINE, RENAMED

PATIENT = timedelta(seconds=10)
LOGIN = "canaryuser:canarypass"
SECRET = f"whsec_{base64.b64encode(b'canary' * 5).decode()}"


def lost_contact(told: Message, _reading: Reading) -> Text:
    name = told.event.subject_name
    return Text(f"{name} lost contact", f"{name} lost contact with Tailscale.\nIt may still be up.")


def fails(_told: Message, _reading: Reading) -> Text:
    raise KeyError("owner")


WORDING = Wording({OFFLINE.name: lost_contact, RENAMED.name: fails}, ZoneInfo("Europe/Berlin"))

# Posts what it is handed and says in its exit status what came of it, as a careful program would; it also tells every
# secret that it knows.
PROGRAM = """
import http.client, os, sys, urllib.parse
url = urllib.parse.urlsplit(sys.argv[1])
post = http.client.HTTPConnection(url.hostname, url.port)
print(sys.argv, dict(os.environ), file=sys.stderr)
post.request("POST", url.path, sys.stdin.buffer.read())
reply = post.getresponse()
print(reply.read(), dict(os.environ).get("HOOK_TOKEN"), sys.argv[1], file=sys.stderr)
retry = reply.status < 400 or reply.status >= 500 or reply.status in (408, 425, 429)
sys.exit(0 if 200 <= reply.status < 300 else 75 if retry else 65)
"""


@dataclass(frozen=True, slots=True)
class Rig:
    """A kind of sink and how one is made that posts to an address and waits so long for an answer.

    `own_network`: it is the sink that connects, not a program behind it. `hears`: it understands the answer's headers
    and status itself, so that it knows `Retry-After` and 410. `keyed`: the key goes along. `only_200`: to the service
    behind it no other status is a success.
    """

    type: str
    audience: Audience
    spec: Callable[[str, timedelta], SinkSpec]
    own_network: bool = True
    hears: bool = True
    keyed: bool = True
    only_200: bool = False


def _http(scheme_and_place: str, timeout: timedelta) -> HttpSettings:
    scheme, _, place = scheme_and_place.partition("://")
    return HttpSettings(f"{scheme}://{LOGIN}@{place}/canarypath?canaryquery=canary", timeout=timeout)


def _apprise(service: str) -> Callable[[str, timedelta], SinkSpec]:
    def spec(base: str, _timeout: timedelta) -> SinkSpec:
        scheme, _, place = base.partition("://")
        schema = service.replace("://", "s://", 1) if scheme == "https" else service
        return SinkSpec("phone", "apprise", AppriseSettings(schema.format(place=place)))

    return spec


def _webhook(base: str, timeout: timedelta) -> SinkSpec:
    return SinkSpec("hook", "webhook", WebhookSettings(_http(base, timeout), secrets=(SECRET,)))


def _discord(base: str, timeout: timedelta) -> SinkSpec:
    return SinkSpec("channel", "discord", DiscordSettings(_http(base, timeout), mention="@here"))


def _alertmanager(base: str, timeout: timedelta) -> SinkSpec:
    return SinkSpec("alerts", "alertmanager", AlertmanagerSettings(_http(base, timeout)))


def _exec(base: str, timeout: timedelta) -> SinkSpec:
    url = f"{base}/canarypath"
    command = (sys.executable, "-S", "-c", PROGRAM, url)
    return SinkSpec("program", "exec", ExecSettings(command, allow=True, env=("HOOK_TOKEN",), timeout=timeout))


HTTP_RIGS = {
    "webhook": Rig("webhook", Audience.PROGRAMS, _webhook),
    "discord": Rig("discord", Audience.PEOPLE, _discord),
    "alertmanager": Rig("alertmanager", Audience.INCIDENTS, _alertmanager),
    "exec": Rig("exec", Audience.PROGRAMS, _exec, own_network=False, hears=False),
    "json": Rig(
        "apprise",
        Audience.PEOPLE,
        _apprise(f"json://{LOGIN}@{{place}}/canarypath?+X-Token=Bearer%20canaryheader&-q=canaryquery"),
        hears=False,
        keyed=False,
    ),
    "ntfy": Rig(
        "apprise",
        Audience.PEOPLE,
        _apprise("ntfy://tk_canarytoken@{place}/canary"),
        hears=False,
        keyed=False,
        only_200=True,
    ),
    "gotify": Rig(
        "apprise",
        Audience.PEOPLE,
        _apprise("gotify://{place}/canarypath/Acanarytoken12"),
        hears=False,
        keyed=False,
        only_200=True,
    ),
}


def _stdout(form: str) -> Callable[[str, timedelta], SinkSpec]:
    return lambda _folder, _timeout: SinkSpec("out", "stdout", StdoutSettings("text" if form == "text" else "json"))


def _file(folder: str, _timeout: timedelta) -> SinkSpec:
    return SinkSpec("file", "file", FileSettings(Path(folder) / "events.jsonl"))


LOCAL_RIGS = {
    "json lines": Rig("stdout", Audience.PROGRAMS, _stdout("json")),
    "text lines": Rig("stdout", Audience.PEOPLE, _stdout("text"), keyed=False),
    "file": Rig("file", Audience.PROGRAMS, _file),
}
RIGS = HTTP_RIGS | LOCAL_RIGS


def made(rig: Rig, place: str, lines: Lines, timeout: timedelta = PATIENT) -> Sink:
    """The sink of a rig, which reaches what stands at `place` and waits for an answer as long as `timeout`."""
    return build(rig.spec(place, timeout), wording=WORDING, lines=lines)
