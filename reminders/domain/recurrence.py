"""Which repetitions are worked out (RFC 5545 section 3.3.10). Rules come from strangers: one that repeats every second, or
goes on by nothing, would keep a library busy for hours or for ever, so it is refused before a library sees it."""

from __future__ import annotations

import re
from math import prod

_FOLD = re.compile(r"\r?\n[ \t]")
_RULE = re.compile(r"^(?:RRULE|EXRULE)(?:;[^:\r\n]*)?:([^\r\n]*)", re.MULTILINE | re.IGNORECASE)
_FAST = frozenset({"SECONDLY", "MINUTELY"})
#: What chooses days. An hourly rule is looked through hour by hour for days that may never come.
_DAYS = frozenset({"BYMONTH", "BYMONTHDAY", "BYYEARDAY", "BYWEEKNO", "BYDAY", "BYSETPOS"})
#: More often than so within a day is no appointment.
_MOST_A_DAY = 48
_MOST_HOURLY = 5000
#: Days of each month in the longest year, and days of what a rule counts in.
_LONGEST = {month: 29 if month == 2 else 30 if month in {4, 6, 9, 11} else 31 for month in range(1, 13)}
_MOST_DAYS = {"HOURLY": 1, "DAILY": 1, "WEEKLY": 7, "MONTHLY": 31}


def fault(text: str) -> str | None:
    """Why the rules in a calendar are not worked out: ``recurs_too_often``, ``unreadable``, or ``None`` when they are."""
    if "RULE" not in text.upper():
        return None
    found = (_of_rule(rule) for rule in _RULE.findall(_FOLD.sub("", text)))
    return next((one for one in found if one is not None), None)


def _of_rule(rule: str) -> str | None:
    pairs = (part.partition("=") for part in rule.upper().split(";"))
    parts = {name.strip(): value.strip() for name, _, value in pairs}
    interval = parts.get("INTERVAL", "1")
    if not (interval.isascii() and interval.isdigit() and int(interval[:9])):
        return "unreadable"
    if _never(parts):
        return "unreadable"
    frequency, often = parts.get("FREQ", ""), _often(parts)
    if frequency in _FAST or often > _MOST_A_DAY or (frequency == "HOURLY" and not _is_short(parts, often)):
        return "recurs_too_often"
    return None


def _never(parts: dict[str, str]) -> bool:
    """A day that no year has, such as 30 February, for which the library looks as far as the year 9999."""
    months, days = _numbers(parts.get("BYMONTH", "")), _numbers(parts.get("BYMONTHDAY", ""))
    most = max((_LONGEST[month] for month in months or _LONGEST if month in _LONGEST), default=31)
    if days and min(days) > most:
        return True
    places = _numbers(parts.get("BYSETPOS", ""))
    return bool(places) and min(places) > _MOST_DAYS.get(parts.get("FREQ", ""), 366) * _often(parts)


def _often(parts: dict[str, str]) -> int:
    """How many times a day the lists of hours, minutes and seconds name."""
    return prod(parts.get(name, "").count(",") + 1 for name in ("BYHOUR", "BYMINUTE", "BYSECOND"))


def _numbers(text: str) -> list[int]:
    """Without their signs; what is no number is the library's to refuse."""
    found = (part.strip().lstrip("+-") for part in text.split(","))
    return [int(part) for part in found if part.isascii() and part.isdigit() and len(part) < 9]


def _is_short(parts: dict[str, str], often: int) -> bool:
    """An hourly rule that ends soon; the hours of one night, say."""
    count = parts.get("COUNT", "")
    if count.isascii() and count.isdigit() and len(count) < 5:
        return often == 1 and int(count) <= _MOST_HOURLY and not _DAYS & parts.keys()
    return often == 1 and "UNTIL" in parts
