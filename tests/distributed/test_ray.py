"""The engine on Ray: the same results on nodes of this machine, whichever of them are lost."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import ray_machines

import storyclust as sc
from storyclust.cli.app import main
from storyclust.datasets.newswire import make_newswire
from storyclust.errors import InputError, StoryclustWarning

ray = pytest.importorskip("ray", reason="a cluster needs Ray")

from storyclust.distributed import StorySettings, engine, run, shard_parts  # noqa: E402 - after Ray is known to be there
from storyclust.distributed.engine import ClusterError, RayRunner, cluster  # noqa: E402

pytestmark = pytest.mark.cluster
N = 400
SOON = "RAY_raylet_check_for_unexpected_worker_disconnect_interval_ms"  # how soon a worker's end is seen


@pytest.fixture(scope="module", autouse=True)
def one_node():
    """One small cluster for all tests here."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault(SOON, "50")
    with cluster(3):
        yield


@pytest.fixture(scope="module")
def wire():
    return [article.to_record() for article in make_newswire(N, random_state=5)]


@pytest.fixture
def shards(tmp_path, wire):
    return write_shards(tmp_path / "in", wire, 4)


def write_shards(folder, records, n):
    folder.mkdir()
    for k in range(n):
        some = records[k * len(records) // n : (k + 1) * len(records) // n]
        lines = "".join(json.dumps(record, default=str) + "\n" for record in some)
        (folder / f"{k}.jsonl").write_text(lines, encoding="utf-8")
    return folder


def originals(folder):
    return [article.record["duplicate_of"] for article in sc.iter_articles(str(folder / "*.jsonl"))]


def expected(folder):
    articles = list(sc.iter_articles(folder))
    kept = sc.Deduplicator(excerpts="ignore").fit(articles).representatives_
    return [None if row == kept[row] else articles[kept[row]].id for row in range(len(articles))]


def stories_of(folder):
    """Original, event and thread of every article, as one machine has them."""
    articles = list(sc.iter_articles(folder))
    stories = sc.StoryClusterer().fit(articles)
    kept = stories.deduplicator_.representatives_
    names = [None if row == kept[row] else articles[kept[row]].id for row in range(len(articles))]
    return list(zip(names, stories.event_labels_.tolist(), stories.labels_.tolist(), strict=True))


def labels_in(folder):
    """The same, as labelled shards have them."""
    fields = ("duplicate_of", "event", "thread")
    articles = sc.iter_articles(str(folder / "*.jsonl"))
    return [tuple(article.record[name] for name in fields) for article in articles]


@pytest.fixture(scope="module")
def right(tmp_path_factory, wire):
    """What one machine says of the wire."""
    return stories_of(write_shards(tmp_path_factory.mktemp("right") / "in", wire, 4))


def test_stories_are_those_of_one_machine(tmp_path, shards, right):
    report = run(shards, tmp_path / "out", stories=StorySettings())
    assert labels_in(tmp_path / "out") == right
    assert report.threads == len({thread for _, _, thread in right})
    assert report.events == len({event for _, event, _ in right})


def test_labelled_shards_are_those_of_one_machine(tmp_path, shards):
    report = run(shards, tmp_path / "out")
    assert originals(tmp_path / "out") == expected(shards)
    assert report.articles == N
    assert report.copies == sum(name is not None for name in originals(tmp_path / "out"))
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert [entry["articles"] for entry in manifest["shards"]] == [N // 4] * 4
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        *(f"{k}.jsonl" for k in range(4)),
        "manifest.json",
    ]


def test_what_is_finished_is_kept_and_what_is_damaged_is_done_again(tmp_path, shards):
    out = tmp_path / "out"
    run(shards, out)
    before = {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in out.iterdir()}
    assert run(shards, out).bytes_read == {}
    assert {path.name: path.stat().st_mtime_ns for path in out.iterdir()} == {
        k: v[1] for k, v in before.items()
    }
    (out / "2.jsonl").write_bytes(before["2.jsonl"][0][:100])
    assert run(shards, out).bytes_read != {}
    assert {path.name: path.read_bytes() for path in out.iterdir()} == {k: v[0] for k, v in before.items()}
    kept = [name for name in before if (out / name).stat().st_mtime_ns == before[name][1]]
    assert {"0.jsonl", "1.jsonl", "3.jsonl"} <= set(kept)


def test_a_shard_that_cannot_be_read_is_named_and_set_aside(tmp_path, shards):
    (shards / "1.jsonl").unlink()
    (shards / "1.jsonl").symlink_to(tmp_path / "nowhere")
    with pytest.raises(InputError, match=r"cannot read .*1\.jsonl"):
        run(str(shards / "*.jsonl"), tmp_path / "out")
    report = run(str(shards / "*.jsonl"), tmp_path / "out", rejects=tmp_path / "rejects.jsonl")
    assert [entry["output"] for entry in report.shards] == ["0.jsonl", None, "2.jsonl", "3.jsonl"]
    assert report.articles == N - N // 4
    assert "1.jsonl:0: the shard cannot be read" in report.messages[0]
    assert json.loads((tmp_path / "rejects.jsonl").read_text())["path"] == str(shards / "1.jsonl")
    assert run(str(shards / "*.jsonl"), tmp_path / "out", rejects=tmp_path / "rejects.jsonl").bytes_read == {}


def test_a_field_that_no_shard_has_is_an_error(tmp_path, shards):
    with pytest.raises(InputError, match="no record has the field 'lede' named for text"):
        run(shards, tmp_path / "out", fields={"text": "lede"})


def test_output_does_not_go_where_input_is(tmp_path, shards):
    with pytest.raises(InputError, match="is where"):
        run(shards, shards)


def test_the_command_line(tmp_path, shards, capsys):
    assert main(["dedup", "--engine", "ray", str(shards), "-o", str(tmp_path / "out")]) == 0
    assert originals(tmp_path / "out") == expected(shards)
    assert main(["dedup", "--engine", "ray", str(shards)]) == 2
    assert "-o FOLDER" in capsys.readouterr().err
    assert main(["dedup", "--engine", "ray", "--exact", str(shards), "-o", str(tmp_path / "out")]) == 2
    assert "--exact is for --engine local only" in capsys.readouterr().err


def test_a_cluster_without_processors_is_warned_of_once(monkeypatch):
    runner = RayRunner(ray)
    assert runner.width == 3
    head = {"head": {"Resources": {"memory": 1.0}}}
    runner._warn_without_processors(head)
    monkeypatch.setattr(engine, "NO_PROCESSOR_SECONDS", 0.0)
    with pytest.warns(StoryclustWarning, match="calls wait until one comes"):
        runner._warn_without_processors(head)
    runner._warn_without_processors(head)  # a second warning would be an error


def test_a_call_that_wants_more_processors_than_any_node_has_gets_those_there_are():
    with cluster() as runner:
        assert runner.processors == 3
        assert runner.run("wide", lambda number: -number, [(-1,), (-2,)], processors=8) == [1, 2]


def test_calls_get_what_the_largest_node_that_is_left_has():
    asked = []

    def task(**options):
        asked.append(options)
        return ray.remote(lambda number: number).options(num_cpus=1)

    calls = engine._StageCalls(ray, task, [(1,), (2,)], [8 << 30, 1 << 20], processors=4)
    large = {"Resources": {"CPU": 4.0, "memory": float(9 << 30)}}
    small = {"Resources": {"CPU": 2.0, "memory": float(2 << 30)}}
    calls.submit({"head": {"Resources": {}}}, 0)
    calls.submit({"a": large, "b": small}, 1)
    calls.submit({"b": small}, 2)
    for call, number in list(calls.pending.items()):
        calls.finish(call, number)
    assert calls.done
    assert [tuple(options.values()) for options in asked] == [(4, 8 << 30), (2, 2 << 30), (2, 1 << 20)]


def test_a_call_that_needs_more_memory_than_any_node_has_is_refused():
    with cluster() as runner:
        assert runner.run("large", lambda number: -number, [(-1,), (-2,)], needs=[1, 2 * runner.memory]) == [
            1,
            2,
        ]
        with pytest.raises(
            ClusterError, match=r"a call of large needs 1,125,899.9 GB of memory, and the largest"
        ):
            runner.run("large", lambda: None, [()], needs=[1 << 50])


def test_calls_that_reserve_more_than_half_of_the_memory_run_one_after_the_other(tmp_path):
    def call(number):
        with (tmp_path / "log").open("a") as log:
            log.write("(")
        time.sleep(0.3)
        with (tmp_path / "log").open("a") as log:
            log.write(")")
        return number

    with cluster() as runner:
        needs = [2 * runner.memory] * 4
        assert runner.run("large", call, [(k,) for k in range(4)], needs) == [0, 1, 2, 3]
    assert (tmp_path / "log").read_text() == "()()()()"


# Faults ----------------------------------------------------------------------------------------


def killing(monkeypatch, folder):
    """Let every stage lose a worker: in turn one that has not done its work, and one that has."""
    plain = RayRunner.run

    def run_stage(self, name, function, calls, needs=None, processors=1):
        after = len(list(folder.iterdir())) % 2

        def killed_once():
            try:
                (folder / name).touch(exist_ok=False)
            except FileExistsError:
                return
            os.kill(os.getpid(), signal.SIGKILL)

        def doomed(*call):
            if not after:
                killed_once()
            result = function(*call)
            if after:
                killed_once()
            return result

        return plain(self, name, doomed, calls, needs, processors)

    monkeypatch.setattr(RayRunner, "run", run_stage)


COPIES = ("parts", "sketches", "names", "duplicates", "bands", "verification", "pair-bins", "groups")
CLEANING = ("sample-bounds", "text-samples", "furniture", "spans")
VECTORS = ("terms", "weights", "vectors", "samples", "blocks")
STORIES = (
    "similarities",
    "neighbours",
    "edges",
    "event-edges",
    "nearest",
    "scales",
    "thread-edges",
    "forests",
    "edge-bins",
    "merging",
    "contraction",
    "gathering",
)


def test_a_worker_killed_in_every_stage_is_made_good(tmp_path, monkeypatch, shards, right):
    monkeypatch.setattr(shard_parts, "LARGE_SHARD", 1)
    monkeypatch.setattr(shard_parts, "PART_ARTICLES", 70)
    flags = tmp_path / "flags"
    flags.mkdir()
    killing(monkeypatch, flags)
    run(shards, tmp_path / "out", stories=StorySettings())
    assert {flag.name for flag in flags.iterdir()} == {*COPIES, *CLEANING, *VECTORS, *STORIES, "labels"}
    assert labels_in(tmp_path / "out") == right


def child(*command, stdout=subprocess.PIPE, stderr=subprocess.PIPE):
    """Start a process that sees this package and no cluster."""
    env = {name: value for name, value in os.environ.items() if name != "RAY_ADDRESS"}
    env["PYTHONPATH"] = os.pathsep.join(path for path in sys.path if path)
    return subprocess.Popen(list(map(str, command)), env=env, stdout=stdout, stderr=stderr, text=True)


# Nodes -----------------------------------------------------------------------------------------

HERE = Path(__file__).parent
NO_MACHINES = ray_machines.missing()


@pytest.fixture(scope="module", autouse=True)
def started_nodes(request, tmp_path_factory, wire):
    """Start three runs on nodes that are lost, if a test asks for them. They take a minute of waiting.

    So they begin with the first test. Yields their folder and their process.
    """
    if not any("nodes" in item.fixturenames for item in request.session.items):
        yield None
        return
    folder = tmp_path_factory.mktemp("nodes")
    inputs = write_shards(folder / "in", wire, 4)
    kind, isolated = ("processes", []) if NO_MACHINES else ("machines", ray_machines.ISOLATED)
    scripts = [HERE / "ray_machines.py", kind, HERE / "ray_nodes.py"]
    with (folder / "errors").open("w") as errors:
        command = [*isolated, sys.executable, *scripts, inputs, folder / "out"]
        started = child(*command, stdout=subprocess.DEVNULL, stderr=errors)
        try:
            yield folder, started
        finally:
            started.kill()  # and all that was started there with it
            started.wait()


@pytest.fixture(scope="module")
def nodes(started_nodes):
    """Folder of three runs, and of what `ray_nodes` told of them."""
    folder, started = started_nodes
    assert started.wait(timeout=240) == 0, (folder / "errors").read_text()
    return folder


def test_nodes_that_are_lost_are_made_good(nodes, right):
    """On one, two and three nodes; of the three one loses its processes, one its link."""
    said = (nodes / "out.told").read_text()
    done = re.findall(r"(kill|cut|add) in (\w+)", said)
    assert [fault for fault, _ in done] == ["kill", "add", "cut", "add"], said
    assert len({stage for _, stage in done}) == 4
    assert "nodes that worked: 5" in said, "those that came, too"
    assert "nodes at the end: 3" in said
    for count in (1, 2, 3):
        assert labels_in(nodes / f"out{count}") == right
        assert not (nodes / f"out{count}" / ".storyclust").exists()


@pytest.mark.skipif(bool(NO_MACHINES), reason=NO_MACHINES)
def test_a_folder_that_a_node_does_not_see_is_named(nodes):
    said = (nodes / "out.told").read_text().splitlines()
    assert said[1:3] == [
        f"node 198.18.0.2 does not see {place}, which others do; use a folder that is mounted on every node, "
        "or an address such as s3://bucket/folder."
        for place in (nodes / "in" / "0.jsonl", f"the output folder {nodes / 'out2'}")
    ]
    assert said[3].startswith("run 2"), "and nothing was left behind"


def test_a_driver_that_is_killed_is_run_again(tmp_path, shards, right):
    out = tmp_path / "out"
    command = (
        sys.executable,
        "-m",
        "storyclust",
        "threads",
        "--engine",
        "ray",
        "-j",
        1,
        "-q",
        shards,
        "-o",
        out,
    )
    first = child(*command)
    until = time.monotonic() + 120
    while not list(out.glob(".storyclust/*-terms-*")) and first.poll() is None and time.monotonic() < until:
        time.sleep(0.01)
    first.kill()
    first.communicate()
    assert not (out / "manifest.json").exists(), "it was killed on its way"
    assert len(list(out.glob(".storyclust/sketch-*"))) == 4
    second = child(*command)
    _, errors = second.communicate(timeout=300)
    assert second.returncode == 0, errors
    assert labels_in(out) == right
    assert not (out / ".storyclust").exists()
