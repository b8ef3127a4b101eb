"""The whole way: shards in, labelled shards and a manifest out; safe to break off and to run again."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from storyclust.articles.records import dates_unread
from storyclust.distributed.copy_parts import Input
from storyclust.distributed.copy_stage import Copies, find_copies
from storyclust.distributed.engine import cluster
from storyclust.distributed.files import (
    address_of,
    joined,
    read_json,
    reading,
    remove_folder,
    write_arrays,
    write_json,
    writing,
)
from storyclust.distributed.output_stage import Entry, Labels, entry_holds, label_shard
from storyclust.distributed.shards import Shard, digest_of, find_shards
from storyclust.distributed.sketching import CopySettings
from storyclust.distributed.stages import Runner
from storyclust.distributed.storage_check import watched
from storyclust.distributed.story_stage import StorySettings, tell_stories
from storyclust.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

MANIFEST = "manifest.json"
WORK = ".storyclust"
LARGE_SHARD = 250_000  # articles, of which one worker has some 2 GB in hand


@dataclass
class Report:
    """What a run on a cluster has done.

    Attributes
    ----------
    output : str
        Folder of the labelled shards.
    articles, copies, events, threads : int
        How many there are; 0 events and threads where only copies were asked for.
    shards : list of dict
        Of each shard its `input`, `output`, `articles`, `bytes` and `sha256`, as in the manifest; the output
        of a shard that was set aside is None.
    rejects : int
        Records that could not be used.
    messages : list of str
        What was set aside, left undated or renamed, in a sentence each.
    largest : int
        Articles of the largest set that one worker had to look at as a whole to find copies.
    giants : list of int
        Links within each connected component that was more than one worker should take: these were merged on
        several levels.
    taken : dict of str to int
        Bytes that each stage read of what others had left; empty if nothing was left to do.
    """

    output: str
    articles: int = 0
    copies: int = 0
    events: int = 0
    threads: int = 0
    shards: list[Entry] = field(default_factory=list)
    rejects: int = 0
    messages: list[str] = field(default_factory=list)
    largest: int = 0
    giants: list[int] = field(default_factory=list)
    taken: dict[str, int] = field(default_factory=dict)

    def __str__(self) -> str:
        """Say it in a sentence."""
        stories = f": {self.events:,} events in {self.threads:,} threads" if self.threads else ""
        return (
            f"{self.articles:,} articles in {len(self.shards):,} shards, {self.copies:,} of them "
            f"copies{stories}. They are in {self.output}."
        )


class Job(NamedTuple):
    """What is to be done."""

    shards: list[Shard]
    output: str
    source: Input
    copies: CopySettings
    rejects: str | None
    stories: StorySettings | None = None

    @property
    def work(self) -> str:
        """Folder of what stages leave for one another."""
        return joined(self.output, WORK)

    @property
    def key(self) -> str:
        """What tells this job, and this state of its input, from others."""
        keys = [shard.key for shard in self.shards]
        return digest_of(keys, self.source, self.copies, self.stories)


def run(
    inputs: str | os.PathLike[str] | Iterable[str | os.PathLike[str]],
    output: str | os.PathLike[str],
    *,
    threshold: float = 0.8,
    keep: str = "earliest",
    fields: Mapping[str, str] | None = None,
    format: str | None = None,  # noqa: A002  (the word that people look for)
    rejects: str | os.PathLike[str] | None = None,
    stories: StorySettings | None = None,
    n_jobs: int | None = -1,
) -> Report:
    """Find copies, and if asked for events and threads, among the articles of many files, on a Ray cluster.

    Parameters
    ----------
    inputs : str, path-like or iterable of them
        Files, folders or patterns, here (in a place that every node sees) or as URIs such as ``s3://...``.
    output : str or path-like
        Folder for the same files with a field `duplicate_of`, and for ``manifest.json``.
    threshold, keep
        As for `Deduplicator`.
    fields, format
        As for `read_articles`.
    rejects : str or path-like, optional
        Where to write the records that could not be used; a shard that cannot be opened is then set aside,
        too, and is an error otherwise.
    stories : StorySettings, optional
        To find events and threads, too.
    n_jobs : int or None, default=-1
        Processors, where no cluster is at hand and one is started on this machine.

    Returns
    -------
    report : Report

    Raises
    ------
    InputError
        A parameter is out of range, or a shard cannot be read.
    ClusterError
        A node does not reach the files, or calls were lost again and again.
    MissingExtraError
        Ray is not installed.
    """
    paths = [inputs] if isinstance(inputs, (str, os.PathLike)) else list(inputs)
    settings = CopySettings(threshold, keep=keep).checked()
    source = Input(dict(fields) if fields else None, rejects is not None, stories is not None)
    stories = stories and stories.checked()
    with cluster(n_jobs) as runner:
        shards = find_shards(paths, format)
        there = address_of(output)
        job = Job(shards, there, source, settings, None if rejects is None else address_of(rejects), stories)
        _check_apart(job)
        with watched(job.output, job.work, shards, runner.ask):
            return run_job(job, runner)


def _check_apart(job: Job) -> None:
    """Refuse to write over what is read."""
    targets = {joined(job.output, shard.output) for shard in job.shards}
    for shard in job.shards:
        if shard.address in targets:
            raise InputError(f"the output folder {job.output} is where {shard.address} is read from.")


def run_job(job: Job, runner: Runner) -> Report:
    """Do what is left to do of a job."""
    manifest = read_json(joined(job.output, MANIFEST))
    before: Mapping[str, Entry] = {}
    if isinstance(manifest, dict) and manifest.get("key") == job.key:
        before = {entry["input"]: entry for entry in manifest["shards"]}
        calls = [(job.output, before.get(shard.address)) for shard in job.shards]
        if all(
            holds or (entry is not None and entry["output"] is None)
            for holds, (_, entry) in zip(runner.run("checking", entry_holds, calls), calls, strict=True)
        ):
            return Report(**manifest["report"], output=job.output, shards=manifest["shards"])
    copies = find_copies(job.shards, job.work, job.source, job.copies, runner)
    report = _reported(job, copies)
    found: dict[str, NDArray[np.int64]] = {}
    if job.stories is not None:
        told = tell_stories(job.shards, job.source, copies, job.stories)
        found = {"event": told.events, "thread": told.threads}
        report.events, report.threads = (int(labels.max(initial=-1)) + 1 for labels in found.values())
        report.giants = told.giants
    labels = Labels(joined(job.work, f"{job.key}-labels"), copies.renamed)
    write_arrays(labels.address, {"kept": copies.kept, **found})
    report.shards = _label_all(job, copies, labels, runner, before)
    _write_manifest(job, report)
    report.taken = copies.stages.taken
    remove_folder(job.work)
    return report


def _label_all(
    job: Job, copies: Copies, labels: Labels, runner: Runner, before: Mapping[str, Entry]
) -> list[Entry]:
    """Write all shards with their labels."""
    calls = [
        (
            joined(job.work, f"{job.key}-done-{k}"),
            job.output,
            k,
            shard,
            job.source,
            copies.stages.corpus,
            labels,
            before.get(shard.address),
        )
        for k, shard in enumerate(job.shards)
    ]
    entries: list[Entry] = runner.run("labels", label_shard, calls)
    return entries


def _write_manifest(job: Job, report: Report) -> None:
    said = ("articles", "copies", "events", "threads", "rejects", "messages", "largest", "giants")
    manifest = {
        "key": job.key,
        "settings": {**asdict(job.copies), **(asdict(job.stories) if job.stories else {})},
        "report": {name: getattr(report, name) for name in said},
        "shards": report.shards,
    }
    write_json(joined(job.output, MANIFEST), manifest)


def _reported(job: Job, copies: Copies) -> Report:
    """Say what was read, and write the rejects of all shards."""
    abouts = copies.abouts
    _check_fields(abouts, job.source)
    report = Report(job.output, articles=copies.corpus.n, largest=copies.largest)
    report.copies = int((copies.kept != np.arange(copies.corpus.n)).sum())
    report.rejects = sum(about["rejects"] for about in abouts)
    first = next((about["first_reject"][0] for about in abouts if about["rejects"]), "")
    if job.rejects is not None:
        with writing(job.rejects) as file:
            for address, about in zip(copies.corpus.sketches, abouts, strict=True):
                if about["rejects"]:
                    with reading(f"{address}.rejects.jsonl") as part:
                        file.write(part.read())
    if first and not report.articles:
        raise InputError(f"no record could be used; first: {first}.")
    report.messages = _messages(report.rejects, first, copies)
    return report


def _messages(rejects: int, first: str, copies: Copies) -> list[str]:
    reports = [about["report"] for about in copies.abouts]
    found = []
    if rejects:
        verb = "was" if rejects == 1 else "were"
        read = sum(report["read"] for report in reports)
        found.append(f"{rejects:,} of {read:,} records {verb} set aside, first: {first}.")
    if bad := sum(report["bad_dates"] for report in reports):
        dates = sum(report["dates"] for report in reports)
        place = next(report["first_bad_date"] for report in reports if report["bad_dates"])
        found.append(dates_unread(bad, dates, place))
    sizes = [about["articles"] for about in copies.abouts]
    if max(sizes, default=0) > LARGE_SHARD:
        n = sum(size > LARGE_SHARD for size in sizes)
        found.append(
            f"{n:,} of {len(sizes):,} shards have more than {LARGE_SHARD:,} articles, the largest "
            f"{max(sizes):,}: one worker has to hold all of them, and smaller shards would be done sooner."
        )
    if some := [about for about in copies.names if about["renamed"]]:
        old, new = min((about["first"][0] for about in some), key=lambda pair: pair[0])
        n = sum(about["ids"] for about in some)
        found.append(_renamed(n, old, new))
    return found


def _renamed(n: int, old: str, new: str) -> str:
    verb = "id occurs" if n == 1 else "ids occur"
    return f"{n:,} {verb} more than once; later ones were renamed, for example {old!r} -> {new!r}."


def _check_fields(abouts: Sequence[dict[str, Any]], source: Input) -> None:
    """Raise if a field that was named is in no record of any shard."""
    found = {name for about in abouts for name in about["found"]}
    first = next((about["fields"] for about in abouts if about["fields"] is not None), None)
    for name, column in (source.fields or {}).items():
        if name not in found and first is not None:
            raise InputError(
                f"no record has the field {column!r} named for {name}; "
                f"the first has: {', '.join(first[:12])}."
            )
