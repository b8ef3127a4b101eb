"""Simulation of a stream of news with gold labels, of any size.

Articles appear in the order of time. Stories begin at random and have events over days to months. Events are
reported by several sources, some of which copy others. This module decides which articles appear when; the
module `synthetic_text` writes their words, a block of articles at a time, from the seeds of stories, events
and texts.
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
from storyclust.datasets.lexicon import lexicon, make_names
from storyclust.datasets.synthetic_text import FIRM, FIRM_END, FIRST, LAST, PLACE, write_texts
from storyclust.errors import InputError

__all__ = ["make_newswire"]

BLOCK_ARTICLES = 512  # written at a time
BEGINNING = datetime(2020, 1, 6, tzinfo=UTC)
DAY = 86_400
ARTICLES_PER_DAY = 500.0  # fewer or more if the articles would span less than a month or more than a century
MIN_DAYS, MAX_DAYS = 30, 36_500

# Sizes of stories follow a power law; the number of events is a power of the size.
SIZE_EXPONENT, MAX_SIZE = 1.7, 1_000
MEAN_SIZE = sum(size**-SIZE_EXPONENT for size in range(1, MAX_SIZE + 1))
NOTICES = 0.08  # share of stories that are notices
COPIES = 0.36  # share of the articles of an event, after the first, that copy an earlier one
AGENCY_REPORTS = 0.3  # share of reports that agencies write
EVENT_GAP = 4.0  # mean days between events of a story, besides half a day
REPORT_DELAY, COPY_DELAY = 0.4, 0.15  # mean days from an event to a report, and from a report to a copy
MEDIAN_SENTENCES, SIGMA = 15.0, 0.6  # of the log-normal distribution of lengths

AGENCIES, SOURCES = 4, 240
SOURCE_FORMS = ("{} Times", "The {} Post", "{} Daily", "{} Online", "Radio {}")
PAGE_FURNITURE = (
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
    """Generate synthetic news with gold labels for stories, events and copies.

    Parameters
    ----------
    n_articles : int, default=10_000
        Number of articles.
    random_state : int, default=0
        Seed. Equal arguments give equal articles, on every machine.
    articles_per_day : float or None, default=None
        Density of the stream. At a larger value more stories are active at the same time. None means 500,
        but less if the articles would span less than a month, and more if they would span more than a
        century.

    Returns
    -------
    articles : iterator of Article
        In the order of publication, generated as they are read. The `record` of each article has three
        labels besides its fields: `story`; `event`, which is part of the story; and `duplicate_of`, the id
        of the earlier article of the event that it copies, or None.

    Raises
    ------
    InputError
        If an argument is out of range.

    See Also
    --------
    evaluate : Score groups against the labels.

    Notes
    -----
    With equal `articles_per_day`, a shorter stream is the beginning of a longer one. Memory grows with the
    number of active stories, not with the number of articles.

    Sizes of stories follow a Pareto distribution: most stories have one article, and about a third of the
    articles are in stories of five or more. Lengths are log-normal, and the frequencies of sources and themes
    follow Zipf's law [1]_. One article in seven is a copy: verbatim, edited or shortened. Some articles are
    notices (dividends, roads, weather, results), which resemble others of their form but are separate
    stories. Half of the sources add page furniture to their articles.

    English words occur at the rates of the background frequencies that come with the library. Names of
    people, places and firms are invented. The sentences have no meaning, but their words are about as
    frequent, as often repeated [2]_ and as often shared with related articles as in real news. Long
    borrowings between articles that are not copies are not simulated. Random numbers of the texts are those
    of SplitMix64 [3]_.

    References
    ----------
    .. [1] G. K. Zipf, "Human Behavior and the Principle of Least Effort" (1949).
    .. [2] S. M. Katz, "Distribution of content words and phrases in text and language modelling", Natural
       Language Engineering 2 (1996).
    .. [3] G. L. Steele, D. Lea, C. H. Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014.

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
    rate = max(min(ARTICLES_PER_DAY, max(1, n) / MIN_DAYS), n / MAX_DAYS)
    if articles_per_day is not None:
        rate = check_float("articles_per_day", articles_per_day, low=0, high=1e9, open_low=True)
        if n / rate > MAX_DAYS:
            raise InputError(
                f"articles_per_day must be {math.ceil(n / MAX_DAYS)} or more, for {n} articles to span "
                f"a century at most, got {articles_per_day!r}."
            )
    return (
        islice(_write_articles(iter(NewsSimulator(seed, rate)), min(n, BLOCK_ARTICLES)), n) if n else iter(())
    )


class Source(NamedTuple):
    """A source, and the page furniture before and behind its texts."""

    name: str
    before: str
    after: str


@functools.cache
def sources() -> list[Source]:
    """Return the sources, agencies first."""
    draw = random.Random(0).random  # noqa: S311 - not for cryptography
    found = []
    for number, word in enumerate(make_names(SOURCES, 13)):
        form = "{} Press" if number < AGENCIES else SOURCE_FORMS[number % len(SOURCE_FORMS)]
        name = form.format(word)
        paragraphs = [text.format(name=name) for text in PAGE_FURNITURE if draw() < 0.13]
        if number < AGENCIES:
            paragraphs = []
        if len(paragraphs) == 1 and draw() < 0.3:
            found.append(Source(name, f"{paragraphs[0]}\n\n", ""))
        else:
            found.append(Source(name, "", "".join(f"\n\n{text}" for text in paragraphs)))
    return found


class PlannedEvent(NamedTuple):
    """An event: its labels, and the seeds of its words."""

    name: str
    story: str
    seed: int
    story_seed: int


@dataclass(slots=True, eq=False)
class Draft:
    """An article or a notice, before its words are written."""

    event: PlannedEvent
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


class NewsSimulator:
    """An infinite stream of pairs: seconds since the beginning, ascending, and a draft."""

    def __init__(self, seed: int, rate: float) -> None:
        self.random = random.Random(seed).random  # noqa: S311 - the same numbers in every version of Python
        self.mean_gap = MEAN_SIZE / rate
        self.queue: list[tuple[int, int, Draft]] = []
        self.drafts = self.stories = 0

    def __iter__(self) -> Iterator[tuple[int, Draft]]:
        time = 0.0
        while True:
            time += self.draw_delay(self.mean_gap)
            while self.queue and self.queue[0][0] < time:
                when, _, draft = heapq.heappop(self.queue)
                yield when, draft
            self.plan_story(time)

    def draw_below(self, n: int) -> int:
        """Draw a number below `n`."""
        return int(self.random() * n)

    def draw_zipf(self, n: int) -> int:
        """Draw a number below `n` by Zipf's law."""
        return int((n + 1) ** self.random()) - 1

    def draw_seed(self) -> int:
        """Draw a seed."""
        return int(self.random() * 9007199254740992.0)

    def draw_delay(self, days: float) -> float:
        """Draw seconds, exponential with a mean of `days`."""
        return -DAY * days * math.log(1.0 - self.random())

    def draw_length(self) -> int:
        """Draw a number of sentences."""
        angle = 2 * math.pi * self.random()
        normal = math.cos(angle) * math.sqrt(-2 * math.log(1.0 - self.random()))
        return min(150, 2 + int(MEDIAN_SENTENCES * math.exp(SIGMA * normal)))

    def draw_source(self) -> int:
        """Draw a source that is not an agency."""
        return AGENCIES + self.draw_zipf(SOURCES - AGENCIES)

    def schedule(self, when: float, draft: Draft) -> None:
        """Add a draft to the queue."""
        self.drafts += 1  # among drafts of one second, the first planned appears first
        heapq.heappush(self.queue, (int(when), self.drafts, draft))

    def plan_story(self, when: float) -> None:
        """Plan the events of a story that begins now."""
        self.stories += 1
        name, seed = f"s{self.stories}", self.draw_seed()
        if self.random() < NOTICES:
            event = PlannedEvent(f"{name}e1", name, 0, seed)
            self.schedule(when, Draft(event, self.draw_source(), notice=self.fill_notice()))
            return
        size = min(MAX_SIZE, int((1.0 - self.random()) ** (-1 / SIZE_EXPONENT)))
        events = max(1, min(size, round(1.2 * self.random() * size**0.6)))
        reports = [1] * events
        for _ in range(size - events):
            reports[min(self.draw_below(events), self.draw_below(events))] += 1
        for number, n in enumerate(reports, 1):
            self.plan_reports(PlannedEvent(f"{name}e{number}", name, self.draw_seed(), seed), when, n)
            when += DAY / 2 + self.draw_delay(EVENT_GAP)

    def plan_reports(self, event: PlannedEvent, when: float, reports: int) -> None:
        """Plan the reports of an event, some of which are copies."""
        written: list[tuple[float, Draft]] = []
        for number in range(reports):
            if number and self.random() < COPIES:
                at, original = written[self.draw_zipf(len(written))]
                self.schedule(at + 60 + self.draw_delay(COPY_DELAY), self.plan_copy(original))
                continue
            at = when + (self.draw_delay(REPORT_DELAY) if number else 0)
            draft = Draft(event, self.draw_source(), self.draw_length(), self.draw_seed(), self.draw_seed())
            if self.random() < AGENCY_REPORTS:
                draft.source = self.draw_below(AGENCIES)
                draft.dateline = f"({sources()[draft.source].name}) - "
            written.append((at, draft))
            self.schedule(at, draft)

    def plan_copy(self, original: Draft) -> Draft:
        """Plan a copy by another source: verbatim, edited, shortened, or both."""
        source = self.draw_source()
        if source == original.source:
            source = source + 1 if source + 1 < SOURCES else AGENCIES
        copied = replace(original, source=source, original=original)
        kind = self.random()
        if kind > 0.3:
            copied.edits, copied.edit_seed = 1 + self.draw_below(40 if kind < 0.9 else 100), self.draw_seed()
        if kind > 0.75:
            copied.sentences = max(2, int(copied.sentences * (0.4 + 0.55 * self.random())))
        if self.random() < 0.4:
            copied.headline = self.draw_seed()
        return copied

    def fill_notice(self) -> tuple[str, str]:
        """Write a notice from a form: title and text."""
        title, text = NOTICE_FORMS[self.draw_below(len(NOTICE_FORMS))]
        fields = {name: str(3 + self.draw_below(90)) for name in "abcde"}
        fields |= {"day": DAYS[self.draw_below(7)], "other": DAYS[self.draw_below(7)]}
        fields |= {"place": self.draw_name(PLACE), "town": self.draw_name(PLACE)}
        fields["person"] = f"{self.draw_name(FIRST)} {self.draw_name(LAST)}"
        fields["firm"] = f"{self.draw_name(FIRM)} {self.draw_name(FIRM_END)}"
        return title.format(**fields), text.format(**fields)

    def draw_name(self, group: int) -> str:
        """Draw a name."""
        low, high = lexicon().bounds[group : group + 2].tolist()
        return lexicon().word(low + self.draw_below(high - low))


def _write_articles(plan: Iterator[tuple[int, Draft]], block: int) -> Iterator[Article]:
    number = 0
    while True:
        drafts = list(islice(plan, block))
        texts = write_drafts([draft for _, draft in drafts])
        for (when, draft), (title, body) in zip(drafts, texts, strict=True):
            number += 1
            draft.id = f"n{number}"
            source = sources()[draft.source]
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
