"""Whether 7/3/2024 is 7 March or July 3: decided for each file by its other dates."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, fields, replace
from datetime import datetime

from storyclust.articles.article import Article
from storyclust.articles.dates import NUMERIC, quoted, read_date

__all__ = ["DateCounts", "DateReader"]

# Articles that wait for a date that decides. Of a hundred dates at random, one does but for a probability of
# 1e-40; only a file in order of date can have so many from the first twelve days of months.
HELD = 20_000


@dataclass
class DateCounts:
    """Counts of dates that can be read in two ways.

    Attributes
    ----------
    day_first, month_first : int
        Dates such as 7/3/2024 of which another date of the file says that the day, or the month, is first.
    ambiguous : int
        Dates of which none says so; they are read with the month first.
    contrary : int
        Dates such as 13/3/2024 in a file in which an earlier date has the month first, or the reverse.
    unknown_zones : int
        Dates with the name of a zone that is not known, or of several, such as IST; they are read as UTC.
    examples : dict of str to str
        The first date of each kind.

    Examples
    --------
    >>> from storyclust.articles.date_order import DateCounts
    >>> DateCounts(ambiguous=31, examples={"ambiguous": "07/03/2024"}).messages()
    ['31 dates such as 07/03/2024 were read as month/day; no date says which order is meant.']
    """

    day_first: int = 0
    month_first: int = 0
    ambiguous: int = 0
    contrary: int = 0
    unknown_zones: int = 0
    examples: dict[str, str] = field(default_factory=dict)

    def add(self, kind: str, example: object, number: int = 1) -> None:
        """Count dates of a kind."""
        setattr(self, kind, getattr(self, kind) + number)
        self.examples.setdefault(kind, str(example))

    def merge(self, other: DateCounts) -> None:
        """Add the counts of other files."""
        for each in fields(self)[:-1]:
            setattr(self, each.name, getattr(self, each.name) + getattr(other, each.name))
        self.examples = {**other.examples, **self.examples}

    def messages(self) -> list[str]:
        """Return a sentence for each kind of which there are dates."""
        return [
            f"{_dates(count, self.examples[kind])} {end.format(**self.examples)}"
            for kind, end in _ENDS.items()
            if (count := getattr(self, kind))
        ]


_ENDS = {
    "day_first": "read as day/month, because of {day_proof}.",
    "month_first": "read as month/day, because of {month_proof}.",
    "ambiguous": "read as month/day; no date says which order is meant.",
    "contrary": "read in another order than that of dates before.",
    "unknown_zones": "read as UTC: the name of the zone is not known, or stands for several.",
}


def _dates(count: int, example: str) -> str:
    return f"1 date, {example}, was" if count == 1 else f"{count:,} dates such as {example} were"


class DateReader:
    """Parse dates file by file, and settle the order of day and month in each.

    The first date that can be read in one order only decides for its file. Articles before it wait, up to
    20,000; without such a date, the month is first.
    """

    def __init__(self) -> None:
        self.counts = DateCounts()
        self._orders: dict[str, str] = {}  # by file: day or month
        self._file = ""
        self._order = ""
        self._waiting = True
        self._open: tuple[datetime | None, datetime | None, str] | None = None

    def begin(self, file: str) -> None:
        """Start a file, or continue one."""
        self._file, self._order, self._waiting, self._open = file, self._orders.get(file, ""), True, None

    def __call__(self, value: object) -> datetime | None:
        """Parse one date; raises an InputError as `parse_date` does."""
        zones: list[str] = []
        stamp = read_date(value, self._order == "day", zones)
        if zones:
            self.counts.add("unknown_zones", quoted(value))
        if stamp and isinstance(value, str) and (numbers := NUMERIC.search(value)):
            first, second, _ = map(int, filter(None, numbers.groups()))
            if first != second:
                self._weigh(value, stamp, numbers[0], first, second)
        return stamp

    def _weigh(self, text: str, stamp: datetime, shown: str, first: int, second: int) -> None:
        """See which order a date is in, or that it has two readings."""
        if max(first, second) > 12:
            self._decide("day" if first > 12 else "month", shown)
        elif self._order:
            if (stamp.day == first) == (self._order == "day"):  # a language may have decided otherwise
                self.counts.add(f"{self._order}_first", shown)
        else:
            other = read_date(text, True, [])
            if other == stamp:  # its language decides
                self._decide("day", shown)
            elif self._waiting:
                self._open = stamp, other, shown
            else:
                self.counts.add("ambiguous", shown)

    def _decide(self, order: str, shown: str) -> None:
        if not self._order:
            self._order = order
            if len(self._orders) < HELD:  # bounds the memory of a folder that is watched for years
                self._orders[self._file] = order
            self.counts.examples.setdefault(f"{order}_proof", shown)
        elif self._order != order:
            self.counts.add("contrary", shown)

    def settled(self, articles: Iterable[Article]) -> Iterator[Article]:
        """Pass the articles of a file through, with the dates that the order of the file gives them."""
        held: list[tuple[Article, datetime | None, str]] = []
        for article in articles:
            other, shown = self._other_of(article)
            if not held and other is None:
                yield article
                continue
            held.append((article, other, shown))
            if self._order or len(held) >= HELD:
                yield from self._released(held)
                self._waiting = bool(self._order)
                held = []
        yield from self._released(held)

    def _other_of(self, article: Article) -> tuple[datetime | None, str]:
        """Second reading of the date of the article that was just made, if nothing has decided."""
        found, self._open = self._open, None
        if found is None or article.published is not found[0]:
            return None, ""
        return found[1:]

    def _released(self, held: list[tuple[Article, datetime | None, str]]) -> Iterator[Article]:
        kind = f"{self._order}_first" if self._order else "ambiguous"
        for article, other, shown in held:
            if other is not None:
                self.counts.add(kind, shown)
            yield replace(article, published=other) if other and self._order == "day" else article
