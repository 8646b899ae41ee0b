"""Whether a write-ahead log still has every commit that was made to it.

SQLite reads such a log up to the first frame that does not match its checksum and says nothing of the rest. After a
crash that is right for the end of the log: the last commit may be torn, and nobody was told of it. Anywhere else it
would lose commits in silence. Three things tell the two apart:

- commits reach the disk one after the other, so behind a torn commit there is no further one;
- the log's header is on disk before its first frame;
- the index beside the log, which outlives a killed process, counts the frames of commits that are on disk.

The format is SQLite's (https://www.sqlite.org/walformat.html); nothing here changes a file.
"""

import struct
from dataclasses import dataclass
from typing import BinaryIO, NamedTuple

_HEADER = struct.Struct(">8I")
"""Magic number, version, page size, checkpoints, two salts, two checksums."""
_FRAME = struct.Struct(">6I")
"""Page, pages in the database if a commit ends here, two salts, two checksums."""
_MAGIC = 0x377F0682
"""The lowest bit says whether checksums are made of big-endian words."""
_SMALLEST_PAGE = 512
_MASK = 0xFFFFFFFF
_INDEX_CHECKED = 40
"""Bytes of the index's header before its checksum; two copies of 48 bytes follow each other."""

_RESTORED = " (or this is a restored copy: then remove the old -shm file beside it)"

_Sums = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Promise:
    """What an index says of its log: the generation, and how many frames its commits have."""

    salts: _Sums
    frames: int


def damage(log: bytes, index: bytes = b"") -> str:
    """What is wrong with a log, in words that follow its name; empty if nothing is but perhaps a torn last commit."""
    generation = _generation(log)
    if generation is None:
        promised = promise(index)
        if len(log) >= _HEADER.size + _FRAME.size + _SMALLEST_PAGE:
            return "has a damaged header"
        if promised and promised.frames:
            return f"lacks {promised.frames} committed pages{_RESTORED}"
        return ""
    whole, committed = _valid(log, generation)
    if _commits_follow(log, generation, whole):
        return f"is damaged at page {whole + 1}, and later commits follow"
    promised = promise(index)
    if promised and promised.salts == generation.salts and committed < promised.frames:
        return f"is damaged or cut off after page {whole} of {promised.frames} that were committed{_RESTORED}"
    return ""


def promise(index: bytes) -> Promise | None:
    """What the index (the beginning of the `-shm` file) says of its log; None if it was not left whole."""
    if len(index) < 96 or index[:48] != index[48:96]:
        return None
    sums = struct.unpack_from("=2I", index, _INDEX_CHECKED)
    if _checksum(index[:_INDEX_CHECKED], (0, 0), "=") != sums:
        return None
    (frames,) = struct.unpack_from("=I", index, 16)
    first, second = struct.unpack_from(">2I", index, 32)
    return Promise((first, second), frames)


def reaches(log: BinaryIO, size: int) -> bool:
    """Whether the log's newest generation has as many bytes; the file keeps the length of its longest one."""
    header = log.read(_HEADER.size)
    if len(header) < _HEADER.size:
        return False
    stride = _FRAME.size + int.from_bytes(header[8:12], "big")
    log.seek(_HEADER.size + size // stride * stride)
    frame = log.read(_FRAME.size)
    return len(frame) == _FRAME.size and frame[8:16] == header[16:24]


class _Generation(NamedTuple):
    """A log's header: what all its frames share."""

    order: str
    page_size: int
    salts: _Sums
    sums: _Sums

    @property
    def stride(self) -> int:
        """Bytes from one frame to the next."""
        return _FRAME.size + self.page_size

    def frames(self, log: bytes) -> int:
        """How many whole frames the log has room for."""
        return (len(log) - _HEADER.size) // self.stride


def _generation(log: bytes) -> _Generation | None:
    """The header, None if it is not valid."""
    if len(log) < _HEADER.size:
        return None
    magic, _, page_size, _, *salts, first, second = _HEADER.unpack_from(log)
    order = ">" if magic & 1 else "<"
    sums = _checksum(log[: _HEADER.size - 8], (0, 0), order)
    if magic & ~1 != _MAGIC or sums != (first, second):
        return None
    return _Generation(order, page_size, (salts[0], salts[1]), sums)


def _valid(log: bytes, generation: _Generation) -> tuple[int, int]:
    """How many frames from the first on are whole, and how many of them commits have ended with."""
    sums, committed = generation.sums, 0
    for number in range(generation.frames(log)):
        start = _HEADER.size + number * generation.stride
        page, commit, *salts, first, second = _FRAME.unpack_from(log, start)
        body = start + _FRAME.size
        sums = _checksum(log[start : start + 8], sums, generation.order)
        sums = _checksum(log[body : start + generation.stride], sums, generation.order)
        if tuple(salts) != generation.salts or sums != (first, second) or not page:
            return number, committed
        if commit:
            committed = number + 1
    return generation.frames(log), committed


def _commits_follow(log: bytes, generation: _Generation, start: int) -> bool:
    """Whether, from a frame on, one commit of this generation ends and another one begins."""
    ended = False
    for number in range(start, generation.frames(log)):
        _, commit, first, second, _, _ = _FRAME.unpack_from(log, _HEADER.size + number * generation.stride)
        # Either salt will do: one of them may be what is damaged. An older generation differs in both.
        if first != generation.salts[0] and second != generation.salts[1]:
            continue
        if ended:
            return True
        ended = bool(commit)
    return False


def _checksum(data: bytes, sums: _Sums, order: str) -> _Sums:
    first, second = sums
    words = iter(struct.unpack(f"{order}{len(data) // 4}I", data))
    for even, odd in zip(words, words, strict=True):
        first = (first + even + second) & _MASK
        second = (second + odd + first) & _MASK
    return first, second
