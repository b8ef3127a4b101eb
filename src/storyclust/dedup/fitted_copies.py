"""What a fitted `Deduplicator` can be asked."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from storyclust._core.validation import check_fitted
from storyclust.articles.article import Article
from storyclust.articles.frames import Given
from storyclust.articles.records import as_articles
from storyclust.dedup.groups import DuplicateGroup, Policy
from storyclust.dedup.lsh import Bands
from storyclust.dedup.matching import KeptIndex
from storyclust.errors import InputError
from storyclust.io.labelled_frames import labelled_frame

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from storyclust.io.labelled_frames import Labels


class FittedCopies:
    """Methods of a fitted `Deduplicator`."""

    threshold: float
    num_perm: int
    shingle_size: int
    keep: Policy
    exact: bool
    doubtful: str
    clean: bool
    n_jobs: int | None
    labels_: NDArray[np.int64]
    keep_: NDArray[np.bool_]
    representatives_: NDArray[np.int64]
    reference_matches_: NDArray[np.int64]
    pairs_: NDArray[np.int64]
    similarities_: NDArray[np.float64]
    groups_: list[DuplicateGroup]
    excerpts_: NDArray[np.int64]
    containments_: NDArray[np.float64]
    doubtful_: NDArray[np.int64]
    doubtful_similarities_: NDArray[np.float64]
    fingerprints_: NDArray[np.uint64]
    bands_: Bands
    expected_recall_: float
    _articles: list[Article] | None  # of the fit, unless they came from an iterator
    _given: Given  # how they were given
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
        check_fitted(self, "labels_")
        new = as_articles(X)
        fitted = self._held("predict")
        if self._kept_index is None:
            self._kept_index = KeptIndex.of(self, fitted)
        return self._kept_index.originals(new)

    def to_frame(self) -> Any:
        """Return the articles as a DataFrame, with the copies marked.

        Returns
        -------
        frame : DataFrame
            One row for each article, in the order of `fit`, of the library of the table that was given to
            `fit` (an Arrow table for an Arrow table, a dataset for a Hugging Face dataset), with its columns.
            For other input it is of pandas, or else of polars, with the fields of `Article`. Added are
            ``duplicate_of``, the id of the article that is kept instead, None if there is none or it belongs
            to the reference; ``kept``; ``group``, which is `labels_`; and ``similarity``, the Jaccard
            similarity to the article that its group is kept for, 1 for that itself. A column of such a name
            is renamed to ``input_kept`` and so on.

        Raises
        ------
        InputError
            `fit` was given an iterator, whose articles are not held; or no table, and neither pandas nor
            polars is installed.

        Examples
        --------
        >>> import storyclust as sc
        >>> text = "The ferry struck the pier on Monday, and nobody was hurt."
        >>> frame = sc.Deduplicator().fit([text, "Parliament votes today.", text.upper()]).to_frame()
        >>> frame["kept"].tolist(), frame["duplicate_of"][2]
        ([True, True, False], '0')
        """
        check_fitted(self, "labels_")
        articles = self._held("to_frame")
        similarity = np.ones(len(articles))
        for group in self.groups_:
            similarity[group.members] = group.similarities
        labels: dict[str, Labels] = {
            "duplicate_of": originals_of(self, articles),
            "kept": self.keep_,
            "group": self.labels_,
            "similarity": similarity,
        }
        return labelled_frame(articles, labels, self._given)

    def _repr_html_(self) -> str:
        """Show the largest groups in a notebook; before `fit`, the parameters."""
        from sklearn.utils import estimator_html_repr

        from storyclust.render.notebook import copies_html

        if not hasattr(self, "groups_"):
            return str(estimator_html_repr(self))
        return copies_html(self, self._articles)

    def _repr_mimebundle_(self, **_: object) -> dict[str, str]:
        return {"text/plain": repr(self), "text/html": self._repr_html_()}

    def _held(self, method: str) -> list[Article]:
        """Articles of the fit, or an error that says which method needs them."""
        if self._articles is None:
            raise InputError(
                f"{method} requires the articles, and fit was given an iterator, which is read once and not "
                "held; fit to a list."
            )
        return self._articles


def originals_of(dedup: FittedCopies, articles: Sequence[Article]) -> list[str | None]:
    """Id of the article that is kept instead of each, None for a kept one."""
    rows = dedup.representatives_.tolist()
    return [None if row in (own, -1) else articles[row].id for own, row in enumerate(rows)]
