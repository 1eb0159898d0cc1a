"""Which repetitions are worked out (RFC 5545 section 3.3.10). Rules come from strangers: one that repeats every second, or
goes on by nothing, would keep a library busy for hours or for ever, so it is refused before a library sees it. One that
repeats each day since the year 1601, as programs write it that count time from then, is brought near, and its far end cut
off: a library would go through every day."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import lru_cache
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

#: What may name days that never come together.
_RARE = frozenset({"BYMONTHDAY", "BYYEARDAY", "BYWEEKNO"})
_COUNTED = _RARE | {"BYMONTH"}
_CYCLE = date(2024, 1, 1), date(2052, 1, 1)
_INTEGER = re.compile(r"[+-]?[0-9]{1,3}")
_NTH = re.compile(r"([+-]?[0-9]{1,2})?(MO|TU|WE|TH|FR|SA|SU)")
_WEEK = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")

_EVENT = re.compile(r"^BEGIN:VEVENT\r?\n(.*?)^END:VEVENT", re.MULTILINE | re.DOTALL | re.IGNORECASE)
_ALARM = re.compile(r"^BEGIN:VALARM.*?^END:VALARM", re.MULTILINE | re.DOTALL | re.IGNORECASE)
#: What makes a series of a single event more than a beginning, a length and a rule.
_TIMED = re.compile(r"^(DTSTART|DTEND|DURATION|RRULE|EXRULE|RECURRENCE-ID)([;:][^\r\n]*)", re.MULTILINE | re.IGNORECASE)
_PLAIN = {"DTSTART", "DTEND", "DURATION", "RRULE"}
_AT = re.compile(r"((?:;[^:]*)?):([0-9]{8})((?:T[0-9]{6}Z?)?)[ \t]*")
_WEEKDAYS = re.compile(r"(?:(?:MO|TU|WE|TH|FR|SA|SU)(?:,|$))+")
_DAYS_OF = {"HOURLY": 1, "DAILY": 1, "WEEKLY": 7}
_MONTHS_OF = {"MONTHLY": 1, "YEARLY": 12}
#: Every month has so many days, and none has more than the other.
_SHORTEST_MONTH, _LONGEST_MONTH = 28, 31
#: A series is brought to so long before what is looked at, or longer, so that its first event is never part of that; it
#: is cut off so long after.
_ROOM, _REST = timedelta(days=35), timedelta(days=2)
_LONGEST_SPAN = timedelta(days=366)
_LENGTH = re.compile(
    r"([+-]?)P(?=[0-9T])(?:([0-9]{1,5})W)?(?:([0-9]{1,6})D)?"
    r"(?:T(?=[0-9])(?:([0-9]{1,6})H)?(?:([0-9]{1,8})M)?(?:([0-9]{1,9})S)?)?"
)


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
    most = _MOST_DAYS.get(parts.get("FREQ", ""), 366) if _DAYS & parts.keys() - {"BYSETPOS"} else 1
    if places and min(places) > most * _often(parts):
        return True
    chosen = _RARE & parts.keys()
    return bool(chosen) and len(_DAYS & parts.keys()) > 1 and not _comes(tuple(sorted(parts.items())))


@lru_cache(maxsize=256)
def _comes(rule: tuple[tuple[str, str], ...]) -> bool:
    """Some day of 28 years, after which weekdays and leap years repeat, is in every list. Weeks are counted from Monday."""
    parts = dict(rule)
    lists = {name: _signed(parts[name]) for name in _COUNTED & parts.keys()}
    weekdays = _nth_weekdays(parts.get("BYDAY", ""), within_month="BYMONTH" in parts or parts.get("FREQ") == "MONTHLY")
    if weekdays is None or None in lists.values() or parts.get("WKST", "MO") != "MO":
        return True  # what is no number is the library's to refuse
    for number in range(_CYCLE[0].toordinal(), _CYCLE[1].toordinal()):
        day = date.fromordinal(number)
        if all(_COUNTS[name](day) & wanted for name, wanted in lists.items() if wanted) and (
            not weekdays or any(weekday == day.weekday() and place in (0, *_places(day)) for place, weekday in weekdays)
        ):
            return True
    return False


def _signed(text: str) -> set[int] | None:
    found = [part.strip() for part in text.split(",")]
    return {int(part) for part in found} if all(_INTEGER.fullmatch(part) for part in found) else None


def _nth_weekdays(text: str, *, within_month: bool) -> set[tuple[int, int]] | None:
    """BYDAY as place and weekday; place 0 is any, as it is where the place is one within a year."""
    found = [_NTH.fullmatch(part.strip()) for part in text.split(",") if part.strip()]
    if not all(found):
        return None
    return {(int(one[1] or 0) if within_month else 0, _WEEK.index(one[2])) for one in found if one}


def _places(day: date) -> tuple[int, int]:
    """Which Monday, say, of its month a day is, from its beginning and from its end."""
    rest = (day.replace(day=28) + timedelta(days=4)).replace(day=1) - day
    return (day.day - 1) // 7 + 1, -((rest.days - 1) // 7 + 1)


def _in_month(day: date) -> set[int]:
    return {day.day, -((day.replace(day=28) + timedelta(days=4)).replace(day=1) - day).days}


def _in_year(day: date) -> set[int]:
    return {(day - date(day.year, 1, 1)).days + 1, -(date(day.year + 1, 1, 1) - day).days}


def _in_weeks(day: date) -> set[int]:
    week, last = day.isocalendar()[1], date(day.isocalendar()[0], 12, 28).isocalendar()[1]
    return {week, week - last - 1}


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


def length(text: str) -> timedelta | None:
    """A duration of a calendar (section 3.3.6), for comparing; ``None`` for what is none."""
    found = _LENGTH.fullmatch(text)
    if found is None:
        return None
    weeks, days, hours, minutes, seconds = (int(part or 0) for part in found.groups()[1:])
    lasts = timedelta(weeks=weeks, days=days, hours=hours, minutes=minutes, seconds=seconds)
    return -lasts if found[1] == "-" else lasts


@dataclass(frozen=True, slots=True)
class _Step:
    """After how many days, or months, a rule is where it was. ``times``: how often it happens meanwhile, if that counts."""

    days: int = 0
    months: int = 0
    times: int = 0


def brought_near(text: str, since: datetime, until: datetime) -> str:
    """The same calendar for whoever looks at [since, until): a single event that repeats, and began long before, begins
    shortly before instead, by whole steps of its rule; and it does not go on for long after. Anything else stays as it is."""
    plain = _FOLD.sub("", text)
    events = _EVENT.findall(plain)
    found = _TIMED.findall(_ALARM.sub("", events[0])) if len(events) == 1 else []
    lines = {name.upper(): value for name, value in found}
    if len(lines) != len(found) or not {"DTSTART", "RRULE"} <= lines.keys() <= _PLAIN:
        return text
    begin, rule = _AT.fullmatch(lines["DTSTART"]), _parts(lines["RRULE"])
    if begin is None or rule is None:
        return text
    near = _moved(lines, begin, rule, since)
    _cut(rule, begin, until)
    near["RRULE"] = ":" + ";".join(f"{name}={value}" for name, value in rule.items())

    def line(one: re.Match[str]) -> str:
        return one[1] + near.get(one[1].upper(), one[2])

    return _EVENT.sub(lambda event: _TIMED.sub(line, event[0]), plain)


def _moved(lines: Mapping[str, str], begin: re.Match[str], rule: dict[str, str], since: datetime) -> dict[str, str]:
    """The beginning and end of a series brought near, and its count reduced; nothing where it cannot be."""
    end = _AT.fullmatch(lines["DTEND"]) if "DTEND" in lines else begin
    step = _step(rule)
    if end is None or step is None or (begin[1], len(begin[3])) != (end[1], len(end[3])):
        return {}
    try:
        first, last = _date(begin[2]), _date(end[2])
    except ValueError:
        return {}
    lasts = length(lines["DURATION"][1:].strip().upper()) if "DURATION" in lines else last - first
    if lasts is None or not timedelta() <= lasts <= _LONGEST_SPAN or (step.months and first.day > _SHORTEST_MONTH):
        return {}
    steps = (since.date() - first - _ROOM - 2 * lasts).days // (step.days or step.months * _LONGEST_MONTH)
    if step.times:
        steps = min(steps, (int(rule["COUNT"]) - 1) // step.times)
        rule["COUNT"] = str(int(rule["COUNT"]) - max(steps, 0) * step.times)
    if steps < 1:
        return {}
    near = _later(first, steps, step)
    moved = {"DTSTART": _at(begin, near)}
    return moved | {"DTEND": _at(end, near + (last - first))} if "DTEND" in lines else moved


def _later(first: date, steps: int, step: _Step) -> date:
    months = first.year * 12 + first.month - 1 + steps * step.months
    return date(months // 12, months % 12 + 1, first.day) + timedelta(days=steps * step.days)


def _cut(rule: dict[str, str], begin: re.Match[str], until: datetime) -> None:
    """Nothing happens so long after what is looked at, or the library looks for it as far as the year 9999. A rule that
    counts keeps its count beside that."""
    last = f"{(until + _REST).date():%Y%m%d}"
    if rule.get("UNTIL", "99999999")[:8] > last:
        is_exact = begin[3].endswith("Z") or "TZID=" in begin[1].upper()
        rule["UNTIL"] = last + ("T000000Z" if is_exact else "T000000" if begin[3] else "")


def _parts(rule: str) -> dict[str, str] | None:
    pairs = [part.strip().partition("=") for part in rule.partition(":")[2].upper().split(";")]
    parts = {name.strip(): value.strip() for name, _, value in pairs}
    return parts if len(parts) == len(pairs) else None


def _step(rule: Mapping[str, str]) -> _Step | None:
    """What a rule counts in; ``None`` where moving its beginning would move more than that."""
    interval, frequency = rule.get("INTERVAL", "1"), rule.get("FREQ", "")
    if not re.fullmatch("[1-9][0-9]{0,2}", interval):
        return None
    if frequency in _MONTHS_OF:
        step = _Step(months=_MONTHS_OF[frequency] * int(interval))
    elif frequency in _DAYS_OF and _WEEKDAYS.fullmatch(rule.get("BYDAY", "MO")):
        step = _Step(days=_DAYS_OF[frequency] * int(interval))
    else:
        return None
    if "COUNT" not in rule:
        return step
    times = _times(rule)
    return replace(step, times=times) if times else None


def _times(rule: Mapping[str, str]) -> int:
    """How often a rule that counts happens within its step; 0 where that is not the same each time."""
    chosen = {name for name in rule if name.startswith("BY")}
    if rule["FREQ"] == "HOURLY" or "UNTIL" in rule or not re.fullmatch("[0-9]{1,9}", rule["COUNT"]):
        return 0
    if rule["FREQ"] == "WEEKLY" and chosen == {"BYDAY"}:
        return len(set(rule["BYDAY"].strip(",").split(",")))
    return 0 if chosen else 1


def _date(text: str) -> date:
    return date(int(text[:4]), int(text[4:6]), int(text[6:8]))


def _at(at: re.Match[str], day: date) -> str:
    return f"{at[1]}:{day.year:04}{day:%m%d}{at[3]}"


#: Numbers of a day in each list.
_COUNTS: Mapping[str, Callable[[date], set[int]]] = {
    "BYMONTH": lambda day: {day.month}, "BYMONTHDAY": _in_month, "BYYEARDAY": _in_year, "BYWEEKNO": _in_weeks,
}  # fmt: skip
