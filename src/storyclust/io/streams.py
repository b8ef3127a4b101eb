"""Streams of bytes, decompressed and decoded to UTF-8, up to the first damage."""

from __future__ import annotations

import bz2
import lzma
import re
import zlib
from collections.abc import Callable, Iterator
from itertools import chain
from typing import IO, Any

import zstandard

from storyclust.io.encodings import DamagedInputError, Recoder

_CHUNK = 1 << 16


class ByteStream:
    """Decompressed UTF-8 chunks of one input, without byte order mark, and the current line number."""

    def __init__(self, file: IO[bytes], recoder: Recoder | None = None) -> None:
        self.file = file
        self.line = 0
        self.head = self.partial = b""
        packed = iter(lambda: file.read(_CHUNK), b"")
        self.chunks = (recoder or Recoder(None)).utf8(_decompressed(packed))

    def peek(self) -> None:
        """Fill `head` with the first chunks, up to one that is not blank."""
        for chunk in self.chunks:
            self.head += chunk
            if self.head.strip():
                break
        self.chunks = chain([self.head], self.chunks)

    def lines(self) -> Iterator[bytes]:
        """Yield the lines without their line ends, and count them.

        Lines end with CR alone, as on old Macintoshes, if there is no LF near the start.
        """
        parts: list[bytes] = []
        end = b"\r" if b"\r" in self.head and b"\n" not in self.head else b"\n"
        try:
            for chunk in self.chunks:
                *lines, last = chunk.split(end)
                for line in lines:
                    self.line += 1
                    yield b"".join([*parts, line]) if parts else line
                    parts = []
                parts.append(last)
        except DamagedInputError:
            self.partial = b"".join(parts)
            raise
        if any(parts):
            self.line += 1
            yield b"".join(parts)


def _decompressed(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Decompress if the first bytes indicate compression."""
    head = next(chunks, b"")
    start = next((start for magic, start in DECOMPRESSORS if magic.match(head)), None)
    chunks = chain([head], chunks)
    return _unpacked(chunks, start) if start else chunks


def _unpacked(chunks: Iterator[bytes], start: Callable[[], Any]) -> Iterator[bytes]:
    """Decompress any number of concatenated streams."""
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
                raise DamagedInputError(f"the compressed stream is damaged ({error})") from error
            left, engine = (engine.unused_data, None) if engine.eof else (b"", engine)
            if data:
                yield data
    if engine is not None:
        raise DamagedInputError("the compressed stream ends early")


def _zstd_engine() -> Any:
    return zstandard.ZstdDecompressor(max_window_size=1 << 31).decompressobj()


DECOMPRESSORS: tuple[tuple[re.Pattern[bytes], Callable[[], Any]], ...] = (
    (re.compile(rb"\x1f\x8b"), lambda: zlib.decompressobj(wbits=31)),
    (re.compile(rb"\xfd7zXZ\0"), lzma.LZMADecompressor),
    (re.compile(rb"BZh[1-9](?:1AY&SY|\x17rE8P\x90)"), bz2.BZ2Decompressor),
    (re.compile(rb"\x28\xb5\x2f\xfd|[\x50-\x5f]\x2a\x4d\x18"), _zstd_engine),
)
