"""Paragraphs of a text with their places, and how many words they have."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

Span = tuple[int, int]
STOPS = tuple(".!?…。！？｡।॥؟۔\"'”’»)）」』]")
WRAP = 80  # columns
_TOKEN = re.compile(r"[^\s!-/:-@\[-`{-~\u2010-\u205e\u3000-\u303f！-／：-＠［-｀｛-･،؛؟।॥«»]+")
_INDENTED = re.compile(r"\n(?=\s)")
_UNSPACED = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]")


def _blocks(text: str, paragraphs: Sequence[str], furniture: Sequence[bool]) -> Iterator[Span]:
    """Yield a span for each run of paragraphs that are furniture."""
    opened = -1  # where the run at hand begins
    kept_end = at = 0
    for paragraph, gone in zip(paragraphs, furniture, strict=True):
        start = text.index(paragraph, at)
        at = start + len(paragraph)
        if gone:
            opened = start if opened < 0 else opened
            continue
        if opened >= 0:
            yield opened, start
            opened = -1
        kept_end = at
    if opened >= 0:
        yield kept_end, len(text)


def split_paragraphs(text: str) -> list[str]:
    r"""Split a text into paragraphs, less the white space around them.

    A line is a paragraph, except where lines are broken to fit a width: there a paragraph ends before an
    empty line or an indented one.

    >>> split_paragraphs("Rain in Delhi.\n\n  Floods in Assam. ")
    ['Rain in Delhi.', 'Floods in Assam.']
    """
    lines = text.splitlines()
    if _is_wrapped(lines):
        lines = _INDENTED.split(text)
    return [line for line in map(str.strip, lines) if line]


def _is_wrapped(lines: Sequence[str]) -> bool:
    """Whether a sentence runs on from a long line to the next, and no line is longer than a page is wide."""
    return max(map(len, lines), default=0) <= WRAP and any(
        len(line) >= WRAP / 2 and line[-1:].isalnum() and follower[:1].islower()
        for line, follower in pairwise(lines)
    )


def count_words(text: str) -> int:
    """Count words, two characters for one where words are not spaced."""
    return len(text.split()) + len(_UNSPACED.findall(text)) // 2
