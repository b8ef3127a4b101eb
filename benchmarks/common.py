"""What the benchmarks share: where data lies, how time is taken, how tables and results are written."""

from __future__ import annotations

import json
import os
import platform
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import storyclust as sc

T = TypeVar("T")

RESULTS = Path(__file__).parent / "results"
EXAMPLES = Path(__file__).parent.parent / "examples"


def data_folder() -> Path | None:
    """Folder named by the environment variable STORYCLUST_DATA, or None where it is not set."""
    named = os.environ.get("STORYCLUST_DATA")
    return Path(named) if named else None


def data_set(name: str) -> list[sc.Article]:
    """Articles of one set of that folder."""
    folder = data_folder()
    if folder is None:
        raise SystemExit("Set STORYCLUST_DATA to the folder that holds the data sets.")
    return sc.read_articles(folder / f"{name}.jsonl.gz")


def timed(work: Callable[[], T], repeats: int = 3) -> tuple[T, float]:
    """Run `work` several times; its last result and the median of its seconds."""
    seconds = []
    for _ in range(repeats):
        begin = time.perf_counter()
        result = work()
        seconds.append(time.perf_counter() - begin)
    return result, statistics.median(seconds)


def machine() -> dict[str, Any]:
    """What the figures were measured on."""
    return {"cores": os.cpu_count(), "python": platform.python_version(), "system": platform.system()}


def write_results(name: str, command: str, rows: Sequence[dict[str, Any]], **more: Any) -> Path:
    """Write results with the command that made them."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.json"
    record = {"command": command, "machine": machine(), **more, "rows": list(rows)}
    path.write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return path


def table(rows: Sequence[dict[str, Any]]) -> str:
    """Rows as a Markdown table; numbers to three digits."""
    heads = list(dict.fromkeys(key for row in rows for key in row))
    lines = ["| " + " | ".join(heads) + " |", "|" + " --- |" * len(heads)]
    lines += ["| " + " | ".join(_cell(row.get(head, "")) for head in heads) + " |" for row in rows]
    return "\n".join(lines)


def _cell(value: Any) -> str:
    return f"{value:.3f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)
