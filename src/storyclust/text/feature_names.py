"""Names of the features of a vectorizer: the spelling of terms of which only hashes are kept."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from storyclust.articles.article import Article
from storyclust.text.background import english_words
from storyclust.text.features import surface_forms
from storyclust.text.language import group_languages

if TYPE_CHECKING:
    from numpy.typing import NDArray


def feature_names(
    vocabulary: NDArray[np.uint64], articles: Sequence[Article], ngram_range: tuple[int, int]
) -> NDArray[np.object_]:
    """Name every term: see `NewsVectorizer.get_feature_names_out`.

    Parameters
    ----------
    vocabulary : uint64 array of shape (n_features,)
        Hashes of terms, sorted.
    articles : sequence of Article
        Where their spelling is read. Of several spellings, the last in the order of code points is taken,
        which prefers lower case and does not depend on the order of the articles.
    ngram_range : tuple (int, int)

    Returns
    -------
    names : object array of shape (n_features,)

    Examples
    --------
    >>> feature_names(np.array([2], np.uint64), [], (1, 1))
    array(['term_0000000000000002'], dtype=object)
    """
    terms = vocabulary.tolist()
    listed = set(terms)
    spelt: dict[int, str] = {}
    for article, language in zip(articles, group_languages(articles), strict=True):
        for term, form in surface_forms(article, ngram_range, language).items():
            if term in listed and form > spelt.get(term, ""):
                spelt[term] = form
    spelt = english_words() | spelt
    names = np.empty(len(terms), object)
    taken = set()
    for column, term in enumerate(terms):
        name = spelt.get(term, f"term_{term:016x}")
        names[column] = f"{name} {term:016x}" if name in taken else name
        taken.add(names[column])
    return names
