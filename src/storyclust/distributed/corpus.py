"""The articles of all shards as one corpus: their sketches, and reading what is needed of each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from storyclust.distributed.files import Arrays, texts_at

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Corpus(NamedTuple):
    """All sketches; shard `k` has the articles from `offsets[k]` up to `offsets[k + 1]`."""

    sketches: list[str]
    offsets: NDArray[np.int64]

    @property
    def n(self) -> int:
        """How many articles there are."""
        return int(self.offsets[-1])

    def split(self, rows: NDArray[np.int64]) -> Iterator[tuple[int, NDArray[np.int64], NDArray[np.int64]]]:
        """Yield the shards of some rows, the rows by their numbers there, and where they stand in `rows`."""
        homes = np.searchsorted(self.offsets, rows, side="right") - 1
        order = np.argsort(homes, kind="stable")
        bounds = np.flatnonzero(np.diff(homes[order], prepend=-1, append=-1))
        for start, stop in pairwise(bounds):
            places = order[start:stop]
            k = int(homes[places[0]])
            yield k, rows[places] - self.offsets[k], places


class Sketches:
    """The sketches of a corpus, opened as they are needed.

    Attributes
    ----------
    taken : int
        Bytes read.
    """

    def __init__(self, corpus: Corpus) -> None:
        self.corpus = corpus
        self._stack = ExitStack()
        self._open: dict[int, Arrays] = {}
        self._closed = 0

    def __enter__(self) -> Sketches:
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.close()

    @property
    def taken(self) -> int:
        """Bytes read of all of them."""
        return self._closed + sum(file.taken for file in self._open.values())

    def __getitem__(self, shard: int) -> Arrays:
        if shard not in self._open:
            if len(self._open) >= 256:  # files that are open at once are few on any system
                self._closed = self.taken
                self._stack.close()
                self._open.clear()
            self._open[shard] = self._stack.enter_context(Arrays(self.corpus.sketches[shard]))
        return self._open[shard]

    def all(self) -> Iterator[tuple[Arrays, int]]:
        """Yield every sketch, with the number of its first article."""
        for shard, offset in enumerate(self.corpus.offsets[:-1].tolist()):
            yield self[shard], offset

    def rows(self, name: str, rows: NDArray[np.int64]) -> NDArray[Any]:
        """Some rows of an array that has one for each article."""
        parts = [(places, self[k].rows(name, local)) for k, local, places in self.corpus.split(rows)]
        if not parts:
            return np.empty(0, np.int64)
        out = np.empty((len(rows), *parts[0][1].shape[1:]), parts[0][1].dtype)
        for places, values in parts:
            out[places] = values
        return out

    def texts(self, name: str, rows: NDArray[np.int64]) -> list[str]:
        """Texts of some articles."""
        out = [""] * len(rows)
        for k, local, places in self.corpus.split(rows):
            for place, text in zip(places.tolist(), texts_at(self[k], name, local), strict=True):
                out[place] = text
        return out

    def sizes(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """How many shingles texts have."""
        out = np.zeros(len(rows), np.int64)
        for k, local, places in self.corpus.split(rows):
            out[places] = np.diff(self._bounds(k, local))[:, 0]
        return out

    def _bounds(self, shard: int, local: NDArray[np.int64]) -> NDArray[np.int64]:
        """Bounds of the shingles of some texts of a shard, shape (k, 2)."""
        return self[shard].spans("bounds", local, local + 2).reshape(-1, 2)

    def shingles(self, rows: NDArray[np.int64]) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
        """Shingles of texts one after the other, and their bounds."""
        parts, sizes = [], np.zeros(len(rows), np.int64)
        for k, local, places in self.corpus.split(rows):
            starts, stops = self._bounds(k, local).T
            sizes[places] = stops - starts
            parts.append((places, self[k].spans("shingles", starts, stops)))
        bounds = np.append(0, np.cumsum(sizes)).astype(np.int64)
        out = np.empty(int(bounds[-1]), np.uint64)
        for places, values in parts:
            at = 0
            for place in places.tolist():
                out[bounds[place] : bounds[place + 1]] = values[at : at + sizes[place]]
                at += sizes[place]
        return out, bounds

    def names(self, rows: NDArray[np.int64], renamed: str) -> list[str]:
        """What articles are called in the whole corpus."""
        names = [name or str(row) for name, row in zip(self.texts("id", rows), rows.tolist(), strict=True)]
        new = renamed_among(renamed, rows)
        return [new.get(row, name) for row, name in zip(rows.tolist(), names, strict=True)] if new else names


def renamed_among(renamed: str, rows: NDArray[np.int64]) -> dict[int, str]:
    """Return the new names of those rows that were renamed."""
    with Arrays(renamed) as file:
        all_rows = file["rows"]
        found = np.flatnonzero(np.isin(all_rows, rows))
        return dict(zip(all_rows[found].tolist(), texts_at(file, "name", found), strict=True))


def ragged(name: str, parts: Sequence[NDArray[np.int64]]) -> dict[str, NDArray[Any]]:
    """Arrays of several lengths as two: one after the other, and their bounds."""
    bounds = np.append(0, np.cumsum([len(part) for part in parts])).astype(np.int64)
    return {name: np.concatenate([np.empty(0, np.int64), *parts]), f"{name}.bounds": bounds}


def unravel(values: NDArray[np.int64], bounds: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """Arrays that lie one after the other."""
    return [values[a:b] for a, b in pairwise(bounds)]
