"""Which language an article is in, as far as document frequencies need to know.

A stop word is common only in its own language. So articles are told apart by their `lang` where it is
given, else by the script of their letters, and in Latin script by words that only English has.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from storyclust.article import Article

SAMPLE = 600  # characters of an article that are looked at
# Words that only English has; "de", "in" or "a" would be found in half of Europe.
ENGLISH = frozenset(
    "the and of that with from which were been has have this they their "
    "his would who said it not will".split()
)
ENGLISH_SHARE = 0.03  # of all words, from which a text is English
FEW_WORDS = 20  # below this, the share of stop words says nothing

# Upper end of each range of code points, and the script most text in it belongs to.
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


def group_languages(articles: Sequence[Article]) -> list[str]:
    """Name the language or script of each article.

    Parameters
    ----------
    articles : sequence of Article

    Returns
    -------
    names : list of str
        The `lang` of an article, less its region ("en" for "en-GB"); where it has none, "en", or the name
        of a script. Latin texts too short to tell join the commonest Latin group of the corpus.

    Examples
    --------
    >>> from storyclust.article import as_articles
    >>> group_languages(as_articles([
    ...     "It is not the first time that he has been to the city, and it will not be the last of them all.",
    ...     "Правительство приняло новый закон.",
    ...     {"text": "Le gouvernement recule.", "lang": "fr-FR"},
    ... ]))
    ['en', 'cyrillic', 'fr']
    """
    names = [_hint(article) or _guess(article) for article in articles]
    if "" in names:
        latin = Counter(name for name in names if name in ("en", "latin"))
        common = max(latin, key=lambda name: (latin[name], name), default="en")
        names = [name or common for name in names]
    return names


def _hint(article: Article) -> str:
    return (article.lang or "").strip().lower().replace("_", "-").split("-")[0]


def _guess(article: Article) -> str:
    """Script of most letters; in Latin script "en", "latin" or, where there are few words, ""."""
    text = f"{article.title} {article.text[:SAMPLE]}"
    if text.isascii():
        return _latin(text)
    scripts = Counter(script_of(char) for char in text[:SAMPLE] if char.isalpha())
    if scripts["kana"] > 0.1 * scripts.total():
        return "kana"  # Japanese: elsewhere a kana is an ornament or a quotation
    del scripts[""]
    most = max(scripts, key=lambda script: (scripts[script], script), default="latin")
    return _latin(text) if most == "latin" else most


def _latin(text: str) -> str:
    words = text.lower().split()
    if len(words) < FEW_WORDS:
        return ""
    share = sum(word in ENGLISH for word in words) / len(words)
    return "en" if share >= ENGLISH_SHARE else "latin"


def script_of(char: str) -> str:
    """Script that a letter's code point stands in, "" where no single script has the range."""
    point = ord(char)
    for end, script in SCRIPTS:
        if point < end:
            return script
    return "han" if 0x20000 <= point < 0x40000 or 0xF900 <= point < 0xFB00 else ""
