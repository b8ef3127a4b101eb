"""Search over settings: the groups at each of them, and their scores without labels and against labels."""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy import sparse

from storyclust.cluster.linkage import cut
from storyclust.errors import InputError
from storyclust.evaluation.metrics import b_cubed, harmonic, number_labels, unlabelled
from storyclust.stories.grouping import (
    Prepared,
    event_graph,
    event_merges,
    find_threads,
    thread_graph,
    thread_merges,
)
from storyclust.stories.settings import EVENT_DISTANCE, EVENT_WINDOW, THREAD_DISTANCE

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Labels = NDArray[np.int64]
    Settings = dict[str, float | None]

NAMES = ("event_distance", "event_window", "thread_distance")
DEFAULTS: Settings = dict(zip(NAMES, (EVENT_DISTANCE, EVENT_WINDOW, THREAD_DISTANCE), strict=True))
USUAL = {"event": EVENT_DISTANCE, "thread": THREAD_DISTANCE}
DISTANCES = {"event": [k / 100 for k in range(70, 100)], "thread": [k / 100 for k in range(80, 100)]}
WINDOWS = (1.0, 3.0, 7.0, 14.0, 30.0, None)  # days, tried if there are labels and dates
ROUNDS, SUBSAMPLE = 5, 0.8  # number of subsamples for stability, and the share of the articles in each
FOLDS = 5


@dataclass(frozen=True, slots=True)
class Trial:
    """One setting, with the scores of its groups.

    Attributes
    ----------
    event_distance, event_window, thread_distance : float or None
        The setting.
    groups : int
        Number of events or threads of the independent articles.
    alone : float
        Share of these articles that are singletons.
    separation : float
        ``(own - next) / max(own, next)``, averaged over the articles that are not singletons: `own` is the
        mean similarity to the article's own group, `next` that to the nearest other group. NaN for windows
        other than the default, like `stability` and `change`.
    stability : float
        B-cubed F1 between the groups and those of random subsamples of four fifths of the articles, averaged.
    change : float
        1 minus the B-cubed F1 between the groups and those at the previous distance.
    f1, f1_spread : float
        Mean and standard deviation of B-cubed F1 over folds of stories; NaN without labels.
    """

    event_distance: float
    event_window: float | None
    thread_distance: float
    groups: int
    alone: float
    separation: float = math.nan
    stability: float = math.nan
    change: float = math.nan
    f1: float = math.nan
    f1_spread: float = math.nan

    @property
    def settings(self) -> Settings:
        """The setting as parameters of `StoryClusterer`."""
        return {name: getattr(self, name) for name in NAMES}

    def distance(self, level: str) -> float:
        """The distance of a level, 'event' or 'thread'."""
        return self.event_distance if level == "event" else self.thread_distance


class Cuts(NamedTuple):
    """Trials, with the labels of the independent articles in each."""

    trials: list[Trial]
    labels: list[Labels]


def try_all(ready: Prepared, level: str, windows: Sequence[float | None], seed: int) -> Cuts:
    """Cut the dendrogram at every distance, for each window."""
    trials: list[Trial] = []
    labels: list[Labels] = []
    for window in windows:
        found = cut_all(ready.graph, ready.times, level, window)
        tried = [
            _trial_of(level, distance, window, groups)
            for distance, groups in zip(DISTANCES[level], found, strict=True)
        ]
        if window == EVENT_WINDOW:
            tried = _with_internal_scores(tried, found, ready, level, seed)
        trials += tried
        labels += found
    return Cuts(trials, labels)


def settings_of(level: str, distance: float, window: float | None) -> Settings:
    """A setting whose other distance is its default, or equal to this one if events would exceed threads."""
    event = distance if level == "event" else min(distance, USUAL["event"])
    thread = distance if level == "thread" else max(distance, USUAL["thread"])
    return dict(zip(NAMES, (event, window, thread), strict=True))


def cut_all(
    graph: sparse.csr_array, times: NDArray[np.float64], level: str, window: float | None
) -> list[Labels]:
    """Labels of the events or threads at every distance."""
    n, distances = graph.shape[0], DISTANCES[level]
    days = np.inf if window is None else window
    merges = event_merges(graph, times, distances[-1], days)
    if level == "event":
        return [cut(merges, n, distance) for distance in distances]
    events = cut(merges, n, USUAL["event"])
    to_threads = thread_merges(graph, events, distances[-1])
    n_events = int(events.max(initial=-1)) + 1
    return [
        cut(to_threads, n_events, distance)[events]
        if distance >= USUAL["event"]
        else find_threads(graph, cut(merges, n, distance), distance)
        for distance in distances
    ]


def _trial_of(level: str, distance: float, window: float | None, labels: Labels) -> Trial:
    sizes = np.bincount(labels)
    alone = float((sizes == 1).sum() / max(len(labels), 1))
    return Trial(**settings_of(level, distance, window), groups=len(sizes), alone=alone)  # type: ignore[arg-type]


def _with_internal_scores(
    trials: list[Trial], labels: list[Labels], ready: Prepared, level: str, seed: int
) -> list[Trial]:
    """Trials of one window with their separation, stability and change."""
    window = trials[0].event_window
    days = math.inf if window is None else window
    graph = event_graph(ready.graph, ready.times, days) if level == "event" else thread_graph(ready.graph)
    stabilities = stability(ready, labels, level, window, seed)
    changes = [math.nan, *(1 - agreement(before, after) for before, after in pairwise(labels))]
    return [
        replace(trial, separation=separation(graph, groups), stability=stable, change=change)
        for trial, groups, stable, change in zip(trials, labels, stabilities, changes, strict=True)
    ]


def separation(graph: sparse.csr_array, labels: Labels) -> float:
    """Mean silhouette of articles with respect to groups, on similarities; 0 if all are singletons."""
    n, sizes = len(labels), np.bincount(labels)
    membership = sparse.csr_array((np.ones(n), (np.arange(n), labels)), shape=(n, len(sizes)))
    sums = sparse.csr_array(graph @ membership)
    rows = np.repeat(np.arange(n), np.diff(sums.indptr))
    inside = sums.indices == labels[rows]
    own, other = np.zeros(n), np.zeros(n)
    own[rows[inside]] = sums.data[inside]
    own /= np.maximum(sizes[labels] - 1, 1)
    np.maximum.at(other, rows[~inside], sums.data[~inside] / sizes[sums.indices[~inside]])
    grouped = sizes[labels] > 1
    largest = np.maximum(own, other)[grouped]
    silhouettes = np.divide((own - other)[grouped], largest, out=np.zeros(len(largest)), where=largest > 0)
    return float(silhouettes.mean()) if len(silhouettes) else 0.0


def stability(
    ready: Prepared, labels: list[Labels], level: str, window: float | None, seed: int
) -> list[float]:
    """B-cubed F1 of each cut against the same cut of subsamples, averaged."""
    n = len(ready.kept)
    rng = np.random.default_rng(seed)
    total = np.zeros(len(labels))
    for _ in range(ROUNDS):
        rows = np.sort(rng.permutation(n)[: max(int(SUBSAMPLE * n), 1)])
        part = sparse.csr_array(ready.graph[rows][:, rows])
        again = cut_all(part, ready.times[rows], level, window)
        total += [agreement(whole[rows], found) for whole, found in zip(labels, again, strict=True)]
    return [float(value) for value in total / ROUNDS]


def agreement(one: Labels, other: Labels) -> float:
    """B-cubed F1 of two groupings; 1 if there is no article."""
    if not len(one):
        return 1.0
    return harmonic(*(float(share.mean()) for share in b_cubed(one, other)))


class GoldStories(NamedTuple):
    """The articles whose story is known."""

    rows: Labels
    truth: Labels  # story of each, numbered from 0

    @classmethod
    def of(cls, gold: list[Hashable | None], n: int) -> GoldStories:
        """Check the labels of `n` articles."""
        if len(gold) != n:
            raise InputError(f"gold must have a label or None for each of {n} articles, got {len(gold)}.")
        rows = [row for row, label in enumerate(gold) if not unlabelled(label)]
        truth = number_labels([gold[row] for row in rows])
        if int(truth.max(initial=-1)) < 1:
            raise InputError(
                f"gold must name two stories or more, got {len(set(truth.tolist()))}: label some others, or "
                "leave gold out."
            )
        return cls(np.array(rows, np.int64), truth)


def assign_folds(truth: Labels, places: Labels) -> Labels:
    """Fold of each story: the largest story first, each to the fold with the fewest articles.

    `places` are the positions of the labelled articles in an order that does not depend on the input order.
    """
    members = [tuple(sorted(places[truth == story].tolist())) for story in range(int(truth.max()) + 1)]
    sizes = [0] * min(FOLDS, len(members))
    folds = np.empty(len(members), np.int64)
    for story in sorted(range(len(members)), key=lambda story: (-len(members[story]), members[story])):
        folds[story] = sizes.index(min(sizes))
        sizes[folds[story]] += len(members[story])
    return folds


def _sums_by_label(labels: Labels, values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sums of values by label, which do not depend on the order of the values even through rounding."""
    order = np.argsort(values, kind="stable")
    return np.bincount(labels[order], values[order]).astype(np.float64, copy=False)


def fold_scores(labels: list[Labels], place: Labels, stories: GoldStories) -> NDArray[np.float64]:
    """B-cubed F1 of every cut over the articles of each fold, as an array of shape (n_cuts, n_folds).

    Groups contain the labelled articles of all folds, so that merging two stories of different folds lowers
    the scores of both.
    """
    folds = assign_folds(stories.truth, place[stories.rows])[stories.truth]
    sizes = np.bincount(folds)
    scores = np.empty((len(labels), len(sizes)))
    for number, groups in enumerate(labels):
        shares = b_cubed(stories.truth, groups[place[stories.rows]])
        precision, recall = (_sums_by_label(folds, share) / sizes for share in shares)
        scores[number] = 2 * precision * recall / (precision + recall)  # both are positive
    return scores
