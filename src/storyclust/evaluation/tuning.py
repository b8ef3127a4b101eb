"""Tuning: which distance and window suit somebody's own articles, and what speaks for them.

Articles are compared once; their dendrogram is cut at every distance. With labels of some stories the cuts
are scored, story by story held out. Without labels a cut can only be judged from within: whether groups
stand apart from one another, and whether they are found again in four fifths of the articles.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from storyclust._core.validation import check_choice, check_int
from storyclust.articles.records import as_articles
from storyclust.evaluation.borderline import Borderline, borderline_pairs
from storyclust.evaluation.parameter_search import (
    DEFAULTS,
    USUAL,
    WINDOWS,
    Stories,
    Trial,
    fold_scores,
    try_all,
)
from storyclust.figures.curves import plot_tuning
from storyclust.figures.similarities import count_pairs
from storyclust.stories.grouping import Prepared, prepare

if TYPE_CHECKING:
    from numpy.typing import NDArray

WELL_APART = 0.6  # separation beyond which no other cut of the labelled development sets is much better
STABILITY = 0.1  # that a better separated cut may cost
GROUPED = 0.1  # least share of articles in groups for these to be judged
FEWEST = 20  # independent articles; fewer tell nothing
BARELY = 0.01  # change from one distance to the next that is none to speak of
CURVES = {"B-cubed F1": "f1", "separation": "separation", "stability": "stability"}
UNSURE = "Judge the borderline pairs by eye, or label some stories and give them as gold."


@dataclass(frozen=True, slots=True)
class Tuning:
    """What `tune` found.

    Attributes
    ----------
    level : {'event', 'thread'}
    settings : dict
        What is recommended: ``StoryClusterer(**tuning.settings)``.
    reasons : list of str
        Why, in plain sentences.
    trials : list of Trial
        Every setting tried, by window and distance.
    borderline : list of Borderline
        Pairs to judge by eye: joined and parted just so.
    gain, gain_spread : float or None
        With labels: what the best setting for the other stories gains on those held out, and the standard
        error of that.
    pairs : dict
        How many pairs of articles are how similar, in fifty steps from 0 to 1: those within the groups
        that are recommended, and those between them.
    """

    level: str
    settings: dict[str, float | None]
    reasons: list[str]
    trials: list[Trial]
    borderline: list[Borderline]
    gain: float | None = None
    gain_spread: float | None = None
    pairs: dict[str, list[int]] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The distance that was tuned: 'event_distance' or 'thread_distance'."""
        return f"{self.level}_distance"

    @property
    def curve(self) -> list[Trial]:
        """Trials of the recommended window, by distance."""
        return [trial for trial in self.trials if trial.event_window == self.settings["event_window"]]

    @property
    def call(self) -> str:
        """Python that uses what is recommended."""
        return f"StoryClusterer({', '.join(f'{name}={value!r}' for name, value in self.settings.items())})"

    def as_dict(self) -> dict[str, Any]:
        """Return everything as plain dictionaries and lists."""
        return asdict(self)

    def rows(self) -> list[list[str]]:
        """Heads and cells of the table of `curve`."""
        labelled = not math.isnan(self.curve[0].f1)
        names = [
            "groups",
            "alone",
            "change",
            "separation",
            "stability",
            *(["f1", "f1_spread"] if labelled else []),
        ]
        rows = [[self.name, *(name.replace("_", " ") for name in names), ""]]
        for trial in self.curve:
            distance = trial.distance(self.level)
            marks = {"default": USUAL[self.level], "recommended": self.settings[self.name]}
            cells = [f"{distance:.2f}", *(_cell(getattr(trial, name)) for name in names)]
            rows.append([*cells, ", ".join(word for word, at in marks.items() if at == distance)])
        return rows

    def plot(self, path: str | Path) -> None:
        """Draw separation, stability and, with labels, F1 over the distance, and how similar pairs are.

        Parameters
        ----------
        path : str or path
            Its ending says the format: .png, .svg, .pdf.

        Raises
        ------
        InputError
            The ending names no format that matplotlib can write.
        MissingExtraError
            matplotlib is not installed.
        """
        curves = {
            label: values
            for label, name in CURVES.items()
            if not math.isnan(sum(values := [getattr(trial, name) for trial in self.curve]))
        }
        at = [trial.distance(self.level) for trial in self.curve]
        marks = {"default": USUAL[self.level], "recommended": self.settings[self.name] or 0.0}
        plot_tuning(path, self.name, at, curves, marks, self.pairs)

    def __str__(self) -> str:
        rows = self.rows()
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = [
            "  ".join([*map(str.rjust, row[:-1], widths), row[-1]]).rstrip()  # a note stands on the left
            for row in rows
        ]
        pairs = ["", "Judge by eye:", *map(str, self.borderline)] if self.borderline else []
        return "\n".join([self.call, *self.reasons, "", *lines, *pairs])


def _cell(value: float) -> str:
    """A count, or a figure to three digits where there is one."""
    if isinstance(value, int):
        return f"{value:,}"
    return "" if math.isnan(value) else f"{value:.3f}"


def tune(
    articles: Iterable[Any],
    gold: Iterable[Hashable | None] | None = None,
    level: str = "event",
    *,
    random_state: int = 0,
    n_jobs: int | None = None,
) -> Tuning:
    """Choose the distance, and with labels the window, of `StoryClusterer` for articles of one's own.

    Parameters
    ----------
    articles : sequence of str, mapping or Article, or a DataFrame
        See `as_articles`.
    gold : sequence of length n, optional
        Right event or thread of every article; None or NaN where it is not known. Some dozen stories are
        enough. Articles without a label are grouped with the others and not scored.
    level : {'event', 'thread'}, default='event'
        Which distance to tune. The other settings stay at their defaults, but for `thread_distance`,
        which is never below `event_distance`.
    random_state : int, default=0
        Seed of the subsamples that tell stability.
    n_jobs : int or None, default=None
        Threads: None is one, -1 is every core. The result does not depend on it.

    Returns
    -------
    tuning : Tuning
        Everything tried, what is recommended and why. The defaults, unless the evidence is clear.

    Raises
    ------
    InputError
        An argument is out of range, an article cannot be read as one, or `gold` has another length than
        the articles or fewer than two stories.

    Notes
    -----
    With labels, stories are dealt into five folds, and B-cubed F1 over the articles of a fold is that of
    groups made of all articles. The recommendation is the setting of the best mean. It has to show that
    it is no accident: for each fold in turn the best setting for the others is compared with the defaults,
    and unless the mean gain exceeds its standard error, the defaults are recommended.

    Without labels, the default stays wherever its groups stand well apart (separation of 0.6 and more);
    else the nearest distance at which they do is recommended, unless it costs much stability. Measured on
    the labelled development sets, and on these cut short, thinned out and buried in others, that never
    hurts; it rarely moves, but it moves headlines, which need a larger distance than articles, the right
    way. Measured and set aside: the distance of best separation (most often the largest), the most stable
    one and the middle of the widest interval without a change (anywhere), that of the largest difference of
    similarities (too small for short texts), and the likelihood of a planted partition (too large for
    events).

    Articles are put into an order of their own first; the result does not depend on the order they come in.

    References
    ----------
    P. Rousseeuw, "Silhouettes: a graphical aid to the interpretation and validation of cluster analysis",
    Journal of Computational and Applied Mathematics 20 (1987), here of groups and not of points, on
    similarities. A. Ben-Hur, A. Elisseeff, I. Guyon, "A stability based method for discovering structure
    in clustered data", Pacific Symposium on Biocomputing 2002. L. Breiman et al., "Classification and
    regression trees" (1984): the rule of one standard error.

    Examples
    --------
    >>> import storyclust as sc
    >>> articles = [
    ...     {"title": "Ferry hits pier in Aldmouth", "text": "The ferry Selka hit the pier on Monday."},
    ...     {"title": "Aldmouth pier struck by ferry", "text": "On Monday the Selka struck a pier."},
    ...     {"title": "Carrow adopts its budget", "text": "Parliament in Carrow voted on Tuesday."},
    ... ]
    >>> tuning = sc.tune(articles, gold=["ferry", "ferry", "budget"])
    >>> tuning.settings
    {'event_distance': 0.89, 'event_window': 7.0, 'thread_distance': 0.96}
    >>> tuning.reasons
    ['B-cubed F1 is 1.000 at the defaults, and no setting scores better.']
    """
    check_choice("level", level, ("event", "thread"))
    seed = check_int("random_state", random_state, low=0)
    listed = as_articles(articles)
    stories = None if gold is None else Stories.of(list(gold), len(listed))
    ready = prepare(listed, n_jobs=n_jobs)
    dated = not np.isnan(ready.times).all()
    tried = stories is not None and dated and level == "event"
    windows = WINDOWS if tried else (DEFAULTS["event_window"],)
    cuts = try_all(ready, level, windows, seed)
    advice = (
        from_within(cuts.trials, len(ready.kept), level)
        if stories is None
        else from_labels(cuts.trials, fold_scores(cuts.labels, ready.place, stories), level)
    )
    return Tuning(
        level,
        advice.settings,
        [*advice.reasons],
        advice.trials,
        borderline_pairs(ready, listed, level, advice.settings),
        advice.gain,
        advice.gain_spread,
        _pairs_by_kind(ready, cuts.labels[[t.settings for t in cuts.trials].index(advice.settings)], level),
    )


def _pairs_by_kind(ready: Prepared, labels: NDArray[np.int64], level: str) -> dict[str, list[int]]:
    """Counts of pairs by their similarity, within groups and between them."""
    pairs = ready.graph.tocoo()
    once, same = pairs.row < pairs.col, labels[pairs.row] == labels[pairs.col]
    return {
        f"inside {level}s": count_pairs(pairs.data[once & same]),
        f"between {level}s": count_pairs(pairs.data[once & ~same]),
    }


class Advice(NamedTuple):
    """What to recommend and why, and the trials with what was found out about them."""

    settings: dict[str, float | None]
    reasons: tuple[str, ...]
    trials: list[Trial]
    gain: float | None = None
    gain_spread: float | None = None


def from_within(trials: list[Trial], n: int, level: str) -> Advice:
    """Judge by separation and stability; the defaults, unless both speak for another distance."""
    usual = next(trial for trial in trials if trial.settings == DEFAULTS)
    at, enough = f"the default {level}_distance of {USUAL[level]:g}", f"where {WELL_APART:g} is enough"
    judged = [trial for trial in trials if 1 - trial.alone >= GROUPED]
    apart = [trial for trial in judged if trial.separation >= WELL_APART]
    best = min(apart, key=lambda t: (abs(t.distance(level) - USUAL[level]), t.distance(level)), default=usual)
    nearest = f"{best.distance(level):g} is the nearest at which they do"
    steady = f"groups found in four fifths of the articles agree by {best.stability:.2f} there"
    if n < FEWEST:
        reason = f"{n} independent articles are too few to tell another setting from the defaults."
    elif 1 - usual.alone < GROUPED:
        reason = f"Only {1 - usual.alone:.0%} of the articles are in groups: too few to judge these by."
    elif best is usual and apart:
        reason = f"At {at} groups stand well apart ({usual.separation:.2f}, {enough}): it is kept."
    elif best is usual:
        most = max(trial.separation for trial in judged)
        reason = (
            f"Groups do not stand well apart at {at} ({usual.separation:.2f}, {enough}), nor at any other "
            f"({most:.2f} at most): it is kept, for nothing speaks for another."
        )
    elif best.stability < usual.stability - STABILITY:
        reason = (
            f"At {at} groups hardly stand apart ({usual.separation:.2f}, {enough}), and {nearest}; but "
            f"{steady} and by {usual.stability:.2f} at the default, which is kept."
        )
    else:
        reason = (
            f"At {at} groups hardly stand apart ({usual.separation:.2f}, {enough}); {nearest}, and {steady} "
            f"({usual.stability:.2f} at the default)."
        )
        return Advice(best.settings, (reason, *plateau(trials, level), UNSURE), trials)
    return Advice(dict(DEFAULTS), (reason, *plateau(trials, level), UNSURE), trials)


def plateau(trials: list[Trial], level: str) -> tuple[str, ...]:
    """A sentence on the widest interval over which groups hardly change, if there is one."""
    widest, start = (0, 0), 0
    for number, trial in enumerate(trials):
        if not trial.change < BARELY:
            start = number
        widest = max(widest, (number - start, -start))
    steps, first = widest[0], -widest[1]
    if steps < 2:
        return ()
    low, high = (trials[number].distance(level) for number in (first, first + steps))
    return (f"From {low:g} to {high:g} groups hardly change: between these it matters little.",)


def from_labels(trials: list[Trial], scores: NDArray[np.float64], level: str) -> Advice:
    """The setting of the best mean over folds, if what it gains on stories held out is no accident."""
    trials = [
        replace(trial, f1=float(row.mean()), f1_spread=float(row.std()))
        for trial, row in zip(trials, scores, strict=True)
    ]
    usual = next(number for number, trial in enumerate(trials) if trial.settings == DEFAULTS)
    best = _best(trials, scores, level)
    others = [_best(trials, np.delete(scores, fold, axis=1), level) for fold in range(scores.shape[1])]
    gains = scores[others, range(scores.shape[1])] - scores[usual]
    gain, spread = float(gains.mean()), float(gains.std(ddof=1) / np.sqrt(len(gains)))
    held_out = f"settings chosen on the other stories gain {gain:.3f} (standard error {spread:.3f})"
    at_default = f"B-cubed F1 is {trials[usual].f1:.3f} at the defaults"
    if best == usual:
        reason = f"{at_default}, and no setting scores better."
    elif gain <= spread:
        reason = (
            f"{at_default} and {trials[best].f1:.3f} at best, but on stories held out {held_out}: the "
            "defaults are kept."
        )
        best = usual
    else:
        window = trials[best].event_window
        reason = (
            f"{at_default} and {trials[best].f1:.3f} at {level}_distance {trials[best].distance(level):g}"
            + (f" with a window of {window:g} days" if window is not None else " without a window")
            + f"; on stories held out {held_out}."
        )
    return Advice(trials[best].settings, (reason,), trials, gain, spread)


def _best(trials: list[Trial], scores: NDArray[np.float64], level: str) -> int:
    """Trial of the best mean; among equals, of the default window and nearest to the default distance."""
    window = DEFAULTS["event_window"]

    def rank(number: int) -> tuple[float, bool, float]:
        trial = trials[number]
        away = abs(trial.distance(level) - USUAL[level])
        return -round(float(scores[number].mean()), 9), trial.event_window != window, away

    return min(range(len(trials)), key=rank)
