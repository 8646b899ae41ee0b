"""Which part of what a sink has to be sent is in memory; the rest stays in the store."""

from collections.abc import Sequence

SIZE = 10_000


class Window:
    """Deliveries come in the order of their ids, so one number says which of them were taken already.

    What is offered while the store has older ones is not taken: it is read from there in its turn. Nothing is read
    twice, also if its outcome is not committed yet. Without a store behind it, it takes everything.
    """

    def __init__(self, size: int | None) -> None:
        self._size = size
        self._newest = 0
        self.behind = size is not None

    @property
    def newest(self) -> int:
        """The newest delivery that was taken."""
        return self._newest

    def takes(self, delivery: int, held: int) -> bool:
        """Whether a delivery that is offered is taken into memory, which holds `held` of them."""
        if self._size is None:
            return True
        if delivery <= self._newest:
            return False
        if self.behind or held >= self._size:
            self.behind = True
            return False
        self._newest = delivery
        return True

    def falls_behind(self) -> None:
        """The store has more."""
        self.behind = self._size is not None

    def room(self, held: int) -> int:
        """How many to read from the store now; 0 while there is nothing to read or enough in memory."""
        if self._size is None or not self.behind or held > self._size // 2:
            return 0
        return self._size - held

    def has_read(self, deliveries: Sequence[int], asked: int) -> None:
        """That many were asked for, and these came, oldest first."""
        self._newest = max([self._newest, *deliveries])
        self.behind = len(deliveries) == asked
