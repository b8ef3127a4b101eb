"""Key terms: the names and words that most articles of a group share, as the articles write them.

Words are ranked by frequency, number of articles and rarity. A name is shown in the form in which most
articles first mention it, another word with its most frequent neighbours. Names come first, and no term
repeats a part of another. Scripts without spaces have phrases instead of words; see `phrases`.
"""

from __future__ import annotations

import functools
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from storyclust.summary.mentions import (
    LETTER,
    LINK,
    OPENING,
    UNSPACED,
    MarkedTokens,
    WordCounts,
    count_occurrences,
    find_mentions,
    mark_tokens,
)
from storyclust.summary.phrases import ARTICLES_POWER, MAX_RANKED, RARITY_POWER, SMOOTHING, rank_phrases
from storyclust.text.codepoints import codepoint_table
from storyclust.text.features import WORD_MASK, hash_words, stop_hashes, stop_tables
from storyclust.text.tokens import Tokens
from storyclust.text.vectorize import BaseVectorizer

if TYPE_CHECKING:
    from numpy.typing import NDArray

N_KEYWORDS = 6
MAX_NAMES = 4  # of the key terms, unless there are too few other words
NAME_BONUS = 1.5
MAX_NAME_WORDS, MAX_TERM_WORDS = 4, 3
MAX_LINKED_WORDS = 7  # of a name with links: National Institute of Allergy and Infectious Diseases
FEWEST_INITIALS = 2  # of an acronym
MIN_EQUAL, MAX_UNEQUAL = 4, 3  # letters that related words share at the beginning, and differ in at the end
PREFIX = 3  # letters by which used words are indexed
# Offices in English, which are left out of names.
_OFFICES = frozenset(
    "president vice minister secretary secretary-general chancellor chairman chairwoman chair leader speaker "
    "senator sen representative rep congressman congresswoman governor gov mayor judge director commissioner "
    "ambassador professor spokesman spokeswoman candidate nominee".split()
)
# Words between the words of a name. Those that mean "and" mostly part two names instead.
_LINKS = "of for the de du des del della di da do dos der".split()
_CONJUNCTIONS = "and und et y".split()
CONJOINED = 0.9  # share of mentions in which a conjunction belongs to a name that has another link
FEWEST_CONJOINED = 3  # mentions, all of which have it, for another name
_WEEKDAYS = "monday tuesday wednesday thursday friday saturday sunday".split()
_NOT_WORD = re.compile(r"[\W_]+")


class Words(NamedTuple):
    """Tokens of the titles and sentences of a group, and the words that they are occurrences of."""

    tokens: Tokens
    ids: NDArray[np.int64]  # number of each token's word
    first: NDArray[np.int64]  # first token of each word
    article: NDArray[np.int64]  # of each title or sentence, ascending
    position: NDArray[np.int64]  # index of each sentence in its article, -1 for a title
    is_read: NDArray[np.bool_]  # whether the title or sentence counts


Mention = tuple[int, int, int, int]  # first and last token of a term, and of what may belong to it


class TermCandidate(NamedTuple):
    """A word, by its number, or a phrase of a script without spaces; `word` is -1 for a phrase."""

    score: float
    word: int
    phrase: str


def key_terms(
    words: Words,
    strings: Sequence[str],
    languages: Sequence[str],
    vectorizer: BaseVectorizer,
    most: int = N_KEYWORDS,
) -> tuple[str, ...]:
    """Key terms as they are written: names first, then by weight.

    `strings` are the titles and sentences of `words`. Words are rated by their document frequencies in the
    first of the `languages`; stop words of any of them are no terms.
    """
    data, indptr, hashes, starts, ends = words.tokens
    tables = codepoint_table(), word_table(*_LINKS, *_CONJUNCTIONS), word_table(*_WEEKDAYS)
    kinds, joints = mark_tokens(data, indptr, starts, ends, hashes, *tables, words.position, words.is_read)
    tokens = MarkedTokens(words.ids, kinds, joints, np.repeat(words.article, np.diff(indptr)))
    counts = count_occurrences(
        indptr, hashes, tokens, words.position, stop_table(*sorted(set(languages))), len(words.first)
    )
    weight = np.where(counts.is_name, NAME_BONUS, 1.0) * np.log1p(counts.frequency)
    weight *= counts.n_articles**ARTICLES_POWER
    ranked = np.flatnonzero((counts.frequency > 0) & ~counts.is_stop)
    ranked = ranked[np.argsort(-weight[ranked], kind="stable")[:MAX_RANKED]]
    language = languages[0]
    idf = vectorizer.idf_of(hashes[words.first[ranked]] & WORD_MASK, language)
    scores = (weight[ranked] * (idf + SMOOTHING) ** RARITY_POWER).round(9)
    found = [
        TermCandidate(score, word, "") for score, word in zip(scores.tolist(), ranked.tolist(), strict=True)
    ]
    if (kinds == UNSPACED).any():
        texts = [""] * (int(words.article[-1]) + 1)
        for number, string, is_read in zip(
            words.article.tolist(), strings, words.is_read.tolist(), strict=True
        ):
            texts[number] += f"{string}\n" if is_read else ""
        ranked_phrases = rank_phrases(texts, vectorizer, language)
        found += [TermCandidate(score, -1, phrase) for score, phrase in ranked_phrases]
    found.sort(key=lambda candidate: (-candidate.score, candidate.phrase))
    return _choose(found, WrittenForms(words, tokens, counts), most)


def _choose(candidates: list[TermCandidate], forms: WrittenForms, most: int) -> tuple[str, ...]:
    """The first terms of which none repeats another: names, mostly at most MAX_NAMES, then other words."""
    names: list[str] = []
    others: list[str] = []
    spare: list[str] = []
    used = UsedWords()
    for _, word, phrase in candidates:
        if len(names) + len(others) == most:
            break
        if used.has(phrase or forms.folded(word)):
            continue
        term = phrase or forms.full(word)
        parts = {phrase} if phrase else {part for part in _NOT_WORD.split(term.casefold()) if part}
        parts -= {*_LINKS, *_CONJUNCTIONS}
        acronyms = acronyms_of(term)
        if any(map(used.has, parts | acronyms)) or not any(map(str.isalpha, term)):
            continue
        used.add(parts, acronyms)
        if phrase or not forms.counts.is_name[word]:
            others.append(term)
        else:
            (names if len(names) < MAX_NAMES else spare).append(term)
    names += spare[: most - len(names) - len(others)]
    return (*names, *others)


def acronyms_of(name: str) -> set[str]:
    """Initials of a name of several words, with and without its links.

    >>> sorted(acronyms_of("Bureau of Labor Statistics")), acronyms_of("harbour treaty")
    (['bls', 'bols'], set())
    """
    words = [word for word in _NOT_WORD.split(name) if word]
    own = [word for word in words if word.casefold() not in (*_LINKS, *_CONJUNCTIONS)]
    if len(own) < FEWEST_INITIALS or not all(word[0].isupper() for word in own):
        return set()
    return {"".join(word[0] for word in each).casefold() for each in (words, own)}


class UsedWords:
    """Words of the chosen terms, which no other term may repeat."""

    def __init__(self) -> None:
        self._by_prefix: dict[str, list[str]] = {}
        self._unspaced: list[str] = []
        self._acronyms: set[str] = set()

    def add(self, parts: Iterable[str], acronyms: Iterable[str] = ()) -> None:
        """Add case-folded words of a term, and its acronyms."""
        self._acronyms.update(acronyms)
        for part in parts:
            if _is_unspaced(part):
                self._unspaced.append(part)
            else:
                self._by_prefix.setdefault(part[:PREFIX], []).append(part)

    def has(self, part: str) -> bool:
        """Whether a word or a related one was added."""
        if _is_unspaced(part):
            return any(part in other or other in part for other in self._unspaced)
        return part in self._acronyms or any(
            part == other or is_related(part, other) for other in self._by_prefix.get(part[:PREFIX], ())
        )


def _is_unspaced(part: str) -> bool:
    """Whether a word is of a script without spaces, where one word inside another repeats it."""
    return part[0] >= "\u3000"


def is_related(one: str, other: str) -> bool:
    """Whether two words have the same beginning and short different endings, like Ukraine and Ukrainian.

    Four equal letters are enough if one word has at most one more (China and Chinese). Any number is enough
    if the words differ in one last letter (map and maps).
    """
    pairs = zip(one, other, strict=False)
    equal = next((k for k, (a, b) in enumerate(pairs) if a != b), min(len(one), len(other)))
    rest, tail = sorted((len(one) - equal, len(other) - equal))
    if rest == 0 and tail <= 1:
        return True
    return tail <= MAX_UNEQUAL and equal >= (MIN_EQUAL if rest <= 1 else MIN_EQUAL + 1)


class WrittenForms:
    """The forms in which the articles write words."""

    def __init__(self, words: Words, tokens: MarkedTokens, counts: WordCounts) -> None:
        self.words, self.tokens, self.counts = words, tokens, counts

    def folded(self, word: int) -> str:
        """A word, case-folded."""
        at = int(self.words.first[word])
        return self.text(at, at).casefold()

    def text(self, low: int, high: int) -> str:
        """The text from one token to another, both included."""
        tokens = self.words.tokens
        return tokens.data[tokens.starts[low] : tokens.ends[high]].tobytes().decode("utf-8", "replace")

    def full(self, word: int) -> str:
        """A word as it is written, with the neighbours that most of its occurrences have.

        A name counts once an article, at its first mention; another word at each occurrence.
        """
        is_name = bool(self.counts.is_name[word])
        longest = MAX_LINKED_WORDS if is_name else MAX_TERM_WORDS
        spans = find_mentions(word, self.tokens, self.counts, is_name, longest - 1).tolist()
        if not spans:
            at = int(self.words.first[word])
            return self.text(at, at)
        ids = self.words.ids
        mentions = [(at, at, low, high) for at, low, high in spans]
        while self._may_grow(mentions[0], is_name):
            votes: Counter[tuple[bool, int]] = Counter()
            for low, high, first, last in mentions:
                if low > first and not (is_name and self._is_office(self._before_links(low))):
                    votes[True, int(ids[low - 1])] += 1
                if high < last:
                    votes[False, int(ids[high + 1])] += 1
            best = max(votes, key=lambda vote: (votes[vote], vote[0], -vote[1]), default=None)
            if best is None or votes[best] < self._least_votes(mentions[0], best[0], is_name, len(spans)):
                break
            if not is_name and votes[best] < 2:
                break
            before, term = best
            mentions = [
                (low - before, high + (not before), first, last)
                for low, high, first, last in mentions
                if (low > first and ids[low - 1] == term if before else high < last and ids[high + 1] == term)
            ]
        # The capital of a common word at the start of a sentence is not its own.
        inside = [mention for mention in mentions if self.tokens.kinds[mention[0]] != OPENING]
        surfaces = Counter(self.text(*self._without_links(mention)) for mention in inside or mentions)
        form = max(surfaces, key=lambda form: (surfaces[form], form))
        return _without_office(form) if is_name else form

    def _is_office(self, token: int) -> bool:
        """Whether a token is an office, or the end of one: Attorney General, Secretary of State."""
        word = self.text(token, token).casefold()
        before = self.text(token - 1, token - 1).casefold() if token else ""
        of_state = word in ("state", "staff") and before == "of"
        return word in _OFFICES or of_state or (word == "general" and before in ("attorney", *_OFFICES))

    def _may_grow(self, mention: Mention, is_name: bool) -> bool:
        """Whether a term is not yet as long as terms may be; links of a name do not count."""
        low, high, _, _ = mention
        links = sum(kind == LINK for kind in self.tokens.kinds[low : high + 1].tolist())
        longest = (MAX_NAME_WORDS + (links > 0)) if is_name else MAX_TERM_WORDS
        return high - low + 1 - links < longest and high - low + 1 < MAX_LINKED_WORDS

    def _before_links(self, low: int) -> int:
        """The token before another, and before links that join the two."""
        while low > 1 and self.tokens.kinds[low - 1] == LINK:
            low -= 1
        return low - 1

    def _without_links(self, mention: Mention) -> tuple[int, int]:
        """Bounds of a mention without links at its ends."""
        low, high, _, _ = mention
        while self.tokens.kinds[low] == LINK:
            low += 1
        while self.tokens.kinds[high] == LINK:
            high -= 1
        return low, high

    def _least_votes(self, mention: Mention, before: bool, is_name: bool, n_mentions: int) -> float:
        """Mentions that must have a neighbour for it to be shown.

        An initial is never the beginning of a name. Names of two words are often preceded by offices, and a
        name may be followed by another by chance.
        """
        low, high, _, _ = mention
        kinds = self.tokens.kinds
        if not is_name:
            return 0.5 * n_mentions
        if before and kinds[low] == LETTER:
            return 1
        beside = low - 1 if before else high + 1
        if kinds[beside] == LINK and self.text(beside, beside) in _CONJUNCTIONS:
            is_linked = (kinds[low : high + 1] == LINK).any()
            return CONJOINED * n_mentions if is_linked else max(FEWEST_CONJOINED, n_mentions)
        if high > low or kinds[beside] == LINK:
            return n_mentions * 2 / 3
        return (0.5 if before else 0.501) * n_mentions


@functools.cache
def stop_table(*languages: str) -> NDArray[np.uint64]:
    """Hash table of the stop words of some languages."""
    table: NDArray[np.uint64] = stop_tables(
        [np.unique(np.concatenate([stop_hashes(each) for each in languages]))]
    )[0]
    return table


@functools.cache
def word_table(*words: str) -> NDArray[np.uint64]:
    """Hash table of some words; see `is_stop`."""
    table: NDArray[np.uint64] = stop_tables([hash_words(words)])[0]
    return table


def _without_office(name: str) -> str:
    """Remove the office before a name, as in Majority Leader or Attorney General."""
    words = name.split(" ")
    for place in range(len(words) - 2, -1, -1):
        word = words[place].casefold().rstrip(".")
        if word in _OFFICES or (word == "general" and place > 0):
            return " ".join(words[place + 1 :])
    return name
