"""Page furniture: what leaving it out does to threads of scraped news, to labelled sets and to small piles.

    python benchmarks/bench_furniture.py [--quick]

- Outlets: threads of ten and more articles of allsides_12k of which 80% come from one outlet. Page furniture
  makes such threads; a few are true series of one outlet.
- Sets: B-cubed F1 at the level that the labels of each set speak of, with furniture left out and with whole
  texts.
- Piles: one article a story with a newsletter and copyright footer on all, half and one in five. Counted
  are the piles whose threads are not those of the same articles without footers, of 40 (two footers, as
  paragraphs of their own or not, ten seeds).
- Time: seconds from articles to threads on allsides_12k, medians of three in turn.

Reads the folder named by STORYCLUST_DATA. `--quick` leaves out the sets and the time. Writes
results/furniture.json.
"""

from __future__ import annotations

import random
import statistics
import sys
import time
import warnings
from collections import Counter
from dataclasses import replace
from typing import Any

import storyclust as sc
from bench_stories import labelled_sets
from common import EXAMPLES, data_set, table, write_results

FOOTERS = (
    "Sign up for our morning newsletter to get the best of the Gazette in your inbox every day. Copyright "
    "2024 Gazette Media Group. All rights reserved.",
    "Get the day's headlines delivered to your phone with the Courier app, free for subscribers. © 2024 "
    "Courier Newspapers Ltd, no part may be reproduced without permission.",
)
SEPARATORS = ("\n\n", " ")
PILES = (8, 20, 31, 100)
SHARES = (1.0, 0.5, 0.2)
SEEDS = 10
LARGE, ONE_OUTLET = 10, 0.8
REPEATS = 3


def outlets(articles: list[sc.Article], clean: bool) -> dict[str, Any]:
    """Count the large threads, and those of one outlet."""
    stories = sc.StoryClusterer(clean=clean, n_jobs=-1).fit(articles)
    large = [thread for thread in stories.threads_ if len(thread) >= LARGE]
    most = [max(Counter(articles[row].source for row in thread.members).values()) for thread in large]
    one = [thread for thread, count in zip(large, most, strict=True) if count >= ONE_OUTLET * len(thread)]
    return {
        "measure": "threads of one outlet",
        "clean": clean,
        "large threads": len(large),
        "of one outlet": len(one),
        "articles in these": sum(map(len, one)),
    }


def score(name: str, level: str, articles: list[sc.Article]) -> dict[str, Any]:
    """Score one set with and without furniture."""
    gold = [article.record["story"] for article in articles]
    found = {}
    for clean in (True, False):
        stories = sc.StoryClusterer(clean=clean, n_jobs=-1).fit(articles)
        labels = stories.event_labels_ if level == "event" else stories.labels_
        found["F1 clean" if clean else "F1 whole"] = round(sc.evaluate(gold, labels.tolist()).f1, 4)
    return {"measure": "B-cubed", "set": name, "level": level, **found}


def piles(name: str, articles: list[sc.Article], n: int) -> dict[str, Any]:
    """Count the piles whose threads a footer changes."""
    by_story: dict[str, list[sc.Article]] = {}
    for article in articles:
        by_story.setdefault(article.record["story"], []).append(article)
    changed = dict.fromkeys(SHARES, 0)
    for seed in range(SEEDS):
        rng = random.Random(seed)  # noqa: S311 - nothing secret here
        chosen = [rng.choice(by_story[story]) for story in rng.sample(sorted(by_story), n)]
        plain = partition(chosen)
        for footer in FOOTERS:
            for separator in SEPARATORS:
                for share in SHARES:
                    rows = set(rng.sample(range(n), max(1, round(share * n))))
                    boxed = [
                        replace(a, text=f"{a.text}{separator}{footer}") if row in rows else a
                        for row, a in enumerate(chosen)
                    ]
                    changed[share] += partition(boxed) != plain
    tries = SEEDS * len(FOOTERS) * len(SEPARATORS)
    counts = {f"changed at {share:.0%}": f"{count} of {tries}" for share, count in changed.items()}
    return {"measure": "footers", "set": name, "articles": n, **counts}


def partition(articles: list[sc.Article]) -> tuple[int, ...]:
    """Threads of articles, numbered by their first article."""
    numbers: dict[int, int] = {}
    labels = sc.StoryClusterer().fit(articles).labels_.tolist()
    return tuple(numbers.setdefault(label, len(numbers)) for label in labels)


def times(articles: list[sc.Article]) -> dict[str, Any]:
    """Time the whole job with and without furniture, in turn."""
    seconds: dict[bool, list[float]] = {True: [], False: []}
    for _ in range(REPEATS):
        for leave_out, taken in seconds.items():
            begin = time.perf_counter()
            sc.StoryClusterer(clean=leave_out, n_jobs=-1).fit(articles)
            taken.append(time.perf_counter() - begin)
    clean, whole = (statistics.median(seconds[key]) for key in (True, False))
    return {
        "measure": "seconds to threads",
        "clean": round(clean, 2),
        "whole": round(whole, 2),
        "ratio": round(clean / whole, 3),
    }


def main() -> None:
    """Measure everything and write the results."""
    warnings.simplefilter("ignore", sc.StoryclustWarning)
    scraped, examples = data_set("allsides_12k"), sc.read_articles(EXAMPLES / "newsdesk.jsonl")
    leads = data_set("roundup_leads_dev")
    rows = [outlets(scraped, clean) for clean in (True, False)]
    for name, articles in (("examples", examples), ("roundup_leads_dev", leads)):
        stories = len({article.record["story"] for article in articles})
        rows += [piles(name, articles, n) for n in PILES if n <= stories]
    if "--quick" not in sys.argv:
        full = data_set("roundup_full_dev")
        more = [("roundup_full_dev", "event", full), ("roundup_leads_dev", "event", leads)]
        rows += [score(*each) for each in [*labelled_sets(), *more]]
        rows.append(times(scraped))
    for measure in dict.fromkeys(row["measure"] for row in rows):
        print(f"\n{table([row for row in rows if row['measure'] == measure])}")
    write_results("furniture", "python benchmarks/bench_furniture.py", rows)


if __name__ == "__main__":
    main()
