"""Comparison of two texts with the evidence, for a terminal or as plain text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from storyclust._core.terminal import sanitize
from storyclust.text.codepoints import BIGRAM_RANGES

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.text import Text

    from storyclust.articles.article import Article
    from storyclust.dedup.evidence import Edit, Evidence

SHOWN_PASSAGES = 3
PASSAGE_WORDS = 20  # shown at the beginning and at the end of a passage
CONTEXT_WORDS = 8  # of a long equal stretch, shown next to a difference
LEAST_OMITTED = 16  # words; a note on fewer would save no space
SIDE_BY_SIDE = 80  # minimum columns of the side-by-side layout
CHARACTERS_PER_WORD = 3  # in scripts without spaces

_SPACE = re.compile(r"(\s+)")
_UNSPACED = re.compile(f"[{''.join(f'{chr(first)}-{chr(last)}' for first, last in BIGRAM_RANGES)}]")
_LINE_END = re.compile("[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]")


def print_evidence(a: Article, b: Article, evidence: Evidence, console: Console | None = None) -> None:
    """Print the relation of two articles, the passages they share, and both texts with the differences.

    A terminal shows the texts side by side, or below 80 columns one above the other, with deletions in
    red and insertions in green. Other output, and a terminal without colours, gets one plain text with
    deletions marked ``[-so-]`` and insertions ``{+so+}``; where the texts are equal up to case and
    punctuation, it is that of the second. The middle of long equal stretches is replaced by a word count.

    Parameters
    ----------
    a, b : Article
    evidence : Evidence
        The result of `explain(a, b)`.
    console : rich.console.Console, optional
        stdout by default.

    Examples
    --------
    >>> from storyclust.articles.article import Article
    >>> from storyclust.render.evidence_view import print_evidence
    >>> from storyclust.dedup.evidence import explain
    >>> a = Article("The ferry struck the pier on Monday.", title="Ferry hits pier", id="a", source="AP")
    >>> b = Article("The ferry struck the old pier on Monday.", title="Pier struck", id="b")
    >>> print_evidence(a, b, explain(a, b))
    a: a | AP
       Ferry hits pier
    b: b
       Pier struck
    none (no passage in common) | similarity 0.000 | containment 0.000 of a in b
    <BLANKLINE>
    The ferry struck the {+old+} pier on Monday.
    """
    from rich.console import Console
    from rich.text import Text

    if console is None:
        console = Console(highlight=False)
    coloured = console.is_terminal and console.color_system is not None and not console.no_color

    def say(line: RenderableType) -> None:
        # Lines are not wrapped in a pipe.
        console.print(line, highlight=False, soft_wrap=not coloured)

    for name, article in (("a", a), ("b", b)):
        say(Text(f"{name}: {_facts(article)}", style="dim"))
        if title := printable(article.title, line_end=" ").strip():
            say(_indented(Text(title, style="bold"), 3, coloured))
    say(Text(_verdict(evidence)))
    for indent, line in _passages(evidence):
        say(_indented(line, indent, coloured))
    say(Text())
    if not coloured:
        say(_merged_text(evidence.edits))
        return
    for row in _rows(evidence.edits):
        say(_laid_out(row, console.width >= SIDE_BY_SIDE))


def _indented(text: Text, columns: int, wrapped: bool) -> RenderableType:
    """Indent a text, including the lines it is wrapped to."""
    from rich.padding import Padding
    from rich.text import Text

    return Padding(text, (0, 0, 0, columns)) if wrapped else Text(" " * columns).append_text(text)


def _facts(article: Article) -> str:
    day = article.published
    date = f"{day.day} {day:%b %Y, %H:%M} UTC" if day else ""
    facts = (printable(fact or "", line_end=" ") for fact in (article.id, article.source, date))
    return " | ".join(fact for fact in facts if fact)


def _verdict(evidence: Evidence) -> str:
    inner = evidence.contained
    outer = "b" if inner == "a" else "a"
    meaning = {
        "exact": "the same text",
        "near": "near copies",
        "excerpt": f"{evidence.containment:.0%} of {inner} stands in {outer}",
        "overlap": "a passage in common",
        "none": "no passage in common",
    }[evidence.relation]
    return (
        f"{evidence.relation} ({meaning}) | similarity {evidence.similarity:.3f} | "
        f"containment {evidence.containment:.3f} of {inner} in {outer}"
    )


def _passages(evidence: Evidence) -> Iterator[tuple[int, Text]]:
    """Yield lines on the longest passages, with their indentation; nothing for equal texts."""
    from rich.text import Text

    if not evidence.passages or evidence.relation == "exact":
        return
    shown = evidence.passages[:SHOWN_PASSAGES]
    yield 0, Text()
    more = len(evidence.passages) > len(shown)
    yield 0, Text(f"Shared passages: {len(evidence.passages):,}" + (", the longest of them:" if more else ""))
    for passage in shown:
        text = printable(passage.text_a, line_end=" ")
        places = f"a {passage.start_a:,}-{passage.end_a:,}, b {passage.start_b:,}-{passage.end_b:,}"
        yield 2, Text(f"{Words.of(text).amount()} | {places}", style="dim")
        yield 4, Text(shortened(text, PASSAGE_WORDS, PASSAGE_WORDS))


# Texts


def printable(text: str, line_end: str = "\n") -> str:
    r"""Remove control characters from a text; white space becomes one space or line end.

    Examples
    --------
    >>> printable(" Talks\topen\r\n\r\nin \x1b[31mTokyo ")
    ' Talks open\nin [31mTokyo '
    """
    parts = _SPACE.split(text)  # words and white space alternate
    parts[::2] = map(sanitize, parts[::2])
    parts[1::2] = (line_end if _LINE_END.search(space) else " " for space in parts[1::2])
    return "".join(parts)


class Words(NamedTuple):
    """A text split into words or, in scripts without spaces, characters."""

    units: list[str]  # with trailing white space
    spaced: bool

    @classmethod
    def of(cls, text: str) -> Words:
        """Split a text into units."""
        spaced = 2 * len(_UNSPACED.findall(text)) <= len(text)
        return cls(re.findall(r"\S+\s*|\s+", text) if spaced else list(text), spaced)

    def scaled(self, words: int) -> int:
        """Number of units equivalent to this many words."""
        return words if self.spaced else CHARACTERS_PER_WORD * words

    def amount(self, less: int = 0) -> str:
        """Format the number of units, minus `less`."""
        n = len(self.units) - less
        return f"{n:,} {'word' if self.spaced else 'character'}{'' if n == 1 else 's'}"


def cut(text: str, head: int, tail: int, note: str = "") -> tuple[str, str, str] | None:
    """Split a long text into its first words, a note on the number omitted, and its last words.

    Returns None if fewer than `LEAST_OMITTED` words would be omitted.

    Examples
    --------
    >>> cut(" ".join(map(str, range(30))), 2, 1)
    ('0 1 ', '[… 27 words …]', '29')
    """
    words = Words.of(text)
    head, tail = words.scaled(head), words.scaled(tail)
    if len(words.units) <= head + tail + words.scaled(LEAST_OMITTED):
        return None
    first, last = "".join(words.units[:head]), "".join(words.units[len(words.units) - tail :])
    return first, f"[… {words.amount(less=head + tail)}{note} …]", last


def shortened(text: str, head: int, tail: int) -> str:
    """Omit the middle of a long text."""
    parts = cut(text, head, tail)
    return text if parts is None else " ".join(part.strip() for part in parts if part)


def _context(edits: tuple[Edit, ...], k: int) -> tuple[int, int]:
    """Words to show at the start and end of an equal stretch: next to differences, or both if none."""
    alone = len(edits) == 1
    return CONTEXT_WORDS * (alone or k > 0), CONTEXT_WORDS * (alone or k + 1 < len(edits))


def _merged_text(edits: tuple[Edit, ...]) -> Text:
    """Merge both texts into one, with marks around deletions and insertions."""
    from rich.text import Text

    parts = []
    for k, edit in enumerate(edits):
        before, after = printable(edit.before), printable(edit.after)
        if edit.kind == "equal":
            parts.append(_same(after, *_context(edits, k)))
        else:
            parts += [_wrapped(before, "[-", "-]"), _wrapped(after, "{+", "+}")]
    return Text("".join(parts).strip())


def _same(text: str, head: int, tail: int) -> str:
    parts = cut(text, head, tail, " the same")
    if parts is None:
        return text
    first, note, last = parts
    end = text[len(text.rstrip()) :]
    return f"{first.rstrip()} {note} {last}" if last else f"{first.rstrip()} {note}{end}"


def _wrapped(text: str, opening: str, closing: str) -> str:
    """Put marks around a text, but not around its trailing white space."""
    core = text.strip()
    return f"{opening}{core}{closing}{text[len(text.rstrip()) :]}" if core else ""


class Row(NamedTuple):
    """Corresponding stretches of both texts, or a note in their place."""

    left: Text
    right: Text
    note: str = ""


def _rows(edits: tuple[Edit, ...]) -> Iterator[Row]:
    """Yield both texts in rows; a new row begins at a line or after a note within an equal stretch."""
    from rich.text import Text

    left, right = Text(), Text()
    for k, edit in enumerate(edits):
        before, after = printable(edit.before), printable(edit.after)
        if edit.kind != "equal":
            left.append(before, "red")
            right.append(after, "green")
            continue
        head, note, tail = cut(before, *_context(edits, k), " the same") or _lines(before, after)
        if note:
            other_head, _, other_tail = cut(after, *_context(edits, k)) or (after, "", "")
        else:
            other_head, _, other_tail = _lines(after, before)
        left.append(head, "dim")
        right.append(other_head, "dim")
        if note or tail:
            yield from _row(left, right)
            left, right = Text().append(tail, "dim"), Text().append(other_tail, "dim")
        if note:
            yield Row(Text(), Text(), note)
    yield from _row(left, right)


def _lines(text: str, other: str) -> tuple[str, str, str]:
    """Split a text before its last line if the other has as many lines, to align the rows."""
    if "\n" not in text or text.count("\n") != other.count("\n"):
        return text, "", ""
    head, _, tail = text.rpartition("\n")
    return head, "", tail


def _row(left: Text, right: Text) -> Iterator[Row]:
    """Yield a row unless it is empty."""
    left.rstrip()
    right.rstrip()
    if left or right:
        yield Row(left, right)


def _laid_out(row: Row, side_by_side: bool) -> RenderableType:
    """Lay out a row in two columns, or in lines headed by the names of the texts."""
    from rich.table import Table
    from rich.text import Text

    if row.note:
        return Text(row.note, style="dim italic", justify="center")
    grid = Table.grid(padding=(0, 2), expand=True)
    if side_by_side:
        grid.add_column(ratio=1, overflow="fold")
        grid.add_column(ratio=1, overflow="fold")
        grid.add_row(row.left, row.right)
        return grid
    grid.add_column(width=1)
    grid.add_column(ratio=1, overflow="fold")
    for name, text in (("a", row.left), ("b", row.right)):
        grid.add_row(Text(name, style="bold"), text)
    return grid
