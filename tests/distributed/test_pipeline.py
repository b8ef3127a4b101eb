"""Copies among shards against the copies of one machine, for any cut into shards and parts."""

import json
import sys
from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import storyclust as sc
from storyclust.cluster import graph
from storyclust.dedup import lsh
from storyclust.dedup.settings import KEEP
from storyclust.errors import InputError, MissingExtraError

pytest.importorskip("pyarrow", reason="shards are read and written through pyarrow")

from storyclust.datasets.newswire import make_newswire
from storyclust.distributed import (
    block_plan,
    copy_stage,
    graph_stage,
    linkage_stage,
    output_stage,
    pair_verification,
    shard_parts,
    stages,
    vector_stage,
)
from storyclust.distributed.array_files import ArrayFile, pack_texts, read_texts, write_arrays
from storyclust.distributed.article_files import iter_written, write_articles
from storyclust.distributed.block_files import BlockRows, pack_block, read_block
from storyclust.distributed.block_search import MarkedBlock
from storyclust.distributed.copy_parts import Input
from storyclust.distributed.copy_stage import find_copies
from storyclust.distributed.corpus import SketchReader
from storyclust.distributed.files import open_for_writing
from storyclust.distributed.pipeline import Job, run, run_job
from storyclust.distributed.shards import find_shards, resolve_ids, sha256_of, write_shard
from storyclust.distributed.sketching import CopySettings, hash_id, hash_numbers
from storyclust.distributed.stages import Serial
from storyclust.distributed.story_stage import StorySettings

WORDS = "ferry pier harbour divers bow yard bridge buses island port Monday seven deck hurt towed".split()


class Cut(Serial):
    """Runs stages in this process, cut into more parts than they need."""

    def __init__(self, width, block_rows=1000):
        self.width, self.memory = width, block_rows << 15
        self.stages, self.needs = [], {}

    def run(self, name, function, calls, needs=None, processors=1):
        self.stages.append((name, len(calls)))
        self.needs[name] = needs
        return super().run(name, function, calls, needs, processors)


def write_shards(folder, records, bounds):
    """Write records as shards, cut at some places."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, (start, stop) in enumerate(zip([0, *bounds], [*bounds, len(records)], strict=True)):
        lines = (json.dumps(record, default=str) + "\n" for record in records[start:stop])
        (folder / f"{number:04d}.jsonl").write_text("".join(lines), encoding="utf-8")
    return find_shards([folder])


def names_of(found):
    with SketchReader(found.corpus) as sketches:
        return sketches.ids(np.arange(found.corpus.n), found.renamed)


def check(folder, records, bounds, keep="earliest", width=1, threshold=0.8):
    """Find copies by both engines; all results have to be equal."""
    shards = write_shards(folder / "in", records, bounds)
    found = find_copies(shards, str(folder / "work"), Input(), CopySettings(threshold, keep=keep), Cut(width))
    ids = []

    def noting():
        for article in sc.iter_articles(folder / "in", report=sc.io.ReadReport()):
            ids.append(article.id)
            yield article

    local = sc.Deduplicator(threshold, keep=keep, excerpts="ignore").fit(noting())
    np.testing.assert_array_equal(found.kept, local.representatives_)
    assert names_of(found) == ids
    return found, local


@st.composite
def corpora(draw):
    """Records of few, similar texts, with few dates, titles and ids."""
    base = [f"{WORDS[k % len(WORDS)]}{k // 30}" for k in range(70)]
    n = draw(st.integers(1, 24))
    records = []
    for _ in range(n):
        words = list(base) if draw(st.booleans()) else list(reversed(base))
        for _ in range(draw(st.integers(0, 2))):
            words[draw(st.integers(0, 69))] = draw(st.sampled_from(["x", "y"]))
        record = {"text": " ".join(words[: draw(st.sampled_from([70, 69, 30, 3, 0]))])}
        record["title"] = draw(st.sampled_from(["", "Ferry", "ferry", "UPDATE 2-Ferry", "Pier"])) or "none"
        name = draw(st.sampled_from(["", "", "a", "b", "a#2", "a#2#2", "3", "7", "07"]))
        record |= {"id": name} if name else {}
        if day := draw(st.integers(0, 2)):
            record["published"] = f"2024-03-0{day}"
        records.append(record | {"source": draw(st.sampled_from(["AP", "BBC"]))})
    return records


@settings(max_examples=15)
@given(
    st.data(),
    corpora(),
    st.sampled_from([*KEEP, "source:BBC,AP"]),
)
def test_any_cut_into_shards_and_parts_gives_the_same(tmp_path_factory, data, records, keep):
    bounds = sorted(data.draw(st.lists(st.integers(0, len(records)), max_size=5)))
    width = data.draw(st.sampled_from([1, 3, 21]))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(copy_stage, "BIN_ARTICLES", data.draw(st.sampled_from([1, 4, 1000])))
        patch.setattr(stages, "VALUES_PER_CALL", data.draw(st.sampled_from([1, 10, 1000])))
        patch.setattr(stages, "SMALL_INPUT", data.draw(st.sampled_from([0, 1000])))
        patch.setattr(pair_verification, "BLOCK_SHINGLES", data.draw(st.sampled_from([1, 100, 1 << 20])))
        crowd = data.draw(st.sampled_from([2, 4, 128]))
        patch.setattr(lsh, "CROWD", crowd)
        patch.setattr(pair_verification, "CROWD", crowd)
        threshold = data.draw(st.sampled_from([0.5, 0.8, 1.0]))
        check(tmp_path_factory.mktemp("c"), records, bounds, keep, width, threshold)


def test_newswire_copies_are_those_of_one_machine(tmp_path):
    wire = [article.to_record() for article in make_newswire(3000, random_state=3)]
    found, local = check(tmp_path, wire, [17, 900, 900, 2500], width=4)
    assert (~local.keep_).sum() > 100
    assert sum(found.stages.bytes_read.values()) / len(wire) < 1800, (
        "bytes an article that one worker reads of another"
    )


def test_more_texts_with_one_key_than_are_paired(tmp_path):
    text = " ".join(WORDS * 20)
    records = [{"text": f"{text} number{k}", "published": f"2024-03-{1 + k % 28:02d}"} for k in range(300)]
    found, local = check(tmp_path, records, [100, 200])
    assert local.keep_.sum() < 10
    assert found.largest == 300


def test_finished_files_are_not_written_again(tmp_path):
    records = [{"text": " ".join(WORDS), "id": str(k)} for k in range(9)]
    shards = write_shards(tmp_path / "in", records, [3, 6])
    work = str(tmp_path / "work")
    first = find_copies(shards, work, Input(), CopySettings(), Serial())
    before = {
        path.name: path.stat().st_mtime_ns
        for path in (tmp_path / "work").glob("*")
        if "-repeated" not in path.name
    }
    lost = next((tmp_path / "work").glob("*-duplicates-*"))
    lost.unlink()
    again = find_copies(shards, work, Input(), CopySettings(), Serial())
    np.testing.assert_array_equal(first.kept, again.kept)
    after = {path.name: path.stat().st_mtime_ns for path in (tmp_path / "work").glob("*")}
    changed = {name for name in before if before[name] != after[name]}
    assert lost.name in changed
    assert all("sketch" not in name and "verification" not in name for name in changed)


def test_a_shard_that_has_changed_is_sketched_again(tmp_path):
    records = [{"text": " ".join(WORDS), "id": str(k)} for k in range(4)]
    work = str(tmp_path / "work")
    shards = write_shards(tmp_path / "in", records, [2])
    assert find_copies(shards, work, Input(), CopySettings(), Serial()).kept.tolist() == [0, 0, 0, 0]
    (tmp_path / "in" / "0001.jsonl").write_text('{"text": "Another one."}\n{"text": "And another."}\n')
    shards = find_shards([tmp_path / "in"])
    assert find_copies(shards, work, Input(), CopySettings(), Serial()).kept.tolist() == [0, 0, 2, 3]


def test_without_ray_the_extra_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    write_shards(tmp_path / "in", [{"text": "Snow fell."}], [])
    with pytest.raises(MissingExtraError, match=r"storyclust\[ray\]"):
        run(tmp_path / "in", tmp_path / "out")


@pytest.mark.parametrize(
    ("settings", "reason"),
    [({"threshold": 0}, "threshold"), ({"keep": len}, "keep must be a name"), ({"keep": "x"}, "keep")],
)
def test_settings_are_checked(tmp_path, settings, reason):
    with pytest.raises(InputError, match=reason):
        run(tmp_path, tmp_path / "out", **settings)


# Shards ----------------------------------------------------------------------------------------


def test_shards_of_folders_patterns_and_addresses_are_the_same(tmp_path):
    for name in ("b.jsonl", "a.jsonl.gz", "c.parquet", ".hidden.jsonl", "notes.doc"):
        (tmp_path / name).write_text("")
    want = ["a.jsonl.gz", "b.jsonl", "c.parquet"]
    for path in (tmp_path, f"file://{tmp_path}", f"file://{tmp_path}/*", tmp_path / "*[glt]*"):
        found = find_shards([path])
        assert [shard.output for shard in found][:3] == want
    assert find_shards([f"file://{tmp_path}/b.jsonl"])[0].address == f"file://{tmp_path}/b.jsonl"


def test_shards_of_one_name_get_outputs_of_their_own(tmp_path):
    for day in ("mon", "tue"):
        (tmp_path / day).mkdir()
        (tmp_path / day / "a.jsonl").write_text("")
    assert [shard.output for shard in find_shards([tmp_path])] == ["00000-a.jsonl", "00001-a.jsonl"]


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("-", "standard input"),
        ("file:///no/such/place/*.jsonl", "no file matches"),
        ("nosuch://bucket/x", "cannot be reached"),
    ],
)
def test_what_is_no_shard_is_an_error(path, reason):
    with pytest.raises(InputError, match=reason):
        find_shards([path])


def test_a_file_appears_when_it_is_complete(tmp_path):
    path = str(tmp_path / "out" / "a.jsonl")

    def records():
        yield {"id": 1}
        raise ValueError("no more")

    with pytest.raises(ValueError, match="no more"):
        write_shard(path, records())
    assert list((tmp_path / "out").iterdir()) == []
    written = write_shard(path, iter([{"id": 1}]))
    assert written.records == 1
    assert written.sha256 == sha256_of(path)
    assert sha256_of(path + ".gz") is None


@pytest.mark.parametrize("name", ["a.jsonl", "a.jsonl.gz", "a.csv", "a.tsv.xz", "a.parquet", "a.json.zst"])
def test_shards_of_every_format_are_written_and_read(tmp_path, name):
    records = [{"id": "n1", "text": "Snow fell.\nAnd fell.", "tags": ["snow"]}, {"id": "n2", "text": "Rain"}]
    write_shard(str(tmp_path / name), records)
    assert [article.text for article in sc.read_articles(tmp_path / name)] == [r["text"] for r in records]


@given(st.lists(st.sampled_from(["a", "a#2", "a#3", "b", "0", "1", "2"]), max_size=12))
def test_ids_are_made_unique_as_readers_do(names):
    taken, want = set(), []
    for name in names:
        new, k = name, 2
        while new in taken:
            new, k = f"{name}#{k}", k + 1
        taken.add(new)
        want.append(new)
    renamed = resolve_ids(list(range(len(names))), names)
    assert [renamed.get(row, name) for row, name in enumerate(names)] == want


def test_numbers_hash_as_ids_that_are_numbers():
    numbers = np.array([0, 7, 10**12])
    assert [hash_id(str(k)) for k in numbers.tolist()] == hash_numbers(numbers).tolist()
    assert hash_id("07") != hash_id("7")


@given(st.lists(st.integers(0, 2**64 - 1), max_size=50), st.data())
def test_any_part_of_an_array_can_be_read(tmp_path_factory, values, data):
    path = str(tmp_path_factory.mktemp("a") / "a")
    array = np.array(values, np.uint64)
    ends = sorted(data.draw(st.lists(st.integers(0, len(values)), min_size=2, max_size=8)))
    starts, stops = np.array(ends[:-1]), np.array(ends[1:])
    order = np.array(data.draw(st.permutations(range(len(starts)))))
    write_arrays(path, {"head": array[:3], "values": array}, tail=("tail", len(array), iter([array])))
    with ArrayFile(path) as file:
        for name in ("values", "tail"):
            want = np.concatenate([array[:0], *(array[starts[k] : stops[k]] for k in order)])
            np.testing.assert_array_equal(file.read_ranges(name, starts[order], stops[order]), want)
            np.testing.assert_array_equal(file[name], array)


@given(st.lists(st.text(st.characters(exclude_categories=[])), max_size=5))
def test_texts_come_back_as_they_were(tmp_path_factory, texts):
    path = str(tmp_path_factory.mktemp("a") / "a")
    write_arrays(path, pack_texts("t", texts))
    with ArrayFile(path) as file:
        rows = np.arange(len(texts))[::-1]
        assert read_texts(file, "t", rows) == texts[::-1]


def test_interrupted_writing_leaves_no_file(tmp_path):
    def half():
        with open_for_writing(str(tmp_path / "a")) as file:
            file.write(b"half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        half()
    assert list(tmp_path.iterdir()) == []


# Stories ---------------------------------------------------------------------------------------


@settings(max_examples=12)
@given(st.data(), st.integers(0, 99))
def test_any_cut_gives_the_same_stories(tmp_path_factory, data, seed):
    folder = tmp_path_factory.mktemp("s")
    n = data.draw(st.integers(1, 150))
    records = [article.to_record() for article in make_newswire(n, random_state=seed)]
    bounds = sorted(data.draw(st.lists(st.integers(0, n), max_size=4)))
    shards = write_shards(folder / "in", records, bounds)
    block_rows = data.draw(st.sampled_from([7, 40, 1000]))
    runner, wanted = Cut(data.draw(st.sampled_from([1, 3, 40])), block_rows), StorySettings()
    runner.processors = data.draw(st.sampled_from([1, 3]))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            "storyclust.distributed.block_files.ENTRIES_AT_ONCE", data.draw(st.sampled_from([1, 900]))
        )
        patch.setattr(block_plan, "TILES_PER_WORKER", data.draw(st.sampled_from([1, 4])))
        patch.setattr(shard_parts, "LARGE_SHARD", data.draw(st.sampled_from([1, 1 << 28])))
        patch.setattr(shard_parts, "PART_ARTICLES", data.draw(st.sampled_from([9, 1000])))
        patch.setattr(linkage_stage, "MAX_BIN_EDGES", data.draw(st.sampled_from([1, 50, 1 << 20])))
        patch.setattr(graph_stage, "ROWS_PER_CALL", data.draw(st.sampled_from([3, 1000])))
        patch.setattr(graph, "MAX_NEIGHBORS", data.draw(st.sampled_from([2, 5, 1000])))
        patch.setattr(vector_stage, "SMALL_CORPUS", data.draw(st.sampled_from([0, 1000])))
        job = Job(shards, str(folder / "out"), Input(stories=True), CopySettings(), None, wanted)
        report = run_job(job, runner)
        local = sc.StoryClusterer().fit(sc.iter_articles(folder / "in"))
    found = [article.record for article in sc.iter_articles(str(folder / "out" / "*.jsonl"))]
    assert [record["thread"] for record in found] == local.labels_.tolist()
    assert [record["event"] for record in found] == local.event_labels_.tolist()
    assert report.threads == len(local.threads_)


def test_rows_with_too_many_neighbours_are_processed_in_parts(tmp_path, monkeypatch):
    monkeypatch.setattr(graph, "MAX_NEIGHBORS", 3)
    monkeypatch.setattr(graph_stage, "ROWS_PER_CALL", 10)
    shards = write_shards(tmp_path / "in", [a.to_record() for a in make_newswire(300, random_state=1)], [90])
    runner = Cut(1)
    job = Job(shards, str(tmp_path / "out"), Input(stories=True), CopySettings(), None, StorySettings())
    run_job(job, runner)
    assert dict(runner.stages)["floors"] > 1
    local = sc.StoryClusterer().fit(sc.iter_articles(tmp_path / "in"))
    found = sc.iter_articles(str(tmp_path / "out" / "*.jsonl"))
    assert [article.record["thread"] for article in found] == local.labels_.tolist()


@given(st.integers(1, 40), st.integers(1, 20), st.integers(1, 500))
def test_tiles_cover_every_block_and_slice_of_later_rows_once(n_blocks, per_block, width):
    tiles = block_plan.tiles_of(n_blocks, per_block, width)
    met = [(block, each) for block, first, last in tiles for each in range(first, last)]
    n_slices = n_blocks * per_block
    wanted = [(block, each) for block in range(n_blocks) for each in range(block * per_block, n_slices)]
    assert sorted(met) == wanted
    assert len(tiles) >= min(width, len(wanted))


@given(
    st.integers(1, 10**8), st.integers(1, 900), st.integers(1, 300), st.integers(0, 6),
    st.integers(1 << 10, 1 << 36),
)  # fmt: skip
def test_blocks_and_slices_fit_into_memory(n, entries, nodes, doublings, memory):
    runner = Cut(nodes << doublings)
    runner.memory, runner.processors = memory, 1 << doublings
    plan = block_plan.plan_blocks(n, n * entries, runner)
    assert [plan.blocks[0], plan.blocks[-1]] == [plan.slices[0], plan.slices[-1]] == [0, n]
    assert (np.diff(plan.slices) > 0).all()
    assert plan.blocks.tolist() == plan.slices[:: plan.slices_per_block].tolist()
    assert plan.call_bytes <= plan.workers.memory
    if memory > 2 << 30:
        largest = np.diff(plan.blocks).max() * (block_plan.ENTRY_BYTES * entries)
        assert largest <= plan.call_bytes or len(plan.blocks) > n
        assert np.diff(plan.slices).max() * block_plan.RESULT_BYTES <= memory


@given(st.integers(1, 4), st.integers(0, 30), st.integers(1, 12), st.integers(1, 40))
def test_rows_of_a_block_are_read_a_few_at_a_time(tmp_path_factory, seed, n, width, most):
    rng = np.random.default_rng(seed)
    held = rng.random((n, width)) < 0.4
    rows, columns = np.nonzero(held)
    indptr = np.append(0, np.cumsum(held.sum(axis=1))).astype(np.int64)
    block = MarkedBlock(
        np.arange(n), np.arange(width, dtype=np.uint64), indptr, columns.astype(np.int32),
        rng.random(len(rows)).astype(np.float32), rng.random(len(rows)) < 0.5, rng.random(n),
    )  # fmt: skip
    address = str(tmp_path_factory.mktemp("b") / "block")
    write_arrays(address, pack_block(block))
    start, stop = sorted(rng.integers(0, n + 1, 2).tolist())
    first, last = indptr[[start, stop]]
    with pytest.MonkeyPatch.context() as patch, BlockRows(address) as file:
        patch.setattr("storyclust.distributed.block_files.ENTRIES_AT_ONCE", most)
        chunks = [*file.chunks(start, stop)]
    assert sum(len(chunk.places) for chunk in chunks) == stop - start
    assert all(len(chunk.places) == 1 or len(chunk.indices) <= most for chunk in chunks)
    for name in ("indices", "data", "indexed"):
        parts = [np.empty(0), *(getattr(chunk, name) for chunk in chunks)]
        assert np.concatenate(parts).tolist() == getattr(block, name)[first:last].tolist()
    assert [size for chunk in chunks for size in np.diff(chunk.indptr)] == np.diff(indptr)[
        start:stop
    ].tolist()
    assert all(map(np.array_equal, read_block(address), block))


def test_oversized_components_are_linked_level_by_level_within_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(linkage_stage, "MAX_BIN_EDGES", 50)
    monkeypatch.setattr(linkage_stage, "FAN_IN", 2)
    shards = write_shards(tmp_path / "in", [a.to_record() for a in make_newswire(600, random_state=1)], [90])
    runner = Cut(4, block_rows=100)
    job = Job(shards, str(tmp_path / "out"), Input(stories=True), CopySettings(), None, StorySettings())
    report = run_job(job, runner)
    assert report.oversized_components
    assert min(report.oversized_components) > 50
    levels = [name for name, _ in runner.stages if name == "edge-bins"]
    assert len(levels) > 2
    assert len(runner.needs["merging"]) == dict(runner.stages)["merging"]
    assert max(runner.needs["merging"]) <= 50 * linkage_stage.EDGE_BYTES
    local = sc.StoryClusterer().fit(sc.iter_articles(tmp_path / "in"))
    found = [article.record for article in sc.iter_articles(str(tmp_path / "out" / "*.jsonl"))]
    assert [record["thread"] for record in found] == local.labels_.tolist()
    assert [record["event"] for record in found] == local.event_labels_.tolist()


def test_a_lost_file_of_a_stage_is_written_again(tmp_path):
    """Files are deleted during a run: it ends with an error, and the next run continues."""
    shards = write_shards(tmp_path / "in", [a.to_record() for a in make_newswire(300, random_state=1)], [90])
    job = Job(shards, str(tmp_path / "out"), Input(stories=True), CopySettings(), None, StorySettings())

    class Clearing(Cut):
        def run(self, name, function, calls, needs=None, processors=1):
            if name == "vectors":
                for path in (tmp_path / "out" / ".storyclust").glob("sketch-*"):
                    path.unlink()
                next((tmp_path / "out" / ".storyclust").glob("*-terms-*")).unlink()
            return super().run(name, function, calls, needs, processors)

    with pytest.raises(FileNotFoundError):
        run_job(job, Clearing(1))
    run_job(job, Cut(1))
    local = sc.StoryClusterer().fit(sc.iter_articles(tmp_path / "in"))
    found = sc.iter_articles(str(tmp_path / "out" / "*.jsonl"))
    assert [article.record["thread"] for article in found] == local.labels_.tolist()


def test_a_shard_much_larger_than_the_others_is_read_in_parts(tmp_path, monkeypatch):
    """It has dates of which one decides for all, HTML, records that cannot be used, and repeated ids."""
    records = [article.to_record() for article in make_newswire(400, random_state=1)]
    for number, record in enumerate(records):
        record["published"] = f"{1 + number % 12}/3/2024" if number != 350 else "25/3/2024"
        record["id"] = f"a{number % 300}"
        record["text"] = f"<p>{record['text']}</p>" if number % 7 == 0 else record["text"]
        if number % 50 == 9:
            records[number] = {"id": "nothing"}
    shards = write_shards(tmp_path / "in", records, [10, 370])
    given = Input(forgiving=True, stories=True), CopySettings(), str(tmp_path / "rejects"), StorySettings()
    whole = run_job(Job(shards, str(tmp_path / "whole"), *given), Cut(2))
    rejects = (tmp_path / "rejects").read_bytes()
    monkeypatch.setattr(shard_parts, "LARGE_SHARD", shards[2].size + 1)
    monkeypatch.setattr(shard_parts, "PART_ARTICLES", 50)
    monkeypatch.setattr(shard_parts, "PART_CHARACTERS", 100_000)
    monkeypatch.setattr(output_stage, "ROWS_AT_ONCE", 33)
    runner = Cut(2)
    split = run_job(Job(shards, str(tmp_path / "split"), *given), runner)
    assert [dict(runner.stages)[name] for name in ("parts", "sketches", "terms", "labels")] == [1, 12, 12, 3]
    assert (split.articles, split.messages, split.notes) == (whole.articles, whole.messages, whole.notes)
    assert [entry["sha256"] for entry in split.shards] == [entry["sha256"] for entry in whole.shards]
    assert (tmp_path / "rejects").read_bytes() == rejects
    assert len(rejects.splitlines()) == split.rejects == 8


def test_articles_are_read_as_they_were_written(tmp_path):
    date = datetime(2024, 3, 1, 12, 30, 0, 250_000, tzinfo=UTC)
    articles = [
        sc.Article(
            "Snow fell.", title="Snow", id="a", published=date, source="AP", lang="en", url="http://x"
        ),
        sc.Article("", source="", lang=None),
        sc.Article("\ud800 caf\u00e9"),
    ]
    write_articles(str(tmp_path / "a"), articles)
    assert [*iter_written(str(tmp_path / "a"))] == articles
    write_articles(str(tmp_path / "none"), [])
    assert [*iter_written(str(tmp_path / "none"))] == []


def test_texts_that_are_not_plain_are_reported_and_read_as_here(tmp_path):
    plain = [article.to_record() for article in make_newswire(30, random_state=1)]
    records = [{**record, "text": f"<p>{record['text']}</p>"} for record in plain[:20]] + plain[20:]
    shards = write_shards(tmp_path / "in", records, [12])
    report = run_job(Job(shards, str(tmp_path / "out"), Input(), CopySettings(), None), Cut(1))
    assert report.messages == ["20 of 30 articles were HTML and were read as plain text."]
    with pytest.warns(sc.ConvertedTextWarning):
        found = sc.read_articles(str(tmp_path / "out" / "*.jsonl"))
    assert [article.record["text"] for article in found] == [record["text"] for record in records]
    copies = [article.record["duplicate_of"] is not None for article in found]
    assert copies == (~sc.Deduplicator().fit(plain).keep_).tolist()


@pytest.mark.parametrize("broken", ["trees", "edge-bins", "merging", "contraction"])
def test_an_interrupted_run_continues_on_a_cluster_of_another_size(tmp_path, monkeypatch, broken):
    """Blocks and bins differ then: no file of the first run may be used as a part of the second."""
    monkeypatch.setattr(linkage_stage, "FAN_IN", 2)
    monkeypatch.setattr(block_plan, "MIN_SLICE", 20)
    shards = write_shards(tmp_path / "in", [a.to_record() for a in make_newswire(300, random_state=1)], [90])
    job = Job(shards, str(tmp_path / "out"), Input(stories=True), CopySettings(), None, StorySettings())

    class Broken(Cut):
        def run(self, name, function, calls, needs=None, processors=1):
            if name != broken:
                return super().run(name, function, calls, needs, processors)
            super().run(name, function, calls[: len(calls) // 2], None, processors)
            raise KeyboardInterrupt

    for width in (12, 9, 6):
        with pytest.raises(KeyboardInterrupt):
            run_job(job, Broken(width))
    run_job(job, Cut(7))
    local = sc.StoryClusterer().fit(sc.iter_articles(tmp_path / "in"))
    found = [article.record for article in sc.iter_articles(str(tmp_path / "out" / "*.jsonl"))]
    assert [record["thread"] for record in found] == local.labels_.tolist()
    assert [record["event"] for record in found] == local.event_labels_.tolist()


def test_orders_of_dates_and_encodings_are_decided_by_shard_as_here(tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "a.csv").write_bytes(
        "text;date\nStraße und Café;07/03/2024\nzwei;13/03/2024\n".encode("cp1252")
    )
    (folder / "b.csv").write_text("text,date\nthree,07/03/2024\n")
    shards = find_shards([folder])
    report = run_job(Job(shards, str(tmp_path / "out"), Input(stories=True), CopySettings(), None), Cut(1))
    local = sc.io.ReadReport()
    articles = sc.read_articles(folder, report=local)
    assert report.messages == local.messages()
    assert len(report.messages) == 3
    assert [(article.published.month, article.published.day) for article in articles] == [
        (3, 7),
        (3, 13),
        (7, 3),
    ]
    found = sc.read_articles(str(tmp_path / "out" / "*.csv"), report=sc.io.ReadReport())
    assert [article.text for article in found] == [article.text for article in articles]
