"""TF-IDF weights: inverse document frequencies, and rows scaled to unit length.

One machine, the store and the cluster all weigh terms with these functions. Document frequencies are plain
counts, so counts of parts of a corpus can be added up before they are weighed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from storyclust._core.memory import require_memory
from storyclust._core.parallel import kernel, map_chunks

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from storyclust.text.background import Background

LEAST_DF = 1e-9  # keeps the logarithm finite for a term that neither corpus nor background holds
ENTRY_BYTES = 26  # peak per entry of the vectors, with what is built from them until stories are found


class Entries(NamedTuple):
    """Terms of articles: row `i` holds the columns ``columns[indptr[i]:indptr[i + 1]]``."""

    indptr: NDArray[np.int64]
    columns: NDArray[np.int32]  # -1 for a term outside the vocabulary
    head: NDArray[np.bool_]  # whether the term occurs in the head of its article


class Csr(NamedTuple):
    """Arrays of a sparse matrix in compressed rows."""

    indptr: NDArray[np.int64]
    indices: NDArray[np.int32]
    data: NDArray[np.float32]


def inverse_document_frequencies(
    df: NDArray[np.int64], n: float, rates: NDArray[np.float64], worth: float, max_ratio: float
) -> NDArray[np.float64]:
    """Weigh terms by the articles of one language that hold them.

    Parameters
    ----------
    df : int64 array of shape (n_terms,)
        Articles that hold each term.
    n : float
        Articles of the language.
    rates : float64 array of shape (n_terms,)
        Share of background articles that hold each term.
    worth : float
        Articles that the background counts for.
    max_ratio : float
        Weights are capped at the logarithm of this.

    Returns
    -------
    idf : float64 array of shape (n_terms,)
    """
    return np.clip(np.log((n + worth) / np.maximum(df + worth * rates, LEAST_DF)), 0.0, np.log(max_ratio))


def idf_by_language(
    background: Background,
    languages: Sequence[str],
    vocabulary: NDArray[np.uint64],
    df: NDArray[np.int64],
    sizes: NDArray[np.int64],
    max_ratio: float,
) -> NDArray[np.float64]:
    """Weigh the terms of each language.

    Parameters
    ----------
    background : Background
    languages : sequence of str
    vocabulary : uint64 array of shape (n_terms,)
    df : int64 array of shape (n_languages, n_terms)
        Articles of each language that hold each term.
    sizes : int64 array of shape (n_languages,)
        Articles of each language.
    max_ratio : float

    Returns
    -------
    idf : float64 array of shape (n_languages, n_terms)
    """
    idf = np.empty(df.shape)
    for row, language in enumerate(languages):
        rates, worth = background.rates(language, vocabulary)
        idf[row] = inverse_document_frequencies(df[row], float(sizes[row]), rates, worth, max_ratio)
    return idf


@kernel
def unit_factors(whole: float, head: float, body: float, head_weight: float) -> Any:
    """Factors of idf, for the terms of the head and of the body, that give a row unit length.

    The row points along the unit vector of the whole article plus `head_weight` times that of its head.

    Parameters
    ----------
    whole, head, body : float
        Sum of squared idf over all terms, over those of the head, and over the others. `whole` is a
        parameter because callers sum in different orders, and rounding must not change.
    head_weight : float

    Returns
    -------
    of_head, of_body : float
    """
    if whole == 0.0:
        return 0.0, 0.0
    of_body = 1.0 / np.sqrt(whole)
    of_head = of_body + (head_weight / np.sqrt(head) if head > 0.0 else 0.0)
    length = np.sqrt(of_head**2 * head + of_body**2 * body)
    return of_head / length, of_body / length


def tfidf_rows(
    entries: Entries,
    groups: NDArray[np.int64],
    idf: NDArray[np.float64],
    head_weight: float,
    n_jobs: int | None = None,
    limit: int | None = None,
) -> Csr:
    """Vectors of articles, of unit length or without entries.

    Parameters
    ----------
    entries : Entries
    groups : int64 array of shape (n,)
        Language of each article, as a row of `idf`.
    idf : float64 array of shape (n_languages, n_terms)
    head_weight : float
    n_jobs : int or None, default=None
        Threads.
    limit : int or None, default=None
        Memory that the vectors may take, in bytes; None is unlimited.
    """
    sizes = 16 * np.diff(entries.indptr) + 1
    counts, weighs = np.zeros(len(groups), np.int64), idf > 0.0

    def count(start: int, stop: int) -> None:
        count_weighted(start, stop, entries, groups, weighs, counts)

    map_chunks(count, sizes, n_jobs, "weights")
    indptr = np.append(0, np.cumsum(counts))
    if limit is not None:
        require_memory(f"The vectors of {len(groups):,} articles", ENTRY_BYTES * int(indptr[-1]), limit)
    rows = Csr(indptr, np.empty(indptr[-1], np.int32), np.empty(indptr[-1], np.float32))

    def work(start: int, stop: int) -> None:
        write_rows(start, stop, entries, groups, idf, head_weight, rows)

    map_chunks(work, sizes, n_jobs, "weights")
    return rows


@kernel
def count_weighted(
    begin: int,
    end: int,
    entries: Entries,
    groups: NDArray[np.int64],
    weighs: NDArray[np.bool_],
    counts: NDArray[np.int64],
) -> None:
    """Count the entries of each row from `begin` to `end` whose term weighs anything in its language."""
    for row in range(begin, end):
        for k in range(entries.indptr[row], entries.indptr[row + 1]):
            column = entries.columns[k]
            counts[row] += column >= 0 and weighs[groups[row], column]


@kernel
def write_rows(
    begin: int,
    end: int,
    entries: Entries,
    groups: NDArray[np.int64],
    idf: NDArray[np.float64],
    head_weight: float,
    rows: Csr,
) -> None:
    """Fill in the rows from `begin` to `end`; ``rows.indptr`` is given."""
    indices, data = rows.indices, rows.data
    for row in range(begin, end):
        whole, head = 0.0, 0.0
        at = rows.indptr[row]
        for k in range(entries.indptr[row], entries.indptr[row + 1]):
            column = entries.columns[k]
            weight = idf[groups[row], column] if column >= 0 else 0.0
            if weight > 0.0:
                whole += weight**2
                head += weight**2 if entries.head[k] else 0.0
                indices[at] = column
                data[at] = weight if entries.head[k] else -weight  # the sign marks the body until scaled
                at += 1
        of_head, of_body = unit_factors(whole, head, whole - head, head_weight)
        for k in range(rows.indptr[row], at):
            data[k] *= of_head if data[k] > 0.0 else -of_body
