"""Runs the commands `dedup` and `threads` on a cluster."""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Mapping
from typing import Any

from storyclust.distributed.files import address_of
from storyclust.distributed.pipeline import Report, check_output, run
from storyclust.distributed.shards import find_shards
from storyclust.distributed.story_stage import StorySettings
from storyclust.errors import InputError

LOCAL_ONLY: dict[str, tuple[Any, ...]] = {  # options a cluster does not support: values that are accepted
    **{"exact": (False,), "reference": (None,), "groups": (None,)},
    **{"excerpts": ("report", "ignore"), "labelled": (None,), "report": (None,)},
    **{"format": (None,), "min_size": (1,), "memory": (None,)},
}
COPIES_LOCAL_ONLY: dict[str, tuple[Any, ...]] = {"clean": (False,)}  # of `dedup`


def check_command(options: argparse.Namespace) -> None:
    """Raise if an option is for one machine only, or the output is no folder."""
    copies_only = hasattr(options, "threshold")
    for name, allowed in (LOCAL_ONLY | (COPIES_LOCAL_ONLY if copies_only else {})).items():
        if getattr(options, name, allowed[0]) not in allowed:
            raise InputError(f"--{name.replace('_', '-')} is for --engine local only.")
    if options.output == "-":
        raise InputError("--engine ray wants a folder for its output: -o FOLDER.")


def check_places(options: argparse.Namespace) -> None:
    """Raise if the output would replace a shard on this machine."""
    local = [path for path in options.inputs if "://" not in path]
    shards = find_shards(local, options.input_format) if local else []
    check_output(shards, address_of(options.output), options.rejects and address_of(options.rejects))


def run_command(options: argparse.Namespace, fields: Mapping[str, str]) -> Report:
    """Run `dedup` or `threads` on a cluster."""
    check_command(options)
    copies_only = hasattr(options, "threshold")
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
        encoding=options.encoding,
        rejects=options.rejects,
        n_jobs=options.jobs,
        **settings,
    )
