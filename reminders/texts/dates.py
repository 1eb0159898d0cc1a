"""Dates and times of day as CLDR writes them, and the zones they are shown in."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from functools import cache, lru_cache
from typing import Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from babel import Locale
from babel.dates import DateTimePattern, get_timezone_location, parse_pattern

from reminders.errors import Invalid

#: A text message abbreviates the month, because every letter costs; a voice and an e-mail say it in full.
Medium = Literal["sms", "voice", "email"]

# Spaces and apostrophes that CLDR prefers but GSM-7 lacks: one of them would more than double the price of an SMS.
# Some mail readers show them as boxes.
_PLAIN = {0x202F: " ", 0xA0: " ", 0x2009: " ", 0x2019: "'"}
_FIELDS = re.compile(r"'[^']*'|[Ec]+|[ML]{3,}")

# CLDR's abbreviated months of these languages are not inflected, so they read wrong after a day ("11 maj" for "11 maja"),
# and in full they are long and outside GSM-7 ("11 października"). People there write the number: "11.10".
_MONTHS_IN_DIGITS = {"pl": "MEd"}
# How the first of a month is written, and how where every letter counts; CLDR has only digits.
_FIRST = {"fr": ("1er", "1er"), "it": ("1º", "1"), "pt": ("1º", "1")}
# Where CLDR abbreviates the halves of the day to something foreign ("PM 2:30"), written as people there write it.
_WRITTEN = {"ko": "aaaa h:mm"}
# The same for the ear: "2:30 in the afternoon" rather than letters that a voice would spell out.
_SPOKEN = {"hi": "B h:mm 'बजे'", "ko": "aaaa h:mm"}
_HALVES_IN_FULL = {ord("ص"): "صباحًا", ord("م"): "مساءً"}


@dataclass(frozen=True, slots=True)
class _Formats:
    """How one locale writes a date (with its weekday) and a time of day."""

    locale: Locale
    dates: Mapping[Medium, DateTimePattern]
    clocks: Mapping[Medium, DateTimePattern]


# Formatting costs some 25 microseconds, and a clinic's reminders share a few days and times of day.
@lru_cache(4096)
def date_words(day: date, locale_id: str, medium: Medium) -> str:
    """Weekday, day and month, such as "Tuesday, May 7"."""
    written = _formats(locale_id)
    words = _for(medium, written.dates[medium].apply(day, written.locale))
    if day.day > 1 or written.locale.language not in _FIRST:
        return words
    return re.sub(r"\b1\b", _FIRST[written.locale.language][medium == "sms"], words, count=1)


@lru_cache(4096)
def time_words(clock: time, locale_id: str, medium: Medium) -> str:
    """Hours and minutes, such as "2:30 PM"."""
    written = _formats(locale_id)
    words = _for(medium, written.clocks[medium].apply(clock, written.locale))
    return words.translate(_HALVES_IN_FULL) if medium == "voice" else words


@lru_cache(4096)
def city(zone: str, locale_id: str, medium: Medium) -> str:
    """The place that an IANA zone is named after, in this language."""
    return _for(medium, get_timezone_location(time_zone(zone), locale=_formats(locale_id).locale, return_city=True))


def time_zone(name: str) -> ZoneInfo:
    """The IANA zone called ``name``; raises ``Invalid`` when there is none."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as problem:
        raise Invalid("This is not an IANA time zone such as Europe/Madrid.", field="time_zone") from problem


def clocks_differ(moment: datetime, one: str, other: str) -> bool:
    """Whether clocks in the two zones show different times at ``moment``."""
    if one == other:
        return False
    return moment.astimezone(time_zone(one)).utcoffset() != moment.astimezone(time_zone(other)).utcoffset()


@cache
def _formats(locale_id: str) -> _Formats:
    locale = Locale.parse(locale_id)
    known = locale.datetime_skeletons
    patterns = [str(known[key]) for key in ("MMMMEEEEd", "MMMMEd", "MMMEd") if key in known]
    brief = _MONTHS_IN_DIGITS.get(locale.language)
    dates: dict[Medium, DateTimePattern] = {
        "sms": parse_pattern(_widen(str(known[brief]) if brief else patterns[-1], "MMM")),
        "voice": parse_pattern(_widen(patterns[0], "MMMM")),
        "email": parse_pattern(_widen(patterns[0], "MMMM")),
    }
    return _Formats(locale, dates, _clocks(locale))


def _clocks(locale: Locale) -> dict[Medium, DateTimePattern]:
    usual = locale.time_formats["short"]
    halves = "a" in usual.pattern  # where the clock has 24 hours nothing needs a name
    written = parse_pattern(_WRITTEN[locale.language]) if halves and locale.language in _WRITTEN else usual
    spoken = parse_pattern(_SPOKEN[locale.language]) if halves and locale.language in _SPOKEN else usual
    return {"sms": written, "email": written, "voice": spoken}


def _for(medium: Medium, words: str) -> str:
    return words if medium == "voice" else words.translate(_PLAIN)


def _widen(pattern: str, month: str) -> str:
    """The same CLDR pattern with the weekday in full and the month as wide as ``month``; numeric months stay."""

    def wider(field: re.Match[str]) -> str:
        letter = field[0][0]
        return field[0] if letter == "'" else "EEEE" if letter in "Ec" else month

    return _FIELDS.sub(wider, pattern)
