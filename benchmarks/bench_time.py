"""Time as a sign: events when similarities decay with the days between articles, and with a window only.

    python benchmarks/bench_time.py [--quick]

Reads the dated sets with event labels in the folder named by STORYCLUST_DATA, alone and among 1,000 and
12,000 articles of allsides that are not in a round-up, whole and thinned: in a thinned set three quarters of
the stories have only one article, because the labelled sets have nearly no articles without a second report.
Similarities are divided by the days between two articles to a power (0, 0.5, 1, 2), with and without a window
of seven days, and every distance from 0.85 to 0.96 is scored. Each way is scored at the one distance that is
best over all sets, and, leaving one set out, at the distance that is best over the others. `--quick` leaves
out the 12,000. Writes results/time.json.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from itertools import product
from typing import Any, NamedTuple

import numpy as np
from scipy import sparse

import storyclust as sc
from common import data_set, table, write_results
from storyclust.cluster.linkage import agglomerate, cut
from storyclust.stories.grouping import Prepared, prepare
from storyclust.stories.settings import EVENT_DISTANCE

SETS = ("ecbplus_dev", "vietnamese_dev", "roundup_full_dev", "roundup_leads_dev", "uci_news_sample")
OTHERS = (0, 1_000, 12_000)
POWERS, WINDOWS = (0.0, 0.5, 1.0, 2.0), (7.0, None)
DISTANCES = [k / 100 for k in range(85, 97)]
SINGLE = 0.75  # share of the stories of a thinned set that have one article


class Way(NamedTuple):
    """How time counts."""

    power: float
    window: float | None


def thinned(articles: list[sc.Article]) -> list[sc.Article]:
    """Articles, but only one of most stories."""
    rng = np.random.default_rng(0)
    stories: dict[Any, list[int]] = {}
    for row, article in enumerate(articles):
        stories.setdefault(article.record.get("story"), []).append(row)
    kept = [
        row for rows in stories.values() for row in (rng.choice(rows, 1) if rng.random() < SINGLE else rows)
    ]
    return [articles[row] for row in sorted(int(row) for row in kept)]


def corpora(*, quick: bool) -> Iterator[tuple[str, str, int, list[sc.Article], list[sc.Article]]]:
    """Name, make and number of others of each corpus; its labelled articles, and the others."""
    rounded_up = {article.id for article in data_set("roundup_full_dev")}
    strangers = [article for article in data_set("allsides_12k") if article.id not in rounded_up]
    for name in SETS:
        whole = data_set(name)
        made = {"whole": whole} if name == "uci_news_sample" else {"whole": whole, "thinned": thinned(whole)}
        for (make, articles), others in product(made.items(), OTHERS[:2] if quick else OTHERS):
            yield name, make, others, articles, strangers[:others]


def scores_of(ready: Prepared, gold: list[Any], way: Way) -> list[float]:
    """B-cubed F1 at every distance."""
    pairs = ready.graph.tocoo()
    gaps = np.abs(ready.times[pairs.row] - ready.times[pairs.col])
    window = np.inf if way.window is None else way.window
    near = ~(gaps > window)
    values = np.round(pairs.data / np.fmax(gaps, 1.0) ** way.power * 2.0**32) / 2.0**32
    ends = (pairs.row[near], pairs.col[near])
    graph = sparse.csr_array(sparse.coo_array((values[near], ends), shape=pairs.shape))
    graph.sort_indices()
    merges = agglomerate(graph, max_distance=DISTANCES[-1], times=ready.times, window=window)
    n = graph.shape[0]
    return [
        sc.evaluate(gold, cut(merges, n, distance)[ready.place[: len(gold)]].tolist()).f1
        for distance in DISTANCES
    ]


def rows_of(scores: dict[Way, dict[tuple[str, str, int], list[float]]]) -> list[dict[str, Any]]:
    """What each way reaches at one distance for all corpora, and at distances chosen on other sets."""
    rows = []
    for way, found in scores.items():
        mean = mean_of(found, lambda _: True)
        best = int(np.argmax(mean))
        without = {name: mean_of(found, lambda key, name=name: key[0] != name) for name in SETS}
        left_out = {name: int(np.argmax(curve)) for name, curve in without.items()}
        row: dict[str, Any] = {
            "power of days": way.power, "window": way.window or "none", "distance": DISTANCES[best],
            "F1": round(float(mean[best]), 4),
            "one set left out": round(float(np.mean([s[left_out[key[0]]] for key, s in found.items()])), 4),
        }  # fmt: skip
        for make, others in sorted({key[1:] for key in found}, reverse=True):
            row[f"{make}, {others:,} others"] = round(
                float(mean_of(found, lambda key, kind=(make, others): key[1:] == kind)[best]), 4
            )
        rows.append(row)
    return rows


def mean_of(found: dict[tuple[str, str, int], list[float]], wanted: Any) -> Any:
    """Mean over some corpora of the scores at every distance; each set counts once."""
    sets = [
        np.mean([scores for key, scores in found.items() if key[0] == name and wanted(key)], axis=0)
        for name in SETS
        if any(key[0] == name and wanted(key) for key in found)
    ]
    return np.mean(sets, axis=0)


def main() -> None:
    """Measure and write."""
    quick = "--quick" in sys.argv[1:]
    scores: dict[Way, dict[tuple[str, str, int], list[float]]] = {
        Way(power, window): {} for power, window in product(POWERS, WINDOWS)
    }
    for name, make, others, articles, strangers in corpora(quick=quick):
        ready = prepare([*articles, *strangers], n_jobs=-1)
        gold = [article.record.get("story") for article in articles]
        for way, found in scores.items():
            found[name, make, others] = scores_of(ready, gold, way)
        print(name, make, others, flush=True)
    rows = rows_of(scores)
    each = [
        {
            "set": name, "articles": make, "others": others, "power of days": way.power, "window": way.window,
            "distance": EVENT_DISTANCE, "F1": round(curve[DISTANCES.index(EVENT_DISTANCE)], 4),
            "F1 at the best distance": round(max(curve), 4),
        }
        for way, found in scores.items()
        for (name, make, others), curve in found.items()
    ]  # fmt: skip
    print(table(rows))
    if not quick:
        print("written to", write_results("time", "python benchmarks/bench_time.py", rows, sets=each))


if __name__ == "__main__":
    main()
