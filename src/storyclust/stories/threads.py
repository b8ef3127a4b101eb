"""What an event and a story thread are: articles about one thing, and what can be said of them.

Summaries, timelines and representatives are made when first asked for.
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
from storyclust.text.vectorize import NewsVectorizer

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Reports:
    """Articles about one thing: what an event and a thread have in common.

    Attributes
    ----------
    label : int
        Its number.
    members : int64 array of shape (size,)
        Rows of all articles, copies included, ascending.
    independent : int64 array
        Rows of the members that are not copies of another member.
    medoid : int
        Row of the independent article that is most like the others; ties (and so two articles) go to the
        longer, then the earlier.
    likeness : float
        Mean cosine of the medoid with the other independent articles; 1 where there is none.
    cohesion : float in (0, 1]
        Mean cosine of the independent articles with the sum of their vectors. An article alone has 1. Average
        linkage keeps chains from forming, whose ends have nothing in common: no two groups are joined
        unless all their members are alike on average. So a low figure (below 0.4, say) means many
        articles about one wide matter.
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
        vectorizer: NewsVectorizer,
    ) -> None:
        self.label = label
        self.members = members
        self.independent = independent
        self.medoid = medoid
        self.likeness = likeness
        self.cohesion = cohesion
        self._articles = articles
        self._vectorizer = vectorizer

    def __len__(self) -> int:
        return len(self.members)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.label}, {len(self)} articles, {self.headline!r})"

    @property
    def headline(self) -> str:
        """Most central title, less what outlets add to titles; where there is none, a first sentence."""
        return self.summary.headline

    @functools.cached_property
    def representative(self) -> int:
        """Row of the article to read: the medoid in its fullest version.

        That is the longest member, copies included, that opens with the medoid's text or holds nine tenths of
        its word 5-grams; so it is never an article that another member only cuts short.
        """
        return fullest(self._articles, self.medoid, self.members)

    @property
    def representative_reason(self) -> str:
        """Why the representative is the one, in words."""
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
        """Its summary; made when first asked for."""
        rows = [self.medoid, *(row for row in self.independent.tolist() if row != self.medoid)]
        return summarize_independent([self._articles[row] for row in rows], rows, self._vectorizer)

    @property
    def keywords(self) -> tuple[str, ...]:
        """Its key terms, weightiest first."""
        return self.summary.keywords

    @property
    def sources(self) -> list[str]:
        """Names of all sources, sorted."""
        return sorted({source for row in self.members if (source := self._articles[row].source)})

    @property
    def start(self) -> datetime | None:
        """When the first dated article was published."""
        return min(self._dates, default=None)

    @property
    def end(self) -> datetime | None:
        """When the last dated article was published."""
        return max(self._dates, default=None)

    @property
    def _dates(self) -> list[datetime]:
        return [when for row in self.members if (when := self._articles[row].published)]


class Event(Reports):
    """One happening, as covered by everyone."""


class StoryThread(Reports):
    """Events that continue one another.

    Attributes
    ----------
    events : list of Event
        In order of time; undated ones last.
    """

    def __init__(self, events: list[Event], joins: NDArray[np.float64], begin: int, *reports: Any) -> None:
        super().__init__(*reports)
        self.events = events
        self._all_joins = joins  # of all threads: a view of each would cost more
        self._begin = begin

    def linkage(self) -> NDArray[np.float64]:
        """Return how its articles were joined, as SciPy writes and draws it.

        Returns
        -------
        Z : float64 array of shape (n_independent - 1, 4)
            A valid, monotonic linkage matrix for `scipy.cluster.hierarchy`, whose leaf `i` is the article
            in row ``independent[i]``. Distances are those at which articles were joined to events, and then
            events to the thread.

        Notes
        -----
        Events that only `event_window` kept apart may be nearer than `event_distance`. Here they are joined
        just above it, so that a cut at `event_distance` always gives the events.

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
        return self._joins[:, :4].copy()

    def closest_pairs(self, most: int = 3) -> list[tuple[int, int, float]]:
        """Return independent articles that were joined to each other before any other, closest first.

        Parameters
        ----------
        most : int, default=3
            How many pairs, at most.

        Returns
        -------
        pairs : list of (int, int, float)
            Rows of two articles and their similarity, as `coverage_links` has it.

        Examples
        --------
        >>> import storyclust as sc
        >>> texts = ["The ferry Selka hit the pier.", "A pier was hit by the Selka."]
        >>> sc.StoryClusterer().fit(texts).threads_[0].closest_pairs()[0][:2]
        (0, 1)
        """
        joins = self._joins
        direct = joins[(joins[:, :2] < len(self.independent)).all(axis=1)]
        found = direct[np.argsort(direct[:, 4], kind="stable")[:most]]
        rows = self.independent[found[:, :2].astype(np.int64)]
        return [(int(a), int(b), float(s)) for (a, b), s in zip(rows, 1.0 - found[:, 4], strict=True)]

    @property
    def _joins(self) -> NDArray[np.float64]:
        return self._all_joins[self._begin : self._begin + len(self.independent) - 1]

    @functools.cached_property
    def timeline(self) -> tuple[TimelineLine, ...]:
        """One sentence an event, in order of time, undated ones last; made when first asked for.

        It says what its articles agree on and the lines before do not say. A thread of one event has no
        timeline, its summary says it all; an event whose articles are titles only has no line.
        """
        if len(self.events) == 1:
            return ()
        lines = line_of_each([event.independent.tolist() for event in self.events], self._articles)
        return tuple(
            TimelineLine(event.start, event.label, line)
            for event, line in zip(self.events, lines, strict=True)
            if line is not None
        )
