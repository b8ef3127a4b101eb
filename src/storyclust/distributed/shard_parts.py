"""Large shards are split: every stage but the last reads parts, so that no worker has to hold a whole shard.

A part is a file of articles as they were read. What is decided by file, such as the order of day and month,
is decided by the shard; and what is reported of reading comes from the shard, not from its parts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from storyclust.articles.article import Article
from storyclust.distributed.article_files import write_articles
from storyclust.distributed.copy_parts import Input, reading_metadata, write_rejects
from storyclust.distributed.files import join_address
from storyclust.distributed.shards import PART, Reader, Shard, digest_of
from storyclust.distributed.stages import Metadata, Runner, run_unless_finished, save

LARGE_SHARD = 128 << 20  # bytes of a shard, uncompressed, from which on it is split
PART_ARTICLES = 50_000  # of a part, at most
PART_CHARACTERS = 64 << 20  # of texts, from which on a part ends


class Limits(NamedTuple):
    """Where a part ends."""

    articles: int
    characters: int


class ReadShard(NamedTuple):
    """A shard, and the parts that stages read in its place."""

    shard: Shard
    parts: list[Shard]  # the shard itself, if it is not split
    address: str = ""  # of the file that says what was read, if it is split
    metadata: Metadata | None = None  # of that file


def split_shards(shards: Sequence[Shard], work: str, source: Input, runner: Runner) -> list[ReadShard]:
    """Split the large ones among shards.

    Parameters
    ----------
    shards : sequence of Shard
    work : str
        Folder for the files of stages.
    source : Input
    runner : Runner

    Returns
    -------
    shards : list of ReadShard
    """
    limits = Limits(PART_ARTICLES, PART_CHARACTERS)
    large = [shard for shard in shards if shard.uncompressed >= LARGE_SHARD]
    targets = [join_address(work, f"parts-{digest_of(shard.key, source, tuple(limits))}") for shard in large]
    calls = [
        (split_shard, target, shard, source, limits) for target, shard in zip(targets, large, strict=True)
    ]
    split = {}
    if calls:
        found = runner.run("parts", run_unless_finished, calls)
        for shard, target, metadata in zip(large, targets, found, strict=True):
            parts = [
                Shard(_part_address(target, number), PART, "", size, 0, shard.output)
                for number, size in enumerate(metadata["parts"])
            ]
            split[shard] = ReadShard(shard, parts, target, metadata)
    return [split.get(shard) or ReadShard(shard, [shard]) for shard in shards]


def split_shard(target: str, shard: Shard, source: Input, limits: Limits) -> Metadata:
    """Read a shard from beginning to end, and write its articles in parts."""
    reader = Reader(shard, source.fields, forgiving=source.forgiving)
    held: list[Article] = []
    sizes: list[int] = []  # of parts, in characters
    characters = 0
    for article in reader:
        held.append(replace(article, record={}))
        characters += len(article.text) + len(article.title)
        if len(held) >= limits.articles or characters >= limits.characters:
            write_articles(_part_address(target, len(sizes)), held)
            sizes.append(characters)
            held, characters = [], 0
    if held or not sizes:
        write_articles(_part_address(target, len(sizes)), held)
        sizes.append(characters)
    write_rejects(target, reader)
    return save(target, {}, {**reading_metadata(reader), "parts": sizes})


def _part_address(target: str, number: int) -> str:
    return f"{target}-{number}"
