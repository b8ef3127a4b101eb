"""Beyond one machine: what a cluster costs and brings, against the local engine on the same shards.

    python benchmarks/bench_distributed.py [--sizes 10000 100000] [--shards 20]

Synthetic articles are written as shards. Both engines go the whole way, from these files to the same files
with labels, each in a process of its own with warm kernels: the local one with two threads, Ray with one node
of two X Bytes are what stages read of what others have left; memory is what the driver held at most
beyond what it held once Ray ran and kernels were loaded. Writes results/distributed.json.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import storyclust as sc
from common import forget_peak, peak_megabytes, table, write_results
from storyclust.chunks import reporting_to
from storyclust.output import labelled_record

WAYS = {"local": (0, 2), "ray 1 x 2": (1, 2), "ray 1 x 1": (1, 1), "ray 2 x 1": (2, 1)}  # nodes, processors
STORE = 150 << 20


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

    node = {"num_cpus": jobs, "object_store_memory": STORE}
    cluster = Cluster(initialize_head=True, head_node_args=node)
    for _ in range(nodes - 1):
        cluster.add_node(**node)
    ray.init(address=cluster.address, log_to_driver=False)
    stories = StorySettings() if what == "stories" else None
    run(warm, output.with_name("warm"), stories=stories)
    times = Times()
    before, begin = forget_peak(), time.perf_counter()
    with reporting_to(times):
        report = run(shards, output, stories=stories)
    found = {"seconds": time.perf_counter() - begin, "MB": peak_megabytes() - before}
    found |= {"taken": report.taken, "stages": times.seconds, "giants": report.giants}
    ray.shutdown()
    cluster.shutdown()
    return found


def labels_hash(output: Path) -> str:
    """Hash of all labels, in the order of articles."""
    whole = hashlib.sha256()
    for article in sc.iter_articles(str(output / "*.jsonl")):
        labels = [article.record.get(name) for name in ("id", "duplicate_of", "event", "thread")]
        whole.update(json.dumps(labels).encode())
    return whole.hexdigest()


def compare(what: str, n: int, shards: int, folder: Path) -> list[dict[str, Any]]:
    """Go all ways, each in a process of its own."""
    inputs, warm = folder / f"in-{n}", folder / "warm-in"
    if not inputs.exists():
        write_shards(inputs, n, shards)
    if not warm.exists():
        write_shards(warm, 2000, 4)
    rows, hashes = [], set()
    for way in WAYS:
        output = folder / "runs" / "out"
        shutil.rmtree(output.parent, ignore_errors=True)
        output.parent.mkdir()
        command = [sys.executable, __file__, "--one", what, way, *map(str, (inputs, output, warm))]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        found = json.loads(done.stdout.splitlines()[-1])
        hashes.add(labels_hash(output))
        taken = found.get("taken", {})
        local = rows[0]["seconds"] if rows else found["seconds"]
        rows.append(
            {
                "what": what, "articles": n, "engine": way, "seconds": round(found["seconds"], 1),
                "times local": round(found["seconds"] / local, 2),
                "bytes an article of the driver": round(1e6 * found["MB"] / n),
                "bytes shuffled an article": round(sum(taken.values()) / n),
                "equal labels": len(hashes) == 1,
                "shuffled": {name: round(size / n, 1) for name, size in taken.items()},
                "stages": found.get("stages", {}), "giants": found.get("giants", []),
            }
        )  # fmt: skip
        print(table([{k: v for k, v in rows[-1].items() if not isinstance(v, (dict, list))}]), flush=True)
        print(rows[-1]["stages"], rows[-1]["shuffled"], flush=True)
    return rows


def main() -> None:
    """Measure all, and write the results."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--sizes", type=int, nargs="+", default=[10_000, 100_000])
    options.add_argument("--shards", type=int, default=20)
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
                rows += compare(what, n, given.shards, Path(folder))
    sizes = " ".join(map(str, given.sizes))
    command = f"python benchmarks/bench_distributed.py --sizes {sizes} --shards {given.shards}"
    print(write_results("distributed", command, rows))


if __name__ == "__main__":
    main()
