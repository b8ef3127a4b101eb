"""Key terms: the names and words that most articles of a group share, as they are written there.

Words are ranked, and each is shown as articles introduce it: a name in the form in which most of them first
write it, another word with the neighbour it mostly has. Names come first, and no term repeats a part of
another. Where no spaces mark words, phrases stand for them; see `phrases`.
"""

from __future__ import annotations

import functools
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from storyclust.summary.mentions import DENSE, OPENING, find_mentions, mark_tokens, measure_words
from storyclust.summary.phrases import RARITY, SHARED, SHORT_LIST, SMOOTHING, rank_phrases
from storyclust.text.features import WORD_MASK, hash_words, stop_hashes, stop_tables
from storyclust.text.tokens import (
    Tokens,
    codepoint_table,
)
from storyclust.text.vectorize import NewsVectorizer

if TYPE_CHECKING:
    from numpy.typing import NDArray

N_KEYWORDS = 6
MOST_NAMES = 4  # of them, where there are other words to fill the rest
NAME_BONUS = 1.5
LONGEST_NAME, LONGEST_TERM = 4, 3  # words
FEWEST_EQUAL, MOST_UNEQUAL = 4, 3  # letters in which kin begin alike, and end unlike
HEAD = 3  # letters by which the words taken are filed
# Offices in English; names are shown without.
_OFFICES = frozenset(
    "president vice minister secretary secretary-general chancellor chairman chairwoman chair leader speaker "
    "senator sen representative rep congressman congresswoman governor gov mayor judge director commissioner "
    "ambassador professor spokesman spokeswoman candidate nominee".split()
)
_WEEKDAYS = "monday tuesday wednesday thursday friday saturday sunday".split()
_NOT_WORD = re.compile(r"[\W_]+")


class Words(NamedTuple):
    """What the titles and sentences of a group hold: their tokens, and which word each of them is."""

    tokens: Tokens
    ids: NDArray[np.int64]  # number of each token's word
    first: NDArray[np.int64]  # token at which each word first stands
    article: NDArray[np.int64]  # of each title or sentence, ascending
    position: NDArray[np.int64]  # of each, -1 for a title
    is_read: NDArray[np.bool_]  # whether it is looked at


class Candidate(NamedTuple):
    """A word, by its number, or a phrase of a script without spaces, and what it is worth."""

    score: float
    word: int
    phrase: str


def key_terms(
    words: Words, strings: Sequence[str], language: str, vectorizer: NewsVectorizer, most: int = N_KEYWORDS
) -> tuple[str, ...]:
    """Key terms as they are written, names first, and weightiest first.

    `strings` are the titles and sentences of `words`.
    """
    tokens = words.tokens
    kinds, joints = mark_tokens(
        tokens.data,
        tokens.indptr,
        tokens.starts,
        tokens.ends,
        codepoint_table(),
        words.position,
        words.is_read,
    )
    often, spread, named, stop = measure_words(
        tokens.indptr, tokens.hashes, words.article, words.position, words.ids, kinds, stop_table(language),
        len(words.first),
    )  # fmt: skip
    weight = np.where(named, NAME_BONUS, 1.0) * np.log1p(often) * spread**SHARED
    short = np.flatnonzero((often > 0) & ~stop)
    short = short[np.argsort(-weight[short], kind="stable")[:SHORT_LIST]]
    idf = vectorizer.idf_of(tokens.hashes[words.first[short]] & WORD_MASK, language)
    scores = (weight[short] * (idf + SMOOTHING) ** RARITY).round(9)
    found = [Candidate(score, word, "") for score, word in zip(scores.tolist(), short.tolist(), strict=True)]
    if (kinds == DENSE).any():
        texts = [""] * (int(words.article[-1]) + 1)
        for number, string, is_read in zip(
            words.article.tolist(), strings, words.is_read.tolist(), strict=True
        ):
            texts[number] += f"{string}\n" if is_read else ""
        found += [Candidate(score, -1, phrase) for score, phrase in rank_phrases(texts, vectorizer, language)]
    found.sort(key=lambda candidate: (-candidate.score, candidate.phrase))
    return _choose(found, Forms(words, kinds, joints, named, stop), most)


def _choose(candidates: list[Candidate], forms: Forms, most: int) -> tuple[str, ...]:
    """Weightiest terms of which none repeats another, names first; a few places are for other words."""
    names: list[str] = []
    others: list[str] = []
    spare: list[str] = []
    taken = Taken()
    for _, word, phrase in candidates:
        if len(names) + len(others) == most:
            break
        if taken.holds(phrase or forms.word(word)):
            continue
        term = phrase or forms.full(word)
        parts = {phrase} if phrase else {part for part in _NOT_WORD.split(term.casefold()) if part}
        if any(map(taken.holds, parts)) or not any(map(str.isalpha, term)):
            continue
        taken.add(parts)
        if phrase or not forms.named[word]:
            others.append(term)
        else:
            (names if len(names) < MOST_NAMES else spare).append(term)
    names += spare[: most - len(names) - len(others)]
    return (*names, *others)


class Taken:
    """Words of the terms chosen, which no other term may repeat."""

    def __init__(self) -> None:
        self._by_head: dict[str, list[str]] = {}
        self._dense: list[str] = []

    def add(self, parts: Iterable[str]) -> None:
        """Take folded words."""
        for part in parts:
            if is_dense(part):
                self._dense.append(part)
            else:
                self._by_head.setdefault(part[:HEAD], []).append(part)

    def holds(self, part: str) -> bool:
        """Whether a word is taken, or its kin."""
        if is_dense(part):
            return any(part in other or other in part for other in self._dense)
        return any(part == other or is_kin(part, other) for other in self._by_head.get(part[:HEAD], ()))


def is_dense(part: str) -> bool:
    """Whether a word is of a script without spaces, where one word inside another repeats it."""
    return part[0] >= "\u3000"


def is_kin(one: str, other: str) -> bool:
    """Whether words begin with the same letters and end in few others, like Ukraine and Ukrainian.

    Four equal letters are enough where one word has at most one more (China and Chinese), any number where
    one letter is all the difference (map and maps).
    """
    pairs = zip(one, other, strict=False)
    equal = next((k for k, (a, b) in enumerate(pairs) if a != b), min(len(one), len(other)))
    rest, tail = sorted((len(one) - equal, len(other) - equal))
    if rest == 0 and tail <= 1:
        return True
    return tail <= MOST_UNEQUAL and equal >= (FEWEST_EQUAL if rest <= 1 else FEWEST_EQUAL + 1)


class Forms:
    """How the articles write words."""

    def __init__(
        self,
        words: Words,
        kinds: NDArray[np.int64],
        joints: NDArray[np.int64],
        named: NDArray[np.bool_],
        stop: NDArray[np.bool_],
    ) -> None:
        self.words, self.kinds, self.joints, self.named, self.stop = words, kinds, joints, named, stop
        tokens = words.tokens
        self.of_article = np.repeat(words.article, np.diff(tokens.indptr))

    def word(self, word: int) -> str:
        """One word, folded."""
        at = int(self.words.first[word])
        return self.text(at, at).casefold()

    def text(self, low: int, high: int) -> str:
        """What stands from one token to another."""
        tokens = self.words.tokens
        return tokens.data[tokens.starts[low] : tokens.ends[high]].tobytes().decode("utf-8", "replace")

    def full(self, word: int) -> str:
        """A word as it is written, with the neighbours that most of its places have.

        A name counts where each article first mentions it, another word wherever it stands.
        """
        is_name = bool(self.named[word])
        longest = LONGEST_NAME if is_name else LONGEST_TERM
        spans = find_mentions(
            word, self.words.ids, self.kinds, self.joints, self.named, self.stop, self.of_article, is_name,
            longest - 1,
        ).tolist()  # fmt: skip
        if not spans:
            at = int(self.words.first[word])
            return self.text(at, at)
        ids = self.words.ids
        mentions = [(at, at, low, high) for at, low, high in spans]
        while mentions[0][1] - mentions[0][0] + 1 < longest:
            votes: Counter[tuple[bool, int]] = Counter()
            for low, high, first, last in mentions:
                if low > first and not (is_name and self._is_office(low - 1)):
                    votes[True, int(ids[low - 1])] += 1
                if high < last:
                    votes[False, int(ids[high + 1])] += 1
            best = max(votes, key=lambda vote: (votes[vote], vote[0], -vote[1]), default=None)
            if best is None or votes[best] < self._demand(mentions[0], best[0], is_name) * len(spans):
                break
            if not is_name and votes[best] < 2:
                break
            before, term = best
            mentions = [
                (low - before, high + (not before), first, last)
                for low, high, first, last in mentions
                if (low > first and ids[low - 1] == term if before else high < last and ids[high + 1] == term)
            ]
        # At the start of a sentence a common word has a capital that is not its own.
        inside = [mention for mention in mentions if self.kinds[mention[0]] != OPENING]
        surfaces = Counter(self.text(low, high) for low, high, _, _ in inside or mentions)
        form = max(surfaces, key=lambda form: (surfaces[form], form))
        return _without_office(form) if is_name else form

    def _is_office(self, token: int) -> bool:
        """Whether a token is an office, or the end of one: Attorney General, Secretary of State."""
        word = self.text(token, token).casefold()
        before = self.text(token - 1, token - 1).casefold() if token else ""
        of_state = word in ("state", "staff") and before == "of"
        return word in _OFFICES or of_state or (word == "general" and before in ("attorney", *_OFFICES))

    @staticmethod
    def _demand(mention: tuple[int, int, int, int], before: bool, is_name: bool) -> float:
        """Share of the mentions that must have a neighbour for it to be shown.

        Before a name of two words stand offices; behind a name, another may stand by chance.
        """
        if is_name and mention[1] > mention[0]:
            return 2 / 3
        return 0.5 if before or not is_name else 0.501


@functools.cache
def stop_table(language: str) -> NDArray[np.uint64]:
    """Hash table of a language's stop words, and of weekdays."""
    words = np.union1d(stop_hashes(language), hash_words(_WEEKDAYS))
    table: NDArray[np.uint64] = stop_tables([words])[0]
    return table


def _without_office(name: str) -> str:
    """A name behind the office that stands before it: a Majority Leader, an Attorney General."""
    words = name.split(" ")
    for place in range(len(words) - 2, -1, -1):
        word = words[place].casefold().rstrip(".")
        if word in _OFFICES or (word == "general" and place > 0):
            return " ".join(words[place + 1 :])
    return name
