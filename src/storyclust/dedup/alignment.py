"""Alignment of two texts: equal runs of tokens, and their places in characters."""

from __future__ import annotations

import functools
import itertools
import unicodedata
from typing import TYPE_CHECKING

import numpy as np

from storyclust.dedup.common_substrings import best_chain, shared_runs
from storyclust.text.tokens import TABLE_SIZE

if TYPE_CHECKING:
    from numpy.typing import NDArray


CHANCE = 4  # words in common count for nothing between changes this many times as long
Block = tuple[int, int, int]  # a run of equal tokens: its place in either text, its length


def character_places(text: str, data: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Characters of `text` that the bytes of its composed UTF-8 `data` belong to, and its end.

    Returns two rows, which differ only where composition leaves no way to say: for what begins at a byte,
    and for what ends before it.
    """
    leads = np.append((data & 0xC0) != 0x80, True)
    places = np.cumsum(leads) - 1
    if text.isascii() or unicodedata.is_normalized("NFC", text):
        return np.array([places, places])
    return composed_places(text)[:, places]


def composed_places(text: str) -> NDArray[np.int64]:
    r"""Characters of `text` that the characters of its NFC form begin with, and its end.

    Returns two rows. Inside a cluster of marks that were put in another order, what begins there is said
    to begin with them, and what ends there to end with the cluster.

    Examples
    --------
    >>> composed_places("e\u0301a")
    array([[0, 2, 3],
           [0, 2, 3]])
    >>> composed_places("q\u0307\u0323.")  # the dot below comes first in NFC
    array([[0, 1, 1, 3, 4],
           [0, 1, 3, 3, 4]])
    """
    joins = joining()
    bounds = [0, *(k for k, char in enumerate(text) if k and char not in joins), len(text)]
    begins, ends = [], []
    for start, end in itertools.pairwise(bounds):
        cluster = text[start:end]
        composed = unicodedata.normalize("NFC", cluster)
        pairs = zip(cluster, composed, strict=False)
        alike = len(list(itertools.takewhile(lambda pair: pair[0] == pair[1], pairs)))
        begins += [start + min(k, alike) for k in range(len(composed))]
        ends += [start + k if k <= alike else end for k in range(len(composed))]
    return np.array([[*begins, len(text)], [*ends, len(text)]], dtype=np.int64)


@functools.cache
def joining() -> frozenset[str]:
    """Characters that composition may join to what stands before them; it never looks across any other."""
    chars = [chr(point) for point in range(0x300, TABLE_SIZE)]
    parts = [unicodedata.decomposition(char).split() for char in map(chr, range(TABLE_SIZE))]
    # A compatibility decomposition begins with its kind, in angle brackets, and is not composed again.
    seconds = {chr(int(pair[1], 16)) for pair in parts if len(pair) == 2 and pair[0][0] != "<"}
    seconds.update(map(chr, (*range(0x1161, 0x1176), *range(0x11A8, 0x11C3))))  # vowels, finals of Hangul
    firsts = ((char, unicodedata.normalize("NFD", char)[0]) for char in chars)
    return frozenset(char for char, first in firsts if unicodedata.combining(first) or first in seconds)


def align(x: NDArray[np.uint64], y: NDArray[np.uint64], runs: NDArray[np.int64]) -> list[Block]:
    """Blocks of equal tokens in the order of both texts.

    Of the shared runs given, those in common order that hold the most tokens are taken; between them,
    the runs that the gaps share, and so on as long as a gap shares anything.
    """
    blocks: list[Block] = []
    pending = [(0, len(x), 0, len(y), runs)]
    while pending:
        i, end_x, j, end_y, runs = pending.pop()
        chain = best_chain(runs) + np.array([i, j, 0])
        for at_x, at_y, n in [*chain.tolist(), (end_x, end_y, 0)]:
            if i < at_x and j < at_y:
                within = shared_runs(x[i:at_x], y[j:at_y], 1)
                if len(within):
                    pending.append((i, at_x, j, at_y, within))
            if n:
                blocks.append((at_x, at_y, n))
            i, j = at_x + n, at_y + n
    return sorted(blocks)


def drop_chance(blocks: list[Block], n_x: int, n_y: int, size: int) -> list[Block]:
    """Leave out blocks shorter than a passage that stand between changes far longer than themselves."""
    while True:
        kept = [(0, 0, 0)]
        for (i, j, n), (next_i, next_j, _) in itertools.pairwise([*blocks, (n_x, n_y, 0)]):
            before = max(i - kept[-1][0] - kept[-1][2], j - kept[-1][1] - kept[-1][2])
            behind = max(next_i - i - n, next_j - j - n)
            if n >= size or min(before, behind) <= CHANCE * n:
                kept.append((i, j, n))
        if len(kept) - 1 == len(blocks):
            return blocks
        blocks = kept[1:]
