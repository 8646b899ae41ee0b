"""The containers for a tailnet of one's own, without an auth key."""

from collections.abc import Iterator

import pytest

from tests.containers.engine import Project
from tests.rig import becomes, eventually

pytestmark = [pytest.mark.long, pytest.mark.timeout(3600)]

OWN = Project(
    "sentinel-own", ("docker-compose.yml", "tests/containers/own.yml"), {"SENTINEL_TAILSCALE_AUTH_KEY": "", "TZ": "UTC"}
)
PAIR = ("sentinel", "sidecar")
LOGIN = "http://127.0.0.1:8181/auth/"


@pytest.fixture(scope="module", autouse=True)
def own() -> Iterator[None]:
    """Both up; gone with their volumes at the end."""
    OWN.compose("build", *PAIR, "tailnet", within=3000)
    try:
        OWN.compose("up", "--detach", *PAIR)
        yield
    finally:
        OWN.compose("down", "--volumes", "--timeout", "20")


def test_without_an_auth_key_the_log_has_the_address_of_a_login() -> None:
    eventually(lambda: LOGIN in OWN.compose("logs", "sidecar"), "the sidecar's log has the address")
    eventually(lambda: LOGIN in "".join(OWN.sentinel("sentinel", "check")["troubles"]), "the status has it, too")


@pytest.mark.parametrize("name", PAIR)
def test_to_wait_for_a_login_is_no_reason_to_be_restarted(name: str) -> None:
    becomes(lambda: OWN.container(name)["State"]["Health"]["Status"], "healthy")


@pytest.mark.parametrize("name", PAIR)
def test_neither_is_root(name: str) -> None:
    assert min(OWN.users(name)) > 999
    assert OWN.capabilities(name) == 0
