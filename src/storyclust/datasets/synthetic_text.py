"""Kernels that write the headlines and texts of synthetic news.

A text is a sequence of sentences, each determined by a seed. A copy is written from the seed of its original,
cut and edited, so the original need not be kept. A quotation is a sentence whose seed is shared by the
reports of an event. Words are drawn from ordinary English at the rates of news, from a few words that the
text repeats, and from the pool of its event: names, figures and distinctive words that all reports of the
event share. The pool is determined by the seeds of event and story.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from storyclust._core.parallel import kernel
from storyclust.datasets.lexicon import TABLE_BITS, WORD_BITS, WORD_MASK, Lexicon
from storyclust.text.tokens import mix

if TYPE_CHECKING:
    from numpy.typing import NDArray

# The shares below were set so that the similarities within events, within threads and between threads
# resemble those of real news: benchmarks/bench_newswire.py plots both.
HEADLINE, LEAD, BODY, QUOTATION = range(4)  # kinds of sentence
POOL_SHARE = (800, 440, 245, 0)  # parts of 1024 of content words that come from the pool, times the focus
REPEATED_SHARE = (60, 200, 300, 0)  # parts of 1024 that come from the ordinary words that a text repeats
N_REPEATED = 40  # number of these words ...
REPEATED_BY_STORY, REPEATED_BY_EVENT = 14, 10  # ... and of those that the texts of a story, an event share
LEAD_SENTENCES = 3
QUOTED_SENTENCE = 3  # position of a quotation in three reports of eight
MIN_KNOWN, KNOWN_RANGE = 160, 140  # parts of 256 of the pool that a report uses; for some events all
MIN_FOCUS = 16  # parts of 64; text and event may add 64 each

# A pool has two parts, the first for headlines and leads. Each has six names, and these numbers of codes.
EVENT_WORDS, FACTS, STORY_WORDS, THEME_WORDS = (5, 4), (2, 3), (9, 12), (5, 10)
CORE_SIZE, REST_SIZE = (
    6 + sum(codes) for codes in zip(EVENT_WORDS, FACTS, STORY_WORDS, THEME_WORDS, strict=True)
)
STORY_VOCABULARY = (6, 14)  # distinct words of a story in each part
MAX_DRIFT = 32  # parts of 128 of these words that differ between events
TOPICS, KINDS = 20, 40  # kinds of story in a topic
KIND_VOCABULARY, TOPIC_VOCABULARY, PROMINENT_PERSONS = 16, 40, 12  # words of each; persons of a topic

TABLE_MASK = np.uint64((1 << TABLE_BITS) - 1)
COMPANION_MASK = np.uint64(7)  # selects one of the eight companions of a word, which often follow it
COMPANION_SHARE = 256  # parts of 1024 of ordinary words that are followed by a companion
STEP = np.uint64(0x9E3779B97F4A7C15)  # increment of SplitMix64 (Steele, Lea and Flood, 2014)
SALT = np.uint64(0xD1B54A32D192ED03)
HALF = np.uint64(32)
SPACE, COMMA, STOP, QUOTE, BREAK = (ord(mark) for mark in ' ,."\n')
MAX_SENTENCE_BYTES = 2_000  # at most

FIRST, LAST, PLACE, FIRM, FIRM_END, FIGURE = range(6)


class TextSettings(NamedTuple):
    """Parameters of a text."""

    text: Any  # seed, like the next two
    event: Any
    story: Any
    known: Any  # parts of 256 of the pool that it uses
    focus: Any  # parts of 64 of the rate at which it draws from the pool
    edits: Any  # parts of 1024 of its words that are edited
    edit_seed: Any


@kernel
def random_bits(seed: Any, number: Any) -> Any:
    """Random bits number `number` of a seed."""
    return mix(seed + np.uint64(number) * SALT)


@kernel
def random_below(r: Any, n: Any) -> Any:
    """Random number below `n`, from the upper half of the bits `r`."""
    return ((r >> HALF) * np.uint64(n)) >> HALF


@kernel
def skewed_below(r: Any, n: Any) -> Any:
    """Random number below `n`, distributed like a product of two uniform ones, from the halves of `r`."""
    return random_below((r >> HALF) * (r & np.uint64(0xFFFFFFFF)), n)


@kernel
def draw_name(words: Lexicon, group: Any, r: Any) -> Any:
    """Draw a name or a figure from a list of the lexicon."""
    low, high = words.bounds[group], words.bounds[group + 1]
    return low + np.int64(random_below(r, high - low))


@kernel
def draw_word(listed: Any, r: Any) -> Any:
    """Draw one of a list of words."""
    return np.int64(listed[random_below(r, len(listed))])


@kernel
def draw_person(story: Any, event: Any, topic: Any, number: Any, words: Lexicon) -> Any:
    """Draw a person: numbers 0 to 3 belong to the story, some of them prominent, others to the event."""
    seed = random_bits(story if number < 4 else event, 10 + number)
    if number < 4 and seed & np.uint64(1):
        seed = random_bits(topic, np.uint64(TOPIC_VOCABULARY) + skewed_below(mix(seed), PROMINENT_PERSONS))
    return draw_name(words, FIRST, random_bits(seed, 1)) | (
        draw_name(words, LAST, random_bits(seed, 2)) << WORD_BITS
    )


@kernel
def draw_fact(r: Any, words: Lexicon) -> Any:
    """Draw a figure or a distinctive word, followed by a distinctive word."""
    first = draw_name(words, FIGURE, r) if r & np.uint64(1) else draw_word(words.distinctive, r)
    return first | (draw_word(words.distinctive, mix(r)) << WORD_BITS)


@kernel
def draw_story_word(story: Any, event: Any, r: Any, distinct: Any, words: Lexicon) -> Any:
    """Draw one or two words of the story, some of which differ between events."""
    number = random_below(r, distinct)
    drifts = random_bits(r, 1) & np.uint64(127) < random_below(random_bits(story, 4), MAX_DRIFT)
    chosen = random_bits(event if drifts else story, np.uint64(300) + number)
    second = draw_word(words.distinctive, mix(chosen)) if number & np.uint64(1) == 0 else 0
    return draw_word(words.distinctive, chosen) | (second << WORD_BITS)


@kernel
def draw_theme_word(topic: Any, kind: Any, r: Any, words: Lexicon) -> Any:
    """Draw a word of a kind of story, such as trials, or of a topic, such as politics."""
    if r & np.uint64(1):
        return draw_word(words.distinctive, random_bits(kind, random_below(r, KIND_VOCABULARY)))
    return draw_word(words.common, random_bits(topic, skewed_below(mix(r), TOPIC_VOCABULARY)))


@kernel
def fill_pool(pool: NDArray[np.int64], story: Any, event: Any, words: Lexicon) -> None:
    """Fill the pool of an event: the core, then the rest."""
    topic = skewed_below(random_bits(story, 1), TOPICS)
    kind = np.uint64(TOPICS) + topic * np.uint64(KINDS) + skewed_below(random_bits(story, 2), KINDS)
    lead = draw_person(story, event, topic, np.int64(random_bits(event, 3) & np.uint64(1)), words)
    cast = (
        lead,
        lead,
        draw_person(story, event, topic, 4, words),
        draw_person(story, event, topic, 3, words),
    )
    other = draw_person(story, event, topic, 2, words)
    n = 0
    for part in range(2):
        pool[n] = cast[2 * part]
        pool[n + 1] = cast[2 * part] >> WORD_BITS
        pool[n + 2] = cast[2 * part + 1] >> WORD_BITS
        pool[n + 3] = (other if part else cast[2]) >> WORD_BITS
        pool[n + 4] = draw_name(words, PLACE, random_bits(story, 30 + part))
        firm_end = draw_name(words, FIRM_END, random_bits(story, 50 + part))
        pool[n + 5] = draw_name(words, FIRM, random_bits(story, 40 + part)) | (firm_end << WORD_BITS)
        n += 6
        for k in range(EVENT_WORDS[part]):
            pool[n + k] = draw_word(words.distinctive, random_bits(event, 100 + 50 * part + k))
        n += EVENT_WORDS[part]
        for k in range(FACTS[part]):
            pool[n + k] = draw_fact(random_bits(event, 200 + 50 * part + k), words)
        n += FACTS[part]
        for k in range(STORY_WORDS[part]):
            r = random_bits(event, 400 + 50 * part + k)
            pool[n + k] = draw_story_word(story, event, r, STORY_VOCABULARY[part], words)
        n += STORY_WORDS[part]
        for k in range(THEME_WORDS[part]):
            pool[n + k] = draw_theme_word(topic, kind, random_bits(event, 500 + 50 * part + k), words)
        n += THEME_WORDS[part]


@kernel
def draw_from_pool(pool: NDArray[np.int64], settings: TextSettings, r: Any) -> Any:
    """Draw a code of the pool that the report uses; after four tries, any code."""
    i = random_below(r, len(pool))
    for _ in range(4):
        if random_bits(settings.text, i) & np.uint64(255) < settings.known:
            break
        i = (i + np.uint64(1)) % np.uint64(len(pool))
    return pool[i]


@kernel
def draw_ordinary_word(before: Any, repeats: Any, settings: TextSettings, r: Any, words: Lexicon) -> Any:
    """Draw an ordinary word: one that the text repeats, a companion of the word before, or any."""
    where = r
    if repeats:
        number = np.int64(r % np.uint64(N_REPEATED))
        later = settings.event if number < REPEATED_BY_STORY + REPEATED_BY_EVENT else settings.text
        where = random_bits(settings.story if number < REPEATED_BY_STORY else later, 1000 + number)
    elif before and np.int64(mix(r) & np.uint64(1023)) < COMPANION_SHARE:
        where = random_bits(np.uint64(before), r & COMPANION_MASK)
    return np.int64(words.general[where & TABLE_MASK])


@kernel
def write_code(code: Any, words: Lexicon, opens: Any, out: Any, at: Any) -> Any:
    """Write the words of a code, each followed by a space; returns the position behind them."""
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
def write_sentence(
    seed: Any, kind: Any, pool: Any, settings: TextSettings, words: Lexicon, out: Any, at: Any
) -> Any:
    """Write a sentence without its stop: function words and content words alternately, and commas."""
    begun, before = at, 0
    n = np.int64(5 + random_below(mix(seed), 5 if kind == HEADLINE else 12))
    pool_share = POOL_SHARE[kind] * settings.focus >> 6
    for k in range(n):
        state = seed + np.uint64(k + 1) * STEP
        # Bits 0 to 9 choose the source, 20 up the word, 54 up the phrase, 60 up whether a headline has it.
        r = mix(state)
        share = np.int64(r & np.uint64(1023))
        if kind != HEADLINE or r >> np.uint64(60) == 0:
            phrase = words.function_phrases[(r >> np.uint64(54)) & np.uint64(63)]
            at = write_code(phrase, words, at == begun, out, at)
        if share < pool_share:
            code, before = draw_from_pool(pool, settings, r << np.uint64(16)), 0
        else:
            repeats = share < pool_share + REPEATED_SHARE[kind]
            code = before = draw_ordinary_word(before, repeats, settings, r >> np.uint64(20), words)
        edit = mix(state + settings.edit_seed)
        if kind != HEADLINE and np.int64(edit & np.uint64(1023)) < settings.edits:
            code = draw_ordinary_word(0, False, settings, edit >> HALF, words) if edit >> np.uint64(63) else 0
        at = write_code(code, words, at == begun, out, at)
        if (r >> np.uint64(40)) & np.uint64(15) == 0 and k + 1 < n and at > begun:
            out[at - 1], out[at] = COMMA, SPACE
            at += 1
    return at


@kernel
def write_quotation(event: Any, pool: Any, settings: TextSettings, words: Lexicon, out: Any, at: Any) -> Any:
    """Write the quotation of an event without its stop."""
    out[at] = QUOTE
    at = write_sentence(mix(event), QUOTATION, pool, settings, words, out, at + 1)
    out[at - 1], out[at], out[at + 1] = COMMA, QUOTE, SPACE
    at = write_code(pool[1], words, False, out, at + 2)
    for letter in "said ":
        out[at] = ord(letter)
        at += 1
    return at


@kernel
def write_texts(rows: NDArray[np.uint64], words: Lexicon) -> Any:
    """Write headlines and texts.

    Parameters
    ----------
    rows : uint64 array of shape (n, 7)
        Seeds of text and headline, number of sentences, seeds of event and story, edits in parts of 1024, and
        the seed of the edits. A row without sentences stays empty.
    words : Lexicon

    Returns
    -------
    data : uint8 array
        ASCII bytes.
    bounds : int64 array of shape (2 * n + 1,)
        Where the headline and the text of each row begin.
    """
    out = np.empty(MAX_SENTENCE_BYTES * np.int64(len(rows) + rows[:, 2].sum()), np.uint8)
    bounds = np.zeros(2 * len(rows) + 1, np.int64)
    pool = np.empty(CORE_SIZE + REST_SIZE, np.int64)
    at = 0
    for n in range(len(rows)):
        bounds[2 * n : 2 * n + 2] = at
        sentences, event, story = rows[n, 2], rows[n, 3], rows[n, 4]
        if sentences == 0:
            continue
        fill_pool(pool, story, event, words)
        text = mix(rows[n, 0] + SALT)
        known = np.uint64(MIN_KNOWN) + random_below(random_bits(event, 6), KNOWN_RANGE)
        focus = MIN_FOCUS + np.int64(random_below(text << HALF, 64) + random_below(random_bits(event, 7), 64))
        settings = TextSettings(text, event, story, known, focus, np.int64(rows[n, 5]), rows[n, 6])
        at = write_sentence(mix(rows[n, 1]), HEADLINE, pool[:CORE_SIZE], settings, words, out, at) - 1
        bounds[2 * n + 1] = at
        for k in range(sentences):
            seed = random_bits(text, 2000 + k)
            if k == QUOTED_SENTENCE and text >> np.uint64(61) < 3:
                at = write_quotation(event, pool, settings, words, out, at)
            elif k < LEAD_SENTENCES:
                at = write_sentence(seed, LEAD, pool[:CORE_SIZE], settings, words, out, at)
            else:
                at = write_sentence(seed, BODY, pool, settings, words, out, at)
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
