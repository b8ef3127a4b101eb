"""Timeline of the events of the largest threads."""

from __future__ import annotations

import importlib
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from storyclust._core.validation import check_int
from storyclust.figures.axes import _axes, _name_rows, _show_empty, short_title
from storyclust.figures.similarities import COLOURS
from storyclust.stories.estimators import StoryClusterer

if TYPE_CHECKING:
    from datetime import datetime

    from matplotlib.axes import Axes
    from numpy.typing import NDArray


MIN_BAR_DAYS, MIN_BAR_SHARE = 0.75, 0.008  # of a bar that is still visible: days, and share of the whole span


def plot_timeline(stories: StoryClusterer, n_threads: int = 12, ax: Axes | None = None) -> Axes:
    """Plot the largest threads over time: a bar for each event, a dot for each article.

    Parameters
    ----------
    stories : StoryClusterer
        A fitted estimator.
    n_threads : int, default=12
        Largest number of threads; the largest is at the top. Articles without a date are left out, and so are
        threads without a dated article.
    ax : matplotlib Axes, optional
        Axes to plot on; those of a new figure by default.

    Returns
    -------
    ax : matplotlib Axes
        One row of bars and one line of dots for each thread.

    Raises
    ------
    InputError
        If `n_threads` is less than 1.
    MissingExtraError
        If matplotlib is not installed.

    Examples
    --------
    >>> import storyclust as sc
    >>> from storyclust.figures import plot_timeline
    >>> articles = [{"title": "Ferry hits pier", "text": "The Selka hit the pier.", "date": "2024-03-04"}]
    >>> ax = plot_timeline(sc.StoryClusterer().fit(articles))  # doctest: +SKIP
    >>> [label.get_text() for label in ax.get_yticklabels()]  # doctest: +SKIP
    ['Ferry hits pier (1)']
    """
    check_is_fitted(stories)
    most = check_int("n_threads", n_threads, low=1)
    dated = (thread for thread in stories.threads_ if thread.start)
    threads = [thread for thread, _ in zip(dated, range(most), strict=False)]
    ax = _axes(ax, "Drawing a timeline", height=1.2 + 0.34 * len(threads))
    whole = _days(when for thread in threads for when in (thread.start, thread.end) if when)
    shortest = max(MIN_BAR_DAYS, MIN_BAR_SHARE * np.ptp(whole)) if threads else 0.0
    for row, thread in enumerate(threads):
        dates = _days(when for k in thread.members if (when := stories._articles[k].published))
        ax.plot(dates[[0, -1]], [row, row], color=COLOURS[2], linewidth=1, zorder=1)
        bars = [_days(filter(None, (event.start, event.end))) for event in thread.events if event.start]
        lengths = np.array([max(bar[1] - bar[0], shortest) for bar in bars])
        begins = np.array([bar.mean() for bar in bars]) - lengths / 2
        ax.barh(row, lengths, left=begins, height=0.6, color=COLOURS[0], alpha=0.45, zorder=2)
        ax.plot(dates, np.full(len(dates), row), ".", color=COLOURS[0], zorder=3)
    titles = [f"{short_title(t.headline) or 'Without a title'} ({len(t):,})" for t in threads]
    _name_rows(ax, range(len(threads)), titles)
    ax.set_ylim(max(len(threads), 1) - 0.5, -0.5)
    if threads:
        _show_dates(ax)
        ax.grid(axis="x", color="0.9", zorder=0)
    else:
        _show_empty(ax, "no dated articles")
    return ax


def _show_dates(ax: Axes) -> None:
    dates: Any = importlib.import_module("matplotlib.dates")  # it has no type annotations
    locator = dates.AutoDateLocator(maxticks=8)
    ax.xaxis.set(major_locator=locator, major_formatter=dates.ConciseDateFormatter(locator))
    ax.use_sticky_edges = False  # otherwise the first and last bars touch the frame
    ax.margins(x=0.02)


def _days(dates: Iterable[datetime]) -> NDArray[np.float64]:
    """Dates as numbers of matplotlib, sorted."""
    module: Any = importlib.import_module("matplotlib.dates")  # it has no type annotations
    return np.sort(module.date2num(list(dates)))
