"""A run on three nodes, of which two are lost while others come; run by test_distributed_ray."""

import sys
import threading
import time
from pathlib import Path

import ray
from ray.cluster_utils import Cluster

from storyclust.distributed import StorySettings, run
from storyclust.distributed.engine import RayRunner

NODE = {"num_cpus": 1, "object_store_memory": 80 << 20}


def holding(function, flag, head):
    """Let the first call that is not on the head say where it is, and wait to be lost with its node."""

    def held(*call):
        here = ray.get_runtime_context().get_node_id()
        if here != head:
            try:
                with flag.open("x") as file:
                    file.write(f"{here} ")
                time.sleep(60)
            except FileExistsError:
                pass
        time.sleep(0.5)  # long enough for the calls behind to go to other nodes
        return function(*call)

    return held


def main(inputs, output, *stages):
    cluster = Cluster(initialize_head=True, head_node_args=NODE)
    others = {node.node_id: node for node in (cluster.add_node(**NODE), cluster.add_node(**NODE))}
    lost_at, comes_at = stages[::2], stages[1::2]
    ray.init(address=cluster.address, log_to_driver=False)
    plain = RayRunner.run

    def tell(line):
        with Path(f"{output}.told").open("a") as file:  # stdout is Ray's too, which writes between two words
            file.write(f"{line}\n")

    def remove(flag):
        until = time.monotonic() + 60
        while time.monotonic() < until:
            if flag.exists() and (node := flag.read_text()).endswith(" "):
                cluster.remove_node(others[node.strip()], allow_graceful=False)
                tell(f"lost with a call in hand: {flag.suffix}")
                return
            time.sleep(0.02)

    def run_stage(self, name, function, calls, needs=None, processors=1):
        if name in comes_at:
            node = cluster.add_node(**NODE)
            others[node.node_id] = node
        if name not in lost_at:
            return plain(self, name, function, calls, needs, processors)
        flag = Path(f"{output}.{name}")
        remover = threading.Thread(target=remove, args=(flag,))
        remover.start()
        try:
            return plain(
                self, name, holding(function, flag, cluster.head_node.node_id), calls, needs, processors
            )
        finally:
            remover.join()

    RayRunner.run = run_stage
    run(inputs, output, stories=StorySettings())
    tell(f"nodes at the end: {sum(node['Alive'] for node in ray.nodes())}")
    ray.shutdown()
    cluster.shutdown()


if __name__ == "__main__":
    main(*sys.argv[1:])
