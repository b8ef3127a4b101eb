"""Terms as they are written: words and pairs of neighbouring words of an article, and where they stand."""

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

JOINTS = (ord(" "), ord("-"))
_BETWEEN = re.compile(r"[\s-]+")


class Terms(NamedTuple):
    """Words and pairs of neighbouring words of an article, and where they stand."""

    data: bytes
    hashes: NDArray[np.uint64]
    starts: NDArray[np.int64]
    ends: NDArray[np.int64]
    distinct: NDArray[np.uint64]
    counts: NDArray[np.int64]

    @classmethod
    def of(cls, article: Article, stop: NDArray[np.uint64]) -> Terms:
        """Cut an article into its terms, less stop words and single letters."""
        tokens = hash_tokens([f"{article.title}\n{article.text}"])
        words = tokens.hashes & WORD_MASK
        good = are_terms(tokens, stop)
        joints = tokens.data[np.minimum(tokens.ends, len(tokens.data) - 1)]
        together = (tokens.starts[1:] - tokens.ends[:-1] == 1) & np.isin(joints[:-1], JOINTS)
        pair = np.flatnonzero(good[:-1] & good[1:] & together)
        word = np.flatnonzero(good)
        hashes = np.concatenate((words[word], pair_hashes(words[pair], words[pair + 1])))
        starts = np.concatenate((tokens.starts[word], tokens.starts[pair]))
        ends = np.concatenate((tokens.ends[word], tokens.ends[pair + 1]))
        distinct, counts = np.unique(hashes, return_counts=True)
        return cls(tokens.data.tobytes(), hashes, starts, ends, distinct, counts)

    def surfaces(self, term: np.uint64) -> Counter[str]:
        """How a term is written, and how often."""
        places = np.flatnonzero(self.hashes == term)
        return Counter(self.data[self.starts[k] : self.ends[k]].decode() for k in places)


def parts_of(form: str) -> set[str]:
    """Words that a term is made of."""
    return set(_BETWEEN.split(form))


def is_name(form: str) -> bool:
    """Whether every word of a term is written with a capital, and not the whole in capitals."""
    return all(word[:1].isupper() for word in _BETWEEN.split(form)) and not form.isupper()
