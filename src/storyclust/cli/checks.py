"""Checks of all options before any work: values, formats, and outputs that would replace inputs."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from storyclust.cli.common import UsageError, fields_of
from storyclust.errors import InputError

# Options that name files, in the order in which messages name them.
OUTPUTS = ("output", "labelled", "groups", "report", "rejects", "plot")
RECORDS = ("output", "labelled", "groups")  # whose format follows from the name
GROUPING = ("event_distance", "event_window", "thread_distance", "copy_threshold")


def check_options(options: argparse.Namespace) -> None:
    """Raise a UsageError for the first option that cannot be right."""
    given = {name: value for name, value in vars(options).items() if value is not None}
    for name, check in _checks().items():
        if name in given:
            with _naming(name):
                check(given[name])
    with _naming(""):
        _check_grouping(given)
        if given.get("field"):
            from storyclust.articles.maker import ArticleMaker

            ArticleMaker(fields_of(options))
        on_cluster = given.get("engine") == "ray"
        if on_cluster:
            from storyclust.distributed.command import check_command

            check_command(options)
        else:
            _check_formats(given)
        if given.get("check"):
            _check_only(given)
    _check_places(options, on_cluster=on_cluster)


def _checks() -> dict[str, Callable[[Any], object]]:
    from storyclust._core.memory import check_memory
    from storyclust._core.validation import check_float, check_int, check_jobs
    from storyclust.io.encodings import known_encoding
    from storyclust.io.sources import known_format

    def fraction(value: object) -> float:
        return check_float("it", value, low=0, high=1, open_low=True)

    def when(value: object) -> object:
        from storyclust.store.encoding import moment

        return moment("it", value)

    return {
        **dict.fromkeys(("threshold", "min_similarity"), fraction),
        **dict.fromkeys(("min_size", "limit"), lambda value: check_int("it", value, low=0)),
        **dict.fromkeys(("since", "before"), when),
        "most": lambda value: check_int("it", value, low=1),
        "days": lambda value: check_float("it", value, low=0, high=float("inf")),
        "memory": check_memory,
        "jobs": check_jobs,
        "input_format": known_format,
        "encoding": known_encoding,
    }


@contextmanager
def _naming(name: str) -> Iterator[None]:
    """Make errors of parameters errors of usage, which name the option."""
    try:
        yield
    except InputError as error:
        message = re.sub(r"^\w+ must", "must", str(error)) if name else str(error)
        option = f"--{name.replace('_', '-')} " if name else ""
        raise UsageError(option + message) from error


def _check_grouping(given: dict[str, Any]) -> None:
    from storyclust.stories.settings import EVENT_DISTANCE, check_grouping, check_window

    wanted = {name: given[name] for name in GROUPING if name in given}
    if "event_distance" in wanted or "thread_distance" in wanted or "copy_threshold" in wanted:
        # A store has distances of its own, with which these are compared when it is opened.
        if "store" in given and "event_distance" not in wanted:
            wanted["event_distance"] = min(EVENT_DISTANCE, wanted.get("thread_distance", 1.0))
        if "store" in given and "thread_distance" not in wanted:
            wanted["thread_distance"] = 1.0
        check_grouping(**wanted)
    elif wanted:
        check_window(wanted["event_window"])


def _check_formats(given: dict[str, Any]) -> None:
    """Check that the names of outputs have endings of known formats."""
    from storyclust.io.writing import record_format

    if given.get("report") == "-":
        raise InputError("--report requires a file path: stdout is used for the threads.")
    for name in RECORDS:
        if name == "output" and given["run"].__name__ == "run_threads":
            from storyclust.render.exports import chosen_format

            chosen_format(given.get("format"), given["output"])
        elif name in given:
            record_format(given[name])


def _check_only(given: dict[str, Any]) -> None:
    """Check that nothing is to be written by a command that only checks."""
    for name in (*OUTPUTS, "engine"):
        if given.get(name, "-") not in ("-", "local"):
            raise InputError(f"--check only lists the copies: it cannot be used with --{name}.")


def _check_places(options: argparse.Namespace, *, on_cluster: bool) -> None:
    """Refuse outputs that are inputs, a store or other outputs."""
    from storyclust.io.places import PlaceError, check_outputs

    outputs = {f"--{name}": getattr(options, name, None) for name in OUTPUTS}
    paths = [*getattr(options, "inputs", ()), *(getattr(options, "reference", None) or ())]
    try:
        check_outputs(outputs, paths, getattr(options, "input_format", None), getattr(options, "store", None))
        if on_cluster:
            from storyclust.distributed.command import check_places

            check_places(options)
    except PlaceError as error:
        raise UsageError(str(error)) from error
