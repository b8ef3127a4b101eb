"""Alignment of two texts: blocks of equal tokens, and the positions of tokens in characters."""

from __future__ import annotations

import functools
import itertools
import unicodedata
from typing import TYPE_CHECKING

import numpy as np

from storyclust.dedup.common_substrings import best_chain, shared_runs
from storyclust.text.codepoints import TABLE_SIZE
from storyclust.text.composition import widened

if TYPE_CHECKING:
    from numpy.typing import NDArray

MAX_CHANGE_RATIO = 4  # equal words between changes this many times as long are taken for chance
Block = tuple[int, int, int]  # a run of equal tokens: its start in either text, its length


def character_places(text: str, data: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Map bytes of the composed UTF-8 of a text to its characters.

    Parameters
    ----------
    text : str
    data : uint8 array of shape (n,)
        The text in NFC, as UTF-8.

    Returns
    -------
    places : int64 array of shape (2, n + 1)
        Position in `text` of what begins at each byte, and of what ends before it. They differ only where
        composition makes the position ambiguous.
    """
    text = widened(text)
    is_lead = np.append((data & 0xC0) != 0x80, True)
    places = np.cumsum(is_lead) - 1
    if text.isascii() or unicodedata.is_normalized("NFC", text):
        return np.array([places, places])
    return composed_places(text)[:, places]


def composed_places(text: str) -> NDArray[np.int64]:
    r"""Map characters of the NFC form of a text to characters of the text.

    Returns
    -------
    places : int64 array of shape (2, n + 1)
        Position in `text` of what begins at each of the `n` characters of the NFC form, and of what ends
        before it. Where composition reorders the marks of a cluster, what begins inside begins at the first
        reordered mark, and what ends inside ends with the cluster.

    Examples
    --------
    >>> composed_places("e\u0301a")
    array([[0, 2, 3],
           [0, 2, 3]])
    >>> composed_places("q\u0307\u0323.")  # the dot below comes first in NFC
    array([[0, 1, 1, 3, 4],
           [0, 1, 3, 3, 4]])
    """
    combining = combining_characters()
    bounds = [0, *(k for k, char in enumerate(text) if k and char not in combining), len(text)]
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
def combining_characters() -> frozenset[str]:
    """Characters that composition may combine with those before them; it never crosses any other."""
    chars = [chr(point) for point in range(0x300, TABLE_SIZE)]
    parts = [unicodedata.decomposition(char).split() for char in map(chr, range(TABLE_SIZE))]
    # A compatibility decomposition begins with its kind in angle brackets; NFC does not compose it.
    seconds = {chr(int(pair[1], 16)) for pair in parts if len(pair) == 2 and pair[0][0] != "<"}
    seconds.update(map(chr, (*range(0x1161, 0x1176), *range(0x11A8, 0x11C3))))  # vowels, finals of Hangul
    firsts = ((char, unicodedata.normalize("NFD", char)[0]) for char in chars)
    return frozenset(char for char, first in firsts if unicodedata.combining(first) or first in seconds)


def align(x: NDArray[np.uint64], y: NDArray[np.uint64], runs: NDArray[np.int64]) -> list[Block]:
    """Align two token sequences: blocks of equal tokens, in the order of both.

    The best chain of the given runs is taken, and each gap between its runs is aligned in the same way,
    until the gaps share no token.

    Parameters
    ----------
    x, y : uint64 arrays of shape (n_x,) and (n_y,)
    runs : int64 array of shape (m, 3)
        Common substrings; see `shared_runs`.
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


def drop_chance_blocks(blocks: list[Block], n_x: int, n_y: int, size: int) -> list[Block]:
    """Drop blocks of fewer than `size` tokens between changes over `MAX_CHANGE_RATIO` times as long.

    Dropping a block merges the changes around it, so this is repeated until no block is dropped.
    """
    while True:
        kept = [(0, 0, 0)]
        for (i, j, n), (next_i, next_j, _) in itertools.pairwise([*blocks, (n_x, n_y, 0)]):
            before = max(i - kept[-1][0] - kept[-1][2], j - kept[-1][1] - kept[-1][2])
            behind = max(next_i - i - n, next_j - j - n)
            if n >= size or min(before, behind) <= MAX_CHANGE_RATIO * n:
                kept.append((i, j, n))
        if len(kept) - 1 == len(blocks):
            return blocks
        blocks = kept[1:]
