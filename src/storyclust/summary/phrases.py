"""Phrases: what stands for words as key terms where no spaces mark words.

In Japanese a run of ideographs or of Katakana is a word, or a name: Hiragana stands between. In Chinese a run
of ideographs is a clause; what stands in it more than once, or in several articles, is what they speak of.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np

from storyclust.text.features import WORD_MASK
from storyclust.text.tokens import hash_tokens
from storyclust.text.vectorize import NewsVectorizer

SHORT_LIST = 64
SHARED = 0.7  # power of the number of articles by which a word counts
RARITY = 1.5  # power of inverse document frequency
SMOOTHING = 0.5  # so that what all articles of a small corpus share still counts
# Runs of ideographs, less a counter behind a number, a Mr behind a name, and the stem of a word that goes on
# in Hiragana other than particles; runs of Katakana, as names of two or three are written also with dots.
_NUMBER = r"\d〇一二三四五六七八九十"
_ENDS = r"(?<!氏)(?![いうえおきぎくぐけげこちっつてねびぶべみむめょりるれろわん])"
_PHRASE = re.compile(
    rf"(?<![{_NUMBER}])[一-鿿々]{{2,}}{_ENDS}|"
    r"(?<![ァ-ヶー・])[ァ-ヶー]+(?:・[ァ-ヶー]+){1,2}(?![ァ-ヶー・])|[ァ-ヶー]{2,}"
)
# A run of each side by side.
_MIXED = re.compile(
    rf"(?<![{_NUMBER}一-鿿々])[一-鿿々]+[ァ-ヶー]{{2,}}(?![一-鿿々・])|"
    rf"(?<![一-鿿々ァ-ヶー・])[ァ-ヶー]{{2,}}[一-鿿々]+{_ENDS}(?![一-鿿々ァ-ヶー])"
)
LONGEST_MIXED = 10  # characters
MOSTLY = 2 / 3  # share of a phrase's places in a mixed one from which that is shown
# Chinese: what ends a word on either side; with what no word begins, or ends; weekdays.
_KANA = re.compile("[ぁ-んァ-ヶ]")
_RUN = re.compile("[一-鿿]+")
_PARTICLE = re.compile(
    "[的了在是和与與及也都将將被把这這那有为為以从從对對于於就但而或并並等已不没沒其他她它们們又再至向由还還很更曾则則之所该該]|"
    "(?:星期|周|週)[一二三四五六日天]|(?:表示|[说說称稱])"
)
_NUMBERS = "一二三四五六七八九十百千万萬亿億零两兩第"
_ODD = re.compile(f"^[{_NUMBERS}个個名位年月日时時分点點]|[{_NUMBERS}]$")
LONGEST_PHRASE = 8  # characters
LONGEST_NAME = 30  # characters; a longer run of Katakana or ideographs is none
LONGEST_RUN = 50  # characters that are read of one


def rank_phrases(texts: Sequence[str], vectorizer: NewsVectorizer, language: str) -> list[tuple[float, str]]:
    """Find the phrases of a group of texts, and what each is worth."""
    is_japanese = any(map(_KANA.search, texts))
    counts = [Counter(_runs(text) if is_japanese else _pieces(text)) for text in texts]
    spread = Counter(phrase for count in counts for phrase in count)
    often = Counter[str]()
    for count in counts:
        often.update(count)
    if not is_japanese:
        spread = Counter({phrase: spread[phrase] for phrase in _whole(often)})
    weight = {phrase: (1 + np.log(often[phrase])) * spread[phrase] ** SHARED for phrase in spread}
    phrases = sorted(weight, key=lambda phrase: (-weight[phrase], phrase))[:SHORT_LIST]
    if not phrases:
        return []
    tokens = hash_tokens(phrases)
    idf = vectorizer.idf_of(tokens.hashes & WORD_MASK, language)
    mixed = Counter(form for text in texts for form in _MIXED.findall(text) if len(form) <= LONGEST_MIXED)
    found = []
    for number, phrase in enumerate(phrases):
        rarity = float(idf[tokens.indptr[number] : tokens.indptr[number + 1]].mean())
        score = round(float(weight[phrase]) * (rarity + SMOOTHING) ** RARITY, 9)
        whole = max(
            (form for form in mixed if phrase in form), key=lambda form: (mixed[form], form), default=""
        )
        found.append((score, whole if mixed[whole] > max(1, MOSTLY * often[phrase]) else phrase))
    return found


def _runs(text: str) -> Iterator[str]:
    """Runs of a Japanese text that may be a word or a name."""
    return (run for run in _PHRASE.findall(text) if len(run) <= LONGEST_NAME)


def _pieces(text: str) -> Iterator[str]:
    """Every piece of a Chinese text that may be a word or a name."""
    for run in _RUN.findall(text):
        for part in _PARTICLE.split(run[:LONGEST_RUN]):
            for start in range(len(part) - 1):
                for end in range(start + 2, min(len(part), start + LONGEST_PHRASE) + 1):
                    yield part[start:end]


def _whole(often: Counter[str]) -> list[str]:
    """Pieces that stand more than once, less those that only stand inside a longer one."""
    shared = [piece for piece, count in often.items() if count > 1 and not _ODD.search(piece)]
    inside = {part for piece in shared for part in (piece[1:], piece[:-1]) if often[part] == often[piece]}
    return [piece for piece in shared if piece not in inside]
