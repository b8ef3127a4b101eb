"""Plain text of bodies and titles that are HTML, have entities, or were decoded wrongly."""

from __future__ import annotations

import re

from storyclust.articles.html_text import Signs, is_comment_only, text_of_html
from storyclust.articles.mojibake import is_suspect, mend

ENTITY = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
AMPERSANDS = re.compile("&(?:amp;){2,}+")  # escaped again and again
ROUNDS = 4  # a page, escaped, in an escaped page
QUOTED = re.compile(r"""["'`“‘«„][^"'`“‘«„\s]{1,34}["'`”’»“]""")

HTML, ENTITIES, MENDED = 1, 2, 4  # what was found in a text


def plain_text(text: str) -> str:
    r"""Return the plain text of an HTML body, with entities decoded and mis-decoded characters mended.

    Parameters
    ----------
    text : str
        A body or a title. It is HTML if it has tags where markup has them, rather than a lone `<`, an
        address in angle brackets, or the name of a tag in a sentence.

    Returns
    -------
    str
        `text` itself if it is plain text already.

    Examples
    --------
    >>> from storyclust.articles.markup import plain_text
    >>> plain_text("<p>Tom &amp; Ann met.</p><p>It&rsquo;s agreed.</p>")
    'Tom & Ann met.\n\nIt’s agreed.'
    >>> plain_text("If a < b, AT&T wins: the <b> tag <3 <ann@example.org>")
    'If a < b, AT&T wins: the <b> tag <3 <ann@example.org>'
    >>> plain_text("Itâ€™s &#8220;new&#8221;")
    'It’s “new”'
    """
    return text if is_plain(text) else read_text(text)[0]


def is_plain(text: str) -> bool:
    """Whether a text certainly is plain: a fast check."""
    return "<" not in text and "&" not in text and (text.isascii() or not is_suspect(text))


def read_text(text: str) -> tuple[str, int]:
    """Return the plain text, and what was found: a sum of `HTML`, `ENTITIES` and `MENDED`."""
    mended = mend(text)
    plain, found = _unescaped(mended)
    again = mend(plain) if found else plain
    return again, found | (MENDED if mended != text or again != plain else 0)


def _unescaped(text: str) -> tuple[str, int]:
    """Convert HTML, which may be escaped, and decode entities."""
    found = 0
    for number in range(ROUNDS):
        before = text = AMPERSANDS.sub("&amp;", text)
        if "<" in text and (not found & HTML or text.startswith("<")):
            signs = Signs(text)
            escaped = number > 0  # examples in an article on HTML are escaped, too
            if (signs.of_html and (signs.strong or not escaped)) or (
                not signs.names and not escaped and is_comment_only(text)
            ):
                text = text_of_html(text, signs.names)
                found |= HTML
        if "&" in text and (decoded := ENTITY.sub(_decoded, text)) != text:
            text = decoded
            found |= ENTITIES
        if text == before:
            break
    return text, found


def _decoded(match: re.Match[str]) -> str:
    import html
    from html.entities import html5

    entity, text = match[0], match.string
    if entity[1] != "#" and entity[1:] not in html5:
        return entity
    before, after = text[match.start() - 1 : match.start()], text[match.end() : match.end() + 1]
    if before and after and QUOTED.fullmatch(before + entity + after):
        return entity  # it is mentioned
    return " " if (char := html.unescape(entity)) == "\xa0" else char


class TextCounts:
    """Converts texts of articles, and counts the articles in which something was found.

    Attributes
    ----------
    articles, html, entities, mended : int
        Number of articles, of those that were HTML, of others with entities, and with mis-decoded characters.
    """

    def __init__(self) -> None:
        self.articles = self.html = self.entities = self.mended = 0

    def read(self, text: str, title: str = "") -> tuple[str, str]:
        """Convert the body and the title of an article."""
        self.articles += 1
        found = in_title = 0
        if not is_plain(text):
            text, found = read_text(text)
        if title and not is_plain(title):
            title, in_title = read_text(title)
            title = " ".join(title.split()) if in_title & HTML else title
            found |= in_title
        if found:
            self.html += bool(found & HTML)
            self.entities += bool(found & ENTITIES) and not found & HTML
            self.mended += bool(found & MENDED)
        return text, title

    def message(self) -> str:
        """Message on the converted texts, "" if there are none."""
        return texts_converted(self.articles, self.html, self.entities, self.mended)


def texts_converted(articles: int, html: int, entities: int, mended: int) -> str:
    """Message on converted texts, "" if there are none.

    Examples
    --------
    >>> from storyclust.articles.markup import texts_converted
    >>> texts_converted(900, 812, 0, 1)
    '812 of 900 articles were HTML and were read as plain text; 1 had mis-decoded characters, now mended.'
    """
    found = []
    if html:
        verb = "was" if html == 1 else "were"
        found.append((html, f"{verb} HTML and {verb} read as plain text"))
    if entities:
        found.append((entities, "had entities such as &amp;, now decoded"))
    if mended:
        found.append((mended, "had mis-decoded characters, now mended"))
    of_all = [f" of {articles:,} articles", "", ""]
    phrases = [f"{count:,}{of} {phrase}" for (count, phrase), of in zip(found, of_all, strict=False)]
    return "; ".join(phrases) + "." if phrases else ""
