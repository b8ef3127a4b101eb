"""Words to search for: what the index of words is given, and what it is asked."""

from __future__ import annotations

import functools
import re
import sqlite3
import unicodedata

import numpy as np

from storyclust.store.encoding import storable
from storyclust.text.tokens import BIGRAM, CLASS_SHIFT, IGNORED, SEPARATOR, codepoint_table

SNIPPET = 120  # characters
MOST_SHOWN = 32  # words that are looked for to be shown


def index_words(connection: sqlite3.Connection, number: int, title: str, text: str) -> None:
    """Put an article into the index of words."""
    connection.execute(
        "INSERT INTO search(rowid, title, body) VALUES (?, ?, ?)", (number, segment(title), segment(text))
    )


def unindex_words(connection: sqlite3.Connection, number: int, title: str, text: str) -> None:
    """Take an article out of it; title and text must be those it was put in with."""
    connection.execute(
        "INSERT INTO search(search, rowid, title, body) VALUES ('delete', ?, ?, ?)",
        (number, segment(title), segment(text)),
    )


@functools.cache
def _without_points() -> dict[int, None]:
    """Vowel points and invisible characters, which are passed over as in `tokens`."""
    return dict.fromkeys(np.flatnonzero(codepoint_table() >> CLASS_SHIFT == IGNORED).tolist())


@functools.cache
def _dense() -> re.Pattern[str]:
    """Runs in scripts without spaces between words."""
    points = np.flatnonzero(codepoint_table() >> CLASS_SHIFT == BIGRAM)
    ends = np.flatnonzero(np.diff(points) > 1)
    firsts, lasts = points[np.append(0, ends + 1)].tolist(), points[np.append(ends, len(points) - 1)].tolist()
    ranges = "".join(f"{chr(a)}-{chr(b)}" for a, b in zip(firsts, lasts, strict=True))
    return re.compile(f"[{ranges}\U00020000-\U0003ffff]+")


def segment(text: str) -> str:
    """Text as the index of words takes it: runs without spaces as pairs of neighbouring characters.

    The last character of a run stands alone besides, so that any one of them is the start of something.

    Examples
    --------
    >>> segment("Talks in 東京都.")
    'Talks in  東京 京都 都 .'
    """
    if text.isascii():
        return text.replace("\0", " ")
    return _dense().sub(lambda run: f" {_pairs(run[0])} ", _plain(text))


def _plain(text: str) -> str:
    """Text in compatibility form, without points."""
    return unicodedata.normalize("NFKC", storable(text)).replace("\0", " ").translate(_without_points())


def _pairs(run: str) -> str:
    return " ".join(run[k : k + 2] for k in range(len(run)))


def match_expression(terms: str) -> str:
    """Make of what a person types an expression of FTS5 by which all of it must be there.

    Words in double quotes must stand together; in scripts without spaces, what is typed as one must.

    Returns
    -------
    str
        Empty if there is no word in it.

    Examples
    --------
    >>> match_expression('ferry "pier in Aldmouth" OR')
    '"ferry" AND "pier in Aldmouth" AND "OR"'
    >>> match_expression("東京都 雪")
    '"東京 京都" AND "雪" *'
    """
    phrases = (phrase or word for phrase, word in re.findall(r'["“”„]([^"“”„]*)["“”„]|([^\s"“”„]+)', terms))
    return " AND ".join(filter(None, map(_phrase, phrases)))


def snippet(text: str, terms: str) -> str:
    """The part of a text around the first of the words typed; its opening if none is found as it is typed.

    Examples
    --------
    >>> snippet("The ferry left. " * 9 + "It hit the pier in Aldmouth. " + "It was foggy. " * 9, "pier")[:60]
    '… The ferry left. The ferry left. The ferry left. It hit the'
    """
    words = re.findall(r"\w+", storable(terms))[:MOST_SHOWN]
    text = " ".join(storable(text).split())
    found = re.search("|".join(map(re.escape, words)), text, re.IGNORECASE) if words else None
    start = max(0, (found.start() if found else 0) - SNIPPET // 2)
    end = min(len(text), start + SNIPPET)
    part = text[start:end]
    if start and " " in part[: SNIPPET // 4]:
        part = part[part.index(" ") + 1 :]
    if end < len(text) and " " in part[-SNIPPET // 4 :]:
        part = part[: part.rindex(" ")]
    return ("… " if start else "") + part + (" …" if end < len(text) else "")


def _phrase(phrase: str) -> str:
    words = segment(phrase).replace('"', " ").split()
    if not any(map(_has_word, words)):
        return ""
    if len(words[-1]) == 1 and _dense().fullmatch(words[-1]):
        # In the text more may follow, so that the last character begins a pair there.
        if len(_dense().findall(_plain(phrase))[-1]) == 1:
            return f'"{" ".join(words)}" *'
        words.pop()
    return f'"{" ".join(words)}"'


def _has_word(word: str) -> bool:
    table = codepoint_table()
    return any(ord(char) >= len(table) or table[ord(char)] >> CLASS_SHIFT != SEPARATOR for char in word)
