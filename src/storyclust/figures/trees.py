"""Plot of the dendrogram of a thread."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.cluster import hierarchy
from sklearn.utils.validation import check_is_fitted

from storyclust._core.terminal import format_count
from storyclust._core.validation import check_int
from storyclust.errors import InputError
from storyclust.figures.axes import _axes, _name_rows, short_title
from storyclust.figures.similarities import COLOURS
from storyclust.render.report.content import title_of
from storyclust.stories.estimators import StoryClusterer

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from numpy.typing import NDArray


MAX_LEAVES = 60  # of a plot; the closest articles are shown as one leaf if there are more


def plot_dendrogram(stories: StoryClusterer, thread: int = 0, ax: Axes | None = None) -> Axes:
    """Plot the dendrogram of a thread.

    Parameters
    ----------
    stories : StoryClusterer
        A fitted estimator.
    thread : int, default=0
        Label of the thread; 0 is the largest.
    ax : matplotlib Axes, optional
        Axes to plot on; those of a new figure by default.

    Returns
    -------
    ax : matplotlib Axes
        A line for each merge, at its distance: coloured inside events, grey between them. Two lines mark
        `event_distance` and `thread_distance`. Events that only `event_window` separates merge at the first
        of these. Copies are not shown. Of more than 60 articles the closest are shown as one leaf.

    Raises
    ------
    InputError
        If there is no such thread.
    MissingExtraError
        If matplotlib is not installed.

    See Also
    --------
    storyclust.StoryThread.linkage : The linkage matrix that is plotted.

    Examples
    --------
    >>> import storyclust as sc
    >>> from storyclust.figures import plot_dendrogram
    >>> stories = sc.StoryClusterer().fit(["The Selka hit the pier.", "The Selka hit a pier."])
    >>> ax = plot_dendrogram(stories)  # doctest: +SKIP
    >>> len(ax.lines)  # a merge and two thresholds  # doctest: +SKIP
    3
    """
    check_is_fitted(stories)
    label = check_int("thread", thread, low=0)
    if label >= len(stories.threads_):
        raise InputError(f"there is no thread {label}: there are {len(stories.threads_):,}, from 0.")
    chosen = stories.threads_[label]
    articles = [stories._articles[row] for row in chosen.independent]
    merges, leaves = _merge_lines(chosen.linkage())
    names = [
        short_title(title_of(articles[members[0]])) or "Without a title"
        if len(members) == 1
        else format_count(len(members), "article")
        for members in leaves
    ]
    ax = _axes(ax, "Drawing a dendrogram", height=1.2 + 0.28 * len(names))
    for places, distances in merges:
        colour = COLOURS[0 if max(distances) <= stories.event_distance else 2]
        ax.plot(distances, places, color=colour)
    for level, at, line in (
        ("event", stories.event_distance, "--"),
        ("thread", stories.thread_distance, ":"),
    ):
        ax.axvline(at, color="0.2", linestyle=line, label=f"{level} distance {at:g}", zorder=0)
    _name_rows(ax, range(len(names)), names)
    ax.set(xlabel="distance", xlim=(0, 1), ylim=(len(names) - 0.5, -0.5))
    ax.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=2, fontsize="small", frameon=False)
    return ax


def _merge_lines(
    Z: NDArray[np.float64],
) -> tuple[list[tuple[list[float], list[float]]], list[list[int]]]:
    """Lines of a dendrogram, with leaves at 0, 1, 2 and so on, and the articles of each leaf from the top."""
    if not len(Z):
        return [], [[0]]
    drawn: Any = hierarchy.dendrogram(Z, p=MAX_LEAVES, truncate_mode="lastp", no_plot=True)
    merges = [
        ([(y - 5) / 10 for y in places], list(distances))  # SciPy puts leaves at 5, 15, 25 and so on
        for places, distances in zip(drawn["icoord"], drawn["dcoord"], strict=True)
    ]
    return merges, [_articles_below(Z, node) for node in drawn["leaves"]]


def _articles_below(Z: NDArray[np.float64], node: int) -> list[int]:
    n = len(Z) + 1
    found, waiting = [], [int(node)]
    while waiting:
        at = waiting.pop()
        if at < n:
            found.append(at)
        else:
            waiting += Z[at - n, :2].astype(int).tolist()
    return found
