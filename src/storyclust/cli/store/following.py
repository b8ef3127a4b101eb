"""Reads articles as they appear in a folder or come out of a pipe.

Articles come in portions, each with bookmarks that record how far its files were read. A process that stores
both in one transaction can be killed at any time, and resumes from the bookmarks.
"""

from __future__ import annotations

import hashlib
import json
import os
import queue
import stat
import threading
import time
from collections.abc import Callable, Generator, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import IO, NamedTuple

from storyclust.articles.article import Article
from storyclust.articles.maker import ArticleMaker
from storyclust.errors import StoryclustError
from storyclust.io.encodings import known_encoding
from storyclust.io.reading import ReadReport, articles_of, read_source
from storyclust.io.record_readers import grows_by_lines, read_lines
from storyclust.io.sources import Source, bare_name, format_of

BATCH_SIZE = 1_000  # articles in a portion
POLL = 0.2  # seconds within which a signal is noticed
READ_SIZE = 1 << 16  # bytes read from a pipe at once
READ_AHEAD = 16  # reads that are queued
MIN_LINES, MAX_DELAY = 50, 1.0  # lines of a portion from an idle pipe; seconds after which it ends anyway
TAIL = 256  # bytes before a bookmark by which a file is recognised

Stamp = tuple[int, int, int]  # size, time of the last change of the content, and of anything
Stopped = Callable[[], bool]


class Portion(NamedTuple):
    """Articles, and bookmarks of how far their files were read with them."""

    articles: list[Article]
    bookmarks: dict[str, str]


class Reader:
    """Makes articles of records, and reports records that are rejected."""

    def __init__(self, fields: Mapping[str, str] | None, encoding: str | None = None) -> None:
        self.maker = ArticleMaker(fields)
        self.report = ReadReport()
        self.encoding = known_encoding(encoding)

    def lines(self, lines: list[bytes], shown: str, first: int) -> list[Article]:
        """Make articles of lines of JSON."""
        if self.encoding not in (None, "utf-8"):
            lines = [line.decode(str(self.encoding), "replace").encode() for line in lines]
        return list(articles_of(read_lines(lines, first), shown, self.maker, self.report))

    def source(self, source: Source) -> Iterator[Article]:
        """Read a whole file."""
        return read_source(source._replace(encoding=self.encoding), self.maker, self.report)


class Folder:
    """A folder that is scanned repeatedly for new files and lines.

    Parameters
    ----------
    root : str
    kind : str or None
        Format of the files to read; None is every known format.
    reader : Reader
    bookmarks : mapping of str to str
        Stored bookmarks, by path.
    say : callable
        Reports files that cannot be read.
    """

    def __init__(
        self,
        root: str,
        kind: str | None,
        reader: Reader,
        bookmarks: Mapping[str, str],
        say: Callable[[str], None],
    ) -> None:
        self.root = os.path.realpath(root)
        self._kind, self._reader, self._say = kind, reader, say
        here = _key(self.root.rstrip(os.sep) + os.sep)
        self._marks = {name: json.loads(mark) for name, mark in bookmarks.items() if name.startswith(here)}
        self._seen: dict[str, Stamp] = {}
        self._settled: dict[str, Stamp] = {}  # files without anything to read until they change

    def scan(self) -> Iterator[Portion]:
        """Read what is new since the last scan."""
        before, self._seen = self._seen, dict(self._files())
        self._settled = {path: stamp for path, stamp in self._settled.items() if path in self._seen}
        for path, stamp in self._seen.items():
            if self._settled.get(path) == stamp:
                continue
            try:
                settled = yield from self._read(path, stamp, steady=before.get(path) == stamp)
                if settled:
                    self._settled[path] = stamp
            except FileNotFoundError:
                continue
            except (OSError, StoryclustError) as error:
                reason = f"cannot read {path}: {error.strerror}" if isinstance(error, OSError) else str(error)
                self._say(f"set aside {reason.removesuffix('.')}; it is read once it has changed.")
                self._settled[path] = stamp

    def _files(self) -> Iterator[tuple[str, Stamp]]:
        """Files of known formats by their paths, hidden ones left out."""
        for place, folders, names in os.walk(self.root):
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            for name in sorted(names):
                kind = format_of(name)
                if name.startswith(".") or not kind or self._kind not in (None, kind):
                    continue
                path = Path(place, name)
                try:
                    status = path.stat()
                except OSError:  # deleted meanwhile, or a dangling link
                    continue
                if stat.S_ISREG(status.st_mode):
                    yield str(path), (status.st_size, status.st_mtime_ns, status.st_ctime_ns)

    def _read(self, path: str, stamp: Stamp, *, steady: bool) -> Generator[Portion, None, bool]:
        """Read the complete part of a file; returns whether nothing is left until the file changes."""
        kind = self._kind or format_of(path)
        with Path(path).open("rb") as file:
            if kind == "jsonl" and self._reader.encoding is None and grows_by_lines(file.read(64)):
                return (yield from self._read_lines(file, path, steady=steady))
        if steady:
            yield from self._read_whole(path, kind, stamp)
        return steady

    def _read_lines(self, file: IO[bytes], path: str, *, steady: bool) -> Generator[Portion, None, bool]:
        key = _key(path)
        mark = self._marks.get(key, {})
        offset, line = mark.get("offset", 0), mark.get("line", 0)
        if offset and _tail(file, offset) != mark.get("tail"):  # the file was replaced
            offset = line = 0
        file.seek(offset)
        ended = False
        while not ended:
            lines, ended, unfinished = _complete_lines(file, steady=steady)
            if lines:
                articles = self._reader.lines(lines, path, line + 1)
                offset, line = offset + sum(map(len, lines)), line + len(lines)
                self._marks[key] = {"offset": offset, "line": line, "tail": _tail(file, offset)}
                file.seek(offset)
                yield Portion(articles, {key: json.dumps(self._marks[key])})
        return steady or not unfinished

    def _read_whole(self, path: str, kind: str | None, stamp: Stamp) -> Iterator[Portion]:
        key = _key(path)
        mark = self._marks.get(key, {})
        same = (mark.get("size"), mark.get("time")) == stamp[:2]
        if same and mark["whole"]:
            return
        count = mark["articles"] if same else 0
        name = bare_name(os.path.relpath(path, self.root).replace(os.sep, "/"))
        articles = islice(self._reader.source(Source(path, kind, name)), count, None)
        whole = False
        while not whole:
            some = list(islice(articles, BATCH_SIZE))
            count, whole = count + len(some), len(some) < BATCH_SIZE
            self._marks[key] = {"size": stamp[0], "time": stamp[1], "articles": count, "whole": whole}
            yield Portion(some, {key: json.dumps(self._marks[key])})


def _key(path: str) -> str:
    """The name of a bookmark for a path, without lone surrogates."""
    return path.encode("utf-8", "backslashreplace").decode()


def _tail(file: IO[bytes], end: int) -> str:
    """Hash of the bytes before an offset; empty if the file is shorter."""
    start = max(0, end - TAIL)
    file.seek(start)
    content = file.read(end - start)
    return hashlib.sha256(content).hexdigest()[:16] if len(content) == end - start else ""


def _complete_lines(file: IO[bytes], *, steady: bool) -> tuple[list[bytes], bool, bool]:
    """Read complete lines; returns them, whether the file ended, and whether its last line is incomplete.

    A last line without a newline is complete if the file has not changed since the last scan and the line is
    a JSON object, which no prefix of an object is.
    """
    lines: list[bytes] = []
    while len(lines) < BATCH_SIZE:
        line = file.readline()
        if not line:
            return lines, True, False
        if not line.endswith(b"\n") and not (steady and _is_object(line)):
            return lines, True, True
        lines.append(line)
    return lines, False, False


def _is_object(line: bytes) -> bool:
    return any(isinstance(row.record, dict) for row in read_lines([line]))


class Pipe:
    """Lines of JSON from a pipe, which a thread of its own reads."""

    def __init__(self, number: int, reader: Reader) -> None:
        self._reader = reader
        self._chunks: queue.Queue[bytes | None] = queue.Queue(READ_AHEAD)
        self._line = 0
        self._stopped = False
        threading.Thread(target=self._fetch, args=[number], daemon=True).start()

    def _fetch(self, number: int) -> None:
        """Read until the end; unbuffered, for a daemon thread must not hold a buffer when Python exits."""
        chunk: bytes | None = b" "
        while chunk and not self._stopped:
            try:
                chunk = os.read(number, READ_SIZE)
            except OSError:
                chunk = None
            self._chunks.put(chunk or None)

    def portions(self, stopped: Stopped) -> Iterator[Portion]:
        """Yield articles as they come, in batches or after `MAX_DELAY`."""
        lines: list[bytes] = []
        partial: list[bytes] = []  # chunks of an incomplete line
        since, ended = time.monotonic(), False
        while not ended:
            self._stopped = self._stopped or stopped()
            try:
                chunk = self._chunks.get(timeout=POLL)
                ended = chunk is None
            except queue.Empty:
                chunk, ended = b"", self._stopped
            if chunk:
                since = since if lines else time.monotonic()
                partial.append(chunk)
                if b"\n" in chunk:
                    *whole, rest = b"".join(partial).split(b"\n")
                    lines, partial = lines + whole, [rest]
            elif ended and any(partial):
                lines.append(b"".join(partial))
            late = time.monotonic() - since >= MAX_DELAY
            idle = self._chunks.empty()
            if lines and (ended or late or len(lines) >= BATCH_SIZE or (idle and len(lines) >= MIN_LINES)):
                yield Portion(self._reader.lines(lines, "<stdin>", self._line + 1), {})
                self._line += len(lines)
                lines = []


def joined(portions: list[Portion]) -> Portion:
    """Join portions into one."""
    bookmarks: dict[str, str] = {}
    for portion in portions:
        bookmarks |= portion.bookmarks
    return Portion([article for portion in portions for article in portion.articles], bookmarks)
