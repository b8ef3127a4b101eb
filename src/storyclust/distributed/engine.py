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
from storyclust.distributed.stages import MEMORY
from storyclust.errors import MissingExtraError, StoryclustError

RETRIES = 8  # of a call whose worker or node was lost
USED = 0.8  # of a cluster's processors, at least, where calls take as many as a node has
AHEAD = 2  # calls for each processor that are under way or wait for one
OBJECTS = 256 << 20  # bytes of the object store of a cluster of our own: only lists of addresses go there


class ClusterError(StoryclustError, RuntimeError):
    """The cluster lost a call again and again."""


def import_ray() -> Any:
    """Import Ray, or name the extra that brings it."""
    try:
        import pyarrow  # noqa: F401 - files are read and written through it
        import ray
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

    @property
    def width(self) -> int:
        """Processors of the cluster as it is now."""
        return max(1, int(self.ray.cluster_resources().get("CPU", 1)))

    @property
    def memory(self) -> int:
        """Bytes for each processor of the node that has least."""
        return min((memory // cpus for memory, cpus in self._nodes()), default=MEMORY)

    @property
    def processors(self) -> int:
        """Processors of a node, so that calls for as many leave few of the cluster's without work."""
        sizes = [cpus for _, cpus in self._nodes()]
        used = {size: sum(cpus // size for cpus in sizes) * size for size in sizes}
        return max((size for size in used if used[size] >= USED * sum(sizes)), default=1)

    def _nodes(self) -> list[tuple[int, int]]:
        """Bytes and processors of every node that can run calls."""
        nodes = [node["Resources"] for node in self.ray.nodes() if node["Alive"]]
        return [
            (int(node.get("memory", MEMORY)), int(node["CPU"])) for node in nodes if node.get("CPU", 0) >= 1
        ]

    def share(self, value: Any) -> Any:
        """Send a value once, and not with every call."""
        return self.ray.put(value)

    def run(
        self,
        name: str,
        function: Callable[..., Any],
        calls: Sequence[tuple[Any, ...]],
        needs: Sequence[int] | None = None,
        processors: int = 1,
    ) -> list[Any]:
        """Call a function with each tuple of arguments, a few for each processor at a time.

        A call that needs more than its processor's share of memory waits for a node that has it to spare.

        Raises
        ------
        StoryclustError
            What a call raises; or ClusterError, if its worker was lost again and again, or if no node has
            the memory for it.
        """
        task = self.ray.remote(function).options(num_cpus=processors, max_retries=RETRIES, name=name)
        large = self._large(name, needs or ())
        results: list[Any] = [None] * len(calls)
        under_way: dict[Any, int] = {}
        begun = 0
        try:
            with stage(name, len(calls)) as advance:
                while under_way or begun < len(calls):
                    while begun < len(calls) and len(under_way) < AHEAD * self.width:
                        one = task.options(memory=large[begun]) if begun in large else task
                        under_way[one.remote(*calls[begun])] = begun
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

    def _large(self, name: str, needs: Sequence[int]) -> dict[int, int]:
        """Calls that need more than their share, and how much."""
        share = self.memory
        large = {k: need for k, need in enumerate(needs) if need > share}
        most = max((memory for memory, _ in self._nodes()), default=0)
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
            raise
        except self.ray.exceptions.RayError as error:
            first = str(error).strip().partition("\n")[0]
            raise ClusterError(f"the cluster lost a call of {name} {RETRIES + 1} times: {first}") from error
