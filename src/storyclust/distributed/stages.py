"""Running stages: who runs them, what they write, and how work is cut.

A stage that finds its file written has nothing to do: so a run that was broken off goes on where it stood,
and a worker that is lost costs what it had in hand.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import numpy as np

from storyclust.distributed.corpus import Corpus
from storyclust.distributed.files import Arrays, look_up, write_arrays
from storyclust.distributed.sketching import BUCKETS

if TYPE_CHECKING:
    from numpy.typing import NDArray

VALUES_AT_ONCE = 4 << 20  # values of all shards that one worker sorts
SMALL = 1000  # values that are not worth more than one call
MEMORY = 1 << 30  # bytes that a call may take where nothing is known of the machine

About = dict[str, Any]
T = TypeVar("T", bound=tuple[Any, ...])


class Runner(Protocol):
    """Who runs stages."""

    @property
    def width(self) -> int:
        """How many calls can run at once."""

    @property
    def memory(self) -> int:
        """Bytes that each of them may take."""

    @property
    def processors(self) -> int:
        """How many processors a call can have, if it takes a whole node, with as many times the memory."""

    def run(
        self,
        name: str,
        function: Callable[..., Any],
        calls: Sequence[tuple[Any, ...]],
        needs: Sequence[int] | None = None,
        processors: int = 1,
    ) -> list[Any]:
        """Call a function with each tuple of arguments; returns the results in order.

        `needs` says how many bytes each call takes, where some may take more than others, and `processors`
        how many of them each has.
        """

    def share(self, value: Any) -> Any:
        """Return what stands for a value among the arguments of many calls."""


class Serial:
    """Runs stages here, one call after the other."""

    width: int = 1
    memory: int = MEMORY
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


def unless_written(function: Callable[..., About], target: str, *given: Any) -> About:
    """Call a stage, unless the file that it writes is there; returns what is said of it."""
    if look_up(target) is None:
        return function(target, *given)
    with Arrays(target) as file:
        return file.about


def save(address: str, arrays: Mapping[str, NDArray[Any]], about: About, **further: Any) -> About:
    """Write what a stage found."""
    write_arrays(address, arrays, about, **further)
    return about


# Named tuples in files -------------------------------------------------------------------------


def packed(name: str, value: Any) -> dict[str, NDArray[Any]]:
    """Arrays of a named tuple, by names that begin with `name`."""
    return {f"{name}.{field}": values for field, values in value._asdict().items()}


def unpacked(file: Arrays, name: str, kind: type[T]) -> T:
    """Return the named tuple of arrays that was packed."""
    return kind(*(file[f"{name}.{field}"] for field in _fields(kind)))


def dealt(name: str, parts: Sequence[T]) -> dict[str, NDArray[Any]]:
    """Arrays of several named tuples, one after the other: any of them can be read by itself."""
    fields = _fields(type(parts[0]))
    arrays = {
        f"{name}.{field}": np.concatenate(column)
        for field, column in zip(fields, zip(*parts, strict=True), strict=True)
    }
    lengths = np.array([[len(values) for values in part] for part in parts], np.int64)
    zeros = np.zeros((1, len(fields)), np.int64)
    return arrays | {f"{name}.bounds": np.concatenate((zeros, np.cumsum(lengths, axis=0)))}


def part_of(file: Arrays, name: str, kind: type[T], number: int) -> T:
    """Return one of the named tuples that were dealt."""
    starts, stops = file.part(f"{name}.bounds", number, number + 2).tolist()
    spans = zip(_fields(kind), starts, stops, strict=True)
    return kind(*(file.part(f"{name}.{field}", start, stop) for field, start, stop in spans))


def _fields(kind: type[T]) -> Sequence[str]:
    fields: Sequence[str] = kind._fields  # type: ignore[attr-defined]  # of a named tuple
    return fields


# Running ---------------------------------------------------------------------------------------


class Stages:
    """Runs stages that write numbered files under one name."""

    def __init__(self, prefix: str, corpus: Corpus, runner: Runner) -> None:
        self.prefix, self.plain, self.runner = prefix, corpus, runner
        self.corpus = runner.share(corpus)
        self.taken: dict[str, int] = {}
        self.abouts: list[About] = []

    def at(self, name: str) -> str:
        """Address of a file of this run."""
        return f"{self.prefix}-{name}"

    def each(
        self,
        name: str,
        function: Callable[..., About],
        calls: Mapping[str, tuple[Any, ...]],
        needs: Sequence[int] | None = None,
        processors: int = 1,
    ) -> list[str]:
        """Run a stage; `calls` has what tells each from the others, and its arguments behind the target.

        Returns the addresses of what it wrote.
        """
        targets = [self.at(f"{name}-{mark}") for mark in calls]
        every = [(function, target, *call) for target, call in zip(targets, calls.values(), strict=True)]
        self.abouts = self.runner.run(name, unless_written, every, needs, processors)
        self.taken[name] = self.taken.get(name, 0) + sum(about["taken"] for about in self.abouts)
        return targets

    def by_bucket(self, name: str, function: Callable[..., About], size: int) -> list[str]:
        """Run a stage over all buckets of values, of which there are `size`."""
        spans = bucket_ranges(size, self.runner.width)
        return self.each(name, function, {f"{a}-{b}": (self.corpus, a, b) for a, b in spans})


def values_at_once() -> int:
    """Return how many values of all shards one worker sorts."""
    return VALUES_AT_ONCE


def bucket_ranges(size: int, least: int = 1) -> list[tuple[int, int]]:
    """Cut the buckets into ranges for `size` values: `least` of them, unless it is hardly worth a call."""
    if size <= SMALL:
        return [(0, BUCKETS)]
    parts = min(max(least, -(-size // VALUES_AT_ONCE)), BUCKETS)
    return list(pairwise(np.linspace(0, BUCKETS, parts + 1).astype(int).tolist()))
