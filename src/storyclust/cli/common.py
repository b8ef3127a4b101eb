"""What the commands share: options for inputs, and what is said to whoever runs them."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from storyclust.errors import InputError

if TYPE_CHECKING:
    from storyclust.io.reading import ReadReport

INPUT_HELP = "file, folder or pattern: JSONL, JSON, CSV, TSV, Parquet or .txt, also compressed; - is stdin"
LISTED_REJECTS = 10


def input_options(command: argparse.ArgumentParser) -> None:
    """Add the inputs, and how they are read."""
    command.add_argument("inputs", nargs="+", metavar="INPUT", help=INPUT_HELP)
    reading_options(command)


def reading_options(command: argparse.ArgumentParser) -> None:
    """Add how inputs are read."""
    command.add_argument(
        "--field",
        action="append",
        default=[],
        metavar="NAME=COLUMN",
        help="where to find text, title, id, published, source, lang or url, if not under a usual name",
    )
    command.add_argument("--input-format", metavar="FORMAT", help="jsonl, json, csv, tsv, parquet or txt")
    command.add_argument("--rejects", metavar="FILE", help="write records that could not be used")
    work_options(command)


def work_options(command: argparse.ArgumentParser) -> None:
    """Add how much of the machine is used, and how much is said."""
    command.add_argument(
        "-j", "--jobs", type=int, default=-1, metavar="N", help="threads (default: all cores)"
    )
    command.add_argument("-q", "--quiet", action="store_true", help="no progress bars and no notes")


def fields_of(options: argparse.Namespace) -> dict[str, str] | None:
    """Names of fields that were given."""
    return dict(_field(entry) for entry in options.field) or None


def _field(entry: str) -> tuple[str, str]:
    name, equals, column = entry.partition("=")
    if not equals or not column:
        raise InputError(f"--field wants NAME=COLUMN, as in text=maintext, got {entry!r}.")
    return name, column


def tell_rejects(report: ReadReport, rejects: str | None) -> None:
    """Name what was set aside by file and line; this is said even to a pipe."""
    for reject in report.rejects[:LISTED_REJECTS]:
        say(f"set aside {reject}")
    if report.rejects:
        where = f"see {rejects}" if rejects else "--rejects FILE keeps them"
        say(f"{len(report.rejects):,} of {report.read:,} records were set aside; {where}.")
    for message in report.messages()[bool(report.rejects) :]:
        say(message)


def say(message: str) -> None:
    """Write a line to stderr, with nothing in it that a terminal would obey."""
    from storyclust._core.terminal import clean

    sys.stderr.write(f"storyclust: {clean(message)}\n")


def note(options: argparse.Namespace, message: str) -> None:
    """Say something that matters to a person only: on a terminal, unless told to be quiet."""
    from storyclust._core.terminal import clean

    if hears(options):
        sys.stderr.write(f"{clean(message)}\n")


def hears(options: argparse.Namespace) -> bool:
    """Tell whether a person reads notes."""
    return sys.stderr.isatty() and not options.quiet
