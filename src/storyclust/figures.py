"""Figures: what the parameters promise, drawn with matplotlib where it is installed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from storyclust.errors import MissingExtraError
from storyclust.lsh import choose_bands, collision_probability
from storyclust.validate import check_float, check_int

if TYPE_CHECKING:
    from matplotlib.axes import Axes

POINTS = 501


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
    try:
        from matplotlib import pyplot as plt
    except ImportError as error:
        raise MissingExtraError("Drawing the S-curve", "plot") from error
    if ax is None:
        ax = plt.subplots()[1]
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
