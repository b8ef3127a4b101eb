"""A lock between processes, so that each function is compiled by one of them and loaded by the others.

Processes that start together on one machine (test workers, workers of a cluster, commands in parallel) need
the same functions. Without a lock each of them would compile all.
"""

from __future__ import annotations

import contextlib
import functools
import os
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path

if sys.platform != "win32":
    import fcntl

LOCK_FILE = "storyclust-kernels.lock"


@contextlib.contextmanager
def compile_lock(folder: str, name: str) -> Iterator[None]:
    """Hold the lock of a function while it is looked for in the cache in `folder`, or compiled.

    A function that is compiled inside has a lock of its own. No deadlock can arise, for no function calls
    itself by way of others. Where there is no such lock (Windows, a folder that cannot be written, a network
    share), nothing is locked, and functions may be compiled more than once.
    """
    number, place = _lock_file(folder), zlib.crc32(name.encode())
    if number is None:
        yield
        return
    locked = False
    with contextlib.suppress(OSError):
        fcntl.lockf(number, fcntl.LOCK_EX, 1, place)
        locked = True
    try:
        yield
    finally:
        if locked:
            with contextlib.suppress(OSError):
                fcntl.lockf(number, fcntl.LOCK_UN, 1, place)


@functools.cache
def _lock_file(folder: str) -> int | None:
    """Descriptor of the lock file. It stays open: closing it would release all locks of the process."""
    if sys.platform == "win32":
        return None
    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
        return os.open(Path(folder, LOCK_FILE), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    except OSError:
        return None
