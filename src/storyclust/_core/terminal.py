"""Text for a terminal: without control characters, with counts in words, in at most 100 columns."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from rich.console import Console


_REMOVED = ("Cc", "Cs", "Cf")  # Unicode categories: controls, surrogates, format characters
_JOINERS = "\u200c\u200d"  # format characters that Persian and Hindi need
_MAX_COLUMNS = 100


def format_count(count: int, noun: str) -> str:
    """Format a number with its noun, in the singular or plural.

    Examples
    --------
    >>> format_count(1, "article"), format_count(1200, "article")
    ('1 article', '1,200 articles')
    """
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def stdout_console() -> Console:
    """Return a console on stdout, at most 100 columns wide."""
    from rich.console import Console

    console = Console(highlight=False)
    console.on_broken_pipe = _broken_pipe  # type: ignore[method-assign]  # rich would exit with 1
    console.width = min(console.width, _MAX_COLUMNS)
    return console


def _broken_pipe() -> NoReturn:
    """Let the command line handle a closed pipe."""
    raise BrokenPipeError


def sanitize(text: str) -> str:
    """Remove control characters and direction overrides, and collapse white space to single spaces."""
    spaced = "".join(" " if char.isspace() else char for char in text)
    kept = (char for char in spaced if unicodedata.category(char) not in _REMOVED or char in _JOINERS)
    return " ".join("".join(kept).split())
