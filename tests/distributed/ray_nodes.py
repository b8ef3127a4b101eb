"""Runs on one node, on two and on three, of which two are lost while others come; on `ray_machines`.

What it did it tells in a file: stdout is Ray's too, which writes between two words.
"""

import sys
import time
from pathlib import Path

import ray

from storyclust.distributed import StorySettings, run
from storyclust.distributed.engine import RayRunner
from storyclust.errors import StoryclustError

EVERY = 3  # stages from one fault to the next
ENOUGH = 4  # calls for each of three nodes to have one


class Wishes:
    """What `ray_machines` is asked to do."""

    def __init__(self, folder):
        self.folder, self.n = Path(folder), 0

    def flag(self, verb):
        """File to write to; when what it asks for is done, it is called otherwise."""
        self.n += 1
        return self.folder / f"{self.n}.{verb}"

    def ask(self, verb, *words):
        """Ask for something, and wait until it is done."""
        flag = self.flag(verb)
        flag.write_text(" ".join(map(str, words)) + "\n")
        wait_for(fulfilled(flag).exists)

    def add(self):
        """Ask for one more node; returns its id and its address."""
        known = {node["NodeID"] for node in ray.nodes()}
        self.ask("add")
        wait_for(lambda: len(ray.nodes()) > len(known))
        return next(
            (node["NodeID"], node["NodeManagerAddress"])
            for node in ray.nodes()
            if node["NodeID"] not in known
        )


def fulfilled(flag):
    return flag.with_name(f"{flag.stem}-done")


def wait_for(condition, seconds=60):
    until = time.monotonic() + seconds
    while not condition() and time.monotonic() < until:
        time.sleep(0.02)


def noting(function, places):
    """Let calls say where they ran."""

    def noted(*call):
        (places / ray.get_runtime_context().get_node_id()).touch()
        return function(*call)

    return noted


def lingering(function, place):
    """Let calls wait until one has run on a node that is new."""

    def lingered(*call):
        result = function(*call)
        wait_for(place.exists, 20)
        return result

    return lingered


def holding(function, flag, head):
    """Let the first call that is not on the head say where it is, and wait until its node is lost.

    If it is only cut off, it goes on then, and writes what another writes as well.
    """

    def held(*call):
        here = ray.get_runtime_context().get_node_id()
        if here != head and not fulfilled(flag).exists():
            try:
                with flag.open("x") as file:
                    file.write(f"{ray.util.get_node_ip_address()} {here}\n")
                wait_for(fulfilled(flag).exists)
            except FileExistsError:
                pass
        time.sleep(0.5)  # long enough for the calls behind to go to other nodes
        return function(*call)

    return held


def half_blind(inputs, output, wishes, address):
    """Hide a folder from a node, run, and show it again; returns what was said, and what was left behind."""
    said = []
    for folder in (inputs, output):
        wishes.ask("hide", address, folder)
        try:
            run(inputs, output)
        except StoryclustError as error:
            said.append(str(error))
        said += [path.name for path in Path(output).iterdir()]
        wishes.ask("show", address, folder)
    return said


def main(kind, inputs, output, wishes):
    ray.init(log_to_driver=False)
    head = ray.get_runtime_context().get_node_id()
    wishes, told = Wishes(wishes), Path(f"{output}.told")
    places = Path(f"{output}.places")
    places.mkdir()
    plain = RayRunner.run
    faults, since = [], 0

    def tell(line):
        with told.open("a") as file:
            file.write(f"{line}\n")

    def run_stage(self, name, function, calls, needs=None, processors=1):
        nonlocal since
        since += 1
        if not faults or since < EVERY or len(calls) < ENOUGH:
            return plain(self, name, noting(function, places), calls, needs, processors)
        fault = faults[0]
        if fault == "add":
            function = lingering(function, places / wishes.add()[0])
        else:
            flag = wishes.flag(fault)
            function = holding(function, flag, head)
        begun = time.monotonic()
        results = plain(self, name, noting(function, places), calls, needs, processors)
        if fault == "add" or fulfilled(flag).exists():
            tell(f"{fault} in {name}, {time.monotonic() - begun:.1f} s")
            faults.pop(0)
            since = 0
        return results

    RayRunner.run = run_stage
    for count in (1, 2, 3):
        if count > 1:
            _, address = wishes.add()
        if count == 2 and kind == "machines":
            Path(f"{output}2").mkdir()
            for line in half_blind(inputs, f"{output}2", wishes, address):
                tell(line)
        if count == 3:
            faults[:] = ["kill", "add", "cut", "add"]
        begun = time.monotonic()
        run(inputs, f"{output}{count}", stories=StorySettings())
        tell(f"run {count}, {time.monotonic() - begun:.1f} s")
    tell(f"nodes that worked: {len(list(places.iterdir()))}")
    tell(f"nodes at the end: {sum(node['Alive'] for node in ray.nodes())}")
    ray.shutdown()


if __name__ == "__main__":
    main(*sys.argv[1:])
