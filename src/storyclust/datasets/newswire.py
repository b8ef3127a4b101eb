"""Synthetic news with gold labels, at any size.

>>> import storyclust as sc
>>> articles = list(sc.datasets.make_newswire(n_articles=200))
>>> sum(article.record["duplicate_of"] is not None for article in articles) > 10
True

News comes in the order of time: story threads begin at random and have events over days to months, and
events are written up by several sources, some of which print the words of another. What appears next is
planned here; the words are written by the room `prose`, a block of articles at a time, from seeds that the
plan gives to stories, events and texts.
"""

from __future__ import annotations

import functools
import heapq
import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import NamedTuple

import numpy as np

from storyclust._core.validation import check_float, check_int
from storyclust.articles.article import Article
from storyclust.datasets.lexicon import lexicon, names
from storyclust.datasets.synthetic_text import FIRM, FIRM_END, FIRST, LAST, PLACE, write_texts
from storyclust.errors import InputError

__all__ = ["make_newswire"]

BLOCK = 512  # articles written at a time
BEGINNING = datetime(2020, 1, 6, tzinfo=UTC)
DAY = 86_400
PER_DAY = 500.0  # articles, unless they would span less than
LEAST_DAYS, MOST_DAYS = 30, 36_500

# Threads: Pareto's law for their sizes, a power of the size for their events.
SIZE_EXPONENT, BIGGEST = 1.7, 1_000
MEAN_SIZE = sum(size**-SIZE_EXPONENT for size in range(1, BIGGEST + 1))
NOTICES = 0.08  # share of threads that are notices
COPIES = 0.36  # share of the articles of an event, after its first, that copy an earlier one
AGENCY_REPORTS = 0.3  # share of reports that are written by agencies
EVENT_GAP = 4.0  # days between events of a thread, in the mean, and half a day
REPORT_DELAY, COPY_DELAY = 0.4, 0.15  # days from event to report, from report to copy, in the mean
MEDIAN_SENTENCES, SIGMA = 15.0, 0.6  # of log-normal lengths

AGENCIES, SOURCES = 4, 240
SOURCE_FORMS = ("{} Times", "The {} Post", "{} Daily", "{} Online", "Radio {}")
FURNITURE = (
    "Sign up for the {name} morning letter and read the news of the day before breakfast.",
    "Follow {name} on every channel, or write to the newsroom about what you have seen.",
    "Copyright {name}. All rights reserved. Nothing on this page may be printed elsewhere without leave.",
    "Tell {name} what you think of this page in a survey that takes two minutes.",
    "Readers pay for the work of {name}. Support its reporters with a small sum each month.",
)
DAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()
NOTICE_FORMS = (
    (
        "{firm} declares dividend of {a} cents",
        "{firm} said on {day} that its board had declared a quarterly dividend of {a} cents a share, against "
        "{b} cents a year ago. It is payable on the {c}th to shareholders of record at the close of business "
        "on {other}. Revenue for the quarter came to {d} million, of which {place} brought {e} million, said "
        "{person}, who chairs the company.",
    ),
    (
        "Road closed near {place}",
        "The road from {place} to {town} will be closed from {a} pm on {day} while workers of {firm} mend a "
        "bridge. Traffic is led by way of {person} Street. Delays of up to {b} minutes are likely, and bus "
        "{c} stops at the school instead. The road should be open again at {d} am on {other}, the council "
        "said; questions are answered on extension {e}.",
    ),
    (
        "Weather for {place}: {a} degrees",
        "In {place} {day} begins with fog near {town} and wind of {b} miles an hour from the north, and "
        "reaches {a} degrees in the afternoon. Rain of {c} millimetres is expected towards {other}, with "
        "snow above {d} metres. The pollen count is {e}. This forecast was made for {firm} by {person}.",
    ),
    (
        "{firm} results",
        "Net profit of {firm} for the quarter that ended on {day} was {a} million against {b} million, or "
        "{c} cents a share. Sales rose to {d} million from {e} million. Orders in {place} and {town} were "
        "down, {person} of the finance department said. Figures for the full year follow on {other}.",
    ),
)


def make_newswire(
    n_articles: int = 10_000, random_state: int = 0, articles_per_day: float | None = None
) -> Iterator[Article]:
    """Make synthetic news with gold labels.

    Parameters
    ----------
    n_articles : int, default=10_000
        How many.
    random_state : int, default=0
        Seed. The same arguments make the same articles, on every machine.
    articles_per_day : float or None, default=None
        How dense the news is: the more a day, the more stories run beside one another. None is 500 a day,
        or fewer so that they span a month, or more so that they span no more than a century.

    Returns
    -------
    articles : iterator of Article
        In the order of publication, made while they are read; ``list(...)`` has them all. The `record` of
        each has, besides its fields, `story` and `event`, to which it belongs (events nest in stories), and
        `duplicate_of`, the id of the earlier article of the same event whose words it prints, or None.

    Raises
    ------
    InputError
        An argument is out of range.

    Notes
    -----
    A shorter run is the beginning of a longer one of the same `articles_per_day`. Memory does not grow with
    the number of articles, only with the stories that are under way.

    About a third of the articles are in stories of five or more, most stories have one article, and one
    article in seven is a copy: as it stands, edited, or cut. Some articles are notices (dividends, roads,
    weather, results) that look like others of their form, but are stories of their own. Half of the sources
    set page furniture about their articles.

    Sizes of stories follow Pareto's law, lengths are log-normal, sources and themes follow Zipf's law.
    English words come at the rates of the background that the library ships, which most names are taken
    out of; the names of people, places and firms are invented. The sentences mean nothing, but their words
    are about as frequent, as repeated and as much shared with related articles as in real news. What is
    missing are reports that borrow from one another at length without being copies.

    References
    ----------
    G. K. Zipf, "Human Behavior and the Principle of Least Effort" (1949). S. M. Katz, "Distribution of
    content words and phrases in text and language modelling", Natural Language Engineering 2 (1996), on
    words that repeat. G. L. Steele, D. Lea, C. H. Flood, "Fast splittable pseudorandom number generators",
    OOPSLA 2014 (SplitMix64).

    Examples
    --------
    >>> import storyclust as sc
    >>> articles = list(sc.datasets.make_newswire(n_articles=1_000, random_state=7))
    >>> gold = [article.record["story"] for article in articles]
    >>> stories = sc.StoryClusterer().fit(articles)
    >>> 0.8 < sc.evaluate(gold, stories.labels_).f1 < 1.0
    True
    """
    n = check_int("n_articles", n_articles, low=0)
    seed = check_int("random_state", random_state, low=0)
    rate = max(min(PER_DAY, max(1, n) / LEAST_DAYS), n / MOST_DAYS)
    if articles_per_day is not None:
        rate = check_float("articles_per_day", articles_per_day, low=0, high=1e9, open_low=True)
        if n / rate > MOST_DAYS:
            raise InputError(
                f"articles_per_day must be {math.ceil(n / MOST_DAYS)} or more, for {n} articles to span "
                f"a century at most, got {articles_per_day!r}."
            )
    return islice(_written(iter(Newsroom(seed, rate)), min(n, BLOCK)), n) if n else iter(())


class Source(NamedTuple):
    """An outlet, and the furniture of its pages."""

    name: str
    before: str
    after: str


@functools.cache
def sources() -> list[Source]:
    """Return the outlets, agencies first."""
    draw = random.Random(0).random  # noqa: S311 - nothing here is a secret
    found = []
    for number, word in enumerate(names(SOURCES, 13)):
        form = "{} Press" if number < AGENCIES else SOURCE_FORMS[number % len(SOURCE_FORMS)]
        name = form.format(word)
        paragraphs = [text.format(name=name) for text in FURNITURE if draw() < 0.13]
        if number < AGENCIES:
            paragraphs = []
        if len(paragraphs) == 1 and draw() < 0.3:
            found.append(Source(name, f"{paragraphs[0]}\n\n", ""))
        else:
            found.append(Source(name, "", "".join(f"\n\n{text}" for text in paragraphs)))
    return found


# The plan: what appears when


class Happening(NamedTuple):
    """An event: its names, and the seeds that its words follow from."""

    name: str
    story: str
    seed: int
    story_seed: int


@dataclass(slots=True, eq=False)
class Draft:
    """An article to be written, or a notice."""

    event: Happening
    source: int
    sentences: int = 0
    seed: int = 0
    headline: int = 0
    dateline: str = ""
    original: Draft | None = None
    edits: int = 0  # parts of 1024 of content words
    edit_seed: int = 0
    notice: tuple[str, str] | None = None
    id: str = ""


class Newsroom:
    """An endless plan: drafts in the order of publication, each after its seconds since the beginning."""

    def __init__(self, seed: int, rate: float) -> None:
        self.random = random.Random(seed).random  # noqa: S311 - the same numbers in every version of Python
        self.gap = MEAN_SIZE / rate
        self.due: list[tuple[int, int, Draft]] = []
        self.drafts = self.stories = 0

    def __iter__(self) -> Iterator[tuple[int, Draft]]:
        time = 0.0
        while True:
            time += self.delay(self.gap)
            while self.due and self.due[0][0] < time:
                when, _, draft = heapq.heappop(self.due)
                yield when, draft
            self.begin(time)

    def below(self, n: int) -> int:
        """Draw a number below `n`."""
        return int(self.random() * n)

    def zipf(self, n: int) -> int:
        """Draw a number below `n`, at rates that fall as one over its rank."""
        return int((n + 1) ** self.random()) - 1

    def seed(self) -> int:
        """Draw a seed."""
        return int(self.random() * 9007199254740992.0)

    def delay(self, days: float) -> float:
        """Draw seconds, exponential with a mean of `days`."""
        return -DAY * days * math.log(1.0 - self.random())

    def length(self) -> int:
        """Draw a number of sentences."""
        angle = 2 * math.pi * self.random()
        normal = math.cos(angle) * math.sqrt(-2 * math.log(1.0 - self.random()))
        return min(150, 2 + int(MEDIAN_SENTENCES * math.exp(SIGMA * normal)))

    def outlet(self) -> int:
        """Draw a source that is no agency."""
        return AGENCIES + self.zipf(SOURCES - AGENCIES)

    def add(self, when: float, draft: Draft) -> None:
        """Put a draft on the calendar."""
        self.drafts += 1  # of one second, what was planned first appears first
        heapq.heappush(self.due, (int(when), self.drafts, draft))

    def begin(self, when: float) -> None:
        """Plan a story that begins now."""
        self.stories += 1
        name, seed = f"s{self.stories}", self.seed()
        if self.random() < NOTICES:
            self.add(when, Draft(Happening(f"{name}e1", name, 0, seed), self.outlet(), notice=self.notice()))
            return
        size = min(BIGGEST, int((1.0 - self.random()) ** (-1 / SIZE_EXPONENT)))
        events = max(1, min(size, round(1.2 * self.random() * size**0.6)))
        reports = [1] * events
        for _ in range(size - events):
            reports[min(self.below(events), self.below(events))] += 1
        for number, n in enumerate(reports, 1):
            self.cover(Happening(f"{name}e{number}", name, self.seed(), seed), when, n)
            when += DAY / 2 + self.delay(EVENT_GAP)

    def cover(self, event: Happening, when: float, reports: int) -> None:
        """Plan the reports of an event: some are written, others copied."""
        written: list[tuple[float, Draft]] = []
        for number in range(reports):
            if number and self.random() < COPIES:
                at, original = written[self.zipf(len(written))]
                self.add(at + 60 + self.delay(COPY_DELAY), self.copy(original))
                continue
            at = when + (self.delay(REPORT_DELAY) if number else 0)
            draft = Draft(event, self.outlet(), self.length(), self.seed(), self.seed())
            if self.random() < AGENCY_REPORTS:
                draft.source = self.below(AGENCIES)
                draft.dateline = f"({sources()[draft.source].name}) - "
            written.append((at, draft))
            self.add(at, draft)

    def copy(self, original: Draft) -> Draft:
        """Plan a copy by another source: as it stands, edited, cut, or both."""
        source = self.outlet()
        if source == original.source:
            source = source + 1 if source + 1 < SOURCES else AGENCIES
        copied = replace(original, source=source, original=original)
        kind = self.random()
        if kind > 0.3:
            copied.edits, copied.edit_seed = 1 + self.below(40 if kind < 0.9 else 100), self.seed()
        if kind > 0.75:
            copied.sentences = max(2, int(copied.sentences * (0.4 + 0.55 * self.random())))
        if self.random() < 0.4:
            copied.headline = self.seed()
        return copied

    def notice(self) -> tuple[str, str]:
        """Fill in a form: title and text."""
        title, text = NOTICE_FORMS[self.below(len(NOTICE_FORMS))]
        fields = {name: str(3 + self.below(90)) for name in "abcde"}
        fields |= {"day": DAYS[self.below(7)], "other": DAYS[self.below(7)]}
        fields |= {"place": self.name(PLACE), "town": self.name(PLACE)}
        fields["person"] = f"{self.name(FIRST)} {self.name(LAST)}"
        fields["firm"] = f"{self.name(FIRM)} {self.name(FIRM_END)}"
        return title.format(**fields), text.format(**fields)

    def name(self, group: int) -> str:
        """Draw a name."""
        low, high = lexicon().bounds[group : group + 2].tolist()
        return lexicon().word(low + self.below(high - low))


# From drafts to articles


def _written(plan: Iterator[tuple[int, Draft]], block: int) -> Iterator[Article]:
    outlets = sources()
    number = 0
    while True:
        drafts = list(islice(plan, block))
        texts = write_drafts([draft for _, draft in drafts])
        for (when, draft), (title, body) in zip(drafts, texts, strict=True):
            number += 1
            draft.id = f"n{number}"
            source = outlets[draft.source]
            text = body if draft.notice else f"{source.before}{draft.dateline}{body}{source.after}"
            yield _article(draft, title, text, source.name, BEGINNING + timedelta(seconds=when))


def write_drafts(drafts: Sequence[Draft]) -> Iterator[tuple[str, str]]:
    """Title and text of each draft."""
    rows = [
        (d.seed, d.headline, d.sentences, d.event.seed, d.event.story_seed, d.edits, d.edit_seed)
        for d in drafts
    ]
    data, bounds = write_texts(np.array(rows, dtype=np.uint64), lexicon())
    view, ends = memoryview(data), bounds.tolist()
    for draft, begin, middle, end in zip(drafts, ends[:-1:2], ends[1::2], ends[2::2], strict=True):
        yield draft.notice or (str(view[begin:middle], "ascii"), str(view[middle:end], "ascii"))


def _article(draft: Draft, title: str, text: str, source: str, published: datetime) -> Article:
    record = {
        "id": draft.id,
        "title": title,
        "text": text,
        "published": published.isoformat(),
        "source": source,
        "lang": "en",
        "story": draft.event.story,
        "event": draft.event.name,
        "duplicate_of": draft.original.id if draft.original else None,
    }
    return Article(text, title, draft.id, published, source, "en", None, record)
