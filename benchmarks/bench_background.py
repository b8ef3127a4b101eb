"""What the background, the capped idf and the calibration by strangers do at different sizes.

    python benchmarks/bench_background.py background|drift

`background` scores English sets cut to 5 to 500 articles and buried in allsides up to 5,000, with the
background of English news, at its worth and at others, and without one, at the default distances, over
several random draws. Writes results/background.json.

`drift` finds the best distance of English sets alone and among 5,000 and 12,000 articles of allsides, with
and without the calibration by strangers and the cap on idf. Writes results/drift.json.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from itertools import product
from typing import Any

import numpy as np

import storyclust as sc
from bench_stories import labelled_sets
from common import data_set, table, write_results
from compare_stories import NO_CAP, graph_of
from storyclust.articles.ordering import canonical_order, times_of
from storyclust.evaluation.parameter_search import DISTANCES, USUAL, cut_all
from storyclust.stories.grouping import find_events, find_threads
from storyclust.text.background import Background

SETS = ("ecbplus_dev", "fnc1_train", "multiling2011 en")
DRAWS = {5: 40, 20: 30, 50: 20, 100: 10, 500: 10, 5_000: 3}
BURIED = 5_000
OTHERS = (0, 5_000, 12_000)
WINDOW = 7.0
WORTHS = (25.0, 100.0, 200.0)  # articles that the background counts for, besides its usual worth


class Kept:
    """Independent articles, and how to score groups of them."""

    def __init__(self, articles: list[sc.Article], labelled: int) -> None:
        dedup = sc.Deduplicator(excerpts="ignore").fit(articles)
        kept = canonical_order(articles, np.flatnonzero(dedup.keep_))
        place = np.empty(len(articles), np.int64)
        place[kept] = np.arange(len(kept))
        self.place = place[dedup.representatives_]
        self.articles = [articles[row] for row in kept]
        self.times = times_of(self.articles)
        self.gold = [a.record.get("story") if row < labelled else None for row, a in enumerate(articles)]

    def score(self, labels: Any) -> float:
        """B-cubed F1 over the labelled articles."""
        return sc.evaluate(self.gold, labels[self.place].tolist()).f1


def english_sets() -> Iterator[tuple[str, str, list[sc.Article]]]:
    """Name, level and articles of the sets in English."""
    yield from (found for found in labelled_sets() if found[0] in SETS)


# The background


def draw(articles: list[sc.Article], n: int, rng: np.random.Generator) -> list[sc.Article]:
    """`n` articles of whole stories, of which none gives more than half: there is something to tell apart."""
    stories: dict[Any, list[sc.Article]] = {}
    for article in articles:
        stories.setdefault(article.record["story"], []).append(article)
    names = sorted(stories)
    chosen: list[sc.Article] = []
    for number in rng.permutation(len(names)):
        members = stories[names[number]]
        rows = rng.permutation(len(members))[: min(n // 2, n - len(chosen))]
        chosen += [members[row] for row in sorted(rows)]
    return chosen


def background() -> None:
    """Score with the background and without, and write the table."""
    rows = []
    for name, level, articles in english_sets():
        for n, draws in DRAWS.items():
            if n < BURIED and n > len(articles):
                continue
            rows.append(measure(name, level, articles, n, draws))
            print(rows[-1], flush=True)
    print(table(rows))
    command = "python benchmarks/bench_background.py background"
    print("written to", write_results("background", command, rows))


def measure(name: str, level: str, articles: list[sc.Article], n: int, draws: int) -> dict[str, Any]:
    """Mean scores of one set at one size, and what the background makes of them."""
    usual = Background.load("english")
    backgrounds = [usual, None, *(usual._replace(worth=worth) for worth in WORTHS)]
    found = []
    for seed in range(draws):
        rng = np.random.default_rng(seed)
        kept = Kept(*(buried(articles, n, rng) if n >= BURIED else drawn(articles, n, rng)))
        found.append([kept.score(grouped(kept, level, background)) for background in backgrounds])
    scores = np.array(found)
    apart = scores[:, 0] - scores[:, 1]
    names = ["F1 with background", "F1 without", *(f"F1, worth {worth:g}" for worth in WORTHS)]
    return {
        "set": name,
        "level": level,
        "articles": n,
        "draws": draws,
        **{name: round(float(mean), 3) for name, mean in zip(names, scores.mean(axis=0), strict=True)},
        "difference": round(float(apart.mean()), 3),
        "standard error": round(float(apart.std(ddof=1) / np.sqrt(draws)), 3),
        "better, worse": f"{int((apart > 1e-9).sum())}, {int((apart < -1e-9).sum())}",
    }


def drawn(articles: list[sc.Article], n: int, rng: np.random.Generator) -> tuple[list[sc.Article], int]:
    """Some stories alone, all labelled."""
    return draw(articles, n, rng), n


def buried(articles: list[sc.Article], n: int, rng: np.random.Generator) -> tuple[list[sc.Article], int]:
    """A whole set among articles without labels, and how many have one."""
    others = data_set("allsides_12k")
    rows = rng.permutation(len(others))[: n - len(articles)]
    return [*articles, *(others[row] for row in rows)], len(articles)


def grouped(kept: Kept, level: str, background: Background | None) -> Any:
    """Groups at the default distances."""
    graph = graph_of(kept.articles, background=background)
    events = find_events(graph, kept.times, USUAL["event"], WINDOW)
    return events if level == "event" else find_threads(graph, events, USUAL["thread"])


# Drift


def drift() -> None:
    """Find the best distances, and write the table."""
    rows = []
    allsides = data_set("allsides_12k")
    for name, level, articles in english_sets():
        for others in OTHERS:
            kept = Kept([*articles, *allsides[:others]], len(articles))
            for calibrated, cap in product((True, False), (300.0, NO_CAP)):
                graph = graph_of(kept.articles, calibrated=calibrated, max_idf_ratio=cap)
                made = cut_all(graph, kept.times, level, WINDOW)
                scores = dict(zip(DISTANCES[level], map(kept.score, made), strict=True))
                rows.append(drift_row(name, level, others, calibrated, cap, scores))
                print(rows[-1], flush=True)
    print(table(rows))
    print("written to", write_results("drift", "python benchmarks/bench_background.py drift", rows))


def drift_row(
    name: str, level: str, others: int, calibrated: bool, cap: float, scores: dict[float, float]
) -> dict[str, Any]:
    """Best distance and what it is worth beside the default."""
    best = max(scores, key=lambda distance: (round(scores[distance], 4), -abs(distance - USUAL[level])))
    near = [distance for distance, score in scores.items() if score >= scores[best] - 0.01]
    return {
        "set": name,
        "level": level,
        "others": others,
        "strangers": "yes" if calibrated else "no",
        "idf": "capped" if cap != NO_CAP else "not capped",
        "best distance": best,
        "within 0.01 of it": f"{min(near):g} to {max(near):g}",
        "F1 at best": round(scores[best], 3),
        "F1 at the default": round(scores[USUAL[level]], 3),
    }


COMMANDS: dict[str, Callable[[], None]] = {"background": background, "drift": drift}


def main() -> None:
    """Run one of the two."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("what", choices=COMMANDS, help="what to measure")
    COMMANDS[arguments.parse_args().what]()


if __name__ == "__main__":
    main()
