"""Language identification, as far as document frequencies need it.

Function words are frequent only in their own language, so document frequencies are counted by language. The
language is an article's `lang` where it is given, otherwise that of most stop words among the languages
written in the article's script.
"""

from __future__ import annotations

import functools
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import repeat

import stopwordsiso

from storyclust.articles.article import Article
from storyclust.text.page_spans import Span, blank

SAMPLE = 600  # characters of an article that are read
MIN_VOTES = 1.5  # votes of stop words that a language needs
MIN_VOTE_SHARE = 0.025  # the same, relative to the number of words
KANA_SHARE = 0.1  # of the letters; Japanese text has more, Chinese text less
PUNCTUATION = ".,;:!?\"'()[]«»“”„‘’।،؟-–—…"

# Three-letter codes, names and wrong codes of languages that feeds give.
ALIASES = {
    **{"eng": "en", "english": "en", "fra": "fr", "fre": "fr", "french": "fr", "deu": "de", "ger": "de"},
    **{"german": "de", "spa": "es", "spanish": "es", "por": "pt", "ita": "it", "nld": "nl", "dut": "nl"},
    **{"rus": "ru", "jpn": "ja", "japanese": "ja", "jp": "ja", "zho": "zh", "chi": "zh", "cn": "zh"},
    **{"kor": "ko", "kr": "ko", "ara": "ar", "arabic": "ar", "hin": "hi", "hindi": "hi", "vie": "vi"},
    **{"vn": "vi", "ces": "cs", "cze": "cs", "cz": "cs", "ell": "el", "gre": "el", "heb": "he", "iw": "he"},
    **{"pol": "pl", "tur": "tr", "ukr": "uk", "swe": "sv", "nb": "no", "nn": "no", "nor": "no"},
}

# Upper end of each range of code points, and the script of most text in it; "" for no single script.
SCRIPTS = (
    (0x02B0, "latin"),
    (0x0370, ""),
    (0x0400, "greek"),
    (0x0530, "cyrillic"),
    (0x0590, "armenian"),
    (0x0600, "hebrew"),
    (0x0780, "arabic"),
    (0x0900, ""),
    (0x0980, "devanagari"),
    (0x0A00, "bengali"),
    (0x0A80, "gurmukhi"),
    (0x0B00, "gujarati"),
    (0x0B80, "odia"),
    (0x0C00, "tamil"),
    (0x0C80, "telugu"),
    (0x0D00, "kannada"),
    (0x0D80, "malayalam"),
    (0x0E00, "sinhala"),
    (0x0E80, "thai"),
    (0x0F00, "lao"),
    (0x1000, "tibetan"),
    (0x10A0, "myanmar"),
    (0x1100, "georgian"),
    (0x1200, "hangul"),
    (0x13A0, "ethiopic"),
    (0x1780, ""),
    (0x1800, "khmer"),
    (0x1E00, ""),
    (0x1F00, "latin"),
    (0x2000, "greek"),
    (0x3040, ""),
    (0x3100, "kana"),
    (0x3400, ""),
    (0xA000, "han"),
    (0xAC00, ""),
    (0xD7B0, "hangul"),
)


def group_languages(
    articles: Sequence[Article], spans: Sequence[tuple[Span, ...]] | None = None
) -> list[str]:
    """Name the language of each article, or its script where the language is unknown.

    Parameters
    ----------
    articles : sequence of Article
    spans : sequence of tuple of (int, int), optional
        Page furniture of each article, which does not count.

    Returns
    -------
    names : list of str
        The `lang` of an article without its region ("en" for "en-GB"); where it has none, the language with
        most stop words in it, or the name of its script. Latin texts too short to identify get the
        commonest Latin-script language of the corpus.

    Examples
    --------
    >>> from storyclust.articles.records import as_articles
    >>> group_languages(as_articles([
    ...     "It is not the first time that he has been to the city, and it will not be the last of them all.",
    ...     "Правительство приняло новый закон.",
    ...     {"text": "Le gouvernement recule.", "lang": "fr-FR"},
    ... ]))
    ['en', 'cyrillic', 'fr']
    """
    names = name_languages(articles, spans)
    if "" in names:
        common = common_latin(Counter(names))
        names = [name or common for name in names]
    return names


def name_languages(articles: Sequence[Article], spans: Sequence[tuple[Span, ...]] | None = None) -> list[str]:
    """Name the language of each article by itself, "" for Latin texts too short to identify."""
    left_out = repeat(()) if spans is None else spans
    return [
        _given_language(article) or _identify(article, own)
        for article, own in zip(articles, left_out, strict=False)
    ]


def common_latin(counts: Mapping[str, int]) -> str:
    """Commonest Latin-script language, from the number of articles of each language; English if none."""
    written = [name for name in languages_of("latin") if counts.get(name)]
    return max(written, key=lambda name: (counts[name], name), default="en")


def _given_language(article: Article) -> str:
    """Language code from an article's `lang`, "" where it is missing or not a code."""
    code = plain_code(article.lang or "")
    return code if len(code) in (2, 3) else ""


@functools.lru_cache(maxsize=1024)
def plain_code(language: str) -> str:
    """Language code without its region, of two letters where known: "en" for "en-GB" and "eng"."""
    code = language.strip().lower().replace("_", "-").split("-")[0]
    return ALIASES.get(code, code)


def _identify(article: Article, spans: Iterable[Span]) -> str:
    """Language with most stop words among those of the article's script, else the script; "" for Latin."""
    body = blank(article.text[:SAMPLE], spans)
    text = unicodedata.normalize("NFC", f"{article.title} {body}"[:SAMPLE])
    script = _main_script(text)
    if script not in ("kana", "han"):
        words = [word.strip(PUNCTUATION) for word in text.lower().split()]
        votes: dict[str, float] = defaultdict(float)
        for word in words:
            languages = stop_word_languages(script).get(word, ())
            for language in languages:
                votes[language] += 1 / len(languages)  # a word of many languages is weak evidence
        if votes:
            language = max(votes, key=lambda name: (votes[name], name))
            if votes[language] >= max(MIN_VOTES, MIN_VOTE_SHARE * len(words)):
                return language
    return {"kana": "ja", "latin": ""}.get(script, script)


def _main_script(text: str) -> str:
    """Script of most letters; Kana where its share exceeds `KANA_SHARE`."""
    if text.isascii():
        return "latin"
    scripts: Counter[str] = Counter()
    for char, count in Counter(text).items():
        if char.isalpha():
            scripts[script_of(char)] += count
    if scripts["kana"] > KANA_SHARE * scripts.total():
        return "kana"
    del scripts[""]
    return max(scripts, key=lambda script: (scripts[script], script), default="latin")


@functools.cache
def stop_word_languages(script: str) -> dict[str, tuple[str, ...]]:
    """Languages of each stop word of two letters or more, among the languages of a script."""
    found: dict[str, list[str]] = {}
    for language in languages_of(script):
        for word in stopwordsiso.stopwords(language):
            if len(word) > 1 and not word.isdigit():
                found.setdefault(word.lower(), []).append(language)
    return {word: tuple(languages) for word, languages in found.items()}


@functools.cache
def languages_of(script: str) -> tuple[str, ...]:
    """Languages most of whose stop words begin with a letter of the script."""
    found = []
    for language in sorted(stopwordsiso.langs()):
        words = stopwordsiso.stopwords(language)
        if sum(script_of(word[0]) == script for word in words) > len(words) / 2:
            found.append(language)
    return tuple(found)


def script_of(char: str) -> str:
    """Script of a letter's code point; "" where its range has no single script."""
    point = ord(char)
    for end, script in SCRIPTS:
        if point < end:
            return script
    return "han" if 0x20000 <= point < 0x40000 or 0xF900 <= point < 0xFB00 else ""
