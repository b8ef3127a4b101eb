"""Articles to TF-IDF vectors: hashed words and word pairs, straight from the text buffer to CSR.

An article's vector is the unit vector of the whole text plus, with a lower weight, the unit vector of its
head (the title and the first hundred tokens), where news states its topic; the sum is scaled to unit length.
Term frequency is binary: reports of one event share what they name, not what they repeat. Inverse document
frequency is capped, so that weights, and with them the best thresholds, do not drift with the size of the
corpus. Document frequencies are counted separately for each language.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import closing
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from scipy import sparse

from storyclust._core.arrays import compressed_rows
from storyclust._core.memory import check_memory, release_memory
from storyclust._core.validation import check_fitted, check_float, check_int
from storyclust.articles.article import Article
from storyclust.articles.records import as_articles
from storyclust.errors import InputError
from storyclust.text.background import Background
from storyclust.text.feature_names import feature_names
from storyclust.text.features import find_terms, surface_forms
from storyclust.text.language import group_languages
from storyclust.text.page_spans import Span
from storyclust.text.sorted_hashes import look_up
from storyclust.text.vocabulary import document_frequencies, frequent_terms
from storyclust.text.weighting import Entries, idf_by_language, tfidf_rows

if TYPE_CHECKING:
    from numpy.typing import NDArray

NGRAM_RANGES = ((1, 1), (1, 2), (2, 2))


class BaseVectorizer:
    """What `NewsVectorizer` computes, without scikit-learn, which takes long to import."""

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

    def fit(self, X: Iterable[Any], y: object = None) -> Self:
        """Learn the vocabulary and the weights of its terms.

        Parameters
        ----------
        X : sequence of str, mapping or Article, or a DataFrame
            Articles to learn from; see `as_articles`.
        y : object
            Ignored.

        Returns
        -------
        self : object

        Raises
        ------
        InputError
            A parameter is out of range, or an article cannot be read as one.
        """
        self._fit(as_articles(X), None, check_memory(self.memory_limit))
        return self

    def fit_transform(self, X: Iterable[Any]) -> sparse.csr_array:
        """Fit, and return the vectors of the same articles; reads them once."""
        return vectors_without(self, as_articles(X))

    def transform(self, X: Iterable[Any]) -> sparse.csr_array:
        """Turn articles into vectors by the learnt weights."""
        check_fitted(self, "vocabulary_")
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
        """Return the terms of an article as they are written in it, with their weights, heaviest first.

        The vocabulary holds hashes only, so the terms are read from the article again.

        Parameters
        ----------
        article : str, mapping or Article

        Returns
        -------
        terms : dict of str to float
            Where two terms are written alike (a pair, and one word with a hyphen), the heavier is returned.

        Examples
        --------
        >>> import storyclust as sc
        >>> articles = ["The Selka struck the pier", "Pier struck by the Selka", "Budget passes"]
        >>> vectorizer = sc.NewsVectorizer().fit(articles)
        >>> list(vectorizer.terms_of(articles[0]))
        ['Selka', 'pier', 'struck']
        """
        check_fitted(self, "vocabulary_")
        [listed] = as_articles([article])
        row = self.transform([listed])
        names = surface_forms(listed, self.ngram_range, group_languages([listed])[0])
        written = [names[term] for term in self.vocabulary_[row.indices].tolist()]
        found: dict[str, float] = {}
        for weight, name in sorted(zip((-row.data).tolist(), written, strict=True)):
            found.setdefault(name, -weight)
        return found

    def get_feature_names_out(
        self, input_features: object = None, *, articles: Iterable[Any] | None = None
    ) -> NDArray[np.object_]:
        """Name every feature, by its spelling where that is known.

        Parameters
        ----------
        input_features : object
            Ignored; scikit-learn passes the names of the input columns.
        articles : sequence of str, mapping or Article, or a DataFrame, optional
            Articles from which the spelling of terms is read; those of the fit have all terms. Without them
            only the words of general English news are spelled out, for the vectorizer keeps hashes only.

        Returns
        -------
        names : object array of shape (n_features,)
            Distinct strings. A term of unknown spelling is named by its hash, in every fit alike:
            ``term_`` and 16 hexadecimal digits. Where several terms are spelled alike, as a pair and a word
            with a hyphen may be, the hash is added to all but the first.

        Examples
        --------
        >>> import storyclust as sc
        >>> articles = ["The Selka struck the pier", "Pier struck by the Selka"]
        >>> vectorizer = sc.NewsVectorizer().fit(articles)
        >>> sorted(vectorizer.get_feature_names_out())[:2]
        ['pier', 'struck']
        >>> sorted(vectorizer.get_feature_names_out(articles=articles))
        ['Selka', 'pier', 'struck']
        """
        check_fitted(self, "vocabulary_")
        listed = [] if articles is None else as_articles(articles)
        return feature_names(self.vocabulary_, listed, self.ngram_range)

    def idf_of(self, terms: NDArray[np.uint64], language: str) -> NDArray[np.float64]:
        """Weights of term hashes in articles of a language; an unknown term gets the largest weight."""
        check_fitted(self, "vocabulary_")
        row = self.languages_.index(language) if language in self.languages_ else 0
        weights = np.full(len(terms), np.log(self.max_idf_ratio))
        at, known = look_up(self.vocabulary_, terms)
        weights[known] = self.idf_[row, at[known]]
        return weights

    def _fit(
        self, articles: Sequence[Article], spans: Sequence[tuple[Span, ...]] | None, limit: int
    ) -> Entries:
        """Learn vocabulary and weights; returns the terms of the articles, less spans of their texts."""
        if self.ngram_range not in NGRAM_RANGES:
            raise InputError(f"ngram_range must be (1, 1), (1, 2) or (2, 2), got {self.ngram_range!r}.")
        min_df = check_int("min_df", self.min_df, low=1)
        max_idf_ratio = check_float("max_idf_ratio", self.max_idf_ratio, low=1, high=np.inf)
        check_float("head_weight", self.head_weight, low=0, high=1e6)
        background = Background.load(self.background)

        names = group_languages(articles, spans)
        terms = find_terms(articles, self.ngram_range, self.n_jobs, names, limit // 4, spans)
        languages, self.groups_ = np.unique(np.array(names, dtype=str), return_inverse=True)
        self.languages_ = [str(name) for name in languages]
        with closing(terms.terms) as pile:
            self.vocabulary_, columns = frequent_terms(
                pile, min_df, background.terms, self.n_jobs, limit // 8
            )
        n_languages = max(1, len(self.languages_))
        self.df_ = document_frequencies(
            terms.indptr, columns, self.groups_, n_languages, len(self.vocabulary_), self.n_jobs
        )
        sizes = np.bincount(self.groups_, minlength=n_languages)
        self.idf_ = idf_by_language(
            background, self.languages_, self.vocabulary_, self.df_, sizes, max_idf_ratio
        )
        return Entries(terms.indptr, columns, terms.head)

    def _weigh(self, entries: Entries, groups: NDArray[np.int64], limit: int) -> sparse.csr_array:
        """Vectors of articles from their terms and languages."""
        rows = tfidf_rows(entries, groups, self.idf_, float(self.head_weight), self.n_jobs, limit)
        return compressed_rows(*rows, (len(groups), len(self.vocabulary_)))


def vectors_without(
    vectorizer: BaseVectorizer, articles: Sequence[Article], spans: Sequence[tuple[Span, ...]] | None = None
) -> sparse.csr_array:
    """Fit a vectorizer to articles, less their page furniture, and return their vectors.

    Only a few texts at a time are held without it.

    Parameters
    ----------
    vectorizer : BaseVectorizer
    articles : sequence of Article
    spans : sequence of tuple of (int, int), optional
        Page furniture of each article; see `find_furniture`.
    """
    limit = check_memory(vectorizer.memory_limit)
    entries = vectorizer._fit(articles, spans, limit)
    release_memory()
    return vectorizer._weigh(entries, vectorizer.groups_, limit)
