"""Whose a peer is and what it is called: its name, owner, tags and addresses."""

from collections.abc import Iterator
from datetime import datetime

from sentinel.events import Finding
from sentinel.model import Change, SubjectKey
from sentinel.sources.tailnet.catalogue import ADDRESSES, OWNER, RENAMED, TAGS
from sentinel.sources.tailnet.facts import listed, owners, turned, turned_list
from sentinel.sources.tailnet.finding import found
from sentinel.sources.tailnet.model import Peer


def name(subject: SubjectKey, before: Peer | None, after: Peer | None, at: datetime) -> Iterator[Finding]:
    """`peer.renamed`: the machine's own part of its DNS name; the rest of it is the tailnet's name."""
    if before is None or after is None or before.name == after.name or not (before.dns_name and after.dns_name):
        return
    yield found(
        RENAMED,
        subject,
        after,
        at,
        values=(before.name, after.name),
        summary=f"{before.name} is now called {after.name}",
        payload=turned("name", before.name, after.name) | {"before_dns_name": before.dns_name},
        changes=(
            Change("name", before.name, after.name),
            Change("dns_name", before.dns_name, after.dns_name),
        ),
    )


def owner(subject: SubjectKey, before: Peer | None, after: Peer | None, at: datetime) -> Iterator[Finding]:
    """`peer.owner.changed`: from one person to another. A tagged machine has no owner: its tags say whose it is."""
    if before is None or after is None or before.tags or after.tags:
        return
    if before.owner_id == after.owner_id or not (before.owner_id and after.owner_id):
        return
    yield found(
        OWNER,
        subject,
        after,
        at,
        values=(str(before.owner_id), str(after.owner_id)),
        summary=f"{after.name} now belongs to {after.owner or after.owner_id}",
        payload=turned("owner", before.owner, after.owner)
        | {"before_owners": owners(before), "after_owners": owners(after)},
        changes=_handed_over(before, after),
    )


def tags(subject: SubjectKey, before: Peer | None, after: Peer | None, at: datetime) -> Iterator[Finding]:
    """`peer.tags.changed`. The first tag takes a machine from its owner, the last one gives it to somebody."""
    if before is None or after is None or before.tags == after.tags:
        return
    yield found(
        TAGS,
        subject,
        after,
        at,
        values=(listed(before.tags), listed(after.tags)),
        summary=f"the tags of {after.name} changed: {listed(after.tags)}",
        payload=turned_list("tags", before.tags, after.tags),
        changes=(Change("tags", before.tags, after.tags), *_handed_over(before, after)),
    )


def addresses(subject: SubjectKey, before: Peer | None, after: Peer | None, at: datetime) -> Iterator[Finding]:
    """`peer.addresses.changed`."""
    if before is None or after is None or before.addresses == after.addresses:
        return
    yield found(
        ADDRESSES,
        subject,
        after,
        at,
        values=(listed(before.addresses), listed(after.addresses)),
        summary=f"the addresses of {after.name} changed: {listed(after.addresses)}",
        payload=turned_list("ips", before.addresses, after.addresses),
        changes=(Change("ips", before.addresses, after.addresses),),
    )


def _handed_over(before: Peer, after: Peer) -> tuple[Change, ...]:
    changes = Change("owner", before.owner, after.owner), Change("owners", owners(before), owners(after))
    return tuple(change for change in changes if change.before != change.after)
