"""`storyclust dedup`: keep one article of each group of copies."""

from __future__ import annotations

import argparse

import storyclust as sc
from storyclust.cli.cluster import run_on_cluster
from storyclust.cli.common import note
from storyclust.cli.reading import _noting_ids, _reader, _write_labelled


def run_dedup(options: argparse.Namespace) -> None:
    """Run `storyclust dedup`."""
    if options.engine == "ray":
        run_on_cluster(options)
        return
    from storyclust.render.dedup_records import dedup_records

    ids: list[str] = []
    again = _reader(options)
    reference = list(sc.iter_articles(*options.reference)) if options.reference else None
    dedup = sc.Deduplicator(
        options.threshold,
        keep=options.keep,
        exact=options.exact,
        excerpts=options.excerpts,
        clean=options.clean,
        n_jobs=options.jobs,
        memory_limit=options.memory,
    ).fit(_noting_ids(again(first=True), ids), reference=reference)
    outside = [article.id for article in reference or ()]
    copy_of = [_original(dedup, row, ids, outside) for row in range(len(ids))]
    if options.groups:
        sc.write_records(options.groups, dedup_records(dedup, again(), ids, outside, reference or ()))
    if options.labelled:
        _write_labelled(options.labelled, again(), ({"duplicate_of": original} for original in copy_of))
    kept = (article.to_record() for article, keep in zip(again(), dedup.keep_, strict=True) if keep)
    count = sc.write_records(options.output, kept)
    note(
        options,
        f"{len(ids):,} articles: {count:,} kept, {len(ids) - count:,} not; {len(dedup.groups_):,} groups of "
        f"copies, {len(dedup.excerpts_):,} excerpts.",
    )


def _original(dedup: sc.Deduplicator, row: int, ids: list[str], outside: list[str]) -> str | None:
    """Id of the article that is kept for one that is not."""
    if dedup.keep_[row]:
        return None
    match = int(dedup.reference_matches_[row])
    return outside[match] if match >= 0 else ids[dedup.representatives_[row]]
