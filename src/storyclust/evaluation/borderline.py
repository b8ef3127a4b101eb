"""Borderline pairs: groups that merge just below or just above a distance, for a person to judge."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy import sparse

from storyclust._core.terminal import sanitize
from storyclust._core.union_find import rows_by_label
from storyclust.articles.article import Article
from storyclust.cluster.linkage import Merges
from storyclust.stories.coverage import shared_terms
from storyclust.stories.grouping import Prepared, event_graph, event_merges, find_events, thread_merges

if TYPE_CHECKING:
    from numpy.typing import NDArray

PAIRS_SHOWN = 4  # on either side of the distance
MARGIN = 0.06  # largest difference of a merge from the distance
EXCERPT_LETTERS = 90  # of a text without a title


@dataclass(frozen=True, slots=True)
class Borderline:
    """Two groups that merge near a distance, and the most similar pair of articles across them.

    Attributes
    ----------
    a, b : int
        Rows of the articles, ``a < b``.
    joined : bool
        Whether the two articles are in one group at the recommended setting.
    distance : float
        Average distance of the two groups.
    similarity : float
        Cosine of the two articles, corrected for background similarity.
    sizes : tuple of int
        Number of independent articles in the group of `a` and in that of `b`.
    titles : tuple of str
        Title of each article, or the beginning of its text.
    days_apart : float or None
        Time between the two publications; None where one has no date.
    shared_terms : tuple of str
        Terms that occur in both, names first.
    """

    a: int
    b: int
    joined: bool
    distance: float
    similarity: float
    sizes: tuple[int, int]
    titles: tuple[str, str]
    days_apart: float | None
    shared_terms: tuple[str, ...]

    def __str__(self) -> str:
        verdict = "together" if self.joined else "apart"
        days = "" if self.days_apart is None else f", {self.days_apart:.1f} days apart"
        return (
            f"{verdict}: groups of {self.sizes[0]} and {self.sizes[1]} at distance {self.distance:.3f}; "
            f"these two at similarity {self.similarity:.2f}{days}\n{self.question}"
        )

    @property
    def question(self) -> str:
        """What a person needs to judge the pair: both titles, and the shared terms."""
        lines = [f"    {sanitize(title)}" for title in self.titles]
        if self.shared_terms:
            lines.append(f"    both: {sanitize(', '.join(self.shared_terms))}")
        return "\n".join(lines)


class _Dendrogram(NamedTuple):
    """Merges of groups of rows."""

    merges: Merges
    leaves: list[NDArray[np.int64]]  # rows of each group
    graph: sparse.csr_array  # similarities of rows

    def rows(self, node: int) -> NDArray[np.int64]:
        """Rows of a node, ascending."""
        found, open_nodes = [], [node]
        while open_nodes:
            node = open_nodes.pop()
            if node < len(self.leaves):
                found.append(self.leaves[node])
            else:
                open_nodes += self.merges.children[node - len(self.leaves)].tolist()
        return np.sort(np.concatenate(found))


def borderline_pairs(
    ready: Prepared, articles: Sequence[Article], level: str, settings: dict[str, float | None]
) -> list[Borderline]:
    """Pairs whose groups merge nearest to the distance, at most PAIRS_SHOWN below it and as many above."""
    distance = settings[f"{level}_distance"] or 0.0
    tree = _dendrogram(ready, level, settings, distance + MARGIN)
    distances = tree.merges.distances
    n_made = int(np.searchsorted(distances, distance))
    first = int(np.searchsorted(distances, distance - MARGIN))
    made = range(n_made - 1, max(n_made - 1 - PAIRS_SHOWN, first - 1), -1)
    chosen = [*made, *range(n_made, len(distances))[:PAIRS_SHOWN]]
    return [_pair(ready, articles, tree, merge, joined=merge < n_made) for merge in chosen]


def _dendrogram(ready: Prepared, level: str, settings: dict[str, float | None], most: float) -> _Dendrogram:
    """Merges of the articles, or of the events, up to a distance."""
    window = np.inf if settings["event_window"] is None else settings["event_window"]
    if level == "event":
        leaves = [np.array([row]) for row in range(len(ready.kept))]
        near = event_graph(ready.graph, ready.times, window)
        return _Dendrogram(event_merges(ready.graph, ready.times, min(most, 1.0), window), leaves, near)
    events = find_events(ready.graph, ready.times, settings["event_distance"] or 0.0, window)
    merges = thread_merges(ready.graph, events, min(most, 1.0))
    return _Dendrogram(merges, rows_by_label(events), ready.graph)


def _pair(
    ready: Prepared, articles: Sequence[Article], tree: _Dendrogram, merge: int, *, joined: bool
) -> Borderline:
    """The two most similar articles across a merge."""
    one, other = (tree.rows(int(node)) for node in tree.merges.children[merge])
    across = sparse.csr_array(tree.graph[one][:, other]).tocoo()
    best = np.lexsort((across.col, across.row, -across.data))[0]
    ends = [(int(one[across.row[best]]), len(one)), (int(other[across.col[best]]), len(other))]
    (i, size_a), (j, size_b) = sorted(ends, key=lambda end: int(ready.kept[end[0]]))
    pair = articles[ready.kept[i]], articles[ready.kept[j]]
    names = [ready.vectorizer.languages_[ready.vectorizer.groups_[row]] for row in (i, j)]
    days = abs(ready.times[i] - ready.times[j])
    return Borderline(
        int(ready.kept[i]),
        int(ready.kept[j]),
        joined,
        float(tree.merges.distances[merge]),
        float(across.data[best]),
        (size_a, size_b),
        (_title(pair[0]), _title(pair[1])),
        None if np.isnan(days) else float(days),
        shared_terms(*pair, (names[0], names[1]), ready.vectorizer),
    )


def _title(article: Article) -> str:
    """The title, or the beginning of the text if there is none."""
    text = " ".join(article.text.split())
    return article.title or (text if len(text) <= EXCERPT_LETTERS else f"{text[:EXCERPT_LETTERS]}...")
