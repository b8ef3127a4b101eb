"""Events and story threads: groups of articles that describe themselves.

Summaries, timelines and representatives are computed on first access.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from storyclust.articles.article import Article
from storyclust.summary.summarizer import Summary, summarize_independent
from storyclust.summary.timeline import TimelineLine, line_of_each
from storyclust.summary.versions import fullest
from storyclust.text.vectorize import BaseVectorizer

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Reports:
    """A group of articles: the base class of `Event` and `StoryThread`.

    Attributes
    ----------
    label : int
        Number of the group.
    members : int64 array of shape (size,)
        Rows of all articles, copies included, ascending.
    independent : int64 array of shape (n_independent,)
        Rows of the members that are not copies of another member, ascending.
    medoid : int
        Row of the independent article with the highest mean cosine to the others. Ties, and so groups of
        two, go to the longer article, then to the earlier one.
    likeness : float
        Mean cosine of the medoid with the other independent articles; 1 where there is none.
    cohesion : float in (0, 1]
        Mean cosine of the independent articles with the sum of their vectors; 1 for a single article.
        Average linkage does not form chains whose ends have nothing in common, so a low value (below 0.4,
        say) means many articles about one broad subject.
    """

    def __init__(
        self,
        label: int,
        members: NDArray[np.int64],
        independent: NDArray[np.int64],
        medoid: int,
        likeness: float,
        cohesion: float,
        articles: Sequence[Article],
        counted: Sequence[Article],
        vectorizer: BaseVectorizer,
    ) -> None:
        self.label = label
        self.members = members
        self.independent = independent
        self.medoid = medoid
        self.likeness = likeness
        self.cohesion = cohesion
        self._articles = articles
        self._counted = counted  # the same without page furniture
        self._vectorizer = vectorizer

    def __len__(self) -> int:
        return len(self.members)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.label}, {len(self)} articles, {self.headline!r})"

    @property
    def headline(self) -> str:
        """The most central title, without what outlets add to titles; without titles, a first sentence."""
        return self.summary.headline

    @functools.cached_property
    def representative(self) -> int:
        """Row of the article to read: the fullest version of the medoid.

        This is the longest member, copies included, that begins with the medoid's text or contains nine
        tenths of its word 5-grams. It is never a shortened version of another member.
        """
        return fullest(self._articles, self.medoid, self.members)

    @property
    def representative_reason(self) -> str:
        """Reason for the choice of the representative, in words."""
        others = len(self.independent) - 1
        if others == 0:
            reason = "the only report"
        elif others == 1:
            lengths = {len(self._articles[row].text) for row in self.independent}
            reason = f"the {'longer' if len(lengths) > 1 else 'earlier'} of two independent reports"
        else:
            reason = f"most like the {others} other independent reports (mean cosine {self.likeness:.2f})"
        fuller = self.representative != self.medoid
        return f"{reason}, in its fullest version" if fuller else reason

    @functools.cached_property
    def summary(self) -> Summary:
        """Summary of the articles, computed on first access."""
        rows = [self.medoid, *(row for row in self.independent.tolist() if row != self.medoid)]
        return summarize_independent([self._counted[row] for row in rows], rows, self._vectorizer)

    @property
    def keywords(self) -> tuple[str, ...]:
        """Key terms by decreasing weight, names first."""
        return self.summary.keywords

    @property
    def sources(self) -> list[str]:
        """Names of all sources, sorted."""
        return sorted({source for row in self.members if (source := self._articles[row].source)})

    @property
    def start(self) -> datetime | None:
        """Time of the first dated article, None where no article has a date."""
        return min(self._dates, default=None)

    @property
    def end(self) -> datetime | None:
        """Time of the last dated article, None where no article has a date."""
        return max(self._dates, default=None)

    @property
    def _dates(self) -> list[datetime]:
        return [when for row in self.members if (when := self._articles[row].published)]


class Event(Reports):
    """Articles that report the same happening."""


class StoryThread(Reports):
    """Events that belong to one story.

    Attributes
    ----------
    events : list of Event
        In order of time; events without a date come last.
    """

    def __init__(self, events: list[Event], merges: NDArray[np.float64], begin: int, *common: Any) -> None:
        super().__init__(*common)
        self.events = events
        self._all_merges = merges  # of all threads: one view for each thread would take more memory
        self._begin = begin

    def _repr_html_(self) -> str:
        """Show the summary and the events in a notebook."""
        from storyclust.render.notebook import thread_html

        return thread_html(self, self._articles)

    def linkage(self) -> NDArray[np.float64]:
        """Return the dendrogram of the thread as a SciPy linkage matrix.

        Returns
        -------
        Z : float64 array of shape (n_independent - 1, 4)
            A valid, monotonic linkage matrix for `scipy.cluster.hierarchy`. Leaf `i` is the article in row
            ``independent[i]``. Articles are merged into events first, and events into the thread.

        Notes
        -----
        Events that only `event_window` separates may be closer than `event_distance`. Here they are merged
        just above that distance, so that a cut at `event_distance` always gives the events.

        Examples
        --------
        >>> import storyclust as sc
        >>> from scipy.cluster.hierarchy import fcluster
        >>> stories = sc.StoryClusterer().fit([
        ...     {"text": "The ferry Selka hit the pier.", "published": "2024-03-04"},
        ...     {"text": "A pier was hit by the Selka.", "published": "2024-03-04"},
        ...     {"text": "The ferry Selka is back at the pier.", "published": "2024-08-20"},
        ... ])
        >>> Z = stories.threads_[0].linkage()
        >>> Z[:, [0, 1, 3]]
        array([[0., 1., 2.],
               [2., 3., 3.]])
        >>> fcluster(Z, stories.event_distance, "distance")
        array([1, 1, 2], dtype=int32)
        """
        return self._merges[:, :4].copy()

    def closest_pairs(self, most: int = 3) -> list[tuple[int, int, float]]:
        """Return pairs of independent articles that merged with each other first, most similar first.

        Parameters
        ----------
        most : int, default=3
            Largest number of pairs.

        Returns
        -------
        pairs : list of (int, int, float)
            Rows of two articles, and their similarity as in `coverage_links`.

        Examples
        --------
        >>> import storyclust as sc
        >>> texts = ["The ferry Selka hit the pier.", "A pier was hit by the Selka."]
        >>> sc.StoryClusterer().fit(texts).threads_[0].closest_pairs()[0][:2]
        (0, 1)
        """
        merges = self._merges
        direct = merges[~np.isnan(merges[:, 4])]
        direct = direct[np.argsort(-direct[:, 4], kind="stable")[:most]]
        rows = self.independent[direct[:, :2].astype(np.int64)].tolist()
        return [(a, b, similarity) for (a, b), similarity in zip(rows, direct[:, 4].tolist(), strict=True)]

    def merged_at(self, a: int, b: int) -> float:
        """Return the average distance of the two groups that brought two independent articles together.

        Parameters
        ----------
        a, b : int
            Rows of two different independent articles of the thread.

        Returns
        -------
        distance : float
            An event distance if both are in one event, else a thread distance.

        Examples
        --------
        >>> import storyclust as sc
        >>> texts = ["The ferry Selka hit the pier.", "A pier was hit by the Selka."]
        >>> sc.StoryClusterer().fit(texts).threads_[0].merged_at(0, 1) < 0.92
        True
        """
        rows = self.independent.tolist()
        nodes = [rows.index(a), rows.index(b)]
        merges = self._merges
        k = 0
        while nodes[0] != nodes[1]:
            nodes = [len(rows) + k if node in merges[k, :2] else node for node in nodes]
            k += 1
        return float(merges[k - 1, 5])

    @property
    def _merges(self) -> NDArray[np.float64]:
        return self._all_merges[self._begin : self._begin + len(self.independent) - 1]

    @functools.cached_property
    def timeline(self) -> tuple[TimelineLine, ...]:
        """One sentence for each event, in order of time, computed on first access.

        The sentence states what the event's articles agree on and what earlier lines do not state. Events
        without a date come last. A thread of one event has no timeline, and an event whose articles have
        only titles has no line.
        """
        if len(self.events) == 1:
            return ()
        lines = line_of_each([event.independent.tolist() for event in self.events], self._counted)
        return tuple(
            TimelineLine(event.start, event.label, line)
            for event, line in zip(self.events, lines, strict=True)
            if line is not None
        )
