"""Phrases: key terms of Chinese and Japanese, where no spaces mark words.

In Japanese a run of ideographs or of Katakana is a word or a name, delimited by Hiragana. In Chinese a run of
ideographs is a clause; the pieces of clauses that occur more than once in a group are its phrases.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np

from storyclust.text.features import WORD_MASK
from storyclust.text.tokens import hash_tokens
from storyclust.text.vectorize import BaseVectorizer

MAX_RANKED = 64  # words or phrases for which the inverse document frequency is looked up
ARTICLES_POWER = 0.7  # power of the number of articles that contain a word
RARITY_POWER = 1.5  # power of the inverse document frequency
SMOOTHING = 0.5  # of that, so that words in all articles of a small corpus still count
# Runs of ideographs, except a counter after a number, an honorific after a name, and the stem of a word that
# continues in Hiragana other than particles. Runs of Katakana, and names of two or three such runs with dots.
_NUMBER = r"\d〇一二三四五六七八九十"
_ENDS = r"(?<!氏)(?![いうえおきぎくぐけげこちっつてねびぶべみむめょりるれろわん])"
_PHRASE = re.compile(
    rf"(?<![{_NUMBER}])[一-鿿々]{{2,}}{_ENDS}|"
    r"(?<![ァ-ヶー・])[ァ-ヶー]+(?:・[ァ-ヶー]+){1,2}(?![ァ-ヶー・])|[ァ-ヶー]{2,}"
)
# A run of ideographs and one of Katakana side by side.
_MIXED = re.compile(
    rf"(?<![{_NUMBER}一-鿿々])[一-鿿々]+[ァ-ヶー]{{2,}}(?![一-鿿々・])|"
    rf"(?<![一-鿿々ァ-ヶー・])[ァ-ヶー]{{2,}}[一-鿿々]+{_ENDS}(?![一-鿿々ァ-ヶー])"
)
MAX_MIXED = 10  # characters
MIXED_SHARE = 2 / 3  # share of a phrase's occurrences inside a mixed run from which the run is shown instead
# Chinese: particles and weekdays, which delimit words.
_KANA = re.compile("[ぁ-んァ-ヶ]")
_RUN = re.compile("[一-鿿]+")
_PARTICLE = re.compile(
    "[的了在是和与與及也都将將被把这這那有为為以从從对對于於就但而或并並等已不没沒其他她它们們又再至向由还還很更曾则則之所该該]|"
    "(?:星期|周|週)[一二三四五六日天]|(?:表示|[说說称稱])"
)
_NUMBERS = "一二三四五六七八九十百千万萬亿億零两兩第"
# Characters with which no phrase begins, or ends.
_NO_PHRASE = re.compile(f"^[{_NUMBERS}个個名位年月日时時分点點]|[{_NUMBERS}]$")
MAX_PHRASE = 8  # characters
MAX_RUN = 30  # characters of a Japanese word or name
MAX_CLAUSE = 50  # characters of a Chinese clause that are read


def rank_phrases(texts: Sequence[str], vectorizer: BaseVectorizer, language: str) -> list[tuple[float, str]]:
    """Find the phrases of a group of texts, with their scores."""
    is_japanese = any(map(_KANA.search, texts))
    counts = [Counter(_runs(text) if is_japanese else _pieces(text)) for text in texts]
    n_texts = Counter(phrase for count in counts for phrase in count)
    frequency = Counter[str]()
    for count in counts:
        frequency.update(count)
    if not is_japanese:
        n_texts = Counter({phrase: n_texts[phrase] for phrase in _whole(frequency)})
    weight = {phrase: (1 + np.log(frequency[phrase])) * n**ARTICLES_POWER for phrase, n in n_texts.items()}
    phrases = sorted(weight, key=lambda phrase: (-weight[phrase], phrase))[:MAX_RANKED]
    if not phrases:
        return []
    tokens = hash_tokens(phrases)
    idf = vectorizer.idf_of(tokens.hashes & WORD_MASK, language)
    mixed = Counter(form for text in texts for form in _MIXED.findall(text) if len(form) <= MAX_MIXED)
    found = []
    for number, phrase in enumerate(phrases):
        rarity = float(idf[tokens.indptr[number] : tokens.indptr[number + 1]].mean())
        score = round(float(weight[phrase]) * (rarity + SMOOTHING) ** RARITY_POWER, 9)
        whole = max(
            (form for form in mixed if phrase in form), key=lambda form: (mixed[form], form), default=""
        )
        found.append((score, whole if mixed[whole] > max(1, MIXED_SHARE * frequency[phrase]) else phrase))
    return found


def _runs(text: str) -> Iterator[str]:
    """Runs of a Japanese text that may be words or names."""
    return (run for run in _PHRASE.findall(text) if len(run) <= MAX_RUN)


def _pieces(text: str) -> Iterator[str]:
    """All substrings of the clauses of a Chinese text that may be words or names."""
    for run in _RUN.findall(text):
        for part in _PARTICLE.split(run[:MAX_CLAUSE]):
            for start in range(len(part) - 1):
                for end in range(start + 2, min(len(part), start + MAX_PHRASE) + 1):
                    yield part[start:end]


def _whole(frequency: Counter[str]) -> list[str]:
    """Pieces that occur more than once, and not always inside the same longer piece."""
    repeated = [piece for piece, count in frequency.items() if count > 1 and not _NO_PHRASE.search(piece)]
    inside = {
        part for piece in repeated for part in (piece[1:], piece[:-1]) if frequency[part] == frequency[piece]
    }
    return [piece for piece in repeated if piece not in inside]
