"""Spans that recur in mutually unlike texts, against sets and loops."""

import random
from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from storyclust.text import recurring_spans as module
from storyclust.text import witnesses
from storyclust.text.page_tokens import SHINGLE, PageTokens
from storyclust.text.recurring_spans import (
    IS_EDGE,
    IS_LONG,
    IS_SHORT,
    IS_TAIL,
    Needed,
    Recurring,
    learn_recurring,
    recurring_spans,
)

FIRST_LETTERS = "Ww"


class SlowPage:
    """A text as its words, and its units: tuples of words by place."""

    def __init__(self, text):
        self.words, self.opens = [], []
        opens = self.opens
        for line in text.split("\n"):
            for k, word in enumerate(line.split()):
                opens.append(k == 0)
                self.words.append(word)
        n = len(self.words)
        folded = [word.lower() for word in self.words]
        self.shingles = {p: tuple(folded[p : p + SHINGLE]) for p in range(n - SHINGLE + 1)}
        self.phrases = {}
        starts = [p for p in range(n) if opens[p]] + [n]
        for p, end in pairwise(starts):
            if end - p < SHINGLE and self.words[p][0].isupper():
                self.phrases[p] = tuple(folded[p:end])
        for p in range(max(n - SHINGLE + 1, 1), n - 1):
            self.phrases.setdefault(p, tuple(folded[p:]))
        self.folded = folded


def covered(units, marked):
    return {p + j for p, unit in units.items() if unit in marked for j in range(len(unit))}


def holders_of(pages, layer):
    holders = {}
    for row, page in enumerate(pages):
        for unit in getattr(page, layer).values():
            holders.setdefault(unit, set()).add(row)
    return holders


def without_extensions(pages, holders):
    dropped = set()
    for page in pages:
        for p, unit in page.shingles.items():
            near = [page.shingles[q] for q in range(p - SHINGLE + 1, p + SHINGLE) if q in page.shingles]
            if len(holders[unit]) > 1 and any(len(holders[n]) >= 2 * len(holders[unit]) for n in near):
                dropped.add(unit)
    return {unit: rows for unit, rows in holders.items() if unit not in dropped}


class SlowWitnesses:
    """First own words and pairs of texts, of which some words are shared."""

    def __init__(self, pages, shared, alike_pairs):
        self.alike_pairs = alike_pairs
        self.words, self.pairs, self.is_witness = [], [], []
        for page, own in zip(pages, shared, strict=True):
            n = len(page.words)
            free = [p for p in range(n) if p not in own]
            enough = max(witnesses.COMPARED, witnesses.LONG_OWN * n)
            self.is_witness.append(len(free) >= witnesses.OWN * n or len(free) >= enough)
            free = free[: witnesses.COMPARED]
            self.words.append({page.folded[p] for p in free})
            self.pairs.append({tuple(page.folded[p : p + 2]) for p in free if p + 1 < n and p + 1 not in own})

    def alike(self, a, b):
        return (
            part(self.pairs[a], self.pairs[b]) >= self.alike_pairs
            or part(self.words[a], self.words[b]) >= witnesses.ALIKE_WORDS
        )

    def unlike(self, rows, most):
        chosen = []
        for row in [row for row in rows if self.is_witness[row]][: witnesses.TRIED * most]:
            if len(chosen) < most and not any(self.alike(row, other) for other in chosen):
                chosen.append(row)
        return len(chosen)


def part(one, other):
    fewer = min(len(one), len(other))
    return len(one & other) / fewer if fewer else 1


def slow_learn(pages, needed):
    """Kinds of the units that recur."""
    if len(pages) < min(needed):
        return {}
    layers = {"shingles": holders_of(pages, "shingles"), "phrases": holders_of(pages, "phrases")}
    layers["shingles"] = without_extensions(pages, layers["shingles"])
    repeated = {
        layer: {unit for unit, rows in holders.items() if len(rows) > 1} for layer, holders in layers.items()
    }
    shared = [
        covered(page.shingles, repeated["shingles"]) | covered(page.phrases, repeated["phrases"])
        for page in pages
    ]
    tails = []
    for page, own in zip(pages, shared, strict=True):
        last_free = max((p for p in range(len(page.words)) if p not in own), default=-1)
        tails.append(set(range(last_free + 1, len(page.words))))
    of_spans = SlowWitnesses(pages, shared, witnesses.ALIKE_PAIRS)
    of_tails = SlowWitnesses(pages, tails, witnesses.TAIL_ALIKE_PAIRS)
    most = module.MOST_NEEDED
    kinds = {}
    for layer, holders in layers.items():
        ending = {}
        for row, page in enumerate(pages):
            for p, unit in getattr(page, layer).items():
                if p in tails[row]:
                    ending.setdefault(unit, set()).add(row)
        for unit, rows in holders.items():
            at_end = ending.get(unit, set())
            of_span = of_spans.unlike(sorted(rows), most) if len(rows) >= min(needed) else 0
            of_tail = of_tails.unlike(sorted(at_end), most)
            bits, counts = (IS_LONG, IS_EDGE, IS_SHORT, IS_TAIL), (of_span, of_span, of_span, of_tail)
            held = (len(rows),) * 3 + (len(at_end),)
            enough = zip(bits, counts, held, needed, strict=True)
            kind = sum(bit for bit, count, n, least in enough if n >= least and count >= min(least, most))
            if kind:
                kinds[layer == "phrases", unit] = kind
    return kinds


def slow_spans(page, *learnt):
    """Spans of a page that recur, as first word and the one after the last."""
    bits = [0] * len(page.words)
    for is_phrase, units in ((False, page.shingles), (True, page.phrases)):
        for p, unit in units.items():
            for kinds in learnt:
                for q in range(p, p + len(unit)):
                    bits[q] |= kinds.get((is_phrase, unit), 0)
    found, p, n = [], 0, len(bits)
    while p < n:
        end = p
        while end < n and bits[end]:
            end += 1
        if end > p:
            every = int(np.bitwise_or.reduce(bits[p:end]))
            if every & IS_TAIL and end == n and end - p >= module.SHORTEST_TAIL_SPAN:
                found.append((p, end))
            elif end - p >= module.LONG_SPAN:
                found += [(p, end)] if every & IS_LONG else []
            else:
                closed = end == n or page.opens[end]
                at_edge = (p <= module.EDGE and closed) or n - end <= module.EDGE
                found += [(p, end)] if every & (IS_EDGE if at_edge else IS_SHORT) else []
        p = max(end, p + 1)
    return found


def random_texts(rng, n):
    boxes = [
        [f"{rng.choice(FIRST_LETTERS)}{rng.randrange(90)}" for _ in range(rng.randrange(1, 18))]
        for _ in range(4)
    ]
    texts = []
    for _ in range(n):
        row = [f"w{rng.randrange(5000 if rng.random() < 0.8 else 6)}" for _ in range(rng.randrange(40))]
        for box in boxes:
            if rng.random() < 0.6:
                at = rng.choice([0, len(row), rng.randrange(len(row) + 1)])
                row[at:at] = rng.choice([box, ["\n", *box, "\n"]])
        texts.append(" ".join(row))
    return sorted(set(texts))


@settings(max_examples=40)
@given(st.integers(0, 2**32 - 1), st.integers(1, 9), st.integers(1, 4))
def test_spans_are_those_of_the_slow_twin(seed, n, least):
    rng = random.Random(seed)  # noqa: S311
    needed = Needed(least + 1, least + 2, least + 3, least)
    samples = [random_texts(rng, n), random_texts(rng, n)]
    texts = samples[0] + samples[1]
    learnt = [learn_recurring(PageTokens.of(sample), needed) for sample in samples]
    slow = [slow_learn([SlowPage(text) for text in sample], needed) for sample in samples]
    found = recurring_spans(PageTokens.of(texts), *learnt).tolist()
    begin, expected = 0, []
    for row, text in enumerate(texts):
        page = SlowPage(text)
        expected += [[row, begin + p, begin + end] for p, end in slow_spans(page, *slow)]
        begin += len(page.words)
    assert found == expected


def test_nothing_recurs_in_nothing():
    needed = Needed(1, 1, 1, 1)
    for texts in ([], [""], ["", "\n"]):
        pages = PageTokens.of(texts)
        learnt = learn_recurring(pages, needed)
        assert len(learnt.hashes) == 0
        assert len(recurring_spans(pages, learnt)) == 0
    assert len(recurring_spans(PageTokens.of(["Snow fell."]), Recurring.nothing())) == 0


def test_a_gallery_longer_than_the_reports_that_hold_it_recurs():
    gallery = " ".join(f"g{k}" for k in range(300))
    reports = [" ".join(f"r{n}x{k}" for k in range(150)) for n in range(3)]
    briefs = [" ".join(f"b{n}x{k}" for k in range(100)) for n in range(3)]
    needed = Needed(3, 5, 5, 3)
    for bodies, found in ((reports, 3), (briefs, 0)):
        pages = PageTokens.of([f"{gallery} {body}" for body in bodies])
        assert len(recurring_spans(pages, learn_recurring(pages, needed))) == found
