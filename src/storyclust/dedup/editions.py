"""Marks of later versions: corrections, numbered updates, and texts that were sent again."""

from __future__ import annotations

import re

from storyclust.articles.article import Article

KINDS = r"corrections?|corrected|corrects|refiled?|refiles|refiling|clarification|clarified|clarifies"
UPDATES = r"updates?\s*\d+|\d+(?:st|nd|rd|th)\s+update"
# A word needs punctuation behind it: "Correction of the budget begins" and "Update 2 is out" are headlines.
IN_TITLE = re.compile(
    rf"\s*(?:[\[(]\s*(?:{KINDS}|{UPDATES}|updated?)\s*[\])]\s*[-:\u2013\u2014]*"
    rf"|(?:{KINDS}|{UPDATES}|updated?)\s*(?:[-\u2013\u2014]+|:)"
    r")\s*",
    re.IGNORECASE,
)
AT_END = re.compile(rf"\s*[\[(]\s*(?:{KINDS}|{UPDATES}|updated?)\s*[\])]\s*\Z", re.IGNORECASE)
IN_TEXT = re.compile(
    rf"\s*(?:[\[(]\s*(?:{KINDS}|updates|adds|recasts)\b[^\])]{{0,300}}[\])]"
    rf"|(?:{KINDS}|{UPDATES}|updated?)\s*(?:[-\u2013\u2014]+|:))",
    re.IGNORECASE,
)
NUMBER = re.compile(r"\d+")
MOST = 1000  # numbers of updates count up to it
SHOWN = 60  # characters of a mark


def edition_marker(article: Article) -> str:
    """Mark by which an article says that it is a later version; empty if it does not.

    It stands at the beginning or, in brackets, at the end of the title, or at the beginning of the text.

    Examples
    --------
    >>> edition_marker(Article("The ferry hit the pier.", title="UPDATE 2-Ferry hits pier"))
    'UPDATE 2-'
    >>> edition_marker(Article("(Updates with the number of passengers) The ferry hit the pier."))
    '(Updates with the number of passengers)'
    >>> edition_marker(Article("", title="Correction of the budget begins"))
    ''
    """
    title = article.title
    found = IN_TITLE.match(title) or AT_END.search(title) or IN_TEXT.match(article.text)
    return " ".join(found.group().split())[:SHOWN] if found else ""


def edition_rank(article: Article) -> tuple[int, int]:
    """Sort key of versions: marked ones before others, and higher numbers of updates before lower ones."""
    marker = edition_marker(article)
    number = NUMBER.search(marker) if re.match(r"\W*(?:update|\d)", marker, re.IGNORECASE) else None
    return (0 if marker else 1), -(min(int(number.group()[:4]), MOST) if number else 0)


def without_marker(title: str) -> str:
    """Title without the marks of a later version, by which titles of versions are equal.

    Examples
    --------
    >>> without_marker("CORRECTED-UPDATE 1-Ferry hits pier (refiled)")
    'Ferry hits pier'
    """
    while found := IN_TITLE.match(title) or AT_END.search(title):
        rest = title[: found.start()] + title[found.end() :]
        if not rest.strip():
            break
        title = rest
    return title
