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
from storyclust.text.page_tokens import MIX, SHINGLE, PageTokens

if TYPE_CHECKING:
    from numpy.typing import NDArray

LONG_SPAN = 12  # tokens from which a span recurs by no chance; shorter ones need more witnesses
SHORTEST_TAIL_SPAN = 3  # tokens of a span that ends articles and needs few witnesses
OWN = 0.5  # share of a witness that no other article of its sample holds
TAIL_ALONE = 0.1  # share of a witness of a tail that may be shared elsewhere: reports of one story share more
ALIKE_PAIRS, ALIKE_WORDS = 0.2, 0.4  # share of own word pairs, or words, from which two articles are alike
COMPARED = 128  # own words of an article that are compared
TRIED = 4  # times as many holders are tried as witnesses are needed
EDGE = 2  # tokens that may lie between a span and the beginning or end of its article
MOST_NEEDED = 20  # witnesses that are enough in any archive
IS_LONG, IS_EDGE, IS_SHORT, IS_TAIL = 1, 2, 4, 8  # bits: enough witnesses for a span of this kind


class Needed(NamedTuple):
    """Witnesses that a span needs, by what it is."""

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


class Samples(NamedTuple):
    """First own words of articles, and their neighbouring pairs, as sorted distinct hashes with bounds."""

    words: NDArray[np.uint64]
    word_bounds: NDArray[np.int64]
    pairs: NDArray[np.uint64]
    pair_bounds: NDArray[np.int64]
    own: NDArray[np.float64]  # share of each article that is its own
    elsewhere: NDArray[np.float64]  # share that is shared, but not at its end


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
    least, most = min(needed), min(max(needed), MOST_NEEDED)
    n = len(pages.indptr) - 1
    if n < least:
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
    found = [Recurring.nothing()]
    for number, keys, holders in layers:
        if len(keys) and int(holders.max()) >= least:
            bounds, rows = list_holders(number, pages.indptr, holders, least)
            is_witness = samples.own >= OWN
            of_span = count_witnesses(bounds, rows, samples, is_witness, most)
            of_tail = count_witnesses(
                bounds, rows, samples, is_witness & (samples.elsewhere <= TAIL_ALONE), most
            )
            kinds = np.zeros(len(keys), np.uint8)
            for bit, count in zip((IS_LONG, IS_EDGE, IS_SHORT, IS_TAIL), needed, strict=True):
                witnesses = of_tail if bit == IS_TAIL else of_span
                kinds |= np.where(witnesses >= min(count, MOST_NEEDED), bit, 0).astype(np.uint8)
            found.append(Recurring(keys[kinds > 0], kinds[kinds > 0]))
    hashes, kinds = (np.concatenate(parts) for parts in zip(*found, strict=True))
    order = np.argsort(hashes, kind="stable")
    return Recurring(hashes[order], kinds[order])


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
    return spans_of_runs(pages.indptr, of_shingles, of_phrases, pages.widths)


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
def own_samples(tokens: NDArray[np.uint64], indptr: NDArray[np.int64], shared: NDArray[np.bool_]) -> Samples:
    """Collect the first own words and word pairs of rows."""
    n = len(indptr) - 1
    words, pairs = np.empty(COMPARED * n + 1, np.uint64), np.empty(COMPARED * n + 1, np.uint64)
    word_bounds, pair_bounds = np.zeros(n + 1, np.int64), np.zeros(n + 1, np.int64)
    own, elsewhere = np.zeros(n, np.float64), np.zeros(n, np.float64)
    for row in range(n):
        start, stop = indptr[row], indptr[row + 1]
        w, q, kept = word_bounds[row], pair_bounds[row], 0
        for p in range(start, stop):
            if shared[p]:
                continue
            kept += 1
            if kept <= COMPARED:
                words[w] = tokens[p]
                w += 1
                if p + 1 < stop and not shared[p + 1]:
                    pairs[q] = (tokens[p] * MIX) ^ tokens[p + 1]
                    q += 1
        tail = 0
        while tail < stop - start and shared[stop - 1 - tail]:
            tail += 1
        own[row] = kept / max(stop - start, 1)
        elsewhere[row] = (stop - start - kept - tail) / max(stop - start, 1)
        word_bounds[row + 1] = sort_distinct(words, word_bounds[row], w)
        pair_bounds[row + 1] = sort_distinct(pairs, pair_bounds[row], q)
    return Samples(words, word_bounds, pairs, pair_bounds, own, elsewhere)


@kernel
def sort_distinct(values: NDArray[np.uint64], start: Any, stop: Any) -> Any:
    """Sort a range of values in place and drop repeats; returns its new end."""
    values[start:stop].sort()
    end = start
    for k in range(start, stop):
        if k == start or values[k] != values[end - 1]:
            values[end] = values[k]
            end += 1
    return end


@kernel
def shared_part(values: NDArray[np.uint64], bounds: NDArray[np.int64], one: Any, other: Any) -> Any:
    """Share of the fewer values of two rows that both have."""
    i, j = bounds[one], bounds[other]
    fewer = min(bounds[one + 1] - i, bounds[other + 1] - j)
    shared = 0
    while i < bounds[one + 1] and j < bounds[other + 1]:
        if values[i] == values[j]:
            shared += 1
            i += 1
            j += 1
        elif values[i] < values[j]:
            i += 1
        else:
            j += 1
    return shared / fewer if fewer > 0 else 1.0


@kernel
def are_alike(samples: Samples, one: Any, other: Any) -> bool:
    """Whether two rows share so many own words or word pairs that they report the same thing."""
    return bool(
        shared_part(samples.pairs, samples.pair_bounds, one, other) >= ALIKE_PAIRS
        or shared_part(samples.words, samples.word_bounds, one, other) >= ALIKE_WORDS
    )


@kernel
def count_witnesses(
    bounds: NDArray[np.int64],
    rows: NDArray[np.int32],
    samples: Samples,
    is_witness: NDArray[np.bool_],
    most: int,
) -> NDArray[np.int32]:
    """Mutually unlike witnesses of each unit, counted up to `most`.

    Shingles of one span follow one another and mostly have the same holders: these are counted once.
    """
    witnesses = np.zeros(len(bounds) - 1, np.int32)
    chosen = np.empty(most, np.int64)
    last = -1
    for k in range(len(bounds) - 1):
        start, stop = bounds[k], bounds[k + 1]
        if start == stop:
            continue
        if last >= 0 and stop - start == bounds[last + 1] - bounds[last]:
            same = True
            for t in range(stop - start):
                if rows[start + t] != rows[bounds[last] + t]:
                    same = False
                    break
            if same:
                witnesses[k] = witnesses[last]
                continue
        n = tried = 0
        for t in range(start, stop):
            if not is_witness[rows[t]]:
                continue
            tried += 1
            alike = False
            for c in range(n):
                if are_alike(samples, rows[t], chosen[c]):
                    alike = True
                    break
            if not alike:
                chosen[n] = rows[t]
                n += 1
            if n == most or tried == TRIED * most:
                break
        witnesses[k], last = n, k
    return witnesses


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
                if is_furniture(first - start, until - first, stop - until, kinds):
                    found[n, 0], found[n, 1], found[n, 2] = row, first, until
                    n += 1
                first, until, kinds = p, p, 0
            if shingle_kinds[p]:
                until = max(until, p + SHINGLE)
            if phrase_kinds[p]:
                until = max(until, p + widths[p])
            kinds |= recurs
        if is_furniture(first - start, until - first, stop - until, kinds):
            found[n, 0], found[n, 1], found[n, 2] = row, first, until
            n += 1
    return found[:n].copy()


@kernel
def is_furniture(before: Any, length: Any, after: Any, kinds: Any) -> bool:
    """Whether a run of these kinds, with so many tokens before and after it, is furniture."""
    if kinds & IS_TAIL and after == 0 and length >= SHORTEST_TAIL_SPAN:
        return True
    if length >= LONG_SPAN:
        return bool(kinds & IS_LONG)
    return bool(kinds & (IS_EDGE if before <= EDGE or after <= EDGE else IS_SHORT))
