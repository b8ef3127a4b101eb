"""Tables of sources in files of arrays: sorted by the hashes of their names, so that a few are found fast."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from storyclust.distributed.array_files import ArrayFile, pack_texts, read_texts

if TYPE_CHECKING:
    from numpy.typing import NDArray


def hash_source(name: str) -> int:
    """Return a 64-bit hash of the name of a source."""
    data = name.encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.blake2b(data, digest_size=8).digest())


def hashes_of(names: Iterable[str]) -> NDArray[np.uint64]:
    """Return the hashes of names."""
    return np.array([hash_source(name) for name in names], np.uint64)


def sort_sources(names: Iterable[str]) -> list[str]:
    """Sort names by their hashes; those of equal hashes by themselves.

    >>> sort_sources(["AP", "BBC"]) == sort_sources(["BBC", "AP"])
    True
    """
    return sorted(names, key=lambda name: (hash_source(name), name))


def pack_sources(names: list[str]) -> dict[str, NDArray[Any]]:
    """Return the sorted names of sources as arrays, with their hashes."""
    return {"source_hashes": hashes_of(names), **pack_texts("source", names)}


def find_sources(file: ArrayFile, wanted: Sequence[str]) -> dict[str, int]:
    """Find sources in the table of a file; returns the rows of those that it has."""
    hashes, of_wanted = file["source_hashes"], hashes_of(wanted)
    first, last = (np.searchsorted(hashes, of_wanted, side) for side in ("left", "right"))
    candidates = [(name, a, b) for name, a, b in zip(wanted, first.tolist(), last.tolist(), strict=True)]
    rows = sorted({row for _, a, b in candidates for row in range(a, b)})
    name_of = dict(zip(rows, read_texts(file, "source", np.array(rows, np.int64)), strict=True))
    return {name: row for name, a, b in candidates for row in range(a, b) if name_of[row] == name}


def bin_edges(n_bins: int) -> NDArray[np.uint64]:
    """Return the least hash of each bin: bins are equal ranges of hashes.

    >>> bin_edges(2).tolist() == [0, 2**63]
    True
    """
    return np.array([-(-(number << 64) // n_bins) for number in range(n_bins)], np.uint64)


def bins_of(hashes: NDArray[np.uint64], n_bins: int) -> NDArray[np.int64]:
    """Return the bin of each hash."""
    return np.searchsorted(bin_edges(n_bins), hashes, side="right").astype(np.int64) - 1


def bin_bounds(hashes: NDArray[np.uint64], n_bins: int) -> NDArray[np.int64]:
    """Return the bounds of the runs of sorted hashes that are in the same bin."""
    return np.append(np.searchsorted(hashes, bin_edges(n_bins)), len(hashes)).astype(np.int64)
