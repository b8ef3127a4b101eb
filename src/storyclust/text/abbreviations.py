"""Full stops that end no sentence: abbreviations, initials, ordinal numbers, in many languages.

The language need not be known, so that a word is listed only if no other language often ends a sentence with
it. Words that would, such as the English "no", are listed as standing before a number.
"""

from __future__ import annotations

import re

# Before a name or a noun: these never end a sentence.
BEFORE_WORDS = frozenset(
    # English
    "mr mrs ms dr drs prof profs st sen sens rep reps gov govs gen gens col lt capt sgt maj cpl adm brig cmdr rev hon jr sr messrs "
    "v vs cf al inc ltd co corp bros plc dept est ave blvd rd ft mt ed "
    # Vietnamese
    "tp ts pgs "
    # German, Dutch
    "bzw bspw evtl ggf inkl exkl sog vgl zzgl mio mrd dipl ing hrsg str geb gest hl bijv dhr mevr "
    # French
    "mm mme mlle mgr ste "
    # Spanish, Portuguese
    "sra srta dra dña ud uds vd gral lic ntra sto avda exmo exma cnel "
    # Italian
    "sig sigg dott avv geom rag "
    # Czech, Slovak, Polish
    "tzv tj např napr resp popř sv ul nám tř mudr judr phdr doc "
    # Russian, Ukrainian, Bulgarian
    "ул им пр пос обл проф акад доц тов гр "
    # Hindi
    "डॉ डा प्रो श्री".split()
)
# Before a number: elsewhere they are words, or end the sentence.
BEFORE_NUMBERS = frozenset(
    "no nos nr núm num nro nº č fig art abs bd kap cap chap vol pp pg pag pág str стр см рис табл odst § रु "
    "approx ca cca aprox env circa tel tél apr jan feb mar jun jul aug sep sept oct nov dec "
    "янв фев мар апр авг сен сент окт ноя дек".split()
)
MONTHS = frozenset(
    "januar jänner februar märz april mai juni juli august september oktober november dezember".split()
)
# German words before an ordinal number: "am 3. Spieltag", "die 2. Liga".
ARTICLES = frozenset(
    "der die das den dem des am im vom zum zur beim ein eine einen einem einer jeder jede jedes jeden".split()
)
# What follows "7 p.m." within a sentence; before another capital it ends one.
AFTER_HOURS = frozenset(
    "monday tuesday wednesday thursday friday saturday sunday est edt et cst cdt ct mst mdt mt pst pdt pt "
    "gmt bst utc cet cest ist jst".split()
)
LIST_ENDS = frozenset(["т д", "т п", "u s w", "e t c", "n c"])  # "и т. д." ends a sentence before a capital

_LETTER = r"[^\W\d_][\u0900-\u0903\u093a-\u094f]*"
_WORD = re.compile(rf"((?:{_LETTER})+(?:\.(?:{_LETTER})+)*)\.$")
_ONE = re.compile(rf"{_LETTER}$")
_ORDINAL = re.compile(r"(?:(\w+)\s+)?(?<!\d[.,])\b\d{1,2}\.$")
_NEXT = re.compile(r"\s*(\w+)(\.?)")
_LETTERS = re.compile(r"((?:\b\w\.\s?)*\b\w)\.$")
_YEAR = re.compile(r"\d\s*г\.$")
_REACH = 24  # characters before a full stop that matter


def ends_abbreviation(text: str, begin: int, at: int, end: int) -> bool:
    """Whether the full stop at `at` ends no sentence, whatever follows in `text[begin:end]`.

    Examples
    --------
    >>> text = "Am 3. Mai kam Dr. J. Rao, z. B. nach St. Gallen, Art. 5 zu lesen. He said no. All left."
    >>> [text[k - 2 : k + 1] for k, sign in enumerate(text) if sign == "." and not ends_abbreviation(
    ...     text, 0, k, len(text))]
    ['en.', 'no.', 'ft.']
    """
    before = text[max(begin, at - _REACH) : at + 1]
    after = _NEXT.match(text, at + 1, end)
    follower, stop = after.groups() if after else ("", "")
    word = _WORD.search(before)
    if word is None:
        return _is_ordinal(before, follower)
    name = word.group(1)
    low = name.lower()
    if _ONE.match(name):
        return _is_letter(name, before, follower, bool(stop))
    if len(name) == 2 and name[0] == name[1] and name.isupper():  # the Spanish "EE. UU."
        return bool(stop) and len(follower) == 2 and follower[0] == follower[1]
    if low in BEFORE_NUMBERS and low not in BEFORE_WORDS:
        return follower[:1].isdigit()
    if low in ("a.m", "p.m"):
        return follower.lower() in AFTER_HOURS
    return low in BEFORE_WORDS or "." in name


def _is_letter(letter: str, before: str, follower: str, stop: bool) -> bool:
    """Whether a full stop after one letter is that of an initial, or inside an abbreviation."""
    if not letter.islower() or follower[:1].isdigit() or letter in BEFORE_WORDS:
        return True
    if letter == "г":  # of a year it may end the sentence, of a town (город) not
        return not _YEAR.search(before)
    letters = _LETTERS.search(before)
    parts = letters.group(1).replace(".", " ").split() if letters else [letter]
    if len(parts) > 1:
        return " ".join(parts).lower() not in LIST_ENDS
    return stop and len(follower) <= 2  # "z. B.", "p. ej."


def _is_ordinal(before: str, follower: str) -> bool:
    """Whether a full stop after a number makes it an ordinal."""
    number = _ORDINAL.search(before)
    if number is None:
        return False
    return follower.lower() in MONTHS or (number.group(1) or "").lower() in ARTICLES
