"""Parsers of JSON Lines, JSON, CSV, TSV, Parquet and plain text: chunks of bytes to rows.

Each row has its line number, and a record or the reason why there is none.
"""

from __future__ import annotations

import codecs
import csv
import io
import json
import re
from collections.abc import Iterable, Iterator
from typing import IO, Any, NamedTuple

import orjson

from storyclust.errors import MissingExtraError
from storyclust.io.dialects import Dialect
from storyclust.io.encodings import BYTE_ORDER_MARKS, DamagedInputError, Recoder, wide_encoding
from storyclust.io.sources import Source
from storyclust.io.streams import DECOMPRESSORS, ByteStream

RAW_LIMIT = 10_000  # characters of a rejected record that are kept


class Row(NamedTuple):
    """One record of an input, or the reason why there is none."""

    line: int
    record: Any
    raw: bytes | str | None
    reason: str = ""


def read_rows(file: IO[bytes], source: Source, recoder: Recoder | None = None) -> Iterator[Row]:
    """Read the rows of one input; damage to the input is reported as the last row.

    A `recoder` says afterwards which encoding was taken.
    """
    stream = ByteStream(file, recoder or Recoder(source.encoding))
    try:
        stream.peek()
        yield from _parsed(stream, source)
    except DamagedInputError as damage:
        yield Row(stream.line + 1, None, stream.partial, str(damage))


def _parsed(stream: ByteStream, source: Source) -> Iterator[Row]:
    kind = source.kind or _sniffed(stream.head)
    if kind == "txt":
        return _txt_rows(stream, source.name)
    if not stream.head:
        return iter(())
    if kind == "parquet":
        return _parquet_rows(stream)
    if kind in ("csv", "tsv"):
        return _csv_rows(stream, "\t" if kind == "tsv" else None)
    start = stream.head.lstrip()
    # A .jsonl file may hold an array and a .json file may hold lines: the first line decides.
    if kind == "jsonl":
        return _json_values(stream) if re.match(rb"\[\s*\{", start) else read_lines(stream.lines())
    return read_lines(stream.lines()) if re.match(rb"\{[^\n]*\}\s*\n", start) else _json_values(stream)


def _sniffed(head: bytes) -> str:
    if head.startswith(b"PAR1"):
        return "parquet"
    return "json" if head.lstrip()[:1] in (b"[", b"{") else "csv"


def grows_by_lines(head: bytes) -> bool:
    """Whether a JSONL file with these first bytes can be read line by line as it grows.

    Otherwise it is compressed, in another encoding, or one array, and is read as a whole.
    """
    start = head.lstrip()
    compressed = any(magic.match(head) for magic, _ in DECOMPRESSORS)
    recoded = any(head.startswith(mark) for mark, _ in BYTE_ORDER_MARKS)
    recoded = recoded or wide_encoding(head) is not None
    return not compressed and not recoded and not start.startswith(b"[")


def read_lines(lines: Iterable[bytes], first: int = 1) -> Iterator[Row]:
    """Parse lines of JSON; `first` is the number of the first line."""
    for number, line in enumerate(lines, first):
        bare = line.strip(b" \t\r\n\0")
        if bare:
            record, reason = _json(bare)
            yield Row(number, record, line.removesuffix(b"\n"), reason)


def _json(text: bytes) -> tuple[object, str]:
    """Parse one value; fall back to `json` where orjson is too strict or would round a long integer."""
    try:
        value = orjson.loads(text)
        if not (
            isinstance(value, dict) and any(type(v) is float and abs(v) >= 2**63 for v in value.values())
        ):
            return value, ""
    except orjson.JSONDecodeError:
        pass
    try:
        return json.loads(text.decode("utf-8-sig"), strict=False), ""
    except UnicodeDecodeError as error:
        return None, f"not valid UTF-8 (byte {error.start + 1})"
    except json.JSONDecodeError as error:
        return None, f"not valid JSON ({error.msg}, column {error.colno})"
    except (ValueError, RecursionError) as error:
        return None, f"not valid JSON ({error})"


def _json_values(stream: ByteStream) -> Iterator[Row]:
    """Parse consecutive values, in an array or not, with little more than one value in memory."""
    pieces = _decoded(stream.chunks)
    parse = json.JSONDecoder(strict=False).raw_decode
    text, at, depth, stream.line = "", 0, 0, 1
    while True:
        gap = _GAP.match(text, at)[0]  # type: ignore[index]  # the pattern matches the empty string
        at += len(gap)
        depth += gap.count("[") - gap.count("]")
        stream.line += gap.count("\n")
        if at == len(text):
            text, at = next(pieces, ""), 0
            if text:
                continue
            break
        try:
            value, end = parse(text, at)
        except (ValueError, RecursionError) as error:
            if _is_incomplete(error, text) and (more := _read_at_least(len(text) - at, pieces)):
                text, at = text[at:] + more, 0
                continue
            reason = f"not valid JSON ({getattr(error, 'msg', error)}); the rest was not read"
            yield Row(stream.line, None, text[at : at + RAW_LIMIT], reason)
            return
        raw, at = text[at:end], end
        yield Row(stream.line, value, raw, _not_utf8(raw.encode("utf-8", "surrogateescape")))
        stream.line += raw.count("\n")
    if depth > 0:
        yield Row(stream.line, None, "", "the array is not closed: the file seems to be cut off")


_GAP = re.compile(r"[\s,\[\]\0]*")


def _decoded(chunks: Iterator[bytes]) -> Iterator[str]:
    decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
    yield from filter(None, map(decoder.decode, chunks))
    yield decoder.decode(b"", True)


def _is_incomplete(error: Exception, text: str) -> bool:
    """Whether more text could resolve the error: it is at the end, or a string is unterminated."""
    if not isinstance(error, json.JSONDecodeError):
        return False
    return error.msg.startswith("Unterminated") or error.pos >= len(text) - 12


def _read_at_least(size: int, pieces: Iterator[str]) -> str:
    """Read `size` more characters: doubling the text keeps the parsing of a long value linear."""
    more = ""
    while len(more) < size and (piece := next(pieces, "")):
        more += piece
    return more


def _not_utf8(raw: bytes) -> str:
    try:
        raw.decode()
    except UnicodeDecodeError as error:
        return f"not valid UTF-8 (byte {error.start + 1})"
    return ""


def _csv_rows(stream: ByteStream, delimiter: str | None) -> Iterator[Row]:
    csv.field_size_limit(2**31 - 1)  # the largest C long on every platform
    taken: list[bytes] = []
    ended = False

    def feed() -> Iterator[str]:
        nonlocal ended
        for line in stream.lines():
            taken.append(line)
            yield line.decode("utf-8", "surrogateescape") + "\n"
        ended = True

    dialect = Dialect(stream.head, delimiter)
    lines = feed()
    if dialect.declared:
        next(lines)
    reader = csv.reader(lines, **dialect.options)
    header: list[str] = []
    cells: list[str] | None = []
    while cells is not None:
        taken.clear()
        line, reason = stream.line + 1, ""
        try:
            cells = next(reader, None)
        except csv.Error as error:
            cells, reason = [], f"not valid CSV ({error})"
        if not reason and not any(cells or ()):
            continue
        if ended:  # the file ended inside this row
            reason = "a quotation mark is never closed, and the rest of the file follows it"
        elif not header and not reason:
            header = _distinct(cells or [])
            continue
        elif any((cells or [])[len(header) :]):
            reason = f"it has {len(cells or [])} columns where the header has {len(header)}"
        raw = b"\n".join(taken)
        yield Row(line, dict(zip(header, cells or [], strict=False)), raw, reason or _not_utf8(raw))


def _distinct(header: list[str]) -> list[str]:
    """Append a number to repeated column names, so that every column is kept."""
    return [
        f"{name}#{header[:at].count(name) + 1}" if name in header[:at] else name
        for at, name in enumerate(header)
    ]


def _parquet_rows(stream: ByteStream) -> Iterator[Row]:
    pyarrow = import_pyarrow("reading Parquet")
    file = stream.file
    if not _is_bare_parquet(file):
        file = io.BytesIO(b"".join(stream.chunks))
    try:
        for batch in pyarrow.parquet.ParquetFile(file).iter_batches(batch_size=4096):
            for record, reason in _batch_records(pyarrow, batch):
                stream.line += 1
                yield Row(stream.line, record, None, reason)
    except (pyarrow.ArrowException, OSError) as error:
        raise DamagedInputError(f"not a readable Parquet file ({str(error).splitlines()[0]})") from error


def _is_bare_parquet(file: IO[bytes]) -> bool:
    """Whether pyarrow can read the file directly: it is seekable and not compressed as a whole."""
    if not file.seekable():
        return False
    here = file.tell()
    file.seek(0)
    magic = file.read(4)
    file.seek(here)
    return magic == b"PAR1"


def _batch_records(pyarrow: Any, batch: Any) -> Iterator[tuple[Any, str]]:
    """Convert a batch to Python values; if one value fails, convert row by row."""
    try:
        records = batch.cast(_microseconds(pyarrow, batch.schema), safe=False).to_pylist()
    except (ValueError, OverflowError, KeyError, pyarrow.ArrowException) as error:
        if len(batch) == 1:
            yield None, f"its values cannot be read ({error})"
        for row in range(len(batch) if len(batch) > 1 else 0):
            yield from _batch_records(pyarrow, batch.slice(row, 1))
    else:
        yield from ((record, "") for record in records)


def _microseconds(pyarrow: Any, schema: Any) -> Any:
    """Replace nanosecond timestamps by microseconds, the resolution of `datetime`."""
    for at, column in enumerate(schema):
        if pyarrow.types.is_timestamp(column.type) and column.type.unit == "ns":
            schema = schema.set(at, column.with_type(pyarrow.timestamp("us", column.type.tz)))
    return schema


def import_pyarrow(purpose: str) -> Any:
    """Import pyarrow, or raise an error that names the extra to install."""
    try:
        import pyarrow.parquet
    except ImportError:
        raise MissingExtraError(purpose, "parquet") from None
    return pyarrow


def _txt_rows(stream: ByteStream, name: str) -> Iterator[Row]:
    raw = b"".join(stream.chunks)
    if reason := _not_utf8(raw):
        yield Row(raw[: int(reason.split()[-1][:-1])].count(b"\n") + 1, None, raw, reason)
        return
    title, _, body = raw.decode().lstrip().partition("\n")
    record = {"id": name, "title": title.rstrip(), "text": body.strip("\r\n")}
    yield Row(1, record, raw, "" if title else "the file is empty")
