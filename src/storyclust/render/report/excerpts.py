"""Texts as a report shows them: in one line, without invisible characters, and shortened."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

_SURROGATE = re.compile("[\ud800-\udfff]")
# Control, direction override and invisible characters; direction marks and joiners are kept.
_UNSEEN = re.compile(
    "[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\u200b\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ufffe\uffff\U000e0000-\U000e007f]"
)


def plain(text: str) -> str:
    r"""Return text in one line, without controls, direction overrides and lone surrogates.

    Examples
    --------
    >>> plain(" Talks\x00 open\r\n in \u202eoykoT ")
    'Talks open in oykoT'
    """
    return " ".join(_UNSEEN.sub("", _SURROGATE.sub("\ufffd", text)).split())


def shortened(text: str, most: int) -> str:
    """Shorten a text to at most `most` characters, at a word boundary if one is near.

    Examples
    --------
    >>> shortened("Ministers met in Tokyo", 15), shortened("Ministers", 5)
    ('Ministers met…', 'Mini…')
    """
    if len(text) <= most:
        return text
    short = text[: max(0, most - 1)]
    gap = short.rfind(" ")
    return (short[:gap] if gap > len(short) // 2 else short).rstrip(" ,;:") + "…"


def excerpt_of(text: str, furniture: Sequence[tuple[int, int]], most: int) -> tuple[str, list[int]]:
    """Return the beginning of a text, and the spans of it that are page furniture as one flat list.

    Examples
    --------
    >>> excerpt_of("Snow fell.  Read more. It melted.", [(12, 22)], 30)
    ('Snow fell. Read more. It…', [11, 21])
    """
    raw, parts, ignored = text[: 4 * most], [], []
    bounds = [0, *(min(bound, len(raw)) for span in furniture for bound in span), len(raw)]
    length, spaced = 0, False
    for number, (start, end) in enumerate(pairwise(bounds)):
        piece = raw[start:end]
        shown = plain(piece)
        if shown:
            gap = " " if length and (spaced or piece[0].isspace()) else ""
            parts.append(gap + shown)
            if number % 2:
                ignored += [length + len(gap), length + len(gap) + len(shown)]
            length += len(parts[-1])
            spaced = False
        spaced |= piece[-1:].isspace()
    excerpt = shortened("".join(parts), most)
    shown_spans = [k for k in range(0, len(ignored), 2) if ignored[k] < len(excerpt)]
    return excerpt, [min(bound, len(excerpt)) for k in shown_spans for bound in ignored[k : k + 2]]
