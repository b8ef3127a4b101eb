"""The part of an index that is also in files beside the store: what rows hold, and the postings.

What is written never changes for a row: its terms, time and keys. Everything else (which rows are current,
weights, events, scales) is in the tables. So a snapshot is valid for the first rows of a store as long as
the entries of these rows have the marks that they had when it was written, whatever happened since.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import numpy as np

from storyclust.store.growable_array import GrowableArray
from storyclust.store.index_tables import Entries
from storyclust.store.postings import LEVELS, Levels, Run

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from storyclust.store.article_index import ArticleIndex
    from storyclust.store.index_files import Contents, IndexFiles

Arrays = dict[str, "NDArray[Any]"]


def write_snapshot(files: IndexFiles, index: ArticleIndex) -> bool:
    """Write all rows of an index; returns whether it was possible."""
    arrays: Arrays = {"times": index.times.values, "key_counts": index.key_counts.values}
    arrays |= _levels_arrays("keys", index.keys)
    growing = set()
    languages, entries = [], {}
    for name, own in index.by_language().items():
        if not len(own):
            continue
        at = f"[{name}]"
        languages.append(name)
        growing.add(f"{at} terms")
        arrays[f"{at} terms"], arrays[f"{at} removed"] = own.terms.values, own.removed.values
        arrays[f"{at} bounds"], arrays[f"{at} heads"] = own.bounds.values, own.heads.values
        arrays |= _levels_arrays(f"{at} levels", own.levels) | _levels_arrays(f"{at} gone", own.gone)
        rows = own.rows.values
        entries[name] = rows, index.numbers.values[rows], index.marks.values[rows]
    header = {"rows": len(index), "languages": languages, "digest": digest(entries)}
    return files.write(header, arrays, growing)


def digest(entries: dict[str, tuple[NDArray[Any], NDArray[Any], NDArray[Any]]]) -> str:
    """Hash of the rows, numbers and marks of each language."""
    found = hashlib.blake2b(digest_size=16)
    for name in sorted(entries):
        rows, numbers, marks = entries[name]
        found.update(f"{len(name.encode())} {len(rows)} {name}".encode())
        for column, dtype in ((rows, "<i8"), (numbers, "<i8"), (marks, "<u8")):
            found.update(np.ascontiguousarray(column, dtype).data)
    return found.hexdigest()


def valid_snapshot(files: IndexFiles, entries: Entries) -> Contents | None:
    """Read the snapshot of the first rows; None if there is none, or if it is of other rows."""
    contents = files.read()
    if contents is None:
        return None
    try:
        first, languages = int(contents.header["rows"]), contents.header["languages"]
        parts = {name: own[: np.searchsorted(own["row"], first)] for name, own in entries.items()}
        columns = {name: (own["row"], own["number"], own["mark"]) for name, own in parts.items() if len(own)}
        is_valid = (
            sorted(languages) == sorted(columns)
            and contents.header["digest"] == digest(columns)
            and len(contents.arrays["times"]) == len(contents.arrays["key_counts"]) == first
            and all(_fits(contents.arrays, f"[{name}]", len(own[0])) for name, own in columns.items())
        )
    except (KeyError, TypeError, ValueError):
        return None
    return contents if is_valid else None


def _fits(arrays: Arrays, at: str, n: int) -> bool:
    """Whether the arrays of a language have the sizes that they should have."""
    bounds, heads, removed = (arrays[f"{at} {name}"] for name in ("bounds", "heads", "removed"))
    sizes = np.diff(bounds)
    return bool(
        len(bounds) == n + 1 and len(heads) == len(removed) == n and bounds[0] == 0
        and bounds[-1] == len(arrays[f"{at} terms"])
        and (sizes >= 0).all() and (heads >= 0).all() and (heads <= sizes).all()
    )  # fmt: skip


def restore_snapshot(index: ArticleIndex, contents: Contents, entries: Entries) -> int:
    """Enter the rows of a valid snapshot in an empty index; returns their number."""
    header, arrays, buffers = contents
    n = int(header["rows"])
    numbers, marks = np.empty(n, np.int64), np.empty(n, np.uint64)
    codes, places = np.empty(n, np.int64), np.empty(n, np.int64)
    for name in header["languages"]:
        code, at = index.code(name), f"[{name}]"
        own = index.by_language()[name]
        count = len(arrays[f"{at} heads"])
        entered = entries[name][:count]
        rows = entered["row"].astype(np.int64)
        numbers[rows], marks[rows] = entered["number"], entered["mark"]
        codes[rows], places[rows] = code, np.arange(count)
        held = {part: arrays[f"{at} {part}"] for part in ("bounds", "heads", "removed")}
        own.restore(rows, held, GrowableArray.over(buffers[f"{at} terms"], len(arrays[f"{at} terms"])))
        own.levels, own.gone = _levels_of(arrays, f"{at} levels"), _levels_of(arrays, f"{at} gone")
    index.put(numbers, arrays["times"], codes, places)
    index.marks.extend(marks)
    index.key_counts.extend(arrays["key_counts"])
    index.keys = _levels_of(arrays, "keys")
    return n


def _levels_arrays(name: str, levels: Levels) -> Arrays:
    levels.settle()  # files of earlier versions, and their readers, have no smallest run
    return {
        f"{name} {number} {part}": array
        for number, run in enumerate(levels.runs[:-1])
        for part, array in run._asdict().items()
    }


def _levels_of(arrays: Arrays, name: str) -> Levels:
    levels = Levels()
    for number in range(LEVELS - 1):
        levels.runs[number] = Run(*(arrays[f"{name} {number} {part}"] for part in Run._fields))
    return levels
