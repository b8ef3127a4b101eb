"""Bytes of a file, decompressed and decoded, as far as it is sound."""

from __future__ import annotations

import bz2
import codecs
import lzma
import re
import zlib
from collections.abc import Callable, Iterator
from itertools import chain
from typing import IO, Any

import zstandard

_CHUNK = 1 << 16


class _DamageError(Exception):
    """The rest of an input cannot be read."""


class _Stream:
    """The bytes of one input, freed of compression and byte order mark, and the line they have come to."""

    def __init__(self, file: IO[bytes]) -> None:
        self.file = file
        self.line = 0
        self.head = self.partial = b""
        self.chunks = _as_utf8(_inflated(iter(lambda: file.read(_CHUNK), b"")))

    def peek(self) -> None:
        """Fill `head` with the first chunks, up to one that is not blank."""
        for chunk in self.chunks:
            self.head += chunk
            if self.head.strip():
                break
        self.chunks = chain([self.head], self.chunks)

    def lines(self) -> Iterator[bytes]:
        """Cut the chunks into lines without their ends, counting them."""
        parts: list[bytes] = []
        try:
            for chunk in self.chunks:
                *lines, last = chunk.split(b"\n")
                for line in lines:
                    self.line += 1
                    yield b"".join([*parts, line]) if parts else line
                    parts = []
                parts.append(last)
        except _DamageError:
            self.partial = b"".join(parts)
            raise
        if any(parts):
            self.line += 1
            yield b"".join(parts)


def _inflated(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Undo compression, if the first bytes show any."""
    head = next(chunks, b"")
    start = next((start for magic, start in _ENGINES if magic.match(head)), None)
    chunks = chain([head], chunks)
    return _unpacked(chunks, start) if start else chunks


def _unpacked(chunks: Iterator[bytes], start: Callable[[], Any]) -> Iterator[bytes]:
    """Unpack however many compressed streams follow one another."""
    engine: Any = None
    for chunk in chunks:
        left = chunk
        while left:
            if engine is None:
                left = left.lstrip(b"\0")  # padding between streams
                engine = start() if left else None
                continue
            try:
                data = engine.decompress(left)
            except (zlib.error, lzma.LZMAError, OSError, zstandard.ZstdError) as error:
                raise _DamageError(f"the compressed stream is damaged ({error})") from error
            left, engine = (engine.unused_data, None) if engine.eof else (b"", engine)
            if data:
                yield data
    if engine is not None:
        raise _DamageError("the compressed stream ends early")


def _zstd_engine() -> Any:
    return zstandard.ZstdDecompressor(max_window_size=1 << 31).decompressobj()


_ENGINES: tuple[tuple[re.Pattern[bytes], Callable[[], Any]], ...] = (
    (re.compile(rb"\x1f\x8b"), lambda: zlib.decompressobj(wbits=31)),
    (re.compile(rb"\xfd7zXZ\0"), lzma.LZMADecompressor),
    (re.compile(rb"BZh[1-9](?:1AY&SY|\x17rE8P\x90)"), bz2.BZ2Decompressor),
    (re.compile(rb"\x28\xb5\x2f\xfd|[\x50-\x5f]\x2a\x4d\x18"), _zstd_engine),
)
_MARKS = ((codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))


def _as_utf8(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Drop a byte order mark, and recode what it says is not UTF-8."""
    head = b""
    while len(head) < 4 and (chunk := next(chunks, b"")):
        head += chunk
    codec = next((codec for mark, codec in _MARKS if head.startswith(mark)), None)
    if codec is None:
        yield head.removeprefix(codecs.BOM_UTF8)
        yield from chunks
        return
    decoder = codecs.getincrementaldecoder(codec)("replace")
    for chunk in chain([head], chunks):
        yield decoder.decode(chunk).encode()
    yield decoder.decode(b"", True).encode()
