"""Ray: runs the stages on a cluster, or on a small one of this machine, and on whatever is left of it.

A call is a function, some addresses and a few numbers; what it finds is in files. So a worker or a node that
is lost costs the calls it had in hand, which are made again elsewhere, and nothing else.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from storyclust.chunks import effective_jobs, stage
from storyclust.errors import MissingExtraError, StoryclustError

RETRIES = 8  # of a call whose worker or node was lost
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
        self.question: tuple[Callable[..., str], tuple[Any, ...]] | None = None

    @property
    def width(self) -> int:
        """Processors of the cluster as it is now."""
        return max(1, int(self.ray.cluster_resources().get("CPU", 1)))

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
        alive = [node for node in self.ray.nodes() if node["Alive"] and node["Resources"].get("CPU")]
        fresh = {node["NodeID"]: node for node in alive if node["NodeID"] not in self.met}
        calls = [
            task.options(num_cpus=0, scheduling_strategy=pin(node, soft=False)).remote(*args) for node in fresh
        ]
        for node, call in zip(fresh.values(), calls, strict=True):
            try:
                amiss = self.ray.get(call)
            except self.ray.exceptions.RayTaskError:
                raise
            except self.ray.exceptions.RayError:
                continue  # it is gone, and its calls will be made elsewhere
            if amiss:
                raise ClusterError(f"node {node['NodeManagerAddress']} {amiss}.")
            self.met.add(node["NodeID"])

    def run(self, name: str, function: Callable[..., Any], calls: Sequence[tuple[Any, ...]]) -> list[Any]:
        """Call a function with each tuple of arguments, a few for each processor at a time.

        Raises
        ------
        StoryclustError
            What a call raises; or ClusterError, if its worker was lost again and again, or could not read or
            write a file.
        """
        self._meet()
        task = self.ray.remote(function).options(num_cpus=1, max_retries=RETRIES, name=name)
        results: list[Any] = [None] * len(calls)
        under_way: dict[Any, int] = {}
        begun = 0
        try:
            with stage(name, len(calls)) as advance:
                while under_way or begun < len(calls):
                    while begun < len(calls) and len(under_way) < AHEAD * self.width:
                        under_way[task.remote(*calls[begun])] = begun
                        begun += 1
                    # Woken now and then, so that Ctrl-C is heard and new nodes get calls.
                    done, _ = self.ray.wait(list(under_way), timeout=0.5)
                    for call in done:
                        results[under_way.pop(call)] = self._result(name, call)
                        advance(1)
        finally:
            for call in under_way:
                self.ray.cancel(call, force=True)
        return results

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
