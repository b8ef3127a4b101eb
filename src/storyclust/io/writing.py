"""Write records in every format; a file replaces its target only when it is complete."""

from __future__ import annotations

import bz2
import codecs
import csv
import gzip
import io
import json
import lzma
import math
import os
import re
import secrets
import stat
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import IO, Any
from uuid import UUID

import orjson
import zstandard

from storyclust.articles.dates import is_missing
from storyclust.errors import InputError, InputTypeError
from storyclust.io.record_readers import import_pyarrow
from storyclust.io.sources import format_of, known_format

__all__ = ["open_output", "write_records"]

_CHUNK = 1 << 16


def write_records(
    path: str | os.PathLike[str],
    records: Iterable[Mapping[str, Any]],
    *,
    format: str | None = None,  # noqa: A002  (the word that people look for)
) -> int:
    """Write records to a file atomically: it holds all records, or its previous content.

    Parameters
    ----------
    path : str or path-like
        ``-`` is standard output. The extensions ``.gz``, ``.xz``, ``.bz2`` and ``.zst`` select compression.
    records : iterable of mapping
        JSON Lines and JSON are written one record at a time; the columns of CSV and Parquet are the fields of
        all records, in the order of first appearance.
    format : {"jsonl", "json", "csv", "tsv", "parquet"} or None, default=None
        None infers it from the name; standard output, pipes and devices get JSON Lines.

    Returns
    -------
    int
        Number of records written.

    Notes
    -----
    Dates are written in ISO 8601. Lone surrogates are escaped in JSON, and become U+FFFD in CSV and Parquet.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> from storyclust.io.writing import write_records
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder, "out.csv")
    ...     write_records(path, [{"id": "n1", "tags": ["snow"]}, {"id": "n2", "words": 7}])
    ...     print(path.read_text())
    2
    id,tags,words
    n1,"[""snow""]",
    n2,,7
    <BLANKLINE>
    """
    kind = record_format(path, format)
    with open_output(path) as file:
        return _WRITERS[kind](file, _as_dicts(records))


def record_format(path: str | os.PathLike[str], format: str | None = None) -> str:  # noqa: A002  (as above)
    """Return the format in which records are written to a path, or raise if its name has no known ending.

    Examples
    --------
    >>> from storyclust.io.writing import record_format
    >>> record_format("week.csv.gz"), record_format("-")
    ('csv', 'jsonl')
    """
    kind = known_format(format) or format_of(os.fspath(path))
    if kind is None and (os.fspath(path) == "-" or is_special(path)):
        kind = "jsonl"
    if kind not in _WRITERS:
        raise InputError(
            f"the name {os.fspath(path)!r} has none of the endings .jsonl, .json, .csv, .tsv, .parquet."
        )
    return str(kind)


def labelled_record(record: Mapping[str, Any], labels: Mapping[str, Any]) -> dict[str, Any]:
    """Add labels to a record; a field of the same name moves to input_NAME.

    Examples
    --------
    >>> labelled_record({"id": "n1", "event": "snow"}, {"event": 7})
    {'id': 'n1', 'input_event': 'snow', 'event': 7}
    """
    moved = dict(record)
    for name in labels:
        if name in moved:
            free = f"input_{name}"
            while free in moved:
                free = f"input_{free}"
            moved[free] = moved.pop(name)
    return {**moved, **labels}


def write_into(file: IO[bytes], name: str, records: Iterable[Mapping[str, Any]]) -> int:
    """Write records to an open file, with format and compression inferred from `name`."""
    with _compressed(file, name) as packed:
        return _WRITERS[format_of(name)](packed, _as_dicts(records))


@contextmanager
def open_output(path: str | os.PathLike[str]) -> Iterator[IO[bytes]]:
    """Open a binary file that replaces its target only when it is complete.

    The bytes go to a hidden file in the same folder, which replaces the target when the block ends, and is
    removed after an exception. Symbolic links are followed and the mode of an existing file is kept. Pipes
    and devices are written to directly; ``-`` is standard output. The extension selects compression.

    Parameters
    ----------
    path : str or path-like
        The target.

    Yields
    ------
    file : binary file

    Examples
    --------
    >>> import pathlib, tempfile
    >>> from storyclust.io.writing import open_output
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder, "report.html")
    ...     with open_output(path) as file:
    ...         _ = file.write(b"<p>Snow</p>")
    ...     path.read_text()
    '<p>Snow</p>'
    """
    name = os.fspath(path)
    if name == "-":
        sys.stdout.flush()
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    target = _appending(Path(name)) if is_special(name) else _replacing(Path(os.path.realpath(name)))
    with target as file, _compressed(file, name) as packed:
        yield packed


def is_special(path: str | os.PathLike[str]) -> bool:
    """Whether a path is a pipe or device, which is written to and never replaced."""
    try:
        mode = Path(path).stat().st_mode
    except OSError:
        return False
    # /dev/stdout may link to a regular file, which must not be replaced either.
    by_name = re.match(r"/(dev/(?!shm/)|proc/)", os.fspath(path)) is not None
    return by_name or not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


@contextmanager
def _appending(path: Path) -> Iterator[IO[bytes]]:
    with path.open("ab") as file:  # a file that the shell redirected to may already have content
        yield file


@contextmanager
def _replacing(target: Path) -> Iterator[IO[bytes]]:
    temporary = target.with_name(f".storyclust-{secrets.token_hex(8)}.tmp")
    try:
        mode = stat.S_IMODE(target.stat().st_mode) if target.exists() else None
        if target.is_dir() or (mode is not None and not os.access(target, os.W_OK)):
            raise InputError(
                f"cannot write {target}: it is {'a folder' if target.is_dir() else 'read-only'}."
            )
        raw = temporary.open("xb")
    except OSError as error:
        raise InputError(f"cannot write {target}: {error.strerror}.") from error
    try:
        with raw:
            if mode is not None and mode != stat.S_IMODE(temporary.stat().st_mode):
                temporary.chmod(mode)
            yield raw
            raw.flush()
            os.fsync(raw.fileno())
        temporary.replace(target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


@contextmanager
def _compressed(file: IO[bytes], name: str) -> Iterator[IO[bytes]]:
    start = _COMPRESSORS.get(Path(name).suffix.lower())
    if start is None:
        yield file
    else:
        with io.BufferedWriter(start(file), _CHUNK) as packed:
            yield packed


_COMPRESSORS: dict[str, Callable[[IO[bytes]], Any]] = {
    # No name and no time in the header: equal records make identical files.
    ".gz": lambda file: gzip.GzipFile("", "wb", 6, file, mtime=0),
    ".xz": lambda file: lzma.LZMAFile(file, "wb"),  # noqa: SIM115  (closed by the caller)
    ".bz2": lambda file: bz2.BZ2File(file, "wb"),
    ".zst": lambda file: zstandard.ZstdCompressor().stream_writer(file, closefd=False),
}


def _as_dicts(records: Iterable[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    for number, record in enumerate(records):
        if not isinstance(record, Mapping):
            raise InputTypeError(f"records[{number}] must be a mapping, got {type(record).__name__}.")
        yield record if type(record) is dict else dict(record)


def _write_jsonl(file: IO[bytes], records: Iterator[dict[str, Any]]) -> int:
    count = 0
    for count, record in enumerate(records, 1):  # noqa: B007 - the last value is the number of records
        file.write(json_bytes(record) + b"\n")
    return count


def _write_json(file: IO[bytes], records: Iterator[dict[str, Any]]) -> int:
    count = 0
    for count, record in enumerate(records, 1):
        file.write((b"[\n" if count == 1 else b",\n") + json_bytes(record))
    file.write(b"\n]\n" if count else b"[]\n")
    return count


def _write_csv(file: IO[bytes], records: Iterator[dict[str, Any]], delimiter: str = ",") -> int:
    rows = list(records)
    names = dict.fromkeys(name for row in rows for name in row)
    text = io.TextIOWrapper(file, "utf-8", errors="storyclust.replace", newline="")
    # CRLF as in RFC 4180; with another line end, Python before 3.13 does not quote carriage returns.
    writer = csv.writer(text, delimiter=delimiter, lineterminator="\r\n")
    if names:
        writer.writerow(names)
    writer.writerows([_cell(row.get(name)) for name in names] for row in rows)
    text.detach()
    return len(rows)


def _write_parquet(file: IO[bytes], records: Iterator[dict[str, Any]]) -> int:
    pyarrow = import_pyarrow("writing Parquet")
    rows = list(records)
    names = dict.fromkeys(name for row in rows for name in row)
    columns = {str(name): _column(pyarrow, [row.get(name) for row in rows]) for name in names}
    pyarrow.parquet.write_table(pyarrow.table(columns), file, compression="zstd")
    return len(rows)


def _column(pyarrow: Any, values: list[Any]) -> Any:
    """Build a column of one type, or of text if the values have no common type."""
    try:
        column = pyarrow.array(values, from_pandas=True)
        if "struct<>" not in str(column.type):  # not supported by Parquet
            return column
    except (ValueError, TypeError, OverflowError, pyarrow.ArrowException):
        pass
    cells = (None if is_missing(value) else _cell(value) for value in values)
    return pyarrow.array(
        [cell and cell.encode("utf-8", "storyclust.replace").decode() for cell in cells], "string"
    )


_WRITERS: dict[str | None, Callable[[IO[bytes], Iterator[dict[str, Any]]], int]] = {
    "jsonl": _write_jsonl,
    "json": _write_json,
    "csv": _write_csv,
    "tsv": lambda file, records: _write_csv(file, records, "\t"),
    "parquet": _write_parquet,
}


def _replace_surrogates(error: UnicodeError) -> tuple[bytes, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    # `error.args` hold only the first position: an infinite loop with two surrogates.
    return "\ufffd".encode() * (error.end - error.start), error.end


codecs.register_error("storyclust.replace", _replace_surrogates)


def json_bytes(record: Any) -> bytes:
    """Encode one value as JSON."""
    try:
        return orjson.dumps(record, _plain, orjson.OPT_SERIALIZE_NUMPY)
    except TypeError:  # lone surrogates, keys other than strings, integers beyond 64 bits
        return json.dumps(_pure(record)).encode()


def _cell(value: Any) -> str:
    value = _pure(value)
    if isinstance(value, (bool, dict, list)):
        return json_bytes(value).decode()
    return "" if value is None else str(value)


def _pure(value: Any) -> Any:
    """Convert a value to JSON types: dict, list, str, int, finite float, bool or None."""
    if is_missing(value) or (isinstance(value, float) and math.isinf(value)):
        return None
    if isinstance(value, Mapping):
        return {str(key): _pure(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_pure(item) for item in value]
    return value if isinstance(value, (str, int, float)) else _pure(_plain(value))


def _plain(value: Any) -> Any:
    """Convert the outermost level of a value to a JSON type."""
    if is_missing(value):
        return None
    for types, convert in _CONVERSIONS:
        if isinstance(value, types):
            return convert(value)
    if hasattr(value, "tolist"):  # NumPy
        return value.tolist()
    raise InputTypeError(f"a value of type {type(value).__name__} cannot be written.")


_CONVERSIONS: tuple[tuple[Any, Callable[[Any], Any]], ...] = (
    ((datetime, date, time), lambda value: value.isoformat()),
    (Mapping, dict),
    ((bytes, bytearray), lambda value: value.decode("utf-8", "backslashreplace")),
    ((set, frozenset), lambda value: sorted(value, key=str)),
    ((Decimal, UUID, timedelta, os.PathLike), str),
)
