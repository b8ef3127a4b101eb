"""Files that every worker can reach, on any filesystem that pyarrow or fsspec supports.

An address is an absolute path or a URI such as ``s3://bucket/folder/a.jsonl``: all that workers exchange.
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
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any, NamedTuple
from urllib.parse import parse_qsl, quote

import orjson

from storyclust.errors import InputError, MissingExtraError

BUFFER_BYTES = 1 << 20
SPOOL_BYTES = 16 << 20  # of an object held in memory before upload; larger ones go to a temporary file
OBJECT_STORES = ("abfs", "gcs", "s3")  # here a file appears when it is closed, and renaming copies it
PYARROW_SCHEMES = ("abfs", "abfss", "file", "gcs", "gs", "hdfs", "s3", "viewfs")  # supported without fsspec

_URI = re.compile(r"(?s)([a-zA-Z][\w+.-]*)://([^/?]*)(?:\?([^/]*))?(.*)")


def address_of(path: str | os.PathLike[str]) -> str:
    """Return the address of a path: an absolute path, or a URI with its query behind the host.

    The query configures the storage. With the query behind the host, the rest of the address can be split and
    joined like any path.

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
        return os.path.abspath(name)  # noqa: PTH100 - symbolic links are not resolved
    if not (query := re.search(r"\?[\w.-]+=", name)) or _parse_uri(name)[2]:
        return name
    scheme, host, _, rest = _parse_uri(name[: query.start()])
    return f"{scheme}://{host}?{quote(name[query.start() + 1 :], safe='=&:,+%')}{rest}"


def _parse_uri(uri: str) -> tuple[str, str, str, str]:
    """Return scheme, host, query and path of a URI."""
    match = _URI.fullmatch(uri)
    if match is None:
        raise InputError(f"{uri} is not an address: it should look like s3://bucket/folder.")
    scheme, host, query, path = match.groups(default="")
    return scheme, host, query, path


def split_address(uri: str) -> tuple[str, str]:
    """Split a URI into its storage and the path within it."""
    path = _parse_uri(uri)[3]
    return uri[: len(uri) - len(path)], path


def join_address(folder: str, *names: str) -> str:
    """Return the address of a file or folder inside a folder."""
    if "://" in folder:
        return posixpath.join(folder, *names)
    return os.path.join(folder, *names)  # noqa: PTH118 - an address is a string, and "./" and "//" stay


def filesystem(address: str) -> tuple[Any, str]:
    """Return the filesystem of an address, and the path within it."""
    if "://" not in address:
        return _local_filesystem(), address
    scheme, host, query, path = _parse_uri(address)
    fs, base = _remote_filesystem(scheme, host, query)
    return fs, base.rstrip("/") + path


@functools.cache
def _local_filesystem() -> Any:
    return _import_fs().LocalFileSystem()


@functools.cache
def _remote_filesystem(scheme: str, host: str, query: str) -> tuple[Any, str]:
    root = f"{scheme}://{host}/"
    if (
        scheme == "s3" and "allow_delayed_open" not in query
    ):  # a small file then takes one request instead of three
        query = f"{query}&allow_delayed_open=true".lstrip("&")
    try:
        if scheme not in PYARROW_SCHEMES:
            return _fsspec_filesystem(root.removeprefix("fsspec+"), dict(parse_qsl(query)))
        fs, base = _import_fs().FileSystem.from_uri(root + (f"?{query}" if query else ""))
    except (ValueError, OSError, ImportError) as error:
        raise InputError(f"{root} cannot be reached: {error}.") from error
    return fs, base


def _fsspec_filesystem(root: str, options: dict[str, str]) -> tuple[Any, str]:
    """Return a filesystem that pyarrow supports through fsspec only."""
    try:
        import fsspec
    except ImportError:
        raise ImportError("pyarrow does not know it, and fsspec is not installed") from None
    fs, base = fsspec.url_to_fs(root, **options)
    return _import_fs().PyFileSystem(_import_fs().FSSpecHandler(fs)), base


def _import_fs() -> Any:
    try:
        from pyarrow import fs
    except ImportError:
        raise MissingExtraError("working on shards", "ray") from None
    return fs


class FileInfo(NamedTuple):
    """An existing file."""

    address: str
    size: int
    modified: int  # nanoseconds since 1970


def file_info(address: str) -> FileInfo | None:
    """Return size and modification time of a file, None if it does not exist."""
    fs, path = filesystem(address)
    info = fs.get_file_info(path)
    return FileInfo(address, info.size, info.mtime_ns or 0) if info.is_file else None


def list_files(folder: str) -> list[FileInfo]:
    """List all files below a folder by name, without hidden ones."""
    fs, path = filesystem(folder)
    infos = fs.get_file_info(_import_fs().FileSelector(path, recursive=True, allow_not_found=True))
    inside = sorted((posixpath.relpath(info.path, path), info) for info in infos if info.is_file)
    visible = [(name, info) for name, info in inside if not any(p[:1] == "." for p in name.split("/"))]
    return [FileInfo(join_address(folder, name), info.size, info.mtime_ns or 0) for name, info in visible]


def remove_file(address: str) -> None:
    """Remove a file."""
    fs, path = filesystem(address)
    fs.delete_file(path)


def remove_folder(folder: str) -> None:
    """Remove a folder and its contents, if it exists."""
    fs, path = filesystem(folder)
    if fs.get_file_info(path).type == _import_fs().FileType.Directory:
        fs.delete_dir(path)


@contextmanager
def open_for_reading(address: str) -> Iterator[Any]:
    """Open a file for random access."""
    fs, path = filesystem(address)
    with fs.open_input_file(path) as file:
        yield file


@contextmanager
def open_for_writing(address: str) -> Iterator[IO[bytes]]:
    """Open a file that appears at its address only when it is complete.

    It is written to a hidden temporary file, which is then renamed. A killed worker leaves only the temporary
    file, which nobody reads. For an object store, the file is assembled locally and then uploaded: an object
    is not visible before its upload ends.
    """
    fs, path = filesystem(address)
    if fs.type_name in OBJECT_STORES:
        with tempfile.SpooledTemporaryFile(SPOOL_BYTES) as content:
            yield content
            content.seek(0)
            _upload(fs, path, content)
        return
    folder, name = posixpath.split(path)
    fs.create_dir(folder, recursive=True)
    temporary = posixpath.join(folder, f".{name}-{secrets.token_hex(8)}.tmp")
    try:
        with (
            fs.open_output_stream(temporary) as raw,
            io.BufferedWriter(_RawWriter(raw), BUFFER_BYTES) as file,
        ):
            yield file
        fs.move(temporary, path)
    except BaseException:
        if fs.get_file_info(temporary).is_file:
            fs.delete_file(temporary)
        raise


def _upload(fs: Any, path: str, content: IO[bytes]) -> None:
    """Write an object, or leave none."""
    try:
        with fs.open_output_stream(path) as target:
            shutil.copyfileobj(content, target, BUFFER_BYTES)
    except BaseException:
        if fs.get_file_info(path).is_file:  # closing the stream has stored an incomplete object
            fs.delete_file(path)
        raise


class _RawWriter(io.RawIOBase):
    """A pyarrow output stream as a Python raw file, for `io.BufferedWriter`."""

    def __init__(self, raw: Any) -> None:
        self.raw = raw

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self.raw.write(data)
        return len(data)


def write_json(address: str, value: Any) -> None:
    """Write a value as JSON."""
    with open_for_writing(address) as file:
        file.write(orjson.dumps(value, option=orjson.OPT_INDENT_2))


def read_json(address: str) -> Any:
    """Read a JSON value; None if there is no file, or no valid JSON in it."""
    if file_info(address) is None:
        return None
    with open_for_reading(address) as file:
        try:
            return orjson.loads(file.read())
        except orjson.JSONDecodeError:
            return None
