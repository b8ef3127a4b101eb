"""Store commands: add, watch, show, search, export, check, consolidate, forget, remove."""

from __future__ import annotations

import argparse
from typing import Any

from storyclust.cli.common import input_options, reading_options, work_options
from storyclust.cli.store import commands, watching
from storyclust.stories.settings import EVENT_DISTANCE, EVENT_WINDOW, THREAD_DISTANCE

Commands = Any  # what `add_subparsers` returns, which has no public name


def add_commands(into: Commands) -> None:
    """Add the parsers of the commands of a store."""
    _add_writing(into)
    _add_reading(into)
    _add_maintenance(into)


def _add_writing(into: Commands) -> None:
    add = _command(
        into,
        "add",
        "add articles to a store, which is created if need be",
        "Add articles to a store: copies are found, and each article joins an event and a thread or begins "
        "one. Articles that are stored already stay as they are, or are revised if their text has changed.",
        commands.run_add,
    )
    input_options(add)
    add.add_argument(
        "-o", "--output", metavar="FILE", help="one record for each article: its status, event and thread"
    )
    _settings(add)

    watch = _command(
        into,
        "watch",
        "add articles to a store as they appear in a folder or come out of a pipe",
        "Follow a folder (new files, and lines appended to JSONL files) or JSONL on stdin, and add articles "
        "until stopped by Ctrl-C or SIGTERM; what has been read by then is added first. The store records "
        "how far each file was read, so that after a restart, or a kill, no article is missing or stored "
        "twice. Hidden files are ignored. A line of JSONL is read once it has ended; another file when its "
        "size and time are the same in two successive scans (best write it elsewhere, and rename it), and "
        "again whenever it has changed.",
        watching.run_watch,
    )
    watch.add_argument("input", metavar="FOLDER", help="folder, with its subfolders; - is JSONL from stdin")
    reading_options(watch)
    watch.add_argument(
        "--every", type=_seconds, default=1.0, metavar="SECONDS", help="between two scans (default: 1)"
    )
    _settings(watch)


def _add_reading(into: Commands) -> None:
    show = _command(
        into,
        "show",
        "show active threads",
        "Show active threads, largest first: a digest on a terminal, one record for each thread otherwise.",
        commands.run_show,
    )
    show.add_argument(
        "--since",
        metavar="WHEN",
        help="threads with an article published since: a date, or how long ago, such as 24h or 7d "
        "(default: one day before the latest article)",
    )
    show.add_argument("--all", action="store_true", help="threads of any age")
    show.add_argument("--source", metavar="S", help="threads with an article of this source")
    show.add_argument("--term", metavar="T", help="threads with an article that contains all these words")
    show.add_argument(
        "--min-size",
        type=int,
        default=1,
        metavar="N",
        help="leave out threads with fewer articles (default: 1)",
    )
    show.add_argument(
        "--limit", type=int, metavar="N", help="largest number of threads (default: 20 in a digest)"
    )
    show.add_argument("--thread", type=int, metavar="ID", help="one thread, with all its articles")
    show.add_argument("--history", action="store_true", help="merges and splits of threads instead")
    _format(show)

    search = _command(
        into,
        "search",
        "find articles by their words",
        "Find articles that contain all words, ranked by BM25; of copies, one. A phrase in double quotes "
        "must occur as it is, minist* stands for all words that begin so, and AND, OR, NOT and parentheses "
        "combine: search news.db '\"prime minister\" (visit OR talks) NOT trade'.",
        commands.run_search,
    )
    search.add_argument("words", nargs="+", metavar="WORD")
    search.add_argument(
        "--limit", type=int, default=20, metavar="N", help="largest number of hits (default: 20)"
    )
    _format(search)

    export = _command(
        into,
        "export",
        "write all articles with duplicate_of, event and thread",
        "Write all articles as they were added, with the fields duplicate_of, event and thread.",
        commands.run_export,
    )
    export.add_argument(
        "-o",
        "--output",
        default="-",
        metavar="FILE",
        help="its name determines the format; - is stdout (default)",
    )


def _add_maintenance(into: Commands) -> None:
    check = _command(
        into,
        "check",
        "check the integrity of a store",
        "Check the integrity of a store; exit code 1 if there is a problem.",
        commands.run_check,
    )
    check.add_argument("--repair", action="store_true", help="repair what can be derived from the articles")

    consolidate = _command(
        into,
        "consolidate",
        "cluster stored articles again, all at once",
        "Cluster stored articles again, as if they had been added all at once, and report merges and splits. "
        "A new group takes the number of the former group with which it shares most articles.",
        commands.run_consolidate,
    )
    span = consolidate.add_mutually_exclusive_group()
    span.add_argument(
        "--days", type=float, default=30.0, metavar="N", help="threads of the last days (default: 30)"
    )
    span.add_argument("--all", action="store_const", const=None, dest="days", help="everything")
    _format(consolidate)

    forget = _command(
        into,
        "forget",
        "remove old articles",
        "Remove articles published before a time, and undated ones added before it.",
        commands.run_forget,
    )
    forget.add_argument(
        "--before", required=True, metavar="WHEN", help="a date, or how long ago, such as 90d"
    )

    remove = _command(
        into,
        "remove",
        "remove articles by their ids",
        "Remove articles by id: all of them or, if one is unknown, none.",
        commands.run_remove,
    )
    remove.add_argument("ids", nargs="+", metavar="ID")


def _command(
    into: Commands, name: str, brief: str, description: str, run: commands.Run
) -> argparse.ArgumentParser:
    command: argparse.ArgumentParser = into.add_parser(name, help=brief, description=description)
    command.add_argument("store", metavar="STORE", help="file of the store, such as news.db")
    if name not in ("add", "watch"):  # their input options include these
        work_options(command)
    command.set_defaults(run=run)
    return command


def _settings(command: argparse.ArgumentParser) -> None:
    group = command.add_argument_group("settings of a new store")
    group.add_argument("--event-distance", type=float, metavar="D", help=f"default: {EVENT_DISTANCE}")
    group.add_argument("--event-window", type=float, metavar="DAYS", help=f"default: {EVENT_WINDOW:g}")
    group.add_argument("--thread-distance", type=float, metavar="D", help=f"default: {THREAD_DISTANCE}")
    group.add_argument(
        "--copy-threshold", type=float, metavar="J", help="Jaccard similarity of copies (default: 0.8)"
    )
    group.add_argument(
        "--no-clean",
        dest="clean",
        action="store_const",
        const=False,
        help="compare whole texts, page furniture included",
    )


def _format(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--format", choices=("digest", "jsonl"), help="default: digest on a terminal, else jsonl"
    )


def _seconds(text: str) -> float:
    value = float(text)
    if not 0.01 <= value <= 86_400:
        raise argparse.ArgumentTypeError(f"{text} is not between 0.01 and 86400")
    return value
