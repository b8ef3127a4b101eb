"""Settings compared: what quality, time and memory each of them buys.

    python benchmarks/compare_settings.py copies|stories [--quick]

`copies` measures threshold x shingle size x permutations (bands as `choose_bands` takes them) on a seeded set
of 2,000 long articles and edited copies, against all pairs of the same threshold and shingle size, counted
exactly by other means. Writes results/settings-copies.json and, where matplotlib is installed,
results/settings-copies.png.

`stories` measures settings of StoryClusterer and other ways to cluster on the labelled sets, at every
threshold; see compare_stories. Writes results/settings-stories.json and results/settings-stories.png.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Callable, Sequence
from itertools import product
from pathlib import Path
from typing import Any

import storyclust as sc
from bench_copies import edited, long_texts, shingle_counts, similar_pairs, warm
from common import RESULTS, table, timed, write_results
from storyclust.dedup.estimators import MinHasher
from storyclust.dedup.lsh import candidate_pairs, collision_probability

THRESHOLDS = (0.6, 0.7, 0.8, 0.9)
SIZES = (2, 3, 5, 7)
PERMUTATIONS = (64, 128, 256)
MOST_EDITS = 0.10  # share of words edited in the copies: enough for pairs on both sides of every threshold


def edited_set(n: int, seed: int = 5) -> list[str]:
    """Half as many long articles as `n`, and as many edited copies of them, in random order."""
    rng = random.Random(seed)  # noqa: S311 - a benchmark, not a secret
    texts = [text for text in long_texts() if len(text.split()) >= 50][: n // 2]
    texts += [edited(rng.choice(texts), rng.uniform(0.0, MOST_EDITS), rng) for _ in range(n - len(texts))]
    rng.shuffle(texts)
    return texts


def copies(quick: bool) -> None:
    """Measure every setting of copies, and write the table and the figure."""
    texts = edited_set(200 if quick else 2_000)
    warm()
    rows = []
    for size in SIZES:
        gold = similar_pairs(shingle_counts(texts, size), min(THRESHOLDS))
        for threshold, num_perm in product(THRESHOLDS, PERMUTATIONS):
            rows.append(copies_row(texts, gold, threshold, size, num_perm))
            print(rows[-1], flush=True)
    rows.sort(key=lambda row: (row["threshold"], row["shingle size"], row["permutations"]))
    print(table(rows))
    name = "settings-copies" + ("-quick" if quick else "")
    command = "python benchmarks/compare_settings.py copies" + (" --quick" if quick else "")
    megabytes = round(sum(len(text.encode()) for text in texts) / 1e6, 1)
    print("written to", write_results(name, command, rows, texts=len(texts), megabytes=megabytes))
    print("drawn in", draw_copies(rows, RESULTS / f"{name}.png") or "no figure: matplotlib is not installed")


def copies_row(texts: list[str], gold: Any, threshold: float, size: int, num_perm: int) -> dict[str, Any]:
    """Quality, time and memory of one setting."""
    pairs, similarity = gold
    above = similarity >= threshold - 1e-12
    right = {(int(i), int(j)) for i, j in pairs[above]}
    dedup, seconds = timed(lambda: sc.Deduplicator(threshold, num_perm, size).fit(texts))
    found = {(int(i), int(j)) for i, j in dedup.pairs_}
    signatures = MinHasher(num_perm, size).sign(list(dict.fromkeys(texts))).signatures
    candidates = candidate_pairs(signatures, dedup.bands_)
    large = sum(len(bucket) for bucket in candidates.large_buckets)  # too many texts of one key to be paired
    foreseen = collision_probability(similarity[above], dedup.bands_)
    return {
        "threshold": threshold,
        "shingle size": size,
        "permutations": num_perm,
        "bands": f"{dedup.bands_.bands} x {dedup.bands_.rows}",
        "gold pairs": len(right),
        "expected recall at the threshold": round(dedup.expected_recall_, 4),
        "expected recall of these pairs": round(float(foreseen.mean()), 4) if len(foreseen) else None,
        "recall": round(len(found & right) / len(right), 4) if right else None,
        "precision": round(len(found & right) / len(found), 4) if found else None,
        "candidates a text": round((len(candidates.pairs) + large) / len(texts), 3),
        "seconds": round(seconds, 3),
        "signature bytes a text": signatures.nbytes // len(signatures),
    }


def draw_copies(rows: Sequence[dict[str, Any]], path: Path) -> Path | None:
    """Draw recall over expected recall, and candidates over threshold."""
    try:
        import matplotlib as mpl
    except ImportError:
        return None
    mpl.use("Agg")
    from matplotlib import pyplot as plt

    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4.2), layout="constrained")
    marks = dict(zip(PERMUTATIONS, "os^", strict=True))
    colours = {size: f"C{k}" for k, size in enumerate(SIZES)}
    for size, num_perm in product(SIZES, PERMUTATIONS):
        chosen = [
            row
            for row in rows
            if (row["shingle size"], row["permutations"]) == (size, num_perm) and row["recall"] is not None
        ]
        style = {"color": colours[size], "marker": marks[num_perm]}
        x = [row["expected recall of these pairs"] for row in chosen]
        left.plot(x, [row["recall"] for row in chosen], linestyle="none", alpha=0.7, **style)
        x = [row["threshold"] for row in chosen]
        right.plot(x, [row["candidates a text"] for row in chosen], alpha=0.7, **style)
    for size, colour in colours.items():
        left.plot([], [], color=colour, label=f"shingles of {size}")
    for num_perm, mark in marks.items():
        left.plot([], [], color="0.3", marker=mark, linestyle="none", label=f"{num_perm} permutations")
    low = min(*left.get_xlim(), *left.get_ylim())
    left.plot([low, 1], [low, 1], color="0.6", linestyle="--", zorder=0)
    left.locator_params(axis="x", nbins=5)
    left.set(xlabel="expected recall of the pairs at or above the threshold", ylabel="recall")
    left.legend(fontsize="small")
    right.set(xlabel="threshold", ylabel="candidates a text", yscale="log", xticks=THRESHOLDS)
    figure.savefig(path, dpi=120)
    plt.close(figure)
    return path


def stories(quick: bool) -> None:
    """Measure settings of stories, and peers."""
    from compare_stories import compare

    compare(quick=quick)


COMMANDS: dict[str, Callable[[bool], None]] = {"copies": copies, "stories": stories}


def main() -> None:
    """Run one comparison."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("what", choices=COMMANDS, help="which settings to compare")
    arguments.add_argument("--quick", action="store_true", help="a tenth of the articles, or two sets")
    chosen = arguments.parse_args()
    COMMANDS[chosen.what](chosen.quick)


if __name__ == "__main__":
    main()
