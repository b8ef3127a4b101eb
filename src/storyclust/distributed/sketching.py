"""One shard to arrays: all that finding copies needs to know of its articles, after reading them once.

Everything that will be looked for by its value (fingerprints, band keys, names) is sorted by it, with
the bounds of 256 buckets by the leading bits beside it: a part of all values is one range of each file.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from storyclust._core.parallel import kernel
from storyclust._core.spill import SpillableRows
from storyclust._core.validation import check_float
from storyclust.articles.article import Article
from storyclust.articles.ordering import seconds_of
from storyclust.dedup.deduplicator import RECALL
from storyclust.dedup.groups import Policy, check_policy, group_twins
from storyclust.dedup.lsh import Bands, band_keys, choose_bands
from storyclust.dedup.minhash import MinHasher
from storyclust.dedup.sketches import Sketches
from storyclust.distributed.files import pack_texts
from storyclust.distributed.shards import root_of
from storyclust.errors import InputError
from storyclust.text.language import name_languages
from storyclust.text.tokens import mix

if TYPE_CHECKING:
    from numpy.typing import NDArray

BUCKETS = 256
HEAD_BITS = np.uint64(56)


@dataclass(frozen=True)
class CopySettings:
    """What copies are: the parameters of `Deduplicator` that count here."""

    threshold: float = 0.8
    num_perm: int = 128
    shingle_size: int = 5
    keep: str = "earliest"

    def checked(self) -> CopySettings:
        """Raise if a parameter is out of range."""
        check_float("threshold", self.threshold, low=0, high=1, open_low=True)
        if not isinstance(check_policy(self.keep), str):
            raise InputError(
                "keep must be a name where workers are many: a function cannot be told from another."
            )
        MinHasher(self.num_perm, self.shingle_size).fit()
        return self

    @property
    def bands(self) -> Bands:
        """Bands and rows, as `Deduplicator` chooses them."""
        return choose_bands(self.threshold, self.num_perm, RECALL)


class Sketch(NamedTuple):
    """A shard as arrays, and the shingles of its texts, which are many, on a shelf.

    Texts are those articles whose text no earlier one of the shard has.
    """

    arrays: dict[str, NDArray[Any]]
    shelf: SpillableRows
    texts: NDArray[np.int64]  # numbers on the shelf of the texts that are kept
    languages: list[str]  # names, that `language` has the numbers of

    def shingles(self) -> Iterator[NDArray[np.uint64]]:
        """All shingles of all texts, in parts."""
        counts = self.shelf.counts[self.texts]
        for some in np.array_split(np.arange(len(self.texts)), max(1, int(counts.sum()) >> 20)):
            yield self.shelf.gather(self.texts[some])[0]


def sketch_articles(articles: Iterable[Article], settings: CopySettings, *, stories: bool = False) -> Sketch:
    """Sketch the articles of a shard; for stories, with the dates and languages of articles.

    Parameters
    ----------
    articles : iterable of Article
        With the ids that their records have; those without any have "".
    settings : CopySettings

    Returns
    -------
    sketch : Sketch
        Its shelf is the caller's to close. The arrays, where n is the number of articles and m that of texts:
        `fingerprints` (n, 2); `bounds` (n + 1,) of the shingles of each article, which has none unless it
        is a text; `twins` and `twin_heads`, articles that are none, and the text of each; `prints` (m, 2),
        `print_rows` and `print_bounds`, fingerprints of texts in order; `keys`
        and `key_rows`, (bands * m,) and `key_bounds`, of every band in turn; `names` and `name_rows`, hashes
        of the roots of ids; `orders` (n, columns), what the keep policy sorts by; and texts, `id`, `title`.
    """
    noted = Noted(stories)
    sketches = Sketches(MinHasher(settings.num_perm, settings.shingle_size), settings.keep, sample=False)
    sketches.add(noted.numbered(articles), 0)
    prints = sketches.fingerprints[sketches.text_of]
    twins = group_twins(prints)
    head = twins.rows[twins.bounds[:-1]][twins.classes]
    rows = np.flatnonzero(head == np.arange(len(head)))
    texts = sketches.text_of[rows]
    later = np.flatnonzero(head != np.arange(len(head)))
    arrays: dict[str, NDArray[Any]] = {
        "fingerprints": prints,
        "twins": later.astype(np.uint32),
        "twin_heads": head[later].astype(np.uint32),
        "bounds": _bounds(len(head), rows, sketches.shelf.counts[texts]),
        **_sorted_prints(prints[rows], rows),
        **_sorted_keys(sketches.signatures[texts], rows, settings.bands),
        **_sorted_names(noted.ids),
        **_preferences(sketches.preferences, settings.keep),
        **pack_texts("id", noted.ids),
    }
    languages = sorted(set(noted.languages))
    if stories:
        number = {name: k for k, name in enumerate(languages)}
        arrays["language"] = np.array([number[name] for name in noted.languages], np.int16)
        arrays["seconds"] = np.array(noted.seconds, np.float64)
    return Sketch(arrays, sketches.shelf, texts, languages)


def _bounds(n: int, rows: NDArray[np.int64], counts: NDArray[np.int64]) -> NDArray[np.int64]:
    sizes = np.zeros(n, np.int64)
    sizes[rows] = counts
    return np.append(0, np.cumsum(sizes)).astype(np.int64)


class Noted:
    """What is noted of articles as they go by."""

    def __init__(self, stories: bool) -> None:
        self.stories = stories
        self.ids: list[str] = []
        self.seconds: list[float] = []
        self.languages: list[str] = []

    def numbered(self, articles: Iterable[Article]) -> Iterator[Article]:
        """Articles whose ids are all different, whatever they were."""
        for number, article in enumerate(articles):
            self.ids.append(article.id)
            if self.stories:
                self.seconds += seconds_of([article]).tolist()
                self.languages += name_languages([article])
            yield replace(article, id=str(number))


def buckets(ordered: NDArray[np.uint64]) -> NDArray[np.int64]:
    """Bounds of the runs of sorted values that have the same leading byte."""
    edges = np.arange(1, BUCKETS, dtype=np.uint64) << HEAD_BITS
    return np.concatenate(([0], np.searchsorted(ordered, edges), [len(ordered)])).astype(np.int64)


def _sorted_prints(prints: NDArray[np.uint64], rows: NDArray[np.int64]) -> dict[str, NDArray[Any]]:
    order = np.lexsort((prints[:, 1], prints[:, 0]))
    ordered = prints[order]
    return {
        "prints": ordered,
        "print_rows": rows[order].astype(np.uint32),
        "print_bounds": buckets(ordered[:, 0]),
    }


def _sorted_keys(
    signatures: NDArray[np.uint32], rows: NDArray[np.int64], bands: Bands
) -> dict[str, NDArray[Any]]:
    keys = np.empty((bands.bands, len(rows)), np.uint64)
    key_rows = np.empty((bands.bands, len(rows)), np.uint32)
    bounds = np.empty((bands.bands, BUCKETS + 1), np.int64)
    for band in range(bands.bands):
        found = band_keys(signatures, band, bands.rows)
        order = np.argsort(found, kind="stable")
        keys[band], key_rows[band] = found[order], rows[order]
        bounds[band] = buckets(keys[band])
    return {"keys": keys.reshape(-1), "key_rows": key_rows.reshape(-1), "key_bounds": bounds}


def _sorted_names(ids: list[str]) -> dict[str, NDArray[Any]]:
    """Hashes of the roots of ids; articles without an id, whose names are not known yet, are listed apart."""
    rows = np.flatnonzero([bool(name) for name in ids])
    names = np.array([name_hash(root_of(ids[row])) for row in rows.tolist()], np.uint64)
    order = np.argsort(names, kind="stable")
    return {
        "names": names[order],
        "name_rows": rows[order].astype(np.uint32),
        "name_bounds": buckets(names[order]),
        "nameless": np.flatnonzero([not name for name in ids]).astype(np.uint32),
    }


def name_hash(name: str) -> int:
    """64-bit hash of a name; of one that is a number, `number_hashes` gives the same."""
    if name.isascii() and name.isdigit() and len(name) < 19 and str(int(name)) == name:
        return int(number_hashes(np.array([int(name)], np.int64))[0])
    return int.from_bytes(hashlib.blake2b(name.encode("utf-8", "surrogatepass"), digest_size=8).digest())


@kernel
def number_hashes(numbers: NDArray[np.int64]) -> Any:
    """Hashes of names that are numbers."""
    out = np.empty(len(numbers), np.uint64)
    for k in range(len(numbers)):
        out[k] = mix(np.uint64(numbers[k]) + np.uint64(0x9E3779B97F4A7C15))
    return out


def _preferences(preferences: list[tuple[Any, ...]], keep: Policy) -> dict[str, NDArray[Any]]:
    """What articles are ranked by: numbers, then the title; nothing where the order of rows decides."""
    if keep == "first":
        return {"orders": np.empty((len(preferences), 0)), **pack_texts("title", [""] * len(preferences))}
    numbers = [values[1:-1] for values in preferences]
    width = len(numbers[0]) if numbers else 1
    orders = np.array(numbers, np.float64).reshape(-1, width)
    return {"orders": orders, **pack_texts("title", [values[-1] for values in preferences])}
