"""The first run on a machine: another process compiles what a command needs last, while it compiles the rest.

Numba compiles one function at a time in a process. Of two processes that need the same function, one compiles
it and the other loads it.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator

import storyclust as sc

COMMAND = "from storyclust.cli.first_run import compile_last; compile_last()"


@contextlib.contextmanager
def compiled_beside() -> Iterator[None]:
    """Start the other process when a first function is compiled inside, and end it at the end."""
    from storyclust._core.progress import on_compilation

    processes: list[subprocess.Popen[bytes]] = []

    def start() -> None:
        nowhere = subprocess.DEVNULL
        command = [sys.executable, "-c", COMMAND]
        with contextlib.suppress(OSError):  # if there can be no other process, this one compiles everything
            processes.append(
                subprocess.Popen(command, stdin=nowhere, stdout=nowhere, stderr=nowhere)  # noqa: S603 - our own
            )

    try:
        with on_compilation(start) if (os.cpu_count() or 1) > 1 else contextlib.nullcontext():
            yield
    finally:
        for process in processes:
            process.kill()
            process.wait()


def compile_last() -> None:
    """Call what comes last in `storyclust threads`, for a few articles."""
    from storyclust.stories.clusterer import BaseStoryClusterer

    articles = [
        sc.Article(
            f"The ferry {name} struck the pier of {place} on Monday, police said. {count} passengers were on "
            f"board. The {name} sails again on Friday, the port of {place} said.",
            title=f"Ferry {name} hits the pier of {place}",
        )
        for name, place in (("Selka", "Aldmouth"), ("Orla", "Carrow"))
        for count in range(20, 26)
    ]
    sc.summarize(articles, clean=False)
    sc.explain(articles[0], articles[1])
    BaseStoryClusterer(clean=False).fit(articles)
