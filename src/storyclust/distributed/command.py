"""Runs the commands `dedup` and `threads` on a cluster."""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Mapping
from typing import Any

from storyclust.distributed.pipeline import Report, run
from storyclust.distributed.story_stage import StorySettings
from storyclust.errors import InputError

LOCAL_ONLY: dict[str, tuple[Any, ...]] = {  # options a cluster does not support: values that are accepted
    **{"exact": (False,), "reference": (None,), "groups": (None,)},
    **{"excerpts": ("report", "ignore"), "labelled": (None,), "report": (None,)},
    **{"format": (None,), "min_size": (1,), "memory": (None,)},
}
COPIES_LOCAL_ONLY: dict[str, tuple[Any, ...]] = {"clean": (False,)}  # of `dedup`


def run_command(options: argparse.Namespace, fields: Mapping[str, str]) -> Report:
    """Run `dedup` or `threads` on a cluster."""
    copies_only = hasattr(options, "threshold")
    for name, allowed in (LOCAL_ONLY | (COPIES_LOCAL_ONLY if copies_only else {})).items():
        if getattr(options, name, allowed[0]) not in allowed:
            raise InputError(f"--{name.replace('_', '-')} is for --engine local only.")
    if options.output == "-":
        raise InputError("--engine ray wants a folder for its output: -o FOLDER.")
    settings: dict[str, Any] = {}
    if copies_only:
        settings = {"threshold": options.threshold, "keep": options.keep, "doubtful": options.doubtful}
    else:
        given = {field.name: getattr(options, field.name) for field in dataclasses.fields(StorySettings)}
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
