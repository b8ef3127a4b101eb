"""Kernels that find words and names in texts, and measure where they stand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from storyclust._core.parallel import kernel
from storyclust.text.features import WORD_MASK, is_single_letter, is_stop
from storyclust.text.tokens import BIGRAM, CLASS_SHIFT, CODEPOINT_MASK, classify, decode

if TYPE_CHECKING:
    from numpy.typing import NDArray


LATE_DECAY = 0.35  # a place in the sentence k counts (1 + k) to the power of minus this
LONGEST_WORD = 100  # bytes


@kernel
def kind_of(data: NDArray[np.uint8], start: Any, end: Any, table: NDArray[np.uint32], is_title: bool) -> Any:
    """How a token is written.

    Words of titles say nothing of capitals, since many outlets set one on each. A word of two letters makes a
    term only where both are capitals, one of many letters not where all are: that is furniture, or a place
    before a report.
    """
    point, _ = decode(data, start, end)
    entry = classify(point, table)
    folded = entry & CODEPOINT_MASK
    if entry >> np.uint32(CLASS_SHIFT) == BIGRAM:
        return DENSE
    if np.uint32(0x30) <= folded <= np.uint32(0x39):
        return DIGITS
    if is_single_letter(data, start, end):
        return LETTER if folded != point else ODD
    size = end - start
    all_capitals = True
    for k in range(start, end):
        all_capitals = all_capitals and 0x41 <= data[k] <= 0x5A
    if size > (LONGEST_ACRONYM if all_capitals else LONGEST_WORD) or (size == 2 and not all_capitals):
        return ODD
    if is_title:
        return TITLE
    return CAPITAL if folded != point else LOWER


@kernel
def joint_of(data: NDArray[np.uint8], end: Any, start: Any, is_after_letter: bool) -> Any:
    """What joins two tokens, of which one ends and the other starts at a byte."""
    gap = start - end
    byte = data[end]
    if gap == 1 and byte == 0x20:
        return SPACE
    if gap == 1 and byte == 0x2D:
        return HYPHEN
    if byte == 0x2E and is_after_letter and (gap == 1 or (gap == 2 and data[end + 1] == 0x20)):
        return MARK  # J.D. Vance, George W. Bush
    if gap == 1 and byte == 0x27:
        return MARK  # O'Brien
    if gap == 3 and byte == 0xE2 and data[end + 1] == 0x80 and data[end + 2] == 0x99:
        return MARK  # the same with a curly apostrophe
    return APART


@kernel
def mark_tokens(
    data: NDArray[np.uint8],
    indptr: NDArray[np.int64],
    starts: NDArray[np.int64],
    ends: NDArray[np.int64],
    table: NDArray[np.uint32],
    position: NDArray[np.int64],
    is_read: NDArray[np.bool_],
) -> Any:
    """How each token is written, and what joins it to the one before."""
    kinds, joints = np.full(len(starts), ODD, np.int64), np.full(len(starts), APART, np.int64)
    for row in range(len(indptr) - 1):
        if not is_read[row]:
            continue
        for k in range(indptr[row], indptr[row + 1]):
            kinds[k] = kind_of(data, starts[k], ends[k], table, position[row] < 0)
            if k == indptr[row]:
                if kinds[k] == CAPITAL:
                    kinds[k] = OPENING
                elif kinds[k] == LETTER and not (ends[k] < len(data) and data[ends[k]] == 0x2E):
                    kinds[k] = ODD  # a short word, not an initial
                continue
            joints[k] = joint_of(data, ends[k - 1], starts[k], kinds[k - 1] == LETTER)
            if joints[k] == HYPHEN and is_single_letter(data, starts[k - 1], ends[k - 1]):
                kinds[k] = ODD  # D-Conn., e-mail
            shortened = data[ends[k - 1]] == 0x2E and starts[k] - ends[k - 1] == 2
            if shortened and kinds[k - 1] != LETTER:
                kinds[k - 1] = ODD  # Mr., Sgt.
    return kinds, joints


@kernel
def measure_words(
    indptr: NDArray[np.int64],
    hashes: NDArray[np.uint64],
    article: NDArray[np.int64],
    position: NDArray[np.int64],
    ids: NDArray[np.int64],
    kinds: NDArray[np.int64],
    stops: NDArray[np.uint64],
    n_words: int,
) -> Any:
    """How often each word is written, in how many articles, and whether it is a name or a stop word.

    A place in a sentence counts the less the later it is; one in a title much, but little without the others.
    """
    often, spread = np.zeros(n_words), np.zeros(n_words, np.int64)
    last = np.full(n_words, -1, np.int64)
    capital, small = np.zeros(n_words, np.int64), np.zeros(n_words, np.int64)
    stop, in_text = np.zeros(n_words, np.bool_), np.zeros(n_words, np.bool_)
    for row in range(len(indptr) - 1):
        worth = (1.0 + position[row]) ** -LATE_DECAY if position[row] >= 0 else IN_TITLE
        for k in range(indptr[row], indptr[row + 1]):
            word, kind = ids[k], kinds[k]
            stop[word] = stop[word] or (often[word] == 0.0 and is_stop(stops, hashes[k] & WORD_MASK))
            capital[word] += kind in (CAPITAL, LETTER)
            small[word] += kind == LOWER
            if kind > TITLE:
                continue
            in_text[word] = in_text[word] or kind != TITLE
            often[word] += worth
            if last[word] != article[row]:
                last[word] = article[row]
                spread[word] += 1
    for word in range(n_words):
        if not in_text[word]:
            often[word] *= TITLE_ONLY
    named = (capital > 0) & (capital >= NAMED * (capital + small)) & ~stop
    return often, spread, named, stop


@kernel
def belongs(
    k: int,
    joint: int,
    ids: NDArray[np.int64],
    kinds: NDArray[np.int64],
    named: NDArray[np.bool_],
    stop: NDArray[np.bool_],
    is_name: bool,
) -> Any:
    """Whether a token belongs to the term beside it."""
    kind = kinds[k]
    if is_name and joint == HYPHEN and kind == DIGITS:
        return True
    if stop[ids[k]]:
        return False
    if is_name:
        return kind in (CAPITAL, LETTER) or (kind == OPENING and named[ids[k]])
    return joint != MARK and kind in (LOWER, OPENING) and not named[ids[k]]


@kernel
def find_mentions(
    word: int,
    ids: NDArray[np.int64],
    kinds: NDArray[np.int64],
    joints: NDArray[np.int64],
    named: NDArray[np.bool_],
    stop: NDArray[np.bool_],
    article: NDArray[np.int64],
    is_name: bool,
    reach: int,
) -> NDArray[np.int64]:
    """Where a word stands in sentences, with its neighbours: rows of (token, first, last).

    Neighbours of a name are words with a capital, initials and numbers behind a hyphen (COVID-19); those of
    another word are other words, less stop words; `reach` of them on either side, at most. Of a name, only
    the first mention in each article is found.
    """
    found = np.empty((len(ids), 3), np.int64)
    n = 0
    for k in range(len(ids)):
        if ids[k] != word or kinds[k] > LOWER or (is_name and kinds[k] == LOWER):
            continue
        if is_name and n > 0 and article[found[n - 1, 0]] == article[k]:
            continue
        low, high = k, k
        while (
            low > max(0, k - reach)
            and joints[low] != APART
            and belongs(low - 1, joints[low], ids, kinds, named, stop, is_name)
        ):
            low -= 1
        while (
            high + 1 < min(len(ids), k + reach + 1)
            and joints[high + 1] != APART
            and belongs(high + 1, joints[high + 1], ids, kinds, named, stop, is_name)
        ):
            high += 1
        found[n, 0], found[n, 1], found[n, 2] = k, low, high
        n += 1
    return found[:n].copy()


NAMED = 0.6  # share of a name's places inside sentences where it has a capital
IN_TITLE = 2.0  # worth of a word's place in a title, against one in the first sentence
TITLE_ONLY = 0.25  # share of that without a place in the sentences
LONGEST_ACRONYM = 6  # letters
# How a token is written (ODD ones make no term), and what joins it to the one before.
CAPITAL, OPENING, LOWER, TITLE, LETTER, DIGITS, DENSE, ODD = range(8)
APART, SPACE, HYPHEN, MARK = range(4)
