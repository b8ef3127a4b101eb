"""Terms of articles: hashed words and pairs of neighbouring words, straight from the text buffer.

Stop words of the article's language and single letters are removed before pairs are formed. No Python
object is made for a token; `surface_forms` reads the terms as text from the articles again.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from importlib import resources
from itertools import repeat
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from storyclust._core.arrays import join_parts
from storyclust._core.memory import release_memory
from storyclust._core.parallel import each_chunk, kernel
from storyclust._core.spill import SpillableArray
from storyclust.articles.article import Article
from storyclust.text.codepoints import codepoint_table
from storyclust.text.language import group_languages
from storyclust.text.page_spans import Span, blank
from storyclust.text.sorted_hashes import SORT_HEADS, sort_hashes
from storyclust.text.tokens import TextBuffer, Tokens, hash_tokens, mix, tokenize

if TYPE_CHECKING:
    from numpy.typing import NDArray

PAIR_STEP = np.uint64(0xA0761D6478BD642F)
PAIR_BIT = np.uint64(1 << 63)  # set in the hash of every pair, clear in the hash of every word
WORD_MASK = np.uint64((1 << 63) - 2)
BODY_BIT = np.uint64(1)  # the lowest bit of a term, otherwise 0: set during sorting for terms of the body
HEAD_WORDS = 100  # tokens of the text, stop words included, that belong to the head
STOP_PROBES = 4  # slots of a stop-word table in which a word may be
STOP_SHIFT = np.uint64(20)  # lowest of the bits of a hash that choose its slot in a stop-word table


class ArticleTerms(NamedTuple):
    """Terms of articles: row `i` has the sorted hashes from `indptr[i]` to `indptr[i + 1]`."""

    indptr: NDArray[np.int64]
    terms: SpillableArray
    head: NDArray[np.bool_]  # whether the term occurs in the head of its article


def find_terms(
    articles: Sequence[Article],
    ngram_range: tuple[int, int],
    n_jobs: int | None = None,
    names: Sequence[str] | None = None,
    limit: int | None = None,
    spans: Sequence[tuple[Span, ...]] | None = None,
) -> ArticleTerms:
    """Find the distinct terms of every article, in one pass over titles and texts.

    Parameters
    ----------
    articles : sequence of Article
    ngram_range : tuple (int, int)
        (1, 1), (1, 2) or (2, 2).
    n_jobs : int or None, default=None
        Threads.
    names : sequence of str or None, default=None
        Languages of the articles; None calls `group_languages`.
    limit : int or None, default=None
        Bytes of terms that are kept in memory; see `SpillableArray`.
    spans : sequence of tuple of (int, int), optional
        Page furniture of each article, which does not count.

    Returns
    -------
    found : ArticleTerms
        The caller closes its `terms`.
    """
    table = codepoint_table()
    languages, groups = np.unique(
        np.array(group_languages(articles, spans) if names is None else names, dtype=str), return_inverse=True
    )
    stops = stop_tables([stop_hashes(str(language)) for language in languages])

    def work(start: int, stop: int) -> Any:
        left_out = repeat(()) if spans is None else spans[start:stop]
        texts = [
            part
            for article, own in zip(articles[start:stop], left_out, strict=False)
            for part in (article.title, blank(article.text, own))
        ]
        data, offsets = TextBuffer.from_texts(texts)
        # A text has at most a term for each byte, as words are two bytes apart, and one more. Memory is only
        # reserved: what is not filled is given back.
        room = len(data) + len(texts)
        lengths = np.empty(stop - start, np.int64)
        terms, in_head = np.empty(room, np.uint64), np.empty(room, np.bool_)
        filled = extract_terms(
            data, offsets, table, stops, groups[start:stop], *ngram_range, lengths, terms, in_head
        )
        terms.resize(filled, refcheck=False)
        in_head.resize(filled, refcheck=False)
        return lengths, terms, in_head

    sizes = np.fromiter((len(a.title) + len(a.text) + 1 for a in articles), np.int64, len(articles))
    all_terms = SpillableArray(limit)
    parts: list[tuple[NDArray[Any], ...]] = []
    for lengths, terms, head in each_chunk(work, sizes, n_jobs, "terms"):
        all_terms.add(terms)
        parts.append((lengths, head))
    lengths, head = join_parts(parts, (np.int64, np.bool_))
    release_memory()
    return ArticleTerms(np.append(0, np.cumsum(lengths)), all_terms, head)


def are_terms(tokens: Tokens, stop: NDArray[np.uint64]) -> NDArray[np.bool_]:
    """Whether each token is a term: neither a stop word nor a single letter (see `is_single_letter`)."""
    lengths, wide = tokens.ends - tokens.starts, tokens.data[tokens.starts] >= 0xC0
    letters = (lengths == 1) | ((lengths == 2) & wide)
    kept: NDArray[np.bool_] = ~letters & ~np.isin(tokens.hashes & WORD_MASK, stop)
    return kept


def surface_forms(article: Article, ngram_range: tuple[int, int], language: str) -> dict[int, str]:
    """Hashes of an article's terms, and the text of each at its first occurrence.

    The text of a pair includes the stop words between its words.
    """
    tokens = hash_tokens([article.title, article.text])
    words = tokens.hashes & WORD_MASK
    kept = np.flatnonzero(are_terms(tokens, stop_hashes(language)))
    in_text = kept >= tokens.indptr[1]
    together = np.flatnonzero(in_text[1:] == in_text[:-1])
    first, last = kept[together], kept[together + 1]
    spans = [(kept, kept, words[kept]), (first, last, pair_hashes(words[first], words[last]))]
    forms: dict[int, str] = {}
    for begin, end, hashes in spans[ngram_range[0] - 1 : ngram_range[1]]:
        for a, b, term in zip(tokens.starts[begin], tokens.ends[end], hashes.tolist(), strict=True):
            if term not in forms:
                forms[term] = " ".join(tokens.data[a:b].tobytes().decode().split())
    return forms


@functools.cache
def stop_hashes(language: str = "en") -> NDArray[np.uint64]:
    """Sorted token hashes of a language's stop words; empty for a language or script without a list.

    English has scikit-learn's list, as a file, other languages have those of Stopwords ISO.
    """
    if language == "en":
        listed = resources.files("storyclust").joinpath("data/english_stop_words.txt")
        return hash_words(listed.read_text("utf-8").split())
    import stopwordsiso

    words = stopwordsiso.stopwords(language) if stopwordsiso.has_lang(language) else ()
    return hash_words(sorted(words))


def stop_tables(lists: Sequence[NDArray[np.uint64]]) -> NDArray[np.uint64]:
    """Hash tables of lists of stop words, one row for each list; 0 is an empty slot.

    Each word is in one of the `STOP_PROBES` slots from that of its hash on, so that all look-ups take the
    same steps. There are as many slots as that takes.
    """
    size = 4
    while size < 4 * max((len(words) for words in lists), default=0):
        size *= 2
    while (tables := _filled_tables(lists, size)) is None:
        size *= 2
    return tables


def _filled_tables(lists: Sequence[NDArray[np.uint64]], size: int) -> NDArray[np.uint64] | None:
    """Tables of a size, a power of two, or None if a word does not find a slot."""
    tables = np.zeros((len(lists), size + STOP_PROBES - 1), np.uint64)
    for table, words in zip(tables, lists, strict=True):
        for word in words:
            first = int(word >> STOP_SHIFT) % size
            free = np.flatnonzero(table[first : first + STOP_PROBES] == 0)
            if not len(free):
                return None
            table[first + free[0]] = word
    return tables


def hash_words(words: Sequence[str]) -> NDArray[np.uint64]:
    """Sorted distinct hashes of the words that are a single token."""
    tokens = hash_tokens(words)
    single = np.diff(tokens.indptr) == 1
    return np.unique(tokens.hashes[tokens.indptr[:-1][single]] & WORD_MASK)


@kernel
def is_single_letter(data: NDArray[np.uint8], start: Any, end: Any) -> Any:
    """Whether a token is one letter of an alphabet (Latin to Arabic: at most two bytes)."""
    return (end - start == 1) | ((end - start == 2) & (data[start] >= 0xC0))


@kernel
def is_stop(stops: NDArray[np.uint64], word: Any) -> bool:
    """Whether a word is in a table of stop words; see `stop_tables`."""
    first = (word >> STOP_SHIFT) & np.uint64(len(stops) - STOP_PROBES)
    found = False
    for k in range(STOP_PROBES):
        found |= stops[first + np.uint64(k)] == word
    return found


@kernel
def content_words(
    data: NDArray[np.uint8],
    start: Any,
    end: Any,
    table: NDArray[np.uint32],
    stops: NDArray[np.uint64],
    words: NDArray[np.uint64],
    starts: NDArray[np.int64],
    ends: NDArray[np.int64],
    head_size: int,
) -> Any:
    """Write the token hashes of a text, without stop words and single letters, to `words`.

    Returns how many there are, and how many of them are among the first `head_size` tokens. `words`, `starts`
    and `ends` must have room for `end - start` tokens.
    """
    n = tokenize(data, start, end, table, words, starts, ends)
    kept, n_head = 0, 0
    for k in range(n):
        if k == head_size:
            n_head = kept
        # Half of all words are left out, and a processor does not foresee which: each is written.
        word = words[k] & WORD_MASK
        words[kept] = word
        kept += not (is_single_letter(data, starts[k], ends[k]) | is_stop(stops, word))
    return kept, kept if n <= head_size else n_head


@kernel
def pair_hashes(first: NDArray[np.uint64], second: NDArray[np.uint64]) -> Any:
    """Hash of each pair of words."""
    out = np.empty(len(first), np.uint64)
    for k in range(len(first)):
        out[k] = (mix(first[k] * PAIR_STEP + second[k]) | PAIR_BIT) & ~BODY_BIT
    return out


@kernel
def append_terms(
    words: NDArray[np.uint64],
    n: int,
    n_head: int,
    low: int,
    high: int,
    out: NDArray[np.uint64],
    filled: int,
) -> int:
    """Append the terms of `low` to `high` words to `out`, which holds `filled` terms; returns the new number.

    Terms that reach beyond the first `n_head` words are marked with `BODY_BIT`.
    """
    if low == 1:
        for k in range(n):
            out[filled] = words[k] if k < n_head else words[k] | BODY_BIT
            filled += 1
    if high == 2:
        for k in range(n - 1):
            pair = mix(words[k] * PAIR_STEP + words[k + 1]) | PAIR_BIT
            out[filled] = pair & ~BODY_BIT if k + 1 < n_head else pair | BODY_BIT
            filled += 1
    return filled


@kernel
def extract_terms(
    data: NDArray[np.uint8],
    offsets: NDArray[np.int64],
    table: NDArray[np.uint32],
    stops: NDArray[np.uint64],
    groups: NDArray[np.int64],
    low: int,
    high: int,
    lengths: NDArray[np.int64],
    terms: NDArray[np.uint64],
    in_head: NDArray[np.bool_],
) -> int:
    """Find the terms of articles, given as title, text, title, text, ...

    Parameters
    ----------
    data, offsets : arrays
        Texts as a `TextBuffer`, two for each article.
    table : uint32 array
        See `codepoint_table`.
    stops : uint64 array of shape (n_languages, n_slots)
        See `stop_tables`.
    groups : int64 array of shape (n,)
        Row of `stops` for each article.
    low, high : int
        Fewest and most words of a term.
    lengths : int64 array of shape (n,)
        Filled with the number of distinct terms of each article.
    terms : uint64 array
        Filled with the terms of all articles in turn, sorted within each.
    in_head : bool array
        Filled: whether each term occurs in the head of its article.

    Returns
    -------
    filled : int
        Number of terms in all.
    """
    n = (len(offsets) - 1) // 2
    size = 1
    for row in range(n):
        size = max(size, offsets[2 * row + 2] - offsets[2 * row])
    words = np.empty(size, np.uint64)
    starts, ends = np.empty(size, np.int64), np.empty(size, np.int64)
    found, ordered = np.empty(2 * size, np.uint64), np.empty(2 * size, np.uint64)
    heads = np.empty(SORT_HEADS, np.int64)
    filled = 0
    for row in range(n):
        a, b, c = offsets[2 * row], offsets[2 * row + 1], offsets[2 * row + 2]
        stop = stops[groups[row]]
        n_words, _ = content_words(data, a, b, table, stop, words, starts, ends, HEAD_WORDS)
        m = append_terms(words, n_words, n_words, low, high, found, 0)
        n_words, n_head = content_words(data, b, c, table, stop, words, starts, ends, HEAD_WORDS)
        m = append_terms(words, n_words, n_head, low, high, found, m)
        sort_hashes(found, m, ordered, heads)  # of equal terms, the one in the head comes first
        begin = filled
        for k in range(m):
            term = ordered[k] & ~BODY_BIT
            if filled == begin or term != terms[filled - 1]:
                terms[filled] = term
                in_head[filled] = ordered[k] == term
                filled += 1
        lengths[row] = filled - begin
    return filled
