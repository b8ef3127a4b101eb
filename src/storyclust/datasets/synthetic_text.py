"""Words for synthetic news: which there are, and the kernel that writes headlines and texts with them.

A text is a row of sentences, each of which follows from a seed. So a copy is written from the seed of its
original, cut and edited, without the original being held, and a quotation is a sentence whose seed the
reports of an event have in common. Words come from ordinary English at the rates at which news holds them,
from a few of these that the text repeats, and from the deck of its event: the names, figures and special
words that other reports of that event draw from, too. The deck follows from the seeds of event and story, so
that it need not be held either.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from storyclust._core.parallel import kernel
from storyclust.datasets.lexicon import TABLE_BITS, WORD_BITS, WORD_MASK, Lexicon
from storyclust.text.tokens import mix

if TYPE_CHECKING:
    from numpy.typing import NDArray

# The shares below were set so that the similarities of reports of one event, of events of one thread, and of
# strangers resemble those of real news: benchmarks/bench_newswire.py draws them side by side.
HEADLINE, LEAD, BODY, QUOTATION = range(4)  # kinds of sentence
FROM_DECK = (800, 440, 245, 0)  # parts of 1024 of content words that come from the deck, times the focus
FROM_REPEATED = (60, 200, 300, 0)  # parts that come from the ordinary words that a text repeats
REPEATED, BY_STORY, BY_EVENT = 40, 14, 10  # of these words, those that all texts of story and event repeat
LEAD_SENTENCES = 3
QUOTED = 3  # sentence in whose place three reports of eight quote
LEAST_KNOWN, MORE_KNOWN = 160, 140  # parts of 256 of the deck that a report knows; of some events all
LEAST_FOCUS = 16  # parts of 64; text and event may add 64 each

# Decks: two parts, the first for headlines and leads. Each has six names, and of other codes so many:
EVENT_WORDS, FACTS, STORY_WORDS, THEME_WORDS = (5, 4), (2, 3), (9, 12), (5, 10)
CORE, REST = (6 + sum(codes) for codes in zip(EVENT_WORDS, FACTS, STORY_WORDS, THEME_WORDS, strict=True))
OF_STORY = (6, 14)  # distinct words of a story that they repeat
MOST_DRIFT = 32  # parts of 128 of them that differ from event to event
TOPICS, KINDS = 20, 40  # kinds of story in a topic
OF_KIND, OF_TOPIC, PROMINENT = 16, 40, 12  # words of each, and persons known in a topic

TABLE_MASK = np.uint64((1 << TABLE_BITS) - 1)
COMPANIONS = np.uint64(7)  # number, less one, of the words that are often found behind a word
PAIRED = 256  # parts of 1024 of ordinary words that have one of them behind
STEP = np.uint64(0x9E3779B97F4A7C15)  # between the states of SplitMix64
SALT = np.uint64(0xD1B54A32D192ED03)
HALF = np.uint64(32)
SPACE, COMMA, STOP, QUOTE, BREAK = (ord(mark) for mark in ' ,."\n')
SENTENCE_BYTES = 2_000  # at most

FIRST, LAST, PLACE, FIRM, FIRM_END, FIGURE = range(6)


class Hand(NamedTuple):
    """Who writes: seeds; what is known of the deck, and how much it is drawn from; edits."""

    text: Any
    event: Any
    story: Any
    known: Any
    focus: Any
    edits: Any
    edit_seed: Any


@kernel
def bits_of(seed: Any, number: Any) -> Any:
    """Bits that follow from a seed, as many as are wanted, by number."""
    return mix(seed + np.uint64(number) * SALT)


@kernel
def below(r: Any, n: Any) -> Any:
    """Number below `n`, from the upper half of some bits."""
    return ((r >> HALF) * np.uint64(n)) >> HALF


@kernel
def mostly_low(r: Any, n: Any) -> Any:
    """Number below `n`, low ones more often: from the product of the two halves of some bits."""
    return below((r >> HALF) * (r & np.uint64(0xFFFFFFFF)), n)


@kernel
def name_of(words: Lexicon, group: Any, r: Any) -> Any:
    """Name or figure."""
    low, high = words.bounds[group], words.bounds[group + 1]
    return low + np.int64(below(r, high - low))


@kernel
def pick(listed: Any, r: Any) -> Any:
    """One of a list of words."""
    return np.int64(listed[below(r, len(listed))])


@kernel
def person(story: Any, event: Any, topic: Any, number: Any, words: Lexicon) -> Any:
    """Code of the first and last name of one of the cast: 0 to 3 are the story's, some of them prominent."""
    seed = bits_of(story if number < 4 else event, 10 + number)
    if number < 4 and seed & np.uint64(1):
        seed = bits_of(topic, np.uint64(OF_TOPIC) + mostly_low(mix(seed), PROMINENT))
    return name_of(words, FIRST, bits_of(seed, 1)) | (name_of(words, LAST, bits_of(seed, 2)) << WORD_BITS)


@kernel
def fact(r: Any, words: Lexicon) -> Any:
    """A figure, or a word, and a word."""
    first = name_of(words, FIGURE, r) if r & np.uint64(1) else pick(words.special, r)
    return first | (pick(words.special, mix(r)) << WORD_BITS)


@kernel
def story_word(story: Any, event: Any, r: Any, distinct: Any, words: Lexicon) -> Any:
    """A word of the story, or two, which some events have others for."""
    number = below(r, distinct)
    drifts = bits_of(r, 1) & np.uint64(127) < below(bits_of(story, 4), MOST_DRIFT)
    chosen = bits_of(event if drifts else story, np.uint64(300) + number)
    second = pick(words.special, mix(chosen)) if number & np.uint64(1) == 0 else 0
    return pick(words.special, chosen) | (second << WORD_BITS)


@kernel
def theme_word(topic: Any, kind: Any, r: Any, words: Lexicon) -> Any:
    """A word of a kind of story, such as trials, or of a topic, such as politics."""
    if r & np.uint64(1):
        return pick(words.special, bits_of(kind, below(r, OF_KIND)))
    return pick(words.usual, bits_of(topic, mostly_low(mix(r), OF_TOPIC)))


@kernel
def fill_deck(deck: NDArray[np.int64], story: Any, event: Any, words: Lexicon) -> None:
    """Deal the codes of an event: the core, then the rest."""
    topic = mostly_low(bits_of(story, 1), TOPICS)
    kind = np.uint64(TOPICS) + topic * np.uint64(KINDS) + mostly_low(bits_of(story, 2), KINDS)
    lead = person(story, event, topic, np.int64(bits_of(event, 3) & np.uint64(1)), words)
    cast = (lead, lead, person(story, event, topic, 4, words), person(story, event, topic, 3, words))
    other = person(story, event, topic, 2, words)
    n = 0
    for part in range(2):
        deck[n] = cast[2 * part]
        deck[n + 1] = cast[2 * part] >> WORD_BITS
        deck[n + 2] = cast[2 * part + 1] >> WORD_BITS
        deck[n + 3] = (other if part else cast[2]) >> WORD_BITS
        deck[n + 4] = name_of(words, PLACE, bits_of(story, 30 + part))
        firm_end = name_of(words, FIRM_END, bits_of(story, 50 + part))
        deck[n + 5] = name_of(words, FIRM, bits_of(story, 40 + part)) | (firm_end << WORD_BITS)
        n += 6
        for k in range(EVENT_WORDS[part]):
            deck[n + k] = pick(words.special, bits_of(event, 100 + 50 * part + k))
        n += EVENT_WORDS[part]
        for k in range(FACTS[part]):
            deck[n + k] = fact(bits_of(event, 200 + 50 * part + k), words)
        n += FACTS[part]
        for k in range(STORY_WORDS[part]):
            r = bits_of(event, 400 + 50 * part + k)
            deck[n + k] = story_word(story, event, r, OF_STORY[part], words)
        n += STORY_WORDS[part]
        for k in range(THEME_WORDS[part]):
            deck[n + k] = theme_word(topic, kind, bits_of(event, 500 + 50 * part + k), words)
        n += THEME_WORDS[part]


@kernel
def from_deck(deck: NDArray[np.int64], hand: Hand, r: Any) -> Any:
    """One of the codes that a report knows; after a few that it does not, whichever comes next."""
    i = below(r, len(deck))
    for _ in range(4):
        if bits_of(hand.text, i) & np.uint64(255) < hand.known:
            break
        i = (i + np.uint64(1)) % np.uint64(len(deck))
    return deck[i]


@kernel
def ordinary_word(before: Any, repeats: Any, hand: Hand, r: Any, words: Lexicon) -> Any:
    """Ordinary word: one of those that the text repeats, or a companion of the word before, or any."""
    where = r
    if repeats:
        number = np.int64(r % np.uint64(REPEATED))
        later = hand.event if number < BY_STORY + BY_EVENT else hand.text
        where = bits_of(hand.story if number < BY_STORY else later, 1000 + number)
    elif before and np.int64(mix(r) & np.uint64(1023)) < PAIRED:
        where = bits_of(np.uint64(before), r & COMPANIONS)
    return np.int64(words.general[where & TABLE_MASK])


@kernel
def write_code(code: Any, words: Lexicon, opens: Any, out: Any, at: Any) -> Any:
    """Write the words of a code, a space behind each; returns where the text goes on."""
    begun = at
    while code:
        word = code & WORD_MASK
        for k in range(words.starts[word], words.starts[word + 1]):
            out[at] = words.data[k]
            at += 1
        out[at] = SPACE
        at += 1
        code >>= WORD_BITS
    if opens and at > begun and ord("a") <= out[begun] <= ord("z"):
        out[begun] -= np.uint8(32)
    return at


@kernel
def write_sentence(seed: Any, kind: Any, deck: Any, hand: Hand, words: Lexicon, out: Any, at: Any) -> Any:
    """Write a sentence but for its stop: function and content words in turn, and commas."""
    begun, before = at, 0
    n = np.int64(5 + below(mix(seed), 5 if kind == HEADLINE else 12))
    deck_share = FROM_DECK[kind] * hand.focus >> 6
    for k in range(n):
        state = seed + np.uint64(k + 1) * STEP
        r = mix(state)  # bits 0 to 9 choose where from, 20 up which, 54 up the glue, 60 up headlines' glue
        share = np.int64(r & np.uint64(1023))
        if kind != HEADLINE or r >> np.uint64(60) == 0:
            glue = words.glue[(r >> np.uint64(54)) & np.uint64(63)]
            at = write_code(glue, words, at == begun, out, at)
        if share < deck_share:
            code, before = from_deck(deck, hand, r << np.uint64(16)), 0
        else:
            repeats = share < deck_share + FROM_REPEATED[kind]
            code = before = ordinary_word(before, repeats, hand, r >> np.uint64(20), words)
        edit = mix(state + hand.edit_seed)
        if kind != HEADLINE and np.int64(edit & np.uint64(1023)) < hand.edits:
            code = ordinary_word(0, False, hand, edit >> HALF, words) if edit >> np.uint64(63) else 0
        at = write_code(code, words, at == begun, out, at)
        if (r >> np.uint64(40)) & np.uint64(15) == 0 and k + 1 < n and at > begun:
            out[at - 1], out[at] = COMMA, SPACE
            at += 1
    return at


@kernel
def write_quotation(event: Any, deck: Any, hand: Hand, words: Lexicon, out: Any, at: Any) -> Any:
    """Write what somebody said at an event, but for the stop."""
    out[at] = QUOTE
    at = write_sentence(mix(event), QUOTATION, deck, hand, words, out, at + 1)
    out[at - 1], out[at], out[at + 1] = COMMA, QUOTE, SPACE
    at = write_code(deck[1], words, False, out, at + 2)
    for letter in "said ":
        out[at] = ord(letter)
        at += 1
    return at


@kernel
def write_texts(rows: NDArray[np.uint64], words: Lexicon) -> Any:
    """Write headlines and texts.

    A row is the seeds of text and headline, the number of sentences, the seeds of event and story, edits
    in parts of 1024 and their seed. Returns the bytes, and where headline and text of each row begin.
    """
    out = np.empty(SENTENCE_BYTES * np.int64(len(rows) + rows[:, 2].sum()), np.uint8)
    bounds = np.zeros(2 * len(rows) + 1, np.int64)
    deck = np.empty(CORE + REST, np.int64)
    at = 0
    for n in range(len(rows)):
        bounds[2 * n : 2 * n + 2] = at
        sentences, event, story = rows[n, 2], rows[n, 3], rows[n, 4]
        if sentences == 0:
            continue
        fill_deck(deck, story, event, words)
        text = mix(rows[n, 0] + SALT)
        known = np.uint64(LEAST_KNOWN) + below(bits_of(event, 6), MORE_KNOWN)
        focus = LEAST_FOCUS + np.int64(below(text << HALF, 64) + below(bits_of(event, 7), 64))
        hand = Hand(text, event, story, known, focus, np.int64(rows[n, 5]), rows[n, 6])
        at = write_sentence(mix(rows[n, 1]), HEADLINE, deck[:CORE], hand, words, out, at) - 1
        bounds[2 * n + 1] = at
        for k in range(sentences):
            seed = bits_of(text, 2000 + k)
            if k == QUOTED and text >> np.uint64(61) < 3:
                at = write_quotation(event, deck, hand, words, out, at)
            elif k < LEAD_SENTENCES:
                at = write_sentence(seed, LEAD, deck[:CORE], hand, words, out, at)
            else:
                at = write_sentence(seed, BODY, deck, hand, words, out, at)
            if out[at - 2] == COMMA:
                at -= 1
            out[at - 1] = STOP
            if seed & np.uint64(3) == 0:
                out[at] = out[at + 1] = BREAK
                at += 2
            else:
                out[at] = SPACE
                at += 1
        while out[at - 1] <= SPACE:
            at -= 1
    bounds[2 * len(rows)] = at
    return out, bounds
