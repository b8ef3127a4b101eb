"""Copies: raw strings to verified pairs, against rensa and datasketch in the same run.

    python benchmarks/bench_copies.py [--quick]

Takes long articles (allsides_12k of the folder named by STORYCLUST_DATA, else the example corpus), adds a
seeded set of edited copies, and times the whole job of each tool: shingles, signatures, bands, pairs.
Recall and precision are measured against all pairs at Jaccard 0.8 or more, counted exactly by other means.

Beside that table: seconds of each stage; brute force by scikit-learn; and other sets (long articles,
newswire, Japanese, headlines, equal texts), each measured in a process of its own, so that its peak of
memory is its own. Writes results/copies.json.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from scipy import sparse

import storyclust as sc
from common import (
    EXAMPLES,
    data_folder,
    data_set,
    forget_peak,
    peak_megabytes,
    table,
    timed,
    write_results,
)
from storyclust._core.progress import reporting_to
from storyclust.text.tokens import hash_tokens

THRESHOLD, SIZE, NUM_PERM = 0.8, 5, 128
SETS = (
    *("allsides_12k", "reuters21578", "livedoor"),
    *("edited copies", "headlines", "equal texts", "equal texts, half"),
)
PATIENCE = 60  # seconds a peer is given on one of the sets
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


class Recorder:
    """Hears of the stages that are run, and adds up the seconds of each."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._running: list[tuple[str, float]] = []

    def start(self, stage: str, total: int) -> None:
        """Begin a stage."""
        self._running.append((stage, time.perf_counter()))

    def advance(self, steps: int) -> None:
        """Pass over a step."""

    def finish(self) -> None:
        """End the stage begun last."""
        stage, begin = self._running.pop()
        self.seconds[stage] = self.seconds.get(stage, 0.0) + time.perf_counter() - begin


def stages(texts: list[str], n_jobs: int, repeats: int = 5) -> dict[str, float]:
    """Median seconds of each stage, and of what lies between them."""
    runs: list[dict[str, float]] = []
    for _ in range(repeats):
        recorder = Recorder()
        begin = time.perf_counter()
        with reporting_to(recorder):
            ours(texts, n_jobs)
        whole = time.perf_counter() - begin
        rest = whole - sum(recorder.seconds.values())
        runs.append({**recorder.seconds, "between the stages": rest, "all": whole})
    return {name: round(float(np.median([run[name] for run in runs])), 4) for name in runs[0]}


def warm() -> None:
    """Have every kernel compiled: copies, equal texts, excerpts and a crowd, on one thread and two."""
    rng = random.Random(0)  # noqa: S311
    words = [str(k) for k in range(400)]
    crowd = [" ".join([*words[:200], str(k)]) for k in range(200)]
    others = [" ".join(rng.choices(words, k=100)) for _ in range(100)]
    texts = crowd + others + others[:40] + [text[:150] for text in others] + [edited(others[0], 0.02, rng)]
    for exact in (False, True):
        sc.Deduplicator(n_jobs=2, exact=exact).fit(texts)
        sc.Deduplicator(n_jobs=1, exact=exact).fit(texts)


def headlines(n: int, seed: int = 11) -> list[str]:
    """Windows of 8 to 12 words cut from articles, a tenth of them once more with an edit at the end.

    A word is dropped, added or replaced. Replacing one leaves no pair of so short texts at 0.8.
    """
    rng = random.Random(seed)  # noqa: S311
    sources = [text.split() for text in long_texts()]
    cut: list[str] = []
    while len(cut) < n - n // 10:
        words, length = rng.choice(sources), rng.randint(8, 12)
        start = rng.randrange(max(1, len(words) - length))
        cut.append(" ".join(words[start : start + length]))
    for text in rng.sample(cut, n // 10):
        words, edit = text.split(" "), rng.randrange(3)
        kept = words if edit == 0 else words[:-1]
        cut.append(" ".join(kept if edit == 1 else [*kept, rng.choice(rng.choice(sources))]))
    rng.shuffle(cut)
    return cut


def long_texts() -> list[str]:
    """Texts of the long articles that there are."""
    found = data_set("allsides_12k") if data_folder() else sc.read_articles(EXAMPLES / "newsdesk.jsonl")
    return [article.text for article in found]


def texts_of(name: str, quick: bool) -> list[str]:
    """Texts of one of the sets; a tenth of them where it is to be quick."""
    part = 10 if quick else 1
    if name == "edited copies":
        return corpus(10_000 // part, 5_000 // part)
    if name == "headlines":
        return headlines(100_000 // part)
    if name.startswith("equal texts"):
        length = 3_000  # characters
        return [" ".join(long_texts())[:length]] * ((25_000 if "half" in name else 50_000) // part)
    contents = [article.content for article in data_set(name)]
    return contents[: len(contents) // part]


def shingle_counts(texts: list[str], size: int = SIZE) -> sparse.csr_array:
    """Texts by distinct shingles of tokens, from exact numbers instead of rolling hashes.

    Tokens are storyclust's own, so that Japanese is cut, too; everything after them is done by other means.
    Of shingles that one text alone holds, the columns are left out and the numbers kept: see `gold_of`.
    """
    tokens = hash_tokens(texts)
    distinct, words = np.unique(tokens.hashes, return_inverse=True)
    base = len(distinct) + 1
    lengths = np.diff(tokens.indptr)
    rows = np.repeat(np.arange(len(texts)), lengths)
    left = np.repeat(tokens.indptr[1:], lengths) - np.arange(len(words))  # tokens from here to the end
    codes = np.zeros(len(words), np.int64)
    for k in range(size):
        if codes.max(initial=0) >= 2**62 // base:
            codes = np.unique(codes, return_inverse=True)[1]
        codes = codes * base + np.where(
            left > k, 1 + words[np.minimum(np.arange(len(words)) + k, len(words) - 1)], 0
        )
    # A text shorter than a shingle is one shingle as a whole; the zeros behind it keep it apart.
    whole = (left >= size) | ((lengths[rows] < size) & (left == lengths[rows]))
    columns = np.unique(codes[whole], return_inverse=True)[1]
    empty = np.flatnonzero(lengths == 0)
    names: dict[str, int] = {}
    more = [names.setdefault(texts[row].strip(), len(names)) for row in empty]
    rows = np.concatenate((rows[whole], empty))
    columns = np.concatenate((columns, np.array(more, np.int64) + columns.max(initial=-1) + 1))
    ones = np.ones(len(rows), np.int32)
    X = sparse.csr_array((ones, (rows, columns)), shape=(len(texts), int(columns.max(initial=0)) + 1))
    X.sum_duplicates()
    X.data[:] = 1
    return X


def similar_pairs(X: sparse.csr_array, least: float) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """All pairs of rows at Jaccard `least` or more, and their similarities, from shared counts."""
    sizes = X.sum(axis=1)
    held = np.bincount(X.indices, minlength=X.shape[1])
    common = X[:, np.flatnonzero(held > 1)]
    pairs, values = [], []
    block = max(1, int(2e9 / 12 / max(1, X.shape[0])))
    for start in range(0, X.shape[0], block):
        shared = sparse.triu(common[start : start + block] @ common.T, k=1 + start).tocoo()
        row, column = shared.row.astype(np.int64) + start, shared.col.astype(np.int64)
        similarity = shared.data / (sizes[row] + sizes[column] - shared.data)
        found = similarity >= least - 1e-12
        pairs.append(np.column_stack((row[found], column[found])))
        values.append(similarity[found])
    return np.concatenate(pairs), np.concatenate(values)


def gold_of(texts: list[str]) -> tuple[Pairs, set[int]]:
    """All pairs that reach the threshold; and the rows equal to so many others that few pairs are listed."""
    numbers: dict[str, int] = {}
    first = np.array([numbers.setdefault(text, len(numbers)) for text in texts])
    pairs, _ = similar_pairs(shingle_counts(texts), THRESHOLD)
    crowded = np.flatnonzero(np.bincount(first)[first] > 32)
    return {(int(i), int(j)) for i, j in pairs}, set(crowded.tolist())


def brute_force(texts: list[str]) -> Pairs:
    """Find pairs as scikit-learn's users do: binary 5-grams by hashing, and the product with itself."""
    from sklearn.feature_extraction.text import HashingVectorizer

    vectorizer = HashingVectorizer(
        ngram_range=(SIZE, SIZE), token_pattern=WORD.pattern, binary=True, norm=None, alternate_sign=False,
        n_features=2**24, dtype=np.int32,
    )  # fmt: skip
    X = sparse.csr_array(vectorizer.transform(texts))
    shared = sparse.triu(X @ X.T, k=1).tocoo()
    sizes = X.sum(axis=1)
    found = shared.data >= THRESHOLD * (sizes[shared.row] + sizes[shared.col] - shared.data)
    return set(zip(shared.row[found].tolist(), shared.col[found].tolist(), strict=True))


def measure_set(name: str, quick: bool) -> dict[str, Any]:
    """Facts about storyclust on one set; to be run in a process of its own."""
    warm()
    texts = texts_of(name, quick)
    megabytes = sum(len(text.encode()) for text in texts) / 1e6
    dedup = sc.Deduplicator(THRESHOLD, NUM_PERM, SIZE, n_jobs=2).fit(texts)
    facts: dict[str, Any] = {"set": name, "texts": len(texts), "megabytes": round(megabytes, 1)}
    repeats = 5 if len(texts) < 60_000 else 3
    for threads in (1, 2):
        job = sc.Deduplicator(THRESHOLD, NUM_PERM, SIZE, n_jobs=threads)
        seconds = timed(lambda job=job: job.fit(texts), repeats)[1]
        words = f"{threads} thread" + "s" * (threads > 1)
        facts[f"seconds, {words}"] = round(seconds, 3)
        facts[f"MB/s, {words}"] = round(megabytes / seconds, 1)
        facts[f"texts/s, {words}"] = round(len(texts) / seconds)
    pairs = {(int(i), int(j)) for i, j in dedup.pairs_}
    facts |= {"pairs": len(pairs), "groups": len(dedup.groups_)}
    facts |= {"largest group": max(map(len, dedup.groups_), default=0), "excerpts": len(dedup.excerpts_)}
    with tempfile.TemporaryDirectory() as folder:  # what was held to make the texts is not storyclust's
        path = Path(folder, "texts.json")
        path.write_text(json.dumps(texts), encoding="utf-8")
        facts |= in_child("--memory", str(path), quick) or {}
    if name.startswith("equal texts"):
        facts["gold"] = "none: one group of all is right, and its pairs are too many to list"
        return facts
    gold, crowded = gold_of(texts)
    listed = {pair for pair in gold if not (pair[0] in crowded and pair[1] in crowded)}
    facts |= {"gold pairs": len(gold), "gold pairs among more than 32 equal texts": len(gold) - len(listed)}
    facts["recall"] = round(len(pairs & listed) / len(listed), 5) if listed else None
    facts["precision"] = round(len(pairs & gold) / len(pairs), 5) if pairs else None
    # What users rely on: of each gold pair, is one of the two removed, or do both copy something kept?
    facts["gold pairs with both kept"] = int(sum(dedup.keep_[i] and dedup.keep_[j] for i, j in gold))
    if name == "edited copies":
        whole = sc.Deduplicator(THRESHOLD, NUM_PERM, SIZE, n_jobs=2, exact=True)
        found, seconds = timed(lambda: whole.fit(texts), 1)
        exact = {(int(i), int(j)) for i, j in found.pairs_}
        facts["exact=True"] = {
            "seconds, 2 threads": round(seconds, 3),
            "recall": round(len(exact & gold) / max(1, len(gold)), 5),
            "precision": round(len(exact & gold) / max(1, len(exact)), 5),
        }
    return facts


def measure_memory(path: str) -> dict[str, Any]:
    """Peak of storyclust on the texts of a file; to be run in a process of its own."""
    warm()
    texts = json.loads(Path(path).read_text(encoding="utf-8"))
    before = forget_peak()
    sc.Deduplicator(THRESHOLD, NUM_PERM, SIZE, n_jobs=2).fit(texts)
    peak = peak_megabytes()
    more = round(1e6 * (peak - before) / len(texts))
    return {"peak MB": round(peak), "MB before, texts included": round(before), "bytes per article": more}


def measure_rensa(name: str, quick: bool) -> dict[str, Any]:
    """Seconds of rensa's flags on one set; to be run in a process of its own."""
    texts = texts_of(name, quick)
    rensa_flags(texts[:50])
    seconds = timed(lambda: rensa_flags(texts), 1)[1]
    megabytes = sum(len(text.encode()) for text in texts) / 1e6
    return {"seconds": round(seconds, 3), "MB/s": round(megabytes / seconds, 1)}


def in_child(job: str, name: str, quick: bool, patience: float | None = None) -> dict[str, Any] | None:
    """Run one measurement in a process of its own; None where it outlasts our patience."""
    command = [sys.executable, __file__, job, name] + ["--quick"] * quick
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=patience)
    except subprocess.TimeoutExpired:
        return None
    except subprocess.CalledProcessError as error:
        raise SystemExit(f"{' '.join(command)} failed:\n{error.stderr}") from error
    facts: dict[str, Any] = json.loads(done.stdout)
    return facts


def measure_sets(quick: bool) -> list[dict[str, Any]]:
    """Facts about every set there is, rensa's beside them."""
    found = []
    for name in SETS:
        if data_folder() is None and name in SETS[:3]:
            continue
        facts = in_child("--set", name, quick) or {}
        if name == "livedoor":
            facts["rensa, flags"] = "not run: its users' words need spaces between them"
        else:
            facts["rensa, flags"] = (
                in_child("--rensa", name, quick, PATIENCE)
                or f"not done within {PATIENCE} s, reading included"
            )
        print(facts, flush=True)
        found.append(facts)
    return found


def main() -> None:
    """Measure and write."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--quick", action="store_true", help="a tenth of the articles")
    arguments.add_argument("--set", choices=SETS, help="measure this set alone and print its facts")
    arguments.add_argument("--rensa", choices=SETS, help="the same for rensa's flags")
    arguments.add_argument("--memory", metavar="FILE", help="the same for memory, of texts in a file")
    chosen = arguments.parse_args()
    quick = chosen.quick
    if chosen.set or chosen.rensa or chosen.memory:
        if chosen.memory:
            print(json.dumps(measure_memory(chosen.memory)))
        elif chosen.rensa:
            print(json.dumps(measure_rensa(chosen.rensa, quick)))
        else:
            print(json.dumps(measure_set(chosen.set, quick)))
        return
    sets = measure_sets(quick)  # first, while this process is small
    texts = corpus(1_000, 500) if quick else corpus(10_000, 5_000)
    megabytes = sum(len(text.encode()) for text in texts) / 1e6
    gold = gold_pairs(texts)
    print(
        f"{len(texts):,} texts, {megabytes:.1f} MB, {len(gold):,} pairs at Jaccard >= {THRESHOLD}", flush=True
    )
    warm()  # kernels are compiled once on a machine; that is no part of the job

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
    facts: dict[str, Any] = {"texts": len(texts), "megabytes": round(megabytes, 1), "gold_pairs": len(gold)}
    facts["stages"] = {f"{n} thread{'s' * (n > 1)}": stages(texts, n) for n in (1, 2)}
    pairs, seconds = timed(lambda: brute_force(texts), 1)
    facts["brute_force"] = {
        "tool": "scikit-learn, binary 5-grams and their product",
        "seconds": round(seconds, 3),
        "MB/s": round(megabytes / seconds, 1),
        "recall": round(len(pairs & gold) / max(1, len(gold)), 4),
        "precision": round(len(pairs & gold) / max(1, len(pairs)), 4),
    }
    facts["sets"] = sets
    print(facts["stages"], facts["brute_force"], sep="\n")
    print(table(rows))
    print("written to", write_results("copies-quick" if quick else "copies", command, rows, **facts))


if __name__ == "__main__":
    main()
