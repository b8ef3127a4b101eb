"""MinHash deduplication by datatrove, from a folder of JSON lines to another: a peer of bench_files.

    python benchmarks/run_datatrove.py INPUT WORK OUTPUT --workers N --buckets B --rows R

The four stages of datatrove's own example for one machine, with shingles of five words. To be run in an
environment that holds datatrove, and not storyclust.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from datatrove.executor import LocalPipelineExecutor
from datatrove.pipeline.dedup import MinhashDedupSignature
from datatrove.pipeline.dedup.minhash import (
    MinhashConfig,
    MinhashDedupBuckets,
    MinhashDedupCluster,
    MinhashDedupFilter,
)
from datatrove.pipeline.readers import JsonlReader
from datatrove.pipeline.writers import JsonlWriter
from datatrove.utils.typeshelper import Languages


def main() -> None:
    """Run the stages, one after the other."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("input", help="folder of .jsonl files; each worker takes whole files")
    arguments.add_argument("work", type=Path, help="folder of what lies between the stages")
    arguments.add_argument("output", help="folder of the kept articles")
    arguments.add_argument("--workers", type=int, default=1)
    arguments.add_argument("--buckets", type=int, required=True)
    arguments.add_argument("--rows", type=int, required=True, help="hash values of each bucket")
    chosen = arguments.parse_args()
    config = MinhashConfig(n_grams=5, num_buckets=chosen.buckets, hashes_per_bucket=chosen.rows)
    signatures, pairs, removed = (str(chosen.work / name) for name in ("signatures", "pairs", "removed"))
    reader = JsonlReader(chosen.input)
    stages = (
        (chosen.workers, [reader, MinhashDedupSignature(signatures, config, Languages.english)]),
        (chosen.buckets, [MinhashDedupBuckets(signatures, pairs, config=config)]),
        (1, [MinhashDedupCluster(pairs, removed, config=config)]),
        (
            chosen.workers,
            [reader, MinhashDedupFilter(removed), JsonlWriter(chosen.output, compression=None)],
        ),
    )
    for number, (tasks, steps) in enumerate(stages):
        # Forked workers start fastest, and their parent waits for them, so that their time is counted.
        LocalPipelineExecutor(
            steps,
            tasks=tasks,
            workers=min(tasks, chosen.workers),
            logging_dir=str(chosen.work / f"log{number}"),
            start_method="fork",
        ).run()


if __name__ == "__main__":
    main()
