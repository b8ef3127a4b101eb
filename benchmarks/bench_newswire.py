"""Synthetic news beside real news: how alike related articles are, how fast it is made, how hard it is.

    python benchmarks/bench_newswire.py [--articles N]

Draws the cosine similarities, under `NewsVectorizer`, of three kinds of pairs: reports of one event written
apart, reports of one story thread on different events, and strangers. Real ones come from the labelled sets
of the folder named by STORYCLUST_DATA: events from ecbplus and Vietnamese; threads from fnc1 (whose
labels do not tell events apart) and from multiling in English, articles more than two days apart; strangers
from these and allsides. Each set counts the same, and no group of articles gives more than 50 pairs. Copies
are left out. The synthetic corpus is then clustered and deduplicated at the default settings. Writes
results/newswire.json and, where matplotlib is installed, results/newswire.png.
"""

from __future__ import annotations

import argparse
import random
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import storyclust as sc
from common import RESULTS, data_folder, data_set, table, write_results

if TYPE_CHECKING:
    from numpy.typing import NDArray

KINDS = ("one event", "one thread", "strangers")
PERCENTAGES = (5, 25, 50, 75, 95, 99)
MOST_PAIRS = 50  # of a group
STRANGERS = 200_000
DAYS_APART = 2.0
NAME = "newswire"

Pair = tuple[int, int]
Similarities = dict[str, dict[str, "NDArray[np.float64]"]]


def groups_of(labels: Iterable[Any]) -> list[list[int]]:
    """Rows of each label that several articles have."""
    rows = defaultdict(list)
    for row, label in enumerate(labels):
        rows[label].append(row)
    return [members for members in rows.values() if len(members) > 1]


def related_pairs(labels: Sequence[Any], wanted: Callable[[int, int], bool]) -> list[Pair]:
    """Wanted pairs inside the groups, the same number at most of each."""
    rng = random.Random(0)  # noqa: S311 - a benchmark, not a secret
    chosen: list[Pair] = []
    for rows in groups_of(labels):
        members = rng.sample(rows, 200) if len(rows) > 200 else rows
        pairs = [pair for pair in combinations(sorted(members), 2) if wanted(*pair)]
        chosen += rng.sample(pairs, MOST_PAIRS) if len(pairs) > MOST_PAIRS else pairs
    return chosen


def strange_pairs(labels: Sequence[Any]) -> list[Pair]:
    """Random pairs of different groups."""
    drawn = np.random.default_rng(0).integers(0, len(labels), (STRANGERS, 2)).tolist()
    return [(i, j) for i, j in drawn if labels[i] != labels[j]]


def similarities(vectors: Any, pairs: Sequence[Pair]) -> NDArray[np.float64]:
    """Cosine similarity of each pair."""
    i, j = np.array(pairs).T
    return np.asarray(vectors[i].multiply(vectors[j]).sum(axis=1), dtype=np.float64).ravel()


def days_apart(one: sc.Article, other: sc.Article) -> float:
    """Days between two articles, 0 where one has no date."""
    if one.published is None or other.published is None:
        return 0.0
    return abs((one.published - other.published).total_seconds()) / 86_400


def real_similarities() -> Similarities:
    """Of each kind of pair, by set."""
    found: Similarities = {kind: {} for kind in KINDS}
    for name in ("ecbplus_dev", "vietnamese_dev", "fnc1_train", "multiling2011"):
        articles = [article for article in data_set(name) if name != "multiling2011" or article.lang == "en"]
        vectors = sc.NewsVectorizer().fit_transform(articles)
        copies = sc.Deduplicator().fit(articles).labels_
        stories = [article.record["story"] for article in articles]
        least = DAYS_APART if name == "multiling2011" else 0.0

        def wanted(
            i: int, j: int, articles: Any = articles, copies: Any = copies, least: float = least
        ) -> bool:
            return copies[i] != copies[j] and days_apart(articles[i], articles[j]) >= least

        kind = KINDS[0] if name in ("ecbplus_dev", "vietnamese_dev") else KINDS[1]
        found[kind][name] = similarities(vectors, related_pairs(stories, wanted))
        broader = [article.record.get("topic") or article.record["story"] for article in articles]
        found[KINDS[2]][name] = similarities(vectors, strange_pairs(broader))
    articles = data_set("allsides_12k")
    vectors = sc.NewsVectorizer().fit_transform(articles)
    found[KINDS[2]]["allsides_12k"] = similarities(vectors, strange_pairs(range(len(articles))))
    return found


def synthetic_similarities(articles: Sequence[sc.Article]) -> dict[str, NDArray[np.float64]]:
    """Of each kind of pair."""
    vectors = sc.NewsVectorizer().fit_transform(articles)
    stories, events = ([article.record[name] for article in articles] for name in ("story", "event"))
    texts = [article.record["duplicate_of"] or article.id for article in articles]
    pairs = (
        related_pairs(events, lambda i, j: texts[i] != texts[j]),
        related_pairs(stories, lambda i, j: events[i] != events[j]),
        strange_pairs(stories),
    )
    return {kind: similarities(vectors, chosen) for kind, chosen in zip(KINDS, pairs, strict=True)}


def pooled_quantiles(sets: Iterable[NDArray[np.float64]], at: NDArray[np.float64]) -> NDArray[np.float64]:
    """Quantiles of sets that count the same, however large."""
    grids = [np.quantile(values, np.linspace(0, 1, 2_001)) for values in sets]
    return np.asarray(np.quantile(np.concatenate(grids), at), dtype=np.float64)


def quantile_rows(real: Similarities, synthetic: dict[str, NDArray[np.float64]]) -> Iterator[dict[str, Any]]:
    """One row for each kind and origin of pairs."""
    at = np.array(PERCENTAGES) / 100
    for kind in KINDS:
        sets = real.get(kind, {})
        listed = [(name, [values]) for name, values in sets.items()]
        if sets:
            listed.append(("real, all sets", list(sets.values())))
        listed.append(("synthetic", [synthetic[kind]]))
        for name, values in listed:
            shown = (f"{value:.3f}" for value in pooled_quantiles(values, at))
            quantiles = {f"{p}%": float(value) for p, value in zip(PERCENTAGES, shown, strict=True)}
            yield {"pairs of": kind, "in": name, "number": sum(map(len, values)), **quantiles}


def speed(n: int) -> dict[str, float]:
    """How fast articles are made on one core, none of them kept."""
    next(sc.datasets.make_newswire(1))
    begin, characters = time.perf_counter(), 0
    for article in sc.datasets.make_newswire(n):
        characters += len(article.text)  # all ASCII
    seconds = time.perf_counter() - begin
    return {
        "articles": n,
        "MB": round(characters / 1e6, 1),
        "seconds": round(seconds, 2),
        "MB/s": round(characters / 1e6 / seconds, 1),
        "articles/s": round(n / seconds),
    }


def clustered(articles: Sequence[sc.Article]) -> dict[str, dict[str, float]]:
    """Scores of events and threads at the default settings."""
    stories = sc.StoryClusterer(n_jobs=1).fit(articles)
    found = {}
    for level, labels in (("event", stories.event_labels_), ("story", stories.labels_)):
        scores = sc.evaluate([article.record[level] for article in articles], labels.tolist())
        found[level] = {
            key: round(getattr(scores, key), 3) for key in ("precision", "recall", "f1", "pair_f1")
        }
    return found


def deduplicated(articles: Sequence[sc.Article]) -> dict[str, float]:
    """How many of the copies are found as such, or as excerpts, and what else is."""
    dedup = sc.Deduplicator(n_jobs=1).fit(articles)
    row_of = {article.id: row for row, article in enumerate(articles)}
    texts = [article.record["duplicate_of"] or article.id for article in articles]
    kept = dedup.representatives_
    excerpts = {frozenset(pair) for pair in dedup.excerpts_.tolist()}
    copies = [(row, row_of[text]) for row, text in enumerate(texts) if row_of[text] != row]
    near = [dedup.labels_[i] == dedup.labels_[j] for i, j in copies]
    cut = [frozenset((kept[i], kept[j])) in excerpts for i, j in copies]
    return {
        "copies": len(copies),
        "found": round(float(np.mean(near)), 3),
        "found, excerpts counted": round(float(np.mean(np.logical_or(near, cut))), 3),
        "groups": len(dedup.groups_),
        "groups of different texts": sum(
            len({texts[row] for row in group.members}) > 1 for group in dedup.groups_
        ),
        "excerpts": len(dedup.excerpts_),
        "excerpts of other texts": sum(texts[i] != texts[j] for i, j in dedup.excerpts_),
    }


def draw(real: Similarities, synthetic: dict[str, NDArray[np.float64]], path: Path) -> Path | None:
    """Draw the share of pairs above each similarity."""
    try:
        import matplotlib as mpl
    except ImportError:
        return None
    mpl.use("Agg")
    from matplotlib import pyplot as plt

    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4.2), layout="constrained")
    at = np.linspace(0, 1, 1_001)
    for number, kind in enumerate(KINDS):
        colour, axes = f"C{number}", right if kind == "strangers" else left
        for values in real.get(kind, {}).values():
            axes.plot(pooled_quantiles([values], at), at, color=colour, alpha=0.3, linewidth=0.8)
        if kind in real:
            axes.plot(pooled_quantiles(real[kind].values(), at), at, color=colour, label=f"{kind}, real")
        values = pooled_quantiles([synthetic[kind]], at)
        axes.plot(values, at, color=colour, linestyle="--", label=f"{kind}, synthetic")
    left.set(xlim=(0, 0.8))
    right.set(xlim=(0, 0.08))
    for axes in (left, right):
        axes.set(xlabel="cosine similarity", ylabel="share of pairs below it", ylim=(0, 1))
        axes.legend(fontsize="small", loc="lower right")
    figure.suptitle("Thick: sets pooled, each counting the same. Thin: each real set.", fontsize="small")
    figure.savefig(path, dpi=120)
    plt.close(figure)
    return path


def main() -> None:
    """Measure, write and draw."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--articles", type=int, default=10_000, help="size of the corpus (default 10,000)")
    n = arguments.parse_args().articles
    articles = list(sc.datasets.make_newswire(n))
    real = real_similarities() if data_folder() is not None else {}
    synthetic = synthetic_similarities(articles)
    rows = list(quantile_rows(real, synthetic))
    facts: dict[str, Any] = {
        "articles": n,
        "made": [speed(n), speed(10 * n)],
        "scores": clustered(articles),
        "duplicates": deduplicated(articles),
    }
    print(table(rows))
    print(facts)
    print(
        "written to",
        write_results(NAME, f"python benchmarks/bench_newswire.py --articles {n}", rows, **facts),
    )
    print("drawn in", draw(real, synthetic, RESULTS / f"{NAME}.png") or "no figure: matplotlib is missing")


if __name__ == "__main__":
    main()
