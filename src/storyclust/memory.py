"""Memory: how much there is, how much of it a fit may take, and giving back what was freed."""

from __future__ import annotations

import ctypes
import sys


def give_back() -> None:
    """Hand freed memory back to the system at once.

    The allocator of Linux keeps what threads have freed for later, a gigabyte for some hundred thousand
    articles; what comes next would lie on top of it.
    """
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # musl has none
        if trim is not None:
            trim(0)
