"""Tokens of scraped pages, with the lines, shingles and short phrases that page furniture is recognised by.

Texts are encoded as they are, without composition, so that bytes and characters correspond. Furniture is
compared with furniture of the same pages, which is encoded alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from storyclust._core.parallel import kernel
from storyclust.text.codepoints import codepoint_table
from storyclust.text.tokens import TextBuffer, tokenize_all

if TYPE_CHECKING:
    from numpy.typing import NDArray

SHINGLE = 5  # tokens: shorter runs recur in unlike articles by chance ("the president of the")
SHORTEST_TAIL = 2  # tokens
MIX = np.uint64(0x9E3779B97F4A7C15)  # odd multiplier (the golden ratio), to combine hashes
STOPS = np.isin(np.arange(256), list(b".:!?-|*"))
PHRASE_SEED = np.uint64(0xD6E8FEB86659FD93)  # keeps phrases apart from shingles
SHIFT = np.uint64(29)


class PageTokens(NamedTuple):
    """Tokens of texts: text `i` has those from ``indptr[i]`` to ``indptr[i + 1]``."""

    data: NDArray[np.uint8]
    offsets: NDArray[np.int64]  # of the texts in `data`
    indptr: NDArray[np.int64]
    hashes: NDArray[np.uint64]
    starts: NDArray[np.int64]  # bytes in `data`
    ends: NDArray[np.int64]
    opens: NDArray[np.bool_]  # whether a token is the first of its line
    closes: NDArray[np.bool_]  # whether it is the last of its line, or one of `STOPS` follows
    shingles: NDArray[np.uint64]  # hash of the five tokens from each on; 0 where the text ends before
    phrases: NDArray[np.uint64]  # hash of the phrase that begins at each token; 0 for none
    widths: NDArray[np.int8]  # tokens of the phrase

    @classmethod
    def of(cls, texts: Sequence[str]) -> PageTokens:
        r"""Tokenize texts.

        Examples
        --------
        >>> pages = PageTokens.of(["Ferry late\nRead more"])
        >>> pages.opens, pages.widths
        (array([ True, False,  True, False]), array([2, 3, 2, 0], dtype=int8))
        """
        encoded = [text.encode("utf-8", "replace") for text in texts]
        data, offsets = TextBuffer.from_bytes(encoded)
        indptr, hashes, starts, ends = tokenize_all(data, offsets, codepoint_table())
        opens, closes = find_edges(data, indptr, starts, ends)
        shingles = hash_shingles(hashes, indptr)
        phrases, widths = hash_phrases(data, hashes, starts, indptr, opens)
        return cls(data, offsets, indptr, hashes, starts, ends, opens, closes, shingles, phrases, widths)


@kernel
def find_edges(
    data: NDArray[np.uint8],
    indptr: NDArray[np.int64],
    starts: NDArray[np.int64],
    ends: NDArray[np.int64],
) -> Any:
    """Whether each token is the first of its line; whether it is the last, or ends a part of a sentence."""
    opens, closes = np.zeros(len(starts), np.bool_), np.zeros(len(starts), np.bool_)
    for row in range(len(indptr) - 1):
        start, stop = indptr[row], indptr[row + 1]
        if start == stop:
            continue
        opens[start] = closes[stop - 1] = True
        for p in range(start + 1, stop):
            breaks, stops = False, False
            for at in range(ends[p - 1], starts[p]):
                byte = data[at]
                breaks |= byte in (10, 13)
                stops |= STOPS[byte]
                if byte == 0xE2 and data[at + 1] == 0x80:
                    breaks |= data[at + 2] == 0xA8 or data[at + 2] == 0xA9  # separators of lines, paragraphs
                    stops |= 0x93 <= data[at + 2] <= 0x94  # dashes
            opens[p] = breaks
            closes[p - 1] = breaks or stops
    return opens, closes


@kernel
def hash_shingles(tokens: NDArray[np.uint64], indptr: NDArray[np.int64]) -> Any:
    """Hash of the shingle that begins at each token, 0 where the text ends before it does."""
    hashes = np.zeros(len(tokens), np.uint64)
    for row in range(len(indptr) - 1):
        for p in range(indptr[row], indptr[row + 1] - SHINGLE + 1):
            hashes[p] = hash_run(tokens, p, SHINGLE, MIX)
    return hashes


@kernel
def hash_run(tokens: NDArray[np.uint64], start: Any, width: Any, seed: Any) -> Any:
    """Hash of a run of tokens, never 0."""
    h = seed
    for p in range(start, start + width):
        h = (h ^ tokens[p]) * MIX
        h ^= h >> SHIFT
    return h | np.uint64(1)


@kernel
def hash_phrases(
    data: NDArray[np.uint8],
    tokens: NDArray[np.uint64],
    starts: NDArray[np.int64],
    indptr: NDArray[np.int64],
    opens: NDArray[np.bool_],
) -> Any:
    """Hashes and widths of the phrases: lines shorter than a shingle, and the last tokens of texts.

    A line that begins with a lower-case letter is the rest of a broken one, and no phrase.
    """
    hashes, widths = np.zeros(len(tokens), np.uint64), np.zeros(len(tokens), np.int8)
    for row in range(len(indptr) - 1):
        start, stop = indptr[row], indptr[row + 1]
        line = start
        for p in range(start + 1, stop + 1):
            if p == stop or opens[p]:
                first = data[starts[line]]
                if p - line < SHINGLE and not 97 <= first <= 122:
                    hashes[line], widths[line] = hash_run(tokens, line, p - line, PHRASE_SEED), p - line
                line = p
        for p in range(max(stop - SHINGLE + 1, start + 1), stop - SHORTEST_TAIL + 1):
            if widths[p] == 0:
                hashes[p], widths[p] = hash_run(tokens, p, stop - p, PHRASE_SEED), stop - p
    return hashes, widths
