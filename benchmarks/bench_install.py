"""How much an installation takes on disk, and how long the package takes to import.

    python benchmarks/bench_install.py

The package is installed with its required dependencies into a fresh virtual environment. Sizes are those of
site-packages, without pip and without compiled bytecode. Times of imports are medians over fresh processes,
beyond what Python itself takes to start. Runs are in processor seconds, the first with compilation. Writes
results/install.json.
"""

from __future__ import annotations

import resource
import statistics
import subprocess
import sys
import tempfile
import time
import venv
from pathlib import Path

from common import EXAMPLES, ROOT, table, write_results

REPEATS = 21


def megabytes(folder: Path) -> float:
    """Size of all files below a folder, without bytecode."""
    files = (
        path for path in folder.rglob("*") if path.is_file() and path.suffix not in {".pyc", ".nbi", ".nbc"}
    )
    return sum(path.stat().st_size for path in files) / 1e6


def milliseconds(command: list[str]) -> float:
    """Median time of a command."""
    times = []
    for _ in range(REPEATS):
        begin = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        times.append(time.perf_counter() - begin)
    return statistics.median(times) * 1e3


def processor_seconds(command: list[str], folder: str) -> float:
    """Processor time of a command, which hardly depends on what else the machine does."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True, capture_output=True, cwd=folder)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    """Install, measure and write."""
    with tempfile.TemporaryDirectory() as folder:
        venv.create(folder, with_pip=True)
        python = str(Path(folder, "bin", "python"))
        site = Path(
            subprocess.run(
                [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
                check=True,
                capture_output=True,
                text=True,
            ).stdout.strip()
        )
        tools = megabytes(site)
        subprocess.run([python, "-m", "pip", "install", "--quiet", str(ROOT)], check=True)
        whole = megabytes(site) - tools
        alone = megabytes(site / "storyclust")
        subprocess.run([python, "-c", "import storyclust.cli.app"], check=True)  # writes the bytecode
        start = milliseconds([python, "-c", "pass"])
        importing = milliseconds([python, "-c", "import storyclust"]) - start
        helping = milliseconds([python, "-m", "storyclust", "--help"]) - start
        run = [python, "-m", "storyclust", "threads", str(EXAMPLES / "newsdesk.jsonl"), "-o", "threads.md"]
        first, second = (processor_seconds(run, folder) for _ in range(2))
        figures = {
            "the package alone, MB": round(alone, 1),
            "with its required dependencies, MB": round(whole),
            "`import storyclust`, ms": round(importing),
            "`storyclust --help`, ms": round(helping),
            "Python itself, ms": round(start),
            "`storyclust threads` on the hundred examples, first run, processor s": round(first),
            "the same again, processor s": round(second, 1),
        }
    rows = [{"what": what, "value": value} for what, value in figures.items()]
    write_results("install", f"python {Path(sys.argv[0]).as_posix()}", rows)
    print(table(rows))


if __name__ == "__main__":
    main()
