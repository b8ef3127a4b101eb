"""Copies from file to file: a corpus in JSON lines, and the file of the articles that are kept.

    python benchmarks/bench_files.py [--quick]

Takes the articles and edited copies of bench_copies, writes them to a temporary folder, and runs each tool
as its users do, as a process of its own: storyclust on one thread and two, on plain and compressed files;
datatrove's four stages of MinHash; text-dedup's MinHash command. The last two are installed into virtual
environments of their own, which is not timed. Beside them, as lower bounds, cat, and a loop that parses each
line and writes it again. Tools take turns, with compiled kernels; each time is the median of three runs, or
of a single one where that takes more than a minute.

Processor seconds are those of all processes of a tool; its peak of memory is that of the largest of them.
What is removed is compared with all groups of articles connected by Jaccard 0.8 or more, counted exactly by
other means: recall of groups is the share of them with a single kept article, recall of pairs the share of
pairs at 0.8 that are not both kept (in a chain, two kept articles can be right: they are not alike), and
precision the share of the removed articles that are in a group. Writes results/files.json.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import venv
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import orjson
import zstandard
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from bench_copies import NUM_PERM, SIZE, THRESHOLD, Pairs, corpus, gold_pairs
from common import table, write_results

PATIENCE = 60  # seconds; what takes longer is run once
DATATROVE, TEXT_DEDUP = "0.10.1", "0.4.0"  # versions
# What the stages and steps import: spaCy is datatrove's tokenizer of English.
DATATROVE_NEEDS = ("spacy", "tokenizers", "regex", "xxhash<4")
# What the MinHash command imports, instead of pyspark, unisim, onnxruntime, Sphinx and their dependencies.
TEXT_DEDUP_NEEDS = (
    *("datasets", "numpy", "scipy", "tqdm", "regex", "xxhash", "ftfy"),
    *("click<9", "click-option-group<0.6", "rich<14"),
)
# datatrove's default of buckets and rows, and the most exact one for this threshold that datasketch (and
# text-dedup) choose. Without verification, bands decide: they find a pair at 0.8 in 92% and 40% of cases.
BANDS = ((14, 8), (9, 13))

NOTES = {
    "datatrove": "English words by spaCy, its default; for two workers the corpus is in two files, because a "
    "worker takes whole ones; forked workers; output not compressed",
    "text-dedup": "installed without pyspark, unisim, onnxruntime and Sphinx, which its MinHash command does "
    "not import; xxh3 instead of sha1, which is slower; output in Arrow files",
    "not verified": "both remove what shares a band, directly or by others; nothing is compared",
}

# Runs a command and prints what it took. A process of its own, because the kernel lets a child inherit the
# peak of memory of its parent, and this one is small.
RUNNER = """
import json, os, subprocess, sys, time
begin = time.perf_counter()
child = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL)
_, status, used = os.wait4(child.pid, 0)
unit = 1e6 if sys.platform == "darwin" else 1e6 / 1024
figures = [time.perf_counter() - begin, used.ru_utime + used.ru_stime, used.ru_maxrss / unit]
print(json.dumps(figures))
sys.exit(os.waitstatus_to_exitcode(status))
"""

LOOP = """
import sys, orjson
with open(sys.argv[1], "rb") as source, open(sys.argv[2], "wb") as target:
    for line in source:
        target.write(orjson.dumps(orjson.loads(line)) + b"\\n")
"""

Runs = list[list[float]]  # of each run the seconds, processor seconds and peak megabytes


class Job(NamedTuple):
    """A tool and how it is run."""

    tool: str
    command: list[str]
    kept: Callable[[Path], set[int]] | None  # reads the output; None for a lower bound


def write_inputs(folder: Path, texts: list[str]) -> None:
    """One corpus: whole, compressed, and in halves for a tool that divides its work by file."""
    lines = [orjson.dumps({"id": str(row), "text": text}) + b"\n" for row, text in enumerate(texts)]
    half = len(lines) // 2
    parts = {"whole/in.jsonl": lines, "halves/0.jsonl": lines[:half], "halves/1.jsonl": lines[half:]}
    for name, part in parts.items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"".join(part))
    whole = b"".join(lines)
    (folder / "in.jsonl.gz").write_bytes(gzip.compress(whole, 6))
    (folder / "in.jsonl.zst").write_bytes(zstandard.compress(whole))


def install(folder: Path, *calls: tuple[str, ...]) -> str:
    """Make a virtual environment by calls of pip install; its Python."""
    venv.create(folder, with_pip=True)
    python = str(folder / "bin" / "python")
    for packages in calls:
        subprocess.run([python, "-m", "pip", "install", "--quiet", *packages], check=True)
    return python


def own_jobs(source: Path, out: Path) -> Iterator[Job]:
    """Jobs of storyclust."""
    inputs = ("whole/in.jsonl", "in.jsonl.zst", "in.jsonl.gz")
    runs = [(name, threads) for name in inputs for threads in (1, 2)]
    for name, threads in runs:
        kind = name.removeprefix("whole/in").removeprefix("in")
        target = ["-o", str(out / "kept.jsonl"), "--jobs", str(threads), "--quiet"]
        command = [sys.executable, "-m", "storyclust", "dedup", str(source / name), *target]
        tool = f"storyclust, {kind}, {threads} thread" + "s" * (threads > 1)
        yield Job(tool, command, kept_of_lines)


def lower_bounds(source: Path, out: Path) -> Iterator[Job]:
    """What reading and writing takes without any other work."""
    files = [str(source / "whole" / "in.jsonl"), str(out / "all.jsonl")]
    yield Job("cat", ["sh", "-c", 'cat "$0" > "$1"', *files], None)
    yield Job("orjson.loads and orjson.dumps", [sys.executable, "-c", LOOP, *files], None)


def datatrove_jobs(python: str, source: Path, out: Path) -> Iterator[Job]:
    """Jobs of datatrove."""
    for (bands, rows), workers in ((BANDS[0], 1), (BANDS[0], 2), (BANDS[1], 2)):
        folders = [str(source / ("whole" if workers == 1 else "halves")), str(out / "work"), str(out)]
        script = str(Path(__file__).with_name("run_datatrove.py"))
        options = {"--workers": workers, "--buckets": bands, "--rows": rows}
        command = [python, script, *folders, *(str(part) for pair in options.items() for part in pair)]
        tool = f"datatrove {DATATROVE}, {bands} bands of {rows}, {workers} worker" + "s" * (workers > 1)
        yield Job(tool, command, kept_of_lines)


def text_dedup_jobs(python: str, source: Path, out: Path) -> Iterator[Job]:
    """Jobs of text-dedup; sha1 is its default and slower than xxh3."""
    for (bands, rows), processes in ((BANDS[0], 2), (BANDS[1], 1), (BANDS[1], 2)):
        options = {
            "--path": "json", "--data_files": source / "whole" / "in.jsonl", "--split": "train",
            "--cache_dir": out / "cache", "--output": out / "kept", "--column": "text",
            "--ngram": SIZE, "--num_perm": NUM_PERM, "--threshold": THRESHOLD, "--b": bands, "--r": rows,
            "--hash_func": "xxh3", "--num_proc": processes,
        }  # fmt: skip
        command = [python, "-m", "text_dedup.minhash"]
        command += [str(part) for pair in options.items() for part in pair]
        tool = f"text-dedup {TEXT_DEDUP}, {bands} bands of {rows}, {processes} process"
        tool += "es" * (processes > 1)
        yield Job(tool, command, kept_of_arrow)


def kept_of_lines(out: Path) -> set[int]:
    """Rows in the JSON lines of a folder."""
    return {int(orjson.loads(line)["id"]) for path in out.glob("*.jsonl") for line in path.open("rb")}


def kept_of_arrow(out: Path) -> set[int]:
    """Rows in the Arrow files that text-dedup writes."""
    import pyarrow as pa

    tables = (pa.ipc.open_stream(path).read_all() for path in (out / "kept").glob("*.arrow"))
    return {int(name) for found in tables for name in found.column("id").to_pylist()}


def run(job: Job, out: Path) -> list[float]:
    """Wall seconds, processor seconds and peak megabytes of one run into an empty folder."""
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir()
    offline = {"HF_HUB_OFFLINE": "1", "HF_HOME": str(out / "home")}  # nobody is asked for news of a model
    command = [sys.executable, "-c", RUNNER, *job.command]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ | offline)
    if done.returncode:
        raise SystemExit(f"{' '.join(job.command)} failed:\n{done.stderr[-4000:]}")
    figures: list[float] = json.loads(done.stdout)
    return figures


def quality(kept: set[int], n: int, gold: Pairs) -> dict[str, Any]:
    """How well what is removed agrees with the groups of the gold pairs."""
    i, j = np.array(sorted(gold)).T
    labels = connected_components(sparse.coo_array((np.ones(len(i)), (i, j)), shape=(n, n)))[1]
    is_kept = np.isin(np.arange(n), list(kept))
    sizes = np.bincount(labels)
    left = np.bincount(labels, weights=is_kept)[sizes > 1]
    removed_alone = int((~is_kept & (sizes[labels] == 1)).sum())
    removed = int((~is_kept).sum())
    return {
        "removed": removed,
        "recall, groups": round(float((left == 1).mean()), 4),
        "recall, pairs": round(1 - float((is_kept[i] & is_kept[j]).mean()), 4),
        "precision": round(1 - removed_alone / max(1, removed), 4),
        "removed without a gold partner": removed_alone,
        "groups with none kept": int((left == 0).sum()),
    }


def measure(jobs: list[Job], out: Path, repeats: int) -> tuple[list[Runs], list[set[int] | None]]:
    """Figures of all runs of each tool, and the rows that it kept; tools take turns."""
    runs: list[Runs] = [[] for _ in jobs]
    kept: list[set[int] | None] = [None] * len(jobs)
    for _ in range(repeats):
        for number, job in enumerate(jobs):
            if runs[number] and runs[number][0][0] > PATIENCE:
                continue
            runs[number].append(run(job, out))
            kept[number] = job.kept(out) if job.kept else None
            print(job.tool, [round(figure, 2) for figure in runs[number][-1]], flush=True)
    return runs, kept


def row_of(job: Job, runs: Runs, megabytes: float) -> dict[str, Any]:
    """Medians of the runs of a tool."""
    wall, processor, peak = (statistics.median(column) for column in zip(*runs, strict=True))
    return {
        "tool": job.tool,
        "seconds": round(wall, 3),
        "processor seconds": round(processor, 3),
        "MB/s": round(megabytes / wall, 1),
        "runs": len(runs),
        "peak MB, largest process": round(peak),
    }


def main() -> None:
    """Install, measure and write."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--quick", action="store_true", help="a tenth of the articles, one run each")
    quick = arguments.parse_args().quick
    texts = corpus(1_000, 500) if quick else corpus(10_000, 5_000)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        out = folder / "out"
        write_inputs(folder, texts)
        datatrove = install(folder / "datatrove", (f"datatrove[io]=={DATATROVE}", *DATATROVE_NEEDS))
        alone = ("--no-deps", "--no-warn-conflicts", f"text-dedup=={TEXT_DEDUP}")
        text_dedup = install(folder / "text-dedup", TEXT_DEDUP_NEEDS, alone)
        own = list(own_jobs(folder, out))
        for job in own:
            run(job, out)  # kernels are compiled once on a machine; that is no part of the job
        jobs = [*own, *lower_bounds(folder, out), *datatrove_jobs(datatrove, folder, out)]
        jobs += text_dedup_jobs(text_dedup, folder, out)
        runs, kept = measure(jobs, out, 1 if quick else 3)
        sizes = {path.name: round(path.stat().st_size / 1e6, 1) for path in folder.rglob("in.jsonl*")}
    gold = gold_pairs(texts)
    rows = []
    for job, figures, rest in zip(jobs, runs, kept, strict=True):
        row = row_of(job, figures, sizes["in.jsonl"])
        rows.append(row if rest is None else row | quality(rest, len(texts), gold))
    command = "python benchmarks/bench_files.py" + (" --quick" if quick else "")
    facts: dict[str, Any] = {"texts": len(texts), "megabytes": sizes, "gold_pairs": len(gold)}
    facts["notes"] = NOTES
    print(table(rows))
    print("written to", write_results("files-quick" if quick else "files", command, rows, **facts))


if __name__ == "__main__":
    main()
