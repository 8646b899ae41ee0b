"""What a peer carries for others: subnets, and the way to the internet."""

from collections.abc import Iterator
from datetime import datetime

from sentinel.events import Finding, Severity
from sentinel.model import Change, SubjectKey
from sentinel.sources.tailnet.catalogue import EXIT_NODE, ROUTES
from sentinel.sources.tailnet.facts import listed, turned, turned_list
from sentinel.sources.tailnet.finding import found
from sentinel.sources.tailnet.model import Peer


def routes(subject: SubjectKey, before: Peer | None, after: Peer | None, at: datetime) -> Iterator[Finding]:
    """`peer.routes.changed`: the subnets that it is the primary router of."""
    if before is None or after is None or before.routes == after.routes:
        return
    yield found(
        ROUTES,
        subject,
        after,
        at,
        values=(listed(before.routes), listed(after.routes)),
        summary=f"the routes of {after.name} changed: {listed(after.routes)}",
        payload=turned_list("routes", before.routes, after.routes),
        changes=(Change("routes", before.routes, after.routes),),
    )


def exit_node(subject: SubjectKey, before: Peer | None, after: Peer | None, at: datetime) -> Iterator[Finding]:
    """`peer.exit_node.changed`: it offers to be an exit node, or no longer does."""
    if before is None or after is None or before.exit_node is None or after.exit_node in (None, before.exit_node):
        return
    offers = bool(after.exit_node)
    yield found(
        EXIT_NODE,
        subject,
        after,
        at,
        severity=Severity.WARNING,
        values=(_word(before.exit_node), _word(offers)),
        summary=f"{after.name} is {'now' if offers else 'no longer'} an exit node",
        payload=turned("exit_node", before.exit_node, offers) | {"exit_node": offers},
        changes=(Change("exit_node", before.exit_node, offers),),
    )


def _word(offers: bool) -> str:
    return "offered" if offers else "not offered"
