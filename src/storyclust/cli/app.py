"""The top-level parser, exit codes, warnings and progress of the command line.

Data goes to stdout or files, everything else to stderr. Exit codes: 0 done, 1 bad data or I/O (also
if over a tenth of the records could not be used and `--rejects` does not save them), 2 wrong usage, 130
interrupted. A reader that closes the pipe early is not an error.
"""

from __future__ import annotations

import argparse
import atexit
import contextlib
import difflib
import gc
import io
import os
import re
import sys
import warnings
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NoReturn

import storyclust as sc
from storyclust.cli import store as store_cli
from storyclust.cli.checks import check_options
from storyclust.cli.common import UsageError, clean_option, input_options, say
from storyclust.cli.dedup import run_dedup
from storyclust.cli.evaluate import add_evaluate, add_tune
from storyclust.cli.first_run import compiled_beside
from storyclust.cli.furniture import run_furniture
from storyclust.cli.links import run_explain, run_links
from storyclust.cli.review import add_review
from storyclust.cli.threads import run_threads
from storyclust.dedup.settings import DOUBTFUL_POLICIES, EXCERPT, KEEP, SOURCES
from storyclust.stories.settings import EVENT_DISTANCE, EVENT_WINDOW, LINK_SIMILARITY, THREAD_DISTANCE


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit code."""
    options = _parsed(argv)
    for stream in (sys.stdout, sys.stderr):  # a character that the encoding lacks is written as an escape
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        with _rare_collections(), _warnings_as_lines(), _progress(options), compiled_beside():
            check_options(options)
            options.run(options)
            sys.stdout.flush()
            if failure := getattr(options, "failure", ""):
                say(failure)
                return 1
    except BrokenPipeError:
        # The reader has closed the pipe; flushing stdout at exit would fail again.
        with contextlib.suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (KeyboardInterrupt, SystemError) as error:
        # Ctrl-C while a compiled function returns is raised as the cause of a SystemError.
        if not isinstance(error.__cause__ or error, KeyboardInterrupt):
            raise
        say("interrupted; output files are complete or unchanged.")
        return 130
    except sc.StoryclustError as error:
        say(str(error))
        return 2 if isinstance(error, UsageError) else 1
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        say(f"{place}{error.strerror or error}.")
        return 1
    return 0


class Parser(argparse.ArgumentParser):
    """A parser whose errors suggest what was probably meant."""

    def error(self, message: str) -> NoReturn:
        """Exit with code 2 after a message."""
        choice = re.search(r"invalid choice: '(.*?)' \(choose from (.*)\)", message)
        if choice:
            message += _meant(choice[1], re.findall(r"[\w:-]+", choice[2]))
        super().error(message)

    def options(self) -> list[str]:
        """Return the names of all options."""
        return [name for action in self._actions for name in action.option_strings]


def _meant(word: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(word, [*known], n=1)
    return f"; did you mean {close[0]}?" if close else ""


def _parsed(argv: Sequence[str] | None) -> argparse.Namespace:
    """Parse the arguments; an option that is not known is an error of its command."""
    options, unknown = parser().parse_known_args(argv)
    if unknown:
        command: Parser = options.parser
        word = next((word for word in unknown if word.startswith("-")), unknown[0])
        meant = _meant(word.partition("=")[0], command.options())
        command.error(f"unrecognized arguments: {' '.join(unknown)}{meant}")
    return options


def parser() -> argparse.ArgumentParser:
    """Build the parser of all commands."""
    top = Parser(prog="storyclust", description="Find copies, events and story threads in news articles.")
    top.add_argument("--version", action="version", version=f"storyclust {sc.__version__}")
    commands = top.add_subparsers(title="commands", metavar="COMMAND", required=True)
    _add_dedup(commands)
    _add_threads(commands)
    _add_links(commands)
    _add_explain(commands)
    _add_furniture(commands)
    add_tune(commands)
    add_evaluate(commands)
    add_review(commands)
    store_cli.add_commands(commands)
    for command in commands.choices.values():
        command.set_defaults(parser=command)
    return top


def _add_dedup(commands: Any) -> None:
    dedup = commands.add_parser(
        "dedup",
        help="keep one article of each group of copies",
        description="Keep one article of each group of copies, and write the kept articles unchanged.",
        epilog="With --check, as a hook before a commit: one line for each copy on stdout, no file, and exit "
        "code 1 if there are copies, else 0.",
    )
    input_options(dedup)
    _memory_option(dedup)
    dedup.add_argument(
        "-o", "--output", default="-", metavar="FILE", help="kept articles; - is stdout (default: -)"
    )
    dedup.add_argument(
        "--threshold",
        type=float,
        default=0.8,
        metavar="J",
        help="minimum Jaccard similarity of copies (default: 0.8)",
    )
    dedup.add_argument(
        "--keep",
        type=_keep_policy,
        default="earliest",
        metavar="POLICY",
        help="which article of a group to keep: earliest, latest, longest, first, source:A,B, or "
        "latest-version, which prefers corrections and updates (default: earliest)",
    )
    dedup.add_argument(
        "--excerpts",
        choices=("report", "drop", "ignore"),
        default="report",
        help="how to treat articles contained in longer ones (default: report, in --groups)",
    )
    _containment_option(dedup)
    dedup.add_argument(
        "--doubtful",
        choices=DOUBTFUL_POLICIES,
        default="keep",
        help="how to treat short texts that are equal under different titles (default: keep, and list in "
        "--groups)",
    )
    dedup.add_argument("--exact", action="store_true", help="find every pair; slower")
    dedup.add_argument("--clean", action="store_true", help="ignore page furniture in the comparison")
    dedup.add_argument(
        "--reference",
        action="append",
        metavar="FILE",
        help="existing articles to compare with; never removed",
    )
    dedup.add_argument(
        "--groups", metavar="FILE", help="write one record for each copy, doubtful copy and excerpt"
    )
    dedup.add_argument("--labelled", metavar="FILE", help="write all articles with a field duplicate_of")
    dedup.add_argument(
        "--check", action="store_true", help="only list the copies, and exit with 1 if there are any"
    )
    _engine_option(dedup, "duplicate_of")
    dedup.set_defaults(run=run_dedup)


def _add_threads(commands: Any) -> None:
    threads = commands.add_parser(
        "threads",
        help="group articles into events and story threads",
        description="Group articles into events and story threads. Prints a digest to a terminal, one record "
        "for each thread otherwise; -o FILE and --format select Markdown, an HTML page or a table.",
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
        "--report", metavar="FILE", help="write an HTML page to search and read in a browser"
    )
    threads.add_argument(
        "--format",
        choices=("digest", "md", "html", "jsonl", "csv"),
        help="output format, overriding the extension of FILE (default: by extension; on stdout digest for "
        "a terminal, else jsonl); digest and md omit threads of a single article",
    )
    threads.add_argument(
        "--min-size",
        type=int,
        default=1,
        metavar="N",
        help="omit threads of fewer articles (default: 1)",
    )
    clean_option(threads)
    threads.add_argument("--event-distance", type=float, metavar="D", help=f"default: {EVENT_DISTANCE}")
    threads.add_argument("--event-window", type=float, metavar="DAYS", help=f"default: {EVENT_WINDOW:g}")
    threads.add_argument("--thread-distance", type=float, metavar="D", help=f"default: {THREAD_DISTANCE}")
    _engine_option(threads, "duplicate_of, event and thread")
    threads.set_defaults(run=run_threads)


def _add_links(commands: Any) -> None:
    links = commands.add_parser(
        "links",
        help="link articles that report the same event, with the evidence",
        description="Link articles that report the same event: copies, excerpts and overlapping coverage, "
        "with the terms and passages they share.",
    )
    input_options(links)
    links.add_argument("-o", "--output", default="-", metavar="FILE", help="one record per link (default: -)")
    links.add_argument(
        "--min-similarity",
        type=float,
        default=LINK_SIMILARITY,
        metavar="S",
        help="minimum similarity, corrected for background similarity (default: %(default)s)",
    )
    links.add_argument(
        "--event-window",
        type=float,
        default=EVENT_WINDOW,
        metavar="DAYS",
        help=f"default: {EVENT_WINDOW:g}",
    )
    _containment_option(links)
    clean_option(links)
    links.set_defaults(run=run_links)


def _add_explain(commands: Any) -> None:
    explain = commands.add_parser(
        "explain",
        help="show what two articles share and how they differ",
        description="Show how two articles are related, what they share, and how they differ.",
    )
    input_options(explain)
    explain.add_argument("id_a", metavar="ID_A")
    explain.add_argument("id_b", metavar="ID_B")
    explain.add_argument(
        "--stories", action="store_true", help="group all articles, and say why these two are together or not"
    )
    explain.add_argument("--json", action="store_true", help="print one JSON object")
    explain.set_defaults(run=run_explain)


def _add_furniture(commands: Any) -> None:
    furniture = commands.add_parser(
        "furniture",
        help="show the page furniture that comparisons leave out",
        description="Show what threads and links ignore: lines of each source that belong to its pages and "
        "not to its articles. Prints a list to a terminal, one record for each source otherwise.",
    )
    input_options(furniture)
    furniture.add_argument("-o", "--output", default="-", metavar="FILE", help="- is stdout (default: -)")
    furniture.add_argument(
        "--most", type=int, default=5, metavar="N", help="lines of each source (default: %(default)s)"
    )
    furniture.set_defaults(run=run_furniture)


def _keep_policy(name: str) -> str:
    if name not in KEEP and not name.startswith(SOURCES):
        raise argparse.ArgumentTypeError(f"{name!r} is not one of {', '.join(KEEP)}, {SOURCES}A,B")
    return name


def _containment_option(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--min-containment",
        type=float,
        default=EXCERPT,
        metavar="C",
        help="minimum share of an excerpt that is in the longer article (default: %(default)s)",
    )


def _memory_option(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--memory",
        metavar="SIZE",
        help="memory limit besides the articles, such as 4GB (default: three quarters of the free memory)",
    )


def _engine_option(command: argparse.ArgumentParser, added: str) -> None:
    command.add_argument(
        "--engine",
        choices=("local", "ray"),
        default="local",
        help="ray: run on a cluster, or on all cores of this machine; -o is a folder that receives each "
        f"input file with {added} (default: local)",
    )


@contextlib.contextmanager
def _progress(options: argparse.Namespace) -> Iterator[None]:
    """Show progress bars and a note on compilation on a terminal, or lines in the log of a cluster."""
    if not options.quiet and getattr(options, "engine", "local") == "ray" and not sys.stderr.isatty():
        from storyclust._core.progress import ProgressLog, reporting_to

        with reporting_to(ProgressLog(say)):
            yield
        return
    if options.quiet or not sys.stderr.isatty():
        yield
        return
    from storyclust._core.progress import announce_compilation, on_compilation

    with sc.show_progress(), on_compilation(announce_compilation):
        yield


@contextlib.contextmanager
def _rare_collections() -> Iterator[None]:
    """Run the cyclic garbage collector rarely: it would take a sixth of the time of a short command.

    What a command makes, it mostly keeps: modules, compiled functions, articles. When the process ends, they
    are not searched again, which would take a fifth of that time.
    """
    atexit.unregister(gc.freeze)  # of an earlier command of this process
    atexit.register(gc.freeze)
    before = gc.get_threshold()
    gc.set_threshold(100_000, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)


@contextlib.contextmanager
def _warnings_as_lines() -> Iterator[None]:
    """Print each warning of the library as one line."""

    def show(message: Warning | str, *_: Any, **__: Any) -> None:
        say(str(message))

    with warnings.catch_warnings():
        warnings.simplefilter("always", sc.StoryclustWarning)
        warnings.showwarning = show
        yield
