"""`storyclust threads`: group articles into events and story threads."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import storyclust as sc
from storyclust.cli.common import note, note_result, run_on_cluster
from storyclust.cli.reading import read_inputs, write_labelled

if TYPE_CHECKING:
    from storyclust.articles.article import Article
    from storyclust.stories.fitted_stories import FittedStories


def run_threads(options: argparse.Namespace) -> None:
    """Run `storyclust threads`."""
    if options.engine == "ray":
        run_on_cluster(options)
        return
    from storyclust._core.terminal import format_count
    from storyclust.render.exports import chosen_format, write_threads
    from storyclust.stories.clusterer import BaseStoryClusterer

    if options.report == "-":
        raise sc.InputError("--report requires a file path: stdout is used for the threads.")
    kind = chosen_format(options.format, options.output)
    articles = read_inputs(options)
    given = {name: getattr(options, name) for name in ("event_distance", "event_window", "thread_distance")}
    settings = {name: value for name, value in given.items() if value is not None}
    stories = BaseStoryClusterer(
        **settings, clean=options.clean, n_jobs=options.jobs, memory_limit=options.memory
    ).fit(articles)
    if options.labelled:
        records = (article.to_record() for article in articles)
        write_labelled(options.labelled, records, _labels(stories, articles))
    if options.report:
        stories.to_html(options.report, min_size=options.min_size if options.min_size > 1 else None)
    write_threads(options.output, stories, articles, kind, options.min_size)
    copies = int((~stories.deduplicator_.keep_).sum())
    n_events = int(stories.event_labels_.max(initial=-1)) + 1
    note_result(
        options,
        f"{format_count(len(articles), 'article')}, {copies:,} of them copies: "
        f"{format_count(n_events, 'event')} in {format_count(len(stories.threads_), 'thread')}",
    )
    if options.labelled:
        note(options, f"Labelled articles written to {options.labelled}.")
    if options.report:
        note(options, f"Report written to {options.report}.")


def _labels(stories: FittedStories, articles: Sequence[Article]) -> Iterator[dict[str, Any]]:
    dedup = stories.deduplicator_
    for row in range(len(articles)):
        original = int(dedup.representatives_[row])
        yield {
            "duplicate_of": None if original == row else articles[original].id,
            "event": int(stories.event_labels_[row]),
            "thread": int(stories.labels_[row]),
        }
