"""Articles to TF-IDF vectors: hashed words and word pairs, straight from the text buffer to CSR.

An article's vector is the sum of two of unit length, scaled to unit length: one of the whole text, and,
weighted less, one of its head (the title and the first hundred words), where news says what it is about.
A term counts once however often it is said: reports of one happening share what they name, not what they
repeat. Inverse document frequency is capped, so that weights, and with them the best thresholds, do not
drift with the size of the corpus; document frequencies are counted apart for each language.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from scipy import sparse
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from storyclust.article import Article, as_articles
from storyclust.background import Background
from storyclust.chunks import kernel, map_chunks
from storyclust.errors import InputError
from storyclust.language import group_languages
from storyclust.tokens import (
    SORT_HEADS,
    TextBuffer,
    codepoint_table,
    hash_tokens,
    look_up,
    mix,
    sort_hashes,
    tokenize,
)
from storyclust.validate import check_float, check_int

if TYPE_CHECKING:
    from numpy.typing import NDArray

PAIR_STEP = np.uint64(0xA0761D6478BD642F)
PAIR_BIT = np.uint64(1 << 63)  # set in the hash of a pair, and in that of no word
WORD_MASK = np.uint64((1 << 63) - 2)
LATE = np.uint64(1)  # a term's last bit, else 0: set while terms are sorted where it is not in the head
HEAD_WORDS = 100
NGRAM_RANGES = ((1, 1), (1, 2), (2, 2))


class ArticleTerms(NamedTuple):
    """Terms of articles: row `i` has the sorted hashes `terms[indptr[i]:indptr[i + 1]]`."""

    indptr: NDArray[np.int64]
    terms: NDArray[np.uint64]
    head: NDArray[np.bool_]  # whether a term stands in the head of its article


class NewsVectorizer(TransformerMixin, BaseEstimator):
    """Turn articles into sparse TF-IDF vectors of unit length, made for telling stories apart.

    Parameters
    ----------
    ngram_range : tuple (int, int), default=(1, 2)
        Words alone (1, 1), pairs of neighbouring words (2, 2), or both. Pairs keep names together, and
        they make the best distance threshold steadier than words alone.
    min_df : int, default=2
        Terms found in fewer articles are left out: they connect nothing. Words known from the
        background stay, for in a larger corpus they would; so a few articles are compared as
        they would be among thousands.
    max_idf_ratio : float, default=300
        Inverse document frequency is capped at the logarithm of this: a term in fewer than one of 300
        articles weighs no more than one in 300. Keeps weights comparable from ten articles to a million.
    head_weight : float, default=0.4
        Weight of the vector of the head (title, first 100 words) against that of the whole text.
    background : 'english', None or Background, default='english'
        Document frequencies of news at large, which count like a few dozen more articles; for articles
        in English only. They keep the words of a corpus about one thing from weighing nothing.
    n_jobs : int or None, default=None
        Threads: None is one, -1 is every core. The result does not depend on it.

    Attributes
    ----------
    vocabulary_ : uint64 array of shape (n_features,)
        Sorted term hashes; column `k` stands for ``vocabulary_[k]``.
    languages_ : list of str
        Languages (or scripts) told apart.
    groups_ : int64 array of shape (n,)
        Language of each article fitted, as a number in `languages_`.
    df_ : int64 array of shape (n_languages, n_features)
        Articles of each language that hold a term.
    idf_ : float64 array of shape (n_languages, n_features)
        Weights of terms in articles of each language.

    Notes
    -----
    Within an article a term weighs its idf, however often it occurs; counting occurrences, or their
    logarithm, was measured to tell events apart less well. With ``n`` articles in the language, ``df`` of
    them holding the term, and a background of ``w`` articles' worth in which its rate is ``p``, idf is
    ``ln((n + w) / (df + w p))``, at most ``ln(max_idf_ratio)``. The stop words of the article's language
    (scikit-learn's list for English, Stopwords ISO for others) and single letters are left out before
    pairs are formed.

    References
    ----------
    K. Sparck Jones, "A statistical interpretation of term specificity", Journal of Documentation 28
    (1972). G. Salton, C. Buckley, "Term-weighting approaches in automatic text retrieval" (1988).

    Examples
    --------
    >>> import storyclust as sc
    >>> X = sc.NewsVectorizer().fit_transform(
    ...     ["Ferry strikes pier in Aldmouth", "Pier struck by Aldmouth ferry", "Budget passes in Carrow"]
    ... )
    >>> X.shape[0], float((X[[0]] @ X[[1]].T).toarray()[0, 0]) > 0.5
    (3, True)
    """

    vocabulary_: NDArray[np.uint64]
    languages_: list[str]
    groups_: NDArray[np.int64]
    df_: NDArray[np.int64]
    idf_: NDArray[np.float64]

    def __init__(
        self,
        ngram_range: tuple[int, int] = (1, 2),
        min_df: int = 2,
        max_idf_ratio: float = 300.0,
        head_weight: float = 0.4,
        background: str | Background | None = "english",
        n_jobs: int | None = None,
    ) -> None:
        self.ngram_range = ngram_range
        self.min_df = min_df
        self.max_idf_ratio = max_idf_ratio
        self.head_weight = head_weight
        self.background = background
        self.n_jobs = n_jobs

    def fit(self, X: Iterable[Any], y: object = None) -> NewsVectorizer:
        """Learn the terms and their weights.

        Parameters
        ----------
        X : sequence of str, mapping or Article, or a DataFrame
            The articles; see `as_articles`.
        y : object
            Ignored.

        Returns
        -------
        self : NewsVectorizer

        Raises
        ------
        InputError
            A parameter is out of range, or an article cannot be read as one.
        """
        self._fit(as_articles(X))
        return self

    def fit_transform(self, X: Iterable[Any], y: object = None, **fit_params: Any) -> sparse.csr_array:
        """Learn from articles and turn them into vectors, reading them once.

        Parameters
        ----------
        X : sequence of str, mapping or Article, or a DataFrame
        y : object
            Ignored.
        **fit_params : object
            None are known.

        Returns
        -------
        vectors : csr_array of shape (n, n_features)
        """
        articles = as_articles(X)
        terms, columns = self._fit(articles)
        return self._weigh(terms, columns, self.groups_)

    def transform(self, X: Iterable[Any]) -> sparse.csr_array:
        """Turn articles into vectors by the weights learnt; terms not seen then are left out.

        Parameters
        ----------
        X : sequence of str, mapping or Article, or a DataFrame

        Returns
        -------
        vectors : csr_array of shape (n, n_features)
            Rows of unit length, or of zeros where an article has no known term.
        """
        check_is_fitted(self)
        articles = as_articles(X)
        names = group_languages(articles)
        known = {name: number for number, name in enumerate(self.languages_)}
        groups = np.array([known.get(name, 0) for name in names], dtype=np.int64)
        terms = find_terms(articles, self.ngram_range, self.n_jobs, names)
        at, found = look_up(self.vocabulary_, terms.terms)
        return self._weigh(terms, np.where(found, at, -1), groups)

    def idf_of(self, terms: NDArray[np.uint64], language: str) -> NDArray[np.float64]:
        """Weights of term hashes in articles of a language; a term never seen weighs most."""
        check_is_fitted(self)
        row = self.languages_.index(language) if language in self.languages_ else 0
        weights = np.full(len(terms), np.log(self.max_idf_ratio))
        at, known = look_up(self.vocabulary_, terms)
        weights[known] = self.idf_[row, at[known]]
        return weights

    def _fit(self, articles: Sequence[Article]) -> tuple[ArticleTerms, NDArray[np.int64]]:
        """Learn; returns the terms of the articles, and the column of each, -1 where it has none."""
        if self.ngram_range not in NGRAM_RANGES:
            raise InputError(f"ngram_range must be (1, 1), (1, 2) or (2, 2), got {self.ngram_range!r}.")
        min_df = check_int("min_df", self.min_df, low=1)
        cap = np.log(check_float("max_idf_ratio", self.max_idf_ratio, low=1, high=np.inf))
        check_float("head_weight", self.head_weight, low=0, high=1e6)
        background = Background.load(self.background)

        names = group_languages(articles)
        terms = find_terms(articles, self.ngram_range, self.n_jobs, names)
        languages, self.groups_ = np.unique(np.array(names, dtype=str), return_inverse=True)
        self.languages_ = [str(name) for name in languages]
        self.vocabulary_, columns = frequent_terms(terms.terms, min_df, background.terms)
        known = columns >= 0
        self.df_ = np.zeros((max(1, len(self.languages_)), len(self.vocabulary_)), dtype=np.int64)
        row_groups = np.repeat(self.groups_, np.diff(terms.indptr))
        np.add.at(self.df_, (row_groups[known], columns[known]), 1)
        sizes = np.bincount(self.groups_, minlength=len(self.df_)).astype(np.float64)
        self.idf_ = np.empty(self.df_.shape)
        for number, df in enumerate(self.df_):
            rates, worth = (
                background.rates(self.languages_[number], self.vocabulary_) if len(names) else (0, 0)
            )
            articles_held = np.maximum(df + worth * rates, 1e-9)
            self.idf_[number] = np.clip(np.log((sizes[number] + worth) / articles_held), 0, cap)
        return terms, columns

    def _weigh(
        self, terms: ArticleTerms, columns: NDArray[np.int64], groups: NDArray[np.int64]
    ) -> sparse.csr_array:
        """Vectors of articles from their terms, the columns of these and the languages of the articles."""
        known = columns >= 0
        row_groups = np.repeat(groups, np.diff(terms.indptr))
        idf = np.zeros(len(columns))
        idf[known] = self.idf_[row_groups[known], columns[known]]
        weights = weigh(terms.indptr, terms.head, idf, float(self.head_weight))
        used = weights > 0
        indptr = np.append(0, np.cumsum(used))[terms.indptr]
        shape = (len(groups), len(self.vocabulary_))
        return sparse.csr_array((weights[used], columns[used], indptr), shape=shape)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.two_d_array = False
        return tags


def find_terms(
    articles: Sequence[Article],
    ngram_range: tuple[int, int],
    n_jobs: int | None = None,
    names: Sequence[str] | None = None,
) -> ArticleTerms:
    """Find the distinct terms of every article, in one pass over titles and texts.

    `names` are the languages of the articles, as `group_languages` tells them.
    """
    table = codepoint_table()
    languages, groups = np.unique(
        np.array(group_languages(articles) if names is None else names, dtype=str), return_inverse=True
    )
    lists = [stop_hashes(str(language)) for language in languages]
    stops = np.concatenate([np.empty(0, np.uint64), *lists])
    bounds = np.append(0, np.cumsum([len(words) for words in lists])).astype(np.int64)

    def work(start: int, stop: int) -> Any:
        texts = [part for article in articles[start:stop] for part in (article.title, article.text)]
        data, offsets = TextBuffer.from_texts(texts)
        return terms_of_buffer(data, offsets, table, stops, bounds, groups[start:stop], *ngram_range)

    sizes = np.fromiter((len(a.title) + len(a.text) + 1 for a in articles), np.int64, len(articles))
    parts = map_chunks(work, sizes, n_jobs, "terms")
    if not parts:
        return ArticleTerms(np.zeros(1, np.int64), np.empty(0, np.uint64), np.empty(0, np.bool_))
    lengths, terms, head = (np.concatenate(column) for column in zip(*parts, strict=True))
    return ArticleTerms(np.append(0, np.cumsum(lengths)), terms, head)


@functools.cache
def stop_hashes(language: str = "en") -> NDArray[np.uint64]:
    """Sorted token hashes of a language's stop words; of a language or script without a list, none.

    For English it is scikit-learn's list, for other languages that of Stopwords ISO.
    """
    if language == "en":
        from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS

        return hash_words(sorted(ENGLISH_STOP_WORDS))
    import stopwordsiso

    listed = stopwordsiso.stopwords(language) if stopwordsiso.has_lang(language) else ()
    return hash_words(sorted(listed))


def hash_words(words: Sequence[str]) -> NDArray[np.uint64]:
    """Sorted distinct hashes of those words that are one token."""
    tokens = hash_tokens(words)
    single = np.diff(tokens.indptr) == 1
    return np.unique(tokens.hashes[tokens.indptr[:-1][single]] & WORD_MASK)


def token_hashes(words: Sequence[str]) -> NDArray[np.uint64]:
    """Hash of the first token of each word; each must have one."""
    tokens = hash_tokens(words)
    return tokens.hashes[tokens.indptr[:-1]] & WORD_MASK


def frequent_terms(
    terms: NDArray[np.uint64], min_df: int, known: NDArray[np.uint64]
) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    """Sorted terms that occur `min_df` times or more or are known from the background.

    Returns them, and the number of each entry's term, -1 for the others.
    """
    distinct, inverse, counts = np.unique(terms, return_inverse=True, return_counts=True)
    kept = (counts >= min_df) | np.isin(distinct, known, assume_unique=True)
    numbers = np.where(kept, np.cumsum(kept) - 1, -1)
    return distinct[kept], numbers[inverse]


@kernel
def is_letter(data: NDArray[np.uint8], start: Any, end: Any) -> Any:
    """Whether a token is one letter of an alphabet (Latin to Arabic: at most two bytes)."""
    return end - start == 1 or (end - start == 2 and data[start] >= 0xC0)


@kernel
def words_of(
    data: NDArray[np.uint8],
    start: Any,
    end: Any,
    table: NDArray[np.uint32],
    stop: NDArray[np.uint64],
    words: NDArray[np.uint64],
    starts: NDArray[np.int64],
    ends: NDArray[np.int64],
    most: int,
) -> Any:
    """Fill in the token hashes of a text without stop words and single letters.

    Returns how many there are, and how many of them are among its first `most` tokens.
    """
    n = tokenize(data, start, end, table, words, starts, ends)
    kept, early = 0, 0
    for k in range(n):
        if k == most:
            early = kept
        if is_letter(data, starts[k], ends[k]):
            continue
        word = words[k] & WORD_MASK
        at = np.searchsorted(stop, word)
        if at < len(stop) and stop[at] == word:
            continue
        words[kept] = word
        kept += 1
    return kept, kept if n <= most else early


@kernel
def pair_hashes(first: NDArray[np.uint64], second: NDArray[np.uint64]) -> Any:
    """Hash of each pair of words."""
    out = np.empty(len(first), np.uint64)
    for k in range(len(first)):
        out[k] = (mix(first[k] * PAIR_STEP + second[k]) | PAIR_BIT) & ~LATE
    return out


@kernel
def add_terms(
    words: NDArray[np.uint64],
    n: int,
    early: int,
    low: int,
    high: int,
    out: NDArray[np.uint64],
    filled: int,
) -> int:
    """Append the hashes of words and of pairs of neighbours to `out`; returns how far it is filled.

    Those that do not lie among the first `early` words are marked as late.
    """
    if low == 1:
        for k in range(n):
            out[filled] = words[k] if k < early else words[k] | LATE
            filled += 1
    if high == 2:
        for k in range(n - 1):
            pair = mix(words[k] * PAIR_STEP + words[k + 1]) | PAIR_BIT
            out[filled] = pair & ~LATE if k + 1 < early else pair | LATE
            filled += 1
    return filled


@kernel
def terms_of_buffer(
    data: NDArray[np.uint8],
    offsets: NDArray[np.int64],
    table: NDArray[np.uint32],
    stops: NDArray[np.uint64],
    stop_bounds: NDArray[np.int64],
    groups: NDArray[np.int64],
    low: int,
    high: int,
) -> Any:
    """Find the terms of articles, given as title, text, title, text, ...

    Returns the number of distinct terms of each article, then for all of them in turn the sorted terms,
    and whether each stands in the head.
    """
    n = (len(offsets) - 1) // 2
    room = 1
    for row in range(n):
        room = max(room, offsets[2 * row + 2] - offsets[2 * row])
    words = np.empty(room, np.uint64)
    starts, ends = np.empty(room, np.int64), np.empty(room, np.int64)
    found, scratch = np.empty(2 * room, np.uint64), np.empty(2 * room, np.uint64)
    heads = np.empty(SORT_HEADS, np.int64)
    lengths = np.empty(n, np.int64)
    capacity = (offsets[len(offsets) - 1] - offsets[0]) // 3 + 1024
    terms = np.empty(capacity, np.uint64)
    in_head = np.empty(capacity, np.bool_)
    filled = 0
    for row in range(n):
        a, b, c = offsets[2 * row], offsets[2 * row + 1], offsets[2 * row + 2]
        stop = stops[stop_bounds[groups[row]] : stop_bounds[groups[row] + 1]]
        n_words, _ = words_of(data, a, b, table, stop, words, starts, ends, HEAD_WORDS)
        m = add_terms(words, n_words, n_words, low, high, found, 0)
        n_words, early = words_of(data, b, c, table, stop, words, starts, ends, HEAD_WORDS)
        m = add_terms(words, n_words, early, low, high, found, m)
        sort_hashes(found, m, scratch, heads)  # of equal terms, one of the head comes first
        if filled + m > len(terms):
            terms = np.concatenate((terms, np.empty(len(terms) + m, np.uint64)))
            in_head = np.concatenate((in_head, np.empty(len(in_head) + m, np.bool_)))
        begin = filled
        for k in range(m):
            term = found[k] & ~LATE
            if filled == begin or term != terms[filled - 1]:
                terms[filled] = term
                in_head[filled] = found[k] == term
                filled += 1
        lengths[row] = filled - begin
    return lengths, terms[:filled].copy(), in_head[:filled].copy()


@kernel
def weigh(
    indptr: NDArray[np.int64], head: NDArray[np.bool_], idf: NDArray[np.float64], head_weight: float
) -> Any:
    """Weights of all entries: unit vector of the whole plus `head_weight` times that of the head, scaled."""
    out = np.zeros(len(idf), np.float64)
    for row in range(len(indptr) - 1):
        of_whole, of_head = 0.0, 0.0
        for k in range(indptr[row], indptr[row + 1]):
            square = idf[k] ** 2
            of_whole += square
            of_head += square if head[k] else 0.0
        if of_whole == 0.0:
            continue
        late = 1.0 / np.sqrt(of_whole)
        early = late + (head_weight / np.sqrt(of_head) if of_head > 0.0 else 0.0)
        length = np.sqrt(early**2 * of_head + late**2 * (of_whole - of_head))
        for k in range(indptr[row], indptr[row + 1]):
            out[k] = idf[k] * (early if head[k] else late) / length
    return out
