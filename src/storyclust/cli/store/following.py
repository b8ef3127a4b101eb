"""Following what grows: a folder in which files appear, and a pipe.

What is read comes in portions, each with the bookmarks that say how far its files were read then. Whoever
stores both together can be killed at any time, and goes on from there.
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
from typing import IO, Any, NamedTuple

from storyclust.articles.article import Article
from storyclust.articles.records import ArticleMaker
from storyclust.errors import StoryclustError
from storyclust.io.reading import ReadReport, articles_of, read_source
from storyclust.io.record_readers import grows_by_lines, read_lines
from storyclust.io.sources import Source, bare_name, format_of

AT_ONCE = 1_000  # articles in a portion
LOOK = 0.2  # seconds in which a signal is noticed
PIECE = 1 << 16  # bytes read from a pipe at once
AHEAD = 16  # pieces that wait
ENOUGH, PATIENCE = 50, 1.0  # articles from a pipe that are added together, or what came in so many seconds
TAIL = 256  # bytes by which a file is known again

Stamp = tuple[int, int, int]  # size, time of the last change of the content, and of anything
Stopped = Callable[[], bool]


class Portion(NamedTuple):
    """Articles, and how far their files were read when they had been."""

    articles: list[Article]
    bookmarks: dict[str, str]


class Reader:
    """How records become articles, and a report of those that did not."""

    def __init__(self, fields: Mapping[str, str] | None) -> None:
        self.maker = ArticleMaker(fields)
        self.report = ReadReport()

    def lines(self, lines: list[bytes], shown: str, first: int) -> list[Article]:
        """Make articles of lines of JSON."""
        return list(articles_of(read_lines(lines, first), shown, self.maker, self.report))

    def source(self, source: Source) -> Iterator[Article]:
        """Read a whole file."""
        return read_source(source, self.maker, self.report)


class Folder:
    """A folder that is looked at again and again.

    Parameters
    ----------
    root : str
    kind : str or None
        Format of the files to read; None is every known one.
    reader : Reader
    bookmarks : mapping of str to str
        As they were stored.
    say : callable
        Told of files that cannot be read.
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
        self._settled: dict[str, Stamp] = {}  # nothing to be read before they change

    def look(self) -> Iterator[Portion]:
        """Read what is new since the last look."""
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
                    found = path.stat()
                except OSError:  # gone meanwhile, or a link to nowhere
                    continue
                if stat.S_ISREG(found.st_mode):
                    yield str(path), (found.st_size, found.st_mtime_ns, found.st_ctime_ns)

    def _read(self, path: str, stamp: Stamp, *, steady: bool) -> Generator[Portion, None, bool]:
        """Read what is complete of a file; returns whether that is all for now."""
        kind = self._kind or format_of(path)
        with Path(path).open("rb") as file:
            if kind == "jsonl" and grows_by_lines(file.read(64)):
                return (yield from self._read_lines(file, path, steady=steady))
        if steady:
            yield from self._read_whole(path, kind, stamp)
        return steady

    def _read_lines(self, file: IO[bytes], path: str, *, steady: bool) -> Generator[Portion, None, bool]:
        key = _key(path)
        mark = self._marks.get(key, {})
        offset, line = mark.get("offset", 0), mark.get("line", 0)
        if offset and _tail(file, offset) != mark.get("tail"):  # another file has taken its place
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
            some = list(islice(articles, AT_ONCE))
            count, whole = count + len(some), len(some) < AT_ONCE
            self._marks[key] = {"size": stamp[0], "time": stamp[1], "articles": count, "whole": whole}
            yield Portion(some, {key: json.dumps(self._marks[key])})


def _key(path: str) -> str:
    """A path as the name of a bookmark, which has no lone surrogates."""
    return path.encode("utf-8", "backslashreplace").decode()


def _tail(file: IO[bytes], end: int) -> str:
    """Tell the bytes before a place."""
    start = max(0, end - TAIL)
    file.seek(start)
    found = file.read(end - start)
    return hashlib.sha256(found).hexdigest()[:16] if len(found) == end - start else ""


def _complete_lines(file: IO[bytes], *, steady: bool) -> tuple[list[bytes], bool, bool]:
    """Read lines that have ended; says whether there are no more, and whether one has not ended.

    The last one counts without its end if the file has not changed for a while and it is an object, which no
    part of an object is.
    """
    lines: list[bytes] = []
    while len(lines) < AT_ONCE:
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
    """Lines of JSON that come out of a pipe, read on a thread of its own."""

    def __init__(self, number: int, reader: Reader) -> None:
        self._reader = reader
        self._pieces: queue.Queue[bytes | None] = queue.Queue(AHEAD)
        self._line = 0
        self._enough = False
        threading.Thread(target=self._fetch, args=[number], daemon=True).start()

    def _fetch(self, number: int) -> None:
        """Read until the end; not through a buffer, which a thread must not hold when Python ends."""
        piece: bytes | None = b" "
        while piece and not self._enough:
            try:
                piece = os.read(number, PIECE)
            except OSError:
                piece = None
            self._pieces.put(piece or None)

    def portions(self, stopped: Stopped) -> Iterator[Portion]:
        """Yield what has come: some articles together, or those of a second."""
        lines: list[bytes] = []
        begun: list[bytes] = []  # pieces of a line that has not ended
        since, ended = time.monotonic(), False
        while not ended:
            self._enough = self._enough or stopped()
            try:
                piece = self._pieces.get(timeout=LOOK)
                ended = piece is None
            except queue.Empty:
                piece, ended = b"", self._enough
            if piece:
                since = since if lines else time.monotonic()
                begun.append(piece)
                if b"\n" in piece:
                    *whole, rest = b"".join(begun).split(b"\n")
                    lines, begun = lines + whole, [rest]
            elif ended and any(begun):
                lines.append(b"".join(begun))
            late = time.monotonic() - since >= PATIENCE
            idle = self._pieces.empty()
            if lines and (ended or late or len(lines) >= AT_ONCE or (idle and len(lines) >= ENOUGH)):
                yield Portion(self._reader.lines(lines, "<stdin>", self._line + 1), {})
                self._line += len(lines)
                lines = []


def portion_of(portions: list[Portion]) -> Portion:
    """Put portions together."""
    bookmarks: dict[str, Any] = {}
    for portion in portions:
        bookmarks |= portion.bookmarks
    return Portion([article for portion in portions for article in portion.articles], bookmarks)
