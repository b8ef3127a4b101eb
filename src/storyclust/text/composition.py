"""Composed forms of texts: NFC, with half-width Kana in full width."""

from __future__ import annotations

import functools
import unicodedata
from typing import TYPE_CHECKING, Any

import numpy as np

from storyclust._core.parallel import kernel
from storyclust.text.codepoints import decode

if TYPE_CHECKING:
    from numpy.typing import NDArray

VOICED, SEMI_VOICED = "\uff9e", "\uff9f"  # half-width marks, which follow their letter
WIDE_KANA = {point: unicodedata.normalize("NFKC", chr(point)) for point in range(0xFF66, 0xFFA0)}

# Code points that composition leaves as they are, whatever stands beside them: the quick check of Unicode
# Standard Annex 15 without its answer "maybe". Unicode's stability policy keeps them so.
STABLE = (
    (0x0000, 0x02FF), (0x0388, 0x0482), (0x048A, 0x058F), (0x05D0, 0x05EA), (0x061B, 0x064A),
    (0x0671, 0x06D5), (0x0E01, 0x0E37), (0x1E00, 0x1EFF), (0x2002, 0x20CF), (0x2190, 0x2328),
    (0x232B, 0x2ADB), (0x3001, 0x3029), (0x3041, 0x3098), (0x309B, 0x30FF), (0x3400, 0x9FFF),
    (0xAC00, 0xD7A3), (0xE000, 0xF8FF), (0xFF01, 0xFF9D), (0x1F300, 0x1FAFF),
)  # fmt: skip
NOT_ASCII = np.uint64(0x8080808080808080)  # in eight bytes


def composed(text: str) -> str:
    r"""Text whose letters and marks are one character each where there is one.

    Examples
    --------
    >>> composed("cafe\u0301"), composed("ｶﾞｿﾘﾝ")
    ('café', 'ガソリン')
    """
    return text if text.isascii() else unicodedata.normalize("NFC", widened(text))


def widened(text: str) -> str:
    """Text of the same length in which half-width Kana are full-width, so that NFC composes their marks.

    There are no half-width letters with voicing marks. Other compatibility forms fold one by one, by the
    table of `storyclust.text.tokens`.
    """
    if VOICED not in text and SEMI_VOICED not in text:
        return text
    return text.translate(WIDE_KANA)


def may_change(data: NDArray[np.uint8], offsets: NDArray[np.int64]) -> NDArray[np.int64]:
    """Numbers of the texts of a UTF-8 buffer that `composed` may change; all others it certainly does not."""
    words = data[: len(data) // 8 * 8].view(np.uint64)
    return np.flatnonzero(has_unstable(data, words, offsets, _stable_points()))


@functools.cache
def _stable_points() -> NDArray[np.bool_]:
    stable = np.zeros(STABLE[-1][1] + 1, bool)
    for first, last in STABLE:
        stable[first : last + 1] = True
    return stable


@kernel
def four_ascii(words: NDArray[np.uint64], at: Any) -> bool:
    """Whether 32 bytes are ASCII."""
    either = words[at] | words[at + 1] | words[at + 2] | words[at + 3]
    return bool(either & NOT_ASCII == 0)


@kernel
def has_unstable(
    data: NDArray[np.uint8],
    words: NDArray[np.uint64],
    offsets: NDArray[np.int64],
    stable: NDArray[np.bool_],
) -> Any:
    """Whether each text of a buffer has a code point that is not stable under composition.

    Parameters
    ----------
    data : uint8 array
    words : uint64 array
        The same bytes, eight at a time: most texts are ASCII for long stretches.
    offsets : int64 array of shape (n + 1,)
    stable : bool array
        By code point; those beyond it are not stable.
    """
    found = np.zeros(len(offsets) - 1, np.bool_)
    for row in range(len(found)):
        i, end = offsets[row], offsets[row + 1]
        while i < end:
            if i & 7 == 0 and i + 32 <= end and four_ascii(words, i >> 3):
                i += 32
            elif i & 7 == 0 and i + 8 <= end and words[i >> 3] & NOT_ASCII == 0:
                i += 8
            elif data[i] < 0x80:
                i += 1
            else:
                point, i = decode(data, i, end)
                if point >= len(stable) or not stable[point]:
                    found[row] = True
                    break
    return found
