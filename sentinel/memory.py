"""Memory that has come to rest after thousands of records were made at once."""

import ctypes
import gc

_trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
"""Of glibc; other allocators have no such call, or need none."""


def settle() -> None:
    """What is there stays, and is not looked at for cycles any more; what is free goes back to the system."""
    gc.collect()
    gc.freeze()
    if _trim is not None:
        _trim(0)
