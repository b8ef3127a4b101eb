"""The writers' lock: a lock file beside a store that names the process that holds it."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from storyclust.errors import StoreBusyError, StoreError
from storyclust.store.encoding import from_stamp, to_stamp

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

TIMEOUT = 30.0  # seconds
LOCKED_BYTE = 1 << 30  # beyond the content, for on Windows a locked byte cannot be read
FIRST_PAUSE, LONGEST_PAUSE = 0.01, 0.2  # seconds between two attempts


@contextlib.contextmanager
def writers_lock(name: str, timeout: float) -> Iterator[None]:
    """Hold the writers' lock. It is a lock of the operating system, which a killed process releases.

    The lock file is never deleted: a process that opened it before could then lock it beside another one.
    """
    place = Path(f"{os.path.realpath(name)}-writer")
    try:
        number = os.open(place, os.O_RDWR | os.O_CREAT, 0o666)
    except OSError as error:
        raise StoreError(f"{name} cannot be written: {place} cannot be opened ({error.strerror}).") from error
    with os.fdopen(number, "r+b", buffering=0) as file:
        _wait_for(file, name, timeout)
        try:
            with contextlib.suppress(OSError):  # on a full disk the lock is anonymous
                file.truncate()
                file.write(json.dumps(_this_process()).encode())
            yield
        finally:
            with contextlib.suppress(OSError):
                file.truncate(0)
            _unlock(file)


def _this_process() -> dict[str, Any]:
    return {
        "pid": os.getpid(),
        "host": socket.gethostname(),
        "since": to_stamp(datetime.now(UTC)),
        "command": " ".join([*(Path(name).name for name in sys.argv[:1]), *sys.argv[1:2]])[:100],
    }


def _wait_for(file: Any, name: str, timeout: float) -> None:
    end, pause = time.monotonic() + timeout, FIRST_PAUSE
    while not _lock(file):
        if time.monotonic() >= end:
            file.seek(0)
            raise StoreBusyError(f"{name} is being written by {_holder(file.read(10_000))} "
                                 f"(waited {timeout:g} s); try again later.")  # fmt: skip
        time.sleep(max(0.0, min(pause, end - time.monotonic())))
        pause = min(2 * pause, LONGEST_PAUSE)


def _holder(written: bytes) -> str:
    try:
        holder = json.loads(written)
        since = f"{from_stamp(holder['since']):%Y-%m-%d %H:%M} UTC"
        return f"process {holder['pid']} ({holder['command']}) on host {holder['host']} since {since}"
    except (ValueError, TypeError, KeyError):  # it has not written its name yet
        return "another process"


def _lock(file: Any) -> bool:
    """Take the lock if it is free. On a file system without locks, only SQLite's own lock remains."""
    try:
        if sys.platform == "win32":
            file.seek(LOCKED_BYTE)
            try:
                msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
            finally:
                file.seek(0)
        else:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    except OSError:
        return True
    return True


def _unlock(file: Any) -> None:
    """Unlock explicitly, for a forked process may keep the file open."""
    with contextlib.suppress(OSError):
        if sys.platform == "win32":
            file.seek(LOCKED_BYTE)
            msvcrt.locking(file.fileno(), msvcrt.LK_UNLCK, 1)
        else:
            fcntl.flock(file, fcntl.LOCK_UN)
