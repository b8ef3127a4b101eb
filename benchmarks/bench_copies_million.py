"""A million articles: that copies are found within 6 GB, the texts read once and never held.

    python benchmarks/bench_copies_million.py [--articles N] [--fresh sentences|words] [--excerpts ignore]

Articles of about 3 KB are made one at a time from allsides_12k (or the example corpus): 70% are new, drawn
sentence by sentence from all articles, 30% edited copies of one of the 2,000 articles before them. They are
handed to `Deduplicator(n_jobs=-1).fit` as an iterator. With `--fresh words` the words of each new article's
sentences are shuffled, so that new articles share no shingles; drawn sentences recur, as quotations do.
Writes results/copies-million.json where a million was asked for.
"""

from __future__ import annotations

import argparse
import random
import re
import time
from collections import deque
from collections.abc import Iterator
from typing import Any

import storyclust as sc
from bench_copies import Recorder, edited, long_texts, warm
from common import forget_peak, peak_megabytes, table, write_results
from storyclust._core.progress import reporting_to

CHARACTERS = 3_000
SHARE_OF_COPIES = 0.3
REMEMBERED = 2_000  # articles that may yet be copied
SENTENCE_END = re.compile(r"(?<=[.!?])\s+")
MOST_EDITS = 0.04


def sentences_of(texts: list[str]) -> list[str]:
    """Sentences of all texts, each once, so that furniture is drawn no more often than the rest."""
    found = (sentence for text in texts for sentence in SENTENCE_END.split(text))
    return list(dict.fromkeys(sentence for sentence in found if 40 <= len(sentence) <= 400))


def articles(n: int, sentences: list[str], fresh: str, seed: int = 3) -> Iterator[str]:
    """Make articles one at a time."""
    rng = random.Random(seed)  # noqa: S311 - a benchmark, not a secret
    recent: deque[str] = deque(maxlen=REMEMBERED)
    for _ in range(n):
        if recent and rng.random() < SHARE_OF_COPIES:
            yield edited(recent[rng.randrange(len(recent))], rng.uniform(0.0, MOST_EDITS), rng)
            continue
        parts: list[str] = []
        size = 0
        while size < CHARACTERS:
            part = sentences[int(rng.random() * len(sentences))]
            if fresh == "words":
                part = " ".join(sorted(part.split(), key=lambda _: rng.random()))
            parts.append(part)
            size += len(part) + 1
        recent.append(" ".join(parts))
        yield recent[-1]


class Counted:
    """An iterator of texts that counts them, their bytes, and the seconds it takes to make them."""

    def __init__(self, texts: Iterator[str]) -> None:
        self.texts = texts
        self.n = self.size = 0
        self.seconds = 0.0

    def __iter__(self) -> Counted:
        return self

    def __next__(self) -> str:
        begin = time.perf_counter()
        text = next(self.texts)
        self.seconds += time.perf_counter() - begin
        self.n += 1
        self.size += len(text)  # characters; close to bytes in English
        return text


class MemoryRecorder(Recorder):
    """Also writes down the peak of memory at the end of each stage."""

    def __init__(self) -> None:
        super().__init__()
        self.peaks: dict[str, int] = {}

    def finish(self) -> None:
        """End the stage begun last."""
        name = self._running[-1][0]
        super().finish()
        self.peaks[name] = round(peak_megabytes())


def measure(n: int, fresh: str, excerpts: str) -> dict[str, Any]:
    """Facts about one run."""
    warm()
    sentences = sentences_of(long_texts())
    texts = Counted(articles(n, sentences, fresh))
    before = forget_peak()
    recorder = MemoryRecorder()
    begin = time.perf_counter()
    with reporting_to(recorder):
        dedup = sc.Deduplicator(excerpts=excerpts, n_jobs=-1).fit(texts)
    whole = time.perf_counter() - begin
    peak = peak_megabytes()
    mine = whole - texts.seconds
    copies = sum(len(group) - 1 for group in dedup.groups_)
    stages = {name: round(seconds, 1) for name, seconds in recorder.seconds.items()}
    return {
        "articles": n,
        "fresh": fresh,
        "excerpts are": excerpts,
        "MB": round(texts.size / 1e6),
        "seconds": round(mine, 1),
        "seconds of making the articles": round(texts.seconds, 1),
        "MB/s": round(texts.size / 1e6 / mine, 1),
        "articles/s": round(n / mine),
        "groups": len(dedup.groups_),
        "removed": copies,
        "pairs": len(dedup.pairs_),
        "excerpts": len(dedup.excerpts_),
        "peak MB": round(peak),
        "MB before": round(before),
        "bytes an article": round(1e6 * (peak - before) / n),
        "stages": {**stages, "between the stages": round(mine - sum(recorder.seconds.values()), 1)},
        "peak MB by the end of": recorder.peaks,
    }


def main() -> None:
    """Measure and write."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--articles", type=int, default=1_000_000, help="how many (default 1,000,000)")
    arguments.add_argument("--fresh", choices=("sentences", "words"), default="sentences")
    arguments.add_argument("--excerpts", choices=("report", "ignore"), default="report")
    chosen = arguments.parse_args()
    facts = measure(chosen.articles, chosen.fresh, chosen.excerpts)
    print(facts)
    print(table([{key: value for key, value in facts.items() if not isinstance(value, dict)}]))
    if chosen.articles >= 1_000_000:
        command = "python benchmarks/bench_copies_million.py"
        command += f" --articles {chosen.articles} --fresh {chosen.fresh} --excerpts {chosen.excerpts}"
        print("written to", write_results("copies-million", command, [facts]))


if __name__ == "__main__":
    main()
