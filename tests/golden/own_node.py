"""Stories of the own node and the network that it is in."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from sentinel.sources.room import Frame
from sentinel.wire.v1 import frame_pb2, tailnet_pb2
from tests.builders import Wire, node, own, warning

NEEDS_LOGIN = frame_pb2.Suspended(
    reason=frame_pb2.SUSPENDED_REASON_NEEDS_LOGIN,
    detail="the key of this node has expired",
    login_url="https://login.example/secret",
    needs_operator=True,
)


def running(wire: Wire, **parts: Any) -> Frame:
    """A base of a client that runs, is healthy, and routes nothing."""
    known: dict[str, Any] = {
        "daemon": tailnet_pb2.Daemon(state="Running"),
        "prefs": tailnet_pb2.Prefs(want_running=True),
        "health": tailnet_pb2.Health(),
    }
    return wire.base(node("nas"), **known | parts)


def the_client_is_switched_off_and_on(wire: Wire) -> Iterator[Frame]:
    """It passes through states that mean nothing by themselves."""
    yield running(wire)
    wire.pass_time(10)
    yield wire.frame(prefs=tailnet_pb2.Prefs(want_running=False))
    yield wire.frame(daemon=tailnet_pb2.Daemon(state="Stopped"))
    yield wire.frame(suspended=frame_pb2.Suspended(reason=frame_pb2.SUSPENDED_REASON_STOPPED))
    wire.pass_time(600)
    yield wire.frame(daemon=tailnet_pb2.Daemon(state="Starting"))
    yield wire.frame(daemon=tailnet_pb2.Daemon(state="Running"))
    yield wire.frame(resumed=frame_pb2.Resumed())


def the_own_node_has_to_be_logged_in(wire: Wire) -> Iterator[Frame]:
    """It is told although nothing else can be; the address of the login is a secret."""
    yield running(wire)
    wire.pass_time(10)
    yield wire.frame(daemon=tailnet_pb2.Daemon(state="NeedsLogin"))
    yield wire.frame(suspended=NEEDS_LOGIN)
    wire.pass_time(3600)
    yield wire.frame(suspended=frame_pb2.Suspended(reason=frame_pb2.SUSPENDED_REASON_STARTING))
    yield wire.frame(daemon=tailnet_pb2.Daemon(state="Running"))
    wire.pass_time(2)
    yield wire.frame(resumed=frame_pb2.Resumed())


def the_client_seems_to_change_its_state(wire: Wire) -> Iterator[Frame]:
    """A restart of the sidecar, and a wait for the control server: nobody has to log in."""
    yield running(wire)
    wire.pass_time(10)
    yield wire.frame(suspended=frame_pb2.Suspended(reason=frame_pb2.SUSPENDED_REASON_STALE))
    yield wire.frame(daemon=tailnet_pb2.Daemon(state="NoState"))
    yield wire.frame(daemon=tailnet_pb2.Daemon(state="Starting", tailscale_version="1.2.3"))
    wire.pass_time(60)
    yield wire.frame(daemon=tailnet_pb2.Daemon(state="Running", error="something passed"))
    yield wire.frame(resumed=frame_pb2.Resumed())


def the_client_is_unwell_and_recovers(wire: Wire) -> Iterator[Frame]:
    """A second warning is news, too; the problem is the new one."""
    yield running(wire)
    wire.pass_time(10)
    relay = warning("no-derp-home", "No home relay server")
    yield wire.frame(health=tailnet_pb2.Health(warnings=[relay]))
    wire.pass_time(60)
    yield wire.frame(health=tailnet_pb2.Health(warnings=[relay, warning("no-udp4-bind", "Cannot bind a UDP socket")]))
    wire.pass_time(60)
    yield wire.frame(health=tailnet_pb2.Health())


def the_client_seems_to_be_unwell(wire: Wire) -> Iterator[Frame]:
    """It warms up, knows of a newer version, says what has an event of its own, and counts seconds in a text."""
    known = warning("dns-forward-failing", "DNS unavailable")
    yield running(wire, health=tailnet_pb2.Health(warnings=[known]))
    wire.pass_time(10)
    codes = ("login-state", "security-update-available", "update-available", "wantrunning-false", "warming-up")
    more = [warning(code, code) for code in codes]
    yield wire.frame(health=tailnet_pb2.Health(warnings=[known, *more]))
    wire.pass_time(10)
    yield wire.frame(health=tailnet_pb2.Health(warnings=[warning("dns-forward-failing", "DNS unavailable, in 5 s")]))


def the_own_key_comes_down_the_ladder(wire: Wire) -> Iterator[Frame]:
    """Each rung at its own moment, without a frame that says so; a later end is the end of the problem."""
    yield running(wire, self=own(key_expiry=wire.now + timedelta(days=5)))
    wire.pass_time(timedelta(days=4, hours=12).total_seconds())
    yield wire.frame(self=own(key_expiry=wire.now + timedelta(days=180)))


def the_own_key_seems_to_expire(wire: Wire) -> Iterator[Frame]:
    """A key that lives for hours by design, and one that never expires."""
    yield running(wire, self=own(key_expiry=wire.now + timedelta(hours=24)))
    for _ in range(3):
        wire.pass_time(timedelta(hours=20).total_seconds())
        yield wire.frame(self=own(key_expiry=wire.now + timedelta(hours=24)))
    yield wire.frame(self=own())
    yield wire.frame(self=own())


def settings_of_the_own_node_change(wire: Wire) -> Iterator[Frame]:
    """Each of them is a fact of its own."""
    yield running(wire)
    wire.pass_time(10)
    yield wire.frame(
        prefs=tailnet_pb2.Prefs(
            want_running=True,
            advertise_routes=["10.0.0.0/24", "192.0.2.0/24"],
            exit_node_id="n-exit",
            run_ssh=True,
            shields_up=True,
        )
    )
    wire.pass_time(60)
    yield wire.frame(prefs=tailnet_pb2.Prefs(want_running=True))


def settings_seem_to_change(wire: Wire) -> Iterator[Frame]:
    """The first look at them, and those that matter to nobody else."""
    yield wire.base(node("nas"))
    wire.pass_time(10)
    yield wire.frame(prefs=tailnet_pb2.Prefs(run_ssh=True, advertise_routes=["10.0.0.0/24"]))
    yield wire.frame(prefs=tailnet_pb2.Prefs(run_ssh=True, advertise_routes=["10.0.0.0/24"], hostname="other"))
    yield wire.base(node("nas"))


def the_tailnet_is_renamed_and_locked(wire: Wire) -> Iterator[Frame]:
    """Its peers are the same."""
    yield running(wire, tailnet=tailnet_pb2.Tailnet(domain="example.com", lock_enabled=False))
    wire.pass_time(10)
    yield wire.frame(tailnet=tailnet_pb2.Tailnet(domain="example.org", lock_enabled=False))
    wire.pass_time(60)
    yield wire.frame(tailnet=tailnet_pb2.Tailnet(domain="example.org", lock_enabled=True))
    wire.pass_time(60)
    yield wire.frame(tailnet=tailnet_pb2.Tailnet(domain="example.org", lock_enabled=False))


def the_tailnet_seems_to_change(wire: Wire) -> Iterator[Frame]:
    """The lock could not be asked, DNS moved, and the own node was registered anew among the same peers."""
    yield running(wire, tailnet=tailnet_pb2.Tailnet(domain="example.com"))
    wire.pass_time(10)
    yield wire.frame(tailnet=tailnet_pb2.Tailnet(domain="example.com", lock_enabled=True))
    yield wire.frame(tailnet=tailnet_pb2.Tailnet(domain="example.com", magic_dns_enabled=True))
    wire.self_id = "n-registered-anew"
    yield running(wire)


def the_own_node_is_in_another_tailnet(wire: Wire) -> Iterator[Frame]:
    """One word and no more: not a peer that is gone, none that is new, although a loss was about to be told."""
    yield running(wire)
    wire.pass_time(10)
    yield wire.patch("nas", online=False)
    wire.pass_time(1)
    wire.self_id = "n-elsewhere"
    yield wire.base(
        node("printer"), tailnet=tailnet_pb2.Tailnet(domain="example.net"), daemon=tailnet_pb2.Daemon(state="Running")
    )


STORIES = (
    the_client_is_switched_off_and_on,
    the_own_node_has_to_be_logged_in,
    the_client_seems_to_change_its_state,
    the_client_is_unwell_and_recovers,
    the_client_seems_to_be_unwell,
    the_own_key_comes_down_the_ladder,
    the_own_key_seems_to_expire,
    settings_of_the_own_node_change,
    settings_seem_to_change,
    the_tailnet_is_renamed_and_locked,
    the_tailnet_seems_to_change,
    the_own_node_is_in_another_tailnet,
)
