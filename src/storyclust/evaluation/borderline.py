"""Borderline pairs: groups that just meet at a setting, or just do not, for a person to judge by eye."""

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
from storyclust.stories.grouping import Prepared, event_merges, find_events, inside_window, thread_merges

if TYPE_CHECKING:
    from numpy.typing import NDArray

SHOWN = 4  # pairs on either side of the distance
NEAR = 0.03  # how far from it their groups meet, at most
TITLE = 90  # letters of a text that stand for a title that is missing


@dataclass(frozen=True, slots=True)
class Borderline:
    """Two groups that meet near a distance, and the two articles that are most alike across them.

    Attributes
    ----------
    a, b : int
        Rows of the articles, ``a < b``.
    joined : bool
        Whether they share a group at the setting.
    distance : float
        Average distance of their groups.
    similarity : float
        Of the two articles, above that of strangers.
    sizes : tuple of int
        Independent articles of the group of `a` and of that of `b`.
    titles : tuple of str
    days_apart : float or None
        None where one has no date.
    shared_terms : tuple of str
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
        lines = [
            f"{verdict}: groups of {self.sizes[0]} and {self.sizes[1]} at distance {self.distance:.3f}; "
            f"these two at similarity {self.similarity:.2f}{days}",
            *(f"    {sanitize(title)}" for title in self.titles),
        ]
        if self.shared_terms:
            lines.append(f"    both: {sanitize(', '.join(self.shared_terms))}")
        return "\n".join(lines)


class _Tree(NamedTuple):
    """A dendrogram above groups of rows, and the pairs it was made of."""

    merges: Merges
    leaves: list[NDArray[np.int64]]
    graph: sparse.csr_array

    def rows(self, node: int) -> NDArray[np.int64]:
        """Rows below a node, ascending."""
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
    """Pairs whose groups meet nearest to the distance: some that are joined, some that are not."""
    distance = settings[f"{level}_distance"] or 0.0
    tree = _tree(ready, level, settings, distance + NEAR)
    at = tree.merges.distances
    inside = int(np.searchsorted(at, distance))  # as `cut` has it
    least = int(np.searchsorted(at, distance - NEAR))
    chosen = [*range(inside - 1, max(inside - 1 - SHOWN, least - 1), -1), *range(inside, len(at))[:SHOWN]]
    return [_pair(ready, articles, tree, merge, joined=merge < inside) for merge in chosen]


def _tree(ready: Prepared, level: str, settings: dict[str, float | None], most: float) -> _Tree:
    """Dendrogram of the articles, or of the events, up to a distance."""
    window = np.inf if settings["event_window"] is None else settings["event_window"]
    if level == "event":
        leaves = [np.array([row]) for row in range(len(ready.kept))]
        near = inside_window(ready.graph, ready.times, window)
        return _Tree(event_merges(ready.graph, ready.times, min(most, 1.0), window), leaves, near)
    events = find_events(ready.graph, ready.times, settings["event_distance"] or 0.0, window)
    return _Tree(thread_merges(ready.graph, events, min(most, 1.0)), rows_by_label(events), ready.graph)


def _pair(
    ready: Prepared, articles: Sequence[Article], tree: _Tree, merge: int, *, joined: bool
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
    """Title, or else how the text begins."""
    text = " ".join(article.text.split())
    return article.title or (text if len(text) <= TITLE else f"{text[:TITLE]}...")
