"""Choice of the distance and the window for a collection of articles, with the reasons.

Articles are compared once, and their dendrogram is cut at every distance. With labels of some stories the
cuts are scored by cross-validation over stories. Without labels they have internal scores: how well groups
are separated, and whether subsamples give the same groups.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from storyclust._core.validation import check_bool, check_choice, check_int
from storyclust.articles.records import as_articles
from storyclust.evaluation.answers import learn_answers
from storyclust.evaluation.borderline import Borderline, borderline_pairs
from storyclust.evaluation.parameter_search import (
    DEFAULTS,
    USUAL,
    WINDOWS,
    GoldStories,
    Trial,
    fold_scores,
    try_all,
)
from storyclust.figures.curves import plot_tuning
from storyclust.figures.similarities import count_pairs
from storyclust.stories.grouping import Prepared, prepare

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Rules for choosing without labels. On 11 labelled sets and 36 corpora made of them they leave the default
# five times, each time with a gain.
WELL_SEPARATED = 0.6  # separation beyond which no other cut of the labelled development sets is much better
MAX_STABILITY_LOSS = 0.1  # that a better separated cut may cost
MIN_GROUPED = 0.1  # share of articles that are not singletons
MIN_ARTICLES = 20  # independent ones
SMALL_CHANGE = 0.01  # from one distance to the next
CURVES = {"B-cubed F1": "f1", "separation": "separation", "stability": "stability"}
UNSURE = "Judge the borderline pairs by eye, or label some stories and give them as gold."


@dataclass(frozen=True, slots=True)
class Tuning:
    """Result of `tune`.

    Attributes
    ----------
    level : {'event', 'thread'}
        The level that was tuned.
    settings : dict
        Recommended parameters: ``StoryClusterer(**tuning.settings)``.
    reasons : list of str
        Reasons for the recommendation, in sentences.
    trials : list of Trial
        Every setting tried, by window and distance.
    borderline : list of Borderline
        Pairs of articles to judge by eye, whose groups merge just below or just above the distance.
    gain, gain_spread : float or None
        Mean gain in B-cubed F1 over the defaults on held-out stories, and its standard error. None without
        labels.
    pairs : dict
        Histograms of the similarity of pairs, in fifty bins from 0 to 1: pairs within the recommended groups,
        and pairs between them.
    """

    level: str
    settings: dict[str, float | None]
    reasons: list[str]
    trials: list[Trial]
    borderline: list[Borderline]
    gain: float | None = None
    gain_spread: float | None = None
    pairs: dict[str, list[int]] = field(default_factory=dict)

    def learn(self, answers: Sequence[bool | None]) -> Tuning:
        """Return a tuning by answers about the borderline pairs: see `learn_answers`.

        Parameters
        ----------
        answers : sequence of bool or None
            Whether the articles of each borderline pair belong together.
        """
        return learn_answers(self, answers)

    @property
    def name(self) -> str:
        """Name of the distance that was tuned: 'event_distance' or 'thread_distance'."""
        return f"{self.level}_distance"

    @property
    def curve(self) -> list[Trial]:
        """Trials with the recommended window, by distance."""
        return [trial for trial in self.trials if trial.event_window == self.settings["event_window"]]

    @property
    def call(self) -> str:
        """Python expression that makes an estimator with the recommended settings."""
        return f"StoryClusterer({', '.join(f'{name}={value!r}' for name, value in self.settings.items())})"

    def as_dict(self) -> dict[str, Any]:
        """Return the result as plain dictionaries and lists."""
        return asdict(self)

    def rows(self) -> list[list[str]]:
        """Header and rows of the table of `curve`."""
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
        """Plot the scores over the distance, and the similarities of pairs, to a file.

        Parameters
        ----------
        path : str or path-like
            The suffix gives the format: .png, .svg or .pdf.

        Raises
        ------
        InputError
            If matplotlib cannot write the format of the suffix.
        MissingExtraError
            If matplotlib is not installed.
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
            "  ".join([*map(str.rjust, row[:-1], widths), row[-1]]).rstrip()  # notes are aligned on the left
            for row in rows
        ]
        pairs = ["", "Judge by eye:", *map(str, self.borderline)] if self.borderline else []
        return "\n".join([self.call, *self.reasons, "", *lines, *pairs])


def _cell(value: float) -> str:
    """A count, or a score to three digits; empty for NaN."""
    if isinstance(value, int):
        return f"{value:,}"
    return "" if math.isnan(value) else f"{value:.3f}"


def tune(
    articles: Iterable[Any],
    gold: Iterable[Hashable | None] | None = None,
    level: str = "event",
    *,
    clean: bool = True,
    random_state: int = 0,
    n_jobs: int | None = None,
) -> Tuning:
    """Choose the distance, and with labels also the window, of `StoryClusterer`.

    Parameters
    ----------
    articles : sequence of str, mapping or Article, or a DataFrame
        The articles; see `as_articles`.
    gold : sequence of length n_articles, optional
        Correct event or thread of each article, None or NaN where it is not known. A few dozen stories are
        enough. Articles without a label are grouped with the others, but not scored.
    level : {'event', 'thread'}, default='event'
        The level whose distance is tuned. The other settings keep their defaults, except that
        `thread_distance` is never less than `event_distance`.
    clean : bool, default=True
        Leave page furniture out, as `StoryClusterer` does.
    random_state : int, default=0
        Seed of the subsamples that measure stability.
    n_jobs : int or None, default=None
        Number of threads. None means 1, -1 means all cores. The result does not depend on it.

    Returns
    -------
    tuning : Tuning
        The recommended settings with the reasons, all trials, and borderline pairs. The defaults are
        recommended unless the evidence for another setting is clear.

    Raises
    ------
    InputError
        If an argument is out of range, an element of `articles` is not an article, or `gold` has another
        length than `articles` or fewer than two stories.

    See Also
    --------
    StoryClusterer : The estimator that takes the recommended settings.
    evaluate : Score groups against labels.

    Notes
    -----
    With labels, the recommendation is the setting with the largest B-cubed F1, averaged over five folds of
    stories. All articles are grouped together; only the scored articles differ between folds. To guard
    against chance, the best setting on the other four folds is compared with the defaults on each fold. The
    defaults are kept unless the mean gain exceeds its standard error, as in the one-standard-error rule [3]_.

    Without labels, groups are judged by separation, a mean silhouette [1]_ of articles with respect to groups
    instead of points, and by stability under subsampling [2]_. The default is kept if its separation is at
    least 0.6. Otherwise the nearest distance with that separation is recommended, unless it costs more than
    0.1 of stability. On the labelled development sets, and on shortened, thinned and mixed versions of them,
    this rarely leaves the default and never lowers F1. The main gain is for headlines, which need a larger
    distance than full articles.

    These rules were worse and are not used: the distance of the largest separation (most often the largest
    distance), the most stable one, the middle of the widest interval without change, the largest gap between
    similarities (too small for short texts), and the likelihood of a planted partition (too large for
    events).

    The result does not depend on the order of the articles.

    References
    ----------
    .. [1] P. Rousseeuw, "Silhouettes: a graphical aid to the interpretation and validation of cluster
       analysis", Journal of Computational and Applied Mathematics 20 (1987).
    .. [2] A. Ben-Hur, A. Elisseeff, I. Guyon, "A stability based method for discovering structure in
    clustered
       data", Pacific Symposium on Biocomputing (2002).
    .. [3] L. Breiman et al., "Classification and Regression Trees" (1984).

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
    {'event_distance': 0.92, 'event_window': 7.0, 'thread_distance': 0.93}
    >>> tuning.reasons
    ['B-cubed F1 is 1.000 at the defaults, and no setting scores better.']
    """
    check_choice("level", level, ("event", "thread"))
    seed = check_int("random_state", random_state, low=0)
    listed = as_articles(articles)
    stories = None if gold is None else GoldStories.of(list(gold), len(listed))
    ready = prepare(listed, clean=check_bool("clean", clean), n_jobs=n_jobs)
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
        _pair_histograms(ready, cuts.labels[[t.settings for t in cuts.trials].index(advice.settings)], level),
    )


def _pair_histograms(ready: Prepared, labels: NDArray[np.int64], level: str) -> dict[str, list[int]]:
    """Histograms of the similarity of pairs, within groups and between them."""
    pairs = ready.graph.tocoo()
    once, same = pairs.row < pairs.col, labels[pairs.row] == labels[pairs.col]
    return {
        f"inside {level}s": count_pairs(pairs.data[once & same]),
        f"between {level}s": count_pairs(pairs.data[once & ~same]),
    }


class Advice(NamedTuple):
    """The recommendation with its reasons, and the trials with all their scores."""

    settings: dict[str, float | None]
    reasons: tuple[str, ...]
    trials: list[Trial]
    gain: float | None = None
    gain_spread: float | None = None


def from_within(trials: list[Trial], n: int, level: str) -> Advice:
    """Choose by separation and stability: the defaults, unless both support another distance."""
    usual = next(trial for trial in trials if trial.settings == DEFAULTS)
    at, enough = f"the default {level}_distance of {USUAL[level]:g}", f"where {WELL_SEPARATED:g} is enough"
    judged = [trial for trial in trials if 1 - trial.alone >= MIN_GROUPED]
    apart = [trial for trial in judged if trial.separation >= WELL_SEPARATED]
    best = min(apart, key=lambda t: (abs(t.distance(level) - USUAL[level]), t.distance(level)), default=usual)
    nearest = f"{best.distance(level):g} is the nearest at which they do"
    steady = f"groups found in four fifths of the articles agree by {best.stability:.2f} there"
    if n < MIN_ARTICLES:
        reason = f"{n} independent articles are too few to tell another setting from the defaults."
    elif 1 - usual.alone < MIN_GROUPED:
        reason = f"Only {1 - usual.alone:.0%} of the articles are in groups: too few to judge these by."
    elif best is usual and apart:
        reason = f"At {at} groups stand well apart ({usual.separation:.2f}, {enough}): it is kept."
    elif best is usual:
        most = max(trial.separation for trial in judged)
        reason = (
            f"Groups do not stand well apart at {at} ({usual.separation:.2f}, {enough}), nor at any other "
            f"({most:.2f} at most): it is kept."
        )
    elif best.stability < usual.stability - MAX_STABILITY_LOSS:
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
    """A sentence about the widest interval of distances over which groups hardly change, if there is one."""
    widest, start = (0, 0), 0
    for number, trial in enumerate(trials):
        if not trial.change < SMALL_CHANGE:
            start = number
        widest = max(widest, (number - start, -start))
    steps, first = widest[0], -widest[1]
    if steps < 2:
        return ()
    low, high = (trials[number].distance(level) for number in (first, first + steps))
    return (f"From {low:g} to {high:g} groups hardly change: between these it matters little.",)


def from_labels(trials: list[Trial], scores: NDArray[np.float64], level: str) -> Advice:
    """Choose the setting with the largest mean over folds, if its gain on held-out stories is significant."""
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
    """The trial with the largest mean; ties go to the default window, then to the nearest to the defaults."""
    window = DEFAULTS["event_window"]

    def rank(number: int) -> tuple[float, bool, float]:
        trial = trials[number]
        away = abs(trial.distance(level) - USUAL[level])
        return -round(float(scores[number].mean()), 9), trial.event_window != window, away

    return min(range(len(trials)), key=rank)
