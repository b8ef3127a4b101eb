"""Options, messages and the Ray engine, shared by the commands."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from storyclust.errors import InputError

if TYPE_CHECKING:
    from storyclust.io.reading import ReadReport

INPUT_HELP = "file, folder or pattern: JSONL, JSON, CSV, TSV, Parquet or .txt, also compressed; - is stdin"
LISTED_REJECTS = 10
MOST_REJECTED = 0.1  # share of the records that may be set aside unless --rejects saves them


class UsageError(InputError):
    """An option cannot be right, whatever the inputs hold: exit code 2."""


def input_options(command: argparse.ArgumentParser) -> None:
    """Add the inputs and the options for reading them."""
    command.add_argument("inputs", nargs="+", metavar="INPUT", help=INPUT_HELP)
    reading_options(command)


def reading_options(command: argparse.ArgumentParser) -> None:
    """Add the options for reading inputs."""
    command.add_argument(
        "--field",
        action="append",
        default=[],
        metavar="NAME=COLUMN",
        help="field that holds text, title, id, published, source, lang or url, if not under a usual name",
    )
    command.add_argument("--input-format", metavar="FORMAT", help="jsonl, json, csv, tsv, parquet or txt")
    command.add_argument(
        "--encoding", metavar="NAME", help="such as cp1252 (default: UTF-8, or what is detected)"
    )
    command.add_argument("--rejects", metavar="FILE", help="write the records that could not be used")
    work_options(command)


def work_options(command: argparse.ArgumentParser) -> None:
    """Add the options for threads and verbosity."""
    command.add_argument(
        "-j", "--jobs", type=int, default=-1, metavar="N", help="threads (default: all cores)"
    )
    command.add_argument("-q", "--quiet", action="store_true", help="no progress bars and no notes")


def clean_option(command: argparse.ArgumentParser) -> None:
    """Add the option to compare whole texts."""
    command.add_argument(
        "--no-clean",
        dest="clean",
        action="store_false",
        help="compare whole texts, page furniture included; see storyclust furniture",
    )


def fields_of(options: argparse.Namespace) -> dict[str, str] | None:
    """Fields given by `--field`, or None."""
    return dict(_field(entry) for entry in options.field) or None


def _field(entry: str) -> tuple[str, str]:
    name, equals, column = entry.partition("=")
    if not equals or not column:
        raise UsageError(f"--field requires NAME=COLUMN, as in text=maintext, got {entry!r}.")
    return name, column


def report_reading(report: ReadReport, options: argparse.Namespace, *, tell_fields: bool = True) -> None:
    """Report rejected records by file and line, and what was read from which fields.

    The notes on fields are left out with `--quiet`. If too many records are rejected, the command is to fail
    once its files are written.
    """
    rejects: str | None = options.rejects
    for reject in report.rejects[:LISTED_REJECTS]:
        say(f"set aside {reject}")
    if report.rejects:
        where = f"see {rejects}" if rejects else "--rejects FILE saves them"
        say(f"{len(report.rejects):,} of {report.read:,} records were set aside; {where}.")
    for message in report.messages()[bool(report.rejects) :]:
        say(message)
    for message in report.fields.messages() if tell_fields and not options.quiet else []:
        say(message)
    options.reading = report
    fail_if_many_rejects(options, len(report.rejects), report.read)


def fail_if_many_rejects(options: argparse.Namespace, rejects: int, read: int) -> None:
    """Make the command fail in the end if over a tenth of the records was rejected, unless they are saved."""
    if rejects > MOST_REJECTED * read and not options.rejects:
        options.failure = (
            f"exit code 1, for {rejects:,} of {read:,} records were set aside, over a tenth; "
            "with --rejects FILE they are saved and the exit code is 0. All outputs are complete."
        )


def note_result(options: argparse.Namespace, result: str) -> None:
    """Write one line on what was read and found, also where stderr is no terminal; not with `--quiet`."""
    if options.quiet:
        return
    report: ReadReport = options.reading
    read = f"{report.read:,} records read, {len(report.rejects):,} set aside, {report.undated:,} undated"
    say(f"{read}; {result}.")


def say(message: str) -> None:
    """Write a sanitized line to stderr."""
    from storyclust._core.terminal import sanitize

    sys.stderr.write(f"storyclust: {sanitize(message)}\n")


def note(options: argparse.Namespace, message: str) -> None:
    """Write a note to stderr for an interactive user."""
    from storyclust._core.terminal import sanitize

    if shows_notes(options):
        sys.stderr.write(f"{sanitize(message)}\n")


def shows_notes(options: argparse.Namespace) -> bool:
    """Whether notes are shown: stderr is a terminal and `--quiet` is not set."""
    return sys.stderr.isatty() and not options.quiet


def run_on_cluster(options: argparse.Namespace) -> None:
    """Run a command with `--engine ray`, from shards to labelled shards."""
    from storyclust.distributed.command import run_command

    report = run_command(options, fields_of(options) or {})
    for message in [*report.messages, *([] if options.quiet else report.notes)]:
        say(message)
    fail_if_many_rejects(options, report.rejects, report.articles + report.rejects)
    if not options.quiet:  # for the log as well as for a terminal
        say(str(report))
