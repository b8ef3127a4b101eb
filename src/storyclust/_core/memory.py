"""Memory limits: parsing, checks before allocation, and returning freed memory to the system."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import numbers
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil

from storyclust.errors import InputError

FREE_SHARE = 0.75  # of the free memory: the default limit
LEAST_LIMIT = 16 << 20
CGROUP = Path("/sys/fs/cgroup")
_SIZE = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([KMGT]?)(i?)B?\s*", re.IGNORECASE)


def check_memory(value: object) -> int:
    """Return a memory limit in bytes, given a number, a text such as '4 GB' or '512MiB', or None."""
    if value is None:
        return max(int(FREE_SHARE * free_memory()), LEAST_LIMIT)
    size = _SIZE.fullmatch(value) if isinstance(value, str) else None
    if size:
        number, unit, binary = size.groups()
        power = "KMGT".find(unit.upper()) + 1 if unit else 0
        limit = float(number) * (1024**power if binary else 1000**power)
    elif isinstance(value, numbers.Real) and not isinstance(value, bool):
        limit = float(value)
    else:
        raise InputError(f"memory_limit must be bytes, or a text like '4GB', got {value!r}.")
    if not LEAST_LIMIT <= limit < 1 << 60:
        raise InputError(f"memory_limit must be {size_text(LEAST_LIMIT)} or more, got {value!r}.")
    return int(limit)


def free_memory() -> int:
    """Bytes available to this process: free memory of the machine or of its container."""
    free = int(psutil.virtual_memory().available)
    try:
        most, used = ((CGROUP / name).read_text() for name in ("memory.max", "memory.current"))
    except OSError:
        return free
    return min(free, int(most) - int(used)) if most.strip().isdigit() else free


def require_memory(what: str, needed: int, limit: int) -> None:
    """Raise if `what` needs more bytes than the limit."""
    if needed > limit:
        raise InputError(
            f"{what} take {size_text(needed)}, but memory_limit is {size_text(limit)}. "
            "Give more, or cluster fewer articles at a time (by month, say)."
        )


def size_text(size: int) -> str:
    """Format a number of bytes, as in '1.5 GB'."""
    power = min((len(str(size)) - 1) // 3, 3)
    return f"{size / 1000**power:.3g} {('bytes', 'KB', 'MB', 'GB')[power]}"


def release_memory() -> None:
    """Return freed memory to the operating system.

    The Linux allocator keeps memory that threads have freed, a gigabyte for some hundred thousand articles;
    later allocations would add to it.
    """
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # musl has none
        if trim is not None:
            trim(0)


@contextlib.contextmanager
def paused_gc() -> Iterator[None]:
    """Disable the cyclic garbage collector, which would traverse all articles again and again.

    Articles and stories form no cycles, so that nothing is leaked. The previous state is restored.
    """
    on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if on:
            gc.enable()
