"""Figures: what the parameters promise and what was found, drawn with matplotlib where it is installed."""

from __future__ import annotations

import functools
import importlib
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.cluster import hierarchy
from sklearn.utils.validation import check_is_fitted

from storyclust.dedup import Deduplicator
from storyclust.digest import clean, counted
from storyclust.errors import InputError, MissingExtraError
from storyclust.grouping import prepare
from storyclust.lsh import choose_bands, collision_probability
from storyclust.report.content import title_of
from storyclust.stories import StoryClusterer
from storyclust.validate import check_float, check_int

if TYPE_CHECKING:
    from datetime import datetime

    from matplotlib.axes import Axes
    from numpy.typing import NDArray

POINTS = 501
BINS = 50
LEAVES = 60  # of a dendrogram; what was joined below the last of them becomes one
TITLE = 44  # columns of a title, in which a Chinese character takes two
SHORTEST = 0.75, 0.008  # days of a bar, and share of the whole time: it can still be seen
# Fonts for what matplotlib's own lacks: of these, those that are installed.
MORE_FONTS = (
    *("Noto Sans CJK JP", "Noto Sans JP", "Noto Sans CJK SC", "Noto Sans SC", "Hiragino Sans", "PingFang SC"),
    *(
        "Yu Gothic",
        "Microsoft YaHei",
        "Malgun Gothic",
        "WenQuanYi Zen Hei",
        "IPAexGothic",
        "Droid Sans Fallback",
    ),
    *(
        "Noto Sans Devanagari",
        "Noto Sans Arabic",
        "Noto Sans Hebrew",
        "Noto Sans Thai",
        "Nirmala UI",
        "Arial Unicode MS",
    ),
)
COLOURS = "C0", "C1", "0.6"  # inside events, between them, between threads


def plot_s_curve(threshold: float = 0.8, num_perm: int = 128, ax: Axes | None = None) -> Axes:
    """Draw the probability that two texts are compared, by their similarity.

    The threshold is marked, and the bands that `choose_bands` takes for it stand in the legend: left of
    the threshold the curve shows the work done in vain, right of it the pairs that are missed.

    Parameters
    ----------
    threshold : float in (0, 1], default=0.8
        Jaccard similarity from which two texts are copies.
    num_perm : int, default=128
        MinHash permutations.
    ax : matplotlib Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    ax : matplotlib Axes
        Its first line is the curve, its second the threshold.

    Raises
    ------
    InputError
        A parameter is out of range.
    MissingExtraError
        matplotlib is not installed.

    See Also
    --------
    storyclust.lsh.collision_probability : The curve itself.

    Examples
    --------
    >>> from storyclust.figures import plot_s_curve
    >>> ax = plot_s_curve(threshold=0.8)  # doctest: +SKIP
    >>> ax.get_legend_handles_labels()[1]  # doctest: +SKIP
    ['21 bands of 6 rows', 'threshold 0.8: 99.8% found']
    """
    check_float("threshold", threshold, low=0, high=1, open_low=True)
    check_int("num_perm", num_perm, low=1)
    ax = _axes(ax, "Drawing the S-curve")
    bands = choose_bands(threshold, num_perm)
    similarity = np.linspace(0.0, 1.0, POINTS)
    (curve,) = ax.plot(similarity, collision_probability(similarity, bands))
    curve.set_label(f"{bands.bands} bands of {bands.rows} rows")
    found = collision_probability(threshold, bands)
    ax.axvline(
        threshold, color="0.5", linestyle="--", label=f"threshold {threshold:g}: {100 * found:.1f}% found"
    )
    ax.plot([threshold], [found], marker="o", color=curve.get_color(), linestyle="none")
    ax.set(xlabel="Jaccard similarity", ylabel="probability of being compared", xlim=(0, 1), ylim=(0, 1.02))
    ax.legend(loc="upper left")
    return ax


def plot_similarities(fitted: Deduplicator | StoryClusterer, ax: Axes | None = None) -> Axes:
    """Draw how similar pairs of articles are, with the thresholds that were used.

    Of a `Deduplicator` these are its verified pairs; fitted at a lower threshold, it shows whether a higher
    one would fall into a gap or cut through a crowd. Of a `StoryClusterer` they are all pairs of independent
    articles with anything in common beyond what strangers share: those inside events, between events of
    one thread, and between threads. Its thresholds hold for averages over groups, so single
    pairs may well lie on the other side.

    Parameters
    ----------
    fitted : Deduplicator or StoryClusterer
    ax : matplotlib Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    ax : matplotlib Axes
        One histogram for each kind of pair, and one line for each threshold.

    Raises
    ------
    InputError
        It is neither of the two.
    MissingExtraError
        matplotlib is not installed.

    Notes
    -----
    Of a `StoryClusterer` the articles are compared again, which takes about as long as the fit.

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
        kinds = _pairs_by_kind(fitted)
        thresholds = {
            f"{level} distance {distance:g}": 1 - distance
            for level, distance in (("event", fitted.event_distance), ("thread", fitted.thread_distance))
        }
        name = "similarity above that of strangers"
    else:
        raise InputError(
            f"plot_similarities wants a Deduplicator or a StoryClusterer, got {type(fitted).__name__}."
        )
    ax = _axes(ax, "Drawing similarities")
    for number, (kind, values) in enumerate(kinds.items()):
        label = f"{counted(len(values), 'pair')} {kind}".rstrip()
        ax.hist(np.clip(values, 0.0, 1.0), BINS, range=(0, 1), label=label, color=COLOURS[number], alpha=0.6)
    for number, (label, at) in enumerate(thresholds.items()):
        ax.axvline(at, color="0.2", linestyle=("--", ":")[number], label=label)
    ax.set(xlabel=name, ylabel="pairs", xlim=(0, 1))
    if len(kinds) > 1:
        ax.set_yscale("symlog", linthresh=1)  # pairs between threads outnumber all others
    ax.set_ylim(bottom=0)
    ax.legend(fontsize="small")
    return ax


def _pairs_by_kind(stories: StoryClusterer) -> dict[str, NDArray[np.float64]]:
    """Similarities of all pairs that were compared, by what became of the pair."""
    ready = prepare(stories._articles, stories.copy_threshold, stories.n_jobs, stories.memory_limit)
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


def plot_timeline(stories: StoryClusterer, n_threads: int = 12, ax: Axes | None = None) -> Axes:
    """Draw when the biggest threads happened: a bar for each event, a dot for each article.

    Parameters
    ----------
    stories : StoryClusterer
        Fitted.
    n_threads : int, default=12
        How many threads; the biggest stands above. Articles without a date are left out, and threads
        that have no others.
    ax : matplotlib Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    ax : matplotlib Axes
        One row of bars and one line of dots for each thread.

    Raises
    ------
    InputError
        `n_threads` is less than 1.
    MissingExtraError
        matplotlib is not installed.

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
    shortest = max(SHORTEST[0], SHORTEST[1] * np.ptp(whole)) if threads else 0.0
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
        _say_nothing(ax, "no dated articles")
    return ax


def _show_dates(ax: Axes) -> None:
    dates: Any = importlib.import_module("matplotlib.dates")  # which has no types
    locator = dates.AutoDateLocator(maxticks=8)
    ax.xaxis.set(major_locator=locator, major_formatter=dates.ConciseDateFormatter(locator))
    ax.use_sticky_edges = False  # bars at the ends would touch the frame
    ax.margins(x=0.02)


def _days(dates: Iterable[datetime]) -> NDArray[np.float64]:
    """Dates as matplotlib counts them, sorted."""
    module: Any = importlib.import_module("matplotlib.dates")  # which has no types
    return np.sort(module.date2num(list(dates)))


def plot_dendrogram(stories: StoryClusterer, thread: int = 0, ax: Axes | None = None) -> Axes:
    """Draw how the articles of a thread were joined: to events first, and these to the thread.

    Parameters
    ----------
    stories : StoryClusterer
        Fitted.
    thread : int, default=0
        Label of the thread; 0 is the biggest.
    ax : matplotlib Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    ax : matplotlib Axes
        A line for each join, at the distance at which it was made: in colour inside events, grey between
        them. Two lines mark `event_distance` and `thread_distance`. Events that only `event_window` kept
        apart are joined at the first of these. Copies are not drawn; of more
        than 60 articles the closest stand together as one leaf.

    Raises
    ------
    InputError
        There is no such thread.
    MissingExtraError
        matplotlib is not installed.

    See Also
    --------
    storyclust.StoryThread.linkage : What is drawn.

    Examples
    --------
    >>> import storyclust as sc
    >>> from storyclust.figures import plot_dendrogram
    >>> stories = sc.StoryClusterer().fit(["The Selka hit the pier.", "The Selka hit a pier."])
    >>> ax = plot_dendrogram(stories)  # doctest: +SKIP
    >>> len(ax.lines)  # a join and two thresholds  # doctest: +SKIP
    3
    """
    check_is_fitted(stories)
    label = check_int("thread", thread, low=0)
    if label >= len(stories.threads_):
        raise InputError(f"there is no thread {label}: there are {len(stories.threads_):,}, from 0.")
    chosen = stories.threads_[label]
    articles = [stories._articles[row] for row in chosen.independent]
    joins, leaves = _tree(chosen.linkage())
    names = [
        short_title(title_of(articles[members[0]])) or "Without a title"
        if len(members) == 1
        else counted(len(members), "article")
        for members in leaves
    ]
    ax = _axes(ax, "Drawing a dendrogram", height=1.2 + 0.28 * len(names))
    for places, distances in joins:
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


def _tree(
    Z: NDArray[np.float64],
) -> tuple[list[tuple[list[float], list[float]]], list[list[int]]]:
    """Lines of a dendrogram, with leaves at 0, 1, 2 and on; and the articles of each leaf, from above."""
    if not len(Z):
        return [], [[0]]
    drawn: Any = hierarchy.dendrogram(Z, p=LEAVES, truncate_mode="lastp", no_plot=True)
    joins = [
        ([(y - 5) / 10 for y in places], list(distances))  # SciPy puts leaves at 5, 15, 25 and on
        for places, distances in zip(drawn["icoord"], drawn["dcoord"], strict=True)
    ]
    return joins, [_articles_below(Z, node) for node in drawn["leaves"]]


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


def _axes(ax: Axes | None, task: str, height: float = 4.2) -> Axes:
    """Axes to draw on: those given, or those of a new figure."""
    try:
        from matplotlib import pyplot as plt
    except ImportError as error:
        raise MissingExtraError(task, "plot") from error
    return plt.subplots(figsize=(7.5, height), layout="constrained")[1] if ax is None else ax


def _name_rows(ax: Axes, rows: Iterable[int], names: Sequence[str]) -> None:
    """Write names beside rows as plain text: no formulas, and no letter for which there is no font."""
    family, known = _fonts()
    shown = ["".join(char if ord(char) in known else "\u25a1" for char in name) for name in names]
    ax.set_yticks(
        list(rows), shown, fontfamily=list(family), fontsize="small", parse_math=False, usetex=False
    )
    ax.tick_params(axis="y", length=0)


def _say_nothing(ax: Axes, text: str) -> None:
    ax.set(xticks=[], yticks=[])
    ax.text(0.5, 0.5, text, transform=ax.transAxes, ha="center", va="center", color="0.5")


def short_title(text: str) -> str:
    """Title that fits beside a figure, where wide characters count twice.

    Examples
    --------
    >>> short_title("Ministers of Japan and India agree in Tokyo on talks")
    'Ministers of Japan and India agree in Tokyo…'
    """
    title = clean(text)
    ends = np.cumsum([1 + (unicodedata.east_asian_width(char) in "WF") for char in title])
    if not title or ends[-1] <= TITLE:
        return title
    return title[: int((ends < TITLE).sum())].rstrip() + "…"


def _fonts() -> tuple[tuple[str, ...], frozenset[int]]:
    """Families to write with, and the characters they have."""
    import matplotlib as mpl
    from matplotlib import font_manager

    installed = {font.name for font in font_manager.fontManager.ttflist}
    usual: Any = mpl.rcParams["font.family"]
    families = (*usual, *(name for name in MORE_FONTS if name in installed))
    return families, _characters(families)


@functools.cache
def _characters(families: tuple[str, ...]) -> frozenset[int]:
    from matplotlib import font_manager

    paths = [font_manager.findfont(font_manager.FontProperties(family=[name])) for name in families]
    return frozenset().union(*(font_manager.get_font(path).get_charmap() for path in paths))


def plot_tuning(
    path: str | Path,
    name: str,
    distances: Sequence[float],
    curves: Mapping[str, Sequence[float]],
    marks: Mapping[str, float],
) -> None:
    """Draw what is known of the cuts at some distances into a file, with some distances marked.

    Parameters
    ----------
    path : str or path
        Its ending says the format.
    name : str
        Of the distance.
    distances : sequence of float
    curves : mapping from str to sequence of float
        What is drawn over the distances.
    marks : mapping from str to float
        Distances that get a line; what is last stands out.

    Raises
    ------
    InputError
        The ending names no format that matplotlib can write.
    MissingExtraError
        matplotlib is not installed.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingExtraError("Drawing settings", "plot") from error
    figure = Figure(figsize=(7, 4.2), layout="constrained")
    ax = figure.subplots()
    for label, values in curves.items():
        ax.plot(distances, values, marker=".", label=label)
    for label, at in marks.items():
        colour, line = ("C3", "-") if label == list(marks)[-1] else ("0.5", "--")
        ax.axvline(at, label=f"{label}: {at:g}", zorder=0, color=colour, linestyle=line)
    ax.set(xlabel=name, ylim=(0, 1.02))
    ax.legend(loc="lower left", fontsize="small")
    formats = figure.canvas.get_supported_filetypes()
    ending = Path(path).suffix[1:].lower()
    if ending not in formats:
        raise InputError(f"{path}: a figure ends in one of {', '.join(sorted(formats))}.")
    figure.savefig(path, dpi=120)
