"""How vectors are divided: into blocks that workers search, and slices whose rows they look up in blocks.

A block is as large as the memory of a worker allows, because every later row is read once for each block.
Rows are looked up a slice at a time, and the results of a slice are merged in one call: so a slice is as
large as the results that a processor's memory holds. Both are ranges of consecutive places; a block is a
whole number of slices.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from storyclust.distributed.stages import CALL_BYTES, Runner

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Measured while blocks of 6,000 to 300,000 rows were written and searched, rounded up.
ENTRY_BYTES = 20  # memory for each entry of a block that is searched
SCRATCH_BYTES = 8  # for each row of it and each thread
RESULT_BYTES = (
    32 << 10
)  # for the results of each row of a slice: 10 KB for long articles, 30 KB for short ones
CHUNK_BYTES = 160 << 20  # for the rows that are looked up at once
SLICE_SHARE = 0.25  # of the memory of a worker of one processor, for the results of a slice
MOST_SLICE_SHARE = 0.75  # of the memory of one processor, where a worker has several
USED_SHARE = 0.9  # of a worker's memory
MIN_SLICE = 2000  # articles, unless memory asks for fewer
TILES_PER_WORKER = 2


class Workers(NamedTuple):
    """Workers that compare blocks."""

    n: int
    processors: int  # of each
    memory: int  # bytes of each


class Plan(NamedTuple):
    """Blocks and slices of `n` rows; both are bounds of places."""

    blocks: NDArray[np.int64]
    slices: NDArray[np.int64]
    workers: Workers
    entries: int  # of all rows

    @property
    def key(self) -> str:
        """Name of the division, for files."""
        return f"{len(self.blocks) - 1}-{len(self.slices) - 1}"

    @property
    def slices_per_block(self) -> int:
        """Slices of each block."""
        return (len(self.slices) - 1) // (len(self.blocks) - 1)

    @property
    def call_bytes(self) -> int:
        """Memory of a call that searches a block."""
        n, n_blocks = int(self.slices[-1]), len(self.blocks) - 1
        results = RESULT_BYTES * n // (len(self.slices) - 1)
        block = block_bytes(n, self.entries, self.workers.processors) // n_blocks
        return min(CALL_BYTES + CHUNK_BYTES + results + block, self.workers.memory)


def block_bytes(n: int, entries: int, processors: int) -> int:
    """Return the memory for blocks of all rows."""
    return ENTRY_BYTES * entries + SCRATCH_BYTES * processors * n


def plan_blocks(n: int, entries: int, runner: Runner) -> Plan:
    """Divide `n` rows that have so many entries, for the workers of a cluster."""
    single = Workers(runner.width, 1, runner.memory)
    node = Workers(
        max(1, runner.width // runner.processors), runner.processors, runner.memory * runner.processors
    )
    # Workers of a single processor share less memory, but need not wait for a whole node.
    fits = blocks_for(n, entries, single) <= max(busy_blocks(single.n), 1)
    workers = single if fits else node
    busy = min(busy_blocks(workers.n), n // MIN_SLICE)
    n_blocks = max(1, min(n, max(blocks_for(n, entries, workers), busy)))
    slice_rows = max(1, int(result_bytes(workers) / RESULT_BYTES))
    least = max(-(-n // slice_rows), min(runner.width, n // MIN_SLICE), n_blocks)
    per_block = min(-(-least // n_blocks), n // n_blocks)
    n_slices = n_blocks * per_block
    slices = np.arange(n_slices + 1, dtype=np.int64) * n // n_slices
    return Plan(slices[::per_block], slices, workers, entries)


def busy_blocks(workers: int) -> int:
    """Return how many blocks keep all workers busy with the least reading."""
    return int(2 * np.sqrt(workers))


def result_bytes(workers: Workers) -> float:
    """Return the memory for the results of a slice, which one processor merges later."""
    share = min(SLICE_SHARE * workers.processors, MOST_SLICE_SHARE)
    return share * workers.memory / workers.processors


def blocks_for(n: int, entries: int, workers: Workers) -> int:
    """Return how many blocks the memory of workers requires."""
    fixed = CALL_BYTES + CHUNK_BYTES + result_bytes(workers)
    free = max(USED_SHARE * workers.memory - fixed, workers.memory / 4)
    return int(-(-block_bytes(n, entries, workers.processors) // free))


def tiles_of(n_blocks: int, per_block: int, workers: int) -> list[tuple[int, int, int]]:
    """Cut all pairs of a block and a slice of its own or later rows into tiles: a block, a range of slices.

    Long ranges read less, because the block is read once; short ranges keep every worker busy.
    """
    n_slices = n_blocks * per_block
    pairs = per_block * n_blocks * (n_blocks + 1) // 2
    longest = max(1, pairs // (TILES_PER_WORKER * workers))
    tiles = []
    for block in range(n_blocks):
        first = block * per_block
        n_parts = -(-(n_slices - first) // longest)
        cuts = np.linspace(first, n_slices, n_parts + 1).astype(int).tolist()
        tiles += [(block, a, b) for a, b in pairwise(cuts)]
    return tiles
