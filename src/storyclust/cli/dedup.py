"""`storyclust dedup`: keep one article of each group of copies."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

import storyclust as sc
from storyclust.cli.common import note_result, run_on_cluster
from storyclust.cli.reading import InputReader, write_labelled

if TYPE_CHECKING:
    from storyclust.dedup.deduplicator import BaseDeduplicator


def run_dedup(options: argparse.Namespace) -> None:
    """Run `storyclust dedup`."""
    if options.engine == "ray":
        run_on_cluster(options)
        return
    from storyclust._core.terminal import format_count
    from storyclust.dedup.deduplicator import BaseDeduplicator
    from storyclust.render.dedup_records import dedup_records

    options.quiet = options.quiet or options.check
    inputs = InputReader(options)
    ids = inputs.ids
    reference = list(sc.iter_articles(*options.reference)) if options.reference else None
    dedup = BaseDeduplicator(
        options.threshold,
        keep=options.keep,
        exact=options.exact,
        excerpts=options.excerpts,
        min_containment=options.min_containment,
        doubtful=options.doubtful,
        clean=options.clean,
        n_jobs=options.jobs,
        memory_limit=options.memory,
    ).fit(inputs.first(), reference=reference)
    reference_ids = [article.id for article in reference or ()]
    if options.check:
        _list_copies(options, dedup, ids, reference_ids)
        return
    originals = [_original(dedup, row, ids, reference_ids) for row in range(len(ids))]
    if options.groups:
        listed = dedup_records(dedup, inputs.articles(), ids, reference_ids, reference or ())
        sc.write_records(options.groups, listed)
    if options.labelled:
        labels = ({"duplicate_of": original} for original in originals)
        write_labelled(options.labelled, inputs.records(), labels)
    kept = (record for record, keep in zip(inputs.records(), dedup.keep_, strict=True) if keep)
    count = sc.write_records(options.output, kept)
    groups, excerpts = (
        format_count(len(found), noun)
        for found, noun in ((dedup.groups_, "group"), (dedup.excerpts_, "excerpt"))
    )
    kept_and_removed = f"{format_count(count, 'article')} kept, {len(ids) - count:,} removed"
    doubtful = f", {len(dedup.doubtful_):,} doubtful copies kept" if len(dedup.doubtful_) else ""
    note_result(options, f"{kept_and_removed}; {groups} of copies, {excerpts}{doubtful}")


def _original(dedup: BaseDeduplicator, row: int, ids: list[str], reference_ids: list[str]) -> str | None:
    """Id of the article that a removed article is a copy of; None for a kept article."""
    if dedup.keep_[row]:
        return None
    match = int(dedup.reference_matches_[row])
    return reference_ids[match] if match >= 0 else ids[dedup.representatives_[row]]


def _list_copies(
    options: argparse.Namespace, dedup: BaseDeduplicator, ids: list[str], reference_ids: list[str]
) -> None:
    """Print a line for each article that is not kept; the command fails if there is one."""
    from storyclust._core.terminal import format_count, sanitize

    copies = {row for group in dedup.groups_ for row in group.members.tolist() if row != group.representative}
    removed = [row for row in range(len(ids)) if not dedup.keep_[row]]
    for row in removed:
        relation = "a copy" if row in copies else "an excerpt"
        print(sanitize(f"{ids[row]} is {relation} of {_original(dedup, row, ids, reference_ids)}"))
    if removed:
        verb = "is not original" if len(removed) == 1 else "are not original"
        options.failure = f"{format_count(len(removed), 'article')} {verb}."
