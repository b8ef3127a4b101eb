"""Ray: runs the stages on a cluster, or on a small one of this machine, and on whatever is left of it.

A call is a function, some addresses and a few numbers; what it finds is in files. So a worker or a node that
is lost costs the calls it had in hand, which are made again elsewhere, and nothing else.
"""

from __future__ import annotations

import logging
import math
import os
import time
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

from storyclust._core.parallel import effective_jobs
from storyclust._core.progress import stage
from storyclust.distributed.stages import MEMORY
from storyclust.errors import MissingExtraError, StoryclustError, StoryclustWarning

RETRIES = 8  # of a call whose worker or node was lost
GRACE = 5.0  # seconds for Ray to make calls anew that a lost node had, before they are made twice
PATIENCE = 30.0  # seconds without any processor before it is said
USED = 0.8  # of a cluster's processors, at least, where calls take as many as a node has
AHEAD = 2  # calls for each processor that are under way or wait for one
OBJECTS = 256 << 20  # bytes of the object store of a cluster of our own: only lists of addresses go there


class ClusterError(StoryclustError, RuntimeError):
    """A call was lost again and again, or a node cannot do its work."""


def import_ray() -> Any:
    """Import Ray, or name the extra that brings it."""
    try:
        import pyarrow  # noqa: F401 - files are read and written through it
        import ray
        import ray.util.scheduling_strategies
    except ImportError:
        raise MissingExtraError("running on a cluster", "ray") from None
    return ray


@contextmanager
def cluster(n_jobs: int | None = -1) -> Iterator[RayRunner]:
    """Run on the cluster this process is connected to, or on that of ``RAY_ADDRESS``, or on one started here.

    Parameters
    ----------
    n_jobs : int or None, default=-1
        Processors of a cluster that is started here: None is one, -1 all.

    Yields
    ------
    runner : RayRunner
    """
    ray = import_ray()
    ours = not ray.is_initialized()
    if ours:
        # Ray says on start that it has started, and prints what workers print: neither is for our users.
        settings: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR}
        if "RAY_ADDRESS" in os.environ:
            ray.init(**settings)
        else:
            ray.init(
                "local",
                num_cpus=effective_jobs(n_jobs),
                object_store_memory=OBJECTS,
                include_dashboard=False,
                **settings,
            )
    try:
        yield RayRunner(ray)
    finally:
        if ours:
            ray.shutdown()


class RayRunner:
    """Runs stages as Ray tasks."""

    def __init__(self, ray: Any) -> None:
        self.ray = ray
        self.met: set[str] = set()
        self.without_since = math.inf
        self.told_of_none = False
        self.question: tuple[Callable[..., str], tuple[Any, ...]] | None = None

    @property
    def width(self) -> int:
        """Processors of the cluster as it is now."""
        return _processors(self._nodes())

    @property
    def memory(self) -> int:
        """Bytes for each processor of the node that has least."""
        return min((memory // cpus for memory, cpus in self._sizes()), default=MEMORY)

    @property
    def processors(self) -> int:
        """Processors of a node, so that calls for as many leave few of the cluster's without work."""
        sizes = [cpus for _, cpus in self._sizes()]
        used = {size: sum(cpus // size for cpus in sizes) * size for size in sizes}
        return max((size for size in used if used[size] >= USED * sum(sizes)), default=1)

    def _sizes(self) -> list[tuple[int, int]]:
        """Bytes and processors of every node that can run calls."""
        nodes = [node["Resources"] for node in self._nodes().values()]
        return [
            (int(node.get("memory", MEMORY)), int(node["CPU"])) for node in nodes if node.get("CPU", 0) >= 1
        ]

    def _nodes(self) -> dict[str, Any]:
        """Nodes that live."""
        return {node["NodeID"]: node for node in self.ray.nodes() if node["Alive"]}

    def share(self, value: Any) -> Any:
        """Send a value once, and not with every call."""
        return self.ray.put(value)

    def ask(self, function: Callable[..., str], *args: Any) -> None:
        """Call a function on every node, and later on those that come, too: it returns what is amiss there.

        Raises
        ------
        ClusterError
            If it is anything.
        """
        self.met, self.question = set(), (function, args)
        self._meet()

    def _meet(self) -> None:
        if self.question is None:
            return
        function, args = self.question
        task = self.ray.remote(function)
        pin = self.ray.util.scheduling_strategies.NodeAffinitySchedulingStrategy
        fresh = {
            name: node
            for name, node in self._nodes().items()
            if name not in self.met and node["Resources"].get("CPU")
        }
        calls = [
            task.options(num_cpus=0, scheduling_strategy=pin(node, soft=False)).remote(*args)
            for node in fresh
        ]
        for node, call in zip(fresh.values(), calls, strict=True):
            # Not asked for outright: a node that is cut off at this moment would be waited for far too long.
            while not self.ray.wait([call], timeout=0.5)[0] and node["NodeID"] in self._nodes():
                pass
            try:
                amiss = self.ray.get(call, timeout=0.5)
            except self.ray.exceptions.RayTaskError:
                raise
            except self.ray.exceptions.RayError:
                continue  # it is gone, and its calls will be made elsewhere
            if amiss:
                raise ClusterError(f"node {node['NodeManagerAddress']} {amiss}.")
            self.met.add(node["NodeID"])

    def run(
        self,
        name: str,
        function: Callable[..., Any],
        calls: Sequence[tuple[Any, ...]],
        needs: Sequence[int] | None = None,
        processors: int = 1,
    ) -> list[Any]:
        """Call a function with each tuple of arguments, a few for each processor at a time.

        A call that needs more than its share of memory waits for a node that has it to spare.

        Raises
        ------
        StoryclustError
            What a call raises; or ClusterError, if its worker was lost again and again, or could not read or
            write a file, or if no node has the memory for it.
        """
        self._meet()
        task = partial(self.ray.remote(function).options, max_retries=RETRIES, name=name)
        hand = _Hand(self.ray, task, calls, self._large(name, needs or ()), processors)
        try:
            with stage(name, len(calls)) as advance:
                while not hand.done:
                    nodes = self._nodes()
                    self._tell_of_none(nodes)
                    hand.fill(nodes, AHEAD * _processors(nodes))
                    # Woken now and then, so that Ctrl-C is heard and new nodes get calls.
                    ready, _ = self.ray.wait(list(hand.under_way), timeout=0.5)
                    for call in ready:
                        if call in hand.under_way:
                            hand.take(call, self._result(name, call))
                            advance(1)
        finally:
            hand.drop(hand.under_way)
        return hand.results

    def _tell_of_none(self, nodes: Mapping[str, Any]) -> None:
        """Say once that calls wait for a node; a cluster that grows by need begins with none."""
        if any(node["Resources"].get("CPU") for node in nodes.values()):
            self.without_since = math.inf
            return
        self.without_since = min(self.without_since, time.monotonic())
        if not self.told_of_none and time.monotonic() - self.without_since >= PATIENCE:
            message = "no node of the cluster has had a processor for a while; calls wait until one comes."
            warnings.warn(message, StoryclustWarning, stacklevel=2)
            self.told_of_none = True

    def _large(self, name: str, needs: Sequence[int]) -> dict[int, int]:
        """Calls that need more than their share of memory, and how much."""
        share = self.memory
        large = {k: need for k, need in enumerate(needs) if need > share}
        most = max((memory for memory, _ in self._sizes()), default=math.inf)
        if large and max(large.values()) > most:
            raise ClusterError(
                f"a call of {name} needs {max(large.values()) / 1e9:,.1f} GB of memory, and the largest node "
                f"has {most / 1e9:,.1f} GB: add one that has more, and run this again."
            )
        return large

    def _result(self, name: str, call: Any) -> Any:
        try:
            return self.ray.get(call)
        except self.ray.exceptions.RayTaskError as error:
            if isinstance(error.cause, StoryclustError):
                raise error.cause from None
            if isinstance(error.cause, OSError):
                reason = str(error.cause).strip().partition("\n")[0]
                raise ClusterError(f"{name} failed on node {error.ip}: {reason}") from error
            raise
        except self.ray.exceptions.RayError as error:
            first = str(error).strip().partition("\n")[0]
            raise ClusterError(f"the cluster lost a call of {name} {RETRIES + 1} times: {first}") from error


def _processors(nodes: Mapping[str, Any]) -> int:
    return max(1, int(sum(node["Resources"].get("CPU", 0) for node in nodes.values())))


class _Hand:
    """The calls of a stage: those that are under way, and what has come of others.

    When a node is lost, Ray makes the calls it had anew. But where it is only cut off, Ray may wait for its
    answer for minutes after it was given up: connections are silent, not closed. So calls that were under way
    then are in doubt. They leave room for others, and when nothing else is left they are made twice: what
    they write is the same, and whichever is done first counts.
    """

    def __init__(
        self,
        ray: Any,
        task: Callable[..., Any],  # given options
        calls: Sequence[tuple[Any, ...]],
        memory: Mapping[int, int],
        processors: int,
    ) -> None:
        self.ray, self.task, self.calls = ray, task, calls
        self.memory, self.processors = memory, processors
        self.results: list[Any] = [None] * len(calls)
        self.under_way: dict[Any, int] = {}
        self.begun = 0
        self.nodes: set[str] = set()
        self.doubtful: set[Any] = set()
        self.lost_at = 0.0

    @property
    def done(self) -> bool:
        """Whether every call has its result."""
        return self.begun == len(self.calls) and not self.under_way

    def fill(self, nodes: Mapping[str, Any], size: int) -> None:
        """Begin calls until `size` are under way, and again those in doubt."""
        now = set(nodes)
        self._fit(max((int(node["Resources"].get("CPU", 0)) for node in nodes.values()), default=0))
        if self.nodes - now:
            self.doubtful, self.lost_at = set(self.under_way), time.monotonic()
        self.nodes = now
        while self.begun < len(self.calls) and len(self.under_way) - len(self.doubtful) < size:
            self._begin(self.begun)
            self.begun += 1
        only_doubt = self.doubtful and len(self.doubtful) == len(self.under_way)
        if only_doubt and time.monotonic() - self.lost_at > GRACE:
            for number in sorted(set(self.under_way.values())):
                self._begin(number)

    def _fit(self, processors: int) -> None:
        """Begin all calls again with fewer processors where no node is left that has as many."""
        if 0 < processors < self.processors:
            numbers = sorted(set(self.under_way.values()))
            self.drop(self.under_way)
            self.processors = processors
            for number in numbers:
                self._begin(number)

    def _begin(self, number: int) -> None:
        options: dict[str, Any] = {"num_cpus": self.processors}
        if number in self.memory:
            options["memory"] = self.memory[number]
        self.under_way[self.task(**options).remote(*self.calls[number])] = number

    def take(self, call: Any, result: Any) -> None:
        """Note a result; others that were to give the same are of no use any more."""
        number = self.under_way.pop(call)
        self.doubtful.discard(call)
        self.results[number] = result
        self.drop([other for other, same in self.under_way.items() if same == number])

    def drop(self, calls: Iterable[Any]) -> None:
        """Give calls up."""
        for call in list(calls):
            self.ray.cancel(call, force=True)
            del self.under_way[call]
            self.doubtful.discard(call)
