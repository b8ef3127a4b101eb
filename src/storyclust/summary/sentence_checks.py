"""Which sentences may stand in a summary, and which of them may open it.

Page furniture, captions, headings, labels, questions and entries of live blogs are no sentences of a
report. A summary opens with a sentence that needs nothing before it: no pronoun that refers back, no
quotation, no first or second person. The rules are about punctuation, capitals and a few English phrases.
"""

from __future__ import annotations

import re

from storyclust.text.boilerplate_cues import is_note

# Pronouns and connectives that refer back to the sentence before when they open one.
BACK_REFERENCES = frozenset(
    "he she it they his her its their this that these those but and so however meanwhile moreover also "
    "then there such both another others instead nevertheless still yet later earlier "
    "il elle ils elles ce cela cette ces mais et or donc cependant toutefois "
    "er sie es aber und doch dies diese el ella ellos pero y esto".split()
)
MAX_CAPITALS = 0.4  # share of capital letters beyond which a line is a heading
MAX_DIGITS = 0.4  # share of digits among letters and digits beyond which a line is a row of a table
_UNSPACED_BACK_REFERENCE = re.compile("(?:彼|これ|それ|その|この|しかし|また|だが|そして|他|她|它|这|這|但)")
_CJK = re.compile(r"[぀-ヿ一-鿿々]+")
_UNSPACED = re.compile(r"[฀-໿က-႟ក-៿]+")  # Thai, Lao, Burmese, Khmer
# A full name run into the text behind it, "Cole Ann Mary ColeFormer": hidden text of a link.
_JOINED = re.compile("[a-z][A-Z0-9]")
_GLUED = re.compile(r"\b([A-Z]\w{2,})(?: \(?[A-Z][\w.]*\)?){1,3}? \1(?=[A-Z0-9])")
# A credit in brackets counts only at the end of a sentence: anywhere it would also match sentences that a
# page ran into one (of 3,000 Vietnamese ones 60). An agency's name with its photographs counts anywhere.
_CAPTION = re.compile(
    r"^FILE(?: PHOTO)?\s?[-–—:]|\b[Ff]ile photo\b|^Image (?:copyright|caption|source)\b|"
    r"\b(?:AP|AFP) [Pp]hotos?\b|(?:\bvia |[/(])Getty Images\b|"
    r"\b(?:is|are) (?:seen|pictured|shown) (?:here|in)\b|"
    r"\((?:L|R|C|left|right|center)\)|, (?:left|right|center|second from (?:left|right)), |"
    r"[(（][^()（）]{0,100}(?:(?:AFP|AP|EPA|Getty|Reuters) (?:[Pp]hoto|Images)|"
    r"/(?:AFP|AP|EPA|REUTERS|Reuters)\b|REUTERS/|(?:[Pp]hotos?|[Pp]icture|[Ii]mage|Foto|Bild|Ảnh|写真|撮影|图片?|圖片?)\s?[:：])"
    r"[^()（）]{0,100}[)）][.。\s]{0,3}$"
)
_CAPTION_SIGNS = (
    "(",
    "（",
    "hoto",
    "Image",
    "FILE",
    "seen ",
    "shown ",
    "pictured ",
    ", left",
    ", right",
    ", center",
    ", second from",
)
# What a photograph shows, in the present tense, and the day it was taken at the end.
_DATED_CAPTION = re.compile(
    r"\b(?:speaks?|talks?|testif(?:y|ies)|arrives?|attends?|walks?|waves?|listens?|looks?|holds?|stands?|sits?|"
    r"gestures?|addresses|meets?|delivers?|participates?|greets?|leaves?|reacts?|answers?|appears?|gathers?|"
    r"march(?:es)?|protests?|takes?|makes?|shakes?|departs?|poses?|watch(?:es)?|smiles?|boards?|visits?)\b"
    r".*\b[A-Z][a-z]+\.? \d{1,2}, (?:19|20)\d\d\.?$"
)
# A label before a colon, "Worst case:" or "WILLIAM BARR:"; names of one to four words before a quotation.
_LABEL = re.compile(
    r"^(?:[\w.'’&/-]+ ){0,3}[\w.'’&/-]+ ?[:：] (?![\"“”„«‘'「『])|"
    r"^(?:[A-Z][\w.'’-]* ){0,3}[A-Z][\w.'’-]*: [\"“‘']|^[A-Z][A-Z ,.'’&-]{5,}: "
)
_LEAD_IN = re.compile(
    r"^(?:(?i:story highlights|highlights|updated?|watch|read|related|correction)|CLOSE)\b"
    r"(?=[ :—–-]+[\"“A-Z])|^(?i:here (?:are|is)|here[’']s|don[’']t forget|scroll down|click)\b"
)
_BIOGRAPHY = re.compile(
    r"\bis (?:an?|the|\w+[’']s) (?:[\w-]+,? ){0,4}(?:host|writer|editor|columnist|contributor|reporter|"
    r"correspondent|fellow|professor|commentator|author|blogger)\b"
)
_FOLLOW = re.compile(r"\b(?:him|her|them|me) on (?:Twitter|Facebook)\b")
_CLOCK = re.compile(r"^\d{1,2}(?:[:.]\d{2}(?![\d%.])|\s?[ap]\.?m\b)")  # an entry of a live blog
# The beginning is missing.
_FRAGMENT = re.compile(r"[\"“‘«(\[]?[a-zà-öø-ÿ]|['’]s\b|[–—―,;:)\].…?!/%&-]|[\"“] |[をんっゃゅょ]")
# Place, day and agency before a sentence: "TOKYO, Sept 3 (Reuters) - ", "Mumbai, India - ", "(AP) — ".
_DATELINE = re.compile(
    r"(?:(?:[A-Z][A-Z.'’-]+(?: [A-Z][A-Z.'’-]+){0,3}(?:, [A-Z][\w.]+(?: [A-Z][\w.]+)?)?|[A-Z]\w+, [A-Z]\w+)"
    r"(?:,? (?:[A-Z][a-z]+\.? \d{1,2}|\d{1,2}\.? [^\W\d_]{3,9}),?)?(?: ?[(/][^()/]{2,40}[)/])?|"
    r"\([A-Z][^()]{1,30}\))"
    r"(?:\s(?:--|[-–—])\s|\s?[–—]\s?)(?=[\"“A-Z0-9])"
)
_UNSTOPPED_QUOTE = re.compile(r"[^\s.!?,;…。！？।॥؟۔][\"'”’]")  # a heading that ends in a quotation
_ENDS = ".!?…。！？।॥؟۔\"'”’“»」』)"
_QUESTION_MARKS = "?？؟"
_QUOTES = "\"'“”‘’„«»「」『』"
OPENING_QUOTES = tuple("\"'“‘„«「『")
_QUOTED = re.compile(r"[\"“„«「『][^\"”“»」』]*[\"”“»」』]?")
_SPEAKER = re.compile(r"\b(?:I(?!\.)|[Ww]e|[Yy]ou|[Mm]y|[Oo]ur|[Yy]our|[Ll]et[’']s)\b")
_DEFINITE = re.compile("The [a-z]")
_DIGIT = re.compile(r"\d")
_WORD = re.compile(r"[^\W_]+")
_NOT_CAPITALS = bytes(byte for byte in range(256) if not chr(byte).isupper() or byte >= 128)
_NOT_LETTERS = bytes(byte for byte in range(256) if not chr(byte).isalpha() or byte >= 128)


def is_report(string: str) -> bool:
    """Whether a line is a sentence of a report: no furniture, caption, heading, label or question.

    >>> is_report("The ferry Selka struck a pier on Monday."), is_report("What do we know so far?")
    (True, False)
    """
    return not (
        string[-1] not in _ENDS
        or string.rstrip(_QUOTES)[-1:] in _QUESTION_MARKS
        or _FRAGMENT.match(string)
        or _UNSTOPPED_QUOTE.match(string[-2:])
        or any(sign in string for sign in ("|", "://", '="', "...."))
        or string.count("@") > 1
        or string.count("#") > 1
        or (_JOINED.search(string) and _GLUED.search(string))
        or _is_caption(string)
        or _LABEL.match(string)
        or _LEAD_IN.match(string)
        or _CLOCK.match(string)
        or (" is " in string and _BIOGRAPHY.search(string))
        or (" on " in string and _FOLLOW.search(string))
        or is_note(string)
        or _is_heading_or_table(string)
    )


def _is_caption(string: str) -> bool:
    """Whether a line is a caption; most lines have none of the words that are looked for first."""
    if any(sign in string for sign in _CAPTION_SIGNS) and _CAPTION.search(string):
        return True
    return string.rstrip(".")[-4:].isdecimal() and _DATED_CAPTION.search(string) is not None


def _is_heading_or_table(string: str) -> bool:
    """Whether a line has few letters, or most of them are capitals."""
    if string.isascii():
        data = string.encode()
        capitals, letters = len(data.translate(None, _NOT_CAPITALS)), len(data.translate(None, _NOT_LETTERS))
    else:
        capitals, letters = sum(map(str.isupper, string)), sum(map(str.isalpha, string))
    digits = len(_DIGIT.findall(string))
    return not letters or capitals > MAX_CAPITALS * letters or digits > MAX_DIGITS * (letters + digits)


def length_of_dateline(string: str) -> int:
    """Characters of the dateline that a sentence begins with; 0 without one.

    >>> length_of_dateline("TOKYO, Sept 3 (Reuters) - Japan and India met."), length_of_dateline("Japan met.")
    (26, 0)
    """
    found = _DATELINE.match(string)
    return found.end() if found else 0


def refers_back(string: str) -> bool:
    """Whether a sentence opens with a word that refers to the sentence before."""
    word = _WORD.search(string, 0, 40)
    return word is not None and (
        word.group().lower() in BACK_REFERENCES or _UNSPACED_BACK_REFERENCE.match(word.group()) is not None
    )


def may_open(string: str, is_first: bool = True) -> bool:
    """Whether a sentence of a report can be the first of a summary: it says itself what it is about.

    In English the subject of a sentence within an article, `is_first` being False, is known from before if it
    is a common noun with an article: "The visit is expected to last three hours."

    >>> may_open("The ferry Selka struck a pier on Monday."), may_open("“It was foggy,” the captain said.")
    (True, False)
    """
    if not string or string[0] in OPENING_QUOTES or refers_back(string):
        return False
    if _SPEAKER.search(_QUOTED.sub(" ", string)):
        return False
    return is_first or _DEFINITE.match(string) is None


def count_words(string: str) -> float:
    """Number of words. In scripts without spaces two ideographs or kana, or four letters, count as one."""
    total = 0.0
    if not string.isascii():
        for script, letters in (_CJK, 2), (_UNSPACED, 4):
            if runs := script.findall(string):
                total += sum(map(len, runs)) / letters
                string = script.sub(" ", string)
    return total + len(string.split())
