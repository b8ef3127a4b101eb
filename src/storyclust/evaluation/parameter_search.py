"""Trials of settings: the groups that each makes, how good they look from within, and against labels."""

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
from storyclust.stories.clusterer import StoryClusterer
from storyclust.stories.grouping import Prepared, event_merges, find_threads, inside_window, thread_merges

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Labels = NDArray[np.int64]
    Settings = dict[str, float | None]

NAMES = ("event_distance", "event_window", "thread_distance")
DEFAULTS: Settings = {name: StoryClusterer().get_params()[name] for name in NAMES}
USUAL: dict[str, float] = {level: DEFAULTS[f"{level}_distance"] or 0.0 for level in ("event", "thread")}
DISTANCES = {"event": [k / 100 for k in range(70, 100)], "thread": [k / 100 for k in range(80, 100)]}
WINDOWS = (1.0, 3.0, 7.0, 14.0, 30.0, None)  # days, tried where there are labels and dates
ROUNDS, SHARE = 5, 0.8  # subsamples that tell stability, and the share of the articles in each
FOLDS = 5


@dataclass(frozen=True, slots=True)
class Trial:
    """One setting, and how good its groups look.

    Attributes
    ----------
    event_distance, event_window, thread_distance : float or None
        The setting.
    groups : int
        Events or threads it makes of the articles that are not copies.
    alone : float
        Share of these articles that are alone in their group.
    separation : float
        Of the articles that are not alone, how much more similar one is to its own group than to the next:
        ``(own - next) / max(own, next)``, on average. Like stability, NaN for windows not the default.
    stability : float
        B-cubed F1 between the groups and those found in four fifths of the articles alone, on average.
    change : float
        How far the groups are from those at the distance before: 1 less their B-cubed F1.
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
        """The setting alone, as `StoryClusterer` takes it."""
        return {name: getattr(self, name) for name in NAMES}

    def distance(self, level: str) -> float:
        """The distance that is tried at a level."""
        return self.event_distance if level == "event" else self.thread_distance


class Cuts(NamedTuple):
    """Trials, and the groups of the independent articles in each."""

    trials: list[Trial]
    labels: list[Labels]


def try_all(ready: Prepared, level: str, windows: Sequence[float | None], seed: int) -> Cuts:
    """Cut the dendrogram at every distance, for each window."""
    trials: list[Trial] = []
    labels: list[Labels] = []
    for window in windows:
        made = cut_all(ready.graph, ready.times, level, window)
        looks = [
            _look(level, distance, window, found)
            for distance, found in zip(DISTANCES[level], made, strict=True)
        ]
        if window == DEFAULTS["event_window"]:
            looks = _judged(looks, made, ready, level, seed)
        trials += looks
        labels += made
    return Cuts(trials, labels)


def settings_of(level: str, distance: float, window: float | None) -> Settings:
    """Fill in the other distance: its default, unless events would no longer lie inside threads."""
    event = distance if level == "event" else min(distance, USUAL["event"])
    thread = distance if level == "thread" else max(distance, USUAL["thread"])
    return dict(zip(NAMES, (event, window, thread), strict=True))


def cut_all(
    graph: sparse.csr_array, times: NDArray[np.float64], level: str, window: float | None
) -> list[Labels]:
    """Events or threads at every distance."""
    n, distances = graph.shape[0], DISTANCES[level]
    days = np.inf if window is None else window
    merges = event_merges(graph, times, distances[-1], days)
    if level == "event":
        return [cut(merges, n, distance) for distance in distances]
    events = cut(merges, n, USUAL["event"])
    joined = thread_merges(graph, events, distances[-1])
    n_events = int(events.max(initial=-1)) + 1
    return [
        cut(joined, n_events, distance)[events]
        if distance >= USUAL["event"]
        else find_threads(graph, cut(merges, n, distance), distance)
        for distance in distances
    ]


def _look(level: str, distance: float, window: float | None, labels: Labels) -> Trial:
    sizes = np.bincount(labels)
    alone = float((sizes == 1).sum() / max(len(labels), 1))
    return Trial(**settings_of(level, distance, window), groups=len(sizes), alone=alone)  # type: ignore[arg-type]


def _judged(looks: list[Trial], labels: list[Labels], ready: Prepared, level: str, seed: int) -> list[Trial]:
    """Trials of one window with their separation and stability."""
    window = looks[0].event_window
    near = ready.graph
    if level == "event" and window is not None:
        near = inside_window(near, ready.times, window)
    found_again = stability(ready, labels, level, window, seed)
    changes = [math.nan, *(1 - agreement(before, after) for before, after in pairwise(labels))]
    return [
        replace(look, separation=separation(near, made), stability=stable, change=change)
        for look, made, stable, change in zip(looks, labels, found_again, changes, strict=True)
    ]


def separation(graph: sparse.csr_array, labels: Labels) -> float:
    """How much nearer articles are to their own group than to the next; 0 where all are alone."""
    n, sizes = len(labels), np.bincount(labels)
    belongs = sparse.csr_array((np.ones(n), (np.arange(n), labels)), shape=(n, len(sizes)))
    sums = sparse.csr_array(graph @ belongs)
    rows = np.repeat(np.arange(n), np.diff(sums.indptr))
    inside = sums.indices == labels[rows]
    own, other = np.zeros(n), np.zeros(n)
    own[rows[inside]] = sums.data[inside]
    own /= np.maximum(sizes[labels] - 1, 1)
    np.maximum.at(other, rows[~inside], sums.data[~inside] / sizes[sums.indices[~inside]])
    grouped = sizes[labels] > 1
    largest = np.maximum(own, other)[grouped]
    apart = np.divide((own - other)[grouped], largest, out=np.zeros(len(largest)), where=largest > 0)
    return float(apart.mean()) if len(apart) else 0.0


def stability(
    ready: Prepared, labels: list[Labels], level: str, window: float | None, seed: int
) -> list[float]:
    """B-cubed F1 of each cut against the same cut of subsamples, on average."""
    n = len(ready.kept)
    rng = np.random.default_rng(seed)
    total = np.zeros(len(labels))
    for _ in range(ROUNDS):
        rows = np.sort(rng.permutation(n)[: max(int(SHARE * n), 1)])
        part = sparse.csr_array(ready.graph[rows][:, rows])
        again = cut_all(part, ready.times[rows], level, window)
        total += [agreement(whole[rows], found) for whole, found in zip(labels, again, strict=True)]
    return [float(value) for value in total / ROUNDS]


def agreement(one: Labels, other: Labels) -> float:
    """B-cubed F1 of two groupings; 1 where there is nothing to group."""
    if not len(one):
        return 1.0
    return harmonic(*(float(share.mean()) for share in b_cubed(one, other)))


# Labels


class Stories(NamedTuple):
    """The articles whose story is known."""

    rows: Labels
    truth: Labels  # story of each, numbered from 0

    @classmethod
    def of(cls, gold: list[Hashable | None], n: int) -> Stories:
        """Read labels of `n` articles."""
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


def deal(truth: Labels, places: Labels) -> Labels:
    """Fold of each story: the biggest first, to the fold of the fewest articles.

    `places` say where labelled articles stand in an order that no input order can change.
    """
    members = [tuple(sorted(places[truth == story].tolist())) for story in range(int(truth.max()) + 1)]
    held = [0] * min(FOLDS, len(members))
    folds = np.empty(len(members), np.int64)
    for story in sorted(range(len(members)), key=lambda story: (-len(members[story]), members[story])):
        folds[story] = held.index(min(held))
        held[folds[story]] += len(members[story])
    return folds


def sum_by(labels: Labels, values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sums of values by label: the same to the last bit in whatever order they come."""
    order = np.argsort(values, kind="stable")
    return np.bincount(labels[order], values[order]).astype(np.float64, copy=False)


def fold_scores(labels: list[Labels], place: Labels, stories: Stories) -> NDArray[np.float64]:
    """B-cubed F1 of every cut over the articles of each fold, as (cut, fold).

    Groups are those of all labelled articles, so that two stories of different folds that meet cost both.
    """
    folds = deal(stories.truth, place[stories.rows])[stories.truth]
    sizes = np.bincount(folds)
    scores = np.empty((len(labels), len(sizes)))
    for number, made in enumerate(labels):
        shares = b_cubed(stories.truth, made[place[stories.rows]])
        precision, recall = (sum_by(folds, share) / sizes for share in shares)
        scores[number] = 2 * precision * recall / (precision + recall)  # both are positive
    return scores
