"""The data of a report: columns of articles, and threads and events as counts.

Articles are in display order: by thread, event and time, each copy after the article kept for it. A thread is
then a list of events and an event a number of articles, without article ids. Texts are shortened to limits
that the page states.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

import numpy as np

from storyclust._core.progress import stage
from storyclust.articles.article import Article
from storyclust.articles.ordering import time_of
from storyclust.dedup.evidence import Edit, explain
from storyclust.render.report.excerpts import excerpt_of, plain, shortened
from storyclust.render.report.joined import ALL_LINKS, COMPARED, LEAVES, LINKS, Links, tree_of

if TYPE_CHECKING:
    from storyclust.stories.fitted_stories import FittedStories
    from storyclust.stories.threads import Event, StoryThread
    from storyclust.summary.summarizer import SummarySentence

MAX_ARTICLES = 50_000  # listed; in a larger corpus the smallest threads are only counted
EXCERPT = 600  # characters of each article
ALL_EXCERPTS = 9_000_000  # characters in all: a page of 12,000 articles can still be mailed
COPIES_COMPARED = 30  # of each article
ALL_COMPARED = 5_000  # copies in all
CONTEXT = 60  # characters shown on either side of a difference
STRETCH = 400  # characters of one difference
STRETCHES = 40  # differences and equal stretches of one copy
TITLE = 300  # characters
OPENING = 100  # characters of a text without title
SENTENCE = 1_000  # characters

LIMITS = {
    "compared": COMPARED,
    "copies_compared": COPIES_COMPARED,
    "all_compared": ALL_COMPARED,
    "stretch": STRETCH,
    "stretches": STRETCHES,
    "title": TITLE,
    "leaves": LEAVES,
    "links": LINKS,
    "all_links": ALL_LINKS,
}

SAME, ONLY_KEPT, ONLY_COPY = 0, 1, 2

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MINUTE = timedelta(minutes=1)
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*")


class Content(NamedTuple):
    """The data of a report.

    Attributes
    ----------
    overview : dict
        Counts and dates of the corpus, and the limits that apply.
    columns : dict
        Columns of articles, and threads, as needed for the list, the search and the timeline.
    texts : list
        For each article its excerpt. For a copy the differences, a list of (kind, text), where kind is 0 for
        text in both, 1 for text only in the kept article, 2 for text only in the copy; None if the two were
        not compared.
    joined : list
        For each thread its tree and its strongest links, see `joined`. Copies are not numbered here.
    """

    overview: dict[str, Any]
    columns: dict[str, Any]
    texts: list[Any]
    joined: list[Any]


def report_content(
    stories: FittedStories, articles: Sequence[Article], min_size: int | None = None
) -> Content:
    """Collect the data of a report on story threads.

    Parameters
    ----------
    stories : FittedStories
        Fitted.
    articles : sequence of Article
        The articles it was fitted to.
    min_size : int or None, default=None
        Size of the smallest thread listed. None is 1 or, if more than 50,000 articles would be listed, the
        smallest size with which they are not.

    Returns
    -------
    content : Content
    """
    sizes = np.array([len(thread) for thread in stories.threads_], np.int64)
    least = least_size(sizes) if min_size is None else min_size
    threads = [thread for thread in stories.threads_ if len(thread) >= least]
    writer = Writer(stories, articles, excerpt_length(int(sizes[sizes >= least].sum())))
    with stage("report", len(threads)) as advance:
        for thread in threads:
            writer.add(thread)
            advance(1)
    overview = corpus_counts(stories, articles) | {
        "listed": len(threads),
        "listed_articles": len(writer.rows),
        "least": least,
        "excerpt": writer.excerpt,
        "not_compared": writer.texts.count(None),
        "links_missed": writer.links.missed,
    }
    distances = {"distances": [stories.event_distance, stories.thread_distance]}
    return Content(overview | LIMITS, writer.columns() | distances, writer.texts, writer.joined)


def least_size(sizes: np.ndarray[Any, np.dtype[np.int64]], most: int = MAX_ARTICLES) -> int:
    """Find the smallest size such that all threads of at least this size have at most `most` articles.

    Examples
    --------
    >>> least_size(np.array([5, 3, 1, 1]), most=9), least_size(np.array([5, 3, 1, 1]), most=10)
    (2, 1)
    """
    if sizes.sum() <= most:
        return 1
    of_size = np.bincount(sizes) * np.arange(sizes.max() + 1)
    from_size = np.cumsum(of_size[::-1])[::-1]
    fits = np.flatnonzero(from_size <= most)
    return int(min(fits[0] if len(fits) else len(of_size), sizes.max()))


def excerpt_length(n_articles: int) -> int:
    """Characters of the excerpt of each article."""
    return min(EXCERPT, ALL_EXCERPTS // max(1, n_articles))


def corpus_counts(stories: FittedStories, articles: Sequence[Article]) -> dict[str, Any]:
    """Counts and dates of the corpus."""
    dates = [article.published for article in articles if article.published]
    return {
        "articles": len(articles),
        "copies": int((~stories.deduplicator_.keep_).sum()),
        "events": int(stories.event_labels_.max(initial=-1)) + 1,
        "threads": len(stories.threads_),
        "sources": len({article.source for article in articles if article.source}),
        "undated": len(articles) - len(dates),
        "start": min(dates, default=None),
        "end": max(dates, default=None),
    }


class Writer:
    """Collects the data of one thread after the other."""

    def __init__(self, stories: FittedStories, articles: Sequence[Article], excerpt: int) -> None:
        self.articles = articles
        self.excerpt = excerpt
        self.original = stories.deduplicator_.representatives_
        self.furniture = stories.furniture_
        self.ignored: list[list[int]] = []  # of each listed article, as in `excerpt_of`
        self.threads: list[list[Any]] = []
        self.rows: list[int] = []
        self.texts: list[Any] = []
        self.joined: list[Any] = []
        self.links = Links(stories, stories._counted)
        self.n_compared = 0

    def add(self, thread: StoryThread) -> None:
        """Add a thread, its events and its articles."""
        begin = len(self.rows)
        events: list[list[Any]] = []
        for event in thread.events:
            rows = self.in_order(event)
            events.append([len(rows), rows.index(event.representative)])
            self.rows += rows
        place = {row: number for number, row in enumerate(self.rows[begin:])}

        def quoted(sentence: SummarySentence) -> list[Any]:
            return [shortened(plain(sentence.string), SENTENCE), place[sentence.article]]

        new = {line.event: quoted(line.sentence) for line in thread.timeline}
        events = [
            counts + new.get(event.label, []) for event, counts in zip(thread.events, events, strict=True)
        ]
        summary = thread.summary
        language = language_of(self.articles[summary.headline_article])
        sentences = [quoted(sentence) for sentence in summary.sentences]
        keywords = [shortened(plain(word), TITLE) for word in summary.keywords]
        headline = shortened(plain(summary.headline), TITLE)
        typical = [place[thread.representative], thread.representative_reason]
        self.threads.append([headline, language, keywords, sentences, events, *typical])
        texts = self.texts_of(self.rows[begin:])
        self.texts += texts
        shown = {
            row: text or title_of(self.articles[row])
            for row, text in zip(self.rows[begin:], texts, strict=True)
            if self.original[row] == row
        }
        leaves = {row: number for number, row in enumerate(shown)}
        self.joined.append([tree_of(thread, leaves), self.links.of(thread, shown)])

    def in_order(self, event: Event) -> list[int]:
        """Rows of an event by time, undated ones last; each copy after the article kept for it."""
        key = {row: display_key(self.articles, row) for row in event.members.tolist()}

        def place(row: int) -> tuple[Any, ...]:
            kept = int(self.original[row])
            return *key[kept], kept != row, key[row]

        return sorted(key, key=place)

    def texts_of(self, rows: Sequence[int]) -> list[Any]:
        """Excerpts of articles, and differences of copies."""
        texts: list[Any] = []
        seen: Counter[int] = Counter()
        for row in rows:
            kept = int(self.original[row])
            if kept == row:
                excerpt, ignored = excerpt_of(self.articles[row].text, self.furniture[row], self.excerpt)
                texts.append(excerpt)
                self.ignored.append(ignored)
                continue
            self.ignored.append([])
            seen[kept] += 1
            if seen[kept] > COPIES_COMPARED or self.n_compared >= ALL_COMPARED:
                texts.append(None)
                continue
            self.n_compared += 1
            texts.append(differences(self.articles[kept].content, self.articles[row].content))
        return texts

    def columns(self) -> dict[str, Any]:
        """Columns of articles, and threads."""
        listed = [self.articles[row] for row in self.rows]
        counts = Counter(article.source for article in listed if article.source)
        names = sorted(counts, key=lambda name: (-counts[name], name))
        number = {name: k for k, name in enumerate(names)}
        languages = sorted({language_of(article) for article in listed})
        of_language = {language: k for k, language in enumerate(languages)}
        return {
            "sources": [shortened(plain(name), TITLE) for name in names],
            "languages": languages,
            "title": [title_of(article) for article in listed],
            "source": [number.get(article.source or "", -1) for article in listed],
            "minute": [minute_of(article.published) for article in listed],
            "language": [of_language[language_of(article)] for article in listed],
            "url": [web_address(article.url) for article in listed],
            "copy": [int(self.original[row] != row) for row in self.rows],
            "ignored": self.ignored,
            "threads": self.threads,
        }


def display_key(articles: Sequence[Article], row: int) -> tuple[float, str, str, int]:
    """Sort key by time, undated articles last; the row only decides between equal titles and ids."""
    article = articles[row]
    return time_of(article), article.title, article.id, row


def title_of(article: Article) -> str:
    """Title of an article, or the beginning of its text."""
    return shortened(plain(article.title), TITLE) or shortened(plain(article.text[: 4 * OPENING]), OPENING)


def language_of(article: Article) -> str:
    """Language code of an article if it is valid in HTML, else an empty text."""
    code = (article.lang or "").strip().replace("_", "-")
    return code if len(code) <= 35 and _LANGUAGE.fullmatch(code) else ""


def minute_of(when: datetime | None) -> int | None:
    """Minutes since 1970, in UTC."""
    return None if when is None else (when - _EPOCH) // _MINUTE


def web_address(url: str | None) -> str:
    """Return the address if it is a web address, else an empty text.

    Examples
    --------
    >>> web_address("https://ap.example/1"), web_address("javascript:alert(1)")
    ('https://ap.example/1', '')
    """
    if not url or url != plain(url) or " " in url or len(url) > 2000:
        return ""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    return url if parts.scheme in ("http", "https") and parts.netloc else ""


def differences(kept: str, copy: str) -> list[tuple[int, str]] | None:
    """List the differences between an article and its copy, with some context.

    Examples
    --------
    >>> differences("The ferry struck the pier on Monday.", "The ferry struck the pier on Sunday.")
    [(0, 'The ferry struck the pier on'), (1, 'Monday.'), (2, 'Sunday.')]
    """
    if kept == copy:
        return []
    cut = max(len(kept), len(copy)) > COMPARED
    edits = list(explain(Article(kept[:COMPARED]), Article(copy[:COMPARED])).edits)
    while cut and edits and edits[-1].kind != "equal":
        edits.pop()  # an artefact of the cut
    changed = [number for number, edit in enumerate(edits) if edit.kind != "equal"]
    if not changed:
        return []
    pieces: list[tuple[int, str]] = []
    for number, edit in enumerate(edits):
        if len(pieces) >= STRETCHES:
            pieces.append((SAME, "…"))
            break
        pieces += _pieces(edit, number > changed[0], number < changed[-1])
    return pieces


def _pieces(edit: Edit, after: bool, before: bool) -> list[tuple[int, str]]:
    if edit.kind == "equal":
        text = plain(edit.after)
        if len(text) > 2 * CONTEXT * (after + before):
            head = shortened(text, CONTEXT).removesuffix("…") + " " if after else ""
            text = head + "…" + (_ending(text) if before else "")
        return [(SAME, text)] if text else []
    sides = ((ONLY_KEPT, edit.before), (ONLY_COPY, edit.after))
    return [(kind, shortened(text, STRETCH)) for kind, side in sides if (text := plain(side))]


def _ending(text: str) -> str:
    """Last words of a text, to follow an ellipsis."""
    tail = text[-CONTEXT:]
    gap = tail.find(" ")
    return " " + (tail[gap + 1 :] if 0 <= gap < CONTEXT // 2 else tail)
