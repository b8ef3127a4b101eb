"""A run on three nodes, of which one is lost while another one comes; run by test_distributed_ray."""

import sys
import threading
import time
from pathlib import Path

import ray
from ray.cluster_utils import Cluster

from storyclust.distributed import StorySettings, run
from storyclust.distributed.engine import RayRunner

STORE = 80 << 20


def main(inputs, output, flags, lost_at, comes_at):
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "object_store_memory": STORE})
    others = [cluster.add_node(num_cpus=1, object_store_memory=STORE) for _ in range(2)]
    ray.init(address=cluster.address, log_to_driver=False)
    plain = RayRunner.run
    gone = []

    def run_stage(self, name, function, calls):
        if name == comes_at:
            cluster.add_node(num_cpus=1, object_store_memory=STORE)
        if name != lost_at:
            return plain(self, name, function, calls)
        lost = others[0].node_id

        def held(*call):
            """Wait on the node that will be lost, so that it has a call in hand."""
            if ray.get_runtime_context().get_node_id() == lost:
                Path(flags, "here").touch()
                time.sleep(60)
            return function(*call)

        def remove():
            limit = time.monotonic() + 60
            while time.monotonic() < limit and not Path(flags, "here").exists():
                time.sleep(0.02)
            gone.append(Path(flags, "here").exists())
            cluster.remove_node(others[0], allow_graceful=False)

        thread = threading.Thread(target=remove)
        thread.start()
        try:
            return plain(self, name, held, calls)
        finally:
            thread.join()

    RayRunner.run = run_stage
    run(inputs, output, stories=StorySettings())
    print("lost with a call in hand" if gone == [True] else f"nothing was lost: {gone}")
    print("nodes at the end:", sum(node["Alive"] for node in ray.nodes()))
    ray.shutdown()
    cluster.shutdown()


if __name__ == "__main__":
    main(*sys.argv[1:])
