"""Document frequencies of general news, which smooth those of a small corpus.

In a corpus about one topic the topic's name is in every article, so its idf would be zero. A background that
counts like 50 more articles gives such a word the weight of a rare one, and common words a low weight.
"""

from __future__ import annotations

import functools
import gzip
from collections.abc import Iterable
from contextlib import closing
from importlib import resources
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from storyclust.articles.records import as_articles
from storyclust.errors import InputError
from storyclust.text.features import WORD_MASK, find_terms
from storyclust.text.language import plain_code
from storyclust.text.sorted_hashes import look_up
from storyclust.text.tokens import hash_tokens

if TYPE_CHECKING:
    from numpy.typing import NDArray

WORTH = 50.0  # articles that a background counts for; compared with others by `bench_background background`


class Background(NamedTuple):
    """Rates at which articles of one language hold each word.

    Attributes
    ----------
    language : str
        Its language, as `group_languages` names it.
    terms : uint64 array of shape (n_terms,)
        Sorted token hashes.
    shares : float64 array of shape (n_terms,)
        Share of background articles that hold each term.
    worth : float
        Number of articles that the background counts for, in addition to those of a corpus.
    """

    language: str
    terms: NDArray[np.uint64]
    shares: NDArray[np.float64]
    worth: float = WORTH

    @classmethod
    def load(cls, background: str | Background | None) -> Background:
        """Return a background by its name ('english'), unchanged, or for None an empty one.

        Raises
        ------
        InputError
            There is no background of that name.

        Examples
        --------
        >>> from storyclust.text.background import Background
        >>> english = Background.load("english")
        >>> english.language, len(english.terms) > 10_000
        ('en', True)
        """
        if isinstance(background, Background):
            return background
        if background is None:
            return cls("", np.empty(0, np.uint64), np.empty(0), 0.0)
        if not isinstance(background, str) or background != "english":
            raise InputError(f"background must be 'english', None or a Background, got {background!r}.")
        return _english()

    @classmethod
    def from_articles(cls, articles: Iterable[Any], language: str = "en", min_df: int = 5) -> Background:
        """Count a background in your own articles.

        Parameters
        ----------
        articles : sequence of str, mapping or Article, or a DataFrame
            Some thousands of articles of one language, on all topics.
        language : str, default='en'
            Their language, as `Article.lang` has it.
        min_df : int, default=5
            Words found in fewer articles are left out.

        Returns
        -------
        background : Background

        Examples
        --------
        >>> from storyclust.text.background import Background
        >>> Background.from_articles(["ferry late", "ferry early"], min_df=2).shares
        array([1.])
        """
        listed = as_articles(articles)
        language = plain_code(language)
        names = [language] * len(listed)
        with closing(find_terms(listed, (1, 1), names=names).terms) as found:
            terms, df = np.unique(found.whole(), return_counts=True)
        kept = df >= min_df
        return cls(language, terms[kept], df[kept] / max(1, len(listed)))

    def knows(self, language: str) -> bool:
        """Whether it has words of this language.

        Examples
        --------
        >>> from storyclust.text.background import Background
        >>> Background.load("english").knows("fr")
        False
        """
        return language == self.language and len(self.terms) > 0

    def rates(self, language: str, vocabulary: NDArray[np.uint64]) -> tuple[NDArray[np.float64], float]:
        """Share of background articles that hold each term (0 where unknown), and their number.

        For articles in another language all terms are unknown, but the number is the same.
        """
        if not self.knows(language):
            return np.zeros(len(vocabulary)), self.worth
        at, known = look_up(self.terms, vocabulary)
        return np.where(known, self.shares[at], 0.0), self.worth


@functools.cache
def _english() -> Background:
    """Read the English background."""
    words, counts = _english_counts()
    hashes = _word_hashes(words[1:])
    order = np.argsort(hashes)
    return Background("en", hashes[order], counts[1:][order] / counts[0])


def english_words() -> dict[int, str]:
    """Words of the English background by their hash.

    Examples
    --------
    >>> "minister" in english_words().values()
    True
    """
    words = _english_counts()[0][1:]
    return dict(zip(_word_hashes(words).tolist(), words, strict=True))


def _english_counts() -> tuple[list[str], NDArray[np.float64]]:
    """Words of the English background and their document frequencies; the total is the first."""
    with resources.files("storyclust").joinpath("data/english.tsv.gz").open("rb") as file:
        lines = gzip.decompress(file.read()).decode("utf-8")
    fields = lines.replace("\n", "\t").split("\t")
    return fields[::2], np.array(fields[1::2], np.float64)


def _word_hashes(words: list[str]) -> NDArray[np.uint64]:
    """Hash of each word, from one text of all words: each is one token."""
    return hash_tokens(["\n".join(words)]).hashes & WORD_MASK
