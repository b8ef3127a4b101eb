"""Runs stages on a Ray cluster, or on one started on this machine.

A call is a function with addresses and a few numbers; its result is a file. So a lost worker or node costs
only the calls it had in progress, which are repeated elsewhere.
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
from storyclust.distributed.stages import DEFAULT_MEMORY
from storyclust.errors import MissingExtraError, StoryclustError, StoryclustWarning

MAX_RETRIES = 8  # of a call whose worker or node was lost
RESUBMIT_SECONDS = 5.0  # for Ray to repeat the calls of a lost node, before they are submitted again
NO_PROCESSOR_SECONDS = 30.0  # without any processor, before a warning
MIN_UTILIZATION = 0.8  # of the cluster's processors, where each call takes as many as a node has
MEMORY_STEP = 64 << 20  # to multiples of which reservations are rounded up
CALLS_PER_PROCESSOR = 2  # submitted at once: one that runs, and one that waits
OBJECT_STORE_BYTES = 256 << 20  # of a cluster started here: only lists of addresses are stored


class ClusterError(StoryclustError, RuntimeError):
    """A call was lost repeatedly, or a node cannot access the files."""


def import_ray() -> Any:
    """Import Ray, or raise an error that names the extra."""
    try:
        import pyarrow  # noqa: F401 - files are read and written through it
        import ray
        import ray.util.scheduling_strategies
    except ImportError:
        raise MissingExtraError("running on a cluster", "ray") from None
    return ray


@contextmanager
def cluster(n_jobs: int | None = -1) -> Iterator[RayRunner]:
    """Connect to the current cluster, to that of ``RAY_ADDRESS``, or start one on this machine.

    Parameters
    ----------
    n_jobs : int or None, default=-1
        Processors of a cluster that is started here: None for one, -1 for all.

    Yields
    ------
    runner : RayRunner
    """
    ray = import_ray()
    owned = not ray.is_initialized()
    if owned:
        # Neither Ray's own messages nor the output of workers are of use to users.
        settings: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR}
        if "RAY_ADDRESS" in os.environ:
            ray.init(**settings)
        else:
            ray.init(
                "local",
                num_cpus=effective_jobs(n_jobs),
                object_store_memory=OBJECT_STORE_BYTES,
                include_dashboard=False,
                **settings,
            )
    try:
        yield RayRunner(ray)
    finally:
        if owned:
            ray.shutdown()


class RayRunner:
    """Runs stages as Ray tasks."""

    def __init__(self, ray: Any) -> None:
        self.ray = ray
        self.checked: set[str] = set()  # nodes
        self.no_processor_since = math.inf
        self.warned = False
        self.check: tuple[Callable[..., str], tuple[Any, ...]] | None = None

    @property
    def width(self) -> int:
        """Processors of the cluster at this moment."""
        return _processors(self._live_nodes())

    @property
    def memory(self) -> int:
        """Memory for each processor, on the node with the least."""
        return min((memory // cpus for memory, cpus in self._node_sizes()), default=DEFAULT_MEMORY)

    @property
    def processors(self) -> int:
        """Processors of a node, chosen so that calls with as many occupy most of the cluster."""
        sizes = [cpus for _, cpus in self._node_sizes()]
        used = {size: sum(cpus // size for cpus in sizes) * size for size in sizes}
        return max((size for size in used if used[size] >= MIN_UTILIZATION * sum(sizes)), default=1)

    def _node_sizes(self) -> list[tuple[int, int]]:
        """Memory and processors of every node that has a processor."""
        nodes = [node["Resources"] for node in self._live_nodes().values()]
        return [
            (int(node.get("memory", DEFAULT_MEMORY)), int(node["CPU"]))
            for node in nodes
            if node.get("CPU", 0) >= 1
        ]

    def _live_nodes(self) -> dict[str, Any]:
        return {node["NodeID"]: node for node in self.ray.nodes() if node["Alive"]}

    def share(self, value: Any) -> Any:
        """Store a value once, instead of sending it with every call."""
        return self.ray.put(value)

    def check_nodes(self, function: Callable[..., str], *args: Any) -> None:
        """Call a function on every node, and on nodes that join later; it returns a problem, or "".

        Raises
        ------
        ClusterError
            If a node has a problem.
        """
        self.checked, self.check = set(), (function, args)
        self._check_new_nodes()

    def _check_new_nodes(self) -> None:
        if self.check is None:
            return
        function, args = self.check
        task = self.ray.remote(function)
        affinity = self.ray.util.scheduling_strategies.NodeAffinitySchedulingStrategy
        new = {
            name: node
            for name, node in self._live_nodes().items()
            if name not in self.checked and node["Resources"].get("CPU")
        }
        calls = [
            task.options(num_cpus=0, scheduling_strategy=affinity(node, soft=False)).remote(*args)
            for node in new
        ]
        for node, call in zip(new.values(), calls, strict=True):
            # `get` alone would wait far too long for a node that loses its connection at this moment.
            while not self.ray.wait([call], timeout=0.5)[0] and node["NodeID"] in self._live_nodes():
                pass
            try:
                problem = self.ray.get(call, timeout=0.5)
            except self.ray.exceptions.RayTaskError:
                raise
            except self.ray.exceptions.RayError:
                continue  # the node is lost, and its calls will be repeated elsewhere
            if problem:
                raise ClusterError(f"node {node['NodeManagerAddress']} {problem}.")
            self.checked.add(node["NodeID"])

    def run(
        self,
        name: str,
        function: Callable[..., Any],
        calls: Sequence[tuple[Any, ...]],
        needs: Sequence[int] | None = None,
        processors: int = 1,
    ) -> list[Any]:
        """Call a function with each tuple of arguments; see `Runner.run`.

        A call waits for a node that has as much memory free as it needs.

        Raises
        ------
        StoryclustError
            Raised by a call; or ClusterError, if its worker was lost repeatedly or could not read or write a
            file, or if no node has enough memory.
        """
        self._check_new_nodes()
        task = partial(self.ray.remote(function).options, max_retries=MAX_RETRIES, name=name)
        stage_calls = _StageCalls(self.ray, task, calls, self._memory_of_calls(name, needs or ()), processors)
        try:
            with stage(name, len(calls)) as advance:
                while not stage_calls.done:
                    nodes = self._live_nodes()
                    self._warn_without_processors(nodes)
                    stage_calls.submit(nodes, CALLS_PER_PROCESSOR * _processors(nodes))
                    # The timeout lets Ctrl-C interrupt, and gives calls to new nodes.
                    ready, _ = self.ray.wait(list(stage_calls.pending), timeout=0.5)
                    for call in ready:
                        if call in stage_calls.pending:
                            stage_calls.finish(call, self._result(name, call))
                            advance(1)
        finally:
            stage_calls.cancel(stage_calls.pending)
        return stage_calls.results

    def _warn_without_processors(self, nodes: Mapping[str, Any]) -> None:
        """Warn once if the cluster has no processor for a while; an autoscaling cluster starts with none."""
        if any(node["Resources"].get("CPU") for node in nodes.values()):
            self.no_processor_since = math.inf
            return
        self.no_processor_since = min(self.no_processor_since, time.monotonic())
        if not self.warned and time.monotonic() - self.no_processor_since >= NO_PROCESSOR_SECONDS:
            message = "no node of the cluster has had a processor for a while; calls wait until one comes."
            warnings.warn(message, StoryclustWarning, stacklevel=2)
            self.warned = True

    def _memory_of_calls(self, name: str, needs: Sequence[int]) -> list[int]:
        """Return the memory that calls reserve, so that together they never need more than a node has.

        It is rounded, because Ray schedules calls with equal reservations together.
        """
        largest = max((memory for memory, _ in self._node_sizes()), default=math.inf)
        if max(needs, default=0) > largest:
            raise ClusterError(
                f"a call of {name} needs {max(needs) / 1e9:,.1f} GB of memory, and the largest node "
                f"has {largest / 1e9:,.1f} GB: add one that has more, and run this again."
            )
        return [int(min(-(-need // MEMORY_STEP) * MEMORY_STEP, largest)) for need in needs]

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
            raise ClusterError(
                f"the cluster lost a call of {name} {MAX_RETRIES + 1} times: {first}"
            ) from error


def _processors(nodes: Mapping[str, Any]) -> int:
    return max(1, int(sum(node["Resources"].get("CPU", 0) for node in nodes.values())))


class _StageCalls:
    """The pending calls of a stage, and the results of finished ones.

    When a node is lost, Ray repeats its calls. But if the node only lost its connection, Ray may wait minutes
    for it even after giving it up, because its connections are silent, not closed. So calls that were pending
    at that time are uncertain: others may be submitted in their place, and when no others are left they are
    submitted again. Both copies write the same file, and the first to finish counts.
    """

    def __init__(
        self,
        ray: Any,
        task: Callable[..., Any],  # takes options
        calls: Sequence[tuple[Any, ...]],
        memory: Sequence[int],  # of each call, or nothing
        processors: int,
    ) -> None:
        self.ray, self.task, self.calls = ray, task, calls
        self.memory, self.processors = memory, processors
        self.results: list[Any] = [None] * len(calls)
        self.pending: dict[Any, int] = {}
        self.submitted = 0
        self.nodes: set[str] = set()
        self.uncertain: set[Any] = set()
        self.lost_at = 0.0

    @property
    def done(self) -> bool:
        """Whether every call has its result."""
        return self.submitted == len(self.calls) and not self.pending

    def submit(self, nodes: Mapping[str, Any], size: int) -> None:
        """Submit calls until `size` are pending, and uncertain ones again if no others are left."""
        live = set(nodes)
        self._fit([node["Resources"] for node in nodes.values() if node["Resources"].get("CPU", 0) >= 1])
        if self.nodes - live:
            self.uncertain, self.lost_at = set(self.pending), time.monotonic()
        self.nodes = live
        while self.submitted < len(self.calls) and len(self.pending) - len(self.uncertain) < size:
            self._submit_call(self.submitted)
            self.submitted += 1
        all_uncertain = self.uncertain and len(self.uncertain) == len(self.pending)
        if all_uncertain and time.monotonic() - self.lost_at > RESUBMIT_SECONDS:
            for number in sorted(set(self.pending.values())):
                self._submit_call(number)

    def _fit(self, nodes: Sequence[Mapping[str, float]]) -> None:
        """Submit all calls again with less, if no node has as many processors or as much memory any more."""
        if not nodes:
            return
        processors = min(self.processors, int(max(node["CPU"] for node in nodes)))
        memory = int(max(node.get("memory", DEFAULT_MEMORY) for node in nodes if node["CPU"] >= processors))
        if processors < self.processors or memory < max(self.memory, default=0):
            numbers = sorted(set(self.pending.values()))
            self.cancel(self.pending)
            self.processors = processors
            self.memory = [min(memory, each) for each in self.memory]
            for number in numbers:
                self._submit_call(number)

    def _submit_call(self, number: int) -> None:
        options: dict[str, Any] = {"num_cpus": self.processors}
        if self.memory:
            options["memory"] = self.memory[number]
        self.pending[self.task(**options).remote(*self.calls[number])] = number

    def finish(self, call: Any, result: Any) -> None:
        """Keep a result, and cancel other copies of the call."""
        number = self.pending.pop(call)
        self.uncertain.discard(call)
        self.results[number] = result
        self.cancel([other for other, same in self.pending.items() if same == number])

    def cancel(self, calls: Iterable[Any]) -> None:
        """Cancel calls."""
        for call in list(calls):
            self.ray.cancel(call, force=True)
            del self.pending[call]
            self.uncertain.discard(call)
