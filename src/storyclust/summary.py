"""Summaries: the sentences, headline and key terms that say what a group of articles reports.

Extractive: every sentence stands in some article, and knows where. A sentence is worth what it says of what
the articles agree on; copies count once. Nothing here knows a language, except lists of words that
should not open a summary.
"""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from scipy import sparse

from storyclust.article import Article, as_articles
from storyclust.central import canonical_order, centres
from storyclust.dedup import Deduplicator
from storyclust.errors import InputError
from storyclust.features import WORD_MASK, pair_hashes, stop_hashes
from storyclust.language import group_languages
from storyclust.sentences import iter_sentences, split_sentences
from storyclust.terms import JOINTS, is_name, parts_of
from storyclust.tokens import hash_tokens
from storyclust.validate import check_int
from storyclust.vectorize import NewsVectorizer

if TYPE_CHECKING:
    from numpy.typing import NDArray

MAX_WORDS = 60
FEWEST_WORDS = 6  # a shorter sentence says too little, or is furniture
LONGEST = 3.0  # medians; longer sentences are lists and captions run together
CAPITALS = 0.4  # share of capital letters from which a line is shouting
POSITION_DECAY = 0.7
SENTENCES = 40  # of each article that are looked at
LAYERS_WORTH = 3  # budgets' worth of leading sentences that are candidates
CENTRAL = 0.4  # least closeness to the centroid, against the closest sentence's
ALIKE = 0.6  # cosine to a sentence already picked from which another says nothing new
LEANING_PENALTY = 0.85
N_KEYWORDS = 6
KEYWORD_ARTICLES = 30  # articles, and characters of each, in which key terms are looked for
KEYWORD_CHARACTERS = 3000
SHORT_LIST = 40
NAME_BONUS = 1.5
SMOOTHING = 0.5  # so that what all articles of a small corpus share still counts
HEADLINE_CHARACTERS = 100

# Openings that lean on a sentence before: pronouns and connectives.
LEANING = frozenset(
    "he she it they his her its their this that these those but and so however meanwhile moreover also "
    "then there such both another others instead nevertheless still yet later earlier "
    "il elle ils elles ce cela cette ces mais et or donc cependant toutefois "
    "er sie es aber und doch dies diese el ella ellos pero y esto".split()
)
_PHRASE = re.compile(r"[぀-ヿ一-鿿々]+")
_IDEOGRAPHS = re.compile(r"[一-鿿々]{2,}|[ァ-ヶー]{2,}")


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
    """

    headline: str
    sentences: tuple[SummarySentence, ...]
    text: str
    keywords: tuple[str, ...]

    def __str__(self) -> str:
        return self.text


def summarize(articles: Iterable[Any], max_words: int = MAX_WORDS) -> Summary:
    """Summarise articles that report one story.

    Parameters
    ----------
    articles : sequence of str, mapping or Article, or a DataFrame
        At least one; see `as_articles`. Copies among them count once.
    max_words : int, default=60
        Length of the summary, in words (in scripts without spaces, two characters count as one).

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
    'The Aldmouth ferry Selka struck the pier on Monday, and nobody was hurt.'
    """
    check_int("max_words", max_words, low=1)
    listed = as_articles(articles)
    if not listed:
        raise InputError("articles must hold at least one article to summarise.")
    with_text_first = Deduplicator(keep=lambda article: not article.text.strip(), excerpts="ignore")
    rows = canonical_order(listed, np.flatnonzero(with_text_first.fit(listed).keep_))
    kept = [listed[row] for row in rows]
    vectorizer = NewsVectorizer(min_df=1)
    medoid = int(centres(vectorizer.fit_transform(kept), np.zeros(len(kept), np.int64), kept).medoids[0])
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
    order = [0, *(canonical_order(articles, np.arange(1, len(articles))))]
    articles, rows = [articles[k] for k in order], [rows[k] for k in order]
    candidates = leading(candidate_sentences(articles), LAYERS_WORTH * max_words)
    picked = pick_sentences(candidates, len(articles), max_words, set(group_languages(articles)))
    when = [article.published.timestamp() if article.published else np.inf for article in articles]
    picked.sort(key=lambda c: (when[c.article], c.article, c.start))
    sentences = tuple(SummarySentence(c.string, rows[c.article], c.start, c.end) for c in picked)
    headlines = (" ".join((a.title.strip() or _opening(a.text)).split()) for a in articles)
    headline = next(filter(None, headlines), "")
    return Summary(headline, sentences, _joined(sentences), key_terms(articles, vectorizer))


class Candidate(NamedTuple):
    """A sentence that may be picked."""

    article: int
    position: int
    string: str
    start: int
    end: int
    words: float


def candidate_sentences(articles: Sequence[Article]) -> list[Candidate]:
    """Leading sentences of each article that read like sentences; if none does, all of them."""
    found = []
    for number, article in enumerate(articles):
        for position, sentence in enumerate(itertools.islice(iter_sentences(article.text), SENTENCES)):
            string = " ".join(sentence.string.split())
            found.append(
                Candidate(number, position, string, sentence.start, sentence.end, count_words(string))
            )
    longest = LONGEST * max(20.0, float(np.median([c.words for c in found]))) if found else 0.0
    good = [c for c in found if FEWEST_WORDS <= c.words <= longest and not _is_junk(c.string)]
    return good or found


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
    """Words; in scripts without spaces two characters count as one."""
    dense = sum(len(run) for run in _PHRASE.findall(string))
    return len(_PHRASE.sub(" ", string).split()) + dense / 2


def _is_junk(string: str) -> bool:
    """Whether a line is furniture rather than a sentence."""
    letters = sum(map(str.isalpha, string))
    capitals = sum(map(str.isupper, string))
    no_end = string[-1] not in ".!?…。！？।॥؟۔\"'”’»」』)"
    crowded = "|" in string or string.count("@") > 1 or string.count("#") > 1
    return not letters or no_end or crowded or capitals > CAPITALS * letters


def pick_sentences(
    candidates: list[Candidate], n_articles: int, max_words: int, languages: Collection[str]
) -> list[Candidate]:
    """Pick greedily the sentences that together come closest to what the articles agree on."""
    if not candidates:
        return []
    vectors, centroid = sentence_vectors(candidates, n_articles, languages)
    lengths = np.sqrt(vectors.multiply(vectors).sum(axis=1))
    lengths[lengths == 0] = 1.0
    alike = (sparse.diags_array(1 / lengths) @ vectors).tocsr()
    to_centroid = np.asarray(vectors @ centroid).ravel()
    leaning = np.array([LEANING_PENALTY if _leans(c.string) else 1.0 for c in candidates])
    words = np.array([c.words for c in candidates])
    central = to_centroid / lengths
    free = (words <= max_words) & (central >= CENTRAL * central.max())
    if not free.any():
        free = words == words.min()
    total, norm_sq, left = 0.0, 0.0, max(float(max_words), float(words[free].min()))
    summed = np.zeros(vectors.shape[1])
    picked: list[Candidate] = []
    while True:
        free &= words <= left
        if not free.any():
            return picked
        # cosine of (picks so far + candidate) to the centroid, whose own length is the same for all
        cross = np.asarray(vectors @ summed).ravel()
        gain = leaning * (total + to_centroid) / np.sqrt(norm_sq + 2 * cross + lengths**2)
        best = int(np.flatnonzero(free)[np.argmax(gain[free])])
        picked.append(candidates[best])
        free[best] = False
        left -= words[best]
        summed += vectors[[best]].toarray().ravel()
        total, norm_sq = float(summed @ centroid), float(summed @ summed)
        free &= np.asarray((alike @ alike[[best]].T).todense()).ravel() < ALIKE


def sentence_vectors(
    candidates: list[Candidate], n_articles: int, languages: Collection[str]
) -> tuple[sparse.csr_array, NDArray[np.float64]]:
    """TF-ISF vectors of sentences, and the centroid of their articles weighted by consensus."""
    tokens = hash_tokens([c.string for c in candidates])
    stop = np.concatenate([stop_hashes(language) for language in languages])
    terms, columns = np.unique(tokens.hashes & WORD_MASK, return_inverse=True)
    rows = np.repeat(np.arange(len(candidates)), np.diff(tokens.indptr))
    shape = (len(candidates), len(terms))
    counts = sparse.csr_array((np.ones(len(rows)), (rows, columns)), shape=shape)
    counts.sum_duplicates()
    sentence_frequency = np.bincount(counts.indices, minlength=len(terms))
    rarity = np.log((1 + len(candidates)) / (1 + sentence_frequency)) + 1
    rarity[np.isin(terms, stop)] = 0.0
    vectors = sparse.csr_array((1 + np.log(counts.data), counts.indices, counts.indptr), shape=shape)
    vectors.data *= rarity[vectors.indices]

    articles = np.array([c.article for c in candidates])
    decay = (1.0 + np.array([c.position for c in candidates])) ** -POSITION_DECAY
    numbers = np.arange(len(candidates))
    spread = sparse.csr_array((decay, (articles, numbers)), shape=(n_articles, len(candidates)))
    of_articles = sparse.csr_array(spread @ vectors)
    share = np.bincount(of_articles.indices[of_articles.data > 0], minlength=len(terms)) / n_articles
    return vectors, np.asarray(of_articles.sum(axis=0)).ravel() * share


def _leans(string: str) -> bool:
    """Whether a sentence opens with a word that points back."""
    words = re.findall(r"\w+", string[:40])
    return bool(words) and words[0].lower() in LEANING


def key_terms(
    articles: Sequence[Article], vectorizer: NewsVectorizer, most: int = N_KEYWORDS
) -> tuple[str, ...]:
    """Key terms as they are written in the articles: rare words, pairs and names that most of them share."""
    read = articles[:KEYWORD_ARTICLES]
    texts = [f"{article.title}\n{article.text[:KEYWORD_CHARACTERS]}" for article in read]
    language = group_languages(read)[0]
    terms = [*_words(texts, len(read), vectorizer, language), *_phrases(texts, vectorizer, language)]
    terms.sort(key=lambda term: (-term.score, term.surface))
    chosen: list[KeyTerm] = []
    for term in terms:
        if len(chosen) == most:
            break
        if not any(term.parts & other.parts or term.surface in other.surface for other in chosen):
            chosen.append(term)
    return tuple(term.surface for term in chosen)


class KeyTerm(NamedTuple):
    """A term as it is written, what it is worth, and the folded words it is made of."""

    surface: str
    score: float
    parts: frozenset[str]


def _words(texts: list[str], n_articles: int, vectorizer: NewsVectorizer, language: str) -> list[KeyTerm]:
    """Best words and pairs of neighbouring words, in scripts that write spaces."""
    tokens = hash_tokens(texts)
    words = tokens.hashes & WORD_MASK
    article = np.repeat(np.arange(n_articles), np.diff(tokens.indptr))
    lengths = tokens.ends - tokens.starts
    # Three bytes from E3 up is where scripts without spaces begin: for those, see _phrases.
    spaced = tokens.data[tokens.starts] < 0xE3
    good = spaced & (lengths > 2) & ~np.isin(words, stop_hashes(language))
    gap = tokens.starts[1:] - tokens.ends[:-1]
    joined = (gap == 1) & np.isin(tokens.data[tokens.ends[:-1] % len(tokens.data)], JOINTS)
    pair = np.flatnonzero(good[:-1] & good[1:] & joined & (article[1:] == article[:-1]))
    single = np.flatnonzero(good)
    hashes = np.concatenate((words[single], pair_hashes(words[pair], words[pair + 1])))
    first = np.concatenate((single, pair))
    last = np.concatenate((single, pair + 1))
    if not len(hashes):
        return []
    distinct, inverse = np.unique(hashes, return_inverse=True)
    cells, tf = np.unique(inverse * n_articles + article[first], return_counts=True)
    spread = np.bincount(cells // n_articles, minlength=len(distinct)) / n_articles
    weight = np.bincount(cells // n_articles, 1 + np.log(tf), minlength=len(distinct))
    scores = weight * (vectorizer.idf_of(distinct, language) + SMOOTHING) * np.sqrt(spread)
    terms = []
    for number in np.argsort(-scores, kind="stable")[:SHORT_LIST]:
        places = np.flatnonzero(inverse == number)
        surfaces = Counter(
            tokens.data[tokens.starts[first[at]] : tokens.ends[last[at]]].tobytes().decode("utf-8", "replace")
            for at in places.tolist()
        )
        surface = max(surfaces, key=lambda form: (surfaces[form], form))
        named = sum(count for form, count in surfaces.items() if is_name(form)) / len(places)
        score = float(scores[number]) * (NAME_BONUS if named > 0.6 else 1.0)
        terms.append(KeyTerm(surface, score, frozenset(parts_of(surface.casefold()))))
    return terms


def _phrases(texts: list[str], vectorizer: NewsVectorizer, language: str) -> list[KeyTerm]:
    """Best runs of ideographs or Katakana, which stand for words where none are marked."""
    counts = [Counter(_IDEOGRAPHS.findall(text)) for text in texts]
    spread = Counter(phrase for count in counts for phrase in count)
    phrases = sorted(spread, key=lambda phrase: (-spread[phrase], phrase))[:SHORT_LIST]
    if not phrases:
        return []
    tokens = hash_tokens(phrases)
    idf = vectorizer.idf_of(tokens.hashes & WORD_MASK, language)
    terms = []
    for number, phrase in enumerate(phrases):
        rarity = float(idf[tokens.indptr[number] : tokens.indptr[number + 1]].mean())
        weight = sum(1 + np.log(count[phrase]) for count in counts if phrase in count)
        score = float(weight) * (rarity + SMOOTHING) * (spread[phrase] / len(texts)) ** 0.5
        terms.append(KeyTerm(phrase, score, frozenset((phrase,))))
    return terms


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
