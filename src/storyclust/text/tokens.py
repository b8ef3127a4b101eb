"""Texts to hashed tokens: code-point tables, the tokenizer kernel, the shingle kernel.

A corpus is one contiguous UTF-8 buffer with int64 offsets (Arrow's large_string layout). The kernels
decode it, fold case and width through one table, split it into words and hash them in a single pass; no
Python object is made for a token.

A token is a run of letters, digits and marks, folded (NFKC where that is one character, then case; ß and
ligatures become two letters, and the dotless ı an i, as which its capital is read). In
scripts written without spaces (Han, Kana, Thai, Lao, Khmer, Myanmar) it is a pair of neighbouring
characters. Vowel points of Arabic and Hebrew, soft hyphens and joiners are ignored.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from storyclust._core.parallel import kernel
from storyclust.text.codepoints import (
    BIGRAM,
    CLASS_SHIFT,
    CODEPOINT_MASK,
    IGNORED,
    LETTER,
    TWO_LETTERS,
    WORD,
    classify,
    codepoint_table,
    decode,
)
from storyclust.text.composition import composed, may_change

if TYPE_CHECKING:
    from numpy.typing import NDArray

MIX1 = np.uint64(0xFF51AFD7ED558CCD)  # of the 64-bit finalizer of MurmurHash3 (Appleby, 2011)
MIX2 = np.uint64(0xC4CEB9FE1A85EC53)
TOKEN_SEED = np.uint64(0x9E3779B97F4A7C15)
TOKEN_STEP = np.uint64(0x9FB21C651E98DF25)
ROLL = np.uint64(0xD6E8FEB86659FD93)  # base of the rolling polynomial over tokens
ZERO, SMALL_A, NOT_ASCII = np.uint8(ord("0")), np.uint8(ord("a")), np.uint8(0xFF)
UNROLLED = 12  # letters of a word that are hashed without a loop: one word in fifty has more


class TextBuffer(NamedTuple):
    """A corpus in UTF-8: text `i` is `data[offsets[i]:offsets[i + 1]]`."""

    data: NDArray[np.uint8]
    offsets: NDArray[np.int64]

    @classmethod
    def from_texts(cls, texts: Sequence[str]) -> TextBuffer:
        """Encode texts, composed; lone surrogates become question marks."""
        encoded = [text.encode("utf-8", "replace") for text in texts]
        buffer = cls.from_bytes(encoded)
        rows = may_change(*buffer).tolist()
        changed = {row: text for row in rows if (text := composed(texts[row])) != texts[row]}
        for row, text in changed.items():
            encoded[row] = text.encode("utf-8", "replace")
        return cls.from_bytes(encoded) if changed else buffer

    @classmethod
    def from_bytes(cls, encoded: Sequence[bytes]) -> TextBuffer:
        """Join texts that are encoded."""
        offsets = np.zeros(len(encoded) + 1, dtype=np.int64)
        np.cumsum(np.fromiter(map(len, encoded), dtype=np.int64, count=len(encoded)), out=offsets[1:])
        return cls(np.frombuffer(b"".join(encoded), dtype=np.uint8), offsets)


def text_sizes(texts: Iterable[str]) -> NDArray[np.int64]:
    """Characters of each text plus one, as weights for cutting a list of texts into chunks."""
    return np.fromiter(map(len, texts), dtype=np.int64) + 1


@kernel
def mix(h: Any) -> Any:
    """Mix the bits of a 64-bit value: the finalizer of MurmurHash3."""
    h ^= h >> np.uint64(33)
    h *= MIX1
    h ^= h >> np.uint64(33)
    h *= MIX2
    return h ^ (h >> np.uint64(33))


def _weights() -> NDArray[np.uint64]:
    """Weights of the last letters of words of `n` letters, in row `n`.

    Column ``UNROLLED - 1 - j`` has ``TOKEN_STEP**j`` down to the first letter, and 0 for what stands before
    it. Column `UNROLLED` has what the seed and the class of the letters contribute.
    """
    powers = [1]
    for _ in range(UNROLLED):
        powers.append(powers[-1] * int(TOKEN_STEP) % 2**64)
    table = np.zeros((UNROLLED + 1, UNROLLED + 1), np.uint64)
    for n, power in enumerate(powers):
        table[n, UNROLLED - n : UNROLLED] = powers[:n][::-1]
        table[n, UNROLLED] = (power * int(TOKEN_SEED) + int(LETTER) * sum(powers[:n])) % 2**64
    return table


WEIGHTS = _weights()


@kernel
def fold_ascii(data: NDArray[np.uint8], out: NDArray[np.uint8]) -> None:
    """Fold bytes of UTF-8: letters to lower case, separators to 0, what is not ASCII to `NOT_ASCII`.

    The compiler vectorizes the loop, which table lookups would prevent. Casts keep its numbers at 8 bits.
    """
    for k in range(len(data)):
        byte = data[k]
        lower = np.uint8(byte | np.uint8(0x20))
        folded = np.uint8(0)
        if np.uint8(byte - ZERO) < np.uint8(10):
            folded = byte
        if np.uint8(lower - SMALL_A) < np.uint8(26):
            folded = lower
        if byte >= np.uint8(0x80):
            folded = NOT_ASCII
        out[k] = folded


@kernel
def tokenize_ascii(
    folded: NDArray[np.uint8], start: Any, i: Any, end: Any, out: Any, n: Any
) -> tuple[Any, Any, Any]:
    """Split a stretch of ASCII characters into tokens.

    Parameters
    ----------
    folded : uint8 array
        The text, as `fold_ascii` returns it.
    start : int
        First byte of the text.
    i, end : int
        The stretch begins at byte `i`, between words, and ends at the first byte that is not ASCII.
    out : tuple of arrays
        Hashes, first and last bytes of the tokens of the text, of which there are `n`.
    n : int

    Returns
    -------
    n : int
        Number of tokens.
    i : int
        The byte after them: the end of the stretch, or the beginning of a word that may go on behind it.
    behind : int
        The end of the stretch.
    """
    hashes, starts, ends = out
    # A processor does not foresee where words end. So each place is written, and kept if it is a bound. The
    # hashes that will stand in the array need half the room.
    one, at, stop, base = np.uint64(1), np.uint64(i), np.uint64(end), np.uint64(start)
    count = begin = np.uint64(n)
    inside = np.uint64(0)
    while at < stop:
        letter = folded[at - base]
        if letter == NOT_ASCII:
            break
        is_word = np.uint64(letter != 0)
        hashes[count] = at
        count += is_word ^ inside
        inside = is_word
        at += one
    after = at
    if inside and at < stop:
        count -= one
        after = hashes[count]
    elif inside:
        hashes[count] = at
        count += one
    n_words = (count - begin) // np.uint64(2)
    # Functions of their own for the scan and the hash would cost a third of the time: the compiler then does
    # not know that the arrays are distinct.
    for k in range(n_words):
        bound, place = begin + np.uint64(2) * np.uint64(k), begin + np.uint64(k)
        first, last = hashes[bound], hashes[bound + one]
        size = last - first
        if size > np.uint64(UNROLLED) or last - base < np.uint64(UNROLLED):
            h = TOKEN_SEED
            for j in range(first, last):
                h = h * TOKEN_STEP + np.uint64(LETTER | folded[j - base])
        else:
            h = WEIGHTS[size, UNROLLED]
            tail = last - base - np.uint64(UNROLLED)
            for j in range(UNROLLED):  # characters before the word have a weight of 0
                h += np.uint64(folded[tail + np.uint64(j)]) * WEIGHTS[size, j]
        hashes[place], starts[place], ends[place] = mix(h), first, last
    return n + np.int64(n_words), np.int64(after), np.int64(at)


@kernel
def hash_ascii_word(folded: NDArray[np.uint8], i: Any, end: Any, h: Any) -> tuple[Any, Any, bool]:
    """Continue the hash of a word along ASCII characters.

    Returns the hash, the place of the next byte, and whether a separator before that byte ended the word.
    """
    while i < end and folded[i] != NOT_ASCII:
        letter = folded[i]
        i += 1
        if letter == 0:
            return h, i, True
        h = h * TOKEN_STEP + np.uint64(LETTER | letter)
    return h, i, False


@kernel
def put_token(out: Any, n: int, h: Any, first: Any, last: Any) -> int:
    """Write the mixed hash and the bytes of token `n`; returns the number of tokens."""
    hashes, starts, ends = out
    hashes[n], starts[n], ends[n] = mix(h), first, last
    return n + 1


@kernel
def tokenize(
    data: NDArray[np.uint8],
    start: Any,
    end: Any,
    table: NDArray[np.uint32],
    hashes: NDArray[np.uint64],
    starts: NDArray[np.int64],
    ends: NDArray[np.int64],
) -> int:
    """Split one text into tokens: their 64-bit hashes and byte positions. Returns their number.

    The three output arrays must have room for `end - start` tokens.
    """
    out = hashes, starts, ends
    # The folded text takes the last eighth of an array that the bounds of tokens, at least two bytes apart,
    # fill to its half. (In a text of one byte, the only token overwrites it, when it has been read.)
    size = end - start
    folded = ends[:size].view(np.uint8)[7 * size :]
    fold_ascii(data[start:end], folded)
    n = 0
    i = start
    h = TOKEN_SEED
    in_word = False
    run = 0  # characters so far in a run of bigram script
    previous = np.uint32(0)  # the last of them, folded
    first, last, previous_first = start, start, start  # bytes of the current token
    behind = start  # the stretch of ASCII up to here has been read
    while i < end:
        if i >= behind and data[i] < 0x80 and not in_word and run == 0:
            n, i, behind = tokenize_ascii(folded, start, i, end, out, n)
            if i == end:
                break
        at = i
        b = data[i]
        if b < 0x80:
            entry = table[b]
            i += 1
            if entry != 0 and run == 0:  # the common case: the rest of an ASCII word
                if not in_word:
                    in_word = True
                    first = at
                    h = TOKEN_SEED
                h, i, ended = hash_ascii_word(folded, i - start, size, h * TOKEN_STEP + np.uint64(entry))
                i += start
                if ended:
                    n = put_token(out, n, h, first, i - 1)
                    in_word = False
                last = i
                continue
        else:
            point, i = decode(data, i, end)
            entry = classify(point, table)
        kind = entry >> np.uint32(CLASS_SHIFT)
        if kind == IGNORED:
            continue
        if kind != WORD and in_word:
            n = put_token(out, n, h, first, last)
            in_word = False
        if kind != BIGRAM and run > 0:
            if run == 1:  # a single character is a token of its own
                n = put_token(out, n, np.uint64(previous), previous_first, last)
            run = 0
        if kind == WORD:
            if not in_word:
                in_word = True
                first = at
                h = TOKEN_SEED
            if entry & TWO_LETTERS:
                h = h * TOKEN_STEP + np.uint64(LETTER | (entry & np.uint32(0xFF)))
                entry = LETTER | (entry >> np.uint32(8) & np.uint32(0xFF))
            h = h * TOKEN_STEP + np.uint64(entry)  # mixed once, at the word's end
            last = i
        elif kind == BIGRAM:
            character = entry & CODEPOINT_MASK
            run += 1
            if run > 1:
                pair = np.uint64(previous) << np.uint64(32) | np.uint64(character)
                n = put_token(out, n, pair, previous_first, i)
            previous, previous_first, last = character, at, i
    if in_word:
        n = put_token(out, n, h, first, last)
    elif run == 1:
        n = put_token(out, n, np.uint64(previous), previous_first, last)
    return n


@kernel
def raw_hash(data: NDArray[np.uint8], start: Any, end: Any) -> Any:
    """64-bit hash of a text's bytes without outer white space, for texts without any token."""
    while start < end and data[start] <= 32:
        start += 1
    while start < end and data[end - 1] <= 32:
        end -= 1
    h = ROLL
    for i in range(start, end):
        h = (h ^ np.uint64(data[i])) * TOKEN_STEP
        h ^= h >> np.uint64(32)
    return mix(h ^ np.uint64(end - start))


@kernel
def shingle(tokens: NDArray[np.uint64], n_tokens: int, size: int, out: NDArray[np.uint64]) -> int:
    """64-bit hashes of all runs of `size` tokens, repeats included. Returns their number.

    A text of fewer tokens is a single shingle, which only an equal text shares. The hash is a rolling
    polynomial over the token hashes (Karp and Rabin, 1987) modulo 2**64, mixed at the end.
    """
    h = np.uint64(0)
    if n_tokens < size:
        for k in range(n_tokens):
            h = h * ROLL + tokens[k]
        out[0] = mix(h ^ np.uint64(n_tokens))
        return 1
    leaving = np.uint64(1)
    for _ in range(size):
        leaving *= ROLL
    for k in range(size):
        h = h * ROLL + tokens[k]
    out[0] = mix(h)
    for k in range(size, n_tokens):
        h = h * ROLL + tokens[k] - leaving * tokens[k - size]
        out[k - size + 1] = mix(h)
    return n_tokens - size + 1


class Tokens(NamedTuple):
    """Tokens of texts: text `i` has the entries from `indptr[i]` to `indptr[i + 1]`."""

    data: NDArray[np.uint8]
    indptr: NDArray[np.int64]
    hashes: NDArray[np.uint64]
    starts: NDArray[np.int64]  # bytes in `data`
    ends: NDArray[np.int64]


def hash_tokens(texts: Sequence[str]) -> Tokens:
    """Tokenise a few texts, with the places of their tokens.

    Examples
    --------
    >>> tokens = hash_tokens(["Ferry, FERRY"])
    >>> bool(tokens.hashes[0] == tokens.hashes[1]), tokens.starts, tokens.ends
    (True, array([0, 7]), array([ 5, 12]))
    """
    data, offsets = TextBuffer.from_texts(texts)
    return Tokens(data, *tokenize_all(data, offsets, codepoint_table()))


@kernel
def tokenize_all(data: NDArray[np.uint8], offsets: NDArray[np.int64], table: NDArray[np.uint32]) -> Any:
    """Tokens of every text of a buffer."""
    n = len(offsets) - 1
    capacity = len(data) + 1
    indptr = np.zeros(n + 1, np.int64)
    hashes = np.empty(capacity, np.uint64)
    starts, ends = np.empty(capacity, np.int64), np.empty(capacity, np.int64)
    for row in range(n):
        at = indptr[row]
        found = tokenize(data, offsets[row], offsets[row + 1], table, hashes[at:], starts[at:], ends[at:])
        indptr[row + 1] = at + found
    total = indptr[n]
    return indptr, hashes[:total].copy(), starts[:total].copy(), ends[:total].copy()
