"""What sinks do not get goes to the fallback sinks of its routes, in the transaction that has the reason for it."""

from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet

from sentinel.clock import Instant
from sentinel.events import Telling
from sentinel.model import Attempt, DeliveryState
from sentinel.pipeline.rules import Rules
from sentinel.policy.fallback import stand_in, standing_by
from sentinel.policy.views import Views
from sentinel.store.protocol import Store

PORTION = 1_000
"""Pending deliveries that one transaction looks at."""


class Fallbacks:
    """Tells fallback sinks what a sink was given up on, what waits there when it begins to fail, and what it is told
    while it fails.

    `failing` are the sinks that fail when this begins: other routes than before may name a fallback for what waits
    there. Whatever is told is known by its outcome, so that nothing is told twice however often it is looked at.
    """

    def __init__(self, rules: Rules, failing: AbstractSet[str]) -> None:
        self._sinks = {sink.name: sink for sink in rules.sinks}
        self._routes = rules.routes
        self._standing_by = {sink: names for sink, names in standing_by(rules.routes).items() if sink in self._sinks}
        self._looked_at = dict.fromkeys(self._standing_by.keys() & failing, 0)

    @property
    def there_are(self) -> bool:
        """Whether any route names one; without, there is nothing to tell."""
        return bool(self._standing_by)

    @property
    def behind(self) -> bool:
        """Whether there is more that waits at failing sinks and was not looked at."""
        return bool(self._looked_at)

    def begins(self, sink: str) -> None:
        """A sink fails from now on."""
        if sink in self._standing_by:
            self._looked_at[sink] = 0

    def tell(
        self, views: Views, store: Store, attempts: Sequence[Attempt], failing: AbstractSet[str], now: Instant
    ) -> None:
        """Lets the views tell what has to be told now; `attempts` are to be committed along with that."""
        told = tuple(views.decided.tellings)
        for sink in self._standing_by:
            missed = [one for one in told if one.delivery.sink == sink] if sink in failing else []
            missed += [*self._pending(sink, store), *self._given_up(sink, store, attempts)]
            for name in self._standing_by[sink] if missed else ():
                stand_in(views, store.missed.seen_from(name, missed), self._sinks[name], self._routes, now)

    def _pending(self, sink: str, store: Store) -> Iterator[Telling]:
        if sink not in self._looked_at:
            return
        besides, after = self._standing_by[sink], self._looked_at[sink]
        found = store.missed.pending(sink, besides=besides, after=after, limit=PORTION)
        if len(found) == PORTION:
            self._looked_at[sink] = found[-1].delivery.speaks
        else:
            del self._looked_at[sink]
        yield from found

    def _given_up(self, sink: str, store: Store, attempts: Sequence[Attempt]) -> Sequence[Telling]:
        dead = [one.delivery for one in attempts if one.sink == sink and one.state is DeliveryState.DEAD]
        return store.missed.given_up(sink, dead, besides=self._standing_by[sink]) if dead else ()
