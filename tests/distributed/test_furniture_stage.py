"""Page furniture among shards is that of one machine, for any cut into shards, bins and parts."""

import json
import zlib
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pages import FOOTERS, make_pages
from test_pipeline import Cut, write_shards

pytest.importorskip("pyarrow", reason="shards are read and written through pyarrow")

import storyclust as sc
from storyclust.cli.app import main
from storyclust.distributed import command, furniture_stage, sketching, source_tables, stages
from storyclust.distributed.array_files import ArrayFile, read_texts, write_arrays
from storyclust.distributed.copy_parts import Input
from storyclust.distributed.copy_stage import find_copies
from storyclust.distributed.furniture_stage import KeySample, clean_shards, read_spans, smallest_distinct
from storyclust.distributed.pipeline import Job, Report, run_job
from storyclust.distributed.sketching import CopySettings
from storyclust.distributed.source_tables import bin_bounds, bins_of, find_sources, pack_sources, sort_sources
from storyclust.distributed.story_stage import StorySettings, _order_articles
from storyclust.errors import InputError
from storyclust.text import furniture
from storyclust.text.furniture import find_furniture, sample_of, without_spans
from storyclust.text.language import name_languages

WHOLE_HASH = source_tables.hash_source


def limit_samples(patch, sample, whole):
    """Let samples have fewer texts, in both engines."""
    for module in (furniture, furniture_stage):
        patch.setattr(module, "SAMPLE", sample)
        patch.setattr(module, "WHOLE_SAMPLE", whole)


def limit_keys(patch, n_keys):
    """Let sample keys be few, so that they tie."""

    def key(text):
        return zlib.crc32(text.encode()) % n_keys, text

    for module in (furniture, furniture_stage, sketching):
        patch.setattr(module, "sample_key", key)


def divide_work(patch, draw):
    """Let calls be small."""
    patch.setattr(stages, "SMALL_INPUT", draw(st.sampled_from([0, 1000])))
    patch.setattr(stages, "VALUES_PER_CALL", draw(st.sampled_from([1, 10, 1000])))
    patch.setattr(furniture_stage, "SMALL_SAMPLE", draw(st.sampled_from([0, 1000])))
    patch.setattr(furniture_stage, "TEXTS_PER_CALL", draw(st.sampled_from([1, 20, 1000])))
    patch.setattr(furniture_stage, "KEYS_HELD", draw(st.sampled_from([0, 5, 1000])))
    patch.setattr(furniture_stage, "ARTICLES_AT_ONCE", draw(st.sampled_from([1, 7, 1000])))


def copies_of(shards, folder, runner):
    return find_copies(shards, str(folder / "work"), Input(stories=True), CopySettings(), runner)


def clean_in_parts(shards, copies):
    """Return the rows of the independent articles, their spans and languages, and the stages."""
    source, stages_ = Input(stories=True), copies.stages.branch("clean")
    places = _order_articles(copies, stages_)
    clean = clean_shards(shards, source, places.address, places.place, stages_)
    rows = np.flatnonzero(places.place >= 0)
    spans = [own for address in clean.addresses for own in read_spans(address)]
    assert (clean.codes[places.place < 0] == -1).all()
    return rows, spans, [clean.languages[code] for code in clean.codes[rows]], stages_


def samples_in(stages_):
    """Return the texts that the shards have sampled: of each source, and of all."""
    samples, whole = {}, []
    n_bins = len(stages_.metadata["furniture"]) - 1
    for number in range(len(stages_.metadata["text-samples"])):
        with ArrayFile(stages_.address(f"text-samples-{n_bins}-{number}")) as file:
            texts, whole_texts, names = (
                read_texts(file, name, np.arange(file.length(f"{name}.bounds") - 1))
                for name in ("text", "whole", "source")
            )
            bounds = file["text_bounds"].tolist()
            for name, (start, stop) in zip(names, pairwise(bounds), strict=True):
                samples.setdefault(name, []).extend(texts[start:stop])
            whole += whole_texts
    return samples, whole


def check(shards, folder, copies):
    """Compare the samples, spans and languages of both engines."""
    rows, spans, languages, stages_ = clean_in_parts(shards, copies)
    articles = list(sc.iter_articles(folder / "in"))
    independent = [articles[row] for row in rows]
    by_source = {}
    for article in independent:
        if article.source:
            by_source.setdefault(article.source, []).append(article.text)
    samples, whole = samples_in(stages_)
    size = furniture.SAMPLE
    assert {name: sample_of(texts, size) for name, texts in samples.items()} == {
        name: sample_of(texts, size) for name, texts in by_source.items()
    }
    every = [article.text for article in independent]
    assert sample_of(whole, furniture.WHOLE_SAMPLE) == sample_of(every, furniture.WHOLE_SAMPLE)
    assert spans == find_furniture(independent)
    assert languages == name_languages(without_spans(independent, spans))


@settings(max_examples=40)
@given(st.data(), st.integers(0, 99))
def test_any_cut_finds_the_same_furniture(tmp_path_factory, data, seed):
    folder = tmp_path_factory.mktemp("f")
    records = make_pages(data.draw(st.integers(0, 60)), seed)
    bounds = sorted(data.draw(st.lists(st.integers(0, len(records)), max_size=4)))
    with pytest.MonkeyPatch.context() as patch:
        limit_samples(patch, data.draw(st.sampled_from([1, 4, 9, 1000])), data.draw(st.sampled_from([1, 12])))
        if n_keys := data.draw(st.sampled_from([0, 1, 5, 20])):
            limit_keys(patch, n_keys)
        of_hash = data.draw(st.sampled_from([WHOLE_HASH, lambda name: 7, lambda name: 2**64 - 1]))
        patch.setattr(source_tables, "hash_source", of_hash)
        shards = write_shards(folder / "in", records, bounds)
        copies = copies_of(shards, folder, Cut(data.draw(st.sampled_from([1, 3]))))
        divide_work(patch, data.draw)
        check(shards, folder, copies)


def test_footers_and_inserted_headlines_are_found_in_shards_that_have_one_of_them_each(tmp_path):
    records = [record for record in make_pages(300, 1) if len(record["text"]) > 250]
    shards = write_shards(tmp_path / "in", records, range(1, len(records)))
    rows, spans, *_ = clean_in_parts(shards, copies_of(shards, tmp_path, Cut(4)))
    texts = [records[row]["text"] for row in rows]
    left = [furniture.cut(text, own) for text, own in zip(texts, spans, strict=True)]
    for part in ("night desk of the Ledger", "Redaktion vorbehalten", "balks at lengthy dredging", "@desk"):
        assert sum(part in text for text in texts) > 5
        assert not any(part in text for text in left)


def unlike_words(k):
    """Words that no text of another number has."""
    return " ".join(f"w{k}x{j}" for j in range(30))


def test_the_language_is_that_of_the_text_without_furniture(tmp_path):
    records = [
        {"text": f"{unlike_words(k)} the w{k}c and w{k}d of w{k}e\n\n{FOOTERS['Bote']}", "source": "Bote"}
        for k in range(12)
    ]
    shards = write_shards(tmp_path / "in", records, [5])
    _, spans, languages, _ = clean_in_parts(shards, copies_of(shards, tmp_path, Cut(1)))
    assert all(spans)
    assert set(name_languages(list(sc.iter_articles(tmp_path / "in")))) == {"de"}
    assert set(languages) == {"en"}


def test_no_more_texts_are_sent_than_the_samples_have(tmp_path, monkeypatch):
    limit_samples(monkeypatch, 20, 30)
    records = [{"text": f"One of many: number {k}", "source": "Ledger"} for k in range(400)]
    shards = write_shards(tmp_path / "in", records, [100, 200, 300])
    *_, stages_ = clean_in_parts(shards, copies_of(shards, tmp_path, Cut(1)))
    samples, whole = samples_in(stages_)
    assert {name: len(texts) for name, texts in samples.items()} == {"Ledger": 20}
    assert len(whole) == 30, "no two of these texts share a key"
    assert {"sample-bounds", "text-samples", "furniture", "spans"} <= stages_.bytes_read.keys()
    assert all(stages_.bytes_read[name] for name in ("text-samples", "furniture", "spans"))


@settings(max_examples=12)
@given(st.data(), st.integers(0, 99), st.booleans())
def test_any_cut_gives_the_same_stories_with_and_without_furniture(tmp_path_factory, data, seed, clean):
    folder = tmp_path_factory.mktemp("s")
    records = make_pages(data.draw(st.integers(1, 150)), seed)
    bounds = sorted(data.draw(st.lists(st.integers(0, len(records)), max_size=4)))
    shards = write_shards(folder / "in", records, bounds)
    with pytest.MonkeyPatch.context() as patch:
        divide_work(patch, data.draw)
        limit_samples(patch, data.draw(st.sampled_from([9, 1000])), 40)
        report = run_stories(shards, folder, Cut(data.draw(st.sampled_from([1, 5]))), clean)
        local = sc.StoryClusterer(clean=clean).fit(sc.iter_articles(folder / "in"))
    assert labels_in(folder) == list(zip(local.labels_, local.event_labels_, strict=True))
    assert report.threads == len(local.threads_)


def run_stories(shards, folder, runner, clean=True):
    out, wanted = str(folder / "out"), StorySettings(clean=clean)
    return run_job(Job(shards, out, Input(stories=True), CopySettings(), None, wanted), runner)


def labels_in(folder):
    found = (article.record for article in sc.iter_articles(str(folder / "out" / "*.jsonl")))
    return [(record["thread"], record["event"]) for record in found]


@pytest.mark.parametrize("clean", [True, False])
def test_an_interrupted_run_is_not_continued_with_the_other_setting(tmp_path, clean):
    """Files of the first run are there, but those that follow from the text that counts are not used."""
    records = make_pages(150, 2, ["Ledger"])
    shards = write_shards(tmp_path / "in", records, [70])

    class Broken(Cut):
        def run(self, name, function, calls, needs=None, processors=1):
            if name == "labels":
                raise KeyboardInterrupt
            return super().run(name, function, calls, needs, processors)

    with pytest.raises(KeyboardInterrupt):
        run_stories(shards, tmp_path, Broken(1), not clean)
    run_stories(shards, tmp_path, Cut(1), clean)
    local, other = (
        sc.StoryClusterer(clean=each).fit(sc.iter_articles(tmp_path / "in")) for each in (clean, not clean)
    )
    assert labels_in(tmp_path) == list(zip(local.labels_, local.event_labels_, strict=True))
    assert local.labels_.tolist() != other.labels_.tolist(), "or it would not matter"
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert manifest["settings"]["clean"] is clean


@pytest.mark.parametrize("broken", ["sample-bounds", "text-samples", "furniture", "spans"])
def test_an_interrupted_run_continues_on_a_cluster_of_another_size(tmp_path, monkeypatch, broken):
    monkeypatch.setattr(stages, "SMALL_INPUT", 0)
    monkeypatch.setattr(furniture_stage, "SMALL_SAMPLE", 0)
    limit_samples(monkeypatch, 15, 40)
    shards = write_shards(tmp_path / "in", make_pages(100, 3), [30, 60])

    class Broken(Cut):
        def run(self, name, function, calls, needs=None, processors=1):
            if name != broken:
                return super().run(name, function, calls, needs, processors)
            super().run(name, function, calls[: (len(calls) + 1) // 2], None, processors)
            raise KeyboardInterrupt

    for width in (6, 5):
        with pytest.raises(KeyboardInterrupt):
            clean_in_parts(shards, copies_of(shards, tmp_path, Broken(width)))
    check(shards, tmp_path, copies_of(shards, tmp_path, Cut(4)))


@pytest.mark.parametrize("changed", ["text-samples", "spans", "terms"])
@pytest.mark.parametrize("change", [lambda lines: lines + lines[:1], lambda lines: lines[:-2]])
def test_a_shard_that_changes_during_the_run_is_an_error(tmp_path, changed, change):
    shards = write_shards(tmp_path / "in", make_pages(20, 3), [10])

    class Changing(Cut):
        def run(self, name, function, calls, needs=None, processors=1):
            if name == changed:
                text = (tmp_path / "in" / "0001.jsonl").read_text().splitlines(keepends=True)
                (tmp_path / "in" / "0001.jsonl").write_text("".join(change(text)))
            return super().run(name, function, calls, needs, processors)

    with pytest.raises(InputError, match=r"0001\.jsonl has changed"):
        run_stories(shards, tmp_path, Changing(1))


# Keys and sources --------------------------------------------------------------------------------


@given(st.lists(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 9))), max_size=6), st.integers(1, 5))
def test_the_smallest_keys_are_kept_however_they_come(parts, size):
    sample = KeySample(size)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(furniture_stage, "KEYS_HELD", 3)
        for part in parts:
            sources, keys = np.array(part, np.int64).reshape(-1, 2).T
            sample.add(sources, keys.astype(np.uint32))
    sample.finish()
    pairs = sorted({pair for part in parts for pair in part})
    want = [pair for source in range(4) for pair in [p for p in pairs if p[0] == source][:size]]
    assert list(zip(sample.sources.tolist(), sample.keys.tolist(), strict=True)) == want


def test_keys_of_all_bits_stay_apart():
    top = np.array([2**32 - 1, 0, 2**31], np.uint32)
    sources, keys = smallest_distinct(np.array([0, 1, 0]), top, 2)
    assert sources.tolist() == [0, 0, 1]
    assert keys.tolist() == [2**31, 2**32 - 1, 0]


@pytest.mark.parametrize("of_hash", [WHOLE_HASH, len])
@given(st.sets(st.text(max_size=3)), st.lists(st.text(max_size=3), unique=True), st.integers(1, 9))
def test_sources_are_found_by_their_names(tmp_path_factory, of_hash, names, wanted, n_bins):
    path = str(tmp_path_factory.mktemp("t") / "t")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(source_tables, "hash_source", of_hash)
        listed = sort_sources(names)
        arrays = pack_sources(listed)
        write_arrays(path, arrays)
        with ArrayFile(path) as file:
            found = find_sources(file, wanted)
    assert found == {name: listed.index(name) for name in wanted if name in names}
    bounds = bin_bounds(arrays["source_hashes"], n_bins)
    assert len(bounds) == n_bins + 1
    np.testing.assert_array_equal(
        np.repeat(np.arange(n_bins), np.diff(bounds)), bins_of(arrays["source_hashes"], n_bins)
    )


@given(st.lists(st.integers(0, 2**64 - 1), max_size=20), st.integers(1, 50))
def test_bins_are_equal_ranges_of_hashes(hashes, n_bins):
    found = bins_of(np.array(hashes, np.uint64), n_bins)
    assert found.tolist() == [each * n_bins >> 64 for each in hashes]


# Settings ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("given_options", "clean"), [([], True), (["--no-clean"], False)])
def test_the_command_passes_the_setting(tmp_path, monkeypatch, given_options, clean):
    seen = {}

    def fake(inputs, output, **settings):
        seen.update(settings)
        return Report(output)

    monkeypatch.setattr(command, "run", fake)
    (tmp_path / "a.jsonl").write_text('{"text": "Snow fell."}')
    paths = [str(tmp_path / "a.jsonl"), "-o", str(tmp_path / "out")]
    assert main(["threads", "--engine", "ray", *given_options, *paths]) == 0
    assert seen["stories"].clean is clean


def test_a_cluster_does_not_clean_before_copies_are_found(tmp_path, capsys):
    (tmp_path / "a.jsonl").write_text('{"text": "Snow fell."}')
    paths = [str(tmp_path / "a.jsonl"), "-o", str(tmp_path / "out")]
    assert main(["dedup", "--engine", "ray", "--clean", *paths]) == 2
    assert "--clean is for --engine local only" in capsys.readouterr().err


def test_the_setting_is_checked():
    with pytest.raises(InputError, match="clean must be"):
        StorySettings(clean="no").checked()
