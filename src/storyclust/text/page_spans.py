"""Spans of characters that are page furniture, from what recurs in a page, its lines and its links."""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from storyclust._core.parallel import kernel
from storyclust.text.boilerplate_cues import cue_openings, is_cue, is_note
from storyclust.text.page_tokens import MIX, PageTokens, hash_run
from storyclust.text.recurring_spans import Recurring, recurring_spans

if TYPE_CHECKING:
    from numpy.typing import NDArray

Span = tuple[int, int]
MIN_REMAINING = 0.2  # share of a text that must remain, else it is left whole
WRAP = 40  # characters of a line that may have been broken to fit a page
LONGEST_SCHEME = 6
LONGEST_NAME = 64  # characters before the @ of an e-mail address
LABELS = ("CLOSE", "ADVERTISEMENT", "PLAY VIDEO", "Skip to main content")  # glued to the beginning of a line
OPENING = "([{<«“‘（［【「『〈《"
BREAKS = "\n\r\u2028\u2029"
_BREAK = re.compile(f"[{BREAKS}]")
_URL = re.compile(r"[!#-;=?-~]+")
_SCHEME, _NO_WORD = re.compile(r"[Hh][Tt][Tt][Pp][Ss]?\Z"), re.compile(r"(?<![\w.])\Z")
_URL_SIGNS = (
    ("://", _SCHEME),
    *((sign, _NO_WORD) for sign in ("www.", "Www.", "WWW.", "pic.twitter.com/")),
)
_MAILBOX = re.compile(r"[\w.+-]+\Z")
_DOMAIN = re.compile(r"[\w-]+(?:\.[\w-]+)+")
_HANDLE = re.compile(r"\w+")
_REGION = r"(?:, [A-Z][\w.]{0,14}(?: [A-Z][\w.]{1,14})?){0,2}"
_DASH = r"\s?(?:[–—―]|--?)\s+"
_PLACE_WORD = r"[^\W\d_a-z][\w.'’/-]*"
_AGENCY = re.compile(
    rf"\s*(?:{_PLACE_WORD}(?: {_PLACE_WORD}| \d+){{0,3}}{_REGION}\s)?\([A-Z][\w.' ]{{1,20}}\){_DASH}"
)
_BARE_AGENCY = re.compile(rf"\s*(?:{_PLACE_WORD}{_REGION}\s)?\([A-Z]{{2,10}}\)\s+(?=[A-Z“\"'‘])")
_LABEL = re.compile(rf"\s*(?:{'|'.join(LABELS)})\s+(?=[A-Z“\"‘])")
_PLACE = re.compile(rf"\s*[A-Z][A-Z.'’/ -]{{3,30}}{_REGION}{_DASH}")
_WORD = re.compile(r"\w")
_BLANKS = re.compile(rf"\s*[{BREAKS}]|\s*\Z")  # to the last break, for the next line may be indented
_SEPARATOR = re.compile(r"[\s–—―|•:-]*[–—―|•:-]\s+")  # after a place or a label at the beginning of a line
_SPACES = re.compile(r"\s+")
AT, SLASH, DOT, LAST_OF_COM, LAST_OF_WWW, LOWER = b"@/.mw\x20"  # bytes


def page_spans(texts: Sequence[str], pages: PageTokens, *learnt: Recurring) -> list[tuple[Span, ...]]:
    """Find the furniture of texts.

    Parameters
    ----------
    texts : sequence of str
    pages : PageTokens
        Of these texts.
    *learnt : Recurring
        What is known to recur.

    Returns
    -------
    spans : list of tuple of (int, int)
        For each text the spans of characters that are furniture, in order and apart from one another. Each
        takes along the signs around it that belong to no word, and white space if it ends a line. There is
        none in a text of which less than a fifth would remain.
    """
    found: list[list[Span]] = [[] for _ in texts]
    rows, first, last = recurring_spans(pages, *learnt).T
    begins = character_places(pages.data, pages.offsets, rows, pages.starts[first])
    ends = character_places(pages.data, pages.offsets, rows, pages.ends[last - 1])
    for row, start, end in zip(rows.tolist(), begins.tolist(), ends.tolist(), strict=True):
        found[row].append((start, end))
    rows, tokens = lines_with_cues(pages.hashes, pages.indptr, pages.opens, *_cue_hashes())
    places = character_places(pages.data, pages.offsets, rows, pages.starts[tokens])
    for row, place in zip(rows.tolist(), places.tolist(), strict=True):
        found[row] += _cue_line(texts[row], place)
    for row in np.flatnonzero(have_links(pages.data, pages.offsets)).tolist():
        found[row] += link_spans(texts[row])
    return [_tidied(text, own) for text, own in zip(texts, found, strict=True)]


def link_spans(text: str) -> Iterator[Span]:
    """Yield the spans of web addresses, e-mail addresses and @handles, those of each kind in order.

    >>> [("See www.a.example or @desk, x@y.example")[slice(*span)] for span in link_spans(
    ...     "See www.a.example or @desk, x@y.example")]
    ['www.a.example', '@desk', 'x@y.example']
    """
    for sign, opening in _URL_SIGNS:
        at = text.find(sign)
        while at >= 0:
            before = opening.search(text, max(at - LONGEST_SCHEME, 0), at)
            after = _URL.match(text, at + len(sign))
            if before and after:
                yield before.start(), after.end()
            at = text.find(sign, at + len(sign))
    at = text.find("@")
    while at >= 0:
        before = _MAILBOX.search(text, max(at - LONGEST_NAME, 0), at)
        domain = _DOMAIN.match(text, at + 1)
        handle = _HANDLE.match(text, at + 1)
        if before and domain:
            yield before.start(), domain.end()
        elif handle and not before and text[at - 1 : at] != "@":
            yield at, handle.end()
        at = text.find("@", at + 1)


def _cue_line(text: str, place: int) -> Iterator[Span]:
    """Yield the line of a text in which a place is, or its label, if it is furniture by its words."""
    start = max(text.rfind(sign, 0, place) for sign in BREAKS) + 1
    stop = _BREAK.search(text, place)
    end = stop.start() if stop else len(text)
    line = text[start:end].strip()
    if (is_cue(line) or is_note(line)) and not _is_continued(text, start):
        yield start, end
    elif label := _LABEL.match(text, start):
        yield label.span()


def opening_end(text: str, start: int = 0) -> int:
    """End of the label of a video and of the place, the agency and the dash with which a report opens.

    >>> opening_end("TAMPA, Fla. (Press) - Snow fell."), opening_end("Snow fell - or so they say.")
    (22, 0)
    """
    label = _LABEL.match(text, start)
    start = label.end() if label else start
    match = _AGENCY.match(text, start) or _PLACE.match(text, start) or _BARE_AGENCY.match(text, start)
    return match.end() if match else start


def _is_continued(text: str, start: int) -> bool:
    """Whether the line that begins at `start` continues a sentence that was broken to fit a page."""
    end = max(start - 1, 0)
    line = text[max(text.rfind(sign, 0, end) for sign in BREAKS) + 1 : end]
    return len(line) >= WRAP and line[-1:].isalnum() and text[start : start + 1].islower()


@functools.cache
def _cue_hashes() -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """Sorted hashes of cues of one token, and of the first two tokens of others."""
    phrases = {*cue_openings(), *LABELS}
    forms = {unicodedata.normalize(form, each) for each in phrases for form in ("NFC", "NFD")}
    pages = PageTokens.of(sorted(form.partition("*")[0] for form in forms))
    starts, sizes = pages.indptr[:-1], np.diff(pages.indptr)
    pairs = [hash_run(pages.hashes, start, 2, MIX) for start in starts[sizes > 1]]
    return np.unique(pages.hashes[starts[sizes == 1]]), np.unique(np.array(pairs, np.uint64))


def _tidied(text: str, spans: Iterable[Span]) -> tuple[Span, ...]:
    """Join spans with nothing but signs between them, and take along the signs around them."""
    opening = opening_end(text)
    joined = _joined(text, [(0, opening), *spans] if opening else spans)
    tidy = [_widened(text, *span) for span in joined]
    if tidy and not tidy[0][0]:  # behind a box, too
        tidy = _joined(text, [(0, opening_end(text, tidy[0][1])), *tidy])
    removed = sum(end - start for start, end in tidy)
    if removed > 0.5 * len(text):  # white space counts only where it may matter
        removed = sum(len(_SPACES.sub("", text[start:end])) for start, end in tidy)
        whole = len(_SPACES.sub("", text))
        if whole - removed < MIN_REMAINING * whole:
            return ()
    return tuple(tidy)


def _joined(text: str, spans: Iterable[Span]) -> list[Span]:
    """Join spans that overlap or have nothing but signs between them."""
    joined: list[Span] = []
    for start, end in sorted(spans):
        if joined and (start <= joined[-1][1] or not _WORD.search(text, joined[-1][1], start)):
            joined[-1] = joined[-1][0], max(end, joined[-1][1])
        else:
            joined.append((start, end))
    return joined


def _widened(text: str, start: int, end: int) -> Span:
    """Extend a span over the signs around it, up to the ends of lines that it begins or ends.

    A span of whole lines takes along the white space behind it or, at the end of a text, before it.
    """
    left = start
    while left > 0 and text[left - 1] not in BREAKS and not text[left - 1].isalnum():
        left -= 1
    opens = left == 0 or text[left - 1] in BREAKS
    right = end
    while right < len(text) and text[right] not in BREAKS and not text[right].isalnum():
        right += 1
    closes = right == len(text) or text[right] in BREAKS
    start, end = left if opens else start, right if closes else end
    while start > 0 and text[start - 1] in OPENING:
        start -= 1
    if opens and not closes and (sign := _SEPARATOR.match(text, end)):
        end = sign.end()
    if opens and closes:
        blanks = _BLANKS.match(text, end)
        end = blanks.end() if blanks else end
    if end == len(text):
        start = len(text[:start].rstrip())
    return start, end


@kernel
def lines_with_cues(
    tokens: NDArray[np.uint64],
    indptr: NDArray[np.int64],
    opens: NDArray[np.bool_],
    words: NDArray[np.uint64],
    pairs: NDArray[np.uint64],
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows and first tokens of the lines that begin with one of some words or pairs of words."""
    rows, firsts = np.empty(len(tokens), np.int64), np.empty(len(tokens), np.int64)
    n = 0
    for row in range(len(indptr) - 1):
        for p in range(indptr[row], indptr[row + 1]):
            if not opens[p]:
                continue
            found = is_among(words, tokens[p])
            if not found and p + 1 < indptr[row + 1]:
                found = is_among(pairs, hash_run(tokens, p, 2, MIX))
            if found:
                rows[n], firsts[n] = row, p
                n += 1
    return rows[:n].copy(), firsts[:n].copy()


@kernel
def have_links(data: NDArray[np.uint8], offsets: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Whether each text has a sign by which `link_spans` finds what it yields, or the end of one."""
    found = np.zeros(len(offsets) - 1, np.bool_)
    for row in range(len(found)):
        before, is_sign = np.uint8(0), False
        for at in range(offsets[row], offsets[row + 1]):
            byte = data[at]
            is_sign |= byte == AT
            is_sign |= (byte == SLASH) & ((before == SLASH) | (before == LAST_OF_COM))
            is_sign |= (byte == DOT) & ((before | LOWER) == LAST_OF_WWW)
            before = byte
        found[row] = is_sign
    return found


@kernel
def is_among(values: NDArray[np.uint64], value: Any) -> Any:
    """Whether a value is among sorted ones."""
    at = np.searchsorted(values, value)
    return at < len(values) and values[at] == value


@kernel
def character_places(
    data: NDArray[np.uint8], offsets: NDArray[np.int64], rows: NDArray[np.int64], places: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Places of bytes as places of characters, each in the text of its row; rows and places ascend."""
    found = np.empty(len(places), np.int64)
    row, at, count = -1, np.int64(0), 0
    for k in range(len(places)):
        if rows[k] != row:
            row, at, count = rows[k], offsets[rows[k]], 0
        while at < places[k]:
            count += (data[at] & 0xC0) != 0x80
            at += 1
        found[k] = count
    return found


# Texts without their furniture


def blank(text: str, spans: Iterable[Span]) -> str:
    """Replace spans of a text, which are in order, by spaces, but for line breaks.

    Every other character keeps its place: what is found in the result has the same place in the text.

    >>> blank("Snow fell. Read more. It melted.", [(11, 21)])
    'Snow fell.            It melted.'
    """
    parts, end = [], 0
    for start, stop in spans:
        lines = text[start:stop].split("\n")
        parts += [text[end:start], "\n".join([" " * len(line) for line in lines])]
        end = stop
    return "".join(parts) + text[end:]


def cut(text: str, spans: Iterable[Span]) -> str:
    """Remove spans of a text, which are in order.

    >>> cut("Snow fell. Read more. It melted.", [(10, 21)])
    'Snow fell. It melted.'
    """
    parts, end = [], 0
    for start, stop in spans:
        parts.append(text[end:start])
        end = stop
    return "".join(parts) + text[end:]
