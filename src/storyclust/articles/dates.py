"""Parsing of the date formats found in news, to datetimes in UTC."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from email.utils import parsedate_to_datetime
from typing import Any

from dateutil import parser as dateutil_parser
from dateutil import tz

from storyclust.articles.date_words import ZONE_PLACES, ZONES, in_english
from storyclust.errors import InputError

__all__ = ["parse_date"]

_NOON = time(12, tzinfo=UTC)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NUMBER = re.compile(r"[+-]?\d+(\.\d*)?")
_ISO = re.compile(r"(\d{4}-?(?:W\d\d-?\d|\d\d-?\d\d|\d{3}))(?:Z|[+-]\d\d:\d\d|[Tt ]\s*(\d.*))?", re.ASCII)
_RFC2822 = re.compile(
    r"(?:[a-z]{3},\s+)?\d{1,2}\s+[a-z]{3}\s+\d{4}\s+\d\d:\d\d(?::\d\d)?\s+(?:[+-]\d{4}|GMT|UTC?|[ECMP][SD]T)",
    re.ASCII | re.IGNORECASE,
)
# Numbers whose order depends on the country, and dates with dots, whose day is always first.
NUMERIC = re.compile(
    r"(?<![\d/.-])(\d{1,2})(?:/(\d{1,2})/(\d{4}|\d\d)|-(\d{1,2})-(\d{4}))(?![\d/-])", re.ASCII
)
_DOTTED = re.compile(r"(?<![\d.])(\d{1,2})\.\s?(\d{1,2})\.\s?(\d{4}|\d\d)(?![\d.])", re.ASCII)
_YEAR = re.compile(r"(?<!\d)\d{4}(?!\d)", re.ASCII)
# dateutil fills missing fields from a default: fields that differ between two defaults were missing.
# (Every month has a day 28, and the Monday after it is never the Monday after the 1st.)
_DEFAULTS = datetime(2000, 1, 1, 0), datetime(2004, 2, 28, 1)


class _ParserInfo(dateutil_parser.parserinfo):
    def convertyear(self, year: int, century_specified: bool = False) -> int:
        """Add the century to a two-digit year; dateutil depends on today's date."""
        return year if century_specified else full_year(year)


def full_year(year: int) -> int:
    """Add the century to a two-digit year as RFC 2822 does."""
    return year if year >= 100 else year + (2000 if year < 50 else 1900)


_PARSER_INFO = _ParserInfo()


def parse_date(value: object, *, day_first: bool = False) -> datetime | None:
    """Parse a date in any of the formats common in news.

    Parameters
    ----------
    value : str, int, float, date, datetime or None
        ISO 8601, RFC 2822, `YYYYMMDD` (hours, minutes, seconds may follow), seconds, milliseconds,
        microseconds or nanoseconds since 1970 (distinguished by magnitude), words such as "March 4, 2024 5:00
        pm", "4 mars 2024" or "2024年3月4日", and dates of NumPy and pandas. 4.3.2024 is 4 March. A time
        without a zone, or with a name that stands for several zones, such as IST, is UTC; a date without a
        time is noon UTC. GMT+0900 is nine hours ahead of Greenwich.
    day_first : bool, default=False
        Whether 3/4/2024 is 3 April, and not March 4.

    Returns
    -------
    datetime or None
        Aware and in UTC; None for None, NaN, NaT and blank text.

    Raises
    ------
    InputError
        If the value is not a date, lacks a year, month or day, or lies outside the years 1600 to 2200.

    Examples
    --------
    >>> from storyclust.articles.dates import parse_date
    >>> for form in ["2024-03-04", "Mon, 04 Mar 2024 09:30:00 -0500", 1709562600, "March 4, 2024 2:30 pm"]:
    ...     print(parse_date(form))
    2024-03-04 12:00:00+00:00
    2024-03-04 14:30:00+00:00
    2024-03-04 14:30:00+00:00
    2024-03-04 14:30:00+00:00
    """
    return read_date(value, day_first, [])


def read_date(value: object, day_first: bool, zones: list[str]) -> datetime | None:
    """Parse a date as `parse_date` does, and append the name of a zone that is not known to `zones`."""
    try:
        stamp = _read_date(value, day_first, zones)
        if stamp is None or 1600 <= stamp.year <= 2200:
            return stamp
    except (ValueError, OverflowError, ArithmeticError, TypeError, AttributeError, LookupError):
        pass  # the parsers raise any of these on text that is not a date
    raise InputError(f"{quoted(value)} is not a date that can be read")


def quoted(value: object) -> str:
    """Format a value for a message, in at most 60 characters."""
    shown = repr(value)
    return shown if len(shown) <= 60 else f"{shown[:57]}..."


def is_missing(value: Any) -> bool:
    """Whether a value is None, or the NaN, NaT or NA of a DataFrame."""
    kind = type(value).__name__
    return value is None or kind in {"NaTType", "NAType"} or (kind.startswith("float") and math.isnan(value))


def _read_date(value: Any, day_first: bool, zones: list[str]) -> datetime | None:
    if hasattr(value, "dtype"):
        value = _of_numpy(value)
    if isinstance(value, Mapping) and len(value) == 1:  # MongoDB writes {"$date": "2024-03-04T17:00:00Z"}
        value = value.get("$date", value)
    if is_missing(value):
        return None
    if isinstance(value, datetime):
        return as_utc(value)
    if isinstance(value, date):
        return datetime.combine(value, _NOON)
    if isinstance(value, str):
        return _of_text(value.strip().strip("\ufeff\0"), day_first, zones)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return _of_number(value)
    raise ValueError


def _of_numpy(value: Any) -> Any:
    plain = value.item()
    if value.dtype.kind == "M" and isinstance(plain, int):  # nanoseconds, which `item` returns as an int
        return value.astype("datetime64[us]").item()
    return plain


def as_utc(stamp: datetime) -> datetime:
    """Convert a datetime to UTC; a naive one is taken as UTC."""
    if type(stamp) is datetime and stamp.tzinfo is UTC:
        return stamp
    stamp = (stamp if stamp.tzinfo else stamp.replace(tzinfo=UTC)).astimezone(UTC)
    if type(stamp) is not datetime:  # a pandas Timestamp
        stamp = datetime.combine(stamp.date(), stamp.time(), UTC)
    return stamp


def _of_text(text: str, day_first: bool, zones: list[str]) -> datetime | None:
    if text.lower() in {"", "none", "null", "nan", "nat"}:
        return None
    if len(text) > 100:
        raise ValueError
    if _NUMBER.fullmatch(text):
        return _of_number(float(text) if "." in text else int(text))
    if iso := _ISO.fullmatch(text):
        with suppress(ValueError):
            return _of_iso(iso[1], iso[2])
    if _RFC2822.fullmatch(text):  # dateutil reads these too, but ten times slower
        return as_utc(parsedate_to_datetime(text))
    return _of_words(text, day_first, zones)


def _of_number(number: float) -> datetime:
    whole = int(number)
    digits = str(whole) if whole == number else ""
    form = {8: "%Y%m%d", 12: "%Y%m%d%H%M", 14: "%Y%m%d%H%M%S"}.get(len(digits))
    if form:
        with suppress(ValueError):
            stamp = datetime.strptime(digits, form).replace(tzinfo=UTC)
            if len(digits) != 12 or 1900 <= stamp.year < 2100:  # otherwise milliseconds
                return stamp if len(digits) > 8 else datetime.combine(stamp, _NOON)
    # A smaller number is more likely a year, a row number or a spreadsheet's day count than a time in 1970.
    if not 1e8 <= abs(number) < 1e20:
        raise ValueError
    per_second = next(unit for unit in (1, 10**3, 10**6, 10**9) if abs(number) < 1e11 * unit)
    return _EPOCH + timedelta(microseconds=round(number * 10**6 / per_second))


def _of_iso(day: str, clock: str | None) -> datetime:
    if not clock:
        return datetime.combine(dateutil_parser.isoparse(day), _NOON)
    clock = re.sub(r"\s*(?:UTC|GMT|[Zz])$", "+00:00", clock)
    text = f"{day}T{clock.replace(' ', '')}"
    try:
        return as_utc(datetime.fromisoformat(text))
    except ValueError:  # days of the year, and 24:00
        return as_utc(dateutil_parser.isoparse(text))


def _of_words(text: str, day_first: bool, zones: list[str]) -> datetime:
    english, by_language = in_english(text)
    ordered = _ordered(english, day_first or by_language)

    def zone(name: str | None, offset: int | None) -> tzinfo | None:
        return _zone(name, offset, zones)

    one, other = (
        dateutil_parser.parse(ordered, parserinfo=_PARSER_INFO, default=default, tzinfos=zone)
        for default in _DEFAULTS
    )
    if one.date() != other.date():
        raise ValueError
    if isinstance(one.tzinfo, tz.tzfile) and one.tzname() not in _SUMMER_OR_WINTER:  # BST in winter
        zones.append("BST")
        one = one.replace(tzinfo=UTC)
    return as_utc(one) if one.hour == other.hour else datetime.combine(one, _NOON)


_SUMMER_OR_WINTER = {f"{zone}{kind}T" for zone in "ECMP" for kind in "SD"} | {"BST"}


def _ordered(text: str, day_first: bool) -> str:
    """Put a date whose day is first in the order of ISO 8601, which dateutil cannot mistake."""
    text = _DOTTED.sub(lambda match: _iso_day(match, *match.groups()), text, count=1)
    if day_first:
        text = NUMERIC.sub(lambda match: _iso_day(match, *filter(None, match.groups())), text, count=1)
    return text


def _iso_day(match: re.Match[str], day: str, month: str, year: str) -> str:
    clock = len(year) == 2 and _YEAR.search(match.string)  # 10.15.30 beside a year is a time
    if clock or not 1 <= int(month) <= 12:
        return match[0]
    return f"{full_year(int(year)):04d}-{int(month):02d}-{int(day):02d} "


def _zone(name: str | None, offset: int | None, zones: list[str]) -> tzinfo | None:
    if offset is not None:
        return timezone(timedelta(seconds=offset))
    if name is None:
        return None
    if name in ZONE_PLACES:
        return tz.gettz(ZONE_PLACES[name])
    if name not in ZONES and name not in zones:
        zones.append(name)
    return timezone(ZONES.get(name, timedelta()))
