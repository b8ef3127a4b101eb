"""Extractive summaries: the sentences, headline and key terms that state what a group of articles reports.

Each sentence is taken from an article and records its place there. Sentences are preferred that contain what
the articles agree on; copies count once. Nothing depends on the language except lists of words that should
not open a summary.
"""

from __future__ import annotations

import re
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from storyclust._core.validation import check_bool, check_int
from storyclust.articles.article import Article
from storyclust.articles.ordering import canonical_order
from storyclust.articles.records import as_articles
from storyclust.cluster.medoids import find_medoids
from storyclust.dedup.deduplicator import BaseDeduplicator
from storyclust.errors import InputError
from storyclust.summary.extract import MISSING_ANTECEDENT, NO_ANTECEDENT, Lines, extract
from storyclust.summary.keywords import Words, key_terms
from storyclust.summary.sentence_checks import (
    count_words,
    is_report,
    length_of_dateline,
    may_open,
    refers_back,
)
from storyclust.summary.sentence_terms import hash_stems, number_terms
from storyclust.text.codepoints import codepoint_table
from storyclust.text.furniture import find_furniture, without_spans
from storyclust.text.headline import clean_titles, is_plain
from storyclust.text.language import group_languages
from storyclust.text.sentences import iter_sentences, split_sentences
from storyclust.text.tokens import hash_tokens
from storyclust.text.vectorize import BaseVectorizer

if TYPE_CHECKING:
    from numpy.typing import NDArray

MAX_WORDS = 60
MIN_SENTENCE_WORDS = 6  # a shorter sentence says too little, or is page furniture
MAX_MEDIANS = 3.0  # median lengths; longer sentences are lists, and captions run together
MIN_MEDIAN_WORDS = 20.0  # a smaller median counts as this
MIN_READ = 12  # sentences that are read of each article
READ_BUDGETS = 5  # length limits' worth of sentences that are read at least
CANDIDATE_BUDGETS = (
    10  # length limits' worth of leading sentences that are candidates; fewer hurt short summaries
)
LEAD_SENTENCES = 3  # the lead of an article is among its first sentences; furniture may stand before it
PLAIN_TITLE = 0.4  # centrality of a report's headline, as a share of the most central, for it to be taken
HEADLINE_CHARACTERS = 100
LANGUAGE_ARTICLES = 8  # articles from which the languages of a group are guessed

_BLANK = "    "
_GAP = re.compile(r"\S {4,}\S")  # what was furniture inside a sentence is blank


@dataclass(frozen=True, slots=True)
class SummarySentence:
    """A sentence of a summary, with its place in an article.

    Attributes
    ----------
    string : str
        The sentence, with single spaces.
    article : int
        Row of the article it is taken from.
    start, end : int
        Its place there: ``articles[article].text[start:end]``.
    """

    string: str
    article: int
    start: int
    end: int

    def __str__(self) -> str:
        return self.string


@dataclass(frozen=True, slots=True)
class Summary:
    """Summary of a group of articles.

    Attributes
    ----------
    headline : str
        The most central title, or a first sentence where no article has a title.
    sentences : tuple of SummarySentence
        In order of publication, then of their place in the article.
    text : str
        The sentences as one text.
    keywords : tuple of str
        Key terms as written in the articles: names first, then by decreasing weight.
    headline_article : int
        Row of the article that the headline is taken from.
    """

    headline: str
    sentences: tuple[SummarySentence, ...]
    text: str
    keywords: tuple[str, ...]
    headline_article: int

    def __str__(self) -> str:
        return self.text

    def _repr_html_(self) -> str:
        from storyclust.render.notebook import summary_html

        return summary_html(self)


def summarize(articles: Iterable[Any], max_words: int = MAX_WORDS, *, clean: bool = True) -> Summary:
    """Summarise articles that report one story, by sentences taken from them.

    Parameters
    ----------
    articles : sequence of str, mapping or Article, or a DataFrame
        At least one article; see `as_articles`. Copies count once.
    max_words : int, default=60
        Largest number of words of the summary. Two characters of Chinese or Japanese count as one word, and
        four letters of Thai, Lao, Burmese or Khmer. If all sentences are longer, the shortest is taken.
    clean : bool, default=True
        Leave page furniture out; see `find_furniture`.

    Returns
    -------
    summary : Summary
        Headline, sentences and key terms. Each sentence records the article and the characters it was
        taken from.

    Raises
    ------
    InputError
        If there is no article, `max_words` is less than 1, or an element of `articles` is not an article.

    See Also
    --------
    StoryClusterer : Find the stories; each of its threads and events has a summary.

    Notes
    -----
    Sentences are vectors of words, weighted by inverse sentence frequency. The vectors of each article are
    summed, leading sentences with larger weights, and the articles' unit vectors make a centroid [1]_.
    Sentences are selected one by one so that the cosine of their sum to the centroid is largest, without
    those that repeat a selected one or refer back to a sentence left out. Selected sentences are then
    replaced by longer ones where much of `max_words` is unused.

    References
    ----------
    .. [1] D. Radev et al., "Centroid-based summarization of multiple documents", Information Processing and
       Management 40 (2004).

    Examples
    --------
    >>> import storyclust as sc
    >>> summary = sc.summarize([
    ...     "The Aldmouth ferry Selka struck the pier on Monday, and nobody was hurt. It was foggy.",
    ...     "Nobody was hurt when the ferry Selka struck the Aldmouth pier in fog on Monday.",
    ... ], max_words=20)
    >>> summary.text
    'Nobody was hurt when the ferry Selka struck the Aldmouth pier in fog on Monday.'
    """
    check_int("max_words", max_words, low=1)
    listed = as_articles(articles)
    if not listed:
        raise InputError("articles must hold at least one article to summarise.")
    with_text_first = BaseDeduplicator(keep=lambda article: not article.text.strip(), excerpts="ignore")
    rows = canonical_order(listed, np.flatnonzero(with_text_first.fit(listed).keep_))
    kept = [listed[row] for row in rows]
    if check_bool("clean", clean):
        kept = without_spans(kept, find_furniture(kept))
    vectorizer = BaseVectorizer(min_df=1)
    medoid = int(find_medoids(vectorizer.fit_transform(kept), np.zeros(len(kept), np.int64), kept).medoids[0])
    order = [medoid, *(row for row in range(len(kept)) if row != medoid)]
    return summarize_independent(
        [kept[row] for row in order], [int(rows[row]) for row in order], vectorizer, max_words
    )


def summarize_independent(
    articles: Sequence[Article], rows: Sequence[int], vectorizer: BaseVectorizer, max_words: int = MAX_WORDS
) -> Summary:
    """Summarise independent articles.

    Parameters
    ----------
    articles : sequence of Article
        None is a copy of another. The first is their representative.
    rows : sequence of int
        Numbers by which the sentences refer to their articles.
    vectorizer : BaseVectorizer
        Fitted; gives the inverse document frequencies of key terms.
    max_words : int, default=60

    Returns
    -------
    summary : Summary
    """
    order = [0, *(canonical_order(articles, np.arange(1, len(articles))).tolist())]
    articles, rows = [articles[k] for k in order], [rows[k] for k in order]
    titles = clean_titles(articles)
    sentences = read_sentences(articles, READ_BUDGETS * max_words)
    good = good_sentences(sentences)
    candidates = leading(good, CANDIDATE_BUDGETS * max_words)

    # Titles and sentences as rows, article by article, a title before its sentences.
    lines = sorted(
        [*(Sentence(number, -1, title, 0, 0, 0.0) for number, title in enumerate(titles)), *sentences]
    )
    tokens = hash_tokens([line.string for line in lines])
    is_good, is_candidate = ([line in chosen for line in lines] for chosen in (set(good), set(candidates)))
    article = np.array([line.article for line in lines])
    position = np.array([line.position for line in lines])
    good_rows = np.array(is_good)
    stems = hash_stems(tokens.data, tokens.starts, tokens.ends, codepoint_table())
    n_words = np.array([line.n_words for line in lines])
    antecedent = _antecedents(lines, is_candidate)
    when = [article.published.timestamp() if article.published else np.inf for article in articles]
    times = np.array([when[line.article] for line in lines])
    shown = np.argsort(np.argsort(times, kind="stable"), kind="stable")
    leads = leads_of(candidates, max_words)
    opens = np.array([leads.get(line.article) == line for line in lines])
    described = Lines(article, position, n_words, good_rows, np.array(is_candidate), antecedent, shown, opens)
    selected, centrality = extract(stems, tokens.indptr, described, float(max_words))
    chosen = [lines[row] for row in sorted(selected.tolist(), key=shown.tolist().__getitem__)]
    found = tuple(SummarySentence(c.string, rows[c.article], c.start, c.end) for c in chosen)

    is_title = position < 0
    best = _best_title(articles, centrality[is_title].round(9))
    headline, taken_from = _headline(titles, best, articles)
    ids, first = number_terms(tokens.hashes)
    words = Words(tokens, ids, first, article, position, good_rows | is_title)
    languages = group_languages(articles[:LANGUAGE_ARTICLES])
    keywords = key_terms(words, [line.string for line in lines], languages, vectorizer)
    return Summary(headline, found, _joined(found), keywords, rows[taken_from])


class Sentence(NamedTuple):
    """A sentence of an article, or its title."""

    article: int  # index in a group
    position: int  # index in the article, -1 for a title
    string: str
    start: int
    end: int
    n_words: float
    is_whole: bool = True  # whether nothing was left out of it


def read_sentences(articles: Sequence[Article], min_words: float, min_read: int = MIN_READ) -> list[Sentence]:
    """The first `min_read` sentences of all articles, and more of each until they have `min_words` words."""
    streams = [(number, iter_sentences(article.text)) for number, article in enumerate(articles)]
    found: list[Sentence] = []
    position, total = 0, 0.0
    while streams and (position < min_read or total < min_words):
        unfinished = []
        for number, stream in streams:
            sentence = next(stream, None)
            if sentence is None:
                continue
            unfinished.append((number, stream))
            dateline = length_of_dateline(sentence.string)
            string = " ".join(sentence.string[dateline:].split())
            n_words = count_words(string)
            place = sentence.start + dateline, sentence.end
            is_whole = not (_GAP.search(sentence.string) or _is_cut(articles[number].text, sentence.start))
            found.append(Sentence(number, position, string, *place, n_words, is_whole))
            total += n_words
        streams = unfinished
        position += 1
    return found


def _is_cut(text: str, start: int) -> bool:
    """Whether a sentence of a script without spaces begins right behind furniture, which is blank."""
    return start >= len(_BLANK) and text[start - len(_BLANK) : start] == _BLANK and text[start] >= "\u3000"


def good_sentences(sentences: list[Sentence]) -> list[Sentence]:
    """The well-formed sentences, or all of them if none is."""
    if not sentences:
        return []
    longest = MAX_MEDIANS * max(MIN_MEDIAN_WORDS, statistics.median(s.n_words for s in sentences))
    good = [
        s
        for s in sentences
        if MIN_SENTENCE_WORDS <= s.n_words <= longest and s.is_whole and is_report(s.string)
    ]
    return good or sentences


def leading(sentences: list[Sentence], n_words: float) -> list[Sentence]:
    """The first sentences of all articles, then the second ones, and so on, up to `n_words` words."""
    chosen, total, position = [], 0.0, -1
    for sentence in sorted(sentences, key=lambda s: s.position):
        if sentence.position > position and total >= n_words:
            break
        position = sentence.position
        total += sentence.n_words
        chosen.append(sentence)
    return chosen


def _antecedents(lines: list[Sentence], is_candidate: list[bool]) -> NDArray[np.int64]:
    """Row that each candidate refers back to: the sentence right before it, which must be a candidate too."""
    found = np.full(len(lines), NO_ANTECEDENT, np.int64)
    for row, line in enumerate(lines):
        if is_candidate[row] and refers_back(line.string):
            found[row] = row - 1 if line.position > 0 and is_candidate[row - 1] else MISSING_ANTECEDENT
    return found


def leads_of(sentences: Iterable[Sentence], max_words: float) -> dict[int, Sentence]:
    """Sentence of each article that may open a summary: the first that fits, if it is near the beginning."""
    leads: dict[int, Sentence] = {}
    for sentence in sorted(sentences):
        is_early = sentence.position < LEAD_SENTENCES and sentence.article not in leads
        if (
            is_early
            and sentence.n_words <= max_words
            and may_open(sentence.string, is_first=sentence.position == 0)
        ):
            leads[sentence.article] = sentence
    return leads


def _best_title(articles: Sequence[Article], centrality: NDArray[np.float64]) -> int:
    """Index of the most central title, among headlines of reports if one of them is nearly as central."""
    plain = np.where([is_plain(" ".join(article.title.split())) for article in articles], centrality, 0.0)
    best = plain if plain.max() >= PLAIN_TITLE * centrality.max() else centrality
    return int(np.argmax(best))


def _headline(titles: Sequence[str], best: int, articles: Sequence[Article]) -> tuple[str, int]:
    """The best title, or the opening of the first article with a text; and the index of its article."""
    if titles[best]:
        return titles[best], best
    openings = ((_opening(article.text), number) for number, article in enumerate(articles))
    return next(filter(lambda opening: opening[0], openings), ("", best))


def _opening(text: str) -> str:
    """The first sentence of a text, cut between words if it is long."""
    sentences = split_sentences(text[:2000])
    opening = " ".join(sentences[0].string.split()) if sentences else ""
    if len(opening) <= HEADLINE_CHARACTERS:
        return opening
    short = opening[:HEADLINE_CHARACTERS]
    return (short[: short.rfind(" ")] if " " in short else short).rstrip(",;:") + "…"


def _joined(sentences: Sequence[SummarySentence]) -> str:
    """Sentences as one text, with a space between them except behind a full-width stop."""
    text = ""
    for sentence in sentences:
        gap = "" if not text or text[-1] in "。！？」』" else " "
        text += gap + sentence.string
    return text
