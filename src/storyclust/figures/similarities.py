"""Histograms of the similarity of pairs of articles, within groups and between them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from storyclust._core.terminal import format_count
from storyclust.dedup.estimators import Deduplicator
from storyclust.errors import InputError
from storyclust.figures.axes import _axes
from storyclust.stories.estimators import StoryClusterer
from storyclust.stories.grouping import prepare

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from numpy.typing import NDArray


BINS = 50
SIMILARITY_LABEL = "similarity, corrected for background similarity"
COLOURS = "C0", "C1", "0.6"  # inside events, between them, between threads


def plot_similarities(fitted: Deduplicator | StoryClusterer, ax: Axes | None = None) -> Axes:
    """Plot histograms of the similarity of pairs of articles, with the thresholds that were used.

    For a `Deduplicator` the pairs are its verified pairs. Fit it at a low threshold to see whether a higher
    one would lie in a gap or separate many pairs of nearly equal similarity. For a `StoryClusterer` the pairs
    are those of independent articles whose similarity exceeds the background: inside events, between events
    of one thread, and between threads. Its thresholds apply to averages over groups, so single pairs may lie
    on the other side.

    Parameters
    ----------
    fitted : Deduplicator or StoryClusterer
        A fitted estimator.
    ax : matplotlib Axes, optional
        Axes to plot on; those of a new figure by default.

    Returns
    -------
    ax : matplotlib Axes
        One histogram for each kind of pair, and one line for each threshold.

    Raises
    ------
    InputError
        If `fitted` is neither of the two.
    MissingExtraError
        If matplotlib is not installed.

    Notes
    -----
    For a `StoryClusterer` the articles are compared again, which takes about as long as the fit.

    Examples
    --------
    >>> import storyclust as sc
    >>> from storyclust.figures import plot_similarities
    >>> dedup = sc.Deduplicator(threshold=0.5).fit(["Rain fell in Delhi all day."] * 3)
    >>> ax = plot_similarities(dedup)  # doctest: +SKIP
    >>> ax.get_legend_handles_labels()[1]  # doctest: +SKIP
    ['3 pairs', 'threshold 0.5']
    """
    if isinstance(fitted, Deduplicator):
        check_is_fitted(fitted)
        kinds = {"": fitted.similarities_}
        thresholds = {f"threshold {fitted.threshold:g}": fitted.threshold}
        name = "Jaccard similarity"
    elif isinstance(fitted, StoryClusterer):
        check_is_fitted(fitted)
        kinds = _similarities_by_kind(fitted)
        # Similarities are scaled before they make threads: `thread_distance` is no point on this axis.
        thresholds = {f"event distance {fitted.event_distance:g}": 1 - fitted.event_distance}
        name = SIMILARITY_LABEL
    else:
        raise InputError(
            f"plot_similarities takes a Deduplicator or a StoryClusterer, got {type(fitted).__name__}."
        )
    ax = _axes(ax, "Drawing similarities")
    _draw_pairs(ax, {kind: count_pairs(values) for kind, values in kinds.items()}, name)
    for label, at in thresholds.items():
        ax.axvline(at, color="0.2", linestyle="--", label=label)
    ax.legend(fontsize="small")
    return ax


def count_pairs(similarities: NDArray[np.floating[Any]]) -> list[int]:
    """Count pairs by similarity, in fifty bins from 0 to 1.

    Examples
    --------
    >>> counts = count_pairs(np.array([0.0, 0.01, 0.99, 1.0]))
    >>> counts[0], counts[-1], sum(counts), len(counts)
    (2, 2, 4, 50)
    """
    counts, _ = np.histogram(np.clip(similarities, 0.0, 1.0), BINS, range=(0, 1))
    return [int(count) for count in counts]


def _draw_pairs(ax: Axes, kinds: Mapping[str, Sequence[int]], name: str) -> None:
    """Plot histograms of pairs, with a colour for each kind."""
    edges = np.linspace(0, 1, BINS + 1).tolist()
    for (kind, counts), colour in zip(kinds.items(), COLOURS, strict=False):
        label = f"{format_count(sum(counts), 'pair')} {kind}".rstrip()
        ax.hist(edges[:-1], edges, weights=counts, label=label, color=colour, alpha=0.6)
    ax.set(xlabel=name, ylabel="pairs", xlim=(0, 1))
    if len(kinds) > 1:
        ax.set_yscale("symlog", linthresh=1)  # most pairs lie between threads
    ax.set_ylim(bottom=0)


def _similarities_by_kind(stories: StoryClusterer) -> dict[str, NDArray[np.float64]]:
    """Similarities of all pairs of the graph: inside events, between events of a thread, between threads."""
    ready = prepare(
        stories._articles, stories.copy_threshold, stories.clean, stories.n_jobs, stories.memory_limit
    )
    pairs = ready.graph.tocoo()
    once = pairs.row < pairs.col
    a, b = ready.kept[pairs.row[once]], ready.kept[pairs.col[once]]
    similarities = pairs.data[once]
    same_thread = stories.labels_[a] == stories.labels_[b]
    same_event = stories.event_labels_[a] == stories.event_labels_[b]
    return {
        "inside events": similarities[same_event],
        "between events of one thread": similarities[same_thread & ~same_event],
        "between threads": similarities[~same_thread],
    }
