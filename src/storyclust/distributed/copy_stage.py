"""Copies among shards, stage by stage: each stage is a function from files to one file, run by whoever can.

Nothing here knows who runs the stages; see `stages`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from storyclust.distributed.copy_parts import (
    Input,
    deal_part,
    names_part,
    propose_part,
    represent_bin,
    sketch_shard,
    twins_part,
    verify_part,
)
from storyclust.distributed.corpus import Corpus, Sketches, unravel
from storyclust.distributed.files import Arrays, joined, pack_texts, texts_at, write_arrays
from storyclust.distributed.pair_verification import (
    deal,
    join_crowd,
    join_pairs,
)
from storyclust.distributed.shards import Shard, digest_of
from storyclust.distributed.sketching import (
    CopySettings,
)
from storyclust.distributed.stages import (
    About,
    Runner,
    Stages,
    bucket_ranges,
    unless_written,
    values_at_once,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

BIN = 1 << 16  # articles in groups that one worker ranks


# Stages ----------------------------------------------------------------------------------------


# All of them -----------------------------------------------------------------------------------


class Copies(NamedTuple):
    """Copies of a corpus.

    Attributes
    ----------
    corpus : Corpus
    abouts : list of dict
        What was said of each shard.
    kept : int64 array of shape (n,)
        The article kept for each.
    renamed : str
        Address of the articles that were renamed.
    names : list of dict
        What was said of renaming.
    stages : Stages
        Runs what comes after.
    largest : int
        Articles of the largest set of which each is like another.
    """

    corpus: Corpus
    abouts: list[About]
    kept: NDArray[np.int64]
    renamed: str
    names: list[About]
    stages: Stages
    largest: int


def sketch_all(
    shards: Sequence[Shard], work: str, source: Input, settings: CopySettings, runner: Runner
) -> tuple[Corpus, list[About]]:
    """Sketch all shards."""
    keys = [digest_of(shard.key, source, settings) for shard in shards]
    targets = [joined(work, f"sketch-{key}") for key in keys]
    calls = [
        (sketch_shard, target, shard, source, settings) for target, shard in zip(targets, shards, strict=True)
    ]
    abouts = runner.run("sketches", unless_written, calls)
    offsets = np.append(0, np.cumsum([about["articles"] for about in abouts])).astype(np.int64)
    return Corpus(targets, offsets), abouts


def find_copies(
    shards: Sequence[Shard], work: str, source: Input, settings: CopySettings, runner: Runner
) -> Copies:
    """Find the copies among the articles of all shards.

    Parameters
    ----------
    shards : sequence of Shard
    work : str
        Folder for what the stages leave for one another.
    source : Input
    settings : CopySettings
    runner : Runner

    Returns
    -------
    copies : Copies
    """
    corpus, abouts = sketch_all(shards, work, source, settings, runner)
    stages = Stages(joined(work, digest_of(corpus.sketches)), corpus, runner)
    n_texts = sum(about["texts"] for about in abouts)
    renamed, names = _join_names(stages)
    firsts = _firsts(stages, n_texts)
    parent = firsts.copy()
    proposals = _proposals(stages, firsts, settings, n_texts)
    checked = _checked(stages, proposals, settings.threshold)
    for address in proposals + checked:
        with Arrays(address) as file:
            if file.about["verified"]:
                join_pairs(parent, file["codes"])
            for crowd in unravel(file["crowds"], file["crowds.bounds"]):
                join_crowd(parent, crowd)
    bins = deal(parent, BIN)
    del parent
    address = stages.at("bins")
    _write_bins(address, bins.bin_of, bins.n_bins, firsts)
    del firsts
    dealt = stages.each(
        "parting", deal_part, {digest_of(part): (part, address) for part in proposals + checked}
    )
    shared = runner.share(dealt)
    calls = {str(b): (stages.corpus, address, shared, renamed, b, settings) for b in range(bins.n_bins)}
    kept = np.arange(corpus.n)
    for part in stages.each("groups", represent_bin, calls):
        with Arrays(part) as file:
            kept[file["rows"]] = file["kept"]
    return Copies(corpus, abouts, kept, renamed, names, stages, bins.largest)


def _join_names(stages: Stages) -> tuple[str, list[About]]:
    """Put all that were renamed into one file; returns its address, and what was said of them."""
    rows, texts = [np.empty(0, np.int64)], []
    for address in stages.by_bucket("names", names_part, stages.plain.n):
        with Arrays(address) as file:
            rows.append(file["rows"])
            texts += texts_at(file, "name", np.arange(file.length("rows")))
    target = stages.at("renamed")
    write_arrays(target, {"rows": np.concatenate(rows), **pack_texts("name", texts)})
    return target, stages.abouts


def _firsts(stages: Stages, n_texts: int) -> NDArray[np.int64]:
    """Find of every article the first that has its text."""
    firsts = np.arange(stages.plain.n)
    for address in stages.by_bucket("twins", twins_part, n_texts):
        with Arrays(address) as file:
            firsts[file["rows"]] = file["firsts"]
    with Sketches(stages.plain) as sketches:
        for file, offset in sketches.all():
            firsts[file["twins"] + np.int64(offset)] = firsts[file["twin_heads"] + np.int64(offset)]
    return firsts


def _proposals(stages: Stages, firsts: NDArray[np.int64], settings: CopySettings, n_texts: int) -> list[str]:
    late = stages.at("late")
    write_arrays(late, {"late": np.packbits(firsts != np.arange(len(firsts)))})
    bands = settings.bands.bands
    at_once = max(1, min(values_at_once() // max(n_texts, 1), -(-bands // stages.runner.width)))
    spans = [(band, min(band + at_once, bands)) for band in range(0, bands, at_once)]
    calls = {
        f"{span[0]}-{span[1]}-{a}-{b}": (stages.corpus, late, span, a, b)
        for span in spans
        for a, b in bucket_ranges(n_texts)
    }
    return stages.each("bands", propose_part, calls)


def _checked(stages: Stages, proposals: list[str], threshold: float) -> list[str]:
    pairs = sum(about["pairs"] for about in stages.abouts)
    shared = stages.runner.share(proposals)
    spans = bucket_ranges(8 * pairs, 4 * stages.runner.width)
    calls = {f"{a}-{b}": (stages.corpus, shared, a, b, threshold) for a, b in spans}
    return stages.each("verification", verify_part, calls)


def _write_bins(address: str, bin_of: NDArray[np.int32], n_bins: int, firsts: NDArray[np.int64]) -> None:
    """Write which bin each article is in, and which articles each bin has."""
    members = np.flatnonzero(bin_of >= 0)
    members = members[np.argsort(bin_of[members], kind="stable")]
    arrays: dict[str, NDArray[Any]] = {
        "bin_of": bin_of,
        "members": members,
        "firsts": firsts[members],
        "member_bounds": np.searchsorted(bin_of[members], np.arange(n_bins + 1)),
    }
    write_arrays(address, arrays, {"bins": n_bins})
