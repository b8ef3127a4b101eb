"""Groups of copies: equal texts collapsed, keep policies, and groups led by the article that is kept.

A group is a star, not a chain: every member is paired with its leader. So a run of small edits never ends
in one group of unlike ends.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from storyclust._core.parallel import kernel
from storyclust.articles.article import Article
from storyclust.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

KEEP = ("earliest", "latest", "longest", "first")
SOURCES = "source:"
LISTED_TWINS = 32  # equal texts whose pairs are all listed; of more, only those with the first of them
NEVER = datetime.max.replace(tzinfo=UTC).timestamp()

Policy = str | Callable[[Article], Any]


class Twins(NamedTuple):
    """Classes of equal texts: class `c` holds `rows[bounds[c]:bounds[c + 1]]`."""

    classes: NDArray[np.int64]  # (n,) class of every row, numbered by fingerprint
    rows: NDArray[np.int64]  # (n,)
    bounds: NDArray[np.int64]  # (n_classes + 1,)


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


def check_policy(keep: object) -> Policy:
    """Return a keep policy, or raise and say what there is."""
    if callable(keep) or (isinstance(keep, str) and (keep in KEEP or keep.startswith(SOURCES))):
        return keep
    named = ", ".join(map(repr, KEEP))
    raise InputError(
        f"keep must be one of {named}, 'source:A,B,...' or a function of an article, got {keep!r}."
    )


def preference(article: Article, keep: Policy) -> tuple[Any, ...]:
    """What a keep policy sorts an article by: of a group, the one that sorts first is kept.

    Undated articles come after dated ones; what the policy leaves undecided goes to the earlier article
    (for 'latest': the later), then the longer, then by title.
    """
    longer = -len(article.content)
    when = NEVER if article.published is None else article.published.timestamp()
    if callable(keep):
        return keep(article), when, longer, article.title
    if keep.startswith(SOURCES):
        ranking = [name.strip() for name in keep.removeprefix(SOURCES).split(",")]
        place = ranking.index(article.source) if article.source in ranking else len(ranking)
        return place, when, longer, article.title
    if keep == "longest":
        return longer, when, article.title
    if keep == "latest" and article.published is not None:
        when = -when
    return () if keep == "first" else (when, longer, article.title)


def rank_rows(
    rows: NDArray[np.int64],
    preferences: list[tuple[Any, ...]],
    fingerprints: NDArray[np.uint64],
    ids: list[str],
) -> NDArray[np.int64]:
    """Put rows in the order of their preferences; ties by fingerprint, id (shorter first), row."""

    def key(row: int) -> tuple[Any, ...]:
        name = ids[row]
        return preferences[row], int(fingerprints[row, 0]), int(fingerprints[row, 1]), len(name), name, row

    return np.array(sorted(rows.tolist(), key=key), dtype=np.int64)


def sort_pairs(
    pairs: NDArray[np.int64], similarities: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Sort pairs, each listed once."""
    _, first = np.unique(pairs[:, 0] << 32 | pairs[:, 1], return_index=True)
    return pairs[first], similarities[first]


def expand_pairs(
    twins: Twins, pairs: NDArray[np.int64], similarities: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Turn pairs of classes into pairs of rows, and add the pairs within each class."""
    first, second, values = expand(twins.rows, twins.bounds, pairs, similarities, LISTED_TWINS)
    return sort_pairs(np.sort(np.column_stack((first, second)), axis=1), values)


@kernel
def listed_until(bounds: NDArray[np.int64], c: Any, listed: int) -> Any:
    """End of the members of a class whose pairs are listed: all of them, or of a large class its head."""
    return bounds[c + 1] if bounds[c + 1] - bounds[c] <= listed else bounds[c] + 1


@kernel
def expand(
    rows: NDArray[np.int64],
    bounds: NDArray[np.int64],
    pairs: NDArray[np.int64],
    similarities: NDArray[np.float64],
    listed: int,
) -> Any:
    """Pairs of rows for pairs of classes and within classes; of a class above `listed`, its head only."""
    total = 0
    for c in range(len(bounds) - 1):
        for x in range(bounds[c], listed_until(bounds, c, listed)):
            total += bounds[c + 1] - x - 1
    for k in range(len(pairs)):
        u, v = pairs[k]
        total += (listed_until(bounds, u, listed) - bounds[u]) * (listed_until(bounds, v, listed) - bounds[v])
    first = np.empty(total, np.int64)
    second = np.empty(total, np.int64)
    values = np.ones(total, np.float64)
    n = 0
    for c in range(len(bounds) - 1):
        for x in range(bounds[c], listed_until(bounds, c, listed)):
            for y in range(x + 1, bounds[c + 1]):
                first[n], second[n] = rows[x], rows[y]
                n += 1
    for k in range(len(pairs)):
        u, v = pairs[k]
        for x in range(bounds[u], listed_until(bounds, u, listed)):
            for y in range(bounds[v], listed_until(bounds, v, listed)):
                first[n], second[n], values[n] = rows[x], rows[y], similarities[k]
                n += 1
    return first, second, values


def lead_groups(
    pairs: NDArray[np.int64],
    similarities: NDArray[np.float64],
    rank: NDArray[np.int64],
    untouched: NDArray[np.bool_] | None = None,
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Let each node, best rank first, lead the free nodes it is paired with.

    Parameters
    ----------
    pairs : int64 array of shape (m, 2)
    similarities : float64 array of shape (m,)
    rank : int64 array of shape (n,)
    untouched : bool array of shape (n,), optional
        Nodes that may lead and are never led.

    Returns
    -------
    leader : int64 array of shape (n,)
        Of every node: itself where it leads or stands alone.
    closeness : float64 array of shape (n,)
        Similarity of every node to its leader.
    """
    leader = np.arange(len(rank), dtype=np.int64)
    closeness = np.ones(len(rank))
    free = np.ones(len(rank), bool) if untouched is None else ~untouched
    both = np.concatenate((pairs, pairs[:, ::-1]))
    values = np.concatenate((similarities, similarities))
    order = np.lexsort((rank[both[:, 1]], rank[both[:, 0]]))
    lead(np.ascontiguousarray(both[order]), values[order], free, leader, closeness)
    return leader, closeness


@kernel
def lead(
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


DOUBTFUL = 0.05  # a group whose least similarity is this near the threshold is worth a look,
SHORT = 30  # and one of texts with fewer shingles: company notices differ in a name or a date


@dataclass(frozen=True, slots=True, eq=False)
class DuplicateGroup:
    """Copies of one text, and the one that is kept.

    Attributes
    ----------
    members : int64 array of shape (size,)
        Rows of the articles, ascending; the representative is among them.
    representative : int
        Row of the article that is kept, or -1 where that is one of the reference.
    similarities : float64 array of shape (size,)
        Exact Jaccard similarity of each member to the representative.
    doubtful : bool
        Whether the group is worth a look: some member only just reaches the threshold (within 0.05), or
        the text is so short (fewer than 30 shingles) that a template and two figures make it.
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
