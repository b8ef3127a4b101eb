"""Commands of a store: add, show, search, export, check, consolidate, forget, remove, watch."""

from __future__ import annotations

import argparse
from typing import Any

from storyclust.cli.common import input_options, reading_options, work_options
from storyclust.cli.store import commands

Commands = Any  # what `add_subparsers` returns, which has no public name


def add_commands(into: Commands) -> None:
    """Describe the commands of a store and their options."""
    _growing(into)
    _asking(into)
    _keeping(into)


def _growing(into: Commands) -> None:
    add = _command(
        into,
        "add",
        "add articles to a store, which is made if need be",
        "Add articles to a store: copies are told, and each article joins an event and a thread or begins "
        "one. Articles that are there already stay as they are, or are revised if their text has changed.",
        commands.run_add,
    )
    input_options(add)
    add.add_argument("-o", "--output", metavar="FILE", help="one record an article of what became of it")
    _settings(add)

    watch = _command(
        into,
        "watch",
        "add articles to a store as they appear in a folder or come out of a pipe",
        "Follow a folder (new files, and lines appended to JSONL files) or JSONL on stdin, and add what "
        "comes until stopped by Ctrl-C or SIGTERM; what is at hand then is added first. The store remembers "
        "how far each file was read, so that after a restart, or a kill, nothing is missing and nothing is "
        "there twice. Hidden files are passed over. A line of JSONL is read once it has ended; another file "
        "when its size and time have stayed the same between two looks (best write it beside, and rename "
        "it), and again whenever it has changed.",
        commands.run_watch,
    )
    watch.add_argument("input", metavar="FOLDER", help="folder, with those in it; - is JSONL from stdin")
    reading_options(watch)
    watch.add_argument(
        "--every", type=_seconds, default=1.0, metavar="SECONDS", help="between two looks (default: 1)"
    )
    _settings(watch)


def _asking(into: Commands) -> None:
    show = _command(
        into,
        "show",
        "show what moved",
        "Show the threads that moved, biggest first: a digest on a terminal, one record a thread otherwise.",
        commands.run_show,
    )
    show.add_argument(
        "--since",
        metavar="WHEN",
        help="threads with an article published since: a date, or so long ago, such as 24h or 7d "
        "(default: a day before the latest article, whenever that was)",
    )
    show.add_argument("--all", action="store_true", help="threads of any age")
    show.add_argument("--source", metavar="S", help="threads with an article of this source")
    show.add_argument("--term", metavar="T", help="threads with an article in which all these words stand")
    show.add_argument(
        "--min-size",
        type=int,
        default=1,
        metavar="N",
        help="leave out threads of fewer articles (default: 1)",
    )
    show.add_argument("--limit", type=int, metavar="N", help="so many at most (default: 20 in a digest)")
    show.add_argument("--thread", type=int, metavar="ID", help="one thread, with all its articles")
    show.add_argument("--history", action="store_true", help="merges and splits of threads instead")
    _format(show)

    search = _command(
        into,
        "search",
        "find articles by their words",
        "Find articles in which all words stand, most telling first; of copies, one. A phrase in double "
        "quotes must stand as it is: search news.db '\"prime minister\" visit'.",
        commands.run_search,
    )
    search.add_argument("words", nargs="+", metavar="WORD")
    search.add_argument("--limit", type=int, default=20, metavar="N", help="so many at most (default: 20)")
    _format(search)

    export = _command(
        into,
        "export",
        "write all articles with duplicate_of, event and thread",
        "Write all articles as they came in, with fields duplicate_of, event and thread.",
        commands.run_export,
    )
    export.add_argument(
        "-o", "--output", default="-", metavar="FILE", help="its name tells the format; - is stdout (default)"
    )


def _keeping(into: Commands) -> None:
    check = _command(
        into,
        "check",
        "look for whatever is wrong with a store",
        "Look for whatever is wrong with a store; exit code 1 if something is.",
        commands.run_check,
    )
    check.add_argument("--repair", action="store_true", help="put right what can be, from the articles")

    consolidate = _command(
        into,
        "consolidate",
        "group anew what arrived in turn",
        "Group articles that came in turn all at once, as if they had come together, and say what was merged "
        "and split. Numbers stay with the groups that share most with those of before.",
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
        "Remove what was published before a time, and undated articles that came in before it.",
        commands.run_forget,
    )
    forget.add_argument("--before", required=True, metavar="WHEN", help="a date, or so long ago, such as 90d")

    remove = _command(
        into,
        "remove",
        "remove articles by their ids",
        "Remove articles: all that are named or, if one is not there, none.",
        commands.run_remove,
    )
    remove.add_argument("ids", nargs="+", metavar="ID")


def _command(
    into: Commands, name: str, brief: str, description: str, run: commands.Run
) -> argparse.ArgumentParser:
    command: argparse.ArgumentParser = into.add_parser(name, help=brief, description=description)
    command.add_argument("store", metavar="STORE", help="file of the store, such as news.db")
    if name not in ("add", "watch"):  # whose options for reading have them
        work_options(command)
    command.set_defaults(run=run)
    return command


def _settings(command: argparse.ArgumentParser) -> None:
    group = command.add_argument_group("settings of a new store, which it keeps")
    group.add_argument("--event-distance", type=float, metavar="D", help="default: 0.89")
    group.add_argument("--event-window", type=float, metavar="DAYS", help="default: 7")
    group.add_argument("--thread-distance", type=float, metavar="D", help="default: 0.96")
    group.add_argument(
        "--copy-threshold", type=float, metavar="J", help="Jaccard similarity of copies (default: 0.8)"
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
