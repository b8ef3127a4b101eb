"""TF-IDF vectors by any of many rules, in NumPy: called by ablate_features.

Articles are cut into words once, by the library's own tokens; terms are counted once for each way to count
them, and weighed anew for every variant. At the defaults the vectors are those of NewsVectorizer.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from scipy import sparse

import storyclust as sc
from storyclust.cluster.agglomerate import unit_rows
from storyclust.text.background import WORTH, Background
from storyclust.text.features import HEAD_WORDS, WORD_MASK, stop_hashes
from storyclust.text.language import group_languages
from storyclust.text.sorted_hashes import look_up
from storyclust.text.tokens import hash_tokens

if TYPE_CHECKING:
    from numpy.typing import NDArray

SNOWBALL = {"en": "english", "fr": "french", "ar": "arabic", "el": "greek", "hi": "hindi"}
NAME = 0.6  # a term is a name where this share of its occurrences in texts is capitalised
K1, B = 1.2, 0.75  # of BM25


@dataclass(frozen=True)
class Variant:
    """How vectors are made and used; the library's way by default."""

    name: str
    stem: str = ""  # "snowball", or how many letters stay
    longest: int = 2  # words in a term
    stop_words: bool = True
    head_words: int = HEAD_WORDS
    tf: str = "binary"
    head_weight: float = 0.4
    title_weight: float = 1.0  # within the head
    cap: float = 300.0
    worth: float = WORTH
    pair_weight: float = 1.0
    name_weight: float = 1.0
    number_weight: float = 1.0
    calibrated: bool = True
    window: float = 7.0
    hard: bool = True  # whether nothing is similar outside the window

    @property
    def counting(self) -> tuple[str, int, bool, int]:
        """What the counts of terms depend on."""
        return self.stem, self.longest, self.stop_words, self.head_words


class Tokens(NamedTuple):
    """Every word of every article: title, text, title, text, ..."""

    languages: list[str]
    group: NDArray[np.int64]  # language of each article
    text: NDArray[np.int64]  # of each word: even for titles
    position: NDArray[np.int64]
    word: NDArray[np.int64]  # its number
    stop: NDArray[np.bool_]
    letter: NDArray[np.bool_]
    capital: NDArray[np.bool_]
    forms: list[str]  # of each distinct word
    shares: NDArray[np.float64]  # of background articles that hold it


class Features(NamedTuple):
    """Counts of terms: article `i` has the entries indptr[i]:indptr[i + 1]."""

    entries: sparse.csr_array  # articles by terms; values are numbers of entries
    whole: NDArray[np.float64]
    lead: NDArray[np.float64]  # in the head but for the title
    title: NDArray[np.float64]
    order: NDArray[np.int64]  # of each term: words in it
    number: NDArray[np.bool_]
    name: NDArray[np.bool_]
    shares: NDArray[np.float64]


def read_tokens(articles: Sequence[sc.Article]) -> Tokens:
    """Cut articles into words, as the library does."""
    names, group = np.unique(group_languages(articles), return_inverse=True)
    tokens = hash_tokens([part for article in articles for part in (article.title, article.text)])
    text = np.repeat(np.arange(2 * len(articles)), np.diff(tokens.indptr))
    hashes, first, word = np.unique(tokens.hashes & WORD_MASK, return_index=True, return_inverse=True)
    lists = [np.isin(hashes, stop_hashes(str(name))) for name in names]
    starts = tokens.data[tokens.starts]
    size = tokens.ends - tokens.starts
    forms = [
        tokens.data[tokens.starts[k] : tokens.ends[k]].tobytes().decode(errors="replace").lower()
        for k in first
    ]
    background = Background.load("english")
    at, known = look_up(background.terms, hashes)
    return Tokens(
        [str(name) for name in names], group, text, np.arange(len(text)) - tokens.indptr[text], word,
        np.array(lists)[group[text // 2], word], (size == 1) | ((size == 2) & (starts >= 0xC0)),
        capitals(tokens.data, tokens.starts), forms, np.where(known, background.shares[at], 0.0),
    )  # fmt: skip


def capitals(data: NDArray[np.uint8], starts: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Whether the character of up to three bytes that begins at each place is a capital."""
    padded = np.append(data, np.zeros(2, np.uint8))
    a, b, c = (padded[starts + k].astype(np.int64) for k in range(3))
    two, three = (a & 31) << 6 | (b & 63), (a & 15) << 12 | (b & 63) << 6 | (c & 63)
    points = np.where(a < 0x80, a, np.where(a < 0xE0, two, np.where(a < 0xF0, three, 0)))
    return np.array([chr(point).isupper() for point in range(1 << 16)])[points]


def stems_of(tokens: Tokens, stem: str) -> NDArray[np.int64]:
    """Number of the stem of every word in a text."""
    if not stem:
        return tokens.word
    group = tokens.group[tokens.text // 2]
    pairs, place = np.unique(tokens.word * len(tokens.languages) + group, return_inverse=True)
    cutters = [cutter(language, stem) for language in tokens.languages]
    numbers: dict[str, int] = {}
    found = [
        numbers.setdefault(cutters[pair % len(cutters)](tokens.forms[pair // len(cutters)]), len(numbers))
        for pair in pairs.tolist()
    ]
    return np.array(found)[place]


def cutter(language: str, stem: str) -> Callable[[str], str]:
    """What makes a stem of a word in a language; the word itself where there is no stemmer."""
    if stem != "snowball":
        return lambda word: word[: int(stem)]
    import snowballstemmer

    if language not in SNOWBALL:
        return str
    stem_word: Callable[[str], str] = snowballstemmer.stemmer(SNOWBALL[language]).stemWord
    return stem_word


def count_terms(tokens: Tokens, stem: str, longest: int, stop_words: bool, head_words: int) -> Features:
    """Count the terms of every article, but those that one article holds and the background does not."""
    good = ~tokens.letter & ~(tokens.stop & stop_words)
    text, word, capital = tokens.text[good], tokens.word[good], tokens.capital[good]
    early = (text % 2 == 0) | (tokens.position[good] < head_words)
    digit = np.array([any(char.isdigit() for char in form) for form in tokens.forms])[word]
    stems = stems_of(tokens, stem)[good]
    n_stems, n_terms = int(stems.max()) + 1, 0
    stem_shares = share_of_any(stems, word, tokens.shares)
    codes, name, number = stems, capital, digit
    occurrences, orders, shares = [], [], []
    for more in range(longest):  # words beside the first
        if more:
            codes, name = codes[:-1] * n_stems + stems[more:], name[:-1] & capital[more:]
            number = number[:-1] | digit[more:]
        inside = text[: len(codes)] == text[more:]
        distinct, term = np.unique(codes[inside], return_inverse=True)
        facts = (text[more:], early[more:], name, number)
        occurrences.append((term + n_terms, *(fact[inside] for fact in facts)))
        orders.append(np.full(len(distinct), more + 1))
        shares.append(np.zeros(len(distinct)) if more else stem_shares[distinct])
        n_terms += len(distinct)
    columns = [np.concatenate(column) for column in zip(*occurrences, strict=True)]
    return gather(*columns, np.concatenate(orders), np.concatenate(shares), len(tokens.group))


def share_of_any(stems: NDArray[np.int64], word: NDArray[np.int64], shares: NDArray[np.float64]) -> Any:
    """Share of background articles that hold any word of each stem, were these independent."""
    pairs = np.unique(stems * len(shares) + word)
    logs = np.log1p(-np.minimum(shares[pairs % len(shares)], 0.999))
    return 1 - np.exp(np.bincount(pairs // len(shares), logs))


def gather(
    term: NDArray[np.int64], text: NDArray[np.int64], early: NDArray[np.bool_], name: NDArray[np.bool_],
    number: NDArray[np.bool_], order: NDArray[np.int64], shares: NDArray[np.float64], n: int,
) -> Features:  # fmt: skip
    """Occurrences of terms to counts."""
    n_terms, body = len(order), text % 2 == 1
    cells, cell = np.unique(text // 2 * n_terms + term, return_inverse=True)
    counts = [np.bincount(cell, which, len(cells)) for which in (np.ones(len(cell)), early & body, ~body)]
    is_name = np.bincount(term, name & body, n_terms) > NAME * np.maximum(np.bincount(term, body, n_terms), 1)
    is_number = np.bincount(term, number, n_terms) > 0
    kept = (np.bincount(cells % n_terms, minlength=n_terms) > 1) | (shares > 0)
    stay = kept[cells % n_terms]
    cells = cells[stay]
    indptr = np.append(0, np.cumsum(np.bincount(cells // n_terms, minlength=n)))
    indices = (np.cumsum(kept) - 1)[cells % n_terms]
    entries = sparse.csr_array((np.arange(len(cells)), indices, indptr), shape=(n, int(kept.sum())))
    counted = (count[stay] for count in counts)
    return Features(entries, *counted, order[kept], is_number[kept], is_name[kept], shares[kept])


def vectors_of(
    features: Features, tokens: Tokens, rows: NDArray[np.int64], variant: Variant, *, apart: bool
) -> sparse.csr_array:
    """Vectors of some articles; those of each language are as they would be by themselves if `apart`."""
    languages = np.arange(len(tokens.languages))
    entries, groups = features.entries[rows], tokens.group[rows]
    row, term, entry = np.repeat(np.arange(len(rows)), np.diff(entries.indptr)), entries.indices, entries.data
    whole, lead, title = features.whole[entry], features.lead[entry], features.title[entry]
    shape = len(languages), len(features.shares)
    df = np.bincount(groups[row] * shape[1] + term, minlength=shape[0] * shape[1]).reshape(shape)
    common = (df if apart else df.sum(axis=0)) > 1
    kept = common | ((features.shares > 0) & (variant.worth > 0))
    rates = np.outer(languages == tokens.languages.index("en"), features.shares)
    idf = idf_of(df, np.bincount(groups, minlength=shape[0]), kept, rates, variant)
    weight = (
        idf[groups[row], term]
        * np.where(features.order > 1, variant.pair_weight, 1)[term]
        * np.where(features.name, variant.name_weight, 1)[term]
        * np.where(features.number, variant.number_weight, 1)[term]
    )
    lengths = np.bincount(row, whole, len(rows))
    in_title = np.where(title > 0, variant.title_weight, 1)
    of_whole = frequency(whole, variant.tf, (lengths / lengths.mean())[row])
    of_head = frequency(lead + title, variant.tf, np.ones(len(row))) * in_title
    parts = [
        unit_rows(sparse.csr_array((values * weight, term, entries.indptr), shape=entries.shape))
        for values in (of_whole, of_head)
    ]
    vectors = unit_rows(parts[0] + variant.head_weight * parts[1])
    vectors.eliminate_zeros()
    used = np.bincount(vectors.indices, minlength=vectors.shape[1]) > 0
    return sparse.csr_array(
        (vectors.data, (np.cumsum(used) - 1)[vectors.indices], vectors.indptr),
        shape=(len(rows), int(used.sum())),
    )


def frequency(count: NDArray[np.float64], tf: str, length: NDArray[np.float64]) -> NDArray[np.float64]:
    """What a count of a term weighs in a text, whose length is given in those of the average text."""
    if tf == "bm25":
        return count * (K1 + 1) / (count + K1 * (1 - B + B * length))
    if tf == "sublinear":
        return np.where(count > 0, 1 + np.log(np.maximum(count, 1)), 0)
    return (count > 0).astype(float)


def idf_of(
    df: NDArray[np.int64], sizes: NDArray[np.int64], kept: Any, rates: NDArray[np.float64], variant: Variant
) -> NDArray[np.float64]:
    """Weights of terms in articles of each language, of which there are so many."""
    held = np.maximum(df + variant.worth * rates, 1e-9)
    return kept * np.clip(np.log((sizes[:, None] + variant.worth) / held), 0, np.log(variant.cap))
