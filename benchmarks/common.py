"""What the benchmarks share: where data lies, how time is taken, how tables and results are written."""

from __future__ import annotations

import gc
import json
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import storyclust as sc

T = TypeVar("T")

RESULTS = Path(__file__).parent / "results"
ROOT = Path(__file__).parent.parent
EXAMPLES = ROOT / "examples"


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


def peak_megabytes() -> float:
    """Most memory this process has held since `forget_peak`.

    The kernel lets a child inherit the peak of its parent in what getrusage tells; the process's own
    page of facts begins anew with the program.
    """
    facts = memory_facts()
    if "VmHWM" in facts:
        return facts["VmHWM"] / 1e3
    import resource  # which Windows has not

    unit = 1e6 if sys.platform == "darwin" else 1e3
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def memory_facts() -> dict[str, int]:
    """Kilobytes (of 1,024) that Linux tells of this process, as kilobytes of 1,000."""
    path = Path("/proc/self/status")
    if not path.exists():
        return {}
    lines = (line.split() for line in path.read_text(encoding="ascii").splitlines())
    return {line[0].rstrip(":"): int(line[1]) * 1024 // 1000 for line in lines if line[-1] == "kB"}


def forget_peak() -> float:
    """Let the peak begin at what is held now, where the system can; returns that."""
    gc.collect()
    path = Path("/proc/self/clear_refs")
    if path.exists():
        path.write_text("5", encoding="ascii")
    return memory_facts().get("VmRSS", 0) / 1e3
