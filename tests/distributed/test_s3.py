"""Shards on S3, as a server on this machine gives it; and on other storages, through fsspec."""

import json
import os
import socket
import subprocess
import sys
import time
import uuid

import pytest

import storyclust as sc
from storyclust.cli.app import main
from storyclust.datasets.newswire import make_newswire
from storyclust.errors import InputError

fs = pytest.importorskip("pyarrow.fs", reason="shards are read through pyarrow")

from storyclust.distributed.array_files import (  # noqa: E402 - after pyarrow is known to be there
    ArrayFile,
    write_arrays,
)
from storyclust.distributed.files import (  # noqa: E402
    address_of,
    file_info,
    filesystem,
    join_address,
    list_files,
    open_for_writing,
    read_json,
    remove_folder,
    split_address,
    write_json,
)
from storyclust.distributed.shards import find_shards  # noqa: E402

N = 300


@pytest.fixture(scope="module")
def s3_server(tmp_path_factory):
    """A server that speaks S3, which the environment names; yields its address and its log."""
    pytest.importorskip("moto.server", reason="S3 is played by moto[server]")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    log = tmp_path_factory.mktemp("s3") / "log"
    with log.open("wb") as file, pytest.MonkeyPatch.context() as patch:
        command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
        process = subprocess.Popen(command, stdout=file, stderr=file)
        for name, value in {
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
        }.items():
            patch.setenv(name, value)
        until = time.monotonic() + 30
        while time.monotonic() < until:
            try:
                socket.create_connection(("127.0.0.1", port)).close()
                break
            except OSError:
                time.sleep(0.05)
        yield f"127.0.0.1:{port}", log
        process.kill()
        process.wait()


@pytest.fixture
def bucket(s3_server):
    """A bucket of its own."""
    name = f"news-{uuid.uuid4().hex[:8]}"
    made, _ = fs.FileSystem.from_uri("s3://?allow_bucket_creation=true")
    made.create_dir(name)
    return f"s3://{name}"


def requests(s3_server, since=0):
    """What the server was asked for."""
    lines = [line for line in s3_server[1].read_text().splitlines() if " HTTP/1.1" in line]
    return [line.split('"')[1].removeprefix("\x1b[33m").split("?")[0] for line in lines][since:]


@pytest.fixture(scope="module")
def wire():
    return [article.to_record() for article in make_newswire(N, random_state=8)]


def write_shards(folder, records, n=3):
    for k in range(n):
        some = records[k * len(records) // n : (k + 1) * len(records) // n]
        with open_for_writing(join_address(folder, f"{k}.jsonl")) as file:
            file.write("".join(json.dumps(record, default=str) + "\n" for record in some).encode())


def test_a_file_is_there_when_it_is_whole(bucket):
    address = join_address(bucket, "a", "b.json")
    with open_for_writing(address) as file:
        file.write(b'{"a": ')
        assert file_info(address) is None
        file.write(b"1}")
    assert read_json(address) == {"a": 1}

    def broken_off():
        with open_for_writing(address) as file:
            file.write(b"half of the next")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        broken_off()
    assert read_json(address) == {"a": 1}, "what was there stays"
    assert [found.address for found in list_files(bucket)] == [address]
    remove_folder(join_address(bucket, "a"))
    assert list_files(bucket) == []


def test_a_small_file_takes_one_request(bucket, s3_server):
    before = len(requests(s3_server))
    write_json(join_address(bucket, "a.json"), 1)
    assert len(requests(s3_server, before)) == 1


def test_where_storage_is_may_stand_in_the_address(bucket, s3_server, monkeypatch):
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    query = f"?scheme=http&endpoint_override={s3_server[0]}"
    folder = address_of(f"{bucket}/2024/{query}")
    for name in ("a.jsonl", "b.jsonl", "b-1.jsonl", ".hidden.jsonl", "c/d.jsonl"):
        write_json(join_address(folder, name), {"text": name})
    assert list_files(folder)[0].address == f"{bucket}{query}/2024/a.jsonl"

    def found(address):
        return [split_address(shard.address)[1].removeprefix("/2024/") for shard in find_shards([address])]

    every = ["a.jsonl", "b-1.jsonl", "b.jsonl", "c/d.jsonl"]
    assert found(f"{bucket}/2024/{query}") == found(f"{bucket}/2024{query}") == found(folder) == every
    assert found(f"{bucket}/2024/?.jsonl{query}") == ["a.jsonl", "b.jsonl"]
    assert found(f"{bucket}/2024/b*{query}") == ["b-1.jsonl", "b.jsonl"]
    assert found(f"{bucket}/2024/a.jsonl{query}") == [split_address(f"{folder}a.jsonl")[1].rpartition("/")[2]]
    with pytest.raises(InputError, match="no file matches"):
        find_shards([f"{bucket}/2025/{query}"])


def test_what_is_no_address_or_no_storage_is_named(monkeypatch):
    with pytest.raises(InputError, match="is not an address"):
        filesystem("://a")
    with pytest.raises(InputError, match="nowhere://b/ cannot be reached"):
        file_info("nowhere://b/c")
    monkeypatch.setitem(sys.modules, "fsspec", None)
    with pytest.raises(InputError, match="fsspec is not installed"):
        file_info("elsewhere://b/c")


# A cluster -------------------------------------------------------------------------------------


def labels_in(folder, names):
    """Labels of all articles in shards."""
    found = []
    for address in list_files(folder):
        if address.address.endswith(".jsonl"):
            root, path = filesystem(address.address)
            lines = root.open_input_file(path).read().splitlines()
            found += [tuple(json.loads(line)[name] for name in names) for line in lines]
    return found


@pytest.fixture
def ray_cluster(s3_server):
    """A cluster of this machine, whose workers have the environment of here."""
    pytest.importorskip("ray", reason="a cluster needs Ray")
    from storyclust.distributed.engine import cluster

    with cluster(2):
        yield


def local_labels(records):
    stories = sc.StoryClusterer().fit(records)
    return list(zip(stories.event_labels_.tolist(), stories.labels_.tolist(), strict=True))


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::ResourceWarning")
def test_a_driver_killed_on_its_way_is_run_again_on_s3(bucket, ray_cluster, wire):
    import ray

    write_shards(join_address(bucket, "in"), wire)
    with open_for_writing(join_address(bucket, "in", "3.jsonl")) as file:
        file.write(b"no JSON\n")
    out, rejects = join_address(bucket, "out"), join_address(bucket, "rejects.jsonl")
    command = ["threads", "--engine", "ray", join_address(bucket, "in/"), "-o", out, "--rejects", rejects]
    there = {"RAY_ADDRESS": ray.get_runtime_context().gcs_address, "PYTHONPATH": os.pathsep.join(sys.path)}
    first = subprocess.Popen(
        [sys.executable, "-m", "storyclust", *command], env=os.environ | there, stderr=subprocess.PIPE
    )
    until = time.monotonic() + 60
    while not any("-terms-" in found.address for found in all_in(out)) and time.monotonic() < until:
        assert first.poll() is None, first.stderr.read().decode()
        time.sleep(0.05)
    first.kill()
    first.communicate()
    assert read_json(join_address(out, "manifest.json")) is None, "it was killed on its way"
    assert main(command) == 0
    assert labels_in(out, ("event", "thread")) == local_labels(wire)
    assert [entry["articles"] for entry in read_json(join_address(out, "manifest.json"))["shards"]] == [
        100
    ] * 3 + [0]
    assert [found.address for found in list_files(rejects.rpartition("/")[0])].count(rejects) == 1
    assert not [found for found in all_in(out) if "/.storyclust" in found.address], "nothing is left behind"


def all_in(folder):
    """Files in a folder, hidden ones, too."""
    root, path = filesystem(folder)
    infos = root.get_file_info(fs.FileSelector(path, recursive=True, allow_not_found=True))
    return [found for info in infos if info.is_file if (found := file_info(f"s3://{info.path}"))]


# Other storages --------------------------------------------------------------------------------


def test_what_only_fsspec_knows(wire):
    pytest.importorskip("fsspec", reason="other storages are fsspec's")
    import numpy as np

    from storyclust.distributed.pipeline import Input, Job, run_job
    from storyclust.distributed.sketching import CopySettings
    from storyclust.distributed.stages import Serial

    folder = f"memory://{uuid.uuid4().hex}"
    write_arrays(join_address(folder, "arrays"), {"a": np.arange(10_000), "b": np.arange(3)})
    with ArrayFile(join_address(folder, "arrays")) as file:
        assert file.take("a", np.array([9_999, 4])).tolist() == [9_999, 4]
        assert file["b"].tolist() == [0, 1, 2]
    write_shards(join_address(folder, "in"), wire)
    shards = find_shards([join_address(folder, "in", "?.jsonl")])
    out = join_address(folder, "out")
    report = run_job(Job(shards, out, Input(None, False, False), CopySettings(0.8).checked(), None), Serial())
    assert report.articles == N
    kept = sc.Deduplicator(excerpts="ignore").fit(wire).representatives_
    names = [None if row == kept[row] else wire[kept[row]]["id"] for row in range(N)]
    assert [name for (name,) in labels_in(out, ("duplicate_of",))] == names
    assert sorted(split_address(found.address)[1] for found in list_files(out)) == [
        *(f"/out/{k}.jsonl" for k in range(3)),
        "/out/manifest.json",
    ]
