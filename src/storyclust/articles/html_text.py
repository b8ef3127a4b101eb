"""Detection of HTML, and its conversion to plain text.

The markup is parsed by lxml as a stream of events, without a tree, so that no body is too deeply nested.
"""

from __future__ import annotations

import re
from itertools import islice
from typing import Any

TAG = re.compile(r"<(/?)([A-Za-z][A-Za-z0-9]{0,10})((?:\s[^<>]*+)?+/?+)>")
BARE = re.compile(  # attributes without a value
    r"\s*(?:async|allowfullscreen|checked|controls|defer|disabled|hidden|noshade|nowrap|open)?\s*/?"
)
VALUE = re.compile(r"""\s[\w:-]+\s*=\s*["']?[^\s"'/]""")
MAX_TAGS = 5_000  # by so many tags it is decided whether a text is HTML
QUOTES = frozenset("\"'`´“”‘’„‚«»‹›「」『』")
SENTENCE_END = frozenset(".!?:;,…。！？：；”»)")

VOID = frozenset("area base br col embed hr img input link meta param source track wbr".split())
UNCLOSED = frozenset("p li dt dd tr td th thead tbody tfoot option".split())  # the end tag may be left out
LINES = frozenset("li dt dd tr td th caption option legend".split())
BLOCKS = (
    frozenset(
        "address article aside blockquote body center details dialog dir div dl fieldset figcaption figure "
        "footer form h1 h2 h3 h4 h5 h6 head header hgroup hr html main menu nav ol p pre section summary "
        "table tbody tfoot thead title ul".split()
    )
    | LINES
)
ALWAYS_DROPPED = frozenset(
    "head title script style noscript template iframe svg object select textarea".split()
)
DROPPED = ALWAYS_DROPPED | frozenset("figcaption aside nav form button".split())
SCRIPTS = frozenset(("script", "style"))  # tags in their strings are not of the page
OF_PAGES = frozenset(("header", "footer"))  # dropped outside of articles and sections
CONTENT = frozenset(("article", "main", "section"))
KNOWN = (
    BLOCKS
    | VOID
    | DROPPED
    | frozenset(
        "a abbr acronym audio b bdi bdo big blink canvas cite code data del dfn em font i ins kbd label map "
        "mark picture q rp rt ruby s samp small span strike strong sub sup time tt u var video".split()
    )
)
PARAGRAPHED = frozenset("p br div td body html".split())  # without these, line breaks separate paragraphs


class Signs:
    """Signs that the tags of a text are markup (`good`), or that it is about markup (`bad`).

    A tag is markup where writers of markup put it: `<b>` directly at the words that it encloses, `<p>` at the
    beginning of a line or after a sentence, `<a>` with an address. In a sentence on markup it is a word of
    its own, in quotation marks, or never closed.

    Attributes
    ----------
    strong : int
        Number of good signs by blocks, line breaks and attributes.
    names : set of str
        Names of the elements.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self.good = self.bad = self.strong = 0
        self.names: set[str] = set()
        self.open: dict[str, list[tuple[int, int, bool, bool]]] = {}
        script = ""
        for match in islice(TAG.finditer(text), MAX_TAGS):
            name = match[2].lower()
            if name not in KNOWN or (script and not (match[1] and name == script)):
                continue
            if "=" not in match[3] and not BARE.fullmatch(match[3].lower()):
                continue  # words in angle brackets
            script = name if name in SCRIPTS and not match[1] else ""
            self.names.add(name)
            if self._is_quoted(match.start(), match.end()):
                self.bad += 1
            elif match[1]:
                self._close(name, match.start(), match.end())
            else:
                self._begin(name, match)
        for name, starts in self.open.items():
            for start, end, placed, valued in starts:
                if name in UNCLOSED and (placed or self._is_within(start, end)):
                    self._block()
                elif not (placed or valued or start == 0):
                    self.bad += 1
                elif start == 0 and end < len(text) and not text[end].isspace():
                    self._block()  # a body that was cut off

    def _is_quoted(self, start: int, end: int) -> bool:
        text = self.text
        return start > 0 and end < len(text) and text[start - 1] in QUOTES and text[end] in QUOTES

    def _is_placed(self, start: int) -> bool:
        """Whether a position is at the beginning of a line, after a tag, or after a sentence."""
        before = self.text[max(start - 3, 0) : start]
        bare = before.rstrip(" \xa0\t\r")
        return not bare or bare[-1] in "\n>" or (bare != before and bare[-1] in SENTENCE_END)

    def _is_ended(self, end: int) -> bool:
        """Whether a position is at the end of a line, or before a tag."""
        after = self.text[end : end + 3].lstrip(" \xa0\t\r")
        return not after or after[0] in "\n<"

    def _is_within(self, start: int, end: int) -> bool:
        """Whether a tag directly follows a letter or digit of a script that has spaces, and precedes text."""
        before, after = self.text[start - 1 : start], self.text[end : end + 1]
        spaced = before.isdigit() or before.lower() != before.upper()
        return spaced and bool(after) and not after.isspace()

    def _is_apart(self, start: int, end: int) -> bool:
        """Whether a tag is a word of its own."""
        text = self.text
        return (start == 0 or text[start - 1] == " ") and text[end : end + 1] in {"", " ", ".", ","}

    def _block(self) -> None:
        self.good += 1
        self.strong += 1

    def _begin(self, name: str, match: re.Match[str]) -> None:
        start, end = match.span()
        valued = VALUE.search(match[3]) is not None
        apart = self._is_apart(start, end)
        placed = self._is_placed(start) or (name in BLOCKS and self.text[start - 1] in SENTENCE_END)
        if name in VOID:
            if valued or placed or self._is_ended(end) or self._is_within(start, end):
                self._block()
            else:
                self.bad += apart
            return
        if valued and not apart:
            self._block()
        self.open.setdefault(name, []).append((start, end, placed and not (apart and start), valued))

    def _close(self, name: str, start: int, end: int) -> None:
        starts = self.open.get(name)
        text = self.text
        loose_end = text[start - 1] == " " and not self._is_ended(end)
        if not starts:
            self.bad += loose_end
            return
        opened, inner, placed, valued = starts.pop()
        loose_start = text[inner] == " " and not placed
        if opened and text[opened - 1] in QUOTES and end < len(text) and text[end] in QUOTES:
            self.bad += 1
        elif loose_start and loose_end:
            self.bad += not valued
        elif loose_start or loose_end or (inner == start and not (placed and self._is_ended(end))):
            pass
        elif name in BLOCKS and (placed or self._is_ended(end)):
            self._block()
        else:
            self.good += 1

    @property
    def of_html(self) -> bool:
        """Whether the text is HTML."""
        start = self.text[:200].lstrip()[:14].lower()
        whole = start.startswith(("<!doctype html", "<html>", "<html "))
        return (whole and bool(self.names)) or self.good > 2 * self.bad


def is_comment_only(text: str) -> bool:
    """Whether a text without tags has a comment of HTML on a line of its own."""
    return re.search(r"(?:\A|\n)[ \t]*<!--[^<>]{0,200}-->[ \t\r]*(?:\n|\Z)", text) is not None


class _Lines:
    """Target of the parser: text in lines, with the breaks between them."""

    def __init__(self, dropped: frozenset[str], *, keeps_lines: bool) -> None:
        self.dropped = dropped
        self.of_pages = OF_PAGES if len(dropped) > len(ALWAYS_DROPPED) else frozenset[str]()
        self.keeps_lines = keeps_lines
        self.pre = self.content = 0
        self.skipped: list[str] = []  # the dropped element, and those of the same name inside it
        self.pieces: list[str] = []
        self.written: list[str] = []
        self.gap = 0

    def start(self, name: str, _attributes: Any) -> None:
        if self.skipped:
            if name == self.skipped[0]:
                self.skipped.append(name)
            return
        if name == "br":
            self._break(min(self.gap + 1, 2) if not self._flush() else 1)
            return
        if name in BLOCKS:
            self._flush()
            self._break(1 if name in LINES else 2)
        if name in self.dropped or (name in self.of_pages and not self.content):
            self.skipped.append(name)
            return
        self.pre += name == "pre"
        self.content += name in CONTENT

    def end(self, name: str) -> None:
        if self.skipped:
            if name == self.skipped[0]:
                self.skipped.pop()
            return
        if name in BLOCKS:
            self._flush()
            self._break(1 if name in LINES else 2)
        self.pre -= name == "pre"
        self.content -= name in CONTENT

    def data(self, data: str) -> None:
        if not self.skipped:
            self.pieces.append(data)

    def comment(self, _text: str) -> None:
        """Comments are dropped."""

    def pi(self, _target: str, _data: str | None = None) -> None:
        """Processing instructions are dropped."""

    def close(self) -> str:
        self._flush()
        return "".join(self.written)

    def _break(self, gap: int) -> None:
        self.gap = max(self.gap, gap)

    def _flush(self) -> bool:
        """Write the text since the last break; return whether there was any."""
        text = "".join(self.pieces)
        self.pieces.clear()
        lines = text.split("\n") if self.keeps_lines or self.pre else [text]
        wrote = False
        for number, line in enumerate(lines):
            if number:
                self._break(min(self.gap + 1, 2))
            words = " ".join(line.split())
            if words:
                if self.written:
                    self.written.append("\n" * self.gap)
                self.written.append(words)
                self.gap = 0
                wrote = True
        return wrote


def text_of_html(html: str, names: set[str]) -> str:
    r"""Return the text of a page or a fragment of HTML.

    Parameters
    ----------
    html : str
    names : set of str
        Names of its elements. Without paragraphs, line breaks and divisions, its own line breaks are kept.

    Returns
    -------
    str
        Paragraphs apart by a blank line, list items and table cells by a line break. Scripts, navigation,
        forms, captions and the like are left out; if nothing else has text, only what is never shown as text.

    Examples
    --------
    >>> from storyclust.articles.html_text import text_of_html
    >>> text_of_html("<h1>Snow</h1><p>It <b>snowed</b>.<script>x()</script><ul><li>Oslo<li>Bergen", {"p"})
    'Snow\n\nIt snowed.\n\nOslo\nBergen'
    """
    from lxml import etree

    if "<![CDATA[" in html:
        html = html.replace("<![CDATA[", "").replace("]]>", "")
    data = html.encode("utf-16", "surrogatepass").decode("utf-16", "replace").encode()
    for dropped in (DROPPED, ALWAYS_DROPPED):
        target = _Lines(dropped, keeps_lines=not names & PARAGRAPHED)
        parser = etree.HTMLParser(target=target, encoding="utf-8")
        text = str(etree.fromstring(data, parser)) if data.strip() else ""
        if text:
            break
    return text
