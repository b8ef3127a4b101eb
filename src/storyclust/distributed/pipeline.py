"""The pipeline from shards to labelled shards and a manifest; an interrupted run can continue."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import NamedTuple

import numpy as np

from storyclust.articles.date_order import DateCounts
from storyclust.articles.field_counts import FieldCounts
from storyclust.articles.markup import texts_converted
from storyclust.articles.records import dates_unread
from storyclust.distributed.array_files import write_arrays
from storyclust.distributed.copy_parts import Input, rejects_address
from storyclust.distributed.copy_stage import Copies, find_copies
from storyclust.distributed.engine import cluster
from storyclust.distributed.files import (
    address_of,
    join_address,
    open_for_reading,
    open_for_writing,
    read_json,
    remove_folder,
    write_json,
)
from storyclust.distributed.output_stage import Entry, LabelFiles, entry_holds, label_shard
from storyclust.distributed.shards import Shard, digest_of, find_shards
from storyclust.distributed.sketching import CopySettings
from storyclust.distributed.stages import Metadata, Runner
from storyclust.distributed.storage_check import storage_checked
from storyclust.distributed.story_stage import StorySettings, find_stories
from storyclust.errors import InputError
from storyclust.io.places import PlaceError
from storyclust.io.reading import encodings_taken

MANIFEST = "manifest.json"
WORK = ".storyclust"


@dataclass
class Report:
    """Result of a run on a cluster.

    Attributes
    ----------
    output : str
        Folder of the labelled shards.
    articles, copies, events, threads : int
        Counts; 0 events and threads if only copies were requested.
    shards : list of dict
        `input`, `output`, `articles`, `bytes` and `sha256` of each shard, as in the manifest; the output of a
        shard that was set aside is None.
    rejects : int
        Number of records that could not be used.
    messages : list of str
        Sentences about records set aside, unreadable dates, converted texts and renamed articles.
    notes : list of str
        What was read from which field.
    largest : int
        Articles of the largest connected component of candidate pairs, which one worker holds.
    oversized_components : list of int
        Edges of each connected component that is too large for one worker: it was merged in several levels.
    bytes_read : dict of str to int
        Bytes that each stage read from the files of other stages; empty if the output was complete.
    """

    output: str
    articles: int = 0
    copies: int = 0
    events: int = 0
    threads: int = 0
    shards: list[Entry] = field(default_factory=list)
    rejects: int = 0
    messages: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    largest: int = 0
    oversized_components: list[int] = field(default_factory=list)
    bytes_read: dict[str, int] = field(default_factory=dict)

    def __str__(self) -> str:
        """Summarize the run in a sentence."""
        stories = f": {self.events:,} events in {self.threads:,} threads" if self.threads else ""
        return (
            f"{self.articles:,} articles in {len(self.shards):,} shards, {self.copies:,} of them "
            f"copies{stories}. They are in {self.output}."
        )


class Job(NamedTuple):
    """Parameters of a run."""

    shards: list[Shard]
    output: str
    source: Input
    copies: CopySettings
    rejects: str | None
    stories: StorySettings | None = None

    @property
    def work(self) -> str:
        """Folder for the files of stages."""
        return join_address(self.output, WORK)

    @property
    def key(self) -> str:
        """Hash of all parameters and of the versions of all shards."""
        keys = [shard.key for shard in self.shards]
        return digest_of(keys, self.source, self.copies, self.stories)


def run(
    inputs: str | os.PathLike[str] | Iterable[str | os.PathLike[str]],
    output: str | os.PathLike[str],
    *,
    threshold: float = 0.8,
    keep: str = "earliest",
    doubtful: str = "keep",
    fields: Mapping[str, str] | None = None,
    format: str | None = None,  # noqa: A002 - the usual name of the parameter
    encoding: str | None = None,
    rejects: str | os.PathLike[str] | None = None,
    stories: StorySettings | None = None,
    n_jobs: int | None = -1,
) -> Report:
    """Find copies, and optionally events and threads, among the articles of many files, on a Ray cluster.

    Parameters
    ----------
    inputs : str, path-like or iterable of them
        Files, folders or patterns: paths that every node sees, or URIs such as ``s3://...``.
    output : str or path-like
        Folder for the same files with a field `duplicate_of`, and for ``manifest.json``.
    threshold, keep, doubtful
        As for `Deduplicator`.
    fields, format, encoding
        As for `read_articles`.
    rejects : str or path-like, optional
        File for the records that could not be used. A shard that cannot be read is then set aside, too;
        otherwise it is an error.
    stories : StorySettings, optional
        Find events and threads, too.
    n_jobs : int or None, default=-1
        Processors of the local cluster that is started if there is no other.

    Returns
    -------
    report : Report

    Raises
    ------
    InputError
        A parameter is out of range, or a shard cannot be read.
    ClusterError
        A node cannot access the files, or calls were lost repeatedly.
    MissingExtraError
        Ray is not installed.
    """
    paths = [inputs] if isinstance(inputs, (str, os.PathLike)) else list(inputs)
    settings = CopySettings(threshold, keep=keep, doubtful=doubtful).checked()
    source = Input(dict(fields) if fields else None, rejects is not None, stories is not None)
    stories = stories and stories.checked()
    with cluster(n_jobs) as runner:
        shards = find_shards(paths, format, encoding)
        job = Job(
            shards,
            address_of(output),
            source,
            settings,
            None if rejects is None else address_of(rejects),
            stories,
        )
        check_output(job.shards, job.output, job.rejects)
        with storage_checked(job.output, job.work, shards, runner.check_nodes):
            return run_job(job, runner)


def check_output(shards: Sequence[Shard], output: str, rejects: str | None) -> None:
    """Raise if the output or the rejects would replace a shard, or each other; links are followed."""
    targets = {_place(join_address(output, shard.output)) for shard in shards}
    targets.add(_place(join_address(output, MANIFEST)))
    for shard in shards:
        place = _place(shard.address)
        if place in targets:
            raise PlaceError(f"the output folder {output} is where {shard.address} is read from.")
        if rejects is not None and place == _place(rejects):
            raise PlaceError(f"--rejects would replace an input, {shard.address}.")
    if rejects is not None and _place(rejects) in targets:
        raise PlaceError(f"--rejects {rejects} is a file of the output folder.")


def _place(address: str) -> object:
    """The file at an address: its numbers if it exists on this machine, or else its real path."""
    if "://" in address:
        return address
    try:
        status = os.stat(address)  # noqa: PTH116  (addresses are text)
    except OSError:
        return os.path.realpath(address)
    return status.st_dev, status.st_ino


def run_job(job: Job, runner: Runner) -> Report:
    """Run the unfinished parts of a job."""
    manifest = read_json(join_address(job.output, MANIFEST))
    before: Mapping[str, Entry] = {}
    if isinstance(manifest, dict) and manifest.get("key") == job.key:
        before = {entry["input"]: entry for entry in manifest["shards"]}
        calls = [(job.output, before.get(shard.address)) for shard in job.shards]
        checked = zip(runner.run("checking", entry_holds, calls), calls, strict=True)
        if all(holds or (entry is not None and entry["output"] is None) for holds, (_, entry) in checked):
            return Report(**manifest["report"], output=job.output, shards=manifest["shards"])
    copies = find_copies(job.shards, job.work, job.source, job.copies, runner)
    report = _report_copies(job, copies)
    labels = {"kept": copies.kept}
    if job.stories is not None:
        stories = find_stories(copies, job.source, job.stories)
        labels |= {"event": stories.events, "thread": stories.threads}
        report.events = int(stories.events.max(initial=-1)) + 1
        report.threads = int(stories.threads.max(initial=-1)) + 1
        report.oversized_components = stories.oversized_components
    label_files = LabelFiles(join_address(job.work, f"{job.key}-labels"), copies.renamed)
    write_arrays(label_files.labels, labels)
    report.shards = _label_all(job, copies, label_files, runner, before)
    _write_manifest(job, report)
    report.bytes_read = copies.stages.bytes_read
    remove_folder(job.work)
    return report


def _label_all(
    job: Job, copies: Copies, label_files: LabelFiles, runner: Runner, before: Mapping[str, Entry]
) -> list[Entry]:
    """Write all shards with their labels."""
    calls = [
        (
            join_address(job.work, f"{job.key}-done-{k}"),
            job.output,
            reading,
            job.source,
            copies.stages.shared_corpus,
            label_files,
            before.get(reading.shard.address),
        )
        for k, reading in enumerate(copies.readings)
    ]
    entries: list[Entry] = runner.run("labels", label_shard, calls)
    return entries


def _write_manifest(job: Job, report: Report) -> None:
    fields = (
        *("articles", "copies", "events", "threads", "rejects", "messages", "notes"),
        *("largest", "oversized_components"),
    )
    manifest = {
        "key": job.key,
        "settings": {**asdict(job.copies), **(asdict(job.stories) if job.stories else {})},
        "report": {name: getattr(report, name) for name in fields},
        "shards": report.shards,
    }
    write_json(join_address(job.output, MANIFEST), manifest)


def _report_copies(job: Job, copies: Copies) -> Report:
    """Report what was read, and write the rejects of all shards."""
    readings = [reading.metadata for reading in copies.readings]
    _check_fields(readings, job.source)
    report = Report(job.output, articles=copies.corpus.n, largest=copies.largest)
    report.copies = int((copies.kept != np.arange(copies.corpus.n)).sum())
    report.rejects = sum(reading["rejects"] for reading in readings)
    first = next((reading["first_reject"][0] for reading in readings if reading["rejects"]), "")
    if job.rejects is not None:
        with open_for_writing(job.rejects) as file:
            for reading in copies.readings:
                if reading.metadata["rejects"]:
                    with open_for_reading(rejects_address(reading.address)) as part:
                        file.write(part.read())
    if first and not report.articles:
        raise InputError(f"no record could be used; first: {first}.")
    report.messages = _messages(report.rejects, first, copies)
    fields = FieldCounts()
    for each in readings:
        fields.add(FieldCounts.of_dict(each["fields_read"]))
    report.notes = fields.messages()
    return report


def _messages(rejects: int, first: str, copies: Copies) -> list[str]:
    readings = [reading.metadata for reading in copies.readings]
    reports = [reading["report"] for reading in readings]
    messages = []
    if rejects:
        verb = "was" if rejects == 1 else "were"
        read = sum(report["read"] for report in reports)
        messages.append(f"{rejects:,} of {read:,} records {verb} set aside, first: {first}.")
    if bad := sum(report["bad_dates"] for report in reports):
        dates = sum(report["dates"] for report in reports)
        place = next(report["first_bad_date"] for report in reports if report["bad_dates"])
        messages.append(dates_unread(bad, dates, place))
    orders = DateCounts()
    encodings: dict[str, str] = {}
    for reading in readings:
        orders.merge(DateCounts(**reading["date_orders"]))
        encodings |= reading["encodings"]
    messages += orders.messages()
    messages += encodings_taken(encodings, sum(reading["replaced"] for reading in readings))
    texts = (sum(report[name] for report in reports) for name in ("kept", "html", "entities", "mended"))
    if converted := texts_converted(*texts):
        messages.append(converted)
    if renamed := [part for part in copies.stages.metadata["names"] if part["repeated_ids"]]:
        old, new = min((part["first"][0] for part in renamed), key=lambda pair: pair[0])
        n = sum(part["repeated_ids"] for part in renamed)
        verb = "id occurs" if n == 1 else "ids occur"
        messages.append(
            f"{n:,} {verb} more than once; later ones were renamed, for example {old!r} -> {new!r}."
        )
    return messages


def _check_fields(readings: Sequence[Metadata], source: Input) -> None:
    """Raise if a named field occurs in no record of any shard."""
    found = {name for reading in readings for name in reading["found"]}
    first = next((reading["fields"] for reading in readings if reading["fields"] is not None), None)
    for name, column in (source.fields or {}).items():
        if name not in found and first is not None:
            raise InputError(
                f"no record has the field {column!r} named for {name}; "
                f"the first has: {', '.join(first[:12])}."
            )
