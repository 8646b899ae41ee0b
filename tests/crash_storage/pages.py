"""Which bytes of a SQLite file mean something, by its published format; nothing ever reads the rest."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing

INTERIOR_INDEX, INTERIOR_TABLE, LEAF_INDEX, LEAF_TABLE = 2, 5, 10, 13
HEADER = 100
SCHEMA = 1
"""The first page of the table that has the definitions of all others."""
UNREAD = {*range(40, 44), *range(96, 100)}
"""In the header: a counter that is only ever compared with itself while the file is open, and who wrote last."""


class Pages:
    """A file's bytes, read as pages numbered from 1."""

    def __init__(self, data: bytes | bytearray) -> None:
        self.data = data
        self.size = int.from_bytes(data[16:18], "big")
        self.count = len(data) // self.size

    def live(self) -> dict[int, list[int]]:
        """Offsets in the file that mean something, by page; pages without any are free ones."""
        found: dict[int, set[int]] = {number: set() for number in range(1, self.count + 1)}
        found[1] |= set(range(HEADER)) - UNREAD
        for _, number in self._tree():
            found[number] |= set(self._head(number)) | set(self._freeblocks(number))
            for at in self._cells(number):
                local, payload_end, first, rest = self._cell(number, at)
                found[number] |= set(range(at, payload_end + (4 if first else 0)))
                self._follow(found, first, rest - local)
        trunk = self._number(32, 4)
        while trunk:
            start = (trunk - 1) * self.size
            found[trunk] |= set(range(start, start + 8 + 4 * self._number(start + 4, 4)))
            trunk = self._number(start, 4)
        return {number: sorted(offsets) for number, offsets in found.items()}

    def alike(self) -> set[tuple[int, int]]:
        """Places and bits that may flip and the file means the same.

        A number between two pages of a table may be any of a hole: rows up to it are on the page before, those above it
        on the page after. So may the number of a definition, to which nothing points. And the column that is the row's
        number stands in the row as NULL, which is never looked at: it may as well be the zero that takes no room.
        """
        found: set[tuple[int, int]] = set()
        for root, number in self._tree():
            kind = self.data[self._start(number)]
            if kind == INTERIOR_TABLE or (kind == LEAF_TABLE and root == SCHEMA):
                found |= set(self._flips_within_holes(root, number))
            if kind == LEAF_TABLE:
                types = [self._varint(self._varint(self._varint(at)[1])[1])[1] for at in self._cells(number)]
                found |= {(place, 8) for place in types if self.data[place] == 0}
        return found

    def _flips_within_holes(self, root: int, number: int) -> Iterator[tuple[int, int]]:
        for begin in map(self._place_of_number, self._cells(number)):
            _, end = self._varint(begin)
            for place in range(begin, end):
                for bit in (1 << number for number in range(8)):
                    flipped = bytearray(self.data)
                    flipped[place] ^= bit
                    if Pages(flipped)._varint(begin)[1] == end and Pages(flipped)._is_in_order(root):
                        yield place, bit

    def _is_in_order(self, root: int) -> bool:
        numbers = list(self._numbers(root))
        return numbers == sorted(set(numbers))

    def _numbers(self, number: int) -> Iterator[tuple[int, bool]]:
        """Numbers of the rows below a page of a table, and those between its pages, which are true."""
        for at in self._cells(number):
            if self._is_interior(number):
                yield from self._numbers(self._number(at, 4))
            yield self._varint(self._place_of_number(at))[0], self._is_interior(number)
        if self._is_interior(number):
            yield from self._numbers(self._number(self._start(number) + 8, 4))

    def _place_of_number(self, cell: int) -> int:
        """Behind the page before it, or how long the row is."""
        interior = self._is_interior(cell // self.size + 1)
        return cell + 4 if interior else self._varint(cell)[1]

    def _follow(self, found: dict[int, set[int]], page: int, left: int) -> None:
        """Pages on which a long row goes on."""
        while page:
            start = (page - 1) * self.size
            taken = min(left, self.size - 4)
            found[page] |= set(range(start, start + 4 + taken))
            left -= taken
            page = self._number(start, 4)

    def _tree(self) -> Iterator[tuple[int, int]]:
        """Every page of a table or index, with the first page of that."""
        waiting = [(root, root) for root in (SCHEMA, *self._roots())]
        while waiting:
            root, number = waiting.pop()
            yield root, number
            if self._is_interior(number):
                waiting += [(root, self._number(at, 4)) for at in (*self._cells(number), self._start(number) + 8)]

    def _roots(self) -> list[int]:
        # What is in memory has no log beside it.
        plain = self.data[:18] + b"\1\1" + self.data[20:]
        with closing(sqlite3.connect(":memory:")) as connection:
            connection.deserialize(plain)
            return [root for (root,) in connection.execute("SELECT rootpage FROM sqlite_master WHERE rootpage > 0")]

    def _start(self, number: int) -> int:
        return (number - 1) * self.size + (HEADER if number == 1 else 0)

    def _is_interior(self, number: int) -> bool:
        return self.data[self._start(number)] in (INTERIOR_INDEX, INTERIOR_TABLE)

    def _head(self, number: int) -> range:
        """The page's own header and the places of its cells."""
        start = self._start(number)
        size = 12 if self._is_interior(number) else 8
        return range(start, start + size + 2 * self._number(start + 3, 2))

    def _cells(self, number: int) -> list[int]:
        start, head = self._start(number), self._head(number)
        first = start + (12 if self._is_interior(number) else 8)
        page = (number - 1) * self.size
        return [page + self._number(at, 2) for at in range(first, head.stop, 2)]

    def _freeblocks(self, number: int) -> Iterator[int]:
        page, at = (number - 1) * self.size, self._number(self._start(number) + 1, 2)
        while at:
            yield from range(page + at, page + at + 4)
            at = self._number(page + at, 2)

    def _cell(self, number: int, at: int) -> tuple[int, int, int, int]:
        """Bytes of the row that are here, where they end, the page on which the row goes on (or 0), all its bytes."""
        kind = self.data[self._start(number)]
        if kind in (INTERIOR_INDEX, INTERIOR_TABLE):
            at += 4
        whole, at = self._varint(at)
        if kind == INTERIOR_TABLE:
            return 0, at, 0, 0
        if kind == LEAF_TABLE:
            _, at = self._varint(at)
        most = self.size - 35 if kind == LEAF_TABLE else (self.size - 12) * 64 // 255 - 23
        if whole <= most:
            return whole, at + whole, 0, whole
        least = (self.size - 12) * 32 // 255 - 23
        local = least + (whole - least) % (self.size - 4)
        local = local if local <= most else least
        return local, at + local, self._number(at + local, 4), whole

    def _varint(self, at: int) -> tuple[int, int]:
        value = 0
        for _ in range(8):
            value = value << 7 | self.data[at] & 0x7F
            at += 1
            if not self.data[at - 1] & 0x80:
                return value, at
        return value << 8 | self.data[at], at + 1

    def _number(self, at: int, size: int) -> int:
        return int.from_bytes(self.data[at : at + size], "big")
