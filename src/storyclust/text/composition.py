"""Composed forms of texts: NFC, with half-width Kana in full width."""

from __future__ import annotations

import unicodedata

VOICED, SEMI_VOICED = "\uff9e", "\uff9f"  # half-width marks, which follow their letter
WIDE_KANA = {point: unicodedata.normalize("NFKC", chr(point)) for point in range(0xFF66, 0xFFA0)}


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
