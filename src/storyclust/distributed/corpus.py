"""The articles of all shards as one corpus, and reading from their sketches."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from storyclust.distributed.array_files import ArrayFile, read_texts

if TYPE_CHECKING:
    from numpy.typing import NDArray

MAX_OPEN_FILES = 256  # below the usual limits of operating systems


class Corpus(NamedTuple):
    """All sketches; shard `k` has the articles from `offsets[k]` up to `offsets[k + 1]`."""

    sketches: list[str]
    offsets: NDArray[np.int64]

    @property
    def n(self) -> int:
        """Number of articles."""
        return int(self.offsets[-1])

    def by_shard(self, rows: NDArray[np.int64]) -> Iterator[tuple[int, NDArray[np.int64], NDArray[np.int64]]]:
        """Yield, for each shard of some rows: the shard, row numbers within it, and indices in `rows`."""
        shards = np.searchsorted(self.offsets, rows, side="right") - 1
        order = np.argsort(shards, kind="stable")
        bounds = np.flatnonzero(np.diff(shards[order], prepend=-1, append=-1))
        for start, stop in pairwise(bounds):
            at = order[start:stop]
            shard = int(shards[at[0]])
            yield shard, rows[at] - self.offsets[shard], at


class SketchReader:
    """The sketches of a corpus, opened as they are needed."""

    def __init__(self, corpus: Corpus) -> None:
        self.corpus = corpus
        self._stack = ExitStack()
        self._open: dict[int, ArrayFile] = {}

    def __enter__(self) -> SketchReader:
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.close()

    def __getitem__(self, shard: int) -> ArrayFile:
        if shard not in self._open:
            if len(self._open) >= MAX_OPEN_FILES:
                self._stack.close()
                self._open.clear()
            self._open[shard] = self._stack.enter_context(ArrayFile(self.corpus.sketches[shard]))
        return self._open[shard]

    def all(self) -> Iterator[tuple[ArrayFile, np.int64]]:
        """Yield every sketch, with the number of its first article."""
        for shard, offset in enumerate(self.corpus.offsets[:-1]):
            yield self[shard], offset

    def take(self, name: str, rows: NDArray[np.int64]) -> NDArray[Any]:
        """Read some rows of an array that has one row for each article."""
        parts = [(at, self[shard].take(name, local)) for shard, local, at in self.corpus.by_shard(rows)]
        if not parts:
            return np.empty(0, np.int64)
        out = np.empty((len(rows), *parts[0][1].shape[1:]), parts[0][1].dtype)
        for at, values in parts:
            out[at] = values
        return out

    def texts(self, name: str, rows: NDArray[np.int64]) -> list[str]:
        """Read the texts of some articles."""
        out = [""] * len(rows)
        for shard, local, at in self.corpus.by_shard(rows):
            for k, text in zip(at.tolist(), read_texts(self[shard], name, local), strict=True):
                out[k] = text
        return out

    def sizes(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the numbers of shingles of texts."""
        out = np.zeros(len(rows), np.int64)
        for shard, local, at in self.corpus.by_shard(rows):
            out[at] = np.diff(self._bounds(shard, local))[:, 0]
        return out

    def _bounds(self, shard: int, local: NDArray[np.int64]) -> NDArray[np.int64]:
        """Bounds of the shingles of some texts of a shard, shape (k, 2)."""
        return self[shard].read_ranges("bounds", local, local + 2).reshape(-1, 2)

    def shingles(self, rows: NDArray[np.int64]) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
        """Return the concatenated shingles of texts, and their bounds."""
        parts, sizes = [], np.zeros(len(rows), np.int64)
        for shard, local, at in self.corpus.by_shard(rows):
            starts, stops = self._bounds(shard, local).T
            sizes[at] = stops - starts
            parts.append((at, self[shard].read_ranges("shingles", starts, stops)))
        bounds = np.append(0, np.cumsum(sizes)).astype(np.int64)
        out = np.empty(int(bounds[-1]), np.uint64)
        for at, values in parts:
            start = 0
            for k in at.tolist():
                out[bounds[k] : bounds[k + 1]] = values[start : start + sizes[k]]
                start += sizes[k]
        return out, bounds

    def ids(self, rows: NDArray[np.int64], renamed: str) -> list[str]:
        """Return the ids of articles in the whole corpus."""
        ids = [own or str(row) for own, row in zip(self.texts("id", rows), rows.tolist(), strict=True)]
        new = read_renamed(renamed, rows)
        return [new.get(row, own) for row, own in zip(rows.tolist(), ids, strict=True)]


def read_renamed(renamed: str, rows: NDArray[np.int64]) -> dict[int, str]:
    """Return the new ids of those rows that were renamed."""
    with ArrayFile(renamed) as file:
        all_rows = file["rows"]
        chosen = np.flatnonzero(np.isin(all_rows, rows))
        return dict(zip(all_rows[chosen].tolist(), read_texts(file, "id", chosen), strict=True))
