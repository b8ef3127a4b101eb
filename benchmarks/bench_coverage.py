"""Coverage: how precise overlap links are at every threshold, and how their candidates are found.

    python benchmarks/bench_coverage.py

Reads the development sets in the folder named by STORYCLUST_DATA, or the example corpus where it is not set.

The curve: `coverage_links` at its default window, over `min_similarity`. A link of overlapping coverage is
right if both articles have the same gold story; recall is the share of all such pairs, of articles that are
no copies of one another and not linked as excerpts, dates disregarded. The languages of multiling2011 count
as one set, their mean.

The candidates: pairs whose cosine is 0.25 or more, looked for by the pruned inverted index of
`similarity_graph` and by MinHash over each article's heaviest terms, cut in bands. Recall is measured against
all pairs, `per candidate` are true pairs found for each pair whose cosine is computed, and seconds, on one
thread, take in the making of the index or of the signatures and the cosines. Writes results/coverage.json.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

import storyclust as sc
from common import EXAMPLES, data_folder, data_set, table, timed, write_results
from storyclust._core.parallel import kernel
from storyclust.cluster.graph import HEAVIEST, MAX_POSTINGS, PRUNING_RATIO, similarity_graph
from storyclust.cluster.postings import choose_entries
from storyclust.dedup.lsh import Bands, Candidates, candidate_pairs
from storyclust.dedup.minhash import permutations
from storyclust.dedup.signing import permute, premix

THRESHOLDS = (0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4)
LEAST = 0.25
TERMS = (32, 64, 128)
BANDINGS = (Bands(32, 1), Bands(128, 1), Bands(128, 2), Bands(85, 3), Bands(64, 4))
NUM_PERM = 256
BLOCK = 512  # rows of a product of matrices at a time


def labelled_sets() -> Iterator[tuple[str, list[sc.Article]]]:
    """Name and articles of each set of the curve."""
    if data_folder() is None:
        yield "examples", sc.read_articles(EXAMPLES / "newsdesk.jsonl")
        return
    for name in ("ecbplus_dev", "vietnamese_dev", "fnc1_train"):
        yield name, data_set(name)
    multiling = data_set("multiling2011")
    for lang in sorted({article.lang or "" for article in multiling}):
        yield f"multiling2011 {lang}", [a for a in multiling if a.lang == lang]


def curve(name: str, articles: list[sc.Article]) -> list[dict[str, Any]]:
    """Precision and recall of the overlap links of one set."""
    stories = [article.record.get("story") for article in articles]
    dedup = sc.Deduplicator(n_jobs=-1).fit(articles)
    kept = [int(row) for row in np.flatnonzero(dedup.keep_) if stories[row] is not None]
    sizes: dict[Any, int] = {}
    for row in kept:
        sizes[stories[row]] = sizes.get(stories[row], 0) + 1
    # What is linked as a copy or an excerpt is not there to be found as overlap.
    other = {(int(min(p)), int(max(p))) for p in (*dedup.excerpts_, *dedup.pairs_)}
    inside = set(kept)
    taken = sum(stories[i] == stories[j] for i, j in other if i in inside and j in inside)
    actual = sum(n * (n - 1) // 2 for n in sizes.values()) - taken
    rows = []
    for least in THRESHOLDS:
        links = [
            link
            for link in sc.coverage_links(articles, min_similarity=least, n_jobs=-1)
            if link.relation == "overlap" and link.a in inside and link.b in inside
        ]
        right = sum(stories[link.a] == stories[link.b] for link in links)
        rows.append(
            {
                "set": name, "min_similarity": least, "links": len(links),
                "precision": round(right / len(links), 4) if links else 1.0,
                "recall": round(right / actual, 4) if actual else 1.0,
            }
        )  # fmt: skip
    return rows


def means(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Means over the sets at each threshold, the languages of multiling2011 as one of them."""
    found = []
    for least in THRESHOLDS:
        scores: dict[str, list[tuple[float, float]]] = {}
        for row in rows:
            if row["min_similarity"] == least:
                scores.setdefault(row["set"].split()[0], []).append((row["precision"], row["recall"]))
        of_sets = {name: np.mean(values, axis=0).round(4).tolist() for name, values in scores.items()}
        precision, recall = np.mean(list(of_sets.values()), axis=0).round(4).tolist()
        row = {"min_similarity": least, "mean precision": precision, "mean recall": recall}
        found.append(row | {name: f"{p:.3f} / {r:.3f}" for name, (p, r) in of_sets.items()})
    return found


def candidate_sets() -> Iterator[tuple[str, list[sc.Article]]]:
    """Name and articles of each set on which candidates are compared."""
    if data_folder() is None:
        yield "examples", sc.read_articles(EXAMPLES / "newsdesk.jsonl")
        return
    yield "ecbplus_dev", data_set("ecbplus_dev")
    yield "fnc1_train", data_set("fnc1_train")
    yield "allsides first 6,000", data_set("allsides_12k")[:6000]


@kernel
def sign_rows(
    indptr: NDArray[np.int64], terms: NDArray[np.uint64], a: NDArray[np.uint32], b: NDArray[np.uint32]
) -> Any:
    """MinHash signature of each row's terms."""
    n = len(indptr) - 1
    signatures = np.empty((n, len(a)), np.uint32)
    mixed = np.empty(len(terms), np.uint32)
    for row in range(n):
        size = indptr[row + 1] - indptr[row]
        premix(terms[indptr[row] : indptr[row + 1]], size, mixed)
        permute(mixed, size, a, b, signatures[row])
    return signatures


@kernel
def cosines(
    codes: NDArray[np.int64],
    indptr: NDArray[np.int64],
    indices: NDArray[np.int64],
    data: NDArray[np.float64],
    width: int,
) -> Any:
    """Inner product of each pair of rows; pairs that stand together and share a row spread it out once."""
    n = len(indptr) - 1
    out = np.empty(len(codes), np.float64)
    dense = np.zeros(width, np.float64)
    spread = -1
    for c in range(len(codes)):
        i, j = codes[c] // n, codes[c] % n
        if i != spread:
            if spread >= 0:
                for k in range(indptr[spread], indptr[spread + 1]):
                    dense[indices[k]] = 0.0
            for k in range(indptr[i], indptr[i + 1]):
                dense[indices[k]] = data[k]
            spread = i
        similarity = 0.0
        for k in range(indptr[j], indptr[j + 1]):
            similarity += dense[indices[k]] * data[k]
        out[c] = similarity
    return out


def chosen_rows(X: sparse.csr_array, most: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Positions of the heaviest entries of each row, and the bounds of the rows among them."""
    sizes = np.minimum(np.diff(X.indptr), most)
    chosen = choose_entries(X, 0, most)
    return np.flatnonzero(chosen), np.append(0, np.cumsum(sizes)).astype(np.int64)


def minhash_search(
    X: sparse.csr_array, vocabulary: NDArray[np.uint64], most: int, bands: Bands
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Candidates by MinHash over the heaviest terms, and their cosines."""
    n = X.shape[0]
    chosen, indptr = chosen_rows(X, most)
    a, b = permutations(NUM_PERM, 1)
    used = bands.bands * bands.rows
    signatures = sign_rows(indptr, vocabulary[X.indices[chosen]], a[:used], b[:used])
    held = np.flatnonzero(np.diff(indptr) > 0)  # rows without a term would all be alike
    codes = all_codes(candidate_pairs(signatures[held], bands), held, n)
    indices = X.indices.astype(np.int64)
    return codes, cosines(codes, X.indptr.astype(np.int64), indices, X.data, X.shape[1])


def all_codes(found: Candidates, held: NDArray[np.int64], n: int) -> NDArray[np.int64]:
    """Pairs of candidates, those of large buckets among them, as one sorted number each."""
    codes = [held[found.pairs[:, 0]] * n + held[found.pairs[:, 1]]]
    if found.large_buckets:
        together = np.zeros((n, n), dtype=np.bool_)
        for bucket in found.large_buckets:
            together[np.ix_(held[bucket], held[bucket])] = True
        codes.append(np.flatnonzero(np.triu(together, 1)))
    return np.unique(np.concatenate(codes))


def index_candidates(X: sparse.csr_array) -> tuple[int, int, int]:
    """Pairs that `similarity_graph` meets in its index, those it computes, and the terms indexed of a row."""
    chosen = choose_entries(X, MAX_POSTINGS, HEAVIEST)
    indexed = X.copy()
    indexed.data[~chosen] = 0.0
    indexed.eliminate_zeros()
    met = examined = 0
    for start in range(0, X.shape[0], BLOCK):
        product = sparse.csr_array(indexed[start : start + BLOCK] @ indexed.T).tocoo()
        earlier = product.col < product.row + start
        met += int(earlier.sum())
        examined += int((earlier & (product.data >= PRUNING_RATIO * LEAST)).sum())
    return met, examined, round(indexed.nnz / X.shape[0])


def compare_candidates(name: str, articles: list[sc.Article]) -> list[dict[str, Any]]:
    """Recall of true pairs by each way to find candidates."""
    keep = sc.Deduplicator(n_jobs=-1).fit(articles).keep_
    vectorizer = sc.NewsVectorizer(n_jobs=-1)
    X = vectorizer.fit_transform([a for a, kept in zip(articles, keep, strict=True) if kept])
    n = X.shape[0]
    everything = similarity_graph(X, LEAST, n_jobs=-1, exact=True)
    true = everything.nnz // 2
    repeats = 1 if n > 3000 else 3

    def row(
        way: str, terms: int, bands: Bands | None, found: int, candidates: int, seconds: float
    ) -> dict[str, Any]:
        cut = f"{bands.bands} x {bands.rows}" if bands else ""
        return {
            "set": name, "independent": n, "way": way, "terms": terms, "bands x rows": cut,
            "true pairs": true, "recall": round(found / true, 4) if true else 1.0, "candidates": candidates,
            "per candidate": round(found / candidates, 5) if candidates else 0.0,
            "seconds": round(seconds, 3),
        }  # fmt: skip

    graph, seconds = timed(lambda: similarity_graph(X, LEAST), repeats)
    met, examined, terms = index_candidates(X)
    rows = [row("index", terms, None, graph.nnz // 2, examined, seconds) | {"pairs met": met}]
    for most in TERMS:
        for bands in BANDINGS:
            (codes, values), seconds = timed(
                lambda most=most, bands=bands: minhash_search(X, vectorizer.vocabulary_, most, bands), repeats
            )
            rows.append(row("minhash", most, bands, int((values >= LEAST).sum()), len(codes), seconds))
    return rows


WHY = (
    "The index adds up weights: a pair is computed once its rare terms weigh two fifths of what is asked, "
    "so one rare name counts for more than five common words. MinHash counts the heaviest terms all alike; "
    "at a cosine of 0.25 two articles share few of them, where bands of one row let every pair through that "
    "has one term in common and bands of two or more miss many of the pairs sought. The index pays by "
    "meeting many pairs in its lists, at one addition a term."
)


def verdict(rows: list[dict[str, Any]]) -> str:
    """Which way gives the best recall for each candidate, and why."""
    parts = []
    for name in dict.fromkeys(row["set"] for row in rows):
        index, *others = [row for row in rows if row["set"] == name]
        parts.append(f"{name}: {figures('the index', index)}")
        close = [row for row in others if row["recall"] >= index["recall"] - 0.02]
        if close:
            best = max(close, key=lambda row: row["per candidate"])
            parts.append(figures("of MinHash within two points of that recall, the most frugal", best))
        else:
            best = max(others, key=lambda row: (row["recall"], row["per candidate"]))
            parts.append(figures("no MinHash comes within two points of that; the best", best))
        pure = max(others, key=lambda row: row["per candidate"])
        parts.append(figures("the most frugal MinHash of all", pure))
    return "; ".join(parts) + ". " + WHY


def figures(what: str, row: dict[str, Any]) -> str:
    """One row in words."""
    cut = f" ({row['terms']} terms, {row['bands x rows']})" if row["bands x rows"] else ""
    return (
        f"{what}{cut} finds {row['recall']:.1%} with {row['candidates']:,} candidates, "
        f"{row['per candidate']:.3f} true ones each, in {row['seconds']:.2f} s"
    )


def main() -> None:
    """Measure and write."""
    rows = [row for name, articles in labelled_sets() for row in curve(name, articles)]
    averaged = means(rows)
    print(table(rows), table(averaged), sep="\n\n")
    small = sc.NewsVectorizer()  # compile the kernels before time is taken
    warm = small.fit_transform(sc.read_articles(EXAMPLES / "newsdesk.jsonl"))
    minhash_search(warm, small.vocabulary_, TERMS[0], BANDINGS[0])
    similarity_graph(warm, LEAST)
    candidates = [row for named in candidate_sets() for row in compare_candidates(*named)]
    print()
    print(table(candidates))
    conclusion = verdict(candidates)
    print(conclusion)
    path = write_results(
        "coverage", "python benchmarks/bench_coverage.py", rows,
        means=averaged, candidates=candidates, conclusion=conclusion,
    )  # fmt: skip
    print("written to", path)


if __name__ == "__main__":
    main()
