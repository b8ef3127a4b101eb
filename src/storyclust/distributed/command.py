"""The command line's way to a cluster: which options it has, and what they ask for."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import Any

from storyclust.distributed.pipeline import Report, run
from storyclust.distributed.story_stage import StorySettings
from storyclust.errors import InputError

OF_ONE_MACHINE: dict[str, tuple[Any, ...]] = {  # options that a cluster does not have, with what is no demand
    **{"exact": (False,), "clean": (False,), "reference": (None,), "groups": (None,)},
    **{"excerpts": ("report", "ignore"), "labelled": (None,), "report": (None,)},
    **{"format": (None,), "min_size": (1,), "memory": (None,)},
}
STORIES = ("event_distance", "event_window", "thread_distance")


def run_command(options: argparse.Namespace, fields: Mapping[str, str]) -> Report:
    """Run `dedup` or `threads` on a cluster."""
    for name, usual in OF_ONE_MACHINE.items():
        if getattr(options, name, usual[0]) not in usual:
            raise InputError(f"--{name.replace('_', '-')} is for --engine local only.")
    if options.output == "-":
        raise InputError("--engine ray wants a folder for its output: -o FOLDER.")
    settings: dict[str, Any] = {}
    if hasattr(options, "threshold"):
        settings = {"threshold": options.threshold, "keep": options.keep}
    else:
        given = {name: getattr(options, name) for name in STORIES}
        settings["stories"] = StorySettings(**{k: v for k, v in given.items() if v is not None})
    return run(
        options.inputs,
        options.output,
        fields=fields,
        format=options.input_format,
        rejects=options.rejects,
        n_jobs=options.jobs,
        **settings,
    )
