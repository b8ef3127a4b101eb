"""Files beside a store that hold arrays of its index: written as a whole, mapped into memory when read.

The folder has the name of the store with ``-index`` appended. It holds ``manifest.json``, which names the
arrays and has a checksum, and files of arrays. A manifest is replaced only when all that it names is on the
disk, so a process may be killed at any moment. Without the folder, or with a damaged one, the store reads its
tables instead.

Large arrays are mapped copy-on-write: only what is touched is read, and nothing that is changed in memory
gets into the files. An array that only grows is appended to, and its file has room for more at its end, so
that it can grow in memory without being copied.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import mmap
import os
import uuid
import weakref
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

FORMAT = 1
MANIFEST = "manifest.json"
LARGE = 8 << 20  # bytes from which an array has a file of its own, which is mapped
ROOM = 0.25  # of the size of an array that grows, left free at the end of its file
DTYPES = {"<i4", "<i8", "<u4", "<u8", "<f8", "|b1", "<f4"}


class Place(NamedTuple):
    """Where an array is: its file and first byte, its type and number of elements."""

    file: str
    start: int
    dtype: str
    size: int


class Contents(NamedTuple):
    """What a folder holds."""

    header: dict[str, Any]
    arrays: dict[str, NDArray[Any]]
    buffers: dict[str, NDArray[Any]]  # those of arrays that grow, with the room behind them


class IndexFiles:
    """The folder of a store, and which of its files hold arrays that are in memory.

    Parameters
    ----------
    store : str or path-like
        The file of the store.
    """

    def __init__(self, store: str | os.PathLike[str]) -> None:
        self.folder = Path(f"{os.path.realpath(store)}-index")
        self._id = ""
        self._places: dict[str, Place] = {}
        self._arrays: dict[str, weakref.ref[NDArray[Any]]] = {}

    def read(self) -> Contents | None:
        """Map the arrays; None if there are none, or if they are damaged."""
        try:
            manifest = self._read_manifest()
            places = {name: Place(*each) for name, each in manifest["arrays"].items()}
            arrays, buffers = {}, {}
            for name, place in places.items():
                arrays[name], buffers[name] = self._read_array(place)
            header = manifest["header"]
        except (OSError, ValueError, TypeError, KeyError, OverflowError):
            return None
        self._remember(manifest["id"], places, arrays)
        return Contents(header, arrays, buffers)

    def write(self, header: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]], growing: set[str]) -> bool:
        """Write arrays; returns whether it was possible.

        Parameters
        ----------
        header : mapping
            For the manifest.
        arrays : mapping of str to array
            One-dimensional. Those that were read or written before are not written again.
        growing : set of str
            Names of arrays that have only grown since they were read or written.
        """
        try:
            self.folder.mkdir(exist_ok=True)
            with contextlib.suppress(OSError, ValueError, KeyError):
                if self._read_manifest()["id"] != self._id:
                    self._places = {}  # another process has replaced what was read
            tag = uuid.uuid4().hex[:12]
            places = dict(self._place_all(tag, arrays, growing))
            self._write_manifest({"format": FORMAT, "id": tag, "header": header, "arrays": places})
        except OSError:
            self._delete_others()
            return False
        self._remember(tag, places, arrays)
        self._delete_others()
        return True

    def _remember(self, name: str, places: dict[str, Place], arrays: Mapping[str, NDArray[Any]]) -> None:
        self._id, self._places = name, places
        self._arrays = {name: weakref.ref(array) for name, array in arrays.items()}

    # Reading

    def _read_manifest(self) -> Any:
        checksum, _, text = (self.folder / MANIFEST).read_bytes().partition(b"\n")
        if hashlib.sha256(text).hexdigest().encode() != checksum:
            raise ValueError("checksum")
        manifest = json.loads(text)
        if manifest["format"] != FORMAT:
            raise ValueError("format")
        return manifest

    def _read_array(self, place: Place) -> tuple[NDArray[Any], NDArray[Any]]:
        if place.dtype not in DTYPES or Path(place.file).name != place.file:
            raise ValueError("manifest")
        dtype = np.dtype(place.dtype)
        needed = place.size * dtype.itemsize
        with (self.folder / place.file).open("rb") as file:
            length = os.fstat(file.fileno()).st_size
            if place.start + needed > length:
                raise ValueError("cut short")
            if needed < LARGE:
                file.seek(place.start)
                small: NDArray[Any] = np.frombuffer(bytearray(file.read(needed)), dtype)
                return small, small
            mapped = mmap.mmap(file.fileno(), length, access=mmap.ACCESS_COPY)
        buffer: NDArray[Any] = np.frombuffer(mapped, dtype, length // dtype.itemsize)
        return buffer[: place.size], buffer

    # Writing

    def _place_all(
        self, tag: str, arrays: Mapping[str, NDArray[Any]], growing: set[str]
    ) -> Iterator[tuple[str, Place]]:
        """Write what is not there yet; yields the place of each array."""
        with self._new_file(f"{tag}-small") as small:
            for number, (name, array) in enumerate(arrays.items()):
                before = self._places.get(name)
                if array.nbytes < LARGE:
                    yield name, Place(f"{tag}-small", small.tell(), array.dtype.str, len(array))
                    small.write(np.ascontiguousarray(array).data)
                elif before and name in self._arrays and self._arrays[name]() is array:
                    yield name, before
                elif before and name in growing and self._has_room(before, array):
                    yield name, self._append(before, array)
                else:
                    room = int(ROOM * array.nbytes) if name in growing else 0
                    with self._new_file(f"{tag}-{number}") as file:
                        file.write(array.data)
                        file.truncate(array.nbytes + room)
                    yield name, Place(f"{tag}-{number}", 0, array.dtype.str, len(array))

    @contextlib.contextmanager
    def _new_file(self, name: str) -> Iterator[IO[bytes]]:
        with (self.folder / name).open("wb") as file:
            yield file
            _to_disk(file)

    def _has_room(self, place: Place, array: NDArray[Any]) -> bool:
        with contextlib.suppress(OSError):
            is_large = place.size * array.itemsize >= LARGE
            return is_large and array.nbytes <= (self.folder / place.file).stat().st_size
        return False

    def _append(self, place: Place, array: NDArray[Any]) -> Place:
        with (self.folder / place.file).open("r+b") as file:
            file.seek(place.size * array.itemsize)
            file.write(array[place.size :].data)
            _to_disk(file)
        return place._replace(size=len(array))

    def _write_manifest(self, manifest: Mapping[str, Any]) -> None:
        text = json.dumps(manifest).encode()
        part = self.folder / f"{manifest['id']}-manifest"
        with part.open("wb") as file:
            file.write(hashlib.sha256(text).hexdigest().encode() + b"\n" + text)
            _to_disk(file)
        _sync_folder(self.folder)
        part.replace(self.folder / MANIFEST)
        _sync_folder(self.folder)

    def _delete_others(self) -> None:
        """Delete the files that the manifest does not name, as of a write that failed."""
        kept = {MANIFEST}
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            kept |= {place[0] for place in self._read_manifest()["arrays"].values()}
        with contextlib.suppress(OSError):
            for path in list(self.folder.iterdir()):
                if path.name not in kept:
                    with contextlib.suppress(OSError):  # on Windows it may be mapped by a process
                        path.unlink()


def _to_disk(file: IO[bytes]) -> None:
    file.flush()
    os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    """Write the names of files to the disk, where that can be asked for."""
    if os.name == "posix":
        number = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(number)
        finally:
            os.close(number)
