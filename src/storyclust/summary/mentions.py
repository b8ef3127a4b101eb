"""Kernels that find words and names in texts, and measure where they occur."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from storyclust._core.parallel import kernel
from storyclust.text.codepoints import BIGRAM, CLASS_SHIFT, CODEPOINT_MASK, classify, decode
from storyclust.text.features import WORD_MASK, is_single_letter, is_stop

if TYPE_CHECKING:
    from numpy.typing import NDArray

LATE_DECAY = 0.35  # an occurrence in the sentence at position k counts (1 + k) ** -0.35
TITLE_WEIGHT = 2.0  # of an occurrence in a title, compared with one in the first sentence
TITLE_ONLY = 0.25  # factor for words that occur in titles only
CAPITALIZED = 0.6  # share of occurrences inside sentences with a capital from which a word is a name
MAX_WORD_BYTES = 100
MAX_ACRONYM_LETTERS = 6
# How a token is written: OPENING is a capitalized word at the start of a sentence, LETTER an initial,
# UNSPACED a token of a script without spaces. SHORT and SMALL are words of two letters, with and without a
# capital, and LINK words such as "of": they make no term, but are parts of names. OTHER tokens are not.
CAPITAL, OPENING, LOWER, TITLE_WORD, LETTER, DIGITS, UNSPACED, SHORT, SMALL, LINK, OTHER = range(11)
APART, SPACE, HYPHEN, MARK = range(4)  # what joins a token to the one before


class MarkedTokens(NamedTuple):
    """Tokens of titles and sentences; arrays of shape (n_tokens,)."""

    words: NDArray[np.int64]  # number of each token's word
    kinds: NDArray[np.int64]  # how it is written: CAPITAL, OPENING and so on
    joints: NDArray[np.int64]  # what joins it to the token before: APART, SPACE and so on
    article: NDArray[np.int64]


class WordCounts(NamedTuple):
    """Occurrences of words; arrays of shape (n_words,)."""

    frequency: NDArray[np.float64]  # weighted by position
    n_articles: NDArray[np.int64]
    is_name: NDArray[np.bool_]
    is_stop: NDArray[np.bool_]


@kernel
def kind_of(data: NDArray[np.uint8], start: Any, end: Any, table: NDArray[np.uint32], is_title: bool) -> Any:
    """Classify how a token is written.

    Capitals in titles are ignored, since many outlets capitalize every word. A word of two letters makes a
    term only if both are capitals. A long word does not if all its letters are capitals: it is page
    furniture, or the place in a dateline.
    """
    point, _ = decode(data, start, end)
    entry = classify(point, table)
    folded = entry & CODEPOINT_MASK
    if entry >> np.uint32(CLASS_SHIFT) == BIGRAM:
        return UNSPACED
    if np.uint32(0x30) <= folded <= np.uint32(0x39):
        return DIGITS
    if is_single_letter(data, start, end):
        return LETTER if folded != point else OTHER
    size = end - start
    all_capitals = True
    for k in range(start, end):
        all_capitals = all_capitals and 0x41 <= data[k] <= 0x5A
    longest = MAX_ACRONYM_LETTERS if all_capitals else MAX_WORD_BYTES
    is_short = size == 2 and not all_capitals
    if size > longest or (is_short and is_title):
        kind = OTHER
    elif is_title:
        kind = TITLE_WORD
    elif is_short:
        kind = SHORT if folded != point else SMALL
    else:
        kind = CAPITAL if folded != point else LOWER
    return kind


@kernel
def joint_of(data: NDArray[np.uint8], end: Any, start: Any, is_after_letter: bool) -> Any:
    """Classify what joins a token that ends at byte `end` to one that starts at `start`."""
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
def is_saint_or_mount(data: NDArray[np.uint8], start: Any, end: Any) -> Any:
    """Whether a token is St, Mt or Ft, which are parts of names even with a full stop: St. Louis."""
    return end - start == 2 and data[start + 1] == 0x74 and data[start] in (0x53, 0x4D, 0x46)


@kernel
def mark_tokens(
    data: NDArray[np.uint8],
    indptr: NDArray[np.int64],
    starts: NDArray[np.int64],
    ends: NDArray[np.int64],
    hashes: NDArray[np.uint64],
    table: NDArray[np.uint32],
    links: NDArray[np.uint64],
    days: NDArray[np.uint64],
    position: NDArray[np.int64],
    is_read: NDArray[np.bool_],
) -> Any:
    """Classify how each token is written, and what joins it to the one before.

    Parameters
    ----------
    data : uint8 array
        UTF-8 bytes.
    indptr : int64 array of shape (n + 1,)
        Row `i`, a title or sentence, has the tokens from ``indptr[i]`` to ``indptr[i + 1]``.
    starts, ends : int64 array of shape (n_tokens,)
        Bounds of the tokens in `data`.
    hashes : uint64 array of shape (n_tokens,)
    table : uint32 array
        See `codepoint_table`.
    links, days : uint64 arrays
        Hash tables of the words that are LINK, and of the names of weekdays; see `is_stop`.
    position : int64 array of shape (n,)
        Index of the sentence in its article, -1 for a title.
    is_read : bool array of shape (n,)
        Tokens of other rows are OTHER.

    Returns
    -------
    kinds, joints : int64 array of shape (n_tokens,)
    """
    kinds, joints = np.full(len(starts), OTHER, np.int64), np.full(len(starts), APART, np.int64)
    for row in range(len(indptr) - 1):
        if not is_read[row]:
            continue
        for k in range(indptr[row], indptr[row + 1]):
            kinds[k] = kind_of(data, starts[k], ends[k], table, position[row] < 0)
            if kinds[k] in (LOWER, SMALL) and is_stop(links, hashes[k] & WORD_MASK):
                kinds[k] = LINK
            elif is_stop(days, hashes[k] & WORD_MASK):
                kinds[k] = OTHER
            if k == indptr[row]:
                if kinds[k] == CAPITAL:
                    kinds[k] = OPENING
                elif kinds[k] == LETTER and not (ends[k] < len(data) and data[ends[k]] == 0x2E):
                    kinds[k] = OTHER  # a short word, not an initial
                continue
            joints[k] = joint_of(data, ends[k - 1], starts[k], kinds[k - 1] == LETTER)
            if joints[k] == HYPHEN and is_single_letter(data, starts[k - 1], ends[k - 1]):
                kinds[k] = OTHER  # D-Conn., e-mail
            is_abbreviation = data[ends[k - 1]] == 0x2E and starts[k] - ends[k - 1] == 2
            if is_abbreviation and is_saint_or_mount(data, starts[k - 1], ends[k - 1]):
                joints[k] = MARK
            elif is_abbreviation and kinds[k - 1] != LETTER:
                kinds[k - 1] = OTHER  # Mr., Sgt.
    return kinds, joints


@kernel
def count_occurrences(
    indptr: NDArray[np.int64],
    hashes: NDArray[np.uint64],
    tokens: MarkedTokens,
    position: NDArray[np.int64],
    stops: NDArray[np.uint64],
    n_words: int,
) -> Any:
    """Count the occurrences of each word, weighted by position, and the articles that contain it.

    Parameters
    ----------
    indptr : int64 array of shape (n + 1,)
        Bounds of the rows, titles and sentences, in the tokens.
    hashes : uint64 array of shape (n_tokens,)
    tokens : MarkedTokens
    position : int64 array of shape (n,)
        Index of each sentence in its article, -1 for a title.
    stops : uint64 array
        Hash table of stop words; see `is_stop`.
    n_words : int

    Returns
    -------
    counts : WordCounts
    """
    frequency, n_articles = np.zeros(n_words), np.zeros(n_words, np.int64)
    last = np.full(n_words, -1, np.int64)
    capital, lower = np.zeros(n_words, np.int64), np.zeros(n_words, np.int64)
    stop, in_text = np.zeros(n_words, np.bool_), np.zeros(n_words, np.bool_)
    for row in range(len(indptr) - 1):
        weight = (1.0 + position[row]) ** -LATE_DECAY if position[row] >= 0 else TITLE_WEIGHT
        for k in range(indptr[row], indptr[row + 1]):
            word, kind = tokens.words[k], tokens.kinds[k]
            stop[word] = stop[word] or (frequency[word] == 0.0 and is_stop(stops, hashes[k] & WORD_MASK))
            capital[word] += kind in (CAPITAL, LETTER)
            lower[word] += kind == LOWER
            if kind > TITLE_WORD:
                continue
            in_text[word] = in_text[word] or kind != TITLE_WORD
            frequency[word] += weight
            if last[word] != tokens.article[k]:
                last[word] = tokens.article[k]
                n_articles[word] += 1
    for word in range(n_words):
        if not in_text[word]:
            frequency[word] *= TITLE_ONLY
    is_name = (capital > 0) & (capital >= CAPITALIZED * (capital + lower)) & ~stop
    return WordCounts(frequency, n_articles, is_name, stop)


@kernel
def extends_name(k: int, step: int, tokens: MarkedTokens, counts: WordCounts) -> Any:
    """Whether the token `k`, after a name (`step` 1) or before it (-1), belongs to the name.

    A stop word with a capital does (Theresa May), and a small word behind a hyphen (Kim Jong-un). A LINK does
    if a capitalized word follows it (Bureau of Labor Statistics).
    """
    kinds, joints = tokens.kinds, tokens.joints
    joint = joints[k] if step > 0 else joints[k + 1]
    kind, word = kinds[k], tokens.words[k]
    if joint == APART:
        return False
    if joint == HYPHEN and kind in (DIGITS, LOWER, SMALL):
        return kind == DIGITS or step > 0
    while kinds[k] == LINK and joint == SPACE and 0 < k < len(kinds) - 1:
        joint = joints[k + 1] if step > 0 else joints[k]
        k += step
        if joint == SPACE and kinds[k] == CAPITAL:
            return True
    return kind in (CAPITAL, SHORT) or (
        not counts.is_stop[word] and (kind == LETTER or (kind == OPENING and counts.is_name[word]))
    )


@kernel
def extends_term(k: int, step: int, tokens: MarkedTokens, counts: WordCounts, is_name: bool) -> Any:
    """Whether the token `k`, after a term (`step` 1) or before it (-1), belongs to the term."""
    if is_name:
        return extends_name(k, step, tokens, counts)
    word, kind = tokens.words[k], tokens.kinds[k]
    joint = tokens.joints[k] if step > 0 else tokens.joints[k + 1]
    if joint in (APART, MARK) or counts.is_name[word]:
        return False
    return kind in (LOWER, OPENING) and (joint == HYPHEN or not counts.is_stop[word])


@kernel
def find_mentions(
    word: int, tokens: MarkedTokens, counts: WordCounts, is_name: bool, reach: int
) -> NDArray[np.int64]:
    """Find the occurrences of a word in sentences, with their neighbours.

    Neighbours of a name are capitalized words, initials, what stands behind a hyphen (COVID-19, Kim Jong-un),
    and links between capitalized words. Neighbours of another word are words that are no names, stop words
    only if a hyphen joins them. Of a name, only the first mention in each article is found.

    Parameters
    ----------
    word : int
    tokens : MarkedTokens
    counts : WordCounts
    is_name : bool
        Whether `word` is a name.
    reach : int
        Largest number of neighbours on each side.

    Returns
    -------
    mentions : int64 array of shape (n_mentions, 3)
        The token, its first neighbour and its last.
    """
    words = tokens.words
    found = np.empty((len(words), 3), np.int64)
    n = 0
    for k in range(len(words)):
        if words[k] != word or tokens.kinds[k] > LOWER or (is_name and tokens.kinds[k] == LOWER):
            continue
        if is_name and n > 0 and tokens.article[found[n - 1, 0]] == tokens.article[k]:
            continue
        low, high = k, k
        while low > max(0, k - reach) and extends_term(low - 1, -1, tokens, counts, is_name):
            low -= 1
        stop = min(len(words), k + reach + 1)
        while high + 1 < stop and extends_term(high + 1, 1, tokens, counts, is_name):
            high += 1
        found[n, 0], found[n, 1], found[n, 2] = k, low, high
        n += 1
    return found[:n].copy()
