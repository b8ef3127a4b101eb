"""Terms with their surface forms: words and pairs of neighbouring words of an article, and their places."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from storyclust.articles.article import Article
from storyclust.text.features import WORD_MASK, are_terms, pair_hashes
from storyclust.text.tokens import hash_tokens

if TYPE_CHECKING:
    from numpy.typing import NDArray

JOINERS = (ord(" "), ord("-"))  # between the two words of a pair
_BETWEEN = re.compile(r"[\s-]+")


class Terms(NamedTuple):
    """Occurrences of words and pairs of neighbouring words of an article."""

    data: bytes
    hashes: NDArray[np.uint64]
    starts: NDArray[np.int64]  # bytes in `data`
    ends: NDArray[np.int64]
    distinct: NDArray[np.uint64]  # sorted
    counts: NDArray[np.int64]  # occurrences of each distinct term

    @classmethod
    def of(cls, article: Article, stop: NDArray[np.uint64]) -> Terms:
        """Find the terms of an article, without stop words and single letters.

        The words of a pair are separated by one space or hyphen.
        """
        tokens = hash_tokens([f"{article.title}\n{article.text}"])
        words = tokens.hashes & WORD_MASK
        kept = are_terms(tokens, stop)
        gaps = tokens.data[np.minimum(tokens.ends, len(tokens.data) - 1)]
        adjacent = (tokens.starts[1:] - tokens.ends[:-1] == 1) & np.isin(gaps[:-1], JOINERS)
        pair = np.flatnonzero(kept[:-1] & kept[1:] & adjacent)
        word = np.flatnonzero(kept)
        hashes = np.concatenate((words[word], pair_hashes(words[pair], words[pair + 1])))
        starts = np.concatenate((tokens.starts[word], tokens.starts[pair]))
        ends = np.concatenate((tokens.ends[word], tokens.ends[pair + 1]))
        distinct, counts = np.unique(hashes, return_counts=True)
        return cls(tokens.data.tobytes(), hashes, starts, ends, distinct, counts)

    def surfaces(self, term: np.uint64) -> Counter[str]:
        """Surface forms of a term, and how often each occurs."""
        places = np.flatnonzero(self.hashes == term)
        return Counter(self.data[self.starts[k] : self.ends[k]].decode() for k in places)


def parts_of(form: str) -> set[str]:
    """Words of a surface form."""
    return set(_BETWEEN.split(form))


def is_name(form: str) -> bool:
    """Whether every word of a surface form is capitalized, but not the whole form in capitals."""
    return all(word[:1].isupper() for word in _BETWEEN.split(form)) and not form.isupper()
