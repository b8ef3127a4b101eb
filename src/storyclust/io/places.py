"""Whether two paths are one file, and whether an output would replace an input or another output."""

from __future__ import annotations

import fnmatch
import os
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from storyclust.errors import InputError
from storyclust.io.sources import format_of, sources
from storyclust.io.writing import is_special

_STDOUT = {"-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"}
_STORE_FILES = ("", "-wal", "-shm", "-journal", ".lock")


def same_place(one: str | os.PathLike[str], other: str | os.PathLike[str]) -> bool:
    """Whether two paths are the same file, or would be if they existed.

    Links are followed, and names that differ in case are equal where the file system ignores case.

    Examples
    --------
    >>> from storyclust.io.places import same_place
    >>> same_place("week.jsonl", "./news/../week.jsonl"), same_place("week.jsonl", "day.jsonl")
    (True, False)
    """
    try:
        return Path(one).samefile(other)
    except OSError:
        pass
    first, second = (Path(os.path.realpath(path)) for path in (one, other))
    if first == second:
        return True
    if first.name.casefold() != second.name.casefold() or not _same_folder(first.parent, second.parent):
        return False
    return _ignores_case(first.parent)


def _same_folder(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except OSError:
        return one == other


def _ignores_case(folder: Path) -> bool:
    other = folder.with_name(folder.name.swapcase())
    try:
        return other.name != folder.name and other.samefile(folder)
    except OSError:
        return False


class PlaceError(InputError):
    """An output would replace an input, a store or another output."""


def check_outputs(
    outputs: Mapping[str, str | os.PathLike[str] | None],
    paths: Iterable[Any] = (),
    kind: str | None = None,
    store: str | None = None,
) -> None:
    """Raise if an output would replace an input, a store or another output, or would be read as an input.

    Parameters
    ----------
    outputs : mapping of str to path or None
        Outputs by the options that name them. Pipes and devices are never replaced.
    paths : iterable of str or path-like
        Inputs: files, folders and patterns.
    kind : str or None
        Format of the inputs.
    store : str or None
        The store that is written.

    Raises
    ------
    PlaceError
        Before anything is written. InputError if an input does not exist.

    Examples
    --------
    >>> from storyclust.io.places import check_outputs
    >>> check_outputs({"--output": "week.csv", "--rejects": "./week.csv"})
    Traceback (most recent call last):
    storyclust.io.places.PlaceError: --output and --rejects are the same file, week.csv.
    """
    given = {option: os.fspath(path) for option, path in outputs.items() if path is not None}
    _check_distinct(given)
    inputs = [os.fspath(path) for path in paths if isinstance(path, (str, os.PathLike))]
    files = {path: [source.path for source in sources([path], kind)] for path in inputs if is_local(path)}
    for option, output in given.items():
        if not is_local(output) and output not in _STDOUT:
            continue
        for path, found in files.items():
            _check_input(option, output, path, found, kind)
        if (
            store
            and output not in _STDOUT
            and any(same_place(output, f"{store}{end}") for end in _STORE_FILES)
        ):
            raise PlaceError(f"{option} {output} would replace the store {store}.")
    for path, found in files.items() if store and Path(store).exists() else ():
        if any(same_place(file, str(store)) for file in found):
            raise PlaceError(f"the store {store} is also read as an input, {path}.")


def is_local(path: str) -> bool:
    """Whether a path is a file of this machine, and no pipe or device."""
    return path not in _STDOUT and "://" not in path and not is_special(path)


def _check_input(option: str, output: str, path: str, files: Sequence[str], kind: str | None) -> None:
    """Compare one output with the files of one input."""
    if output in _STDOUT:
        if read := next(filter(_is_stdout, files), None):
            raise PlaceError(f"{option} would replace an input: standard output is {read}.")
    elif not Path(output).exists():
        if _would_be_read(output, path, kind, files):
            raise PlaceError(f"{option} {output} would be read as an input, for it lies in {path}.")
    elif read := next((file for file in files if same_place(file, output)), None):
        shown = output if read == output else f"{output} is {read}"
        raise PlaceError(f"{option} would replace an input, {shown}.")


def _check_distinct(given: Mapping[str, str]) -> None:
    options: Sequence[tuple[str, str]] = [*given.items()]
    for at, (option, path) in enumerate(options):
        for earlier, other in options[:at]:
            if path in _STDOUT and other in _STDOUT:
                raise PlaceError(f"{earlier} and {option} cannot both be standard output.")
            if is_local(path) and is_local(other) and same_place(path, other):
                raise PlaceError(f"{earlier} and {option} are the same file, {other}.")


def _is_stdout(path: str) -> bool:
    """Whether standard output is redirected to a file."""
    try:
        return not is_special(path) and os.path.samestat(Path(path).stat(), os.fstat(sys.stdout.fileno()))
    except (OSError, ValueError, AttributeError):  # stdout may be closed, or replaced
        return False


def _would_be_read(output: str, path: str, kind: str | None, files: Sequence[str]) -> bool:
    """Whether an output that need not exist yet is among the files of a folder or pattern."""
    target = Path(os.path.realpath(output))
    wanted = format_of(target.name)
    folder = Path(os.path.realpath(path))
    if folder.is_dir():
        if folder not in target.parents or wanted is None:
            return False
        if any(part.startswith(".") for part in target.relative_to(folder).parts):
            return False
        only = kind or ("txt" if any(format_of(file) == "txt" for file in files) else None)
        return (only in (None, wanted) and wanted != "txt") or only == wanted
    if Path(path).exists() or not re.search(r"[*?\[]", path):
        return False
    pattern = os.path.abspath(path)  # noqa: PTH100 - symbolic links are not resolved
    for name in {os.path.abspath(output), str(target)}:  # noqa: PTH100
        parts, wildcards = Path(name).parts, Path(pattern).parts
        if "**" in wildcards:
            matched = fnmatch.fnmatch(name, pattern.replace(f"**{os.sep}", "*"))
        else:
            matched = len(parts) == len(wildcards) and all(map(fnmatch.fnmatch, parts, wildcards))
        if matched:
            return True
    return False
