"""Groups of copies: classes of equal texts, keep policies, and groups around the article that is kept.

A group is a star, not a chain: every member is verified against the representative. So texts that differ
in many places never share a group because a chain of small edits connects them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from storyclust._core.parallel import kernel
from storyclust.articles.article import Article
from storyclust.dedup.editions import edition_rank
from storyclust.dedup.settings import KEEP, SOURCES
from storyclust.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

LISTED_TWINS = 32  # largest class whose pairs are all listed: their number grows with the square of its size
DOUBTFUL = 0.05  # a group whose least similarity is this near the threshold needs a second look,
SHORT = 30  # and one of texts with fewer shingles: notices from one template differ in a name or a date
NEVER = datetime.max.replace(tzinfo=UTC).timestamp()

Policy = str | Callable[[Article], Any]


class Twins(NamedTuple):
    """Classes of equal texts: class `c` holds `rows[bounds[c]:bounds[c + 1]]`."""

    classes: NDArray[np.int64]  # (n,) class of every row, numbered by fingerprint
    rows: NDArray[np.int64]  # (n,)
    bounds: NDArray[np.int64]  # (n_classes + 1,)

    @property
    def heads(self) -> NDArray[np.int64]:
        """First row of each class."""
        return self.rows[self.bounds[:-1]]


def group_twins(fingerprints: NDArray[np.uint64]) -> Twins:
    """Group rows of equal fingerprints. Classes are numbered by fingerprint, whatever the order of rows."""
    n = len(fingerprints)
    rows = np.lexsort((fingerprints[:, 1], fingerprints[:, 0])).astype(np.int64)
    ordered = fingerprints[rows]
    new = np.ones(n, dtype=bool)
    new[1:] = (ordered[1:] != ordered[:-1]).any(axis=1)
    classes = np.empty(n, dtype=np.int64)
    classes[rows] = np.cumsum(new) - 1
    return Twins(classes, rows, np.append(np.flatnonzero(new), n).astype(np.int64))


def sort_members(twins: Twins, rank: NDArray[np.int64]) -> Twins:
    """Sort the rows of each class by rank."""
    rows = twins.rows
    return twins._replace(rows=rows[np.lexsort((rank[rows], twins.classes[rows]))])


def check_policy(keep: object) -> Policy:
    """Return a keep policy, or raise an error that lists the valid ones."""
    if callable(keep) or (isinstance(keep, str) and (keep in KEEP or keep.startswith(SOURCES))):
        return keep
    named = ", ".join(map(repr, KEEP))
    raise InputError(
        f"keep must be one of {named}, 'source:A,B,...' or a function of an article, got {keep!r}."
    )


def preferences(articles: Sequence[Article], keep: Policy, rows: Sequence[int]) -> list[tuple[Any, ...]]:
    """Sort key of each article under a keep policy: the article of a group with the least key is kept.

    Undated articles come after dated ones. Ties go to the earlier article (for 'latest' and between marked
    versions: the later), then the longer, then by title.
    """
    if keep == "first":
        return [(row,) for row in rows]
    if callable(keep):
        return [(keep(article), *_earliest(article)) for article in articles]
    if keep.startswith(SOURCES):
        ranking = [name.strip() for name in keep.removeprefix(SOURCES).split(",")]
        places: dict[str | None, int] = {name: ranking.index(name) for name in ranking}
        return [(places.get(article.source, len(ranking)), *_earliest(article)) for article in articles]
    keys = {"latest-version": _latest_version, "longest": _longest, "latest": _latest}
    return list(map(keys.get(keep, _earliest), articles))


def _earliest(article: Article) -> tuple[Any, ...]:
    when = NEVER if article.published is None else article.published.timestamp()
    return when, -len(article.content), article.title


def _latest(article: Article) -> tuple[Any, ...]:
    when, longer, title = _earliest(article)
    return when if article.published is None else -when, longer, title


def _latest_version(article: Article) -> tuple[Any, ...]:
    unmarked, update = edition_rank(article)
    when, longer, title = _earliest(article) if unmarked else _latest(article)
    return unmarked, when, update, longer, title


def _longest(article: Article) -> tuple[Any, ...]:
    when, longer, title = _earliest(article)
    return longer, when, title


def rank_rows(
    rows: NDArray[np.int64],
    preferences: list[tuple[Any, ...]],
    fingerprints: NDArray[np.uint64],
    ids: list[str],
) -> NDArray[np.int64]:
    """Sort rows by preference; ties by fingerprint, id (shorter first), row."""
    columns = zip(rows.tolist(), fingerprints[rows].tolist(), strict=True)
    keys = [(preferences[row], hashed, len(ids[row]), ids[row], row) for row, hashed in columns]
    keys.sort()
    return np.array([key[-1] for key in keys], dtype=np.int64)


def sort_pairs(
    pairs: NDArray[np.int64], similarities: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Sort pairs and drop repeated ones."""
    _, first = np.unique(pairs[:, 0] << 32 | pairs[:, 1], return_index=True)
    return pairs[first], similarities[first]


def expand_pairs(
    twins: Twins, pairs: NDArray[np.int64], similarities: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Turn pairs of classes into pairs of rows, and add the pairs within each class."""
    first, second, values = expand_classes(twins, pairs, similarities, LISTED_TWINS)
    return sort_pairs(np.sort(np.column_stack((first, second)), axis=1), values)


@kernel
def listed_end(bounds: NDArray[np.int64], c: Any, listed: int) -> Any:
    """End of the members of class `c` whose pairs are listed: all of them, or the head of a large class."""
    return bounds[c + 1] if bounds[c + 1] - bounds[c] <= listed else bounds[c] + 1


@kernel
def expand_classes(
    twins: Twins, pairs: NDArray[np.int64], similarities: NDArray[np.float64], listed: int
) -> Any:
    """List the pairs of rows for pairs of classes, and those within classes.

    Parameters
    ----------
    twins : Twins
    pairs : int64 array of shape (m, 2)
        Pairs of classes.
    similarities : float64 array of shape (m,)
    listed : int
        Of a class with more members, only its head is paired.

    Returns
    -------
    first, second : int64 arrays of shape (k,)
    values : float64 array of shape (k,)
        Similarity of each pair of rows.
    """
    rows, bounds = twins.rows, twins.bounds
    total = 0
    for c in range(len(bounds) - 1):
        for x in range(bounds[c], listed_end(bounds, c, listed)):
            total += bounds[c + 1] - x - 1
    for k in range(len(pairs)):
        u, v = pairs[k]
        total += (listed_end(bounds, u, listed) - bounds[u]) * (listed_end(bounds, v, listed) - bounds[v])
    first = np.empty(total, np.int64)
    second = np.empty(total, np.int64)
    values = np.ones(total, np.float64)
    n = 0
    for c in range(len(bounds) - 1):
        for x in range(bounds[c], listed_end(bounds, c, listed)):
            for y in range(x + 1, bounds[c + 1]):
                first[n], second[n] = rows[x], rows[y]
                n += 1
    for k in range(len(pairs)):
        u, v = pairs[k]
        for x in range(bounds[u], listed_end(bounds, u, listed)):
            for y in range(bounds[v], listed_end(bounds, v, listed)):
                first[n], second[n], values[n] = rows[x], rows[y], similarities[k]
                n += 1
    return first, second, values


def lead_groups(
    pairs: NDArray[np.int64],
    similarities: NDArray[np.float64],
    rank: NDArray[np.int64],
    is_reference: NDArray[np.bool_] | None = None,
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Partition nodes into stars: each free node, in the order of rank, leads the free nodes paired with it.

    Parameters
    ----------
    pairs : int64 array of shape (m, 2)
    similarities : float64 array of shape (m,)
    rank : int64 array of shape (n,)
    is_reference : bool array of shape (n,), optional
        Nodes that may lead and are never led.

    Returns
    -------
    leader : int64 array of shape (n,)
        Leader of every node: itself where it leads or is a singleton.
    closeness : float64 array of shape (n,)
        Similarity of every node to its leader.
    """
    leader = np.arange(len(rank), dtype=np.int64)
    closeness = np.ones(len(rank))
    free = np.ones(len(rank), bool) if is_reference is None else ~is_reference
    both = np.concatenate((pairs, pairs[:, ::-1]))
    values = np.concatenate((similarities, similarities))
    order = np.lexsort((rank[both[:, 1]], rank[both[:, 0]]))
    assign_leaders(np.ascontiguousarray(both[order]), values[order], free, leader, closeness)
    return leader, closeness


@kernel
def assign_leaders(
    pairs: NDArray[np.int64],
    similarities: NDArray[np.float64],
    free: NDArray[np.bool_],
    leader: NDArray[np.int64],
    closeness: NDArray[np.float64],
) -> None:
    """Go through pairs (a, b) sorted by the rank of a: a leads b if a is not led and b is free."""
    for k in range(len(pairs)):
        a, b = pairs[k]
        if leader[a] != a:
            continue
        free[a] = False
        if free[b]:
            free[b] = False
            leader[b] = a
            closeness[b] = similarities[k]


def replace_excerpts(
    kept_for: NDArray[np.int64], excerpts: NDArray[np.int64], n_rows: int
) -> NDArray[np.int64]:
    """Replace kept articles that are excerpts by the longer article, and that by its own longer one.

    Parameters
    ----------
    kept_for : int64 array of shape (n,)
        Row of the article kept in place of each item.
    excerpts : int64 array of shape (k, 2)
        Rows (excerpt, longer). Of several longer ones, the first counts.
    n_rows : int

    Returns
    -------
    kept_for : int64 array of shape (n,)
    """
    longer = np.arange(n_rows)
    longer[excerpts[::-1, 0]] = excerpts[::-1, 1]  # the first of each excerpt is written last
    while ((further := longer[longer]) != longer).any():
        longer = further
    return longer[kept_for]


@dataclass(frozen=True, slots=True, eq=False)
class DuplicateGroup:
    """A group of copies and the article that is kept.

    Attributes
    ----------
    members : int64 array of shape (size,)
        Rows of the articles, ascending; the representative is among them.
    representative : int
        Row of the article that is kept, or -1 if that article belongs to the reference.
    similarities : float64 array of shape (size,)
        Exact Jaccard similarity of each member to the representative.
    doubtful : bool
        Whether the group needs a second look: the similarity of some member exceeds the threshold by less
        than 0.05, or some text that was compared without a title is so short (fewer than 30 shingles) that
        different notices from one template are similar.
    reference : int
        Row of the reference article that all members copy, or -1.
    """

    members: NDArray[np.int64]
    representative: int
    similarities: NDArray[np.float64]
    doubtful: bool = False
    reference: int = -1

    @property
    def min_similarity(self) -> float:
        """Least similarity of a member to the representative; never below the threshold."""
        return float(self.similarities.min())

    def __len__(self) -> int:
        return len(self.members)

    def __repr__(self) -> str:
        return (
            f"DuplicateGroup({len(self)} articles, representative={self.representative}, "
            f"min_similarity={self.min_similarity:.3f})"
        )


def describe_groups(
    labels: NDArray[np.int64],
    kept_for: NDArray[np.int64],
    closeness: NDArray[np.float64],
    short: NDArray[np.bool_],
    n_reference: int,
    threshold: float,
) -> list[DuplicateGroup]:
    """List the groups of two or more articles, or with a match in the reference.

    Parameters
    ----------
    labels : int64 array of shape (n,)
        Group of every article.
    kept_for : int64 array of shape (n,)
        Row of the article kept in its place, where those of the reference have the first rows.
    closeness : float64 array of shape (n,)
        Similarity to that article.
    short : bool array of shape (n,)
        Whether the text has fewer than `SHORT` shingles and was compared without a title.
    n_reference : int
    threshold : float

    Returns
    -------
    groups : list of DuplicateGroup
        Largest first, then by first row.
    """
    order = np.argsort(labels, kind="stable")
    sizes = np.bincount(labels)
    stops = np.cumsum(sizes)
    listed = sizes > 1
    listed[labels[kept_for < n_reference]] = True
    doubtful_below = min(threshold + DOUBTFUL, 1.0)
    groups = []
    for label in sorted(np.flatnonzero(listed), key=lambda g: (-sizes[g], g)):
        members = order[stops[label] - sizes[label] : stops[label]]
        doubtful = bool(closeness[members].min() < doubtful_below or short[members].any())
        kept = int(kept_for[members[0]])
        row, match = (-1, kept) if kept < n_reference else (kept - n_reference, -1)
        groups.append(DuplicateGroup(members, row, closeness[members], doubtful, match))
    return groups
