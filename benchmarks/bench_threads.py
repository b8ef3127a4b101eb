"""Threads by similarities scaled to the nearest neighbours, and by plain ones, alone and among others.

    python benchmarks/bench_threads.py [--quick]

Reads the sets with thread labels in the folder named by STORYCLUST_DATA: fnc1_train and multiling2011 in
English alone and among 300, 1,000, 3,000 and 12,000 articles of allsides that are not in a round-up, and
multiling2011 in its other languages alone. Events are found at the default settings. Threads are scored by
B-cubed F1 at every distance from 0.8 to 0.99, with similarities as they are, divided by the scales of both
articles (see `storyclust.cluster.local_scaling`) with 10, 20 and 50 neighbours and several least scales.
Each way is scored at the one distance that is best over all sets, and at the distance that is best over the
other kind of set. The best distance of every corpus shows how far the right one drifts with its size.
`precision` is that of round-ups and of other sets with event labels, alone: what a way joins too much.
`--quick` leaves out the 12,000. Writes results/threads.json.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from scipy import sparse

import storyclust as sc
from common import data_set, table, write_results
from storyclust.cluster.linkage import agglomerate, below, cut
from storyclust.cluster.local_scaling import LEAST_SCALE, NEIGHBORS, scale_graph
from storyclust.stories.grouping import Prepared, find_events, prepare
from storyclust.stories.settings import EVENT_DISTANCE, EVENT_WINDOW, THREAD_DISTANCE

OTHERS = (0, 300, 1_000, 3_000, 12_000)
EVENT_SETS = ("roundup_full_dev", "roundup_leads_dev", "ecbplus_dev", "vietnamese_dev")
DISTANCES = [k / 1000 for k in range(800, 991, 5)]


class Way(NamedTuple):
    """How similarities are scaled."""

    neighbors: int  # 0: not at all
    least: float


WAYS = (
    Way(0, 0.0),
    *(Way(neighbors, LEAST_SCALE) for neighbors in (10, NEIGHBORS, 50)),
    *(Way(NEIGHBORS, least) for least in (0.03, 0.05, 0.1)),
)


class Corpus(NamedTuple):
    """A labelled set among others."""

    kind: str  # 'fnc1', 'multiling', or 'event' for a set with event labels
    name: str
    others: int
    ready: Prepared
    gold: list[Any]
    events: Any


def corpora(*, quick: bool) -> Iterator[Corpus]:
    """The labelled sets, alone and among others."""
    rounded_up = {article.id for article in data_set("roundup_full_dev")}
    strangers = [article for article in data_set("allsides_12k") if article.id not in rounded_up]
    sizes = OTHERS[:-1] if quick else OTHERS
    languages: dict[str, list[sc.Article]] = {}
    for article in data_set("multiling2011"):
        languages.setdefault(article.lang or "", []).append(article)
    sets = [("fnc1", "fnc1_train", data_set("fnc1_train"), sizes)]
    sets += [
        ("multiling", f"multiling2011 {name}", articles, sizes if name == "en" else (0,))
        for name, articles in sorted(languages.items())
    ]
    sets += [("event", name, data_set(name), (0,)) for name in EVENT_SETS]
    for kind, name, articles, own_sizes in sets:
        gold = [article.record.get("story") for article in articles]
        for others in own_sizes:
            ready = prepare([*articles, *strangers[:others]], n_jobs=-1)
            events = find_events(ready.graph, ready.times, EVENT_DISTANCE, EVENT_WINDOW)
            print(name, others, flush=True)
            yield Corpus(kind, name, others, ready, gold, events)


def scales_of(graph: sparse.csr_array, way: Way) -> Any:
    """Scale of each row."""
    largest = (
        np.sort(graph.data[begin:end])[::-1][: way.neighbors].sum()
        for begin, end in zip(graph.indptr[:-1], graph.indptr[1:], strict=True)
    )
    return np.maximum(np.fromiter(largest, float, graph.shape[0]) / way.neighbors, way.least)


def scores_of(corpus: Corpus, way: Way) -> list[sc.Scores]:
    """Scores of the threads at every distance."""
    graph, events = corpus.ready.graph, corpus.events
    if way.neighbors:
        graph = scale_graph(graph, scales_of(graph, way))
    n, n_events = graph.shape[0], int(events.max()) + 1
    membership = sparse.csr_array((np.ones(n), (np.arange(n), events)), shape=(n, n_events))
    sums = sparse.csr_array(membership.T @ graph @ membership)
    sums.sort_indices()
    last = DISTANCES[-1]
    merges = below(agglomerate(sums, np.bincount(events), max_distance=last), last)
    place = corpus.ready.place[: len(corpus.gold)]
    labels = (cut(merges, n_events, distance)[events][place].tolist() for distance in DISTANCES)
    return [sc.evaluate(corpus.gold, own) for own in labels]


def main() -> None:
    """Measure and write."""
    quick = "--quick" in sys.argv[1:]
    all_sets = list(corpora(quick=quick))
    rows, each = [], []
    for way in WAYS:
        curves: dict[str, list[Any]] = {}
        precisions = []
        for corpus in all_sets:
            scores = scores_of(corpus, way)
            f1 = np.array([score.f1 for score in scores])
            curves.setdefault(corpus.kind, []).append(f1)
            if corpus.kind == "event":
                precisions.append([score.precision for score in scores])
                continue
            default = DISTANCES.index(THREAD_DISTANCE)
            each.append(
                {
                    "set": corpus.name, "others": corpus.others, "neighbors": way.neighbors,
                    "least scale": way.least, "F1 at the default": round(float(f1[default]), 4),
                    "best distance": DISTANCES[int(np.argmax(f1))], "F1 there": round(float(f1.max()), 4),
                }
            )  # fmt: skip
        means = {kind: np.mean(curves[kind], axis=0) for kind in ("fnc1", "multiling")}
        best = int(np.argmax(sum(means.values())))
        other = {"fnc1": int(np.argmax(means["multiling"])), "multiling": int(np.argmax(means["fnc1"]))}
        lost = [curve.max() - curve[best] for kind in means for curve in curves[kind]]
        row: dict[str, Any] = {
            "neighbors": way.neighbors or "not scaled", "least scale": way.least or "",
            "distance": DISTANCES[best],
            **{kind: round(float(mean[best]), 4) for kind, mean in means.items()},
            **{f"{kind}, distance of the other": round(float(means[kind][other[kind]]), 4) for kind in means},
            "lost to the best of each": round(float(np.mean(lost)), 4),
            "precision": round(float(np.mean(precisions, axis=0)[best]), 4),
        }  # fmt: skip
        rows.append(row)
    print(table(rows))
    if not quick:
        print("written to", write_results("threads", "python benchmarks/bench_threads.py", rows, sets=each))


if __name__ == "__main__":
    main()
