"""Dates in words: names of months, weekdays and time zones, put as dateutil reads them."""

from __future__ import annotations

import re
import unicodedata
from datetime import timedelta

__all__ = ["ZONES", "ZONE_PLACES", "in_english"]

# Offsets of zone names in hours. Names that stand for several zones, such as IST, are left out; EST and so on
# have the offsets that RFC 2822 gives them.
_HOURS = {
    "UTC GMT UT Z WET": 0, "CET MEZ WAT WEST": 1, "CEST MESZ EET CAT SAST": 2, "EEST MSK TRT EAT": 3,
    "MSD": 4, "PKT": 5, "NPT": 5.75, "ICT WIB": 7, "WITA HKT SGT MYT PHT AWST": 8, "WIT JST KST": 9,
    "ACST": 9.5, "AEST CHST": 10, "ACDT": 10.5, "AEDT": 11, "NZST": 12, "NZDT": 13, "BRT ART UYT": -3,
    "NDT": -2.5, "CLT VET EDT": -4, "EST CDT COT PET": -5, "CST MDT": -6, "MST PDT": -7, "PST AKDT": -8,
    "AKST": -9, "HST": -10,
}  # fmt: skip
ZONES = {name: timedelta(hours=hours) for names, hours in _HOURS.items() for name in names.split()}
# Names whose offset depends on the date. BST is British only in summer; else it is unknown.
ZONE_PLACES = {
    "ET": "America/New_York", "CT": "America/Chicago", "MT": "America/Denver", "PT": "America/Los_Angeles",
    "BST": "Europe/London",
}  # fmt: skip

_ENGLISH = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()
# French, German, Spanish, Italian, Portuguese, Dutch: full names and abbreviations, without accents.
_MONTHS = (
    "janvier janv januar jan janner enero ene gennaio gen janeiro januari",
    "fevrier fevr fev februar feb feber febrero febbraio fevereiro februari",
    "mars marz mrz maerz marzo marco maart mrt",
    "avril avr april abril abr aprile apr",
    "mai mayo maggio mag maio mei",
    "juin juni junio jun giugno giu junho",
    "juillet juil juli julio jul luglio lug julho",
    "aout august aug agosto ago augustus",
    "septembre sept september sep septiembre setiembre settembre set setembro",
    "octobre oct oktober okt octubre ottobre ott outubro out",
    "novembre november noviembre nov novembro",
    "decembre dec dezember dez diciembre dic dicembre dezembro december",
)
_MONTH_OF = {word: _ENGLISH[at] for at, words in enumerate(_MONTHS) for word in words.split()}
_ALSO_ENGLISH = set(
    "jan feb apr april jun jul aug august sep sept september oct nov november dec december".split()
)
_WEEKDAYS = set(
    "lundi mardi mercredi jeudi vendredi samedi dimanche montag dienstag mittwoch donnerstag "
    "freitag samstag sonnabend sonntag lunes martes miercoles jueves viernes sabado domingo "
    "lunedi martedi mercoledi giovedi venerdi sabato domenica segunda terca quarta quinta sexta "
    "feira maandag dinsdag woensdag donderdag vrijdag zaterdag zondag".split()
)
_FILLERS = set("le el il den der de del di du um a as las alle ore uur uhr om er".split())
_WORD = re.compile(r"[^\W\d_]+")
_ORDINAL = re.compile(r"(?<=\d)(?:er|º|ª|°|\.)(?=\s)")
_CLOCK_H = re.compile(r"(\d{1,2})\s?(?:h|Uhr)\s?(\d\d)\b")
_CLOCK_DOT = re.compile(r"(?<![\d.])(\d{1,2})\.(\d\d)(?=\s*(?:Uhr|uur)\b)")
_CLOCK_HOUR = re.compile(r"(?<![\d:])(\d{1,2})\s?(?:h|heures?|Uhr)(?![\w:])")

_VIETNAMESE_DAY = re.compile(r"(?:thứ\s+(?:hai|ba|tư|năm|sáu|bảy)|chủ\s+nhật)\b,?", re.IGNORECASE)
_VIETNAMESE = re.compile(
    r"(?:ngày\s+)?(\d{1,2})\s+tháng\s+(\d{1,2}|một|hai|ba|tư|năm|sáu|bảy|tám|chín|mười(?: một| hai)?)"
    r"(?:,|\s+năm|\s)\s*(\d{4})",
    re.IGNORECASE,
)
_VIETNAMESE_NUMBERS = "một hai ba tư năm sáu bảy tám chín mười,mười một,mười hai".replace(" ", ",", 9).split(
    ","
)

_DAY = re.compile(r"(\d{4})\s*[年년]\s*(\d{1,2})\s*[月월]\s*(\d{1,2})\s*[日号號일]")
_EAST_WEEKDAY = re.compile(
    r"[(（]\s*[月火水木金土日월화수목금토일]\s*[)）]|(?:星期|周|週)[一二三四五六日天]"
    r"|.曜日|[월화수목금토일]요일"
)
_EAST_CLOCK = re.compile(
    r"(上午|下午|午前|午後|오전|오후)?\s*(\d{1,2})\s*"
    r"(?::\s*(\d\d)(?::(\d\d))?(?!\d)|[时時点點시]\s*(?:(\d{1,2})\s*[分분])?\s*(?:(\d{1,2})\s*[秒초])?)"
)

_BRACKETS = re.compile(r"\s*\(([^()]*)\)\s*$")
_ZONE_NAME = re.compile(r"(?:(?:GMT|UTC)\s*)?[+-]\d{1,2}(?::?\d\d)?|[A-Z]{2,5}")
# POSIX and dateutil read GMT+9 as nine hours west of Greenwich; the news mean nine hours east.
_BEFORE_OFFSET = re.compile(
    r"(?<![A-Za-z])(?:GMT|UTC?|(?<=:\d\d )[A-Z]{2,5}|(?<=:\d\d)[A-Z]{2,5})\s?(?=[+-]\d{1,2}(?::?\d\d)?(?!\d))"
)
_MINUS = re.compile("(?<=[\\dCT ])[\u2010-\u2015\u2212](?=\\d)")
_LOG_CLOCK = re.compile(r"(?<=/\d{4}):(?=\d\d:\d\d)")  # 11/Mar/2024:10:15:00 in the logs of web servers


def in_english(text: str) -> tuple[str, bool]:
    """Put the words and zones of a date as dateutil reads them.

    Parameters
    ----------
    text : str

    Returns
    -------
    text : str
    day_first : bool
        Whether its language writes the day before the month.

    Examples
    --------
    >>> from storyclust.articles.date_words import in_english
    >>> in_english("lundi 11 mars 2024 à 10h15")
    ('11 Mar 2024 10:15', True)
    >>> in_english("Mon Mar 11 2024 10:00:00 GMT+0900 (Japan Standard Time)")
    ('Mon Mar 11 2024 10:00:00 +0900', False)
    """
    day_first = False
    if not text.isascii():
        text = "".join(_ascii_digit(letter) for letter in unicodedata.normalize("NFKC", text))
        text = _MINUS.sub("-", text)
        text = _of_east_asia(text)
        text, count = _VIETNAMESE_DAY.subn(" ", text)
        text, dates = _VIETNAMESE.subn(_vietnamese, text)
        day_first = bool(count or dates)
    text = _zone_without_brackets(text)
    text, foreign = _of_europe(text)
    text = _LOG_CLOCK.sub(" ", _BEFORE_OFFSET.sub("", text))
    return " ".join(text.split()).strip(" ,;|-"), day_first or foreign


def _ascii_digit(letter: str) -> str:
    return str(unicodedata.decimal(letter)) if letter.isdecimal() else letter


def _of_east_asia(text: str) -> str:
    text, count = _DAY.subn(r"\1-\2-\3 ", text)
    return _EAST_CLOCK.sub(_clock, _EAST_WEEKDAY.sub(" ", text), count=1) if count else text


def _clock(match: re.Match[str]) -> str:
    half, hour, *minutes = match.groups()
    number = int(hour)
    if half in ("下午", "午後", "오후") and number < 12:
        number += 12
    elif half in ("上午", "午前", "오전") and number == 12:
        number = 0
    return f" {number:02d}:{minutes[0] or minutes[2] or '00'}:{minutes[1] or minutes[3] or '00'}"


def _vietnamese(match: re.Match[str]) -> str:
    day, month, year = match.groups()
    number = int(month) if month.isdigit() else _VIETNAMESE_NUMBERS.index(month.lower()) + 1
    return f" {year}-{number:02d}-{int(day):02d} "


def _zone_without_brackets(text: str) -> str:
    """Take a zone out of brackets at the end; a name that explains an offset is dropped."""
    found = _BRACKETS.search(text)
    if found is None:
        return text
    rest = text[: found.start()]
    zone = found[1].strip()
    known = re.search(r"(?:[+-]\d\d:?\d\d|[+-]\d{1,2}|Z|[A-Z]{3,5})$", rest)
    return rest if known or not _ZONE_NAME.fullmatch(zone) else f"{rest} {zone}"


def _of_europe(text: str) -> tuple[str, bool]:
    """Translate months, and leave out weekdays and small words, if one of them is not English."""
    words = {word: _plain(word) for word in _WORD.findall(text)}
    foreign = any(
        (word in _MONTH_OF and word not in _ALSO_ENGLISH and word != "mar") or word in _WEEKDAYS
        for word in words.values()
    )
    if not foreign and not re.search(r"\d\s?(?:Uhr|uur|h\s?\d\d)\b", text):
        return text, False
    head = re.match(r"\D*", text)[0]  # type: ignore[index]  # the pattern matches the empty string
    if any(_plain(word) in _MONTH_OF for word in _WORD.findall(text[len(head) :])):
        text = text[len(head) :]  # what stands before the day is a weekday, or says "published"
    text = _CLOCK_H.sub(r"\1:\2", _CLOCK_DOT.sub(r"\1:\2", text))
    text = _CLOCK_HOUR.sub(r"\1:00", text)

    def translated(match: re.Match[str]) -> str:
        word = _plain(match[0])
        if word in _MONTH_OF:
            return _MONTH_OF[word]
        return "" if word in _WEEKDAYS or word in _FILLERS else match[0]

    text = re.sub(r"(?<=[A-Za-z])\.", "", _WORD.sub(translated, _ORDINAL.sub("", text)))
    return re.sub(r"\s*-\s*(?=,|\s)", " ", text).strip(" ,."), True


def _plain(word: str) -> str:
    """Lower case without accents."""
    letters = unicodedata.normalize("NFKD", word.lower())
    return "".join(letter for letter in letters if not unicodedata.combining(letter))
