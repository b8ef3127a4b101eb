"""Copies: raw strings to verified pairs, against rensa and datasketch in the same run.

    python benchmarks/bench_copies.py [--quick]

Takes long articles (allsides_12k of the folder named by STORYCLUST_DATA, else the example corpus), adds a
seeded set of edited copies, and times the whole job of each tool: shingles, signatures, bands, pairs.
Recall and precision are measured against all pairs at Jaccard 0.8 or more, counted exactly by other means.
Writes results/copies.json.
"""

from __future__ import annotations

import argparse
import hashlib
import random
import re
from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import sparse

import storyclust as sc
from common import EXAMPLES, data_folder, data_set, table, timed, write_results

THRESHOLD, SIZE, NUM_PERM = 0.8, 5, 128
WORD = re.compile(r"\w+")
Pairs = set[tuple[int, int]]


def corpus(n: int, n_copies: int, seed: int = 7) -> list[str]:
    """Articles and edited copies of some of them, in random order."""
    rng = random.Random(seed)  # noqa: S311 - a benchmark, not a secret
    articles = (
        data_set("allsides_12k") if data_folder() else sc.read_articles(EXAMPLES / "newsdesk.jsonl") * 20
    )
    texts = [article.text for article in articles if len(article.text.split()) >= 50][:n]
    copies = [edited(rng.choice(texts), rng.uniform(0.0, 0.06), rng) for _ in range(n_copies)]
    texts += copies
    rng.shuffle(texts)
    return texts


def edited(text: str, rate: float, rng: random.Random) -> str:
    """Replace, drop and double words at a rate, and sometimes cut the end."""
    words = text.split(" ")
    out: list[str] = []
    for word in words:
        if rng.random() >= rate:
            out.append(word)
            continue
        edit = rng.randrange(3)
        if edit == 0:
            out.append(rng.choice(words))
        elif edit == 1:
            out += [word, rng.choice(words)]
    if rng.random() < 0.3:
        out = out[: int(len(out) * rng.uniform(0.85, 1.0))]
    return " ".join(out)


def shingles(text: str) -> list[str]:
    """Word 5-grams as users of the peers write them."""
    words = WORD.findall(text.lower())
    return [" ".join(words[k : k + SIZE]) for k in range(max(1, len(words) - SIZE + 1))]


def gold_pairs(texts: list[str]) -> Pairs:
    """All pairs that reach the threshold, from exact counts of shared shingles."""
    rows, keys = [], []
    for row, text in enumerate(texts):
        distinct = {hashlib.blake2b(s.encode(), digest_size=8).digest() for s in shingles(text)}
        keys.append(np.frombuffer(b"".join(sorted(distinct)), np.uint64))
        rows.append(np.full(len(distinct), row))
    _, columns = np.unique(np.concatenate(keys), return_inverse=True)
    ones = np.ones(len(columns), np.int32)
    X = sparse.csr_array((ones, (np.concatenate(rows), columns)))
    shared = sparse.triu(X @ X.T, k=1).tocoo()
    sizes = np.array([len(k) for k in keys])
    union = sizes[shared.row] + sizes[shared.col] - shared.data
    found = shared.data >= THRESHOLD * union
    return set(zip(shared.row[found].tolist(), shared.col[found].tolist(), strict=True))


def ours(texts: list[str], n_jobs: int = 1) -> Pairs:
    """Pairs that storyclust verifies."""
    dedup = sc.Deduplicator(THRESHOLD, NUM_PERM, SIZE, n_jobs=n_jobs).fit(texts)
    return {(int(i), int(j)) for i, j in dedup.pairs_}


def rensa_flags(texts: list[str]) -> None:
    """Run rensa's one-shot path: flags, no pairs, nothing verified."""
    from rensa import RMinHash, RMinHashLSH

    matrix = RMinHash.digest_matrix_from_token_sets([shingles(text) for text in texts], NUM_PERM, 1)
    lsh = RMinHashLSH(threshold=THRESHOLD, num_perm=NUM_PERM, num_bands=16)
    lsh.query_duplicate_flags_matrix_one_shot(matrix)


def rensa_pairs(texts: list[str]) -> Pairs:
    """Take rensa's candidates and verify them by Python sets."""
    from rensa import RMinHash, RMinHashLSH

    sets = [shingles(text) for text in texts]
    hashes = RMinHash.from_token_sets(sets, NUM_PERM, 1)
    lsh = RMinHashLSH(threshold=THRESHOLD, num_perm=NUM_PERM, num_bands=16)
    lsh.insert_many(hashes)
    return verified(sets, lsh.query_all(hashes))


def datasketch_pairs(texts: list[str]) -> Pairs:
    """Candidates of datasketch's MinHashLSH at its default bands, not verified."""
    from datasketch import MinHash, MinHashLSH

    lsh = MinHashLSH(threshold=THRESHOLD, num_perm=NUM_PERM)
    found: Pairs = set()
    for row, text in enumerate(texts):
        sketch = MinHash(NUM_PERM)
        sketch.update_batch([shingle.encode() for shingle in shingles(text)])
        found.update((other, row) for other in lsh.query(sketch))
        lsh.insert(row, sketch)
    return found


def verified(sets: list[list[str]], candidates: list[list[int]]) -> Pairs:
    """Candidates whose exact Jaccard similarity reaches the threshold."""
    found: Pairs = set()
    cache: dict[int, set[str]] = {}
    for i, others in enumerate(candidates):
        for j in others:
            if j > i:
                a, b = (cache.setdefault(row, set(sets[row])) for row in (i, j))
                if len(a & b) >= THRESHOLD * len(a | b):
                    found.add((i, j))
    return found


def main() -> None:
    """Measure and write."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--quick", action="store_true", help="a tenth of the articles")
    quick = arguments.parse_args().quick
    texts = corpus(1_000, 500) if quick else corpus(10_000, 5_000)
    megabytes = sum(len(text.encode()) for text in texts) / 1e6
    gold = gold_pairs(texts)
    print(
        f"{len(texts):,} texts, {megabytes:.1f} MB, {len(gold):,} pairs at Jaccard >= {THRESHOLD}", flush=True
    )
    ours(texts[:50], 2)  # kernels are compiled once on a machine; that is no part of the job

    tools: list[tuple[str, Callable[[], Any], int]] = [
        ("storyclust, verified, 1 thread", lambda: ours(texts, 1), 5),
        ("storyclust, verified, 2 threads", lambda: ours(texts, 2), 5),
        ("rensa, flags, unverified", lambda: rensa_flags(texts), 3),
        ("rensa, verified in Python", lambda: rensa_pairs(texts), 1),
        ("datasketch, unverified", lambda: datasketch_pairs(texts), 1),
    ]
    rows: list[dict[str, Any]] = []
    for name, job, repeats in tools:
        pairs, seconds = timed(job, repeats)
        row = {"tool": name, "seconds": round(seconds, 3), "MB/s": round(megabytes / seconds, 1)}
        if pairs is not None:
            row["recall"] = round(len(pairs & gold) / max(1, len(gold)), 4)
            row["precision"] = round(len(pairs & gold) / max(1, len(pairs)), 4)
        row["times slower than storyclust"] = round(seconds / rows[0]["seconds"], 2) if rows else 1.0
        rows.append(row)
        print(row, flush=True)
    command = "python benchmarks/bench_copies.py" + (" --quick" if quick else "")
    facts = {"texts": len(texts), "megabytes": round(megabytes, 1), "gold_pairs": len(gold)}
    print(table(rows))
    print("written to", write_results("copies-quick" if quick else "copies", command, rows, **facts))


if __name__ == "__main__":
    main()
