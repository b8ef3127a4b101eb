"""Running stages: who runs them, what they write, and how work is cut.

A stage that finds its file written has nothing to do: so a run that was broken off goes on where it stood,
and a worker that is lost costs what it had in hand.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from storyclust.distributed.corpus import Corpus
from storyclust.distributed.files import Arrays, look_up, write_arrays
from storyclust.distributed.sketching import BUCKETS

if TYPE_CHECKING:
    from numpy.typing import NDArray

VALUES_AT_ONCE = 4 << 20  # values of all shards that one worker sorts
SMALL = 1000  # values that are not worth more than one call

About = dict[str, Any]


class Runner(Protocol):
    """Who runs stages."""

    @property
    def width(self) -> int:
        """How many calls can run at once."""

    def run(self, name: str, function: Callable[..., Any], calls: Sequence[tuple[Any, ...]]) -> list[Any]:
        """Call a function with each tuple of arguments; returns the results in order."""

    def share(self, value: Any) -> Any:
        """Return what stands for a value among the arguments of many calls."""


class Serial:
    """Runs stages here, one call after the other."""

    width: int = 1

    def run(self, name: str, function: Callable[..., Any], calls: Sequence[tuple[Any, ...]]) -> list[Any]:
        """Call a function with each tuple of arguments."""
        return [function(*call) for call in calls]

    def share(self, value: Any) -> Any:
        """Return the value."""
        return value


def finished(address: str) -> About | None:
    """Return what a stage said of its file, if it has written it."""
    if look_up(address) is None:
        return None
    with Arrays(address) as file:
        return file.about


def save(address: str, arrays: Mapping[str, NDArray[Any]], about: About, **further: Any) -> About:
    """Write what a stage found."""
    write_arrays(address, arrays, about, **further)
    return about


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
        self, name: str, function: Callable[..., About], calls: Mapping[str, tuple[Any, ...]]
    ) -> list[str]:
        """Run a stage; `calls` has what tells each from the others, and its arguments behind the target.

        Returns the addresses of what it wrote.
        """
        targets = [self.at(f"{name}-{mark}") for mark in calls]
        every = [(target, *call) for target, call in zip(targets, calls.values(), strict=True)]
        self.abouts = self.runner.run(name, function, every)
        self.taken[name] = sum(about["taken"] for about in self.abouts)
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
