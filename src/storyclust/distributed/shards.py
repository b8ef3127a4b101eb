"""Shards: the files that articles come in, and the same files with labels.

A shard is read by one worker at a time, from its beginning to its end. Articles are numbered in the order of
the shards, and get the names that `iter_articles` would give them.
"""

from __future__ import annotations

import fnmatch
import hashlib
import io
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import count
from typing import IO, Any, NamedTuple

from storyclust.articles.article import Article
from storyclust.articles.records import ArticleMaker
from storyclust.distributed.files import Found, address_of, cut, files_in, look_up, reading, writing
from storyclust.errors import InputError
from storyclust.io.reading import ReadReport, Reject, read_file
from storyclust.io.sources import Source, format_of, known_format, sources, unpacked
from storyclust.io.writing import write_into

FORMAT = 1  # of what stages leave: to be raised when one of them changes what it writes
WRITABLE = ("jsonl", "json", "csv", "tsv", "parquet")


class Shard(NamedTuple):
    """One file of articles."""

    address: str
    kind: str | None
    name: str  # the id of the article that a .txt file is
    size: int
    changed: int
    output: str  # name of the file of its labelled articles

    def changed_error(self) -> InputError:
        """Return what to raise when the file is not what it was."""
        return InputError(f"{self.address} has changed since it was read first; run this again.")

    @property
    def key(self) -> str:
        """What tells this state of the file from others, without reading it."""
        return digest_of(self.address, self.kind, self.size, self.changed)


def digest_of(*parts: Any) -> str:
    """Short hash of things that `repr` shows in full, and of what stages make of them."""
    return hashlib.blake2b(repr((FORMAT, parts)).encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()


def find_shards(paths: Iterable[str | os.PathLike[str]], kind: str | None = None) -> list[Shard]:
    """List the shards that files, folders and patterns stand for, here or on another filesystem.

    Parameters
    ----------
    paths : iterable of str or path-like
        Paths of this machine (which every worker has to see under the same name) or URIs; both may be
        folders or patterns, as for `read_articles`.
    kind : str or None, default=None
        Format of all shards; None goes by the name, or else by the first bytes.

    Returns
    -------
    shards : list of Shard
        In the order of the paths, and by name within folders and patterns.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> from storyclust.distributed.shards import find_shards
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for name in ("b.jsonl", "a.jsonl"):
    ...         _ = pathlib.Path(folder, name).write_text('{"text": "Snow fell."}')
    ...     [shard.output for shard in find_shards([folder])]
    ['a.jsonl', 'b.jsonl']
    """
    kind = known_format(kind)
    found: list[tuple[Source, Found]] = []
    for path in paths:
        name = os.fspath(path)
        if name == "-":
            raise InputError("a cluster reads files: standard input has to be written to one first.")
        if "://" in name:
            found += _remote(address_of(name), kind)
        else:
            found += [(source, _there(address_of(source.path))) for source in sources([name], kind)]
    if not found:
        raise InputError("a cluster needs the path of a shard.")
    names = _output_names([file.address for _, file in found])
    return [
        Shard(file.address, source.kind, source.name, file.size, file.changed, name)
        for (source, file), name in zip(found, names, strict=True)
    ]


def _there(address: str) -> Found:
    found = look_up(address)
    return Found(address, -1, 0) if found is None else found  # reading it will say what is wrong


def _remote(address: str, kind: str | None) -> list[tuple[Source, Found]]:
    root, wanted = cut(address)
    try:
        found = look_up(address)
        files = [found] if found else files_in(root + _folder_of(wanted))
    except OSError as error:
        raise InputError(f"cannot open {address}: {error}.") from error
    if not found:
        wanted = wanted if re.search(r"[*?\[]", wanted) else f"{wanted.rstrip('/')}/*"
        files = [file for file in files if fnmatch.fnmatchcase(cut(file.address)[1], wanted)]
        files = [file for file in files if kind or format_of(file.address)]
    if not files:
        raise InputError(f"no file matches {address!r}.")
    return [
        (Source(file.address, kind or format_of(file.address), _bare(file.address)), file) for file in files
    ]


def _folder_of(path: str) -> str:
    """Return the folder that everything matching a pattern is in."""
    before = re.split(r"[*?\[]", path, maxsplit=1)[0]
    return path.rstrip("/") if before == path else before.rpartition("/")[0]


def _bare(address: str) -> str:
    return re.sub(r"\.txt$", "", unpacked(address.rpartition("/")[2]), flags=re.IGNORECASE)


def _output_names(addresses: list[str]) -> list[str]:
    """Name the outputs like the inputs, with a number before where two would have one name."""
    names = []
    for address in addresses:
        name = re.split(r"[/\\]", address)[-1]
        names.append(name if format_of(name) in WRITABLE else f"{unpacked(name)}.jsonl")
    if len({name.lower() for name in names}) < len(names):
        names = [f"{number:05d}-{name}" for number, name in enumerate(names)]
    return names


# Reading ---------------------------------------------------------------------------------------


class Reader:
    """Reads one shard, and knows afterwards what became of its records.

    Attributes
    ----------
    report : ReadReport
    set_aside : bool
        Whether the shard could not be read.
    """

    def __init__(
        self, shard: Shard, fields: Mapping[str, str] | None = None, *, forgiving: bool = False
    ) -> None:
        self.shard = shard
        self.maker = ArticleMaker(fields)
        self.report = ReadReport()
        self.forgiving = forgiving
        self.set_aside = False

    def __iter__(self) -> Iterator[Article]:
        """Articles with the ids that their records have, or none.

        What cannot be opened is an error or, for a forgiving reader, a reject and the end of the shard.
        """
        shard = self.shard
        source = Source(shard.address, shard.kind, shard.name)
        try:
            with reading(shard.address) as raw:
                file = io.BufferedReader(raw, 1 << 20)
                yield from read_file(file, source, self.maker, self.report)
        except OSError as error:
            reason = str(error).splitlines()[0]
            if not self.forgiving:
                raise InputError(f"cannot read {shard.address}: {reason}.") from error
            self.set_aside = True
            self.report.read += 1
            self.report.rejects.append(Reject(shard.address, 0, f"the shard cannot be read ({reason})", ""))
        self.report.dates += self.maker.dates
        self.report.bad_dates += self.maker.bad_dates


def settle_names(rows: list[int], names: list[str]) -> dict[int, str]:
    """Give rows names of their own, as `iter_articles` does: the second ``x`` is ``x#2``.

    Parameters
    ----------
    rows : list of int
        Numbers of articles in the whole corpus, ascending.
    names : list of str
        What each wants to be called.

    Returns
    -------
    renamed : dict of int to str
        The rows that could not have the name they wanted.

    Examples
    --------
    >>> from storyclust.distributed.shards import settle_names
    >>> settle_names([0, 4, 5, 9], ["x", "x#2", "x", "x#2"])
    {5: 'x#3', 9: 'x#2#2'}
    """
    taken: set[str] = set()
    renamed = {}
    for row, wanted in zip(rows, names, strict=True):
        name = wanted
        for repeat in count(2):
            if name not in taken:
                break
            name = f"{wanted}#{repeat}"
        taken.add(name)
        if name != wanted:
            renamed[row] = name
    return renamed


def root_of(name: str) -> str:
    """Return a name without the numbers that renaming adds: no two of different roots can clash."""
    return re.sub(r"(#\d+)+$", "", name) if "#" in name else name


# Writing ---------------------------------------------------------------------------------------


class Written(NamedTuple):
    """What a file holds that was written."""

    records: int
    bytes: int
    sha256: str


def write_shard(address: str, records: Iterable[Mapping[str, Any]]) -> Written:
    """Write records to a file, whose format and compression go by its name."""
    with writing(address) as raw:
        file: Any = _Hashing(raw)
        n = write_into(file, address, records)
    return Written(n, file.size, file.hash.hexdigest())


class _Hashing:
    """A file that hashes what is written to it."""

    def __init__(self, file: IO[bytes]) -> None:
        self.file, self.size, self.hash = file, 0, hashlib.sha256()
        self.closed = False

    def write(self, data: Any) -> int:
        self.hash.update(data)
        self.size += memoryview(data).nbytes
        return self.file.write(data)

    def flush(self) -> None:
        self.file.flush()

    def close(self) -> None:
        self.closed = True

    def readable(self) -> bool:
        return False

    def writable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return False


def hash_of(address: str) -> str | None:
    """Return the SHA-256 of a file, None where there is none."""
    if look_up(address) is None:
        return None
    whole = hashlib.sha256()
    with reading(address) as file:
        while block := file.read(1 << 20):
            whole.update(block)
    return whole.hexdigest()


def named(articles: Iterable[Article], first_row: int, renamed: Mapping[int, str]) -> Iterator[Article]:
    """Articles under the names they have in the whole corpus."""
    for row, article in enumerate(articles, first_row):
        name = renamed.get(row) or article.id or str(row)
        yield article if name == article.id else replace(article, id=name)
