"""What a process holds on to."""

import platform
import subprocess
import sys

import pytest

GROW_AND_SETTLE = """
import gc
from sentinel import memory

def resident():
    with open("/proc/self/statm") as sizes:
        return int(sizes.read().split()[1]) * 4096

made = [bytes(1_000) for _ in range(40_000)]
kept = made[::1_000] + made[-1:]
del made
before = resident()
memory.settle()
print(before - resident(), gc.get_freeze_count())
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the call that gives memory back is glibc's")
def test_what_is_free_goes_back_to_the_system_and_what_stays_is_left_alone() -> None:
    """The last record, which is kept, is why the allocator does not give back the rest by itself."""
    output = subprocess.run([sys.executable, "-c", GROW_AND_SETTLE], capture_output=True, text=True, check=True).stdout
    given_back, frozen = map(int, output.split())
    assert given_back > 20_000_000
    assert frozen > 1_000
