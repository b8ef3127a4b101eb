"""New articles assigned to fitted threads, against a fit of all articles together.

    python benchmarks/bench_predict.py [--quick]

Reads three labelled sets in the folder named by STORYCLUST_DATA. Of each, a random 80% is fitted, and
`StoryClusterer.predict` assigns the others, five times (`--quick`: once). An article whose story is among the
fitted ones is right in the thread that has most fitted articles of its story, any other article is right with
-1. In the fit of all articles together, an article counts as assigned to the fitted articles in its thread,
and as -1 if there are none. Labels of roundup and ecbplus are those of events: a thread with several of them,
and so an article of a new event in a known thread, counts as wrong. Writes results/predict.json.
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

import storyclust as sc
from common import data_set, table, write_results
from storyclust.evaluation.metrics import b_cubed, harmonic, number_labels

SETS = ("fnc1_train", "roundup_full_dev", "ecbplus_dev")
FITTED = 0.8
WAYS = ("predict", "fit of all")


def main_threads(threads: NDArray[np.int64], gold: list[Any]) -> dict[Any, int]:
    """Thread that has most fitted articles of each story; of several, the first."""
    counts: dict[Any, Counter[int]] = {}
    for thread, story in zip(threads.tolist(), gold, strict=True):
        counts.setdefault(story, Counter())[thread] += 1
    return {story: min(found, key=lambda t: (-found[t], t)) for story, found in counts.items()}


def b_cubed_f1(gold: list[Any], labels: NDArray[np.int64], scored: NDArray[np.int64]) -> float:
    """B-cubed F1 of some articles among all; -1 stands for a thread of one article."""
    alone = labels < 0
    labels = labels.copy()
    labels[alone] = labels.max() + 1 + np.arange(alone.sum())
    shares = b_cubed(number_labels(gold), number_labels(labels.tolist()))
    return harmonic(*(float(share[scored].mean()) for share in shares))


def measure(articles: list[sc.Article], seed: int) -> list[dict[str, float]]:
    """Scores of both ways on one split."""
    gold = [article.record["story"] for article in articles]
    order = np.random.default_rng(seed).permutation(len(articles))
    fitted, new = np.split(order, [int(FITTED * len(articles))])
    stories = sc.StoryClusterer(n_jobs=-1).fit([articles[row] for row in fitted])
    stories.predict([articles[new[0]]])  # which indexes the fitted articles
    begin = time.perf_counter()
    assigned = stories.predict([articles[row] for row in new])
    seconds = time.perf_counter() - begin
    labels = np.empty(len(articles), np.int64)
    labels[fitted], labels[new] = stories.labels_, assigned
    together = sc.StoryClusterer(n_jobs=-1).fit(articles).labels_
    gold_fitted = [gold[row] for row in fitted]
    is_known = np.array([gold[row] in set(gold_fitted) for row in new])
    rows = []
    for way, found in zip(WAYS, (labels, together), strict=True):
        main = main_threads(found[fitted], gold_fitted)
        has_fitted = np.isin(found[new], found[fitted])
        given = np.where(has_fitted, found[new], -1)
        right = given == np.array([main.get(gold[row], -1) for row in new])
        rows.append(
            {
                "accuracy": right.mean(),
                "story fitted": right[is_known].mean(),
                "story new": right[~is_known].mean() if not is_known.all() else np.nan,
                "B-cubed F1": b_cubed_f1(gold, found, new),
                "articles/s": len(new) / seconds if way == "predict" else np.nan,
                "new": 1 - is_known.mean(),
            }
        )
    return rows


def main() -> None:
    """Measure and write."""
    quick = "--quick" in sys.argv[1:]
    rows = []
    for name in SETS:
        articles = [article for article in data_set(name) if article.record.get("story") is not None]
        runs = [measure(articles, seed) for seed in range(1 if quick else 5)]
        for k, way in enumerate(WAYS):
            row: dict[str, Any] = {"set": name, "articles": len(articles), "way": way}
            means = {score: float(np.mean([run[k][score] for run in runs])) for score in runs[0][k]}
            row["share of new stories"] = round(means.pop("new"), 3)
            speed = means.pop("articles/s")
            row |= {score: round(value, 4) for score, value in means.items() if not np.isnan(value)}
            if way == "predict":
                row["articles/s"] = round(speed)
            rows.append(row)
        print(table(rows[-2:]), flush=True)
    if not quick:
        print("written to", write_results("predict", "python benchmarks/bench_predict.py", rows))


if __name__ == "__main__":
    main()
