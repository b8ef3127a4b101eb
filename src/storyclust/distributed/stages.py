"""Stages: the interface of runners, and calls that are skipped where their file exists already.

A stage function reads files and writes one file. An interrupted run therefore continues where it stopped, and
a lost worker costs only the calls it had in progress.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from storyclust.distributed.array_files import ArrayFile, reads, write_arrays
from storyclust.distributed.corpus import Corpus
from storyclust.distributed.files import file_info
from storyclust.distributed.sketching import BUCKETS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from storyclust.distributed.shards import Shard

VALUES_PER_CALL = 4 << 20  # values of all shards that one call sorts
SMALL_INPUT = 1000  # so few values take a single call
CALL_BYTES = 384 << 20  # memory of any call: a worker with all modules and kernels loaded, and a little data
DEFAULT_MEMORY = 1 << 30  # bytes of a call, where the memory of the machine is not known

Metadata = dict[str, Any]


class Runner(Protocol):
    """Runs stages."""

    @property
    def width(self) -> int:
        """How many calls can run at once."""

    @property
    def memory(self) -> int:
        """Bytes that each of them may use."""

    @property
    def processors(self) -> int:
        """Processors of a call that occupies a whole node, with as many times the memory."""

    def run(
        self,
        name: str,
        function: Callable[..., Any],
        calls: Sequence[tuple[Any, ...]],
        needs: Sequence[int] | None = None,
        processors: int = 1,
    ) -> list[Any]:
        """Call a function with each tuple of arguments; returns the results in order.

        Parameters
        ----------
        name : str
            Of the stage, for progress and errors.
        function : callable
        calls : sequence of tuple
        needs : sequence of int, optional
            Bytes of memory of each call.
        processors : int, default=1
            Of each call.
        """

    def share(self, value: Any) -> Any:
        """Return a reference to a value that is an argument of many calls."""


def shard_needs(shards: Sequence[Shard], factor: int, runner: Runner) -> list[int]:
    """Estimate the memory of calls that each read a shard, and hold `factor` times its bytes.

    As these are estimates, none is more than the runner can give.
    """
    most = runner.memory * runner.processors
    return [min(CALL_BYTES + factor * shard.uncompressed, most) for shard in shards]


class Serial:
    """Runs stages in this process, one call after the other."""

    width: int = 1
    memory: int = DEFAULT_MEMORY
    processors: int = 1

    def run(
        self,
        name: str,
        function: Callable[..., Any],
        calls: Sequence[tuple[Any, ...]],
        needs: Sequence[int] | None = None,
        processors: int = 1,
    ) -> list[Any]:
        """Call a function with each tuple of arguments."""
        return [function(*call) for call in calls]

    def share(self, value: Any) -> Any:
        """Return the value."""
        return value


def run_unless_finished(function: Callable[..., Metadata], target: str, *arguments: Any) -> Metadata:
    """Call a stage function, unless the file that it writes exists; returns the metadata of the file."""
    if file_info(target) is None:
        reads.n_bytes = 0
        return function(target, *arguments)
    with ArrayFile(target) as file:
        return file.metadata


def save(
    address: str, arrays: Mapping[str, NDArray[Any]], metadata: Metadata | None = None, **options: Any
) -> Metadata:
    """Write the result of a stage function; its metadata says how many bytes the call has read."""
    complete = {**(metadata or {}), "bytes_read": reads.n_bytes}
    write_arrays(address, arrays, complete, **options)
    return complete


class Stages:
    """Runs stages whose files have one prefix.

    Attributes
    ----------
    bytes_read : dict of str to int
        Bytes that each stage has read from files of arrays.
    metadata : dict of str to list of dict
        Metadata of the files of each stage, from its last run.
    """

    def __init__(self, prefix: str, corpus: Corpus, runner: Runner) -> None:
        self.prefix, self.corpus, self.runner = prefix, corpus, runner
        self.shared_corpus = runner.share(corpus)
        self.bytes_read: dict[str, int] = {}
        self.metadata: dict[str, list[Metadata]] = {}

    def address(self, name: str) -> str:
        """Return the address of a file of this run."""
        return f"{self.prefix}-{name}"

    def run(
        self,
        name: str,
        function: Callable[..., Metadata],
        calls: Mapping[str, tuple[Any, ...]],
        needs: Sequence[int] | None = None,
        processors: int = 1,
    ) -> list[str]:
        """Run a stage; returns the addresses of the files it wrote.

        Parameters
        ----------
        name : str
        function : callable
            Takes the address of the file to write, and the arguments of a call.
        calls : dict of str to tuple
            Arguments of each call, by a key in the name of its file: it has to differ between calls, and
            between runs that divide the work differently.
        needs, processors
            As for `Runner.run`.
        """
        targets = [self.address(f"{name}-{key}") for key in calls]
        every = [(function, target, *call) for target, call in zip(targets, calls.values(), strict=True)]
        self.metadata[name] = self.runner.run(name, run_unless_finished, every, needs, processors)
        n_bytes = sum(each["bytes_read"] for each in self.metadata[name])
        self.bytes_read[name] = self.bytes_read.get(name, 0) + n_bytes
        return targets

    def run_by_bucket(
        self, name: str, function: Callable[..., Metadata], size: int, *arguments: Any
    ) -> list[str]:
        """Run a stage over ranges of all buckets, which hold `size` values."""
        ranges = bucket_ranges(size, self.runner.width)
        calls = {f"{a}-{b}": (self.shared_corpus, a, b, *arguments) for a, b in ranges}
        return self.run(name, function, calls)

    def branch(self, key: str) -> Stages:
        """Return stages whose files have a prefix of their own, and that are counted with these."""
        branch = Stages(f"{self.prefix}-{key}", self.corpus, self.runner)
        branch.shared_corpus = self.shared_corpus
        branch.bytes_read, branch.metadata = self.bytes_read, self.metadata
        return branch


def bucket_ranges(size: int, least: int = 1) -> list[tuple[int, int]]:
    """Cut the buckets of `size` values into at least `least` ranges, or into one if there are few values."""
    if size <= SMALL_INPUT:
        return [(0, BUCKETS)]
    parts = min(max(least, -(-size // VALUES_PER_CALL)), BUCKETS)
    return list(pairwise(np.linspace(0, BUCKETS, parts + 1).astype(int).tolist()))


def band_ranges(n_bands: int, n_texts: int, width: int) -> list[tuple[int, int]]:
    """Cut the LSH bands into ranges that one call can sort, and that give every worker a call."""
    size = max(1, min(VALUES_PER_CALL // max(n_texts, 1), -(-n_bands // width)))
    return [(band, min(band + size, n_bands)) for band in range(0, n_bands, size)]
