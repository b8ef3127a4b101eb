"""Full-text search: the text that is indexed, expressions of phrases, and snippets of hits."""

from __future__ import annotations

import functools
import re
import sqlite3
import unicodedata
from collections.abc import Iterable

import numpy as np

from storyclust.store.encoding import storable
from storyclust.text.codepoints import BIGRAM, CLASS_SHIFT, IGNORED, SEPARATOR, codepoint_table

SNIPPET = 120  # characters
MAX_SNIPPET_WORDS = 32  # words of a query that a snippet looks for
FOLDED: dict[int, str | None] = {ord("ß"): "ss", ord("ẞ"): "ss", ord("ı"): "i"}  # as tokens fold them
ROWS_AT_ONCE = 1_000


def index_articles(connection: sqlite3.Connection, articles: Iterable[tuple[int, str, str]]) -> None:
    """Add articles to the full-text index: their numbers, titles and texts."""
    connection.executemany(
        "INSERT INTO search(rowid, title, body) VALUES (?, ?, ?)",
        ((number, segment(title), segment(text)) for number, title, text in articles),
    )


def index_all(connection: sqlite3.Connection) -> None:
    """Index the words of all articles again."""
    connection.execute("INSERT INTO search(search) VALUES ('delete-all')")
    cursor = connection.cursor().execute("SELECT number, title, text FROM articles ORDER BY number")
    while rows := cursor.fetchmany(ROWS_AT_ONCE):
        index_articles(connection, rows)


def unindex_words(connection: sqlite3.Connection, number: int, title: str, text: str) -> None:
    """Remove an article from the full-text index; title and text must be those that were indexed."""
    connection.execute(
        "INSERT INTO search(search, rowid, title, body) VALUES ('delete', ?, ?, ?)",
        (number, segment(title), segment(text)),
    )


@functools.cache
def _as_tokens() -> dict[int, str | None]:
    """Translation that deletes what `tokens` ignores, and folds what they fold and SQLite does not."""
    ignored = np.flatnonzero(codepoint_table() >> CLASS_SHIFT == IGNORED).tolist()
    return dict.fromkeys(ignored) | FOLDED


@functools.cache
def _unspaced() -> re.Pattern[str]:
    """Pattern of a run in a script without spaces between words."""
    points = np.flatnonzero(codepoint_table() >> CLASS_SHIFT == BIGRAM)
    ends = np.flatnonzero(np.diff(points) > 1)
    firsts, lasts = points[np.append(0, ends + 1)].tolist(), points[np.append(ends, len(points) - 1)].tolist()
    ranges = "".join(f"{chr(a)}-{chr(b)}" for a, b in zip(firsts, lasts, strict=True))
    return re.compile(f"[{ranges}\U00020000-\U0003ffff]+")


def segment(text: str) -> str:
    """Text as it is indexed: a run without spaces becomes its character bigrams.

    The last character of a run follows alone, so that every character begins some token.

    Examples
    --------
    >>> segment("Talks in 東京都.")
    'Talks in  東京 京都 都 .'
    """
    if text.isascii():
        return text.replace("\0", " ")
    return _unspaced().sub(lambda run: f" {_bigrams(run[0])} ", _plain(text))


def _plain(text: str) -> str:
    """Text in Unicode compatibility form (NFKC), without ignored characters, folded where SQLite does not."""
    return unicodedata.normalize("NFKC", storable(text)).replace("\0", " ").translate(_as_tokens())


def _bigrams(run: str) -> str:
    return " ".join(run[k : k + 2] for k in range(len(run)))


def phrase_expression(phrase: str) -> str:
    """Make an FTS5 expression that matches texts with adjacent words; empty if there is no word.

    A last word that ends in ``*`` stands for all that begin with it. The characters of a run without spaces
    must be adjacent too.

    Examples
    --------
    >>> phrase_expression("pier in Aldmouth"), phrase_expression("minist*")
    ('"pier in Aldmouth"', '"minist" *')
    >>> phrase_expression("東京都"), phrase_expression("雪"), phrase_expression("?")
    ('"東京 京都"', '"雪" *', '')
    """
    words = segment(phrase).replace('"', " ").split()
    if not any(map(_has_word, words)):
        return ""
    if _unspaced().fullmatch(words[-1].rstrip("*")) and len(words[-1].rstrip("*")) == 1:
        # In the text more characters may follow, so that the last one begins a bigram there.
        if len(_unspaced().findall(_plain(phrase))[-1]) == 1:
            return f'"{" ".join(words)}" *'
        words.pop()
    elif words[-1].endswith("*") and _has_word(words[-1]):
        return f'"{" ".join(words).rstrip("*")}" *'
    return f'"{" ".join(words)}"'


def snippet(text: str, terms: str) -> str:
    """Excerpt of a text around the first word of a query; the beginning if the text has none verbatim.

    Examples
    --------
    >>> snippet("The ferry left. " * 9 + "It hit the pier in Aldmouth. " + "It was foggy. " * 9, "pier")[:60]
    '… The ferry left. The ferry left. The ferry left. It hit the'
    """
    words = re.findall(r"\w+", storable(terms))[:MAX_SNIPPET_WORDS]
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


def _has_word(word: str) -> bool:
    table = codepoint_table()
    return any(ord(char) >= len(table) or table[ord(char)] >> CLASS_SHIFT != SEPARATOR for char in word)
