"""The commands of a store, except `watch`."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from itertools import chain, islice
from typing import TYPE_CHECKING, Any

from storyclust.cli.common import fields_of, note, report_reading
from storyclust.cli.store.opening import Outcome, opened
from storyclust.errors import StoreError

if TYPE_CHECKING:
    from storyclust.articles.article import Article
    from storyclust.store import Change, NewsStore

Run = Callable[[argparse.Namespace], None]
BATCH_SIZE = 1_000  # articles in one transaction
DIGEST_THREADS = 20
NOTE_INTERVAL = 2.0  # seconds between two notes of progress


def run_add(options: argparse.Namespace) -> None:
    """Run `storyclust add`."""
    from storyclust.io.reading import ReadReport, iter_as_given
    from storyclust.io.writing import write_records

    report, fields = ReadReport(), fields_of(options)
    articles = iter_as_given(
        *options.inputs,
        fields=fields,
        format=options.input_format,
        encoding=options.encoding,
        rejects=options.rejects,
        report=report,
    )
    first = list(islice(articles, BATCH_SIZE))  # bad inputs raise before a store is created
    with opened(options, create=True) as store:
        outcome = Outcome(store, options)
        results = _add_batches(store, chain(first, articles), outcome, options)
        closed: BrokenPipeError | None = None
        try:
            if options.output:
                write_records(options.output, results)
        except BrokenPipeError as error:  # the reader of the output has gone; the rest is added all the same
            closed = error
        for _ in results:
            pass
        report_reading(report, options)
        outcome.report()
    if closed:
        raise closed


def _add_batches(
    store: NewsStore, articles: Iterator[Article], outcome: Outcome, options: argparse.Namespace
) -> Iterator[dict[str, Any]]:
    """Add articles batch by batch; yields a record of the result for each."""
    noted = time.monotonic()
    while batch := list(islice(articles, BATCH_SIZE)):
        added = store.add(batch)
        outcome.count(added)
        if time.monotonic() - noted > NOTE_INTERVAL:
            note(options, f"{outcome.statuses.total():,} articles so far.")
            noted = time.monotonic()
        yield from map(asdict, added)


def run_show(options: argparse.Namespace) -> None:
    """Run `storyclust show`."""
    from storyclust.cli.store import views
    from storyclust.io.writing import write_records

    with opened(options, read_only=True) as store:
        if options.history:
            _print_changes(options, _changes(store, options))
        elif options.thread is not None:
            thread = store.thread(options.thread)
            if is_digest(options):
                views.print_thread(store, thread)
            else:
                write_records("-", [views.thread_record(thread)])
        else:
            _show_threads(store, options)


def _show_threads(store: NewsStore, options: argparse.Namespace) -> None:
    from storyclust._core.progress import stage
    from storyclust.cli.store import views
    from storyclust.io.writing import write_records

    since = None if options.all else options.since or _day_before_latest(store)
    threads = store.threads(since, options.source, options.term, options.min_size)
    if is_digest(options):
        views.print_threads(threads, DIGEST_THREADS if options.limit is None else options.limit, since)
        return
    chosen = threads if options.limit is None else threads[: max(0, options.limit)]
    with stage("summaries", len(chosen)) as advance:

        def records() -> Iterator[dict[str, Any]]:
            for thread in chosen:
                yield views.thread_record(thread)
                advance(1)

        write_records("-", records())


def _day_before_latest(store: NewsStore) -> datetime | None:
    latest = store.latest()
    return latest and latest - min(timedelta(days=1), latest - datetime(1, 1, 1, tzinfo=UTC))


def _changes(store: NewsStore, options: argparse.Namespace) -> list[Change]:
    from storyclust.store.encoding import moment

    since = moment("since", options.since) if options.since else None
    return [change for change in store.history(options.thread) if since is None or change.at >= since]


def _print_changes(options: argparse.Namespace, changes: Sequence[Change]) -> None:
    from storyclust.cli.store import views
    from storyclust.io.writing import write_records

    if is_digest(options):
        views.print_changes(changes)
    else:
        write_records("-", (change._asdict() for change in changes))


def run_search(options: argparse.Namespace) -> None:
    """Run `storyclust search`."""
    from storyclust.cli.store import views
    from storyclust.io.writing import write_records

    with opened(options, read_only=True) as store:
        hits = store.search(" ".join(options.words), options.limit)
        if is_digest(options):
            views.print_hits(store, hits)
        else:
            write_records("-", (views.hit_record(store, hit) for hit in hits))


def run_export(options: argparse.Namespace) -> None:
    """Run `storyclust export`."""
    with opened(options, read_only=True) as store:
        note(options, f"{store.export(options.output):,} articles.")


def run_check(options: argparse.Namespace) -> None:
    """Run `storyclust check`."""
    from storyclust._core.terminal import sanitize

    with opened(options, read_only=not options.repair) as store:
        problems = store.check(repair=options.repair)
        for problem in problems:
            print(sanitize(problem))
        if problems:
            sys.stdout.flush()
            advice = "restore a backup" if options.repair else "--repair puts right what can be"
            raise StoreError(f"{options.store} has {len(problems):,} kinds of problems; {advice}.")
        note(
            options, f"{options.store} is sound: {len(store):,} articles in {len(store.threads()):,} threads."
        )


def run_consolidate(options: argparse.Namespace) -> None:
    """Run `storyclust consolidate`."""
    with opened(options) as store:
        _print_changes(options, store.consolidate(options.days))


def run_forget(options: argparse.Namespace) -> None:
    """Run `storyclust forget`."""
    with opened(options) as store:
        note(options, f"{store.forget(options.before):,} articles were removed, {len(store):,} are left.")


def run_remove(options: argparse.Namespace) -> None:
    """Run `storyclust remove`."""
    with opened(options) as store:
        note(options, f"{store.remove(options.ids):,} articles were removed, {len(store):,} are left.")


def is_digest(options: argparse.Namespace) -> bool:
    """Whether the output is a digest for a person."""
    return bool(options.format == "digest" or (options.format is None and sys.stdout.isatty()))
