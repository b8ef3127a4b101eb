"""The living store: how fast it takes articles in, its size, and how near it comes to the batch.

    python benchmarks/bench_store.py [--sizes 10000 100000 1000000]

Synthetic articles of 2.5 KB (`make_newswire`) are added in batches of 1,000, on two threads; at each size the
next ten batches are timed, then single articles, one by one; then the file is opened anew by another process,
which adds one more. Labelled sets (with STORYCLUST_DATA set) are added in order of date in batches of 50 and
scored as they lie then, after `consolidate()`, which takes the last 30 days, and after `consolidate(None)`,
beside what `StoryClusterer` finds in the whole. Writes results/store.json.
"""

from __future__ import annotations

import argparse
import itertools
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

import storyclust as sc
from bench_stories import labelled_sets
from common import EXAMPLES, forget_peak, peak_megabytes, table, write_results

SIZES = (10_000, 100_000, 1_000_000)
BATCH, TIMED_BATCHES, SINGLES = 1_000, 10, 500
STREAMED = 50  # articles of a batch of the labelled sets


def measure_growth(sizes: list[int], path: Path) -> list[dict[str, Any]]:
    """Let a store grow, and measure it at some sizes."""
    more = TIMED_BATCHES * BATCH + SINGLES
    made = iter(sc.datasets.make_newswire(sizes[-1] + len(sizes) * more, random_state=0))
    rows, stored = [], 0
    with sc.NewsStore.open(path, n_jobs=-1) as store:
        store.add(sc.read_articles(EXAMPLES / "newsdesk.jsonl"))  # kernels compiled
        store.remove([article.id for article in sc.read_articles(EXAMPLES / "newsdesk.jsonl")])
        forget_peak()
        for size in sizes:
            seconds, text = 0.0, 0
            while stored < size:
                batch = list(itertools.islice(made, min(BATCH, size - stored)))
                seconds += taken(lambda batch=batch: store.add(batch))
                stored += len(batch)
            batches = [list(itertools.islice(made, BATCH)) for _ in range(TIMED_BATCHES)]
            times = [taken(lambda batch=batch: store.add(batch)) for batch in batches]
            singles = list(itertools.islice(made, SINGLES))
            each = [1e3 * taken(lambda article=article: store.add([article])) for article in singles]
            stored += TIMED_BATCHES * BATCH + SINGLES
            text = text_bytes(path)
            rows.append({
                "stored": size,
                "articles/s": round(BATCH / float(np.median(times))),
                "slowest batch, s": round(max(times), 2),
                "one, ms (p50)": round(float(np.percentile(each, 50)), 1),
                "one, ms (p99)": round(float(np.percentile(each, 99)), 1),
                "bytes an article besides its text": round((file_bytes(path) - text) / stored),
                "opened anew and one added, s": opened_anew(path),
                "peak GB": round(peak_megabytes() / 1e3, 2),
            })  # fmt: skip
            print(table(rows[-1:]), flush=True)
    return rows


def taken(work: Any) -> float:
    """Seconds that something takes."""
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def file_bytes(path: Path) -> int:
    """Bytes of the file, its log written back."""
    import sqlite3

    connection = sqlite3.connect(path)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    return path.stat().st_size


def text_bytes(path: Path) -> int:
    """Bytes of all titles and texts stored."""
    import sqlite3

    connection = sqlite3.connect(path)
    query = "SELECT sum(length(CAST(text AS BLOB)) + length(CAST(title AS BLOB))) FROM articles"
    total = connection.execute(query).fetchone()[0]
    connection.close()
    return int(total)


OPENED_ANEW = """
import sys, time, storyclust as sc
begin = time.perf_counter()
with sc.NewsStore.open(sys.argv[1]) as store:
    store.add([{"id": sys.argv[2], "text": "The ferry Selka struck the pier on Monday. " + sys.argv[2]}])
print(time.perf_counter() - begin)
"""


def opened_anew(path: Path) -> float:
    """Seconds in which another process opens the store and adds one article; median of three."""
    seconds = []
    for k in range(3):
        command = [sys.executable, "-c", OPENED_ANEW, str(path), f"anew-{time.time_ns()}-{k}"]
        output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        seconds.append(float(output))
    return round(float(np.median(seconds)), 2)


def measure_quality(name: str, level: str, articles: list[sc.Article]) -> dict[str, Any]:
    """Score a labelled set that was streamed, and consolidated, beside the batch."""
    in_order = sorted(articles, key=lambda a: a.published.timestamp() if a.published else 0.0)
    gold = [article.record.get("story") for article in in_order]
    whole = sc.StoryClusterer().fit(in_order)
    row: dict[str, Any] = {"set": name, "level": level, "articles": len(articles)}
    row["batch"] = f1(gold, whole.event_labels_ if level == "event" else whole.labels_)
    with tempfile.TemporaryDirectory() as folder, sc.NewsStore.open(Path(folder, "news.db")) as store:
        for start in range(0, len(in_order), STREAMED):
            store.add(in_order[start : start + STREAMED])
        row["streamed"] = f1(gold, stored_labels(store, in_order, level))
        store.consolidate()
        row["last 30 days consolidated"] = f1(gold, stored_labels(store, in_order, level))
        store.consolidate(None)
        row["all consolidated"] = f1(gold, stored_labels(store, in_order, level))
        problems = store.check()
    if problems:
        raise SystemExit(f"{name}: the store is not sound: {problems}")
    return row


def f1(gold: list[Any], labels: Any) -> float:
    """B-cubed F1, rounded."""
    return round(sc.evaluate(gold, [int(label) for label in labels]).f1, 4)


def stored_labels(store: sc.NewsStore, articles: list[sc.Article], level: str) -> list[int]:
    """Events or threads of articles as the store has them."""
    return [getattr(store.article(article.id), level) for article in articles]


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sizes", type=int, nargs="+", default=list(SIZES))
    options = parser.parse_args()
    quality = [measure_quality(*labelled) for labelled in labelled_sets()]
    print(table(quality), flush=True)
    with tempfile.TemporaryDirectory() as folder:
        rows = measure_growth(sorted(options.sizes), Path(folder, "news.db"))
    command = "python benchmarks/bench_store.py"
    print("written to", write_results("store", command, rows, quality=quality))


if __name__ == "__main__":
    main()
