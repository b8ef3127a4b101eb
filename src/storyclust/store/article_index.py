"""Article index: all that has to be in memory to place an article among a million others.

Every independent article (one that is no copy) has a row here, in the order of addition: its terms by
language, its time, its event, and the keys by which copies of it are found.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from storyclust._core.arrays import compressed_rows
from storyclust._core.parallel import kernel
from storyclust._core.sorting import nth_largest
from storyclust.cluster.correction import corrected_similarities
from storyclust.cluster.graph import MAX_NEIGHBORS
from storyclust.store.growable_array import GrowableArray
from storyclust.store.neighbor_scales import NeighborScales
from storyclust.store.postings import Levels
from storyclust.store.row_numbers import RowNumbers
from storyclust.store.terms_index import TermsIndex
from storyclust.store.weights import SETTINGS, ArticleTerms
from storyclust.stories.grouping import least_similarities
from storyclust.text.background import Background

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from scipy import sparse


class Edges(NamedTuple):
    """Pairs of rows, the first the later one, and their similarity, corrected for background similarity."""

    first: NDArray[np.int64]
    second: NDArray[np.int64]
    similarities: NDArray[np.float64]


class ArticleIndex:
    """Independent articles by row.

    Attributes
    ----------
    numbers : GrowableArray of int64
        Number of the article in the store.
    times : GrowableArray of float64
        Days since 1970, NaN where undated.
    events : GrowableArray of int64
        Event of each row, -1 for none.
    scales : NeighborScales
        How similar each row is to its nearest neighbours.
    row_of : RowNumbers
        The last row of each article, by its number.
    keys : Levels
        Rows by the keys that copies share with them.
    marks : GrowableArray of uint64
        Hash of what is indexed of each row.
    has_entries : bool
        Whether its weights and the order of its rows are in the file; see `index_tables`.
    """

    def __init__(self) -> None:
        self.numbers = GrowableArray(np.int64)
        self.times = GrowableArray(np.float64)
        self.events = GrowableArray(np.int64)
        self.scales = NeighborScales()
        self.row_of = RowNumbers()
        self.keys = Levels()
        self.key_counts = GrowableArray(np.int64)
        self.has_entries = False
        self.marks = GrowableArray(np.uint64)
        self._names: list[str] = []
        self._indexes: list[TermsIndex] = []
        self._language = GrowableArray(np.int64)
        self._place = GrowableArray(np.int64)  # in the index of its language
        self._background = Background.load(SETTINGS.background)

    def __len__(self) -> int:
        return len(self.numbers)

    @property
    def n_kept(self) -> int:
        """Number of articles that have not been removed."""
        return sum(index.n_kept for index in self._indexes)

    @property
    def is_stored(self) -> bool:
        """Whether all rows have entries in the file."""
        return self.has_entries and all(len(index) == index.n_stored for index in self._indexes)

    def by_language(self) -> dict[str, TermsIndex]:
        """Terms of the articles of each language."""
        return dict(zip(self._names, self._indexes, strict=True))

    def add(
        self,
        numbers: Sequence[int],
        times: NDArray[np.float64],
        languages: Sequence[str],
        held: ArticleTerms,
        null_similarity: NDArray[np.float64] | None = None,
        n_jobs: int | None = None,
    ) -> NDArray[np.int64]:
        """Add articles, not yet in any event; returns their rows.

        Articles read from a store come with their `null_similarity`; after the last of them, call `fill`.
        """
        rows = np.arange(len(self), len(self) + len(numbers))
        codes = np.array([self.code(name) for name in languages], np.int64)
        places = np.empty(len(rows), np.int64)
        for code in np.unique(codes):
            index, own = self._indexes[code], np.flatnonzero(codes == code)
            places[own] = np.arange(len(index), len(index) + len(own))
            if null_similarity is None:
                index.add(rows[own], held.of(own), n_jobs)
            else:
                index.enter(rows[own], held.of(own), null_similarity[own])
        self.put(np.array(numbers, np.int64), times, codes, places)
        self.marks.extend(row_hashes(held.bounds, held.terms, times.view(np.uint64)))
        return rows

    def put(
        self,
        numbers: NDArray[np.int64],
        times: NDArray[np.float64],
        codes: NDArray[np.int64],
        places: NDArray[np.int64],
    ) -> None:
        """Enter the next rows, which stand at these places of the languages of these codes."""
        self.row_of.put(numbers, np.arange(len(self), len(self) + len(numbers)))
        self.numbers.extend(numbers)
        self.times.extend(times)
        self.events.extend(np.full(len(numbers), -1))
        self.scales.add(len(numbers))
        self._language.extend(codes)
        self._place.extend(places)

    def add_keys(self, rows: NDArray[np.int64], sizes: NDArray[np.int64], keys: NDArray[np.uint32]) -> None:
        """Add the keys of the rows that have just been added."""
        self.keys.add(keys, np.repeat(rows, sizes).astype(np.int32))
        self.key_counts.extend(sizes)
        bounds = np.append(0, np.cumsum(sizes))
        self.marks.values[rows] = row_hashes(bounds, np.array(keys), self.marks.values[rows])

    def fill(self) -> None:
        """Build the postings of all articles that were read."""
        for index in self._indexes:
            index.fill()

    def weigh_all(self, n_jobs: int | None = None) -> None:
        """Compute the weights of all articles from current document frequencies."""
        for index in self._indexes:
            index.weigh_all(measured=len(index), anew=True, n_jobs=n_jobs)

    def remove(self, rows: NDArray[np.int64]) -> None:
        """Leave rows without neighbours and copies from now on."""
        for code in np.unique(self._language.values[rows]):
            own = rows[self._language.values[rows] == code]
            self._indexes[code].remove(self._place.values[own])
        self.events.values[rows] = -1
        self.key_counts.values[rows] = 0

    def take_out(self, rows: NDArray[np.int64]) -> None:
        """Remove rows that may have been removed before, and forget the articles that have no other row."""
        for code, own in self._by_language(rows):
            index, places = self._indexes[code], self._place.values[rows[own]]
            index.remove(places[~index.removed.values[places]])
        self.key_counts.values[rows] = 0
        numbers = self.numbers.values[rows]
        self.row_of.remove(numbers[self.row_of.of(numbers) == rows])

    def null_similarity(self, rows: NDArray[np.int64]) -> NDArray[np.float64]:
        """Background similarity of rows."""
        out = np.empty(len(rows))
        for code, own in self._by_language(rows):
            out[own] = self._indexes[code].null_similarity.values[self._place.values[rows[own]]]
        return out

    def least_similarities(self, rows: NDArray[np.int64]) -> NDArray[np.float64]:
        """Least similarity of an edge of each row; it changes as long as a language has few articles."""
        sizes = np.array([index.n_kept for index in self._indexes], np.int64)
        least = least_similarities(self._background, self._names, sizes)
        return least.take(self._language.values[rows])

    def neighbours(self, rows: NDArray[np.int64], least: float, n_jobs: int | None = None) -> Edges:
        """Edges of the graph of stories: earlier rows that ascending rows are similar to."""
        first, second, cosines = [], [], []
        for code, own in self._by_language(rows):
            index = self._indexes[code]
            places = self._place.values[rows[own]]
            weighed = index.weighed(places)
            null_similarity = index.null_similarity.values[places]
            for other in self._indexes:
                before = np.searchsorted(other.rows.values, rows[own])
                same = other is index
                found = other.neighbours(weighed, null_similarity, before, least, n_jobs, own=same)
                first.append(rows[own][found.first])
                second.append(other.rows.values[found.second])
                cosines.append(found.cosines)
        if not first:
            empty = np.empty(0, np.int64)
            return Edges(empty, empty, np.empty(0))
        return self._edges(np.concatenate(first), np.concatenate(second), np.concatenate(cosines), least)

    def like(
        self, language: str, held: ArticleTerms, least: float
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Rows that an article outside the index is similar to, and how similar."""
        known = self.by_language()
        index = known[language] if language in known else self._new_index(language)
        weighed, _ = index.weigh(held, guest=1)
        place = len(index)
        null_similarity = index.measure_background(weighed, np.array([place]))
        rows, similarities = [np.empty(0, np.int64)], [np.empty(0)]
        for other in self._indexes:
            found = other.neighbours(weighed, null_similarity, np.array([len(other)]), least, guest=1)
            floors = np.maximum(null_similarity[0], other.null_similarity.values[found.second])
            rows.append(other.rows.values[found.second])
            similarities.append(corrected_similarities(found.cosines, floors))
        return np.concatenate(rows), np.concatenate(similarities)

    def vectors(self, rows: NDArray[np.int64]) -> sparse.csr_array:
        """Vectors of rows by their current weights."""
        parts, sizes = [], np.zeros(len(rows), np.int64)
        groups = list(self._by_language(rows))
        for code, own in groups:
            index = self._indexes[code]
            weighed, _ = index.weigh(index.held.of(self._place.values[rows[own]]))
            used = weighed.weights > 0
            bounds = np.append(0, np.cumsum(used))[weighed.bounds]
            sizes[own] = np.diff(bounds)
            parts.append((bounds, weighed.terms[weighed.places[used]], weighed.weights[used]))
        bounds = np.append(0, np.cumsum(sizes))
        terms, weights = np.empty(bounds[-1], np.uint32), np.empty(bounds[-1], np.float32)
        for (_, own), (own_bounds, own_terms, own_weights) in zip(groups, parts, strict=True):
            to = np.repeat(bounds[own] - own_bounds[:-1], sizes[own]) + np.arange(own_bounds[-1])
            terms[to], weights[to] = own_terms, own_weights
        vocabulary, columns = np.unique(terms, return_inverse=True)
        return compressed_rows(bounds, columns.astype(np.int32), weights, (len(rows), len(vocabulary)))

    def _edges(
        self, first: NDArray[np.int64], second: NDArray[np.int64], cosines: NDArray[np.float64], least: float
    ) -> Edges:
        """Correct cosines; rows over the neighbour cap by at least the cosine with the last that counts."""
        floors = np.maximum(self.null_similarity(first), self.null_similarity(second))
        rows, sizes = np.unique(first, return_counts=True)
        for row in rows[sizes > MAX_NEIGHBORS]:
            own = first == row
            floors[own] = np.maximum(floors[own], nth_largest(cosines[own], MAX_NEIGHBORS))
        similarities = corrected_similarities(cosines, floors)
        strong = np.maximum(self.least_similarities(first), self.least_similarities(second))
        kept = (similarities >= np.maximum(least, strong)) & (similarities > 0.0)
        order = np.lexsort((second[kept], first[kept]))
        return Edges(first[kept][order], second[kept][order], similarities[kept][order])

    def code(self, name: str) -> int:
        """Number of a language."""
        if name not in self._names:
            self._names.append(name)
            self._indexes.append(self._new_index(name))
        return self._names.index(name)

    def _new_index(self, name: str) -> TermsIndex:
        """Empty index of a language."""
        return TermsIndex(name, self._background, self._indexes)

    def _by_language(self, rows: NDArray[np.int64]) -> Any:
        codes = self._language.values[rows]
        return [(int(code), np.flatnonzero(codes == code)) for code in np.unique(codes)]


@kernel
def row_hashes(bounds: NDArray[np.int64], values: NDArray[np.uint32], seeds: NDArray[np.uint64]) -> Any:
    """Hash the values of each row (FNV-1a, Fowler, Noll and Vo, by words of 32 bits), from its seed."""
    hashes = np.empty(len(bounds) - 1, np.uint64)
    for row in range(len(hashes)):
        found = seeds[row] ^ np.uint64(0xCBF29CE484222325)
        for k in range(bounds[row], bounds[row + 1]):
            found = (found ^ np.uint64(values[k])) * np.uint64(0x100000001B3)
        hashes[row] = found
    return hashes
