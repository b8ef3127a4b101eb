"""The result of `tune` as a record, and as text for a terminal or a pipe."""

from __future__ import annotations

import math
import shlex
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console

    from storyclust.articles.article import Article
    from storyclust.evaluation.tuning import Tuning


def command_line(tuning: Tuning, inputs: Sequence[str]) -> str:
    """Return the shell command that uses the recommended settings."""
    given = {name: math.inf if value is None else value for name, value in tuning.settings.items()}
    options = [f"--{name.replace('_', '-')} {value:g}" for name, value in given.items()]
    return f"storyclust threads {shlex.join(inputs)} {' '.join(options)}"


def tuning_record(tuning: Tuning, articles: Sequence[Article], inputs: Sequence[str]) -> dict[str, Any]:
    """Return a tuning as a plain record, with the ids of articles."""
    record = tuning.as_dict() | {"command": command_line(tuning, inputs), "call": tuning.call}
    for pair in record["borderline"]:
        pair |= {end: articles[pair[end]].id for end in ("a", "b")}
    return record


def print_tuning(tuning: Tuning, inputs: Sequence[str], console: Console | None = None) -> None:
    """Print the recommendation with its reasons, the trials, borderline pairs, and how to use it.

    Parameters
    ----------
    tuning : Tuning
    inputs : sequence of str
        Files that the articles were read from.
    console : rich.console.Console, optional
        Where to print; stdout by default. On a terminal the trials are a table in colour.
    """
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = console or Console(highlight=False)

    def say(text: str, style: str = "") -> None:
        console.print(Text(text, style=style), soft_wrap=not console.is_terminal)

    if not console.is_terminal:
        say(str(tuning))
    else:
        say(tuning.call, "bold")
        for reason in tuning.reasons:
            say(reason)
        heads, *rows = tuning.rows()
        table = Table(*heads[:-1])
        for row in rows:
            style = {"": "", "default": "cyan"}.get(row[-1], "bold green")
            table.add_row(*row[:-1], style=style)
        for column in table.columns:
            column.justify = "right"
        console.print(table)
        say("default in cyan, recommended in green", "dim")
        if tuning.borderline:
            say("\nJudge by eye:", "bold")
        for pair in tuning.borderline:
            say(str(pair))
    say(f"\nAt the shell:  {command_line(tuning, inputs)}\nIn Python:     sc.{tuning.call}")
