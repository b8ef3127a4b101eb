"""Beyond one machine: what a cluster costs and brings, against the local engine on the same shards.

    python benchmarks/bench_distributed.py [--sizes 200000 1000000] [--runs 3] [--what copies stories]

Synthetic articles are written as shards. Both engines go the whole way, from these files to the same files
with labels, each in a process of its own with warm kernels: the local one with two threads, Ray with nodes
of one or two processors on this machine (`ray.cluster_utils.Cluster`). Seconds are medians of runs in turn;
above half a million articles there is one run, local and on one node. Bytes are what stages read of what
others have left; memory is what the driver held at most beyond what it held once Ray ran and kernels were
loaded. A worker's imports are timed when it has just been started. From the two largest sizes follows what
larger corpora would take, on paper. Writes results/distributed.json; what is not measured again stays there.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib
import json
import math
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from types import SimpleNamespace
from typing import Any

import psutil

import storyclust as sc
from common import RESULTS, forget_peak, peak_megabytes, table, write_results
from storyclust._core.progress import reporting_to
from storyclust.distributed.block_plan import plan_blocks, tiles_of
from storyclust.io.writing import labelled_record

WAYS = {"local": (0, 2), "ray 1 x 2": (1, 2), "ray 1 x 1": (1, 1), "ray 2 x 1": (2, 1)}  # nodes, processors
STORE = 150 << 20
LARGE = 500_000  # articles, from which on there is one run


class Times:
    """Seconds of each stage."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self.name, self.since = "", 0.0

    def start(self, stage: str, total: int | None) -> None:
        """Begin a stage."""
        self.name, self.since = stage, time.perf_counter()

    def advance(self, steps: int) -> None:
        """Count steps done."""

    def finish(self) -> None:
        """End the stage."""
        spent = time.perf_counter() - self.since
        self.seconds[self.name] = round(self.seconds.get(self.name, 0.0) + spent, 2)


def write_shards(folder: Path, n: int, shards: int) -> None:
    """Write synthetic news as shards."""
    folder.mkdir()
    articles = iter(sc.datasets.make_newswire(n, random_state=0))
    for k in range(shards):
        some = range(k * n // shards, (k + 1) * n // shards)
        sc.write_records(folder / f"{k:04d}.jsonl", (next(articles).to_record() for _ in some))


def run_local(what: str, shards: Path, output: Path, jobs: int) -> None:
    """Label all shards by the local engine, and write them."""
    if what == "copies":
        dedup = sc.Deduplicator(excerpts="ignore", n_jobs=jobs).fit(sc.iter_articles(shards))
        ids = [article.id for article in sc.iter_articles(shards)]
        articles, more = sc.iter_articles(shards), {}
    else:
        held = sc.read_articles(shards)
        stories = sc.StoryClusterer(n_jobs=jobs).fit(held)
        dedup, ids, articles = stories.deduplicator_, [article.id for article in held], iter(held)
        more = {"event": stories.event_labels_, "thread": stories.labels_}

    def labelled() -> Any:
        for row, article in enumerate(articles):
            kept = int(dedup.representatives_[row])
            labels = {"duplicate_of": None if kept == row else ids[kept]}
            yield labelled_record(article.to_record(), labels | {k: int(v[row]) for k, v in more.items()})

    output.mkdir()
    sc.write_records(output / "all.jsonl", labelled())


def measure(what: str, way: str, shards: Path, output: Path, warm: Path) -> dict[str, Any]:
    """Go one way once, in this process."""
    nodes, jobs = WAYS[way]
    if not nodes:
        run_local(what, warm, output.with_name("warm"), jobs)
        before, begin = forget_peak(), time.perf_counter()
        run_local(what, shards, output, jobs)
        return {"seconds": time.perf_counter() - begin, "MB": peak_megabytes() - before}
    import ray
    from ray.cluster_utils import Cluster

    from storyclust.distributed import StorySettings, run
    from storyclust.distributed.engine import RayRunner

    node = {"num_cpus": jobs, "object_store_memory": STORE}
    cluster = Cluster(initialize_head=True, head_node_args=node)
    for _ in range(nodes - 1):
        cluster.add_node(**node)
    ray.init(address=cluster.address, log_to_driver=False)
    imports = max(ray.get([ray.remote(import_seconds).remote() for _ in range(nodes * jobs)]))
    stories = StorySettings() if what == "stories" else None
    run(warm, output.with_name("warm"), stories=stories)
    times = Times()
    before, begin = forget_peak(), time.perf_counter()
    with reporting_to(times), watched_workers() as most:
        report = run(shards, output, stories=stories)
    found = {"seconds": time.perf_counter() - begin, "MB": peak_megabytes() - before, "worker": max(most)}
    found |= {
        "memory": RayRunner(ray).memory,
        "taken": report.bytes_read,
        "stages": times.seconds,
        "giants": report.oversized_components,
        "imports": imports,
    }
    ray.shutdown()
    cluster.shutdown()
    return found


def import_seconds() -> float:
    """Seconds that a new worker takes until it can run a stage, beyond the start of Ray's process."""
    begin = time.perf_counter()
    importlib.import_module("storyclust.distributed.stages")
    return time.perf_counter() - begin


@contextmanager
def watched_workers() -> Iterator[list[int]]:
    """Note the bytes that the largest worker holds, some times a second."""
    most, ended = [0], threading.Event()

    def watch() -> None:
        while not ended.wait(0.3):
            infos = [process.info for process in psutil.process_iter(["name", "memory_info"])]
            held = [info["memory_info"] for info in infos if info["name"].startswith("ray::")]
            most.extend(memory.rss for memory in held if memory)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield most
    finally:
        ended.set()
        watcher.join()


def labels_hash(output: Path) -> str:
    """Hash of all labels, in the order of articles."""
    whole = hashlib.sha256()
    for article in sc.iter_articles(str(output / "*.jsonl")):
        labels = [article.record.get(name) for name in ("id", "duplicate_of", "event", "thread")]
        whole.update(json.dumps(labels).encode())
    return whole.hexdigest()


def compare(what: str, n: int, shards: int, runs: int, folder: Path) -> list[dict[str, Any]]:
    """Go all ways in turn, each in a process of its own."""
    inputs, warm = folder / f"in-{n}", folder / "warm-in"
    if not inputs.exists():
        write_shards(inputs, n, shards)
    if not warm.exists():
        write_shards(warm, 2000, 4)
    large = n > LARGE
    ways = [way for way in WAYS if not large or way in ("local", "ray 1 x 2")]
    found: dict[str, list[dict[str, Any]]] = {way: [] for way in ways}
    hashes = set()
    for _ in range(1 if large else runs):
        for way in ways:
            output = folder / "runs" / "out"
            shutil.rmtree(output.parent, ignore_errors=True)
            output.parent.mkdir()
            command = [sys.executable, __file__, "--one", what, way, *map(str, (inputs, output, warm))]
            done = subprocess.run(command, check=True, capture_output=True, text=True)
            found[way].append(json.loads(done.stdout.splitlines()[-1]))
            hashes.add(labels_hash(output))
            print(what, n, way, found[way][-1]["seconds"], found[way][-1].get("stages"), flush=True)
    if len(hashes) > 1:
        raise SystemExit(f"{what} of {n:,} articles are not the same whichever way one goes")
    local = median(one["seconds"] for one in found["local"])
    rows = [row_of(what, n, way, some, local) for way, some in found.items()]
    print(
        table([{k: v for k, v in row.items() if not isinstance(v, (dict, list))} for row in rows]), flush=True
    )
    return rows


def figures(row: dict[str, Any]) -> dict[str, Any]:
    """What of a row fits into a table."""
    return {name: value for name, value in row.items() if not isinstance(value, (dict, list))}


def row_of(what: str, n: int, way: str, runs: list[dict[str, Any]], local: float) -> dict[str, Any]:
    """What there is to say of the runs that went one way."""
    seconds = median(one["seconds"] for one in runs)
    row: dict[str, Any] = {
        "what": what,
        "articles": n,
        "engine": way,
        "seconds": round(seconds, 1),
        "times local": round(seconds / local, 2),
    }
    if way != "local":
        taken = runs[0]["taken"]
        row |= {
            "bytes shuffled an article": round(sum(taken.values()) / n),
            "bytes an article of the driver": round(1e6 * max(one["MB"] for one in runs) / n),
            "GB of the largest worker": round(max(one["worker"] for one in runs) / 1e9, 1),
            "shuffled": {name: round(size / n, 1) for name, size in taken.items()},
            "stages": runs[-1]["stages"],
            "giants": runs[0]["giants"],
            "memory": runs[0]["memory"],
            "seconds of imports of a worker": round(median(one["imports"] for one in runs), 2),
        }
        nodes, processors = WAYS[way]
        here = SimpleNamespace(width=nodes * processors, memory=runs[0]["memory"], processors=processors)
        row["reads"] = round(reads(n, here), 2)  # of each vector, by tiles
    return row


# On paper --------------------------------------------------------------------------------------

CLUSTER = {"cores": 16, "GB of memory": 128, "GB/s of network": 1.25}
ARTICLE = 2.5  # KB of text, read twice and written once, and for stories read once more
USABLE = 0.7  # of the memory, which Ray gives to calls
ENTRIES = 280  # of the vector of a synthetic article, among a million; 600 of a real one of 6 KB
PLANNED = {10**8: 16, 10**9: 160}  # articles, nodes


def project(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Project what larger corpora would take.

    Work per article grows as it did between the two largest sizes measured; what is read of vectors by the
    tiles that are planned for so many articles and workers, and all else in proportion. Computing and reading
    follow each other; half of the network is used.
    """
    planned = []
    for what in ("copies", "stories"):
        small, large = [row for row in rows if row["what"] == what and row["engine"] == "ray 1 x 2"][-2:]
        growth = math.log(large["seconds"] / small["seconds"]) / math.log(
            large["articles"] / small["articles"]
        )
        for n, nodes in PLANNED.items():
            workers = nodes * CLUSTER["cores"]
            memory = int(USABLE * 1e9 * CLUSTER["GB of memory"] / CLUSTER["cores"])
            work = 2 * large["seconds"] * (n / large["articles"]) ** max(growth, 1.0) / workers
            size = large["bytes shuffled an article"]
            if what == "stories":
                tiles = large["shuffled"]["similarities"]
                there = SimpleNamespace(width=workers, memory=memory, processors=CLUSTER["cores"])
                size += tiles * (reads(n, there) / large["reads"] - 1)
            texts = 1e3 * ARTICLE * (4 if what == "stories" else 3)
            wire = (size + texts) * n / (nodes * CLUSTER["GB/s of network"] * 1e9 / 2)
            planned.append(
                {
                    "what": what,
                    "articles": n,
                    "nodes": nodes,
                    "work grows by": round(growth, 2),
                    "hours of work": round(work / 3600, 2),
                    "KB read an article": round(size / 1e3),
                    "hours of network": round(wire / 3600, 2),
                    "GB of the driver": round(large["bytes an article of the driver"] * n / 1e9),
                }
            )
    return planned


def reads(n: int, runner: Any, entries: int = ENTRIES) -> float:
    """How often each article's vector is read by tiles."""
    plan = plan_blocks(n, n * entries, runner)
    tiles = tiles_of(len(plan.blocks) - 1, plan.slices_per_block, plan.workers.n)
    return sum(plan.slices_per_block + last - first for _, first, last in tiles) / (len(plan.slices) - 1)


def main() -> None:
    """Measure all, and write the results."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--sizes", type=int, nargs="+", default=[200_000, 1_000_000])
    options.add_argument("--shards", type=int, default=20)
    options.add_argument("--runs", type=int, default=3)
    options.add_argument("--what", nargs="+", default=["copies", "stories"])
    options.add_argument("--one", nargs=5, help=argparse.SUPPRESS)
    given = options.parse_args()
    if given.one:
        what, way, *paths = given.one
        print(json.dumps(measure(what, way, *map(Path, paths))))
        return
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for n in given.sizes:
            for what in given.what:
                rows += compare(what, n, given.shards, given.runs, Path(folder))
    rows = sorted(before(rows) + rows, key=lambda row: (row["articles"], row["what"]))
    more = {"cluster": CLUSTER, "projection": project(rows)}
    print(write_results("distributed", "python benchmarks/bench_distributed.py", rows, **more))


def before(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows of earlier runs that were not measured again."""
    path = RESULTS / "distributed.json"
    again = {(row["what"], row["articles"]) for row in rows}
    known = json.loads(path.read_text(encoding="utf-8"))["rows"] if path.exists() else []
    return [row for row in known if (row["what"], row["articles"]) not in again]


if __name__ == "__main__":
    main()
