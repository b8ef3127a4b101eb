"""Scaling: time and memory of every stage from a thousand to a million synthetic articles.

    python benchmarks/bench_scaling.py [--sizes 1000 10000 100000 300000 1000000]

Articles of 2 to 3 KB are made by `make_newswire`; `StoryClusterer(n_jobs=-1).fit` takes them from raw strings
to events and threads, each size in a process of its own; and once more under a memory limit. Real articles
(with STORYCLUST_DATA set) go on to summaries of every thread. The graph of similarities is compared with the
exact one, edge for edge and in the threads that come of it. The vectorizer is timed on one thread against
scikit-learn's `TfidfVectorizer` on the same articles, and the clusterer against scikit-learn's agglomeration
and HDBSCAN on the same vectors where those can still run. Writes results/scaling.json and, where matplotlib
is installed, results/scaling.png.
"""

from __future__ import annotations

import argparse
import itertools
import json
import math
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np

import storyclust as sc
from bench_copies import Recorder
from common import EXAMPLES, RESULTS, data_set, forget_peak, peak_megabytes, table, timed, write_results
from storyclust._core.progress import reporting_to
from storyclust.cluster.background_similarity import background_similarity
from storyclust.cluster.graph import similarity_graph
from storyclust.stories.grouping import LEAST_SIMILARITY, find_events, find_threads, prepare

if TYPE_CHECKING:
    from numpy.typing import NDArray

SIZES = (1_000, 10_000, 100_000, 300_000, 1_000_000)
LIMITED, LIMITS = 300_000, ("4GB", "2GB")
REAL = {  # sets, and how many articles of each
    "allsides_12k": {"allsides_12k": None},
    "37,000 articles": {"allsides_12k": None, "livedoor": None, "reuters21578": 37_000 - 12_000 - 7_367},
}
GRAPHS = ("allsides_12k", "livedoor", "reuters21578", "newswire")
DENSE = 10_000  # articles beyond which a dense matrix of distances is not asked for


def f1_of(gold: list[Any], labels: NDArray[np.int64]) -> float:
    """B-cubed F1, rounded."""
    return round(sc.evaluate(gold, labels.tolist()).f1, 3)


def measure(n: int, limit: str | None = None) -> dict[str, Any]:
    """Cluster `n` synthetic articles, in this process."""
    articles = list(sc.datasets.make_newswire(n, random_state=0))
    stories, row = cluster(articles, limit)
    return row | {
        "event F1": f1_of([a.record["event"] for a in articles], stories.event_labels_),
        "thread F1": f1_of([a.record["story"] for a in articles], stories.labels_),
    }  # fmt: skip


def cluster(articles: list[sc.Article], limit: str | None = None) -> tuple[sc.StoryClusterer, dict[str, Any]]:
    """Cluster articles in this process; time and memory."""
    for thread in sc.StoryClusterer().fit(sc.read_articles(EXAMPLES / "newsdesk.jsonl")).threads_:
        _ = thread.summary  # kernels compiled
    n = len(articles)
    megabytes = sum(len(article.text.encode()) + len(article.title.encode()) for article in articles) / 1e6
    forget_peak()
    held = peak_megabytes()
    recorder = Recorder()
    begin = time.perf_counter()
    with reporting_to(recorder):
        stories = sc.StoryClusterer(n_jobs=-1, memory_limit=limit).fit(articles)
    seconds = time.perf_counter() - begin
    row = {
        "articles": n, "MB": round(megabytes), "seconds": round(seconds, 2),
        "articles/s": round(n / seconds), "peak GB": round(peak_megabytes() / 1e3, 2),
        "of it the articles": round(held / 1e3, 2),
        "threads": len(stories.threads_),
    }  # fmt: skip
    row["stages"] = {name: round(took, 2) for name, took in recorder.seconds.items() if took >= 0.005}
    return stories, row


def measure_real(name: str) -> dict[str, Any]:
    """Cluster real articles and summarise every thread, in this process."""
    articles = [a for part, most in REAL[name].items() for a in data_set(part)[:most]]
    stories, row = cluster(articles)
    begin = time.perf_counter()
    for thread in stories.threads_:
        _ = thread.summary
    summaries = time.perf_counter() - begin
    del row["stages"]
    row |= {"summaries": round(summaries, 2), "with summaries": round(row["seconds"] + summaries, 2)}
    return {"set": name} | row | {"peak GB": round(peak_megabytes() / 1e3, 2)}


def compare_graphs(name: str) -> dict[str, Any]:
    """Share of the edges of the exact graph that the graph has, and whether threads come out the same."""
    articles = list(sc.datasets.make_newswire(10_000)) if name == "newswire" else data_set(name)
    ready = prepare(articles, n_jobs=-1)
    null_similarity = background_similarity(ready.vectors, ready.vectorizer.groups_, n_jobs=-1)

    def search(exact: bool) -> Any:
        return similarity_graph(
            ready.vectors, LEAST_SIMILARITY, null_similarity=null_similarity, n_jobs=-1, exact=exact
        )

    graph, seconds = timed(lambda: search(False))
    whole, exact_seconds = timed(lambda: search(True), 1)
    defaults = sc.StoryClusterer()
    labels = []
    for found in (graph, whole):
        events = find_events(found, ready.times, defaults.event_distance, 7.0)
        labels.append(find_threads(found, events, defaults.thread_distance))
    joining = [int((found.data >= 1 - defaults.event_distance).sum()) for found in (graph, whole)]
    return {
        "set": name, "independent": len(ready.kept), "edges": whole.nnz // 2,
        "found": round(graph.nnz / whole.nnz, 4),
        "of those that join events": round(joining[0] / joining[1], 4),
        "of all similarity": round(float(graph.data.sum() / whole.data.sum()), 4),
        "threads alike (F1)": f1_of(labels[1].tolist(), labels[0]),
        "seconds": round(seconds, 2), "exact": round(exact_seconds, 2),
    }  # fmt: skip


def peers(n: int) -> list[dict[str, Any]]:
    """Time of scikit-learn's vectorizer and clusterers on the same articles, on one thread."""
    from sklearn.cluster import HDBSCAN, AgglomerativeClustering
    from sklearn.feature_extraction.text import TfidfVectorizer

    articles = list(sc.datasets.make_newswire(n, random_state=0))
    texts = [f"{article.title}\n{article.text}" for article in articles]
    megabytes = sum(len(text.encode()) for text in texts) / 1e6
    theirs = TfidfVectorizer(ngram_range=(1, 2), min_df=2, stop_words="english", binary=True)
    X, ours = timed(lambda: sc.NewsVectorizer().fit_transform(articles), 7)
    _, seconds = timed(lambda: theirs.fit_transform(texts))
    rows = [
        {"articles": n, "step": "vectorizer", "tool": "NewsVectorizer", "seconds": ours,
         "MB/s": megabytes / ours},
        {"articles": n, "step": "vectorizer", "tool": "TfidfVectorizer", "seconds": seconds,
         "MB/s": megabytes / seconds, "ratio": seconds / ours},
    ]  # fmt: skip
    _, graph = timed(lambda: sc.GraphAgglomerative().fit(X))
    rows.append({"articles": n, "step": "clustering", "tool": "GraphAgglomerative", "seconds": graph})
    if n <= DENSE:
        dense: dict[str, Callable[[Any], Any]] = {
            "AgglomerativeClustering": lambda D: AgglomerativeClustering(
                n_clusters=None, distance_threshold=0.9, metric="precomputed", linkage="average"
            ).fit(D),
            "HDBSCAN": lambda D: HDBSCAN(min_cluster_size=2, metric="precomputed", copy=True).fit(D),
        }
        for name, fit in dense.items():
            # Distances are part of the work: both are quadratic in what they ask for.
            _, seconds = timed(lambda fit=fit: fit(np.clip(1 - (X @ X.T).toarray(), 0, 2)), 1)
            rows.append({"articles": n, "step": "clustering", "tool": name, "seconds": seconds,
                         "ratio": seconds / graph})  # fmt: skip
    return [{key: round(v, 2) if isinstance(v, float) else v for key, v in row.items()} for row in rows]


def exponents(rows: list[dict[str, Any]]) -> list[float]:
    """Growth of time between neighbouring sizes: 1 is linear."""
    steps = itertools.pairwise(rows)
    return [
        round(math.log(b["seconds"] / a["seconds"]) / math.log(b["articles"] / a["articles"]), 2)
        for a, b in steps
    ]


def draw(rows: list[dict[str, Any]], path: Path) -> Path | None:
    """Draw time and memory over size, both axes logarithmic."""
    try:
        import matplotlib as mpl
    except ImportError:
        return None
    mpl.use("Agg")
    from matplotlib import pyplot as plt

    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4.2), layout="constrained")
    sizes = [row["articles"] for row in rows]
    left.plot(sizes, [row["seconds"] for row in rows], "o-", color="black", label="all")
    for name in dict.fromkeys(name for row in rows for name in row["stages"]):
        took = [(row["articles"], row["stages"][name]) for row in rows if name in row["stages"]]
        left.plot(*zip(*took, strict=True), ".-", alpha=0.7, label=name)
    left.set(xscale="log", yscale="log", xlabel="articles", ylabel="seconds")
    left.legend(fontsize="small")
    right.plot(sizes, [row["peak GB"] for row in rows], "o-", color="black", label="peak")
    right.plot(
        sizes, [row["of it the articles"] for row in rows], "o--", color="0.5", label="the articles alone"
    )
    right.set(xscale="log", yscale="log", xlabel="articles", ylabel="GB")
    right.legend(fontsize="small")
    figure.savefig(path, dpi=120)
    plt.close(figure)
    return path


def main() -> None:
    """Measure every size in a process of its own, and write."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--sizes", type=int, nargs="+", default=SIZES)
    arguments.add_argument("--one", type=int, help=argparse.SUPPRESS)
    arguments.add_argument("--limit", help=argparse.SUPPRESS)
    arguments.add_argument("--real", choices=REAL, help=argparse.SUPPRESS)
    chosen = arguments.parse_args()
    if chosen.one or chosen.real:
        print(json.dumps(measure(chosen.one, chosen.limit) if chosen.one else measure_real(chosen.real)))
        return
    rows = [in_child("--one", str(n)) for n in chosen.sizes]
    compared = [row for n in chosen.sizes if n <= DENSE for row in peers(n)]
    print(table([without_stages(row) for row in rows]), table(compared), sep="\n\n")
    if tuple(chosen.sizes) != SIZES:
        return
    limited = [
        {"limit": limit} | without_stages(in_child("--one", str(LIMITED), "--limit", limit))
        for limit in LIMITS
    ]
    real = [in_child("--real", name) for name in REAL]
    graphs = [compare_graphs(name) for name in GRAPHS]
    print(table(limited), table(real), table(graphs), sep="\n\n")
    command = "python benchmarks/bench_scaling.py"
    more = {
        "exponents": exponents(rows),
        "peers": compared,
        "limited": limited,
        "real": real,
        "graphs": graphs,
    }
    print("written to", write_results("scaling", command, rows, **more))
    print("drawn in", draw(rows, RESULTS / "scaling.png") or "no figure: matplotlib is not installed")


def in_child(*arguments: str) -> dict[str, Any]:
    """Measure in a process of its own, whose peak of memory is that of this one job."""
    command = [sys.executable, __file__, *arguments]
    row = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    print(row, flush=True)
    return cast("dict[str, Any]", row)


def without_stages(row: dict[str, Any]) -> dict[str, Any]:
    """A row without the times of its stages."""
    return {key: value for key, value in row.items() if key != "stages"}


if __name__ == "__main__":
    main()
