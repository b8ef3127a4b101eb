"""Read articles from files, and collect the records that cannot be used."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import asdict, dataclass, field, replace
from itertools import count
from pathlib import Path
from typing import IO, Any

from storyclust.articles.article import Article
from storyclust.articles.date_order import DateCounts
from storyclust.articles.dates import quoted
from storyclust.articles.field_counts import FieldCounts
from storyclust.articles.maker import ArticleMaker
from storyclust.articles.markup import texts_converted
from storyclust.articles.records import dates_unread, ensure_ids, ids_renamed
from storyclust.errors import ConvertedTextWarning, FieldsWarning, InputError, StoryclustWarning
from storyclust.io.encodings import Recoder, known_encoding
from storyclust.io.places import check_outputs
from storyclust.io.record_readers import RAW_LIMIT, Row, read_rows
from storyclust.io.record_shapes import records_of
from storyclust.io.sources import Source, known_format, sources
from storyclust.io.writing import json_bytes, write_records

__all__ = ["ReadReport", "Reject", "iter_articles", "read_articles"]


@dataclass(frozen=True, slots=True)
class Reject:
    """A record that could not be used: its location, the reason, and its text (at most 10,000 characters).

    Examples
    --------
    >>> from storyclust.io import Reject
    >>> print(Reject("week.jsonl", 7, "it is not an object but a list", "[1, 2]"))
    week.jsonl:7: it is not an object but a list
    """

    path: str
    line: int
    reason: str
    raw: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.reason}"


@dataclass
class ReadReport:
    """Counts of the records read, and those that were rejected.

    Attributes
    ----------
    read, kept : int
        Number of records seen, and of those that became articles.
    rejects : list of Reject
        The other records, in the order of reading.
    undated, dates, bad_dates : int
        Number of articles without a date, of dates found, and of dates that could not be read.
    first_bad_date : str
        The first unreadable date with its file and line, or "".
    html, entities, mended : int
        Number of articles that were HTML, of others that had entities, and of those that had mis-decoded
        characters.
    renamed : list of (str, str)
        Old and new id of each article whose id was already in use.
    fields : FieldCounts
        What was read from which field; ``fields.messages()`` says it in at most two lines.
    date_orders : DateCounts
        Dates such as 7/3/2024, and dates with an unknown zone.
    encodings : dict of str to str
        The encoding of each input in which it was detected and is not UTF-8.
    replaced : int
        Characters that could not be decoded, and became U+FFFD.

    Examples
    --------
    >>> from storyclust.io import ReadReport, Reject
    >>> ReadReport(read=3, kept=2, rejects=[Reject("a.jsonl", 2, "not valid JSON", "{")]).messages()
    ['1 of 3 records was set aside, first: a.jsonl:2: not valid JSON.']
    """

    read: int = 0
    kept: int = 0
    rejects: list[Reject] = field(default_factory=list)
    undated: int = 0
    dates: int = 0
    bad_dates: int = 0
    first_bad_date: str = ""
    html: int = 0
    entities: int = 0
    mended: int = 0
    renamed: list[tuple[str, str]] = field(default_factory=list)
    fields: FieldCounts = field(default_factory=FieldCounts, repr=False, compare=False)
    date_orders: DateCounts = field(default_factory=DateCounts)
    encodings: dict[str, str] = field(default_factory=dict)
    replaced: int = 0
    rejected: set[int] = field(default_factory=set, repr=False, compare=False)  # which of the records, from 1

    def messages(self) -> list[str]:
        """Return a sentence on each of what `read_articles` rejected, renamed, converted or had to assume."""
        found = []
        if count := len(self.rejects):
            verb = "was" if count == 1 else "were"
            found.append(f"{count:,} of {self.read:,} records {verb} set aside, first: {self.rejects[0]}.")
        if self.bad_dates:
            found.append(dates_unread(self.bad_dates, self.dates, self.first_bad_date))
        found += self.date_orders.messages() + encodings_taken(self.encodings, self.replaced)
        if self.renamed:
            found.append(ids_renamed(self.renamed))
        if converted := self.converted():
            found.append(converted)
        return found

    def converted(self) -> str:
        """Return a sentence on texts that were HTML, had entities or mis-decoded characters, "" for none."""
        return texts_converted(self.kept, self.html, self.entities, self.mended)

    def count(self, maker: ArticleMaker) -> None:
        """Add the dates and texts that a maker has counted."""
        self.dates += maker.dates
        self.bad_dates += maker.bad_dates
        self.html += maker.texts.html
        self.entities += maker.texts.entities
        self.mended += maker.texts.mended
        self.fields.add(maker.fields)
        self.date_orders.merge(maker.read_date.counts)


def read_articles(
    *paths: Any,
    fields: Mapping[str, str] | None = None,
    format: str | None = None,  # noqa: A002  (the word that people look for)
    encoding: str | None = None,
    rejects: str | os.PathLike[str] | None = None,
    report: ReadReport | None = None,
) -> list[Article]:
    """Read articles from files, folders or standard input.

    Parameters
    ----------
    *paths : str or path-like, or one list of them
        Each is a file, a folder, a pattern such as ``news/*.jsonl.gz``, or ``-`` for standard input. In a
        folder all ``.txt`` files are read or, if there are none, all files of the other formats; hidden files
        are skipped. Compression by gzip, xz, bzip2 or Zstandard is recognised by the first bytes.
    fields : mapping of str to str or None, default=None
        Names of the fields to use, as for `as_articles`.
    format : {"jsonl", "json", "csv", "tsv", "parquet", "txt"} or None, default=None
        The format of all `paths`. None infers it from the name, or else from the first bytes.
    encoding : str or None, default=None
        The encoding of all `paths`, such as ``cp1252``. None detects it where the bytes are not UTF-8, and
        reports it. A byte order mark has priority.
    rejects : str or path-like or None, default=None
        Where to write the records that could not be used, as JSON Lines of `path, line, reason, raw`.
    report : ReadReport or None, default=None
        Filled with counts and rejects. If None, a StoryclustWarning reports them, and a FieldsWarning what
        was read from unusual fields.

    Returns
    -------
    list of Article
        In the order of the paths, each with a unique id.

    Raises
    ------
    InputError
        If a path does not exist or cannot be read, or if none of its records can be used.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> from storyclust.io import read_articles
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder, "week.jsonl")
    ...     _ = path.write_text('{"id": "n1", "headline": "Snow", "body": "It snowed."}')
    ...     read_articles(path)[0].title
    'Snow'
    """
    tally = ReadReport() if report is None else report
    earlier = len(tally.rejects)
    paths = _checked(paths, format, rejects)
    articles = list(_read(paths, fields, format, encoding, tally))
    tally.renamed += ensure_ids(articles)
    _conclude(tally, earlier, rejects, some=bool(articles))
    if report is None:
        _warn(tally)
    return articles


def iter_articles(
    *paths: Any,
    fields: Mapping[str, str] | None = None,
    format: str | None = None,  # noqa: A002  (the word that people look for)
    encoding: str | None = None,
    rejects: str | os.PathLike[str] | None = None,
    report: ReadReport | None = None,
) -> Iterator[Article]:
    r"""Read articles one by one, for corpora that should not be held in memory.

    Parameters and errors are those of `read_articles`. Rejects are written and reported after the last
    article has been read. An article without an id gets its number in the order of reading; a repeated id is
    renamed to ``id#2``, ``id#3`` and so on.

    Yields
    ------
    article : Article

    Examples
    --------
    >>> import pathlib, tempfile
    >>> import storyclust as sc
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder, "week.jsonl")
    ...     _ = path.write_text('{"body": "Snow fell."}\n{"body": "snow fell"}\n')
    ...     dedup = sc.Deduplicator().fit(sc.iter_articles(path))
    >>> dedup.keep_
    array([ True, False])
    """
    tally = ReadReport() if report is None else report
    given = iter_as_given(
        *paths, fields=fields, format=format, encoding=encoding, rejects=rejects, report=tally
    )
    taken: set[str] = set()
    for number, article in enumerate(given):
        name = wanted = article.id or str(number)
        for repeat in count(2):
            if name not in taken:
                break
            name = f"{wanted}#{repeat}"
        if name != article.id:
            if article.id:
                tally.renamed.append((article.id, name))
            article = replace(article, id=name)  # noqa: PLW2901 - the same article with its id
        taken.add(name)
        yield article
    if report is None:
        _warn(tally)


def iter_as_given(
    *paths: Any,
    fields: Mapping[str, str] | None,
    format: str | None,  # noqa: A002  (as above)
    encoding: str | None = None,
    rejects: str | os.PathLike[str] | None,
    report: ReadReport,
) -> Iterator[Article]:
    """Read articles one by one as `iter_articles` does, with their ids unchanged.

    A missing id is ''; ids may repeat. Rejects are only noted in the report.
    """
    earlier, some = len(report.rejects), False
    for article in _read(_checked(paths, format, rejects), fields, format, encoding, report):
        some = True
        yield article
    _conclude(report, earlier, rejects, some=some)


def _checked(
    paths: tuple[Any, ...], kind: str | None, rejects: str | os.PathLike[str] | None
) -> tuple[Any, ...]:
    """Unpack a list of paths; raise if the rejects would replace one of them."""
    if len(paths) == 1 and isinstance(paths[0], (list, tuple)):
        paths = tuple(paths[0])
    if rejects is not None:
        check_outputs({"rejects": rejects}, paths, known_format(kind))
    return paths


def _read(
    paths: tuple[Any, ...],
    fields: Mapping[str, str] | None,
    kind: str | None,
    encoding: str | None,
    tally: ReadReport,
) -> Iterator[Article]:
    """Read the articles of all paths, and add their records to `tally`."""
    maker = ArticleMaker(fields)
    for source in sources(paths, known_format(kind), known_encoding(encoding)):
        yield from read_source(source, maker, tally)
    tally.count(maker)
    maker.check_fields()


def _conclude(tally: ReadReport, earlier: int, rejects: str | os.PathLike[str] | None, *, some: bool) -> None:
    """Write the rejects, and raise if no record could be used."""
    if rejects is not None:
        write_records(rejects, map(asdict, tally.rejects[earlier:]), format="jsonl")
    if tally.rejects[earlier:] and not some:
        raise InputError(f"no record could be used; first: {tally.rejects[earlier]}.")


def _warn(tally: ReadReport) -> None:
    """Emit the messages of a report as warnings."""
    for message in tally.messages():
        category = ConvertedTextWarning if message == tally.converted() else StoryclustWarning
        warnings.warn(message, category, stacklevel=3)
    if message := tally.fields.warning():
        warnings.warn(message, FieldsWarning, stacklevel=3)


def read_source(source: Source, maker: ArticleMaker, tally: ReadReport) -> Iterator[Article]:
    """Read the articles of one input, and add its records to `tally`."""
    with opened(source) as file:
        yield from read_file(file, source, maker, tally)


@contextmanager
def opened(source: Source) -> Iterator[IO[bytes]]:
    """Open an input; an error inside that concerns the file names it."""
    try:
        with nullcontext(sys.stdin.buffer) if source.path == "-" else Path(source.path).open("rb") as file:
            yield file
    except OSError as error:
        raise InputError(f"cannot read {_shown(source)}: {error.strerror or error}.") from error


def read_file(file: IO[bytes], source: Source, maker: ArticleMaker, tally: ReadReport) -> Iterator[Article]:
    """Read the articles of an open file."""
    if source.kind == "txt":  # fields of .txt records are fixed
        texts, maker = maker.texts, ArticleMaker()
        maker.texts = texts
    recoder = Recoder(source.encoding)
    yield from articles_of(read_rows(file, source, recoder), _shown(source), maker, tally)
    if recoder.taken:
        tally.encodings[_shown(source)] = recoder.taken
    tally.replaced += recoder.replaced


def encodings_taken(encodings: Mapping[str, str], replaced: int) -> list[str]:
    """Messages on the encodings that were detected, and the characters that could not be decoded."""
    found = []
    for codec in dict.fromkeys(encodings.values()):
        first, *others = (path for path, taken in encodings.items() if taken == codec)
        more = f" and {len(others):,} more" if others else ""
        verb = "were" if others else "was"
        found.append(f"{first}{more} {verb} read as {codec}; if that is wrong, name the encoding.")
    if replaced:
        verb = "character was" if replaced == 1 else "characters were"
        found.append(f"{replaced:,} {verb} not valid in the encoding and became U+FFFD.")
    return found


def _shown(source: Source) -> str:
    return "<stdin>" if source.path == "-" else source.path


def articles_of(rows: Iterable[Row], shown: str, maker: ArticleMaker, tally: ReadReport) -> Iterator[Article]:
    """Convert rows to articles; `shown` is the name of the input in rejects."""
    maker.read_date.begin(shown)
    yield from maker.read_date.settled(_each_article(rows, shown, maker, tally))


def _each_article(
    rows: Iterable[Row], shown: str, maker: ArticleMaker, tally: ReadReport
) -> Iterator[Article]:
    for row in rows:
        for article, raw in _row_articles(row, maker):
            tally.read += 1
            if maker.bad_dates and not tally.first_bad_date:
                tally.first_bad_date = f"{shown}:{row.line} {quoted(maker.first_bad_date)}"
            if isinstance(article, Article):
                tally.kept += 1
                tally.undated += article.published is None
                yield article
            else:
                tally.rejected.add(tally.read)
                tally.rejects.append(Reject(shown, row.line, article, _raw_text(raw)))


def _row_articles(row: Row, maker: ArticleMaker) -> Iterator[tuple[Article | str, Any]]:
    """Yield the articles of a row, or the reasons for rejection, each with what it was made from."""
    raw = row.record if row.raw is None else row.raw
    if row.reason:
        yield row.reason, raw
        return
    for record in records_of(row.record, maker):
        own = raw if record is row.record else record
        if isinstance(record, dict):
            try:
                yield maker(record), own
            except InputError as error:
                yield str(error), own
        else:
            kind = {list: "a list", str: "text", type(None): "null"}.get(type(record), "a number")
            yield f"it is not an object but {kind}", own


def _raw_text(raw: Any) -> str:
    if isinstance(raw, str):
        raw = raw.encode("utf-8", "surrogateescape")
    data: bytes = raw if isinstance(raw, bytes) else json_bytes(raw)
    return data[: 4 * RAW_LIMIT].removesuffix(b"\r").decode("utf-8", "backslashreplace")[:RAW_LIMIT]
