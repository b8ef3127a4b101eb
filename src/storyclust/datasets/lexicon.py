"""Words of synthetic news: ordinary ones as frequent as in English news, names made of syllables."""

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


SPECIAL = (0.0005, 0.02)  # share of articles that hold a word that decks are made of ...
BY_THE_WAY = 0.4  # ... and part of its occurrences that are not in stories of its own
USUAL = (0.02, 0.15)  # share of articles that hold a word of a topic
TABLE_BITS = 18
WORD_BITS = 21
WORD_MASK = (1 << WORD_BITS) - 1
# Function words before a content word, and how often of 64; all are stop words.
GLUE = (
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
)  # of forms of a word, and what stands there in the word itself
ONSETS = "b d f g h j k l m n p r s t v z br dr gr kr pr st tr sh".split()
NUCLEI = "a e i o u ai ei".split()
CODAS = ("", "n", "r", "l", "s", "m", "nd", "rt", "v", "st")
TOWN_ENDS = ("", "ton", "burg", "ia", "field", "mouth", "dale")
FIRM_ENDS = "Group Bank Holdings Party Union Council Institute Industries Authority Energy".split()


class Lexicon(NamedTuple):
    """All words, word `i` being the bytes ``data[starts[i]:starts[i + 1]]``, and where to find which.

    Word 0 is empty. A code is the numbers of up to three words.
    """

    data: NDArray[np.uint8]
    starts: NDArray[np.int64]
    general: NDArray[np.int32]  # ordinary words, each as often as it is drawn
    usual: NDArray[np.int32]  # those that many articles hold
    special: NDArray[np.int32]  # those that few articles hold
    glue: NDArray[np.int64]  # codes of function words, each as often as it is drawn
    bounds: NDArray[np.int64]  # names and figures: words bounds[FIRST] to bounds[FIRST + 1] are first names

    def word(self, number: int) -> str:
        """Return one word."""
        return self.data[self.starts[number] : self.starts[number + 1]].tobytes().decode("ascii")


@functools.cache
def lexicon() -> Lexicon:
    """Return the words that all articles are made of."""
    ordinary, shares = ordinary_words()
    function = sorted({word for phrase, _ in GLUE for word in phrase.split()})
    numbers = {word: number for number, word in enumerate(function, 1 + len(ordinary))}
    codes = [pack(numbers[word] for word in phrase.split()) for phrase, often in GLUE for _ in range(often)]
    places = [name + TOWN_ENDS[k % len(TOWN_ENDS)] for k, name in enumerate(names(4_000, 11))]
    figures = [str(number) for number in range(2, 1_000)]
    lists = [names(600, 7), names(40_000, 5), places, names(8_000, 3), FIRM_ENDS, figures]
    words = ["", *ordinary, *function, *(word for listed in lists for word in listed)]
    return Lexicon(
        data=np.frombuffer("".join(words).encode("ascii"), np.uint8),
        starts=np.cumsum([0, *map(len, words)], dtype=np.int64),
        general=table(-np.log1p(-shares) * np.where(shares < SPECIAL[1], BY_THE_WAY, 1.0)),
        usual=between(shares, *USUAL),
        special=between(shares, *SPECIAL),
        glue=np.array(codes, np.int64),
        bounds=np.cumsum([1 + len(ordinary) + len(function), *map(len, lists)], dtype=np.int64),
    )


def ordinary_words() -> tuple[list[str], NDArray[np.float64]]:
    """English words by frequency, without function words, and the share of articles that hold each.

    Most names of persons are left out: only words that have other forms stay, and not only rare ones.
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


def table(rates: NDArray[np.float64]) -> NDArray[np.int32]:
    """Numbers from 1, each once and for the rest as often as its rate says: to draw is to look up."""
    n = len(rates)
    ends = np.rint(np.cumsum(rates) / rates.sum() * ((1 << TABLE_BITS) - n)).astype(np.int64)
    return np.repeat(np.arange(1, n + 1, dtype=np.int32), 1 + np.diff(ends, prepend=0))


def between(shares: NDArray[np.float64], low: float, high: float) -> NDArray[np.int32]:
    """Numbers, from 1, of words by the share of articles that hold them."""
    return (1 + np.flatnonzero((shares >= low) & (shares < high))).astype(np.int32)


def names(n: int, stride: int) -> list[str]:
    """Make distinct names that can be pronounced."""
    openers = ["".join(parts) for parts in product(ONSETS, NUCLEI)]
    closers = ["".join(parts) for parts in product(ONSETS, NUCLEI, CODAS)]
    found: dict[str, None] = {}
    number = stride
    while len(found) < n:
        number = (number + 1_000_003 * stride) % (len(openers) * len(closers))
        found[(openers[number // len(closers)] + closers[number % len(closers)]).capitalize()] = None
    return list(found)


def pack(words: Iterable[int]) -> int:
    """Code of up to three words."""
    return sum(word << WORD_BITS * place for place, word in enumerate(words))
