"""Sentence splitting by rules.

A sentence ends with its terminal punctuation and the quotes and brackets that close after it, and at the end
of a paragraph. A full stop after an initial, an abbreviation or an ordinal number, or before a lower-case
letter, does not end a sentence. Nor does punctuation inside a quotation that closes soon in the same
paragraph.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from storyclust.text.abbreviations import ends_abbreviation

CLOSING = "\"'”’“»›)\\]」』）】"
DENSE = "。！？｡"  # stops of scripts without spaces
UNSPACED = f"{DENSE}।॥"  # stops that need no space after them
# French puts a space before its closing quote.
_STOP = re.compile(rf"[.!?؟۔…{UNSPACED}]+[{CLOSING}]*(?:[ \u00a0\u202f]»(?!\w))?")
_NOT_SPACE = re.compile(r"\S")
_PARAGRAPH = re.compile(r"[^\r\n\u2028\u2029]+")
_SAID = re.compile("[^。！？“”，]{0,8}[说說道称稱问問]")  # behind a Chinese quotation: who said it
_QUOTE = re.compile(r"[\"“”„«»「」『』]")
_CLOSED_BY = {'"': '"', "“": "”", "„": "“”", "«": "»", "「": "」", "『": "』"}
_ANYWHERE = "「『"  # quotes that open without a space before them
QUOTE_REACH = 200  # characters after a stop within which an open quotation must close


class Sentence(NamedTuple):
    """A sentence and its place: `text[start:end]` is `string`."""

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
        In order, without the white space around them.

    Examples
    --------
    >>> [s.string for s in split_sentences('“We met. All is well,” said S. Rao. Talks go on.\nNo date yet.')]
    ['“We met. All is well,” said S. Rao.', 'Talks go on.', 'No date yet.']
    >>> [s.string for s in split_sentences("両相は会談した。「成果があった」と述べた。")]
    ['両相は会談した。', '「成果があった」と述べた。']
    """
    return list(iter_sentences(text))


def iter_sentences(text: str) -> Iterator[Sentence]:
    """Yield the sentences of `split_sentences` lazily."""
    for paragraph in _PARAGRAPH.finditer(text):
        begin, end = paragraph.span()
        quote = _next_quote(text, begin, end)
        for stop in _STOP.finditer(text, begin, end):
            if _continues(text, begin, stop, end):
                continue
            after = stop.end()
            if quote < after and _is_quoting(text, begin, after, end):
                continue
            if (sentence := _trimmed(text, begin, after)).string:
                yield sentence
            begin = after
            if quote < begin:
                quote = _next_quote(text, begin, end)
        if begin < end and (sentence := _trimmed(text, begin, end)).string:
            yield sentence


def _continues(text: str, begin: int, stop: re.Match[str], end: int) -> bool:
    """Whether a stop ends no sentence: no space, an abbreviation, an initial, a lower-case letter."""
    at, after = stop.span()
    mark = text[at]
    if after == end:
        return False
    follower = text[after]
    if follower.isspace():
        found = _NOT_SPACE.search(text, after, end)
        follower = found.group() if found else ""
    elif mark not in UNSPACED:
        return True
    if mark in DENSE:
        if text[after - 1] in "”’" and _SAID.match(text, after, end):
            return True
        is_quote = text[after - 1] in "」』"
        return follower == "と" or (
            is_quote and (follower in "、を" or text.startswith(("って", "など"), after))
        )
    if follower.islower():
        return True
    return mark == "." and after - at == 1 and ends_abbreviation(text, begin, at, end)


def _next_quote(text: str, begin: int, end: int) -> int:
    """Place of the first quotation mark; `end` if there is none."""
    quote = _QUOTE.search(text, begin, end)
    return quote.start() if quote else end


def _is_quoting(text: str, begin: int, after: int, end: int) -> bool:
    """Whether a stop is inside a quotation that closes within `QUOTE_REACH` characters.

    A quotation that opens again before it closes is treated as unclosed (each paragraph of a long quotation
    begins with an opening mark).
    """
    opener = ""
    for quote in _QUOTE.finditer(text, begin, after):
        mark = quote.group()
        if opener:
            opener = "" if mark in _CLOSED_BY[opener] else opener
        elif mark in _CLOSED_BY and (mark in _ANYWHERE or _is_opening(text, begin, quote.start())):
            opener = mark
    if not opener:
        return False
    for quote in _QUOTE.finditer(text, after, min(end, after + QUOTE_REACH)):
        mark = quote.group()
        if mark in _CLOSED_BY[opener]:
            return opener != '"' or not _is_opening(text, begin, quote.start())
        if mark == opener:
            return False
    return False


def _is_opening(text: str, begin: int, at: int) -> bool:
    """Whether a quotation mark is at the start of a word."""
    return at == begin or text[at - 1].isspace() or text[at - 1] in "([（—–-"


def _trimmed(text: str, begin: int, end: int) -> Sentence:
    """The text between two places, without the white space around it."""
    string = text[begin:end].strip()
    start = text.index(string[0], begin) if string else begin
    return Sentence(string, start, start + len(string))
