"""What a fitted `Deduplicator` can be asked."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from storyclust.articles.article import Article
from storyclust.articles.records import as_articles
from storyclust.dedup.matching import KeptIndex
from storyclust.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray


class FittedCopies(BaseEstimator):
    """Methods of a fitted `Deduplicator`: the base class of it."""

    _articles: list[Article] | None  # of the fit, unless they came from an iterator
    _kept_index: KeptIndex | None  # made by the first call of `predict`

    def predict(self, X: Iterable[Any]) -> NDArray[np.int64]:
        """Find the kept article that each new article is a copy of.

        Parameters
        ----------
        X : sequence of str, mapping or Article, or a DataFrame
            New articles; see `as_articles`. They are compared with the kept articles only, each by itself.

        Returns
        -------
        originals : int64 array of shape (n_new,)
            Row of the kept article in the `X` of `fit`, or -1. Of several that reach the threshold, it is the
            one that comes first under the keep policy, as in `fit`. Articles of the reference, and excerpts
            that were dropped, are not kept.

        Raises
        ------
        InputError
            An article cannot be read as one, or `fit` was given an iterator, whose articles are not held.

        Notes
        -----
        The kept articles are indexed by the first call. Later calls take time for the new articles only,
        except with `exact`.

        Examples
        --------
        >>> import storyclust as sc
        >>> text = "The ferry struck the pier on Monday, and nobody was hurt."
        >>> sc.Deduplicator().fit(["Parliament votes today.", text]).predict([text.upper(), "Snow."])
        array([ 1, -1])
        """
        check_is_fitted(self)
        new = as_articles(X)
        fitted = self._held("predict")
        if self._kept_index is None:
            self._kept_index = KeptIndex.of(self, fitted)
        return self._kept_index.originals(new)

    def _held(self, method: str) -> list[Article]:
        """Articles of the fit, or an error that says which method needs them."""
        if self._articles is None:
            raise InputError(
                f"{method} requires the articles, and fit was given an iterator, which is read once and not "
                "held; fit to a list."
            )
        return self._articles
