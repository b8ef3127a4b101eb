"""Runs on two nodes, of which one does not see a folder; on machines of `ray_machines`."""

import sys
from pathlib import Path

import ray

from ray_nodes import Wishes
from storyclust.distributed import run
from storyclust.errors import StoryclustError


def main(inputs, output, wishes):
    ray.init(log_to_driver=False)
    wishes = Wishes(wishes)
    _, address = wishes.add()

    def tell(line):
        with Path(f"{output}.told").open("a") as file:
            file.write(f"{line}\n")

    for folder in (inputs, output):
        wishes.ask("hide", address, folder)
        try:
            run(inputs, output)
        except StoryclustError as error:
            tell(error)
        tell(f"left: {sorted(path.name for path in Path(output).iterdir())}")
        wishes.ask("show", address, folder)
    tell(run(inputs, output))
    ray.shutdown()


if __name__ == "__main__":
    main(*sys.argv[1:])
