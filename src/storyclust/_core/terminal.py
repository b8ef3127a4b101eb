"""Text that is safe to print: nothing that a terminal would obey, and counts in words."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from rich.console import Console


UNSHOWN = ("Cc", "Cs", "Cf")
JOINERS = "\u200c\u200d"  # which Persian and Hindi are spelt with


def counted(count: int, thing: str) -> str:
    """Say how many there are.

    Examples
    --------
    >>> counted(1, "article"), counted(1200, "article")
    ('1 article', '1,200 articles')
    """
    return f"{count:,} {thing}" if count == 1 else f"{count:,} {thing}s"


def terminal() -> Console:
    """Where people read: stdout, at most 100 columns wide."""
    from rich.console import Console

    console = Console(highlight=False)
    console.on_broken_pipe = _broken_pipe  # type: ignore[method-assign]  # rich would exit with 1
    console.width = min(console.width, 100)
    return console


def _broken_pipe() -> NoReturn:
    """Leave it to the command line to end quietly when nobody reads on."""
    raise BrokenPipeError


def clean(text: str) -> str:
    """Text with nothing in it that a terminal would obey: no control, no direction override."""
    spaced = "".join(" " if char.isspace() else char for char in text)
    kept = (char for char in spaced if unicodedata.category(char) not in UNSHOWN or char in JOINERS)
    return " ".join("".join(kept).split())
