"""The scikit-learn estimator of vectors."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from scipy import sparse
from sklearn.base import BaseEstimator, TransformerMixin

from storyclust.text.vectorize import BaseVectorizer


class NewsVectorizer(BaseVectorizer, TransformerMixin, BaseEstimator):
    """Turn articles into sparse TF-IDF vectors of unit length, for grouping articles into stories.

    Parameters
    ----------
    ngram_range : tuple (int, int), default=(1, 2)
        Single words (1, 1), pairs of neighbouring words (2, 2), or both. Pairs keep names together, and
        the best distance threshold varies less with them than with single words.
    min_df : int, default=2
        Terms found in fewer articles are left out. Words known from the background always stay, as they
        would in a larger corpus; so a few articles are compared as they would be among thousands.
    max_idf_ratio : float, default=300
        Inverse document frequency is capped at the logarithm of this: a term in fewer than one of 300
        articles weighs as much as a term in one of 300. This keeps weights comparable from ten articles to
        a million.
    head_weight : float, default=0.4
        Weight of the vector of the head (title, first 100 tokens) relative to that of the whole text.
    background : 'english', None or Background, default='english'
        Document frequencies of general news, which count like 50 more articles; for articles in English
        only. They keep the words of a corpus about one topic from having no weight.
    n_jobs : int or None, default=None
        Threads: None is one, -1 is every core. The result does not depend on it.
    memory_limit : int, str or None, default=None
        Bytes used besides the articles, as a number or a text like '4GB'. Terms that do not fit go to a
        temporary file; vectors that would not fit raise an error before they are made. None is three
        quarters of the free memory. The result does not depend on it.

    Attributes
    ----------
    vocabulary_ : uint64 array of shape (n_features,)
        Sorted term hashes; column `k` is the term ``vocabulary_[k]``.
    languages_ : list of str
        Languages (or scripts) of the articles.
    groups_ : int64 array of shape (n,)
        Language of each fitted article, as an index into `languages_`.
    df_ : int64 array of shape (n_languages, n_features)
        Articles of each language that hold a term.
    idf_ : float64 array of shape (n_languages, n_features)
        Weights of terms in articles of each language.

    Notes
    -----
    Term frequency is binary: counting occurrences, or their logarithm, separated events less well in
    measurements. With ``n`` articles in the language, ``df`` of them holding the term, and a background worth
    ``w`` articles, in which the term has the rate ``p``, idf is ``ln((n + w) / (df + w p))``, at most
    ``ln(max_idf_ratio)``. The stop words of the article's language (scikit-learn's list for English,
    Stopwords ISO for others) and single letters are removed before pairs are formed.

    Terms are 62-bit hashes: among the hundred million distinct terms of a million articles the probability
    of any collision is one in a thousand. `terms_of` returns the terms as text.

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

    # Both methods are defined here because `set_output` wraps only those of the class itself.

    def fit_transform(self, X: Iterable[Any], y: object = None, **fit_params: Any) -> sparse.csr_array:
        """Fit, and return the vectors of the same articles; reads them once.

        Parameters
        ----------
        X : sequence of str, mapping or Article, or a DataFrame
        y : object
            Ignored.
        **fit_params : object
            Ignored.

        Returns
        -------
        vectors : float32 csr_array of shape (n, n_features)

        Raises
        ------
        InputError
            A parameter is out of range, an article cannot be read as one, or the vectors would outgrow
            `memory_limit`.
        """
        return super().fit_transform(X)

    def transform(self, X: Iterable[Any]) -> sparse.csr_array:
        """Turn articles into vectors by the learnt weights; terms not seen in the fit are left out.

        Parameters
        ----------
        X : sequence of str, mapping or Article, or a DataFrame

        Returns
        -------
        vectors : float32 csr_array of shape (n, n_features)
            Rows of unit length, or of zeros where an article has no known term.
        """
        return super().transform(X)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.two_d_array = False
        return tags
