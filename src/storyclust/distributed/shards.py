"""Shards: files of articles, read and written.

One worker reads a shard at a time, from beginning to end. Articles are numbered in the order of the shards,
and get the ids that `iter_articles` would give them.
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
from typing import IO, TYPE_CHECKING, Any, NamedTuple

from storyclust.articles.article import Article
from storyclust.articles.maker import ArticleMaker
from storyclust.distributed.article_files import iter_written
from storyclust.distributed.files import (
    FileInfo,
    address_of,
    file_info,
    list_files,
    open_for_reading,
    open_for_writing,
    split_address,
)
from storyclust.errors import InputError
from storyclust.io.encodings import known_encoding
from storyclust.io.reading import ReadReport, Reject, read_file
from storyclust.io.sources import Source, format_of, known_format, sources, unpacked
from storyclust.io.writing import write_into

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

FORMAT_VERSION = 8  # of the files of stages; raised when a stage changes what it writes
COMPRESSED = re.compile(r"\.(gz|xz|bz2|zst|zstd|parquet)$", re.IGNORECASE)
EXPANSION = 4  # assumed of a compressed shard
PART = "part"  # kind of a shard that is a part of another: see `shard_parts`
WRITABLE = ("jsonl", "json", "csv", "tsv", "parquet")


class Shard(NamedTuple):
    """One file of articles."""

    address: str
    kind: str | None
    name: str  # id of the article, if the file is a .txt
    size: int
    modified: int  # nanoseconds since 1970
    output: str  # name of the labelled file
    encoding: str | None = None  # None detects it

    def changed_error(self) -> InputError:
        """Return the error of a shard that is modified during the run."""
        return InputError(f"{self.address} has changed since it was read first; run this again.")

    @property
    def uncompressed(self) -> int:
        """Bytes of the records, estimated where the file is compressed."""
        return self.size * (EXPANSION if COMPRESSED.search(self.address) else 1)

    @property
    def key(self) -> str:
        """Hash of address, size and modification time, which identifies a version of the file."""
        return digest_of(self.address, self.kind, self.encoding, self.size, self.modified)


def digest_of(*parts: Any) -> str:
    """Return a short hash of values whose `repr` is complete, and of the format version."""
    return hashlib.blake2b(
        repr((FORMAT_VERSION, parts)).encode("utf-8", "surrogatepass"), digest_size=12
    ).hexdigest()


def find_shards(
    paths: Iterable[str | os.PathLike[str]], kind: str | None = None, encoding: str | None = None
) -> list[Shard]:
    """List the shards in files, folders and patterns, on this machine or another filesystem.

    Parameters
    ----------
    paths : iterable of str or path-like
        Local paths, which every worker has to see under the same name, or URIs; both may be folders or
        patterns, as for `read_articles`.
    kind : str or None, default=None
        Format of all shards; None detects it from the name, or else from the first bytes.
    encoding : str or None, default=None
        Encoding of all shards; None detects it in each of them.

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
    kind, encoding = known_format(kind), known_encoding(encoding)
    found: list[tuple[Source, FileInfo]] = []
    for path in paths:
        name = os.fspath(path)
        if name == "-":
            raise InputError("a cluster reads files: standard input has to be written to one first.")
        if "://" in name:
            found += _remote_files(address_of(name), kind)
        else:
            found += [(source, _existing_file(address_of(source.path))) for source in sources([name], kind)]
    if not found:
        raise InputError("a cluster needs the path of a shard.")
    names = _output_names([file.address for _, file in found])
    return [
        Shard(file.address, source.kind, source.name, file.size, file.modified, name, encoding)
        for (source, file), name in zip(found, names, strict=True)
    ]


def _existing_file(address: str) -> FileInfo:
    return file_info(address) or FileInfo(address, -1, 0)  # reading will raise the error


def _remote_files(address: str, kind: str | None) -> list[tuple[Source, FileInfo]]:
    root, pattern = split_address(address)
    try:
        file = file_info(address)
        files = [file] if file else list_files(root + _folder_of(pattern))
    except OSError as error:
        raise InputError(f"cannot open {address}: {error}.") from error
    if not file:
        pattern = pattern if re.search(r"[*?\[]", pattern) else f"{pattern.rstrip('/')}/*"
        files = [each for each in files if fnmatch.fnmatchcase(split_address(each.address)[1], pattern)]
        files = [each for each in files if kind or format_of(each.address)]
    if not files:
        raise InputError(f"no file matches {address!r}.")
    return [
        (Source(each.address, kind or format_of(each.address), _stem(each.address)), each) for each in files
    ]


def _folder_of(path: str) -> str:
    """Return the deepest folder that contains all matches of a pattern."""
    before = re.split(r"[*?\[]", path, maxsplit=1)[0]
    return path.rstrip("/") if before == path else before.rpartition("/")[0]


def _stem(address: str) -> str:
    return re.sub(r"\.txt$", "", unpacked(address.rpartition("/")[2]), flags=re.IGNORECASE)


def _output_names(addresses: list[str]) -> list[str]:
    """Name the outputs like the inputs, all with a number in front if two names are equal."""
    names = []
    for address in addresses:
        name = re.split(r"[/\\]", address)[-1]
        names.append(name if format_of(name) in WRITABLE else f"{unpacked(name)}.jsonl")
    if len({name.lower() for name in names}) < len(names):
        names = [f"{number:05d}-{name}" for number, name in enumerate(names)]
    return names


# Reading ---------------------------------------------------------------------------------------


class Reader:
    """Reads one shard and counts its records.

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
        """Yield articles with the ids of their records, "" for none.

        A shard that cannot be read raises an error or, for a forgiving reader, becomes a reject.
        """
        shard = self.shard
        if shard.kind == PART:
            yield from iter_written(shard.address)
            return
        source = Source(shard.address, shard.kind, shard.name, shard.encoding)
        try:
            with open_for_reading(shard.address) as raw:
                file = io.BufferedReader(raw, 1 << 20)
                yield from read_file(file, source, self.maker, self.report)
        except OSError as error:
            reason = str(error).splitlines()[0]
            if not self.forgiving:
                raise InputError(f"cannot read {shard.address}: {reason}.") from error
            self.set_aside = True
            self.report.read += 1
            self.report.rejects.append(Reject(shard.address, 0, f"the shard cannot be read ({reason})", ""))
        self.report.count(self.maker)

    def chosen(self, chosen: NDArray[np.bool_]) -> Iterator[Article]:
        """Yield the chosen articles; raises if the shard does not have as many as `chosen`."""
        n = 0
        for article in self:
            if n >= len(chosen):
                raise self.shard.changed_error()
            if chosen[n]:
                yield article
            n += 1
        if n < len(chosen):
            raise self.shard.changed_error()


def resolve_ids(rows: list[int], ids: list[str]) -> dict[int, str]:
    """Make ids unique, as `iter_articles` does: the second ``x`` becomes ``x#2``.

    Parameters
    ----------
    rows : list of int
        Numbers of articles in the whole corpus, ascending.
    ids : list of str
        Their own ids.

    Returns
    -------
    renamed : dict of int to str
        New ids of the rows whose own id occurs before.

    Examples
    --------
    >>> from storyclust.distributed.shards import resolve_ids
    >>> resolve_ids([0, 4, 5, 9], ["x", "x#2", "x", "x#2"])
    {5: 'x#3', 9: 'x#2#2'}
    """
    used: set[str] = set()
    renamed = {}
    for row, own in zip(rows, ids, strict=True):
        unique = own
        for repeat in count(2):
            if unique not in used:
                break
            unique = f"{own}#{repeat}"
        used.add(unique)
        if unique != own:
            renamed[row] = unique
    return renamed


def id_root(own: str) -> str:
    """Return an id without the numbers that renaming adds; ids of different roots never become equal."""
    return re.sub(r"(#\d+)+$", "", own) if "#" in own else own


# Writing ---------------------------------------------------------------------------------------


class WrittenFile(NamedTuple):
    """Size and hash of a written file."""

    records: int
    bytes: int
    sha256: str


def write_shard(address: str, records: Iterable[Mapping[str, Any]]) -> WrittenFile:
    """Write records to a file, in the format and compression of its name."""
    with open_for_writing(address) as raw:
        file: Any = _HashingFile(raw)
        n = write_into(file, address, records)
    return WrittenFile(n, file.size, file.hash.hexdigest())


class _HashingFile:
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


def sha256_of(address: str) -> str | None:
    """Return the SHA-256 of a file, None if it does not exist."""
    if file_info(address) is None:
        return None
    digest = hashlib.sha256()
    with open_for_reading(address) as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def with_corpus_ids(
    articles: Iterable[Article], first_row: int, renamed: Mapping[int, str]
) -> Iterator[Article]:
    """Yield articles with their ids in the whole corpus."""
    for row, article in enumerate(articles, first_row):
        own = renamed.get(row) or article.id or str(row)
        yield article if own == article.id else replace(article, id=own)
