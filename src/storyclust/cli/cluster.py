"""`--engine ray`: a command on shards, by way of a cluster."""

from __future__ import annotations

import argparse

from storyclust.cli.common import fields_of, say


def run_on_cluster(options: argparse.Namespace) -> None:
    """Run a command on Ray: from shards to labelled shards."""
    from storyclust.distributed.command import run_command

    report = run_command(options, fields_of(options) or {})
    for message in report.messages:
        say(message)
    if not options.quiet:  # a log keeps it, too
        say(str(report))
