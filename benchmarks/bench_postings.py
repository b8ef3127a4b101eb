"""What a cluster would send by term, against what it reads of vectors.

    python benchmarks/bench_postings.py

A row is compared with earlier rows by the postings of its indexed terms. Were terms partitioned over
machines, each posting met, or at best each pair met, would be a partial sum to send, and the vectors of the
candidates that pass the pruning bound would have to be fetched for their cosines. Both are counted on parts
of real corpora without copies, and on synthetic news. What blocks read follows from their plan for as many
entries. Writes results/postings.json.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np

import storyclust as sc
from bench_distributed import reads
from common import data_set, table, write_results
from storyclust._core.parallel import kernel
from storyclust.cluster.background_similarity import background_similarity
from storyclust.cluster.correction import pruning_bound
from storyclust.cluster.graph import default_limits
from storyclust.cluster.postings import Csr, Postings, choose_entries, count_holders, index_entries
from storyclust.stories.grouping import LEAST_SIMILARITY

SUM_BYTES = 8  # of a partial sum: the other row, and the product
PARTS = 8, 4, 2, 1  # of a corpus
SYNTHETIC = 12_500, 50_000, 200_000
CLUSTERS = {  # articles, nodes of 16 processors, GB of each
    "1e7 on 4 x 64 GB": (10**7, 4, 64),
    "1e8 on 16 x 64 GB": (10**8, 16, 64),
    "1e9 on 160 x 128 GB": (10**9, 160, 128),
}


@kernel
def count_met(
    rows: Csr, indexed: Any, postings: Postings, df: Any, floors: Any, ratio: float, most: int, least: float
) -> Any:
    """Count postings of rare and of frequent terms, pairs met and candidates, of rows with earlier ones."""
    n = len(rows.indptr) - 1
    partial, met = np.zeros(n, np.float32), np.empty(n, np.int64)
    counts = np.zeros(4, np.int64)
    for row in range(n):
        end = 0
        for k in range(rows.indptr[row], rows.indptr[row + 1]):
            if not indexed[k]:
                continue
            term = rows.indices[k]
            for p in range(postings.bounds[term], postings.bounds[term + 1]):
                other = postings.rows[p]
                if other >= row:
                    break
                counts[int(df[term] > most)] += 1
                if partial[other] == 0:
                    met[end] = other
                    end += 1
                partial[other] += rows.data[k] * postings.weights[p]
        bound = pruning_bound(floors[row], least, ratio)
        for other in met[:end]:
            counts[3] += partial[other] >= max(bound, pruning_bound(floors[other], least, ratio))
            partial[other] = 0
        counts[2] += end
    return counts


def measure(name: str, articles: list[sc.Article]) -> dict[str, Any]:
    """Count what is met per article of a corpus."""
    X = sc.NewsVectorizer().fit_transform(articles)
    n, limits = X.shape[0], default_limits()
    floors = background_similarity(X, np.zeros(n, np.int64))
    df = count_holders(X.indices, X.shape[1])
    indexed = choose_entries(X, limits.max_postings, limits.heaviest)
    postings = index_entries(Csr.of(X), indexed, X.shape[1])
    found = count_met(
        Csr.of(X), indexed, postings, df, floors, limits.pruning_ratio, limits.max_postings, LEAST_SIMILARITY
    )
    rare, frequent, pairs, candidates = (found / n).tolist()
    entries = X.nnz / n
    by_term = SUM_BYTES * (rare + frequent) + candidates * 8 * entries
    row = {
        "corpus": name,
        "articles": n,
        "entries": round(entries),
        "postings of rare terms": round(rare),
        "of frequent terms": round(frequent),
        "pairs met": round(pairs),
        "candidates": round(candidates),
        "KB by term": round(by_term / 1e3),
    }
    for cluster, (size, nodes, memory) in CLUSTERS.items():
        processors = 16
        share = int(0.7e9 * memory / processors)
        runner: Any = SimpleNamespace(width=nodes * processors, memory=share, processors=processors)
        row[f"KB by block, {cluster}"] = round(8.9e-3 * entries * reads(size, runner, round(entries)))
    return row


def main() -> None:
    """Measure all, and write the results."""
    rows = []
    for name in ("allsides_12k", "reuters21578"):
        articles = data_set(name)
        kept = [articles[row] for row in np.flatnonzero(sc.Deduplicator().fit(articles).keep_)]
        order = np.random.default_rng(0).permutation(len(kept))
        for part in PARTS:
            chosen = np.sort(order[: len(kept) // part])
            rows.append(measure(name, [kept[row] for row in chosen]))
    rows += [measure("synthetic", list(sc.datasets.make_newswire(n, random_state=0))) for n in SYNTHETIC]
    print(table(rows))
    print(write_results("postings", "python benchmarks/bench_postings.py", rows))


if __name__ == "__main__":
    main()
