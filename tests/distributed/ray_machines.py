"""Machines for a cluster: network namespaces with addresses of their own on this machine, joined by a bridge.

Run as a script, it starts the first machine, then another script there, and does what that asks for: add a
machine, take the power of one, or its link, or hide a folder from it. It is to be run as the first process of
namespaces of its own (`ISOLATED`): nothing it makes is to be seen outside, no packet leaves, and whatever
ends it ends everything.
"""

import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ISOLATED = ["unshare", "--mount", "--net", "--pid", "--fork", "--kill-child", "--mount-proc"]
PORT = 6379
NODE = ["--num-cpus=1", f"--object-store-memory={80 << 20}", "--disable-usage-stats"]
# Ray takes a minute to give up a node that has fallen silent; this is for tests.
HEALTH = {
    "RAY_health_check_initial_delay_ms": "1000",
    "RAY_health_check_period_ms": "500",
    "RAY_health_check_timeout_ms": "1500",
    "RAY_health_check_failure_threshold": "3",
}


def missing():
    """Return why there can be no such machines here, or nothing."""
    if not sys.platform.startswith("linux") or os.geteuid() != 0:
        return "network namespaces are for root on Linux"
    if not all(map(shutil.which, ("ip", "unshare", "nsenter", "mount"))):
        return "network namespaces are made by ip, unshare, nsenter and mount"
    tried = (
        "ip link add br0 type bridge",
        "ip link add x type veth peer name y",
        "mount -t tmpfs none /dev/shm",
    )
    command = [*ISOLATED, "sh", "-c", " && ".join(tried)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return f"namespaces cannot be had here: {done.stderr.strip()}" if done.returncode else ""


def sh(*command):
    subprocess.run(list(map(str, command)), check=True, stdin=subprocess.DEVNULL)


class Machine:
    """A network, hostname, processes, /dev/shm and /tmp/ray of its own; all other files are everyone's."""

    def __init__(self, number):
        self.address, self.link = f"198.18.0.{number}", f"link{number}"
        Path("/tmp/ray").mkdir(exist_ok=True)  # noqa: S108 - to be hidden by one of its own
        lasting = f"""hostname node{number}; mount -t tmpfs none /dev/shm; mount -t tmpfs none /tmp/ray
            echo on; exec sleep infinity"""
        own = ["unshare", "--net", "--mount", "--pid", "--uts", "--fork", "--kill-child", "--mount-proc"]
        self.power = subprocess.Popen([*own, "sh", "-c", lasting], stdout=subprocess.PIPE, text=True)
        assert self.power.stdout.readline() == "on\n"
        self.first = Path(f"/proc/{self.power.pid}/task/{self.power.pid}/children").read_text().strip()
        sh("ip", "link", "add", self.link, "type", "veth", "peer", "name", "eth0", "netns", self.first)
        sh("ip", "link", "set", self.link, "master", "br0", "up")
        for command in (
            "ip link set lo up",
            f"ip addr add {self.address}/24 dev eth0",
            "ip link set eth0 up",
            "ip route add default dev eth0",  # Ray finds its own address by it; the bridge leads nowhere else
        ):
            sh(*self.inside(*command.split()))

    def inside(self, *command):
        return ["nsenter", "-t", self.first, "-n", "-m", "-p", "-u", *command]

    def start(self, *options):
        ray = [sys.executable, "-m", "ray.scripts.scripts", "start", *options, *NODE]
        done = subprocess.run(
            self.inside(*ray, f"--node-ip-address={self.address}"),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr


class Machines:
    """All of them, by their addresses; the first is the head."""

    def __init__(self):
        os.environ.update(HEALTH, RAY_AUTH_MODE="token", RAY_AUTH_TOKEN=secrets.token_hex(32))
        sh("ip", "link", "add", "br0", "type", "bridge")
        sh("ip", "link", "set", "br0", "up")
        self.all = {}
        head = self._made()
        head.start("--head", f"--port={PORT}", "--include-dashboard=false")
        self.head, self.environment = head, {"RAY_ADDRESS": "auto"}

    def _made(self):
        machine = Machine(len(self.all) + 1)
        self.all[machine.address] = machine
        return machine

    def inside(self, *command):
        """How a command is run on the head."""
        return self.head.inside(*command)

    def add(self):
        """A machine more."""
        self._made().start(f"--address={self.head.address}:{PORT}")

    def hide(self, address, folder):
        """Let a machine see another folder in the place of one."""
        sh(*self.all[address].inside("mount", "-t", "tmpfs", "none", folder))

    def show(self, address, folder):
        """Let it see the folder again."""
        sh(*self.all[address].inside("umount", folder))

    def kill(self, address, node):
        """Take a machine's power: every process of it ends at once."""
        self.all[address].power.kill()

    def cut(self, address, node):
        """Take a machine's link: it lives on, and nobody hears of it."""
        sh("ip", "link", "set", self.all[address].link, "down")


class Processes:
    """What stands for machines where there are no namespaces: nodes of one address, that are ended."""

    def __init__(self):
        from ray.cluster_utils import Cluster

        self.node = {"num_cpus": 1, "object_store_memory": 80 << 20}
        self.cluster = Cluster(initialize_head=True, head_node_args=self.node)
        self.all, self.environment = {}, {"RAY_ADDRESS": self.cluster.address}

    def inside(self, *command):
        return list(command)

    def add(self):
        node = self.cluster.add_node(**self.node)
        self.all[node.node_id] = node

    def kill(self, address, node):
        self.cluster.remove_node(self.all[node], allow_graceful=False)

    cut = kill


def serve(machines, wishes, *command):
    """Run a command on the head and fulfil its wishes, files named by a number and what is to be done."""
    env = os.environ | machines.environment
    driver = subprocess.Popen(machines.inside(*command), env=env)
    while driver.poll() is None:
        time.sleep(0.02)
        for wish in sorted(wishes.glob("*.*")):
            if (words := wish.read_text()).endswith("\n"):
                getattr(machines, wish.suffix[1:])(*words.split())
                wish.rename(wishes / f"{wish.stem}-done")
    return driver.returncode


def main(kind, script, *arguments):
    machines = {"machines": Machines, "processes": Processes}[kind]()
    with tempfile.TemporaryDirectory() as folder:
        code = serve(machines, Path(folder), sys.executable, script, kind, *arguments, folder)
    if kind == "processes":
        machines.cluster.shutdown()
    sys.exit(code)


if __name__ == "__main__":
    main(*sys.argv[1:])
