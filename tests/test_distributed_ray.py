"""The engine on Ray: the same answers on nodes of this machine, whatever becomes of them."""

import json
import os
import signal
import threading
import time

import psutil
import pytest

import storyclust as sc
from storyclust.chunks import reporting_to
from storyclust.cli import main
from storyclust.datasets import make_newswire
from storyclust.errors import InputError

ray = pytest.importorskip("ray", reason="a cluster needs Ray")

from storyclust.distributed import run
from storyclust.distributed.engine import cluster

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # of Ray's own code
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]

N = 400


@pytest.fixture(scope="module", autouse=True)
def one_node():
    """One small cluster for all tests here."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    with cluster(2):
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
    assert run(shards, out).taken == {}
    assert {path.name: path.stat().st_mtime_ns for path in out.iterdir()} == {
        k: v[1] for k, v in before.items()
    }
    (out / "2.jsonl").write_bytes(before["2.jsonl"][0][:100])
    assert run(shards, out).taken != {}
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
    assert run(str(shards / "*.jsonl"), tmp_path / "out", rejects=tmp_path / "rejects.jsonl").taken == {}


def test_a_field_that_no_shard_has_is_an_error(tmp_path, shards):
    with pytest.raises(InputError, match="no record has the field 'lede' named for text"):
        run(shards, tmp_path / "out", fields={"text": "lede"})


def test_output_does_not_go_where_input_is(tmp_path, shards):
    with pytest.raises(InputError, match="is where"):
        run(shards, shards)


def test_the_command_line(tmp_path, shards, capsys):
    assert main(["dedup", "--engine", "ray", str(shards), "-o", str(tmp_path / "out")]) == 0
    assert originals(tmp_path / "out") == expected(shards)
    assert main(["dedup", "--engine", "ray", str(shards)]) == 1
    assert "-o FOLDER" in capsys.readouterr().err
    assert main(["dedup", "--engine", "ray", "--exact", str(shards), "-o", str(tmp_path / "out")]) == 1
    assert "--exact is for --engine local only" in capsys.readouterr().err


# Faults ----------------------------------------------------------------------------------------


class Killer:
    """Kills the first worker seen at a stage, once."""

    def __init__(self, stage):
        self.stage, self.killed, self.thread = stage, None, None

    def start(self, stage, total):
        if stage == self.stage:
            self.thread = threading.Thread(target=self.hunt)
            self.thread.start()

    def advance(self, steps):
        pass

    def finish(self):
        pass

    def hunt(self):
        """Workers of our own cluster that have a call in hand bear its name."""
        until = time.monotonic() + 20
        while time.monotonic() < until and self.killed is None:
            for process in psutil.Process().children(recursive=True):
                try:
                    if process.name().startswith("ray::") and self.stage in " ".join(process.cmdline()):
                        os.kill(process.pid, signal.SIGKILL)
                        self.killed = process.pid
                        return
                except psutil.Error:
                    continue


def slow(monkeypatch):
    """Calls that last long enough to be met."""
    monkeypatch.setenv("STORYCLUST_TEST_SLOW", "1")


STAGES = ("sketches", "names", "twins", "bands", "verification", "parting", "groups", "labels")


@pytest.mark.parametrize("stage", STAGES)
def test_a_worker_that_is_killed_is_made_good(tmp_path, shards, stage):
    killer = Killer(stage)
    with reporting_to(killer):
        run(shards, tmp_path / "out")
    killer.thread.join()
    assert originals(tmp_path / "out") == expected(shards)
    print(stage, "killed" if killer.killed else "was too quick")
