"""Files of blocks: written from the vectors of shards, read whole to be searched, or a few rows at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from storyclust.distributed.array_files import ArrayFile, pack_tuple, read_partition, read_tuple
from storyclust.distributed.block_search import MarkedBlock
from storyclust.distributed.blocks import Block, BlockHead, merge_blocks

if TYPE_CHECKING:
    from numpy.typing import NDArray

ENTRIES_AT_ONCE = 4 << 20  # entries of rows that are looked up at once


def join_files(addresses: Sequence[str], number: int) -> Block:
    """Join one block from the files of shards, which are read one after the other."""
    return merge_blocks(
        (_read_part(address, BlockHead, number) for address in addresses),
        (_read_part(address, Block, number) for address in addresses),
    )


def _read_part(address: str, kind: Any, number: int) -> Any:
    with ArrayFile(address) as file:
        return read_partition(file, "blocks", kind, number)


def pack_block(block: MarkedBlock) -> dict[str, NDArray[Any]]:
    """Return the arrays of a block's file."""
    return {**pack_tuple("block", block), "block.indexed": np.packbits(block.indexed)}


def read_block(address: str) -> MarkedBlock:
    """Read the file of a block."""
    with ArrayFile(address) as file:
        block = read_tuple(file, "block", MarkedBlock)
    return block._replace(indexed=_unpacked(block.indexed, 0, len(block.indices)))


def _unpacked(bits: Any, start: int, n: int) -> NDArray[np.bool_]:
    """Return `n` bits from `start` on as truth values."""
    return np.unpackbits(bits, count=start + n)[start:].view(np.bool_)


class BlockRows:
    """The file of a block, of which ranges of rows are read."""

    def __init__(self, address: str) -> None:
        self.file = ArrayFile(address)
        self.terms: NDArray[np.uint64] = self.file["block.terms"]

    def __enter__(self) -> BlockRows:
        return self

    def __exit__(self, *error: Any) -> None:
        self.file.__exit__(*error)

    def chunks(self, start: int, stop: int) -> Iterator[MarkedBlock]:
        """Yield rows start..stop, so many at once as have `ENTRIES_AT_ONCE` entries."""
        indptr = self.file.read("block.indptr", start, stop + 1)
        cuts = [0]
        while cuts[-1] < stop - start:
            end = int(np.searchsorted(indptr, indptr[cuts[-1]] + ENTRIES_AT_ONCE, "right")) - 1
            cuts.append(min(max(end, cuts[-1] + 1), stop - start))
        for begin, end in pairwise(cuts):
            yield self._rows(start + begin, start + end, indptr[begin : end + 1])

    def _rows(self, start: int, stop: int, indptr: NDArray[np.int64]) -> MarkedBlock:
        first, last = indptr[[0, -1]].tolist()
        bits = self.file.read("block.indexed", first // 8, -(-last // 8))
        read = self.file.read
        return MarkedBlock(
            read("block.places", start, stop), self.terms, indptr - first, read("block.indices", first, last),
            read("block.data", first, last), _unpacked(bits, first % 8, last - first),
            read("block.floors", start, stop),
        )  # fmt: skip
