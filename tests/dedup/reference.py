"""Slow, obviously right twins of the kernels, in plain Python, and the texts both are tried on.

Nothing here is shared with the library: what a token is, is taken from the Unicode database by the
names and categories of characters; sets are Python sets of tuples of words.
"""

import functools
import itertools
import unicodedata
from collections import Counter
from typing import NamedTuple

from hypothesis import strategies as st

# Tokens

UNSPACED = (
    *("CJK UNIFIED IDEOGRAPH", "CJK COMPATIBILITY IDEOGRAPH", "IDEOGRAPHIC ITERATION", "IDEOGRAPHIC CLOSING"),
    *(
        "IDEOGRAPHIC NUMBER",
        "HANGZHOU NUMERAL",
        "VERTICAL KANA",
        "HIRAGANA",
        "KATAKANA",
        "HALFWIDTH KATAKANA",
    ),
    *("COMBINING KATAKANA", "HENTAIGANA", "THAI", "LAO", "KHMER", "MYANMAR"),
)
INVISIBLE = (
    "\u00ad\u0640\ufeff"  # soft hyphen, tatweel, byte order mark
    "\u200c\u200d\u200e\u200f\u202a\u202b\u202c\u202d\u202e"  # joiners, direction
    "\u2060\u2066\u2067\u2068\u2069"  # word joiner, isolates; operators part words, seen or not
)


class Token(NamedTuple):
    """A folded token and the bytes of the encoded text it stands on."""

    folded: str
    start: int
    end: int


def encode(text):
    """Return a text as bytes: NFC, lone surrogates as question marks."""
    if "\uff9e" in text or "\uff9f" in text:  # marks of half-width Kana, which have no letters with marks
        wide = (
            unicodedata.normalize("NFKC", char) if "\uff66" <= char <= "\uff9f" else char for char in text
        )
        text = "".join(wide)
    return unicodedata.normalize("NFC", text).encode("utf-8", "replace")


@functools.cache
def kind(char):
    """Tell whether a character is 'ignored', part of a 'word', 'unspaced' script, or a 'separator'."""
    name, category = unicodedata.name(char, ""), unicodedata.category(char)
    if char in INVISIBLE or name.startswith("VARIATION SELECTOR"):
        return "ignored"
    if category == "Mn" and name.startswith(("HEBREW", "ARABIC")):
        return "ignored"
    if category[0] not in "LMN":
        return "separator"
    if category != "Nd" and name.startswith(UNSPACED):
        return "unspaced"
    return "word"


@functools.cache
def fold(char):
    """Fold compatibility form and width, then case, where that makes one character of one."""
    form = unicodedata.normalize("NFKC", char)
    if len(form.casefold()) == 2 and form.casefold().isascii() and form.casefold().isalpha():
        return form.casefold()
    form = form if len(form) == 1 else char
    if form == "ı":
        return "i"
    for folded in (form.casefold(), form.lower()):
        if len(folded) == 1:
            return folded
    return form.lower()[0]


def tokens(text):
    """Cut a text into tokens."""
    placed, at = [], 0
    for char in encode(text).decode("utf-8"):
        size = len(char.encode("utf-8"))
        placed.append((kind(char), Token(fold(char), at, at + size)))
        at += size
    found = []
    visible = [(what, char) for what, char in placed if what != "ignored"]
    for what, run in itertools.groupby(visible, key=lambda entry: entry[0]):
        chars = [char for _, char in run]
        if what == "word" or (what == "unspaced" and len(chars) == 1):
            found.append(joined(chars))
        elif what == "unspaced":
            found += [joined(pair) for pair in itertools.pairwise(chars)]
    return found


def joined(chars):
    """Make one token of neighbouring characters."""
    return Token("".join(char.folded for char in chars), chars[0].start, chars[-1].end)


def words(text):
    """Return the folded tokens of a text."""
    return [token.folded for token in tokens(text)]


# Shingles and similarity


def shingle_list(text, size):
    """List the runs of `size` tokens; a shorter text is one run, one without tokens its bytes."""
    found = words(text)
    if not found:
        return [encode(text).strip(bytes(range(33)))]
    if len(found) < size:
        return [tuple(found)]
    return [tuple(found[k : k + size]) for k in range(len(found) - size + 1)]


def shingles(text, size):
    """Set of runs of `size` tokens."""
    return set(shingle_list(text, size))


def jaccard(x, y):
    """Share of elements in both sets among those in either."""
    return len(x & y) / len(x | y)


def similar_pairs(sets, threshold):
    """All pairs i < j whose similarity reaches the threshold, with it."""
    return {
        (i, j): jaccard(sets[i], sets[j])
        for i, j in itertools.combinations(range(len(sets)), 2)
        if jaccard(sets[i], sets[j]) >= threshold
    }


def band_pairs(signatures, bands, rows):
    """All pairs i < j of signatures that agree in some band."""
    cut = [{(b, tuple(row[b * rows : b * rows + rows])) for b in range(bands)} for row in signatures]
    return {(i, j) for i, j in itertools.combinations(range(len(cut)), 2) if cut[i] & cut[j]}


# Copies


def keep_order(articles, keep, ties):
    """Rows in the order in which a policy prefers to keep them; `ties` ranks texts equal by all else."""

    def key(row):
        article = articles[row]
        undated = article.published is None
        seconds = 0.0 if undated else article.published.timestamp()
        longer = -len(article.content)
        rule = {
            "first": (row,),
            "earliest": (undated, seconds, longer, article.title),
            "latest": (undated, -seconds, longer, article.title),
            "longest": (longer, undated, seconds, article.title),
        }
        return (*rule[keep], ties[row], len(article.id), article.id)

    return sorted(range(len(articles)), key=key)


def representatives(sets, order, threshold):
    """Row kept for each: the best ranked free row leads all free rows that resemble it, and so on."""
    leader = {}
    for a in order:
        if a not in leader:
            leader[a] = a
            for b in order:
                if b not in leader and jaccard(sets[a], sets[b]) >= threshold:
                    leader[b] = a
    return [leader[row] for row in range(len(sets))]


def first_appearance(names):
    """Number names by their first appearance."""
    numbers = {}
    return [numbers.setdefault(name, len(numbers)) for name in names]


# Background


def document_frequencies(articles, stop_words):
    """Count the articles that hold each word, stop words and single letters left out."""
    df = Counter()
    for article in articles:
        held = set(words(article.title)) | set(words(article.text))
        df.update(
            word for word in held if word not in stop_words and (len(word) > 1 or kind(word) == "unspaced")
        )
    return df


# Texts to try things on

FRAGMENTS = (
    *("the", "The", "THE", "minister", "Ministers'", "Zürich", "Zu\u0308rich", "ZÜRICH", "naïve", "naïve"),
    *("Straße", "STRASSE", "İstanbul", "istanbul", "ΟΔΟΣ", "οδος", "Москва", "МОСКВА", "é", "e\u0301", "e"),
    *(
        "दिल्ली में",
        "नई दिल्ली",
        "१२",
        "12",
        "１２",
        "², ①",
        "½",
        "Ⅷ",
        "كِتَابٌ",
        "كتاب",
        "كتـــاب",
        "شَدَّة",
        "می\u200cروم",
    ),
    *(
        "שָׁלוֹם",
        "שלום",
        "\ufb2aלום",
        "東京",
        "東京都",
        "京",
        "日本語の文",
        "カタカナ",
        "ｶﾀｶﾅ",
        "ｶﾞｷﾞ",
        "ガギ",
        "か\u3099",
        "々",
        "ー",
    ),
    *("第3回", "３月4日", "ประเทศไทย", "ไทย", "ພາສາລາວ", "ភាសាខ្មែរ", "မြန်မာ", "한국어", "\u1112\u1161\u11ab"),
    *("😀", "👩\u200d💻", "🇯🇵", "👍🏽", "❤\ufe0f", "𝐀𝐁𝐂", "𐐀𐐨", "𠀋𠮷", "\U0002f800", "\U0001f100"),
    *(
        "\0",
        "\r\n",
        "\n",
        "\t",
        " ",
        "\ufeff",
        "\u00a0",
        "\u3000",
        "\u200b",
        "\u2028",
        "\x85",
        "co\u00adoperate",
    ),
    *(
        "\ud800",
        "\udfff",
        "a\udc80b",
        "東\ud83d京",
        "...",
        "!!!",
        "_",
        "don't",
        "don’t",
        "U.S.",
        "3.14",
        "-",
        "—",
        "・",
    ),
)
SEPARATORS = ("", "", " ", " ", " ", ", ", ". ", "\n")
BLOCKS = (
    *(
        (0x20, 0x7F),
        (0x20, 0x7F),
        (0xA0, 0x250),
        (0x2B0, 0x530),
        (0x5D0, 0x5EB),
        (0x64B, 0x656),
        (0x620, 0x64B),
    ),
    *((0x900, 0x980), (0xE01, 0xE4F), (0x1780, 0x17DA), (0x1000, 0x1040), (0x3040, 0x3100), (0x4E00, 0x4E80)),
    *(
        (0x1E00, 0x2000),
        (0x2000, 0x2070),
        (0xAC00, 0xAC80),
        (0xD800, 0xE000),
        (0xF900, 0xFB00),
        (0xFF00, 0xFFE0),
    ),
    *((0x10400, 0x10450), (0x1D400, 0x1D800), (0x1F100, 0x1F700), (0x20000, 0x20100), (0x10FF00, 0x110000)),
)


def texts(max_fragments=12):
    """Texts of many scripts, well formed and not."""
    character = st.sampled_from(BLOCKS).flatmap(lambda block: st.integers(block[0], block[1] - 1)).map(chr)
    piece = st.sampled_from(FRAGMENTS) | st.text(character, max_size=4)
    pieces = st.lists(st.tuples(piece, st.sampled_from(SEPARATORS)), max_size=max_fragments)
    return pieces.map(lambda parts: "".join(itertools.chain.from_iterable(parts)))


VOCABULARY = tuple(
    "harbour ferry pier minister talks budget storm bridge court vote rail strike port grain".split()
)


def news(rng, n_words):
    """Words of a made-up article: enough of them that two in a row seldom recur."""
    picks = rng.integers(0, len(VOCABULARY) * 40, n_words).tolist()
    return [f"{VOCABULARY[pick // 40]}{pick % 40}" for pick in picks]


def edited(rng, article, edits):
    """Copy a list of words with words added, dropped, replaced, and one in twenty cut off at either end."""
    article = list(article)
    for _ in range(edits):
        at = int(rng.integers(0, max(1, len(article))))
        match int(rng.integers(0, 5)):
            case 0:
                article.insert(at, "added")
            case 1:
                del article[at : at + 1]
            case 2:
                article[at : at + 1] = ["changed"]
            case 3:
                del article[len(article) - len(article) // 20 :]
            case 4:
                del article[: len(article) // 20]
    return article
