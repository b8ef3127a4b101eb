"""What a fitted `StoryClusterer` can be asked."""

from __future__ import annotations

import os
from collections.abc import Hashable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from storyclust._core.validation import check_fitted, check_int
from storyclust.articles.article import Article
from storyclust.articles.frames import Given
from storyclust.articles.records import as_articles
from storyclust.cluster.linkage import Merges
from storyclust.dedup.deduplicator import BaseDeduplicator
from storyclust.dedup.fitted_copies import originals_of
from storyclust.errors import InputError
from storyclust.io.labelled_frames import labelled_frame
from storyclust.io.writing import open_output
from storyclust.stories.assignment import ThreadIndex
from storyclust.stories.coverage import shared_terms
from storyclust.stories.evidence import StoryEvidence, evidence_of
from storyclust.stories.settings import GroupingSettings
from storyclust.stories.threads import StoryThread
from storyclust.text.page_spans import Span
from storyclust.text.vectorize import BaseVectorizer

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from storyclust.io.labelled_frames import Labels


class FittedStories:
    """Methods of a fitted `StoryClusterer`."""

    event_distance: float
    event_window: float | None
    thread_distance: float
    copy_threshold: float
    clean: bool
    n_jobs: int | None
    labels_: NDArray[np.int64]
    event_labels_: NDArray[np.int64]
    threads_: list[StoryThread]
    furniture_: list[tuple[Span, ...]]
    deduplicator_: BaseDeduplicator
    vectorizer_: BaseVectorizer
    _articles: Sequence[Article]
    _given: Given  # how they were given
    _counted: Sequence[Article]  # the same without page furniture
    _place: NDArray[np.int64]  # of the representative of each article among the independent ones
    _times: NDArray[np.float64]  # of the independent articles, as the following two
    _background: NDArray[np.float64]
    _scales: NDArray[np.float64]
    _settings: GroupingSettings
    _merges: tuple[Merges, Merges]  # of articles into events, and of events into threads
    _thread_index: ThreadIndex | None  # made by the first call of `predict`

    def predict(self, X: Iterable[Any]) -> NDArray[np.int64]:
        """Find the fitted thread that each new article belongs to.

        Parameters
        ----------
        X : sequence of str, mapping or Article, or a DataFrame
            New articles; see `as_articles`. Each is compared with the fitted articles only, so its thread
            depends neither on their order nor on what else is among them.

        Returns
        -------
        threads : int64 array of shape (n_new,)
            Index in `threads_`, or -1 for an article of a new story.

        Raises
        ------
        InputError
            An article cannot be read as one.

        See Also
        --------
        NewsStore : Threads that grow with new articles, and are revised by them.

        Notes
        -----
        A copy of a fitted article gets its thread. Any other article becomes a vector by the vocabulary and
        weights of the fit, without the page furniture that recurs in the fitted articles. Its similarities
        are corrected and scaled as in the fit, by its own background similarity and nearest neighbours among
        the fitted articles.

        Average linkage then merges it with a cluster of the dendrogram of the fit. These are the clusters to
        which its mean similarity is larger than that at which they were merged with another, and larger than
        ``1 - event_distance`` among events, inside the window, or else ``1 - thread_distance`` among threads.
        Of several, the most similar is taken, and of equally similar ones the first that was made.

        New articles on one new story all get -1: fit all articles together to find it. The fitted articles
        are indexed by the first call; later calls take time for the new articles only.

        Examples
        --------
        >>> import storyclust as sc
        >>> articles = [
        ...     {"title": "Ferry hits pier in Aldmouth", "text": "The ferry Selka hit the pier on Monday."},
        ...     {"title": "Aldmouth pier struck by ferry", "text": "On Monday the Selka struck a pier."},
        ...     {"title": "Carrow adopts its budget", "text": "Parliament in Carrow voted on Tuesday."},
        ... ]
        >>> stories = sc.StoryClusterer().fit(articles)
        >>> stories.predict(["Parliament in Carrow adopts a budget.", "Snow is expected."])
        array([ 1, -1])
        """
        check_fitted(self, "labels_")
        new = as_articles(X)
        if self._thread_index is None:
            self._thread_index = ThreadIndex(self)
        originals = self.deduplicator_.predict(new)
        threads = self._thread_index.assign(new)
        copies = originals >= 0
        threads[copies] = self.labels_[originals[copies]]
        return threads

    def score(self, X: Iterable[Any], y: Iterable[Hashable | None] | None = None) -> float:
        """Cluster articles anew with the same settings, and score their threads against gold labels.

        Parameters
        ----------
        X : sequence of str, mapping or Article, or a DataFrame
            Any articles; see `as_articles`.
        y : sequence of length n_articles
            Gold thread of each article. Articles with the label None or NaN are clustered and not scored.

        Returns
        -------
        f1 : float
            B-cubed F1 of the threads; the best value is 1. See `evaluate`.

        Raises
        ------
        InputError
            If `y` is not given, has another length than `X` or no label, or a parameter is out of range.

        See Also
        --------
        tune : Choose the distances, also without labels.

        Notes
        -----
        What was fitted does not count: labels of one set of articles say nothing of the threads of another.
        A clusterer learns nothing but these, so its settings are judged by how they cluster `X`. Thus
        ``GridSearchCV(StoryClusterer(), {"thread_distance": [...]})`` compares settings on its test folds.
        Folds should hold whole stories: ``cv=GroupKFold()`` with the labels as groups.

        Examples
        --------
        >>> import storyclust as sc
        >>> articles = [
        ...     {"title": "Ferry hits pier in Aldmouth", "text": "The ferry Selka hit the pier on Monday."},
        ...     {"title": "Aldmouth pier struck by ferry", "text": "On Monday the Selka struck a pier."},
        ...     {"title": "Carrow adopts its budget", "text": "Parliament in Carrow voted on Tuesday."},
        ... ]
        >>> sc.StoryClusterer().score(articles, ["ferry", "ferry", "budget"])
        1.0
        """
        from sklearn.base import clone

        from storyclust.evaluation.metrics import evaluate

        if y is None:
            raise InputError(
                "score compares threads with gold labels, and y was not given; "
                "without labels storyclust.tune chooses the distances."
            )
        return evaluate(list(y), clone(self).fit(X).labels_.tolist()).f1

    def to_frame(self) -> Any:
        """Return the articles as a DataFrame, with their events and threads.

        Returns
        -------
        frame : DataFrame
            One row for each article, in the order of `fit`, of the library of the table that was given to
            `fit` (an Arrow table for an Arrow table, a dataset for a Hugging Face dataset), with its columns.
            For other input it is of pandas, or else of polars, with the fields of `Article`. Added are
            ``duplicate_of``, the id of the article that represents its copies, None for that itself;
            ``event``, which is `event_labels_`; and ``thread``, which is `labels_`. A column of such a name
            is renamed to ``input_event`` and so on.

        Raises
        ------
        InputError
            No table was given, and neither pandas nor polars is installed.

        Examples
        --------
        >>> import storyclust as sc
        >>> frame = sc.StoryClusterer().fit(["Rain in Delhi.", "Snow in Tokyo."]).to_frame()
        >>> frame[["id", "text", "event", "thread"]].values.tolist()
        [['0', 'Rain in Delhi.', 0, 0], ['1', 'Snow in Tokyo.', 1, 1]]
        """
        check_fitted(self, "labels_")
        labels: dict[str, Labels] = {
            "duplicate_of": originals_of(self.deduplicator_, self._articles),
            "event": self.event_labels_,
            "thread": self.labels_,
        }
        return labelled_frame(self._articles, labels, self._given)

    def to_html(
        self,
        path: str | os.PathLike[str] | None = None,
        *,
        title: str = "Story threads",
        min_size: int | None = None,
    ) -> str:
        """Render the threads as one HTML page that needs no network and no other file.

        The page has an overview, a timeline, search and filters. For each thread it shows the summary,
        events, sources and articles, with copies folded under the representative. It also shows the
        dendrogram, and the most similar articles side by side with shared passages marked. Texts are cut to
        excerpts.

        Parameters
        ----------
        path : str or path-like, optional
            File to write the page to. It is replaced only when the whole page has been written.
        title : str, default="Story threads"
            Heading of the page.
        min_size : int or None, default=None
            Smallest number of articles of a thread that is listed; smaller threads are only counted. None
            means 1, or the smallest value that keeps the list to 50,000 articles.

        Returns
        -------
        html : str
            The page. Equal threads give equal bytes.

        Raises
        ------
        InputError
            If `min_size` is less than 1, or the file cannot be written.

        Examples
        --------
        >>> import storyclust as sc
        >>> html = sc.StoryClusterer().fit(["Rain in Delhi.", "Snow in Tokyo."]).to_html()
        >>> html[:15], "https:" in html
        ('<!DOCTYPE html>', False)
        """
        from storyclust.render.report import render, report_content

        check_fitted(self, "labels_")
        least = None if min_size is None else check_int("min_size", min_size, low=1)
        page = render(report_content(self, self._articles, least), title)
        if path is not None:
            with open_output(path) as file:
                file.write(page.encode())
        return page

    def explain(self, a: int, b: int) -> StoryEvidence:
        """Explain why two articles are, or are not, in one event or thread.

        Parameters
        ----------
        a, b : int
            Rows of two different articles of `X`.

        Returns
        -------
        evidence : StoryEvidence
            The figures that decided; as a string, sentences about them.

        Raises
        ------
        InputError
            If a row is out of range, or both are the same.

        See Also
        --------
        storyclust.explain : Similarity and shared passages of two texts.

        Examples
        --------
        >>> import storyclust as sc
        >>> articles = [
        ...     {"title": "Ferry hits pier in Aldmouth", "text": "The ferry Selka hit the pier on Monday."},
        ...     {"title": "Aldmouth pier struck by ferry", "text": "On Monday the Selka struck a pier."},
        ... ]
        >>> evidence = sc.StoryClusterer().fit(articles).explain(0, 1)
        >>> print(str(evidence).splitlines()[0])
        They are in one event.
        >>> evidence.shared_terms[:2]
        ('Aldmouth', 'Selka')
        """
        check_fitted(self, "labels_")
        rows = [check_int(name, row, low=0) for name, row in (("a", a), ("b", b))]
        n = len(self._articles)
        if max(rows) >= n or rows[0] == rows[1]:
            raise InputError(f"a and b must be two different rows below {n}, got {rows[0]} and {rows[1]}.")
        return self._explain(rows)

    def _explain(self, rows: list[int], *, terms: bool = True) -> StoryEvidence:
        """Explain two different rows, with the terms that they share or without."""
        of = self.deduplicator_.representatives_[rows].tolist()
        place = self._place[rows]
        same = {
            "copy": of[0] == of[1],
            "event": self.event_labels_[rows[0]] == self.event_labels_[rows[1]],
            "thread": self.labels_[rows[0]] == self.labels_[rows[1]],
            "apart": True,
        }
        verdict = next(level for level, both in same.items() if both)
        articles = [self._counted[row] for row in of]
        languages = [self.vectorizer_.languages_[code] for code in self.vectorizer_.groups_[place]]
        vectors = self.vectorizer_.transform(
            [Article(a.text, title=a.title, lang=lang) for a, lang in zip(articles, languages, strict=True)]
        )
        joined = verdict in ("event", "thread")
        return evidence_of(
            verdict,
            float((vectors[[0]] @ vectors[[1]].T).toarray()[0, 0]),
            float(self._background[place].max()),
            float(abs(self._times[place[0]] - self._times[place[1]])),
            (float(self._scales[place[0]]), float(self._scales[place[1]])),
            self.threads_[self.labels_[of[0]]].merged_at(*of) if joined else None,
            shared_terms(articles[0], articles[1], (languages[0], languages[1]), self.vectorizer_)
            if terms
            else (),
            self._settings,
        )

    def _repr_html_(self) -> str:
        """Show the biggest threads in a notebook; before `fit`, the parameters."""
        from sklearn.utils import estimator_html_repr

        from storyclust.render.report import glance

        if not hasattr(self, "threads_"):
            return str(estimator_html_repr(self))
        return glance(self, self._articles)

    def _repr_mimebundle_(self, **_: object) -> dict[str, str]:
        return {"text/plain": repr(self), "text/html": self._repr_html_()}
