"""Spans of tokens that recur, word for word, in articles that are otherwise unlike one another.

What a page adds to an article (a newsletter box, a licence note, the headlines of related articles inserted
into a sentence) stands in many articles word for word. So do quotations and agency paragraphs, but those
stand in articles on one story. A span is furniture if articles that share nothing else hold it.

Spans are found by shingles of five tokens, and by phrases: shorter lines, and the last tokens of texts. The
holders of each are counted in a hash table. A holder is a witness if enough of it is its own, that is, in no
other article of the sample. Witnesses count only if they are mutually unlike: of the first words that are
their own they share little. Which spans have enough witnesses is learnt from a sample, and applied to any
article.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from storyclust._core.parallel import kernel
from storyclust.text.page_tokens import SHINGLE, PageTokens
from storyclust.text.witnesses import (
    ALIKE_PAIRS,
    TAIL_ALIKE_PAIRS,
    Samples,
    count_witnesses,
    mark_tails,
    own_samples,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

LONG_SPAN = 12  # tokens from which a span recurs by no chance; shorter ones need more witnesses
SHORTEST_TAIL_SPAN = 3  # tokens of a span that ends articles and needs few witnesses
EDGE = 2  # tokens that may lie between a span and the beginning or end of its article
MOST_NEEDED = 10  # witnesses that must be mutually unlike; of the others the number is enough
IS_LONG, IS_EDGE, IS_SHORT, IS_TAIL = 1, 2, 4, 8  # bits: enough witnesses for a span of this kind


class Needed(NamedTuple):
    """Texts that must hold a span, by what it is; up to `MOST_NEEDED` of them must be mutually unlike."""

    long: int  # of `LONG_SPAN` tokens and more
    at_edge: int  # a shorter one that begins or ends articles
    short: int  # any other
    tail: int  # of three tokens and more, at the very end of articles


class Recurring(NamedTuple):
    """What recurs: shingles and phrases, sorted by hash, with the kinds of span that they can be part of."""

    hashes: NDArray[np.uint64]
    kinds: NDArray[np.uint8]  # bits `IS_LONG` to `IS_TAIL`

    @classmethod
    def nothing(cls) -> Recurring:
        """What recurs in no article."""
        return cls(np.empty(0, np.uint64), np.empty(0, np.uint8))


def learn_recurring(pages: PageTokens, needed: Needed) -> Recurring:
    """Find the shingles and phrases that recur in mutually unlike texts.

    Parameters
    ----------
    pages : PageTokens
        All texts are different, in an order that depends on nothing but the texts.
    needed : Needed
        Mutually unlike witnesses that a span needs.

    Returns
    -------
    recurring : Recurring
    """
    least = min(needed)
    if len(pages.indptr) - 1 < least:
        return Recurring.nothing()
    five = np.full(len(pages.hashes), SHINGLE, np.int8)
    layers = []
    shared = np.zeros(len(pages.hashes), np.bool_)
    for hashes, widths in ((pages.shingles, five), (pages.phrases, pages.widths)):
        number, keys, holders = number_units(hashes, pages.indptr)
        layers.append((number, keys, holders))
        if len(keys):
            if hashes is pages.shingles:
                drop_extensions(number, pages.indptr, holders)
            mark_covered(number, pages.indptr, holders >= 2, widths, shared)
    samples = own_samples(pages.hashes, pages.indptr, shared)
    # Few articles are enough for a tail, so they must share nothing before it, be it shared by others or not.
    tails = mark_tails(pages.indptr, shared)
    before_tails = own_samples(pages.hashes, pages.indptr, tails)
    found = [Recurring.nothing()]
    for number, keys, holders in layers:
        kinds = np.zeros(len(keys), np.uint8)
        witnesses = _witnesses(number, holders, pages.indptr, samples, ALIKE_PAIRS, least)
        for bit, count in zip((IS_LONG, IS_EDGE, IS_SHORT), needed[:3], strict=True):
            kinds |= np.where(_are_enough(holders, witnesses, count), bit, 0).astype(np.uint8)
        in_tails = np.where(tails, number, np.int32(-1))
        ending = count_holders(in_tails, pages.indptr, len(keys))
        witnesses = _witnesses(in_tails, ending, pages.indptr, before_tails, TAIL_ALIKE_PAIRS, needed.tail)
        kinds |= np.where(_are_enough(ending, witnesses, needed.tail), IS_TAIL, 0).astype(np.uint8)
        found.append(Recurring(keys[kinds > 0], kinds[kinds > 0]))
    hashes, kinds = (np.concatenate(parts) for parts in zip(*found, strict=True))
    order = np.argsort(hashes, kind="stable")
    return Recurring(hashes[order], kinds[order])


def _witnesses(
    number: NDArray[np.int32],
    holders: NDArray[np.int32],
    indptr: NDArray[np.int64],
    samples: Samples,
    alike_pairs: float,
    least: int,
) -> NDArray[np.int32]:
    """Mutually unlike witnesses of each unit that has at least `least` holders, up to `MOST_NEEDED`."""
    bounds, rows = list_holders(number, indptr, holders, least)
    return count_witnesses(bounds, rows, samples, alike_pairs, MOST_NEEDED)


def _are_enough(holders: NDArray[np.int32], witnesses: NDArray[np.int32], needed: int) -> NDArray[np.bool_]:
    return (holders >= needed) & (witnesses >= min(needed, MOST_NEEDED))


def recurring_spans(pages: PageTokens, *learnt: Recurring) -> NDArray[np.int64]:
    """Find the spans of texts that are known to recur.

    Parameters
    ----------
    pages : PageTokens
    *learnt : Recurring
        What recurs in any of these.

    Returns
    -------
    spans : int64 array of shape (m, 3)
        Row, first token, and the token after the last; in order and apart from one another.
    """
    of_shingles, of_phrases = (np.zeros(len(pages.hashes), np.uint8) for _ in range(2))
    for recurring in learnt:
        if len(recurring.hashes):
            keys, values = make_table(recurring.hashes, recurring.kinds)
            look_up_kinds(pages.shingles, keys, values, of_shingles)
            look_up_kinds(pages.phrases, keys, values, of_phrases)
    return spans_of_runs(pages.indptr, of_shingles, of_phrases, pages.widths, pages.closes)


@kernel
def number_units(hashes: NDArray[np.uint64], indptr: NDArray[np.int64]) -> Any:
    """Number of the unit at each place, -1 for none; hash of each unit, and how many rows hold it."""
    size = 64
    while size < 2 * len(hashes):
        size *= 2
    mask = np.uint64(size - 1)
    keys, slots = np.zeros(size, np.uint64), np.zeros(size, np.int32)
    number = np.full(len(hashes), -1, np.int32)
    holders, latest = np.zeros(len(hashes), np.int32), np.full(len(hashes), -1, np.int32)
    units = np.empty(len(hashes), np.uint64)
    found = 0
    for row in range(len(indptr) - 1):
        for p in range(indptr[row], indptr[row + 1]):
            h = hashes[p]
            if h == 0:
                continue
            at = (h >> np.uint64(20)) & mask
            while keys[at] != 0 and keys[at] != h:
                at = (at + np.uint64(1)) & mask
            if keys[at] == 0:
                keys[at], slots[at], units[found] = h, found, h
                found += 1
            number[p] = slots[at]
            if latest[slots[at]] != row:
                latest[slots[at]] = row
                holders[slots[at]] += 1
    return number, units[:found].copy(), holders[:found].copy()


@kernel
def drop_extensions(number: NDArray[np.int32], indptr: NDArray[np.int64], holders: NDArray[np.int32]) -> None:
    """Leave out the units that overlap one with twice as many holders.

    A few of the articles that hold a span may share the word next to it, too, by chance. The shingle of this
    word and the beginning of the span is no part of it.
    """
    before = holders.copy()
    for row in range(len(indptr) - 1):
        start, stop = indptr[row], indptr[row + 1]
        for p in range(start, stop):
            if number[p] < 0 or before[number[p]] < 2:
                continue
            for q in range(max(start, p - SHINGLE + 1), min(stop, p + SHINGLE)):
                if number[q] >= 0 and before[number[q]] >= 2 * before[number[p]]:
                    holders[number[p]] = 0
                    break


@kernel
def count_holders(number: NDArray[np.int32], indptr: NDArray[np.int64], n_units: int) -> NDArray[np.int32]:
    """How many rows hold each unit, -1 being none."""
    holders, latest = np.zeros(n_units, np.int32), np.full(n_units, -1, np.int32)
    for row in range(len(indptr) - 1):
        for p in range(indptr[row], indptr[row + 1]):
            k = number[p]
            if k >= 0 and latest[k] != row:
                latest[k] = row
                holders[k] += 1
    return holders


@kernel
def list_holders(
    number: NDArray[np.int32], indptr: NDArray[np.int64], holders: NDArray[np.int32], fewest: int
) -> Any:
    """Rows that hold each unit of at least `fewest` holders: bounds by unit, and rows, ascending."""
    bounds = np.zeros(len(holders) + 1, np.int64)
    for k in range(len(holders)):
        bounds[k + 1] = bounds[k] + (holders[k] if holders[k] >= fewest else 0)
    rows, end = np.empty(bounds[-1], np.int32), bounds[:-1].copy()
    for row in range(len(indptr) - 1):
        for p in range(indptr[row], indptr[row + 1]):
            k = number[p]
            if k >= 0 and holders[k] >= fewest and (end[k] == bounds[k] or rows[end[k] - 1] != row):
                rows[end[k]] = row
                end[k] += 1
    return bounds, rows


@kernel
def mark_covered(
    number: NDArray[np.int32],
    indptr: NDArray[np.int64],
    marked: NDArray[np.bool_],
    widths: NDArray[np.int8],
    covered: NDArray[np.bool_],
) -> None:
    """Mark the tokens that stand in a marked unit."""
    for row in range(len(indptr) - 1):
        until = indptr[row]
        for p in range(indptr[row], indptr[row + 1]):
            if number[p] >= 0 and marked[number[p]]:
                until = max(until, p + widths[p])
            covered[p] |= p < until


@kernel
def make_table(hashes: NDArray[np.uint64], kinds: NDArray[np.uint8]) -> Any:
    """Hash table of what recurs: keys and kinds in slots, 0 where a slot is free."""
    size = 64
    while size < 4 * len(hashes):
        size *= 2
    mask = np.uint64(size - 1)
    keys, values = np.zeros(size, np.uint64), np.zeros(size, np.uint8)
    for k in range(len(hashes)):
        at = (hashes[k] >> np.uint64(20)) & mask
        while keys[at] != 0 and keys[at] != hashes[k]:
            at = (at + np.uint64(1)) & mask
        keys[at] = hashes[k]
        values[at] |= kinds[k]
    return keys, values


@kernel
def look_up_kinds(
    hashes: NDArray[np.uint64],
    keys: NDArray[np.uint64],
    values: NDArray[np.uint8],
    kinds: NDArray[np.uint8],
) -> None:
    """Add the kinds of each position's unit, where it is in the table."""
    mask = np.uint64(len(keys) - 1)
    for p in range(len(hashes)):
        h = hashes[p]
        if h == 0:
            continue
        at = (h >> np.uint64(20)) & mask
        while keys[at] != 0 and keys[at] != h:
            at = (at + np.uint64(1)) & mask
        kinds[p] |= values[at]


@kernel
def spans_of_runs(
    indptr: NDArray[np.int64],
    shingle_kinds: NDArray[np.uint8],
    phrase_kinds: NDArray[np.uint8],
    widths: NDArray[np.int8],
    closes: NDArray[np.bool_],
) -> NDArray[np.int64]:
    """Runs of tokens in recurring units that are furniture: row, first token and the one after the last."""
    found = np.empty((len(widths) + 1, 3), np.int64)
    n = 0
    for row in range(len(indptr) - 1):
        start, stop = indptr[row], indptr[row + 1]
        first, until, kinds = start, start, 0
        for p in range(start, stop):
            recurs = shingle_kinds[p] | phrase_kinds[p]
            if p >= until and (not recurs or until == first):
                if until > first and is_furniture(
                    first - start, until - first, stop - until, kinds, closes[until - 1]
                ):
                    found[n, 0], found[n, 1], found[n, 2] = row, first, until
                    n += 1
                first, until, kinds = p, p, 0
            if shingle_kinds[p]:
                until = max(until, p + SHINGLE)
            if phrase_kinds[p]:
                until = max(until, p + widths[p])
            kinds |= recurs
        if until > first and is_furniture(
            first - start, until - first, stop - until, kinds, closes[until - 1]
        ):
            found[n, 0], found[n, 1], found[n, 2] = row, first, until
            n += 1
    return found[:n].copy()


@kernel
def is_furniture(before: Any, length: Any, after: Any, kinds: Any, is_closed: Any) -> bool:
    """Whether a run of these kinds, with so many tokens before and after it, is furniture.

    A short one at the beginning must end where a line or a part of a sentence does: many articles begin with
    the name and office of one person.
    """
    if kinds & IS_TAIL and after == 0 and length >= SHORTEST_TAIL_SPAN:
        return True
    if length >= LONG_SPAN:
        return bool(kinds & IS_LONG)
    return bool(kinds & (IS_EDGE if after <= EDGE or (before <= EDGE and is_closed) else IS_SHORT))
