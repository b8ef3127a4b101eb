"""Expand paths, folders, patterns and pipes to files, and infer formats from file names."""

from __future__ import annotations

import difflib
import glob
import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

from storyclust.errors import InputError, InputTypeError

_FORMATS = {
    **{".jsonl": "jsonl", ".ndjson": "jsonl", ".json": "json", ".csv": "csv", ".tsv": "tsv"},
    **{".parquet": "parquet", ".pq": "parquet", ".txt": "txt"},
}
_PACKED = re.compile(r"\.(gz|xz|bz2|zst)$", re.IGNORECASE)


class Source(NamedTuple):
    """One input file or pipe."""

    path: str
    kind: str | None
    name: str  # used as the id of the article in a .txt file
    encoding: str | None = None  # None detects it


def known_format(kind: str | None) -> str | None:
    """Validate a format given by the user, and return its canonical name."""
    kind = None if kind is None else _FORMATS.get(f".{kind.lower()}", kind)
    if kind is not None and kind not in _FORMATS.values():
        known = ", ".join(dict.fromkeys(_FORMATS.values()))
        raise InputError(f"format must be one of {known}, got {kind!r}.")
    return kind


def format_of(name: str) -> str | None:
    """Infer the format from the extension of a file name."""
    return _FORMATS.get(Path(unpacked(name)).suffix.lower())


def unpacked(name: str) -> str:
    """Return a file name without its compression extension."""
    return _PACKED.sub("", name)


def sources(paths: Iterable[Any], kind: str | None, encoding: str | None = None) -> list[Source]:
    """List the inputs that paths, folders and patterns refer to."""
    found = [source._replace(encoding=encoding) for path in paths for source in _expanded(path, kind)]
    if not found:
        raise InputError("read_articles needs a path.")
    return found


def _expanded(path: Any, kind: str | None) -> list[Source]:
    if not isinstance(path, (str, os.PathLike)):
        raise InputTypeError(f"a path must be str or path-like, got {type(path).__name__}.")
    name = os.fspath(path)
    if name == "-":
        return [Source(name, kind, "stdin")]
    try:
        if Path(name).is_dir():
            return _in_folder(Path(name), kind)
        if Path(name).exists() or Path(name).is_symlink():
            return [Source(name, kind or format_of(name), bare_name(Path(name).name))]
        if not re.search(r"[*?\[]", name):
            raise _file_not_found(Path(name))
    except OSError as error:
        raise InputError(f"cannot open {name}: {error.strerror}.") from error
    matches = sorted(glob.glob(name, recursive=True))  # noqa: PTH207  (pathlib refuses absolute patterns)
    if not matches:
        raise InputError(f"no file matches {name!r}.")
    return [source for match in matches for source in _expanded(match, kind)]


def _in_folder(folder: Path, kind: str | None) -> list[Source]:
    inside = sorted(path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    visible = [path for path in inside if not any(part.startswith(".") for part in path.parts)]
    kinds = {path: format_of(path.name) for path in visible}
    wanted = kind or ("txt" if "txt" in kinds.values() else None)
    chosen = [path for path in visible if kinds[path] and wanted in (None, kinds[path])]
    if not chosen:
        what = f".{wanted} file" if wanted else "file of a known format"
        raise InputError(f"the folder {folder} holds no {what}.")
    return [Source(str(folder / path), kinds[path], bare_name(path.as_posix())) for path in chosen]


def bare_name(name: str) -> str:
    """File name without the extensions of text and compression, which is the id of its article."""
    return re.sub(r"\.txt$", "", unpacked(name), flags=re.IGNORECASE)


def _file_not_found(path: Path) -> InputError:
    beside = [other.name for other in path.parent.iterdir()] if path.parent.is_dir() else []
    close = difflib.get_close_matches(path.name, beside, n=1)
    hint = f"; did you mean {path.parent / close[0]}?" if close else "."
    return InputError(f"there is no file {path}{hint}")
