"""Code points: what each is in a text, and the form in which it is compared."""

from __future__ import annotations

import functools
import unicodedata
from typing import TYPE_CHECKING, Any

import numpy as np

from storyclust._core.parallel import kernel

if TYPE_CHECKING:
    from numpy.typing import NDArray

TABLE_SIZE = 0x20000  # planes 0 and 1; beyond them only Han ideographs are letters
SEPARATOR, WORD, BIGRAM, IGNORED = 0, 1, 2, 3
CLASS_SHIFT = 24
LETTER = np.uint32(WORD << CLASS_SHIFT)
CODEPOINT_MASK = np.uint32(0x1FFFFF)
TWO_LETTERS = np.uint32(1 << 23)  # mark of a character that folds to two letters: their codes, of 8 bits each

# Scripts without spaces between words, as ranges of code points. Their own digits form words.
BIGRAM_RANGES = (
    (0x0E01, 0x0E4E),  # Thai
    (0x0E81, 0x0EFF),  # Lao
    (0x1000, 0x109F),  # Myanmar
    (0x1780, 0x17DD),  # Khmer
    (0x2E80, 0x2FDF),  # Han radicals, which fold to ideographs
    (0x3005, 0x3007),  # Han iteration mark, closing mark, zero
    (0x3021, 0x3029),  # Hangzhou numerals
    (0x3031, 0x3035),  # vertical Kana iteration marks
    (0x3038, 0x303A),  # Hangzhou tens
    (0x3041, 0x30FF),  # Hiragana, Katakana
    (0x31F0, 0x31FF),  # Katakana phonetic extensions
    (0x3400, 0x4DBF),  # Han extension A
    (0x4E00, 0x9FFF),  # Han
    (0xA9E0, 0xA9FE),  # Myanmar extension B
    (0xAA60, 0xAA7F),  # Myanmar extension A
    (0xF900, 0xFAFF),  # Han compatibility
    (0xFF66, 0xFF9F),  # half-width Katakana
    (0x1AFF0, 0x1B16F),  # Kana extensions
)
RADICALS = slice(0x2E80, 0x2FE0)
# Characters without a glyph of their own: soft hyphen, tatweel, joiners, direction marks, byte order mark.
INVISIBLE = (
    "\u00ad\u0640\u200c\u200d\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\u2066\u2067\u2068\u2069\ufeff"
)
VARIATION_SELECTORS = range(0xFE00, 0xFE10)
MORE_VARIATION_SELECTORS = (np.uint32(0xE0100), np.uint32(0xE01EF))


@functools.cache
def codepoint_table() -> NDArray[np.uint32]:
    """Return the class and the folded form of every code point below `TABLE_SIZE`, as one uint32 each.

    It is computed by the Unicode tables of the running Python, for all characters together.
    """
    points = np.arange(TABLE_SIZE, dtype=np.uint32)
    chars = points.astype("<u4").tobytes().decode("utf-32-le", "surrogatepass")
    categories = np.frombuffer("".join(map(unicodedata.category, chars)).encode(), "S2")
    is_word = np.isin(categories.view("S1")[::2], [b"L", b"M", b"N"])
    is_word[RADICALS] = [unicodedata.category(chr(_fold(char))) == "Lo" for char in chars[RADICALS]]
    is_word[:0x30] = False
    table = np.where(is_word, points | LETTER, np.uint32(0))
    words = [chars[point] for point in np.flatnonzero(is_word).tolist()]
    # Line feeds keep neighbours apart: nothing combines with them or folds to them.
    folded = unicodedata.normalize("NFKC", "\n".join(words)).casefold().split("\n")
    for char, form in zip(words, folded, strict=True):
        if char != form or char == "ı":
            table[ord(char)] = WORD << CLASS_SHIFT | (_two_letters(char) or _fold(char))
    for point in np.flatnonzero(categories == b"Mn").tolist():
        if unicodedata.name(chars[point]).startswith(("ARABIC", "HEBREW")):
            table[point] += np.uint32(IGNORED - WORD) << CLASS_SHIFT  # vowel points are optional in writing
    for first, last in BIGRAM_RANGES:
        block = slice(first, last + 1)
        unspaced = (table[block] >> CLASS_SHIFT == WORD) & (categories[block] != b"Nd")
        table[block][unspaced] += np.uint32(BIGRAM - WORD) << CLASS_SHIFT
    for point in (*map(ord, INVISIBLE), *VARIATION_SELECTORS):
        table[point] = IGNORED << CLASS_SHIFT
    table.setflags(write=False)
    return table


def _fold(char: str) -> int:
    """Fold width, compatibility form and case, where the result is one character."""
    form = unicodedata.normalize("NFKC", char)
    if len(form) != 1:
        form = char
    if form == "ı":
        return ord("i")
    for folded in (form.casefold(), form.lower()):
        if len(folded) == 1:
            return ord(folded)
    return ord(form.lower()[0])


def _two_letters(char: str) -> int:
    """Fold a character that stands for two letters of the Latin alphabet; 0 for any other."""
    folded = unicodedata.normalize("NFKC", char).casefold()
    if len(folded) != 2 or not (folded.isascii() and folded.isalpha()):
        return 0
    return int(TWO_LETTERS) | ord(folded[1]) << 8 | ord(folded[0])


@kernel
def classify(point: Any, table: NDArray[np.uint32]) -> Any:
    """Class and folded form of a code point, packed as in the table."""
    if point < np.uint32(TABLE_SIZE):
        return table[point]
    if point < np.uint32(0x40000):
        return np.uint32(BIGRAM << CLASS_SHIFT) | point
    if MORE_VARIATION_SELECTORS[0] <= point <= MORE_VARIATION_SELECTORS[1]:
        return np.uint32(IGNORED << CLASS_SHIFT)
    return np.uint32(0)


@kernel
def decode(data: NDArray[np.uint8], i: Any, end: Any) -> Any:
    """Decode the code point at byte `i` of valid UTF-8; returns it and the place of the next byte."""
    b = np.uint32(data[i])
    low = np.uint32(0x3F)
    if b < np.uint32(0x80):
        return b, i + 1
    if b < np.uint32(0xE0) and i + 1 < end:
        return (b & np.uint32(0x1F)) << np.uint32(6) | (np.uint32(data[i + 1]) & low), i + 2
    if b < np.uint32(0xF0) and i + 2 < end:
        high = (b & np.uint32(0x0F)) << np.uint32(12) | (np.uint32(data[i + 1]) & low) << np.uint32(6)
        return high | (np.uint32(data[i + 2]) & low), i + 3
    if i + 3 < end:
        high = (b & np.uint32(0x07)) << np.uint32(18) | (np.uint32(data[i + 1]) & low) << np.uint32(12)
        return high | (np.uint32(data[i + 2]) & low) << np.uint32(6) | (np.uint32(data[i + 3]) & low), i + 4
    return np.uint32(0), end
