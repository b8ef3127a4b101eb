"""Memory: how much a fit may take, asking for it before it is needed, and giving back what was freed."""

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

FREE_SHARE = 0.75  # of what is free, taken where no limit is given
LEAST_LIMIT = 16 << 20
CGROUP = Path("/sys/fs/cgroup")
_SIZE = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([KMGT]?)(i?)B?\s*", re.IGNORECASE)


def check_memory(value: object) -> int:
    """Return a memory limit in bytes: of a number, of a text like '4 GB' or '512MiB', or of None."""
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
    """Bytes that this process may still take: what the machine has free, or the container it runs in."""
    free = int(psutil.virtual_memory().available)
    try:
        most, used = ((CGROUP / name).read_text() for name in ("memory.max", "memory.current"))
    except OSError:
        return free
    return min(free, int(most) - int(used)) if most.strip().isdigit() else free


def require(what: str, needed: int, limit: int) -> None:
    """Raise before something is begun that does not fit, and say what it takes."""
    if needed > limit:
        raise InputError(
            f"{what} take {size_text(needed)}, but memory_limit is {size_text(limit)}. "
            "Give more, or cluster fewer articles at a time (by month, say)."
        )


def size_text(size: int) -> str:
    """Bytes as people write them: '1.5 GB'."""
    power = min((len(str(size)) - 1) // 3, 3)
    return f"{size / 1000**power:.3g} {('bytes', 'KB', 'MB', 'GB')[power]}"


def release_memory() -> None:
    """Hand freed memory back to the system at once.

    The allocator of Linux keeps what threads have freed for later, a gigabyte for some hundred thousand
    articles; what comes next would lie on top of it.
    """
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # musl has none
        if trim is not None:
            trim(0)


@contextlib.contextmanager
def paused_gc() -> Iterator[None]:
    """Keep the collector of cycles from looking through all objects again with every few made.

    Articles and stories are in no cycle, so that nothing is held back; whoever has switched it off finds it
    off.
    """
    on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if on:
            gc.enable()
