"""Summaries: the sentences, headline and key terms that say what a group of articles reports.

Extractive: every sentence stands in some article, and knows where. A sentence is worth what it says of what
the articles agree on; copies count once. Nothing here knows a language, except lists of words that
should not open a summary.
"""

from __future__ import annotations

import re
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from storyclust._core.validation import check_int
from storyclust.articles.article import Article
from storyclust.articles.ordering import canonical_order
from storyclust.articles.records import as_articles
from storyclust.cluster.medoids import find_medoids
from storyclust.dedup.deduplicator import Deduplicator
from storyclust.errors import InputError
from storyclust.summary.extract import ALONE, NOT_LEANING, extract
from storyclust.summary.keywords import Words, key_terms
from storyclust.summary.sentence_terms import hash_stems, number_terms
from storyclust.text.headline import clean_titles
from storyclust.text.language import group_languages
from storyclust.text.sentences import iter_sentences, split_sentences
from storyclust.text.tokens import codepoint_table, hash_tokens
from storyclust.text.vectorize import NewsVectorizer

if TYPE_CHECKING:
    from numpy.typing import NDArray

MAX_WORDS = 60
FEWEST_WORDS = 6  # a shorter sentence says too little, or is furniture
LONGEST = 3.0  # medians; longer sentences are lists and captions run together
USUAL_WORDS = 20.0  # least median that counts
CAPITALS = 0.4  # share of capital letters from which a line is shouting
READ = 12  # sentences of each article that are read, and more where they are too few
READ_WORTH = 5  # budgets' worth of sentences that are read at least
LAYERS_WORTH = 10  # budgets' worth of leading sentences that are candidates, of those read
HEADLINE_CHARACTERS = 100
LANGUAGE_ARTICLES = 5  # of which the first tells the language, and the others if it cannot be told

# Openings that lean on a sentence before: pronouns and connectives.
LEANING = frozenset(
    "he she it they his her its their this that these those but and so however meanwhile moreover also "
    "then there such both another others instead nevertheless still yet later earlier "
    "il elle ils elles ce cela cette ces mais et or donc cependant toutefois "
    "er sie es aber und doch dies diese el ella ellos pero y esto".split()
)
_LEANING_DENSE = re.compile("(?:彼|これ|それ|その|この|しかし|また|だが|そして|他|她|它|这|這|但)")
_PHRASE = re.compile(r"[぀-ヿ一-鿿々]+")
_UNSPACED = re.compile(r"[฀-໿က-႟ក-៿]+")  # Thai, Lao, Burmese, Khmer
# A name said in full and glued to what follows, "Cole Ann Mary ColeFormer": what a link shows when touched.
_GLUED = re.compile(r"\b([A-Z]\w{2,})(?: \(?[A-Z][\w.]*\)?){1,3}? \1(?=[A-Z0-9])")
# A caption that looks like a sentence: from the archive, or with a credit in brackets behind it.
_CAPTION = re.compile(
    r"^FILE(?: PHOTO)?\s?[-–—:]|\b[Ff]ile photo\b|^Image (?:copyright|caption|source)\b|"
    r"[(（][^()（）]{0,100}(?:(?:AFP|AP|EPA|Getty|Reuters) (?:[Pp]hoto|Images)|"
    r"/(?:AFP|AP|EPA|REUTERS|Reuters)\b|REUTERS/|(?:[Pp]hotos?|[Pp]icture|[Ii]mage|Foto|Bild|Ảnh|写真|撮影|图片?|圖片?)\s?[:：])"
    r"[^()（）]{0,100}[)）][.。\s]{0,3}$"
)
_WORD = re.compile(r"[^\W_]+")
_NOT_CAPITALS = bytes(byte for byte in range(256) if not chr(byte).isupper() or byte >= 128)
_NOT_LETTERS = bytes(byte for byte in range(256) if not chr(byte).isalpha() or byte >= 128)


@dataclass(frozen=True, slots=True)
class SummarySentence:
    """A sentence of a summary and where it stands.

    Attributes
    ----------
    string : str
        The sentence.
    article : int
        Row of the article it is taken from.
    start, end : int
        Its place there: ``article.text[start:end]``.
    """

    string: str
    article: int
    start: int
    end: int

    def __str__(self) -> str:
        return self.string


@dataclass(frozen=True, slots=True)
class Summary:
    """What a group of articles says.

    Attributes
    ----------
    headline : str
    sentences : tuple of SummarySentence
        In order of time, then of their place in the article.
    text : str
        The sentences as one text.
    keywords : tuple of str
        Key terms as written in the articles, weightiest first.
    headline_article : int
        Row of the article whose title, or first sentence, the headline is.
    """

    headline: str
    sentences: tuple[SummarySentence, ...]
    text: str
    keywords: tuple[str, ...]
    headline_article: int

    def __str__(self) -> str:
        return self.text


def summarize(articles: Iterable[Any], max_words: int = MAX_WORDS) -> Summary:
    """Summarise articles that report one story.

    Parameters
    ----------
    articles : sequence of str, mapping or Article, or a DataFrame
        At least one; see `as_articles`. Copies among them count once.
    max_words : int, default=60
        Length of the summary, in words (of Chinese and Japanese two characters count as one, of Thai, Lao,
        Burmese and Khmer four).

    Returns
    -------
    summary : Summary

    Raises
    ------
    InputError
        There is no article.

    References
    ----------
    D. Radev et al., "Centroid-based summarization of multiple documents", Information Processing and
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
    with_text_first = Deduplicator(keep=lambda article: not article.text.strip(), excerpts="ignore")
    rows = canonical_order(listed, np.flatnonzero(with_text_first.fit(listed).keep_))
    kept = [listed[row] for row in rows]
    vectorizer = NewsVectorizer(min_df=1)
    medoid = int(find_medoids(vectorizer.fit_transform(kept), np.zeros(len(kept), np.int64), kept).medoids[0])
    order = [medoid, *(row for row in range(len(kept)) if row != medoid)]
    return summarize_independent(
        [kept[row] for row in order], [int(rows[row]) for row in order], vectorizer, max_words
    )


def summarize_independent(
    articles: Sequence[Article], rows: Sequence[int], vectorizer: NewsVectorizer, max_words: int = MAX_WORDS
) -> Summary:
    """Summarise articles none of which is a copy of another; the first is their representative.

    `rows` are the numbers by which sentences name their articles; `vectorizer` knows how rare words are.
    """
    order = [0, *(canonical_order(articles, np.arange(1, len(articles))).tolist())]
    articles, rows = [articles[k] for k in order], [rows[k] for k in order]
    titles = clean_titles(articles)
    sentences = read_sentences(articles, READ_WORTH * max_words)
    good = good_sentences(sentences)
    candidates = leading(good, LAYERS_WORTH * max_words)

    # Titles and sentences as rows, article by article: a title stands before its sentences.
    lines = sorted(
        [*(Candidate(number, -1, title, 0, 0, 0.0) for number, title in enumerate(titles)), *sentences]
    )
    tokens = hash_tokens([line.string for line in lines])
    is_good, is_candidate = ([line in chosen for line in lines] for chosen in (set(good), set(candidates)))
    article = np.array([line.article for line in lines])
    position = np.array([line.position for line in lines])
    good_rows = np.array(is_good)
    stems = hash_stems(tokens.data, tokens.starts, tokens.ends, codepoint_table())
    picked, centrality = extract(
        stems, tokens.indptr, article, position, np.array([line.words for line in lines]),
        good_rows, np.array(is_candidate), _leaned_on(lines, is_candidate), float(max_words),
    )  # fmt: skip
    chosen = [lines[row] for row in picked.tolist()]
    when = [article.published.timestamp() if article.published else np.inf for article in articles]
    chosen.sort(key=lambda c: (when[c.article], c.article, c.start))
    found = tuple(SummarySentence(c.string, rows[c.article], c.start, c.end) for c in chosen)

    is_title = position < 0
    best = int(np.argmax(centrality[is_title].round(9)))
    headline, taken_from = _headline(titles, best, articles)
    ids, first = number_terms(tokens.hashes)
    words = Words(tokens, ids, first, article, position, good_rows | is_title)
    language = group_languages(articles[:LANGUAGE_ARTICLES])[0]
    keywords = key_terms(words, [line.string for line in lines], language, vectorizer)
    return Summary(headline, found, _joined(found), keywords, rows[taken_from])


class Candidate(NamedTuple):
    """A sentence that may be picked."""

    article: int
    position: int
    string: str
    start: int
    end: int
    words: float


def read_sentences(articles: Sequence[Article], least: float, read: int = READ) -> list[Candidate]:
    """So many first sentences of all articles, then more of each until there are enough words."""
    streams = [(number, iter_sentences(article.text)) for number, article in enumerate(articles)]
    found: list[Candidate] = []
    position, total = 0, 0.0
    while streams and (position < read or total < least):
        going = []
        for number, stream in streams:
            sentence = next(stream, None)
            if sentence is None:
                continue
            going.append((number, stream))
            string = " ".join(sentence.string.split())
            words = count_words(string)
            found.append(Candidate(number, position, string, sentence.start, sentence.end, words))
            total += words
        streams = going
        position += 1
    return found


def good_sentences(sentences: list[Candidate]) -> list[Candidate]:
    """Those that read like sentences; if none does, all of them."""
    if not sentences:
        return []
    longest = LONGEST * max(USUAL_WORDS, statistics.median(c.words for c in sentences))
    good = [c for c in sentences if FEWEST_WORDS <= c.words <= longest and not _is_junk(c.string)]
    return good or sentences


def leading(candidates: list[Candidate], words: float) -> list[Candidate]:
    """First sentences of all articles, then second ones, and so on, until there are enough words."""
    chosen, total, layer = [], 0.0, -1
    for candidate in sorted(candidates, key=lambda c: c.position):
        if candidate.position > layer and total >= words:
            break
        layer = candidate.position
        total += candidate.words
        chosen.append(candidate)
    return chosen


def count_words(string: str) -> float:
    """Words; of scripts without spaces, two ideographs or kana, or four letters, count as one."""
    total = 0.0
    if not string.isascii():
        for script, letters in (_PHRASE, 2), (_UNSPACED, 4):
            if runs := script.findall(string):
                total += sum(map(len, runs)) / letters
                string = script.sub(" ", string)
    return total + len(string.split())


def _is_junk(string: str) -> bool:
    """Whether a line is furniture rather than a sentence."""
    if string[-1] not in ".!?…。！？।॥؟۔\"'”’»」』)":
        return True
    if (
        _GLUED.search(string)
        or _CAPTION.search(string)
        or "|" in string
        or "://" in string
        or '="' in string
        or string.count("@") > 1
        or string.count("#") > 1
    ):
        return True
    if string.isascii():
        data = string.encode()
        capitals, letters = len(data.translate(None, _NOT_CAPITALS)), len(data.translate(None, _NOT_LETTERS))
    else:
        capitals, letters = sum(map(str.isupper, string)), sum(map(str.isalpha, string))
    return not letters or capitals > CAPITALS * letters


def leans(string: str) -> bool:
    """Whether a sentence opens with a word that points back."""
    word = _WORD.search(string, 0, 40)
    return word is not None and (
        word.group().lower() in LEANING or _LEANING_DENSE.match(word.group()) is not None
    )


def _leaned_on(lines: list[Candidate], is_candidate: list[bool]) -> NDArray[np.int64]:
    """Row of the sentence before one that leans, if it is a candidate and stands right before it."""
    found = np.full(len(lines), NOT_LEANING, np.int64)
    for row, line in enumerate(lines):
        if is_candidate[row] and leans(line.string):
            found[row] = row - 1 if line.position > 0 and is_candidate[row - 1] else ALONE
    return found


def _headline(titles: Sequence[str], best: int, articles: Sequence[Article]) -> tuple[str, int]:
    """The best title, or the opening of the first article that has a text; and whose it is."""
    if titles[best]:
        return titles[best], best
    openings = ((_opening(article.text), number) for number, article in enumerate(articles))
    return next(filter(lambda opening: opening[0], openings), ("", best))


def _opening(text: str) -> str:
    """First sentence of a text without a title, cut at a word if it is long."""
    sentences = split_sentences(text[:2000])
    opening = " ".join(sentences[0].string.split()) if sentences else ""
    if len(opening) <= HEADLINE_CHARACTERS:
        return opening
    short = opening[:HEADLINE_CHARACTERS]
    return (short[: short.rfind(" ")] if " " in short else short).rstrip(",;:") + "…"


def _joined(sentences: Sequence[SummarySentence]) -> str:
    """Sentences as one text: a space between them, none behind a full-width stop."""
    text = ""
    for sentence in sentences:
        gap = "" if not text or text[-1] in "。！？」』" else " "
        text += gap + sentence.string
    return text
