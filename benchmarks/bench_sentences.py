"""Sentence splitting: boundaries found in ten languages, and speed, against pySBD and sentencex.

    python benchmarks/bench_sentences.py

Gold: tests/text/sentences_gold.json and, held out, tests/text/sentences_held_out.json: texts of two to four
sentences made up for this purpose and fixed before any splitter ran on them. Our rules were mended with the
first set; no rule was changed for the second. They are full of what misleads a splitter: abbreviations,
initials, decimals, ordinal dates, quotations, ellipses. They were not drawn from real news, so the figures
compare splitters and do not tell how often one errs in an article. Sentences are joined by a space, in
Japanese and Chinese by nothing. A quotation counts as part of the sentence that introduces it, also where it
holds several.

F1 is that of the boundaries inside a text; its end, which nobody can miss, does not count. A boundary is the
number of characters before it that are no white space: it does not matter which sentence gets the space.
"all" counts the boundaries of all languages together, "texts" is the share of texts split without a fault.
Speed is measured on the texts of each language, joined into one article.

storyclust is told no language, pySBD and sentencex are told the right one; pySBD has no Czech and gets its
Slovak. Both are left out where they are not installed. Writes results/sentences.json.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from common import table, timed, write_results
from storyclust.text.sentences import split_sentences

GOLD = Path(__file__).parent.parent / "tests" / "text" / "sentences_gold.json"
HELD_OUT = GOLD.with_name("sentences_held_out.json")
UNSPACED = ("ja", "zh")
ROUNDS = 20  # over all texts, in each run that is timed

Splitter = Callable[[str], list[str]]


def by_storyclust(lang: str) -> Splitter:
    """Our own, the same for every language."""
    del lang
    return lambda text: [sentence.string for sentence in split_sentences(text)]


def by_pysbd(lang: str) -> Splitter:
    """PySBD, which has rules for each of its languages."""
    import pysbd

    segmenter = pysbd.Segmenter(language={"cs": "sk"}.get(lang, lang), clean=False)
    split: Splitter = segmenter.segment
    return split


def by_sentencex(lang: str) -> Splitter:
    """Wikimedia's, which falls back to related languages."""
    import sentencex

    return lambda text: list(sentencex.segment(lang, text))


WAYS: dict[str, Callable[[str], Splitter]] = {"storyclust": by_storyclust}
if find_spec("pysbd"):
    WAYS["pySBD"] = by_pysbd
if find_spec("sentencex"):
    WAYS["sentencex"] = by_sentencex


def joined(sentences: list[str], lang: str) -> str:
    """Sentences as one text."""
    return ("" if lang in UNSPACED else " ").join(sentences)


def boundaries(sentences: list[str]) -> set[int]:
    """Characters before each boundary that are no white space."""
    lengths = [len("".join(sentence.split())) for sentence in sentences]
    return set(itertools.accumulate(lengths)) - {0, sum(lengths)}


def f1(right: int, found: int, given: int) -> float:
    """F1 of so many right ones among so many found and given."""
    return round(2 * right / (found + given), 3) if found + given else 1.0


def measure(way: str, gold: dict[str, list[list[str]]]) -> dict[str, Any]:
    """Score a splitter on all languages."""
    splitters = {lang: WAYS[way](lang) for lang in gold}
    row: dict[str, Any] = {"way": way}
    counts, faultless, texts = [0, 0, 0], 0, 0
    for lang, of_lang in gold.items():
        right = found = given = 0
        for sentences in of_lang:
            ours, theirs = boundaries(splitters[lang](joined(sentences, lang))), boundaries(sentences)
            right += len(ours & theirs)
            found += len(ours)
            given += len(theirs)
            faultless += ours == theirs
            texts += 1
        row[lang] = f1(right, found, given)
        counts = [sum(pair) for pair in zip(counts, (right, found, given), strict=True)]
    row |= {"all": f1(*counts), "texts": round(faultless / texts, 3)}

    articles = {lang: joined([s for text in of_lang for s in text], lang) for lang, of_lang in gold.items()}

    def split_all() -> None:
        for _ in range(ROUNDS):
            for lang, article in articles.items():
                splitters[lang](article)

    _, seconds = timed(split_all)
    row["thousand characters/s"] = round(ROUNDS * sum(map(len, articles.values())) / seconds / 1e3)
    return row


def main() -> None:
    """Run everything."""
    gold = json.loads(GOLD.read_text(encoding="utf-8"))
    held_out = json.loads(HELD_OUT.read_text(encoding="utf-8"))
    rows = []
    for way in WAYS:
        apart = measure(way, held_out)
        rows.append(measure(way, gold) | {"held out": apart["all"], "texts held out": apart["texts"]})
    print(table(rows))
    write_results(
        "sentences",
        "python benchmarks/bench_sentences.py",
        rows,
        texts={lang: len(of_lang) for lang, of_lang in gold.items()},
    )


if __name__ == "__main__":
    main()
