"""The living store: how fast it takes articles in, its size, and how near it comes to the batch.

    python benchmarks/bench_store.py [--sizes 10000 100000 1000000] [--folder FOLDER]

Stores are made of synthetic articles of 2.5 KB (`make_newswire`), added in batches of 1,000 on all cores. Of
each size, ten more batches are timed, then single articles, one by one. Then another process opens the store,
asks for threads, searches, and adds one article. Labelled sets (with STORYCLUST_DATA set) are added in order
of date in batches of 50 and scored as they lie then, after `consolidate()`, which takes the last 30 days, and
after `consolidate(None)`, beside what `StoryClusterer` finds in the whole. Writes results/store.json.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import json
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

import storyclust as sc
from bench_stories import labelled_sets
from common import peak_megabytes, table, write_results

SIZES = (10_000, 100_000, 1_000_000)
BATCH, TIMED_BATCHES, SINGLES = 1_000, 10, 500
STREAMED = 50  # articles of a batch of the labelled sets


def grow(folder: Path, sizes: list[int]) -> None:
    """Make a store of each size, if it is not there: the smaller one copied, and the rest added."""
    made = sc.datasets.make_newswire(sizes[-1], random_state=0)
    before: Path | None = None
    stored = 0
    for size in sizes:
        path = folder / f"{size}.db"
        batches = (list(itertools.islice(made, min(BATCH, size - n))) for n in range(stored, size, BATCH))
        if path.exists():
            for _ in batches:
                pass
        else:
            part = path.with_suffix(".part")
            for leftover in folder.glob(f"{part.name}*"):
                shutil.rmtree(leftover) if leftover.is_dir() else leftover.unlink()
            if before:
                copy_store(before, part)
            with sc.NewsStore.open(part, n_jobs=-1) as store:
                for batch in batches:
                    store.add(batch)
            file_bytes(part)  # its log written back
            if index_of(part).is_dir():
                index_of(part).rename(index_of(path))
            part.rename(path)
            Path(f"{part}-writer").unlink(missing_ok=True)
        before, stored = path, size


def index_of(path: Path) -> Path:
    """Folder with the files of a store's index; a small store has none."""
    return Path(f"{path}-index")


def copy_store(path: Path, to: Path) -> None:
    """Copy a store that is closed, with its index."""
    shutil.copyfile(path, to)
    if index_of(path).is_dir():
        shutil.copytree(index_of(path), index_of(to))


def measure(path: Path) -> dict[str, Any]:
    """Add to a copy of a store, in this process: batches, then single articles; and from another process."""
    size = int(path.stem)
    more = TIMED_BATCHES * BATCH + SINGLES
    made = sc.datasets.make_newswire(more + BATCH, random_state=1)
    new = [replace(article, id=f"later-{k}", record={}) for k, article in enumerate(made)]
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        copy = Path(folder, "news.db")
        copy_store(path, copy)
        with sc.NewsStore.open(copy, n_jobs=-1) as store:
            store.add(new[more:])  # kernels are compiled, and the store is in memory
            batches = [new[k : k + BATCH] for k in range(0, TIMED_BATCHES * BATCH, BATCH)]
            times = [taken(lambda batch=batch: store.add(batch)) for batch in batches]
            each = [
                1e3 * taken(lambda article=article: store.add([article]))
                for article in new[-BATCH - SINGLES : -BATCH]
            ]
            stored = len(store)
        peak = peak_megabytes()
        return {
            "stored": size,
            "articles/s": round(BATCH / float(np.median(times))),
            "slowest batch, s": round(max(times), 2),
            "one, ms (p50)": round(float(np.percentile(each, 50)), 1),
            "one, ms (p99)": round(float(np.percentile(each, 99)), 1),
            "bytes an article besides its text": round((file_bytes(copy) - text_bytes(copy)) / stored),
            "of the index beside it": round(sum(f.stat().st_size for f in index_of(copy).glob("*")) / stored),
            "peak GB": round(peak / 1e3, 2),
            **opened_anew(copy),
        }  # fmt: skip


def taken(work: Any) -> float:
    """Seconds that something takes."""
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def file_bytes(path: Path) -> int:
    """Bytes of the file, its log written back."""
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    return path.stat().st_size


def text_bytes(path: Path) -> int:
    """Bytes of all titles and texts stored."""
    connection = sqlite3.connect(path)
    query = "SELECT sum(length(CAST(text AS BLOB)) + length(CAST(title AS BLOB))) FROM articles"
    total = connection.execute(query).fetchone()[0]
    connection.close()
    return int(total)


OPENED_ANEW = """
import json, sys, time
from common import peak_megabytes
from storyclust.store import NewsStore
times = [time.perf_counter()]
with NewsStore.open(sys.argv[1]) as store:
    store.threads(limit=20)
    times.append(time.perf_counter())
    store.search("ferry")
    times.append(time.perf_counter())
    store.add([{"id": sys.argv[2], "text": "The ferry Selka struck the pier on Monday. " + sys.argv[2]}])
    times.append(time.perf_counter())
print(json.dumps([times, peak_megabytes()]))
"""


def opened_anew(path: Path) -> dict[str, float]:
    """What another process takes that opens the store, asks and adds one article; medians of three."""
    found = []
    for k in range(3):
        command = [sys.executable, "-c", OPENED_ANEW, str(path.absolute()), f"anew-{time.time_ns()}-{k}"]
        here = Path(__file__).parent
        output = subprocess.run(command, check=True, capture_output=True, text=True, cwd=here).stdout
        times, megabytes = json.loads(output)
        found.append([*np.diff(times), megabytes / 1e3])
    threads, search, add, peak = np.median(found, axis=0).tolist()
    return {
        "opened anew: threads, ms": round(1e3 * threads, 1),
        "search, ms": round(1e3 * search, 1),
        "first add, s": round(add, 2),
        "its peak GB": round(peak, 2),
    }


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
    parser.add_argument("--folder", type=Path, help="where stores are kept for another run")
    parser.add_argument("--grow", action="store_true", help="only make the stores")
    parser.add_argument("--measure", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        print(json.dumps(measure(options.measure)))
        return
    with contextlib.ExitStack() as stack:
        folder = options.folder or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        folder.mkdir(exist_ok=True, parents=True)
        sizes = sorted(options.sizes)
        grow(folder, sizes)
        if options.grow:
            return
        rows = []
        for size in sizes:
            command = [sys.executable, __file__, "--measure", str(folder / f"{size}.db")]
            output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
            rows.append(json.loads(output))
            print(table(rows[-1:]), flush=True)
    quality = [measure_quality(*labelled) for labelled in labelled_sets()]
    asked = "" if sizes == list(SIZES) else f" --sizes {' '.join(map(str, sizes))}"
    command = f"python benchmarks/bench_store.py{asked}"
    print(table(quality))
    print("written to", write_results("store", command, rows, quality=quality))


if __name__ == "__main__":
    main()
