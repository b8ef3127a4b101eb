"""Files of named arrays, which stages write and from which other stages read any range of rows.

A file holds a magic number, the length of its header, the header (JSON: metadata, and the type, shape and
offset of each array) and the arrays.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import orjson

from storyclust.distributed.files import filesystem, open_for_writing

if TYPE_CHECKING:
    from numpy.typing import NDArray

MAGIC = b"storyclust.a1\0\0\0"
PREFIX_BYTES = 24  # magic number and length of the header
HEADER_BYTES = 1 << 12  # read first; a longer header takes a second read
LOCAL_GAP = 1 << 11  # ranges at most so many bytes apart are read together
REMOTE_GAP = 1 << 18  # the same where each read is a request over a network
ROWS_AT_ONCE = 1 << 20  # range of rows that `ArrayFile.take_sorted` reads at once

T = TypeVar("T", bound=tuple[Any, ...])


class ReadCounter(threading.local):
    """Bytes of arrays read by this thread since the counter was set to 0."""

    n_bytes = 0


reads = ReadCounter()


def write_arrays(
    address: str,
    arrays: Mapping[str, NDArray[Any]],
    metadata: Mapping[str, Any] | None = None,
    *,
    tail: tuple[str, int, Iterable[NDArray[np.uint64]]] | None = None,
) -> None:
    """Write named arrays and metadata; `tail` is a last, long array: its name, its length and its chunks."""
    contiguous = {name: np.ascontiguousarray(values) for name, values in arrays.items()}
    layout, offset = {}, 0
    for name, values in contiguous.items():
        layout[name] = [values.dtype.str, list(values.shape), offset]
        offset += values.nbytes
    if tail:
        layout[tail[0]] = [np.dtype(np.uint64).str, [tail[1]], offset]
    header = orjson.dumps({"metadata": dict(metadata or {}), "arrays": layout})
    with open_for_writing(address) as file:
        file.write(MAGIC + len(header).to_bytes(8, "little") + header)
        for values in (*contiguous.values(), *(tail[2] if tail else ())):
            file.write(values.reshape(-1).view(np.uint8).data)


class ArrayFile:
    """A file of arrays, open for reading.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> import numpy as np
    >>> from storyclust.distributed.array_files import ArrayFile, write_arrays
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = str(pathlib.Path(folder, "a"))
    ...     write_arrays(path, {"rows": np.arange(9)}, {"shard": 3})
    ...     with ArrayFile(path) as file:
    ...         file.metadata["shard"], file["rows"][-1].item(), file.read("rows", 2, 4).tolist()
    (3, 8, [2, 3])
    """

    def __init__(self, address: str) -> None:
        fs, path = filesystem(address)
        self.file = fs.open_input_file(path)
        self.gap = REMOTE_GAP if "://" in address else LOCAL_GAP
        start = self.file.read_at(HEADER_BYTES, 0)
        self._data = PREFIX_BYTES + int.from_bytes(start[16:PREFIX_BYTES], "little")
        if self._data > HEADER_BYTES:
            start += self.file.read_at(self._data - HEADER_BYTES, HEADER_BYTES)
        header = orjson.loads(start[PREFIX_BYTES : self._data])
        self.metadata: dict[str, Any] = header["metadata"]
        self.layout: dict[str, Any] = header["arrays"]

    def __enter__(self) -> ArrayFile:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.file.close()

    def length(self, name: str) -> int:
        """Return the number of rows of an array."""
        return int(self.layout[name][1][0])

    def __getitem__(self, name: str) -> NDArray[Any]:
        return self.read(name, 0, self.length(name))

    def read(self, name: str, start: int, stop: int) -> NDArray[Any]:
        """Read the rows from `start` up to `stop` of an array."""
        kind, shape, offset = self.layout[name]
        dtype = np.dtype(kind)
        width = dtype.itemsize * int(np.prod(shape[1:], dtype=np.int64))
        size = (stop - start) * width
        reads.n_bytes += size
        data = self.file.read_at(size, self._data + offset + start * width) if size else b""
        return np.frombuffer(data, dtype).reshape([stop - start, *shape[1:]])

    def take(self, name: str, rows: NDArray[np.int64]) -> NDArray[Any]:
        """Read some rows of an array, in the given order."""
        values = self.read_ranges(name, rows, rows + 1)
        return values.reshape([len(rows), *self.layout[name][1][1:]])

    def take_sorted(self, name: str, rows: NDArray[np.int64]) -> NDArray[Any]:
        """Read ascending rows of a long array: in ranges of `ROWS_AT_ONCE`, with all rows between."""
        kind, shape, _ = self.layout[name]
        out = np.empty([len(rows), *shape[1:]], np.dtype(kind))
        start = 0
        while start < len(rows):
            first = int(rows[start])
            stop = int(np.searchsorted(rows, first + ROWS_AT_ONCE))
            out[start:stop] = self.read(name, first, int(rows[stop - 1]) + 1)[rows[start:stop] - first]
            start = stop
        return out

    def read_ranges(self, name: str, starts: NDArray[np.int64], stops: NDArray[np.int64]) -> NDArray[Any]:
        """Read many ranges of rows, concatenated in the given order."""
        kind, shape, _ = self.layout[name]
        out = np.empty([int((stops - starts).sum()), *shape[1:]], np.dtype(kind))
        ends = np.cumsum(stops - starts)
        gap = max(
            1, self.gap * max(1, shape[0]) // max(1, out.dtype.itemsize * int(np.prod(shape, dtype=np.int64)))
        )
        order = np.argsort(starts, kind="stable")
        for near in _coalesce_ranges(starts[order], stops[order], gap):
            chosen = order[near]
            first = int(starts[chosen[0]])
            block = self.read(name, first, int(stops[chosen].max()))
            for k in chosen.tolist():
                size = int(stops[k] - starts[k])
                at = int(starts[k]) - first
                out[ends[k] - size : ends[k]] = block[at : at + size]
        return out


def _coalesce_ranges(starts: NDArray[np.int64], stops: NDArray[np.int64], gap: int) -> list[slice]:
    """Group ranges, sorted by their starts, that are at most `gap` rows apart."""
    if not len(starts):
        return []
    cuts = np.flatnonzero(starts[1:] - np.maximum.accumulate(stops)[:-1] > gap) + 1
    bounds = [0, *cuts.tolist(), len(starts)]
    return [slice(a, b) for a, b in pairwise(bounds)]


# Other values as arrays ------------------------------------------------------------------------


def pack_texts(name: str, texts: list[str]) -> dict[str, NDArray[Any]]:
    """Return texts as two arrays: their bytes, and where each begins."""
    encoded = [text.encode("utf-8", "surrogatepass") for text in texts]
    bounds = np.append(0, np.cumsum([len(text) for text in encoded])).astype(np.int64)
    return {name: np.frombuffer(b"".join(encoded), np.uint8), f"{name}.bounds": bounds}


def read_texts(file: ArrayFile, name: str, rows: NDArray[np.int64]) -> list[str]:
    """Read some packed texts, in the given order."""
    starts, stops = file.take(f"{name}.bounds", rows), file.take(f"{name}.bounds", rows + 1)
    data = file.read_ranges(name, starts, stops).tobytes()
    ends = np.cumsum(stops - starts).tolist()
    return [
        data[end - size : end].decode("utf-8", "surrogatepass")
        for end, size in zip(ends, (stops - starts).tolist(), strict=True)
    ]


def pack_ragged(name: str, parts: Sequence[NDArray[np.int64]]) -> dict[str, NDArray[Any]]:
    """Return arrays of different lengths as two: the concatenated values, and their bounds."""
    bounds = np.append(0, np.cumsum([len(part) for part in parts])).astype(np.int64)
    return {name: np.concatenate([np.empty(0, np.int64), *parts]), f"{name}.bounds": bounds}


def split_ragged(values: NDArray[np.int64], bounds: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """Split concatenated arrays at their bounds."""
    return [values[a:b] for a, b in pairwise(bounds)]


def pack_tuple(name: str, value: Any) -> dict[str, NDArray[Any]]:
    """Return the arrays of a named tuple, each under `name` and the name of its field."""
    return {f"{name}.{field}": values for field, values in value._asdict().items()}


def read_tuple(file: ArrayFile, name: str, kind: type[T]) -> T:
    """Read a packed named tuple of arrays."""
    return kind(*(file[f"{name}.{field}"] for field in _fields(kind)))


def pack_partitions(name: str, parts: Sequence[T]) -> dict[str, NDArray[Any]]:
    """Return several named tuples of arrays concatenated, so that any of them can be read by itself."""
    fields = _fields(type(parts[0]))
    arrays = {
        f"{name}.{field}": np.concatenate(column)
        for field, column in zip(fields, zip(*parts, strict=True), strict=True)
    }
    lengths = np.array([[len(values) for values in part] for part in parts], np.int64)
    zeros = np.zeros((1, len(fields)), np.int64)
    return arrays | {f"{name}.bounds": np.concatenate((zeros, np.cumsum(lengths, axis=0)))}


def read_partition(file: ArrayFile, name: str, kind: type[T], number: int) -> T:
    """Read one of the named tuples of `pack_partitions`, or those of its fields that `kind` has."""
    starts, stops = file.read(f"{name}.bounds", number, number + 2).tolist()
    columns = [column for column in file.layout if column.startswith(f"{name}.")][: len(starts)]
    ranges = dict(zip(columns, zip(starts, stops, strict=True), strict=True))
    return kind(*(file.read(column, *ranges[column]) for column in (f"{name}.{f}" for f in _fields(kind))))


def read_partitions(addresses: Iterable[str], name: str, kind: type[T], number: int) -> list[T]:
    """Read the same partition of several files."""
    parts = []
    for address in addresses:
        with ArrayFile(address) as file:
            parts.append(read_partition(file, name, kind, number))
    return parts


def _fields(kind: type[T]) -> Sequence[str]:
    fields: Sequence[str] = kind._fields  # type: ignore[attr-defined]  # of a named tuple
    return fields
