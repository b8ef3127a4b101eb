"""Articles to TF-IDF vectors: hashed words and word pairs, straight from the text buffer to CSR.

An article's vector is the sum of two of unit length, scaled to unit length: one of the whole text, and,
weighted less, one of its head (the title and the first hundred words), where news says what it is about.
A term counts once however often it is said: reports of one happening share what they name, not what they
repeat. Inverse document frequency is capped, so that weights, and with them the best thresholds, do not
drift with the size of the corpus; document frequencies are counted apart for each language.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import closing
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from scipy import sparse
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from storyclust._core.arrays import compressed_rows
from storyclust._core.memory import check_memory, require_memory
from storyclust._core.parallel import kernel, map_chunks
from storyclust._core.validation import check_float, check_int
from storyclust.articles.article import Article
from storyclust.articles.records import as_articles
from storyclust.errors import InputError
from storyclust.text.background import Background
from storyclust.text.features import find_terms, name_terms
from storyclust.text.language import group_languages
from storyclust.text.tokens import look_up
from storyclust.text.vocabulary import document_frequencies, frequent_terms

if TYPE_CHECKING:
    from numpy.typing import NDArray

NGRAM_RANGES = ((1, 1), (1, 2), (2, 2))
ENTRY_BYTES = 26  # of each entry of the vectors, with all that stands beside them until stories are found


class Entries(NamedTuple):
    """What articles hold: row `i` has the columns ``columns[indptr[i]:indptr[i + 1]]``."""

    indptr: NDArray[np.int64]
    columns: NDArray[np.int32]  # -1 for a term that is left out
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
    memory_limit : int, str or None, default=None
        Bytes taken besides the articles, as a number or a text like '4GB'; terms that do not fit wait in a
        temporary file, and vectors that would not fit are an error before they are made. None is three
        quarters of what is free. The result does not depend on it.

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

    Terms are told apart by hashes of 62 bits: among the hundred million distinct terms of a million articles
    the chance that any two of them share one is one in a thousand. `terms_of` says what they stand for.

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
        memory_limit: int | str | None = None,
    ) -> None:
        self.ngram_range = ngram_range
        self.min_df = min_df
        self.max_idf_ratio = max_idf_ratio
        self.head_weight = head_weight
        self.background = background
        self.n_jobs = n_jobs
        self.memory_limit = memory_limit

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
        self._fit(as_articles(X), check_memory(self.memory_limit))
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
        vectors : float32 csr_array of shape (n, n_features)

        Raises
        ------
        InputError
            A parameter is out of range, an article cannot be read as one, or the vectors would outgrow
            `memory_limit`.
        """
        limit = check_memory(self.memory_limit)
        return self._weigh(self._fit(as_articles(X), limit), self.groups_, limit)

    def transform(self, X: Iterable[Any]) -> sparse.csr_array:
        """Turn articles into vectors by the weights learnt; terms not seen then are left out.

        Parameters
        ----------
        X : sequence of str, mapping or Article, or a DataFrame

        Returns
        -------
        vectors : float32 csr_array of shape (n, n_features)
            Rows of unit length, or of zeros where an article has no known term.
        """
        check_is_fitted(self)
        articles = as_articles(X)
        names = group_languages(articles)
        known = {name: number for number, name in enumerate(self.languages_)}
        groups = np.array([known.get(name, 0) for name in names], dtype=np.int64)
        limit = check_memory(self.memory_limit)
        terms = find_terms(articles, self.ngram_range, self.n_jobs, names, limit // 4)
        with closing(terms.terms) as pile:
            columns = np.empty(len(pile), np.int32)
            for start, block in pile.blocks():
                at, found = look_up(self.vocabulary_, block)
                columns[start : start + len(block)] = np.where(found, at, -1)
        return self._weigh(Entries(terms.indptr, columns, terms.head), groups, limit)

    def terms_of(self, article: Any) -> dict[str, float]:
        """Return the terms of an article as it writes them, and their weights, heaviest first.

        Columns of the vectors are hashes; what they stand for is found again in the article. So the vectors
        of a million articles need no table of ten million strings.

        Parameters
        ----------
        article : str, mapping or Article

        Returns
        -------
        terms : dict of str to float
            Where two terms are written alike (a pair, and one word with a hyphen), the heavier counts.

        Examples
        --------
        >>> import storyclust as sc
        >>> articles = ["The Selka struck the pier", "Pier struck by the Selka", "Budget passes"]
        >>> vectorizer = sc.NewsVectorizer().fit(articles)
        >>> list(vectorizer.terms_of(articles[0]))
        ['Selka', 'pier', 'struck']
        """
        check_is_fitted(self)
        [listed] = as_articles([article])
        row = self.transform([listed])
        names = name_terms(listed, self.ngram_range, group_languages([listed])[0])
        written = [names[term] for term in self.vocabulary_[row.indices].tolist()]
        found: dict[str, float] = {}
        for weight, name in sorted(zip((-row.data).tolist(), written, strict=True)):
            found.setdefault(name, -weight)
        return found

    def idf_of(self, terms: NDArray[np.uint64], language: str) -> NDArray[np.float64]:
        """Weights of term hashes in articles of a language; a term never seen weighs most."""
        check_is_fitted(self)
        row = self.languages_.index(language) if language in self.languages_ else 0
        weights = np.full(len(terms), np.log(self.max_idf_ratio))
        at, known = look_up(self.vocabulary_, terms)
        weights[known] = self.idf_[row, at[known]]
        return weights

    def _fit(self, articles: Sequence[Article], limit: int) -> Entries:
        """Learn; returns what the articles hold."""
        if self.ngram_range not in NGRAM_RANGES:
            raise InputError(f"ngram_range must be (1, 1), (1, 2) or (2, 2), got {self.ngram_range!r}.")
        min_df = check_int("min_df", self.min_df, low=1)
        cap = np.log(check_float("max_idf_ratio", self.max_idf_ratio, low=1, high=np.inf))
        check_float("head_weight", self.head_weight, low=0, high=1e6)
        background = Background.load(self.background)

        names = group_languages(articles)
        terms = find_terms(articles, self.ngram_range, self.n_jobs, names, limit // 4)
        languages, self.groups_ = np.unique(np.array(names, dtype=str), return_inverse=True)
        self.languages_ = [str(name) for name in languages]
        with closing(terms.terms) as pile:
            self.vocabulary_, columns = frequent_terms(
                pile, min_df, background.terms, self.n_jobs, limit // 8
            )
        n_languages = max(1, len(self.languages_))
        self.df_ = document_frequencies(
            terms.indptr, columns, self.groups_, n_languages, len(self.vocabulary_)
        )
        sizes = np.bincount(self.groups_, minlength=len(self.df_)).astype(np.float64)
        self.idf_ = np.empty(self.df_.shape)
        for number, language in enumerate(self.languages_):
            rates, worth = background.rates(language, self.vocabulary_)
            self.idf_[number] = inverse_frequencies(self.df_[number], sizes[number], rates, worth, cap)
        return Entries(terms.indptr, columns, terms.head)

    def _weigh(self, entries: Entries, groups: NDArray[np.int64], limit: int) -> sparse.csr_array:
        """Vectors of articles from what they hold and their languages."""
        lengths = used_terms(entries.indptr, entries.columns, self.idf_, groups)
        indptr = np.append(0, np.cumsum(lengths))
        require_memory(f"The vectors of {len(groups):,} articles", ENTRY_BYTES * int(indptr[-1]), limit)
        indices, weights = np.empty(indptr[-1], np.int32), np.empty(indptr[-1], np.float32)
        head_weight = float(self.head_weight)

        def work(start: int, stop: int) -> None:
            weigh(
                start, stop, *entries, groups, self.idf_, head_weight, indptr, indices, weights,
            )  # fmt: skip

        map_chunks(work, 16 * np.diff(entries.indptr) + 1, self.n_jobs, "weights")
        return compressed_rows(indptr, indices, weights, (len(groups), len(self.vocabulary_)))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.two_d_array = False
        return tags


def inverse_frequencies(
    df: NDArray[np.int64], n: float, rates: NDArray[np.float64], worth: float, cap: float
) -> NDArray[np.float64]:
    """Weights of terms that `df` of `n` articles hold, and a background of some worth at these rates."""
    held = np.maximum(df + worth * rates, 1e-9)
    return np.clip(np.log((n + worth) / held), 0, cap)


@kernel
def used_terms(
    indptr: NDArray[np.int64], columns: NDArray[np.int32], idf: NDArray[np.float64], groups: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Entries of each row that have a weight."""
    used = np.zeros(len(groups), np.int64)
    for row in range(len(groups)):
        for k in range(indptr[row], indptr[row + 1]):
            used[row] += columns[k] >= 0 and idf[groups[row], columns[k]] > 0.0
    return used


@kernel
def weigh(
    begin: int,
    end: int,
    indptr: NDArray[np.int64],
    columns: NDArray[np.int32],
    head: NDArray[np.bool_],
    groups: NDArray[np.int64],
    idf: NDArray[np.float64],
    head_weight: float,
    places: NDArray[np.int64],
    indices: NDArray[np.int32],
    weights: NDArray[np.float64],
) -> None:
    """Write rows begin..end: unit vector of the whole plus `head_weight` times that of the head, scaled."""
    for row in range(begin, end):
        of_whole, of_head = 0.0, 0.0
        at = places[row]
        for k in range(indptr[row], indptr[row + 1]):
            weight = idf[groups[row], columns[k]] if columns[k] >= 0 else 0.0
            if weight > 0.0:
                of_whole += weight**2
                of_head += weight**2 if head[k] else 0.0
                indices[at] = columns[k]
                weights[at] = weight if head[k] else -weight  # the sign says for a moment where it stands
                at += 1
        if of_whole == 0.0:
            continue
        late = 1.0 / np.sqrt(of_whole)
        early = late + (head_weight / np.sqrt(of_head) if of_head > 0.0 else 0.0)
        length = np.sqrt(early**2 * of_head + late**2 * (of_whole - of_head))
        for k in range(places[row], at):
            weights[k] *= (early if weights[k] > 0.0 else -late) / length
