"""Copies among shards: the order of the stages, and what the driver does between them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from storyclust.distributed.array_files import ArrayFile, pack_texts, read_texts, split_ragged, write_arrays
from storyclust.distributed.copy_parts import (
    Input,
    candidates_part,
    partition_pairs_part,
    rename_part,
    repeated_texts_part,
    representatives_part,
    sketch_shard,
    verify_part,
)
from storyclust.distributed.corpus import Corpus, SketchReader
from storyclust.distributed.files import join_address
from storyclust.distributed.pair_verification import ArticleBins, assign_bins, unite_pairs, unite_run
from storyclust.distributed.shard_parts import ReadShard, split_shards
from storyclust.distributed.shards import Shard, digest_of
from storyclust.distributed.sketching import CopySettings
from storyclust.distributed.stages import (
    Metadata,
    Runner,
    Stages,
    band_ranges,
    bucket_ranges,
    run_unless_finished,
    shard_needs,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

SKETCH_FACTOR = 6  # memory of sketching, in bytes of the shard: 3.7 for short articles, 4.6 for long ones
BIN_ARTICLES = 1 << 16  # articles whose representatives one call chooses


class Reading(NamedTuple):
    """What was read of an input: the articles from `begin` up to `end`."""

    shard: Shard
    begin: int
    end: int
    address: str  # beside which its rejects are
    metadata: Metadata  # of `reading_metadata`


class Copies(NamedTuple):
    """Copies of a corpus.

    Attributes
    ----------
    shards : list of Shard
        The shards that stages read: parts in the place of large ones.
    readings : list of Reading
        What was read of each input.
    corpus : Corpus
        Sketches of `shards`.
    kept : int64 array of shape (n,)
        The article that is kept for each.
    renamed : str
        Address of the ids of renamed articles.
    stages : Stages
        Runs further stages on the same corpus.
    largest : int
        Articles of the largest connected component of candidate pairs.
    """

    shards: list[Shard]
    readings: list[Reading]
    corpus: Corpus
    kept: NDArray[np.int64]
    renamed: str
    stages: Stages
    largest: int


def sketch_all(
    shards: Sequence[Shard], work: str, source: Input, settings: CopySettings, runner: Runner
) -> tuple[Corpus, list[Metadata]]:
    """Sketch all shards; returns the corpus, and the metadata of each sketch."""
    targets = [join_address(work, f"sketch-{digest_of(shard.key, source, settings)}") for shard in shards]
    calls = [
        (sketch_shard, target, shard, source, settings) for target, shard in zip(targets, shards, strict=True)
    ]
    sketches = runner.run("sketches", run_unless_finished, calls, shard_needs(shards, SKETCH_FACTOR, runner))
    offsets = np.append(0, np.cumsum([sketch["articles"] for sketch in sketches])).astype(np.int64)
    return Corpus(targets, offsets), sketches


def find_copies(
    shards: Sequence[Shard], work: str, source: Input, settings: CopySettings, runner: Runner
) -> Copies:
    """Find the copies among the articles of all shards.

    Parameters
    ----------
    shards : sequence of Shard
    work : str
        Folder for the files of stages.
    source : Input
    settings : CopySettings
    runner : Runner

    Returns
    -------
    copies : Copies
    """
    split = split_shards(shards, work, source, runner)
    parts = [part for each in split for part in each.parts]
    corpus, sketches = sketch_all(parts, work, source, settings, runner)
    stages = Stages(join_address(work, digest_of(corpus.sketches)), corpus, runner)
    n_texts = sum(sketch["texts"] for sketch in sketches)
    renamed = _collect_renamed(stages)
    firsts = _find_first_rows(stages, n_texts)
    candidates = _find_candidates(stages, firsts, settings, n_texts)
    pairs = candidates + _verify(stages, candidates, settings.threshold)
    bins = assign_bins(_components(firsts, pairs), BIN_ARTICLES)
    address = stages.address("bins")
    _write_bins(address, bins, firsts)
    del firsts
    partitions = stages.run(
        "pair-bins", partition_pairs_part, {digest_of(part): (part, address) for part in pairs}
    )
    shared = runner.share(partitions)
    calls = {
        str(b): (stages.shared_corpus, address, shared, renamed, b, settings) for b in range(bins.n_bins)
    }
    kept = np.arange(corpus.n)
    for part in stages.run("groups", representatives_part, calls):
        with ArrayFile(part) as file:
            kept[file["rows"]] = file["kept"]
    return Copies(parts, _readings(split, corpus, sketches), corpus, kept, renamed, stages, bins.largest)


def _readings(split: Sequence[ReadShard], corpus: Corpus, sketches: Sequence[Metadata]) -> list[Reading]:
    """Collect what was read of each input: from the sketch of a shard that was not split."""
    readings, first = [], 0
    for shard, parts, address, metadata in split:
        last = first + len(parts)
        begin, end = corpus.offsets[[first, last]].tolist()
        told = (corpus.sketches[first], sketches[first]) if metadata is None else (address, metadata)
        readings.append(Reading(shard, begin, end, *told))
        first = last
    return readings


def _collect_renamed(stages: Stages) -> str:
    """Write all new ids into one file; returns its address."""
    rows, ids = [np.empty(0, np.int64)], []
    for address in stages.run_by_bucket("names", rename_part, stages.corpus.n):
        with ArrayFile(address) as file:
            rows.append(file["rows"])
            ids += read_texts(file, "id", np.arange(file.length("rows")))
    target = stages.address("renamed")
    write_arrays(target, {"rows": np.concatenate(rows), **pack_texts("id", ids)})
    return target


def _find_first_rows(stages: Stages, n_texts: int) -> NDArray[np.int64]:
    """Find, for each article, the first article with the same text."""
    firsts = np.arange(stages.corpus.n)
    for address in stages.run_by_bucket("duplicates", repeated_texts_part, n_texts):
        with ArrayFile(address) as file:
            firsts[file["rows"]] = file["firsts"]
    with SketchReader(stages.corpus) as sketches:
        for file, offset in sketches.all():
            firsts[file["repeats"] + offset] = firsts[file["repeat_firsts"] + offset]
    return firsts


def _find_candidates(
    stages: Stages, firsts: NDArray[np.int64], settings: CopySettings, n_texts: int
) -> list[str]:
    repeated = stages.address("repeated")
    write_arrays(repeated, {"repeated": np.packbits(firsts != np.arange(len(firsts)))})
    calls = {
        f"{bands[0]}-{bands[1]}-{a}-{b}": (stages.shared_corpus, repeated, bands, a, b)
        for bands in band_ranges(settings.bands.bands, n_texts, stages.runner.width)
        for a, b in bucket_ranges(n_texts)
    }
    return stages.run("bands", candidates_part, calls)


def _verify(stages: Stages, candidates: list[str], threshold: float) -> list[str]:
    n_pairs = sum(metadata["pairs"] for metadata in stages.metadata["bands"])
    shared = stages.runner.share(candidates)
    ranges = bucket_ranges(8 * n_pairs, 4 * stages.runner.width)
    calls = {f"{a}-{b}": (stages.shared_corpus, shared, a, b, threshold) for a, b in ranges}
    return stages.run("verification", verify_part, calls)


def _components(firsts: NDArray[np.int64], pairs: list[str]) -> NDArray[np.int64]:
    """Unite equal texts, verified pairs and large runs; returns the parents of the disjoint sets."""
    parent = firsts.copy()
    for address in pairs:
        with ArrayFile(address) as file:
            if file.metadata["verified"]:
                unite_pairs(parent, file["codes"])
            for run in split_ragged(file["large_runs"], file["large_runs.bounds"]):
                unite_run(parent, run)
    return parent


def _write_bins(address: str, bins: ArticleBins, firsts: NDArray[np.int64]) -> None:
    """Write the bin of each article, and the articles of each bin."""
    members = np.flatnonzero(bins.bin_of >= 0)
    members = members[np.argsort(bins.bin_of[members], kind="stable")]
    arrays: dict[str, NDArray[Any]] = {
        "bin_of": bins.bin_of,
        "members": members,
        "firsts": firsts[members],
        "member_bounds": np.searchsorted(bins.bin_of[members], np.arange(bins.n_bins + 1)),
    }
    write_arrays(address, arrays, {"bins": bins.n_bins})
