"""The sketch of a shard: arrays of all that finding copies needs, from one pass over its articles.

Values to be matched across shards (fingerprints, band keys, hashes of ids) are sorted, with the bounds of 256
buckets by their leading bits: a range of buckets is one range of rows in each file.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from storyclust._core.parallel import kernel
from storyclust._core.spill import SpillableRows
from storyclust._core.validation import check_choice, check_float
from storyclust.articles.article import Article
from storyclust.articles.ordering import seconds_of
from storyclust.dedup.deduplicator import RECALL
from storyclust.dedup.groups import Policy, check_policy, group_twins
from storyclust.dedup.lsh import Bands, band_keys, choose_bands
from storyclust.dedup.minhash import BaseMinHasher
from storyclust.dedup.settings import DOUBTFUL_POLICIES
from storyclust.dedup.sketches import Sketches
from storyclust.distributed.array_files import pack_texts
from storyclust.distributed.shards import id_root
from storyclust.distributed.source_tables import pack_sources, sort_sources
from storyclust.errors import InputError
from storyclust.text.furniture import sample_key
from storyclust.text.language import name_languages
from storyclust.text.tokens import mix

if TYPE_CHECKING:
    from numpy.typing import NDArray

BUCKETS = 256
BUCKET_SHIFT = np.uint64(56)  # the bucket of a 64-bit value is its leading byte


@dataclass(frozen=True)
class CopySettings:
    """The parameters of `Deduplicator` that a cluster supports."""

    threshold: float = 0.8
    num_perm: int = 128
    shingle_size: int = 5
    keep: str = "earliest"
    doubtful: str = "keep"

    def checked(self) -> CopySettings:
        """Raise if a parameter is out of range."""
        check_float("threshold", self.threshold, low=0, high=1, open_low=True)
        if not isinstance(check_policy(self.keep), str):
            raise InputError(
                "keep must be a name on a cluster: a function has no key that identifies finished files."
            )
        check_choice("doubtful", self.doubtful, DOUBTFUL_POLICIES)
        BaseMinHasher(self.num_perm, self.shingle_size).fit()
        return self

    @property
    def bands(self) -> Bands:
        """Bands and rows, as `Deduplicator` chooses them."""
        return choose_bands(self.threshold, self.num_perm, RECALL)


class ShardSketch(NamedTuple):
    """A shard as arrays, with the shingles of its texts on a shelf.

    Texts are the articles whose text does not occur earlier in the shard.
    """

    arrays: dict[str, NDArray[Any]]
    shelf: SpillableRows
    texts: NDArray[np.int64]  # their numbers on the shelf
    languages: list[str]  # names; the array `language` holds indices of these

    def shingles(self) -> Iterator[NDArray[np.uint64]]:
        """Yield the shingles of all texts, in chunks."""
        counts = self.shelf.counts[self.texts]
        for chunk in np.array_split(np.arange(len(self.texts)), max(1, int(counts.sum()) >> 20)):
            yield self.shelf.gather(self.texts[chunk])[0]


def sketch_articles(
    articles: Iterable[Article], settings: CopySettings, *, stories: bool = False
) -> ShardSketch:
    """Sketch the articles of a shard.

    Parameters
    ----------
    articles : iterable of Article
        With the ids of their records, "" for none.
    settings : CopySettings
    stories : bool, default=False
        Include the dates, languages and sources of articles, and the keys by which they are sampled.

    Returns
    -------
    sketch : ShardSketch
        The caller closes its shelf. Its arrays, for n articles with m distinct texts:

        - `fingerprints` (n, 2) of articles; `prints` (m, 2), `print_rows` and `print_bounds`: those of texts,
          sorted, their articles, and the bounds of buckets.
        - `repeats` and `repeat_firsts`: articles whose text occurs earlier in the shard, and the first
          article with the same text.
        - `bounds` (n + 1,) of the shingles of each article; repeats have none.
        - `keys` and `key_rows` (bands * m,), `key_bounds` (bands, 257): band keys, sorted within each band.
        - `id_hashes`, `id_rows` and `id_bounds`: sorted hashes of the roots of ids; `without_id`: the
          articles that have none.
        - `preferences` (n, columns): the numbers that the keep policy sorts by.
        - `id` and `title`: packed texts.
        - For stories, `language` and `seconds`; the table of sources, of which source `k` has the entries
          from ``source_bounds[k]`` up to ``source_bounds[k + 1]`` of `sample_keys` and `sample_rows`; and
          `source_buckets`, the bounds of the buckets of sources.
    """
    columns = ArticleColumns(stories)
    hasher = BaseMinHasher(settings.num_perm, settings.shingle_size)
    shelf = SpillableRows()
    sketches = Sketches(hasher, settings.keep, shelf, sample=False, doubtful=settings.doubtful)
    sketches.add(columns.numbered(articles), 0)
    prints = sketches.fingerprints[sketches.text_of]
    classes = group_twins(prints)
    first = classes.heads[classes.classes]
    rows = np.flatnonzero(first == np.arange(len(first)))
    texts = sketches.text_of[rows]
    repeats = np.flatnonzero(first != np.arange(len(first)))
    arrays: dict[str, NDArray[Any]] = {
        "fingerprints": prints,
        "repeats": repeats.astype(np.uint32),
        "repeat_firsts": first[repeats].astype(np.uint32),
        "bounds": _shingle_bounds(len(first), rows, shelf.counts[texts]),
        **_sorted_prints(prints[rows], rows),
        **_sorted_keys(sketches.signatures[texts], rows, settings.bands),
        **_sorted_ids(columns.ids),
        **_preferences(sketches.preferences, settings.keep),
        **pack_texts("id", columns.ids),
    }
    languages = sorted(set(columns.languages))
    if stories:
        number = {name: k for k, name in enumerate(languages)}
        arrays["language"] = np.array([number[name] for name in columns.languages], np.int16)
        arrays["seconds"] = np.array(columns.seconds, np.float64)
        arrays |= _sorted_samples(columns.sources, columns.sample_keys)
    return ShardSketch(arrays, shelf, texts, languages)


def _shingle_bounds(n: int, rows: NDArray[np.int64], counts: NDArray[np.int64]) -> NDArray[np.int64]:
    sizes = np.zeros(n, np.int64)
    sizes[rows] = counts
    return np.append(0, np.cumsum(sizes)).astype(np.int64)


class ArticleColumns:
    """Collects ids and, for stories, other values of articles while they are sketched."""

    def __init__(self, stories: bool) -> None:
        self.stories = stories
        self.ids: list[str] = []
        self.seconds: list[float] = []
        self.languages: list[str] = []
        self.sources: list[str] = []
        self.sample_keys: list[int] = []

    def numbered(self, articles: Iterable[Article]) -> Iterator[Article]:
        """Yield articles with their numbers as ids."""
        for number, article in enumerate(articles):
            self.ids.append(article.id)
            if self.stories:
                self.seconds += seconds_of([article]).tolist()
                self.languages += name_languages([article])
                self.sources.append(sys.intern(article.source or ""))
                self.sample_keys.append(sample_key(article.text)[0])
            yield replace(article, id=str(number))


def bucket_bounds(ordered: NDArray[np.uint64]) -> NDArray[np.int64]:
    """Return the bounds of the runs of sorted values that have the same leading byte."""
    edges = np.arange(1, BUCKETS, dtype=np.uint64) << BUCKET_SHIFT
    return np.concatenate(([0], np.searchsorted(ordered, edges), [len(ordered)])).astype(np.int64)


def _sorted_prints(prints: NDArray[np.uint64], rows: NDArray[np.int64]) -> dict[str, NDArray[Any]]:
    order = np.lexsort((prints[:, 1], prints[:, 0]))
    ordered = prints[order]
    return {
        "prints": ordered,
        "print_rows": rows[order].astype(np.uint32),
        "print_bounds": bucket_bounds(ordered[:, 0]),
    }


def _sorted_keys(
    signatures: NDArray[np.uint32], rows: NDArray[np.int64], bands: Bands
) -> dict[str, NDArray[Any]]:
    keys = np.empty((bands.bands, len(rows)), np.uint64)
    key_rows = np.empty((bands.bands, len(rows)), np.uint32)
    bounds = np.empty((bands.bands, BUCKETS + 1), np.int64)
    for band in range(bands.bands):
        values = band_keys(signatures, band, bands.rows)
        order = np.argsort(values, kind="stable")
        keys[band], key_rows[band] = values[order], rows[order]
        bounds[band] = bucket_bounds(keys[band])
    return {"keys": keys.reshape(-1), "key_rows": key_rows.reshape(-1), "key_bounds": bounds}


def _sorted_ids(ids: list[str]) -> dict[str, NDArray[Any]]:
    """Hash the roots of ids; articles without an id are listed apart, as their numbers are not known yet."""
    rows = np.flatnonzero([bool(own) for own in ids])
    hashes = np.array([hash_id(id_root(ids[row])) for row in rows.tolist()], np.uint64)
    order = np.argsort(hashes, kind="stable")
    return {
        "id_hashes": hashes[order],
        "id_rows": rows[order].astype(np.uint32),
        "id_bounds": bucket_bounds(hashes[order]),
        "without_id": np.flatnonzero([not own for own in ids]).astype(np.uint32),
    }


def _sorted_samples(sources: list[str], keys: list[int]) -> dict[str, NDArray[Any]]:
    """Sort the sample keys of articles by their sources, "" for none."""
    names = sort_sources(set(sources))
    number = {name: k for k, name in enumerate(names)}
    numbers = np.array([number[name] for name in sources], np.int64)
    order = np.argsort(numbers, kind="stable")
    table = pack_sources(names)
    return {
        **table,
        "source_buckets": bucket_bounds(table["source_hashes"]),
        "source_bounds": np.append(0, np.cumsum(np.bincount(numbers, minlength=len(names)))).astype(np.int64),
        "sample_keys": np.array(keys, np.uint32)[order],
        "sample_rows": order.astype(np.uint32),
    }


def hash_id(name: str) -> int:
    """Return a 64-bit hash of an id; for an id that is a number, that of `hash_numbers`."""
    if name.isascii() and name.isdigit() and len(name) < 19 and str(int(name)) == name:
        return int(hash_numbers(np.array([int(name)], np.int64))[0])
    return int.from_bytes(hashlib.blake2b(name.encode("utf-8", "surrogatepass"), digest_size=8).digest())


@kernel
def hash_numbers(numbers: NDArray[np.int64]) -> Any:
    """Hash ids that are numbers."""
    out = np.empty(len(numbers), np.uint64)
    for k in range(len(numbers)):
        out[k] = mix(np.uint64(numbers[k]) + np.uint64(0x9E3779B97F4A7C15))
    return out


def _preferences(preferences: list[tuple[Any, ...]], keep: Policy) -> dict[str, NDArray[Any]]:
    """Return what the keep policy sorts by: numbers, then the title; nothing for the policy "first"."""
    if keep == "first":
        return {
            "preferences": np.empty((len(preferences), 0)),
            **pack_texts("title", [""] * len(preferences)),
        }
    numbers = [values[1:-1] for values in preferences]
    width = len(numbers[0]) if numbers else 1
    ordered = np.array(numbers, np.float64).reshape(-1, width)
    return {"preferences": ordered, **pack_texts("title", [values[-1] for values in preferences])}
