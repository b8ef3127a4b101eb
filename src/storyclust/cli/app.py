"""The command line: nothing but a face of the library.

Data goes to stdout or files, everything else to stderr. Exit codes: 0 done, 1 bad data or I/O, 2 wrong
usage, 130 interrupted. A reader that closes the pipe early is no error.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import sys
import warnings
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import storyclust as sc
from storyclust.cli import store as store_cli
from storyclust.cli.common import input_options, say
from storyclust.cli.dedup import run_dedup
from storyclust.cli.evaluate import run_evaluate, run_tune
from storyclust.cli.links import run_explain, run_links
from storyclust.cli.threads import run_threads
from storyclust.stories.settings import EVENT_DISTANCE, EVENT_WINDOW, LINK_SIMILARITY, THREAD_DISTANCE

if TYPE_CHECKING:
    pass


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    options = parser().parse_args(argv)
    for stream in (sys.stdout, sys.stderr):  # a terminal that lacks a letter is shown its number
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        with _notes(), _progress(options):
            options.run(options)
            sys.stdout.flush()
    except BrokenPipeError:
        # Whoever read our output has seen enough; nothing more can be flushed there.
        with contextlib.suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (KeyboardInterrupt, SystemError) as error:
        # What is pressed while a compiled function returns comes out of it as the cause of a SystemError.
        if not isinstance(error.__cause__ or error, KeyboardInterrupt):
            raise
        say("interrupted; no file is left half written.")
        return 130
    except sc.StoryclustError as error:
        say(str(error))
        return 1
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        say(f"{place}{error.strerror or error}.")
        return 1
    return 0


def parser() -> argparse.ArgumentParser:
    """Describe commands and options."""
    top = argparse.ArgumentParser(
        prog="storyclust", description="Find copies, events and story threads in piles of news articles."
    )
    top.add_argument("--version", action="version", version=f"storyclust {sc.__version__}")
    commands = top.add_subparsers(title="commands", metavar="COMMAND", required=True)

    dedup = commands.add_parser(
        "dedup",
        help="keep one article of each group of copies",
        description="Keep one article of each group of copies and write the rest of the pile unchanged.",
    )
    input_options(dedup)
    _memory_option(dedup)
    dedup.add_argument(
        "-o", "--output", default="-", metavar="FILE", help="articles kept; - is stdout (default: -)"
    )
    dedup.add_argument(
        "--threshold",
        type=float,
        default=0.8,
        metavar="J",
        help="Jaccard similarity of copies (default: 0.8)",
    )
    dedup.add_argument(
        "--keep",
        type=_policy,
        default="earliest",
        metavar="POLICY",
        help="earliest, latest, longest, first, or source:A,B: which of a group is kept (default: earliest)",
    )
    dedup.add_argument(
        "--excerpts",
        choices=("report", "drop", "ignore"),
        default="report",
        help="what becomes of articles that stand inside longer ones (default: report, in --groups)",
    )
    dedup.add_argument("--exact", action="store_true", help="miss no pair; slower")
    dedup.add_argument("--clean", action="store_true", help="leave page furniture out of the comparison")
    dedup.add_argument(
        "--reference", action="append", metavar="FILE", help="articles that are there already, never touched"
    )
    dedup.add_argument("--groups", metavar="FILE", help="write one record for each copy and excerpt, and why")
    dedup.add_argument("--labelled", metavar="FILE", help="write all articles with a field duplicate_of")
    _engine_option(dedup, "duplicate_of")
    dedup.set_defaults(run=run_dedup)

    threads = commands.add_parser(
        "threads",
        help="group articles into events and story threads",
        description="Group articles into events and story threads. Prints a digest to a terminal, one record "
        "for each thread otherwise; -o FILE and --format make it Markdown, a page of HTML or a table.",
    )
    input_options(threads)
    _memory_option(threads)
    threads.add_argument(
        "-o",
        "--output",
        default="-",
        metavar="FILE",
        help="the threads: .md, .html, .txt, .jsonl, .json, .csv, .tsv or .parquet, also compressed as in "
        ".jsonl.gz; - is stdout (default: -)",
    )
    threads.add_argument(
        "--labelled", metavar="FILE", help="write all articles with fields duplicate_of, event, thread"
    )
    threads.add_argument(
        "--report", metavar="FILE", help="write a page of HTML to search and read in a browser"
    )
    threads.add_argument(
        "--format",
        choices=("digest", "md", "html", "jsonl", "csv"),
        help="what to write, whatever the name of FILE (default: as FILE ends; to stdout digest on a "
        "terminal, else jsonl); digest and md leave out articles on their own",
    )
    threads.add_argument(
        "--min-size",
        type=int,
        default=1,
        metavar="N",
        help="leave out threads of fewer articles (default: 1)",
    )
    threads.add_argument("--event-distance", type=float, metavar="D", help=f"default: {EVENT_DISTANCE}")
    threads.add_argument("--event-window", type=float, metavar="DAYS", help=f"default: {EVENT_WINDOW:g}")
    threads.add_argument("--thread-distance", type=float, metavar="D", help=f"default: {THREAD_DISTANCE}")
    _engine_option(threads, "duplicate_of, event and thread")
    threads.set_defaults(run=run_threads)

    links = commands.add_parser(
        "links",
        help="link articles that report the same happening, and say why",
        description="Link articles that report the same happening: copies, excerpts and overlapping "
        "coverage, with the terms and passages they share.",
    )
    input_options(links)
    links.add_argument("-o", "--output", default="-", metavar="FILE", help="one record a link (default: -)")
    links.add_argument(
        "--min-similarity",
        type=float,
        default=LINK_SIMILARITY,
        metavar="S",
        help="similarity above the background (default: %(default)s)",
    )
    links.add_argument(
        "--event-window",
        type=float,
        default=EVENT_WINDOW,
        metavar="DAYS",
        help=f"default: {EVENT_WINDOW:g}",
    )
    links.set_defaults(run=run_links)

    explain = commands.add_parser(
        "explain",
        help="show what two articles share and what differs",
        description="Show how two articles are related, what they share, and what differs.",
    )
    input_options(explain)
    explain.add_argument("id_a", metavar="ID_A")
    explain.add_argument("id_b", metavar="ID_B")
    explain.add_argument("--json", action="store_true", help="print one JSON object")
    explain.set_defaults(run=run_explain)

    tune = commands.add_parser(
        "tune",
        help="choose settings of threads for articles of one's own",
        description="Choose the distance of events or threads, and with labels the window of events, that "
        "suit these articles; and say why.",
    )
    input_options(tune)
    tune.add_argument(
        "--gold", metavar="FIELD", help="field with the right event or thread, where it is known"
    )
    tune.add_argument(
        "--level", choices=("event", "thread"), default="event", help="what to tune (default: event)"
    )
    tune.add_argument("--plot", metavar="FILE", help="draw the figures over the distance: .png, .svg, .pdf")
    tune.add_argument("--format", choices=("text", "json"), default="text", help="default: text")
    tune.set_defaults(run=run_tune)

    evaluate = commands.add_parser(
        "evaluate",
        help="score predicted groups against gold ones",
        description="Score predicted groups against gold ones; articles without a gold label do not count.",
    )
    input_options(evaluate)
    evaluate.add_argument("--gold", required=True, metavar="FIELD", help="field with the right answer")
    evaluate.add_argument("--pred", required=True, metavar="FIELD", help="field with the answer to score")
    evaluate.add_argument("--json", action="store_true", help="print one JSON object")
    evaluate.set_defaults(run=run_evaluate)

    store_cli.add_commands(commands)
    return top


def _policy(name: str) -> str:
    if name not in ("earliest", "latest", "longest", "first") and not name.startswith("source:"):
        raise argparse.ArgumentTypeError(
            f"{name!r} is none of earliest, latest, longest, first and source:A,B"
        )
    return name


def _memory_option(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--memory",
        metavar="SIZE",
        help="memory to take besides the articles, such as 4GB (default: three quarters of what is free)",
    )


def _engine_option(command: argparse.ArgumentParser, added: str) -> None:
    command.add_argument(
        "--engine",
        choices=("local", "ray"),
        default="local",
        help=f"ray: on a cluster, or all cores of this machine; -o is a folder for the inputs, file by file, "
        f"with {added} (default: local)",
    )


@contextlib.contextmanager
def _progress(options: argparse.Namespace) -> Iterator[None]:
    """Progress bars and the note on compiling, for a person at a terminal; lines for the log of a cluster."""
    if not options.quiet and getattr(options, "engine", "local") == "ray" and not sys.stderr.isatty():
        from storyclust._core.progress import Lines, reporting_to

        with reporting_to(Lines(say)):
            yield
        return
    if options.quiet or not sys.stderr.isatty():
        yield
        return
    from storyclust._core.progress import tell_compiling

    with sc.show_progress(), tell_compiling():
        yield


@contextlib.contextmanager
def _notes() -> Iterator[None]:
    """Show the library's warnings as one line each."""

    def show(message: Warning | str, *_: Any, **__: Any) -> None:
        say(str(message))

    with warnings.catch_warnings():
        warnings.simplefilter("always", sc.StoryclustWarning)
        warnings.showwarning = show
        yield


if __name__ == "__main__":
    sys.exit(main())
