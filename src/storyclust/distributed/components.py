"""From the edges of the graph to labels, one bin of connected components at a time.

Rows that no path of edges joins are never in one thread, so that each component is grouped by itself; small
ones share a bin. Numbers are given in the end, when all is known that they depend on.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from storyclust.distributed.blocks import Edges

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Bins(NamedTuple):
    """Which bin the component of each row is in."""

    bin_of: NDArray[np.int32]  # -1 for a row without an edge, which needs none
    n_bins: int
    giants: NDArray[np.int64]  # bins that one component fills alone, and overfills


class BinLabels(NamedTuple):
    """Events and threads of the rows of a bin, numbered from 0 in it."""

    places: NDArray[np.int64]
    events: NDArray[np.int64]
    threads: NDArray[np.int64]


def join_edges(parent: NDArray[np.int64], edges: Edges) -> None:
    """Join the ends of edges in a forest of all rows, which begins as ``np.arange(n)``, in place."""
    raise NotImplementedError


def component_of(parent: NDArray[np.int64]) -> NDArray[np.int64]:
    """Connected component of each row, numbered by first appearance."""
    raise NotImplementedError


def edges_per_component(
    edges: Edges, component: NDArray[np.int64], n_components: int
) -> NDArray[np.int64]:
    """Count the edges of each component."""
    raise NotImplementedError


def pack_bins(component: NDArray[np.int64], edge_counts: NDArray[np.int64], most_edges: int) -> Bins:
    """Pack components into bins of so many edges at most, but for components of more, which have their own.

    Parameters
    ----------
    component : int64 array of shape (n,)
        Of each row.
    edge_counts : int64 array of shape (n_components,)
    most_edges : int

    Returns
    -------
    bins : Bins
    """
    raise NotImplementedError


def deal_edges(edges: Edges, bins: Bins) -> list[Edges]:
    """Edges of each bin."""
    raise NotImplementedError


def cluster_bin(
    parts: Sequence[Edges],
    seconds: NDArray[np.float64],
    event_distance: float,
    event_window: float,
    thread_distance: float,
) -> BinLabels:
    """Find the events and threads of a bin.

    Parameters
    ----------
    parts : sequence of Edges
        All its edges; the values are similarities.
    seconds : float64 array of shape (n,)
        When each row of all was published, in seconds since 1970, NaN where it has no date.
    event_distance, event_window, thread_distance : float
        As `StoryClusterer` has them; the window is infinite where there is none.

    Returns
    -------
    labels : BinLabels
        Of all rows that have an edge in the bin.
    """
    raise NotImplementedError


def join_labels(n: int, parts: Sequence[BinLabels]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Events and threads of all `n` rows; one in no bin is an event and a thread of its own."""
    raise NotImplementedError
