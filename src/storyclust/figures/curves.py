"""Plots of curves: the probability that a pair is compared, and scores over distances."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from storyclust._core.validation import check_float, check_int
from storyclust.dedup.lsh import choose_bands, collision_probability
from storyclust.errors import InputError, MissingExtraError
from storyclust.figures.axes import _axes
from storyclust.figures.similarities import SIMILARITY_LABEL, _draw_pairs

if TYPE_CHECKING:
    from matplotlib.axes import Axes


CURVE_POINTS = 501


def plot_s_curve(threshold: float = 0.8, num_perm: int = 128, ax: Axes | None = None) -> Axes:
    """Plot the probability that two texts are compared over their Jaccard similarity.

    The legend shows the bands that `choose_bands` chooses for the threshold. Left of the threshold the curve
    shows unnecessary comparisons, right of it missed pairs.

    Parameters
    ----------
    threshold : float in (0, 1], default=0.8
        Jaccard similarity from which two texts are copies.
    num_perm : int, default=128
        Number of MinHash permutations.
    ax : matplotlib Axes, optional
        Axes to plot on; those of a new figure by default.

    Returns
    -------
    ax : matplotlib Axes
        The first line is the curve, the second the threshold.

    Raises
    ------
    InputError
        If a parameter is out of range.
    MissingExtraError
        If matplotlib is not installed.

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
    similarity = np.linspace(0.0, 1.0, CURVE_POINTS)
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


def plot_tuning(
    path: str | Path,
    name: str,
    distances: Sequence[float],
    curves: Mapping[str, Sequence[float]],
    marks: Mapping[str, float],
    pairs: Mapping[str, Sequence[int]],
) -> None:
    """Plot scores over distances beside the similarities of pairs, to a file.

    Parameters
    ----------
    path : str or path-like
        The suffix gives the format.
    name : str
        Name of the distance.
    distances : sequence of float
    curves : mapping from str to sequence of float
        Scores at the distances, by label.
    marks : mapping from str to float
        Distances that are marked with a line, by label. The last one is emphasized.
    pairs : mapping from str to sequence of int
        Histograms of `count_pairs`, by kind of pair.

    Raises
    ------
    InputError
        If matplotlib cannot write the format of the suffix.
    MissingExtraError
        If matplotlib is not installed.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingExtraError("Drawing settings", "plot") from error
    figure = Figure(figsize=(11, 4.2), layout="constrained")
    ax, beside = figure.subplots(1, 2)
    for label, values in curves.items():
        ax.plot(distances, values, marker=".", label=label)
    for label, at in marks.items():
        colour, line = ("C3", "-") if label == list(marks)[-1] else ("0.5", "--")
        ax.axvline(at, label=f"{label}: {at:g}", zorder=0, color=colour, linestyle=line)
        beside.axvline(1 - at, label=f"1 - {label}: {1 - at:g}", zorder=0, color=colour, linestyle=line)
    ax.set(xlabel=name, ylim=(0, 1.02))
    ax.legend(loc="lower left", fontsize="small")
    _draw_pairs(beside, pairs, SIMILARITY_LABEL)
    beside.legend(fontsize="small")
    formats = figure.canvas.get_supported_filetypes()
    ending = Path(path).suffix[1:].lower()
    if ending not in formats:
        raise InputError(f"{path}: a figure ends in one of {', '.join(sorted(formats))}.")
    figure.savefig(path, dpi=120)
