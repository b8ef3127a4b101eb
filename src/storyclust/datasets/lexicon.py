"""Words of synthetic news: English words at the frequencies of news, and names made of syllables."""

from __future__ import annotations

import functools
import gzip
from collections.abc import Iterable
from importlib import resources
from itertools import product
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


# The values below were set so that the similarities of synthetic articles resemble those of real news:
# benchmarks/bench_newswire.py plots both.
DISTINCTIVE_SHARES = (0.0005, 0.02)  # share of articles that contain a distinctive word ...
OUTSIDE_STORIES = 0.4  # ... and part of its occurrences that are outside the stories it is typical of
COMMON_SHARES = (0.02, 0.15)  # share of articles that contain a common word
TABLE_BITS = 18
WORD_BITS = 21
WORD_MASK = (1 << WORD_BITS) - 1
# Function words before a content word, and their number of 64; all are stop words.
FUNCTION_PHRASES = (
    *(("", 20), ("the", 8), ("of the", 3), ("a", 3), ("to", 3), ("and", 3), ("of", 3), ("in the", 2)),
    *(("in", 2), ("and the", 1), ("for", 1), ("that the", 1), ("on", 1), ("with", 1), ("at the", 1)),
    *(("from the", 1), ("by", 1), ("is", 1), ("was", 1), ("has been", 1), ("as", 1), ("to the", 1)),
    *(("which", 1), ("it", 1), ("who had", 1), ("but", 1)),
)
ENDINGS = tuple(
    (ending, other)
    for other, endings in (
        ("", "s es ed ing ly ment ness ion able"),
        ("e", "ed ing ion able"),
        ("y", "ies ied"),
    )
    for ending in endings.split()
)  # of an inflected form, and of its base form
ONSETS = "b d f g h j k l m n p r s t v z br dr gr kr pr st tr sh".split()
NUCLEI = "a e i o u ai ei".split()
CODAS = ("", "n", "r", "l", "s", "m", "nd", "rt", "v", "st")
TOWN_ENDS = ("", "ton", "burg", "ia", "field", "mouth", "dale")
FIRM_ENDS = "Group Bank Holdings Party Union Council Institute Industries Authority Energy".split()


class Lexicon(NamedTuple):
    """All words: word `i` has the bytes ``data[starts[i]:starts[i + 1]]``, and word 0 is empty.

    A code packs the numbers of up to three words.
    """

    data: NDArray[np.uint8]
    starts: NDArray[np.int64]
    general: NDArray[np.int32]  # sampling table of all English words
    common: NDArray[np.int32]  # English words in many articles
    distinctive: NDArray[np.int32]  # English words in few articles
    function_phrases: NDArray[np.int64]  # sampling table of codes of function words
    bounds: NDArray[
        np.int64
    ]  # of lists of names and figures: bounds[FIRST] to bounds[FIRST + 1] are first names

    def word(self, number: int) -> str:
        """Return a word as text."""
        return self.data[self.starts[number] : self.starts[number + 1]].tobytes().decode("ascii")


@functools.cache
def lexicon() -> Lexicon:
    """Return the words of all synthetic articles."""
    ordinary, shares = ordinary_words()
    function = sorted({word for phrase, _ in FUNCTION_PHRASES for word in phrase.split()})
    numbers = {word: number for number, word in enumerate(function, 1 + len(ordinary))}
    codes = [
        pack_code(numbers[word] for word in phrase.split())
        for phrase, often in FUNCTION_PHRASES
        for _ in range(often)
    ]
    places = [name + TOWN_ENDS[k % len(TOWN_ENDS)] for k, name in enumerate(make_names(4_000, 11))]
    figures = [str(number) for number in range(2, 1_000)]
    lists = [make_names(600, 7), make_names(40_000, 5), places, make_names(8_000, 3), FIRM_ENDS, figures]
    words = ["", *ordinary, *function, *(word for listed in lists for word in listed)]
    return Lexicon(
        data=np.frombuffer("".join(words).encode("ascii"), np.uint8),
        starts=np.cumsum([0, *map(len, words)], dtype=np.int64),
        general=sampling_table(
            -np.log1p(-shares) * np.where(shares < DISTINCTIVE_SHARES[1], OUTSIDE_STORIES, 1.0)
        ),
        common=words_by_share(shares, *COMMON_SHARES),
        distinctive=words_by_share(shares, *DISTINCTIVE_SHARES),
        function_phrases=np.array(codes, np.int64),
        bounds=np.cumsum([1 + len(ordinary) + len(function), *map(len, lists)], dtype=np.int64),
    )


def ordinary_words() -> tuple[list[str], NDArray[np.float64]]:
    """English words by decreasing frequency, without function words, and the share of articles with each.

    Only words with inflected forms are kept, of which one is not rare. This excludes most names of persons.
    """
    with resources.files("storyclust").joinpath("data/english.tsv.gz").open("rb") as file:
        lines = [line.split("\t") for line in gzip.decompress(file.read()).decode("utf-8").splitlines()]
    counts = {word: int(count) for word, count in lines if word.isascii() and word.isalpha()}
    bases: dict[str, list[str]] = {}
    for word, (ending, other) in product(counts, ENDINGS):
        base = word.removesuffix(ending) + other
        if word.endswith(ending) and len(base) > 2 and base in counts:
            bases.setdefault(base, []).append(word)
    kept = {
        word
        for base, forms in bases.items()
        if 40 * max(counts[form] for form in forms) > counts[base]
        for word in (base, *forms)
    }
    ranked = sorted(kept, key=lambda word: (-counts[word], word))
    return ranked, np.array([counts[word] for word in ranked]) / int(lines[0][1])


def sampling_table(rates: NDArray[np.float64]) -> NDArray[np.int32]:
    """Numbers from 1, each at least once and otherwise in proportion to its rate, to be sampled uniformly."""
    n = len(rates)
    ends = np.rint(np.cumsum(rates) / rates.sum() * ((1 << TABLE_BITS) - n)).astype(np.int64)
    return np.repeat(np.arange(1, n + 1, dtype=np.int32), 1 + np.diff(ends, prepend=0))


def words_by_share(shares: NDArray[np.float64], low: float, high: float) -> NDArray[np.int32]:
    """Numbers, from 1, of the words whose share of articles lies in [low, high)."""
    return (1 + np.flatnonzero((shares >= low) & (shares < high))).astype(np.int32)


def make_names(n: int, stride: int) -> list[str]:
    """Make distinct pronounceable names."""
    openers = ["".join(parts) for parts in product(ONSETS, NUCLEI)]
    closers = ["".join(parts) for parts in product(ONSETS, NUCLEI, CODAS)]
    found: dict[str, None] = {}
    number = stride
    while len(found) < n:
        number = (number + 1_000_003 * stride) % (len(openers) * len(closers))
        found[(openers[number // len(closers)] + closers[number % len(closers)]).capitalize()] = None
    return list(found)


def pack_code(words: Iterable[int]) -> int:
    """Pack the numbers of up to three words into one code."""
    return sum(word << WORD_BITS * place for place, word in enumerate(words))
