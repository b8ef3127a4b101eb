"""Files that every worker can reach: by their address, on any filesystem that pyarrow or fsspec knows.

An address is a path of this machine or a URI such as ``s3://bucket/folder/a.jsonl``. It is all that travels
between workers. What stages leave for one another are files of named arrays, of which any part can be read.
"""

from __future__ import annotations

import functools
import io
import os
import posixpath
import re
import secrets
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from itertools import pairwise
from types import TracebackType
from typing import IO, TYPE_CHECKING, Any, NamedTuple
from urllib.parse import parse_qsl, quote

import numpy as np
import orjson

from storyclust.errors import InputError, MissingExtraError

if TYPE_CHECKING:
    from numpy.typing import NDArray

MAGIC = b"storyclust.a1\0\0\0"
GAP = 1 << 11  # bytes between two rows that are rather read than skipped
FAR = 1 << 18  # the same where every reading is a request over a network
BUFFER = 1 << 20
PICKED = 1 << 20  # rows that are read at once of a long array
SPOOL = 16 << 20  # bytes for an object store that are held in memory; more wait in a temporary file
HEAD = 1 << 12  # bytes read at first of a file of arrays
OBJECTS = ("abfs", "gcs", "s3")  # where a file appears when it is closed, and renaming copies it
PYARROW = ("abfs", "abfss", "file", "gcs", "gs", "hdfs", "s3", "viewfs")  # what it knows without fsspec

_URI = re.compile(r"(?s)([a-zA-Z][\w+.-]*)://([^/?]*)(?:\?([^/]*))?(.*)")


def address_of(path: str | os.PathLike[str]) -> str:
    """Return what a path is called on every machine: a path made absolute, a URI with its query first.

    A query says how the storage is reached, and so stands behind its name: what comes after it can be cut and
    joined as any path can.

    Examples
    --------
    >>> from storyclust.distributed.files import address_of
    >>> address_of("s3://news/2024/?scheme=http&endpoint_override=localhost:9000")
    's3://news?scheme=http&endpoint_override=localhost:9000/2024/'
    >>> address_of("s3://news/2024/part-?.jsonl")
    's3://news/2024/part-?.jsonl'
    """
    name = os.fspath(path)
    if "://" not in name:
        return os.path.abspath(name)  # noqa: PTH100 - links stay as they are
    if not (query := re.search(r"\?[\w.-]+=", name)) or _parts(name)[2]:
        return name
    scheme, place, _, rest = _parts(name[: query.start()])
    return f"{scheme}://{place}?{quote(name[query.start() + 1 :], safe='=&:,+%')}{rest}"


def _parts(uri: str) -> tuple[str, str, str, str]:
    """Scheme, place, query and path of a URI."""
    found = _URI.fullmatch(uri)
    if found is None:
        raise InputError(f"{uri} is not an address: it should look like s3://bucket/folder.")
    scheme, place, query, path = found.groups(default="")
    return scheme, place, query, path


def cut(uri: str) -> tuple[str, str]:
    """Cut an address that is a URI into its storage and the path there."""
    path = _parts(uri)[3]
    return uri[: len(uri) - len(path)], path


def joined(folder: str, *names: str) -> str:
    """Address of something inside a folder."""
    return posixpath.join(folder, *names) if "://" in folder else os.path.join(folder, *names)  # noqa: PTH118


def filesystem(address: str) -> tuple[Any, str]:
    """Return the filesystem of an address, and the path there."""
    if "://" not in address:
        return _local(), address
    scheme, place, query, path = _parts(address)
    found, base = _remote(scheme, place, query)
    return found, base.rstrip("/") + path


@functools.cache
def _local() -> Any:
    return _fs().LocalFileSystem()


@functools.cache
def _remote(scheme: str, place: str, query: str) -> tuple[Any, str]:
    root = f"{scheme}://{place}/"
    if scheme == "s3" and "allow_delayed_open" not in query:  # a small file takes one request then, not three
        query = f"{query}&allow_delayed_open=true".lstrip("&")
    try:
        if scheme not in PYARROW:
            return _by_fsspec(root.removeprefix("fsspec+"), dict(parse_qsl(query)))
        found, base = _fs().FileSystem.from_uri(root + (f"?{query}" if query else ""))
    except (ValueError, OSError, ImportError) as error:
        raise InputError(f"{root} cannot be reached: {error}.") from error
    return found, base


def _by_fsspec(root: str, options: dict[str, str]) -> tuple[Any, str]:
    """Filesystems that pyarrow does not know, of which there are many."""
    try:
        import fsspec
    except ImportError:
        raise ImportError("pyarrow does not know it, and fsspec is not installed") from None
    found, base = fsspec.url_to_fs(root, **options)
    return _fs().PyFileSystem(_fs().FSSpecHandler(found)), base


def _fs() -> Any:
    try:
        from pyarrow import fs
    except ImportError:
        raise MissingExtraError("working on shards", "ray") from None
    return fs


class Found(NamedTuple):
    """A file that is there."""

    address: str
    size: int
    changed: int  # nanoseconds


def look_up(address: str) -> Found | None:
    """Return the file at an address, if there is one."""
    found, path = filesystem(address)
    info = found.get_file_info(path)
    return Found(address, info.size, info.mtime_ns or 0) if info.is_file else None


def files_in(folder: str) -> list[Found]:
    """List the files in a folder and below, by name; hidden ones are left out."""
    fs, path = filesystem(folder)
    infos = fs.get_file_info(_fs().FileSelector(path, recursive=True, allow_not_found=True))
    inside = sorted((posixpath.relpath(info.path, path), info) for info in infos if info.is_file)
    visible = [(name, info) for name, info in inside if not any(p[:1] == "." for p in name.split("/"))]
    return [Found(joined(folder, name), info.size, info.mtime_ns or 0) for name, info in visible]


def remove_file(address: str) -> None:
    """Remove a file."""
    found, path = filesystem(address)
    found.delete_file(path)


def remove_folder(folder: str) -> None:
    """Remove a folder with all that is in it."""
    found, path = filesystem(folder)
    if found.get_file_info(path).type == _fs().FileType.Directory:
        found.delete_dir(path)


@contextmanager
def reading(address: str) -> Iterator[Any]:
    """Open a file for reading, from any place in it."""
    found, path = filesystem(address)
    with found.open_input_file(path) as file:
        yield file


@contextmanager
def writing(address: str) -> Iterator[IO[bytes]]:
    """Open a file that takes its place only when it is whole.

    It is written beside and renamed: a worker that is killed leaves a hidden file of a name of its own, which
    nobody reads. For an object store it is put together here and then sent: there nothing is seen of a file
    before all of it has come.
    """
    found, path = filesystem(address)
    if found.type_name in OBJECTS:
        with tempfile.SpooledTemporaryFile(SPOOL) as whole:
            yield whole
            whole.seek(0)
            _send(found, path, whole)
        return
    folder, name = posixpath.split(path)
    found.create_dir(folder, recursive=True)
    beside = posixpath.join(folder, f".{name}-{secrets.token_hex(8)}.tmp")
    try:
        with found.open_output_stream(beside) as raw, io.BufferedWriter(_Sink(raw), BUFFER) as file:
            yield file
        found.move(beside, path)
    except BaseException:
        if found.get_file_info(beside).is_file:
            found.delete_file(beside)
        raise


def _send(fs: Any, path: str, whole: IO[bytes]) -> None:
    """Store an object."""
    try:
        with fs.open_output_stream(path) as target:
            shutil.copyfileobj(whole, target, BUFFER)
    except BaseException:
        if fs.get_file_info(path).is_file:  # closing the stream has stored what had come
            fs.delete_file(path)
        raise


class _Sink(io.RawIOBase):
    """What pyarrow writes to, as Python's own files are."""

    def __init__(self, raw: Any) -> None:
        self.raw = raw

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self.raw.write(data)
        return len(data)


def write_json(address: str, value: Any) -> None:
    """Write a value as JSON."""
    with writing(address) as file:
        file.write(orjson.dumps(value, option=orjson.OPT_INDENT_2))


def read_json(address: str) -> Any:
    """Read what was written as JSON; None where there is no file, or none that can be read."""
    if look_up(address) is None:
        return None
    with reading(address) as file:
        try:
            return orjson.loads(file.read())
        except orjson.JSONDecodeError:
            return None


# Files of arrays -------------------------------------------------------------------------------


def write_arrays(
    address: str,
    arrays: Mapping[str, NDArray[Any]],
    about: Mapping[str, Any] | None = None,
    *,
    tail: tuple[str, int, Iterable[NDArray[np.uint64]]] | None = None,
) -> None:
    """Write named arrays, a few facts about them, and at the end a long array that comes in parts."""
    whole = {name: np.ascontiguousarray(values) for name, values in arrays.items()}
    places, start = {}, 0
    for name, values in whole.items():
        places[name] = [values.dtype.str, list(values.shape), start]
        start += values.nbytes
    if tail:
        places[tail[0]] = [np.dtype(np.uint64).str, [tail[1]], start]
    head = orjson.dumps({"about": dict(about or {}), "arrays": places})
    with writing(address) as file:
        file.write(MAGIC + len(head).to_bytes(8, "little") + head)
        for values in (*whole.values(), *(tail[2] if tail else ())):
            file.write(values.reshape(-1).view(np.uint8).data)


class Arrays:
    """A file of arrays, open for reading; counts the bytes that were read of it.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> import numpy as np
    >>> from storyclust.distributed.files import Arrays, write_arrays
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = str(pathlib.Path(folder, "a"))
    ...     write_arrays(path, {"rows": np.arange(9)}, {"shard": 3})
    ...     with Arrays(path) as found:
    ...         found.about["shard"], found["rows"][-1].item(), found.part("rows", 2, 4).tolist(), found.taken
    (3, 8, [2, 3], 88)
    """

    def __init__(self, address: str) -> None:
        fs, path = filesystem(address)
        self.file = fs.open_input_file(path)
        self.gap = FAR if "://" in address else GAP
        self.taken = 0
        start = self.file.read_at(HEAD, 0)
        size = int.from_bytes(start[16:24], "little")
        rest = self.file.read_at(24 + size - HEAD, HEAD) if 24 + size > HEAD else b""
        head = orjson.loads(start[24 : 24 + size] + rest)
        self.about: dict[str, Any] = head["about"]
        self.places: dict[str, Any] = head["arrays"]
        self._begin = 24 + size

    def __enter__(self) -> Arrays:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.file.close()

    def length(self, name: str) -> int:
        """Rows of an array."""
        return int(self.places[name][1][0])

    def __getitem__(self, name: str) -> NDArray[Any]:
        return self.part(name, 0, self.length(name))

    def part(self, name: str, start: int, stop: int) -> NDArray[Any]:
        """Rows from `start` up to `stop` of an array."""
        kind, shape, begin = self.places[name]
        dtype = np.dtype(kind)
        width = dtype.itemsize * int(np.prod(shape[1:], dtype=np.int64))
        size = (stop - start) * width
        self.taken += size
        data = self.file.read_at(size, self._begin + begin + start * width) if size else b""
        return np.frombuffer(data, dtype).reshape([stop - start, *shape[1:]])

    def rows(self, name: str, rows: NDArray[np.int64]) -> NDArray[Any]:
        """Some rows of an array, in the order asked for."""
        found = self.spans(name, rows, rows + 1)
        return found.reshape([len(rows), *self.places[name][1][1:]])

    def pick(self, name: str, rows: NDArray[np.int64]) -> NDArray[Any]:
        """Some rows of a long array, ascending; it is read from the first to the last of them, bit by bit."""
        kind, shape, _ = self.places[name]
        out = np.empty([len(rows), *shape[1:]], np.dtype(kind))
        start = 0
        while start < len(rows):
            first = int(rows[start])
            stop = int(np.searchsorted(rows, first + PICKED))
            out[start:stop] = self.part(name, first, int(rows[stop - 1]) + 1)[rows[start:stop] - first]
            start = stop
        return out

    def spans(self, name: str, starts: NDArray[np.int64], stops: NDArray[np.int64]) -> NDArray[Any]:
        """Rows of many ranges, one after the other in the order asked for."""
        kind, shape, _ = self.places[name]
        out = np.empty([int((stops - starts).sum()), *shape[1:]], np.dtype(kind))
        ends = np.cumsum(stops - starts)
        gap = max(
            1, self.gap * max(1, shape[0]) // max(1, out.dtype.itemsize * int(np.prod(shape, dtype=np.int64)))
        )
        order = np.argsort(starts, kind="stable")
        for some in _runs(starts[order], stops[order], gap):
            chosen = order[some]
            first = int(starts[chosen[0]])
            block = self.part(name, first, int(stops[chosen].max()))
            for k in chosen.tolist():
                size = int(stops[k] - starts[k])
                at = int(starts[k]) - first
                out[ends[k] - size : ends[k]] = block[at : at + size]
        return out


def _runs(starts: NDArray[np.int64], stops: NDArray[np.int64], gap: int) -> list[slice]:
    """Ranges, sorted by their starts, that lie near enough to be read at once."""
    if not len(starts):
        return []
    cuts = np.flatnonzero(starts[1:] - np.maximum.accumulate(stops)[:-1] > gap) + 1
    bounds = [0, *cuts.tolist(), len(starts)]
    return [slice(a, b) for a, b in pairwise(bounds)]


# Texts in arrays -------------------------------------------------------------------------------


def pack_texts(name: str, texts: list[str]) -> dict[str, NDArray[Any]]:
    """Lay texts out as two arrays: their bytes, and where each begins."""
    encoded = [text.encode("utf-8", "surrogatepass") for text in texts]
    bounds = np.append(0, np.cumsum([len(text) for text in encoded])).astype(np.int64)
    return {name: np.frombuffer(b"".join(encoded), np.uint8), f"{name}.bounds": bounds}


def texts_at(file: Arrays, name: str, rows: NDArray[np.int64]) -> list[str]:
    """Some of the texts that were packed, in the order asked for."""
    starts, stops = file.rows(f"{name}.bounds", rows), file.rows(f"{name}.bounds", rows + 1)
    data = file.spans(name, starts, stops).tobytes()
    ends = np.cumsum(stops - starts).tolist()
    return [
        data[end - size : end].decode("utf-8", "surrogatepass")
        for end, size in zip(ends, (stops - starts).tolist(), strict=True)
    ]
