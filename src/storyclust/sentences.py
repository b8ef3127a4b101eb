"""Sentences of a text, with their places in it.

A sentence ends with its stop and whatever quotes and brackets close behind it; a paragraph ends every
sentence. A full stop after an initial or a usual abbreviation, or before a small letter, ends none.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

CLOSING = "\"'”’“»›)\\]」』）】"
# Stops that need no space behind them, then those that do; French sets a space before its closing quote.
_END = re.compile(
    rf"[。！？｡]+[{CLOSING}]*|[।॥]+[{CLOSING}]*|[.!?؟۔…]+[{CLOSING}]*(?:[ \u00a0\u202f]»)?(?=\s|$)",
)
_NOT_SPACE = re.compile(r"\S")
_PARAGRAPH = re.compile(r"[^\r\n\u2028\u2029]+")
_ABBREVIATIONS = frozenset(
    "mr mrs ms dr prof st sen rep gov gen col lt capt sgt rev hon jr sr messrs mme mlle vs etc cf al no nos "
    "fig inc ltd co corp bros plc dept est approx jan feb mar apr jun jul aug sep sept oct nov dec "
    "ave blvd rd ft mt art vol pp ed".split()
)
_LAST_WORD = re.compile(r"([^\W\d_]+(?:\.[^\W\d_]+)*)\.$")


class Sentence(NamedTuple):
    """A stretch of a text: `text[start:end]` is `string`."""

    string: str
    start: int
    end: int


def split_sentences(text: str) -> list[Sentence]:
    r"""Split a text into sentences.

    Parameters
    ----------
    text : str

    Returns
    -------
    sentences : list of Sentence
        In order; white space around them belongs to none.

    Examples
    --------
    >>> [s.string for s in split_sentences('“We met,” said S. Rao. Talks go on.\nNo date was set.')]
    ['“We met,” said S. Rao.', 'Talks go on.', 'No date was set.']
    >>> [s.string for s in split_sentences("両相は会談した。「成果があった」と述べた。")]
    ['両相は会談した。', '「成果があった」と述べた。']
    """
    return list(iter_sentences(text))


def iter_sentences(text: str) -> Iterator[Sentence]:
    """Split a text as `split_sentences` does, no further than is asked for."""
    for paragraph in _PARAGRAPH.finditer(text):
        begin = paragraph.start()
        for stop in _END.finditer(text, paragraph.start(), paragraph.end()):
            if _goes_on(text, begin, stop, paragraph.end()):
                continue
            if (sentence := _trimmed(text, begin, stop.end())).string:
                yield sentence
            begin = stop.end()
        if (sentence := _trimmed(text, begin, paragraph.end())).string:
            yield sentence


def _goes_on(text: str, begin: int, stop: re.Match[str], end: int) -> bool:
    """Whether the sentence goes on behind a stop: an abbreviation, an initial, a small letter."""
    next_one = _NOT_SPACE.search(text, stop.end(), end)
    follower = next_one.group() if next_one else ""
    if text[stop.start()] in "。！？｡":
        return follower == "と" or (bool(follower) and text[stop.end() - 1] in "」』" and follower == "、")
    if follower.islower():
        return True
    if stop.group() != ".":
        return False
    word = _LAST_WORD.search(text, max(begin, stop.start() - 12), stop.end())
    if word is None:
        return False
    name = word.group(1)
    return (len(name) == 1 and name.isupper()) or name.lower() in _ABBREVIATIONS or "." in name


def _trimmed(text: str, start: int, end: int) -> Sentence:
    string = text[start:end]
    start += len(string) - len(string.lstrip())
    string = string.strip()
    return Sentence(string, start, start + len(string))
