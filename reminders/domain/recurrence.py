"""Which repetitions are worked out (RFC 5545 section 3.3.10). Rules come from strangers: one that repeats every second, or
goes on by nothing, would keep a library busy for hours or for ever, so it is refused before a library sees it. One that
repeats each day since the year 1601, as programs write it that count time from then, is brought near: a library would go
through every day."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
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

_EVENT = re.compile(r"^BEGIN:VEVENT\r?\n(.*?)^END:VEVENT", re.MULTILINE | re.DOTALL | re.IGNORECASE)
_ALARM = re.compile(r"^BEGIN:VALARM.*?^END:VALARM", re.MULTILINE | re.DOTALL | re.IGNORECASE)
#: What makes a series of a single event more than a beginning, a length and a rule.
_TIMED = re.compile(r"^(DTSTART|DTEND|DURATION|RRULE|EXRULE|RECURRENCE-ID)([;:][^\r\n]*)", re.MULTILINE | re.IGNORECASE)
_AT = re.compile(r"((?:;[^:]*)?):([0-9]{8})((?:T[0-9]{6}Z?)?)[ \t]*")
_SIMPLE = {"FREQ", "INTERVAL", "WKST", "BYDAY", "BYMONTH"}
_WEEKDAYS = re.compile(r"(?:(?:MO|TU|WE|TH|FR|SA|SU)(?:,|$))+")
_STEP = {"HOURLY": 1, "DAILY": 1, "WEEKLY": 7}
#: A series is brought to so long before what is looked at, or longer, so that its first event is never part of that.
_ROOM = timedelta(days=35)
_LONGEST_SPAN = timedelta(days=366)


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
    if months and not _LONGEST.keys() & set(months):
        return True
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


def brought_near(text: str, since: datetime) -> str:
    """The same calendar for whoever looks at ``since`` and later: a single event that repeats by days or weeks, without an
    end, and began long before, begins shortly before instead, by whole steps of its rule. Anything else stays as it is."""
    plain = _FOLD.sub("", text)
    events = _EVENT.findall(plain)
    found = _TIMED.findall(_ALARM.sub("", events[0])) if len(events) == 1 else []
    lines = {name.upper(): value for name, value in found}
    if len(lines) != len(found) or not {"DTSTART", "RRULE"} <= lines.keys() <= {"DTSTART", "DTEND", "RRULE"}:
        return text
    begin, step = _AT.fullmatch(lines["DTSTART"]), _step(lines["RRULE"])
    end = _AT.fullmatch(lines["DTEND"]) if "DTEND" in lines else begin
    if begin is None or end is None or step is None or (begin[1], len(begin[3])) != (end[1], len(end[3])):
        return text
    try:
        first, last = _date(begin[2]), _date(end[2])
    except ValueError:
        return text
    room = _ROOM + 2 * (last - first)
    steps = (since.date() - first - room) // step
    if steps < 1 or not timedelta() <= last - first <= _LONGEST_SPAN:
        return text
    near = {"DTSTART": _moved(begin, first + steps * step), "DTEND": _moved(end, last + steps * step)}

    def line(one: re.Match[str]) -> str:
        return one[1] + near.get(one[1].upper(), one[2])

    return _EVENT.sub(lambda event: _TIMED.sub(line, event[0]), plain)


def _step(rule: str) -> timedelta | None:
    """After how many days a rule is where it was; ``None`` for one that is not simple."""
    pairs = [part.strip().partition("=") for part in rule.partition(":")[2].upper().split(";")]
    parts = {name: value for name, _, value in pairs}
    interval, days = parts.get("INTERVAL", "1"), _STEP.get(parts.get("FREQ", ""))
    if days is None or len(parts) != len(pairs) or not parts.keys() <= _SIMPLE:
        return None
    if "BYDAY" in parts and not _WEEKDAYS.fullmatch(parts["BYDAY"]):
        return None
    return timedelta(days=days * int(interval)) if re.fullmatch("[1-9][0-9]{0,2}", interval) else None


def _date(text: str) -> date:
    return date(int(text[:4]), int(text[4:6]), int(text[6:8]))


def _moved(at: re.Match[str], day: date) -> str:
    return f"{at[1]}:{day:%Y%m%d}{at[3]}"
