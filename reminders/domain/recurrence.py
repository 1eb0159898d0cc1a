"""Which repetitions are worked out (RFC 5545 section 3.3.10). Rules come from strangers: one that repeats every second, or
goes on by nothing, would keep a library busy for hours or for ever, so it is refused before a library sees it."""

from __future__ import annotations

import re

_FOLD = re.compile(r"\r?\n[ \t]")
_RULE = re.compile(r"^(?:RRULE|EXRULE)(?:;[^:\r\n]*)?:([^\r\n]*)", re.MULTILINE | re.IGNORECASE)
_FAST = frozenset({"SECONDLY", "MINUTELY"})
#: What chooses days. An hourly rule is looked through hour by hour for days that may never come.
_DAYS = frozenset({"BYMONTH", "BYMONTHDAY", "BYYEARDAY", "BYWEEKNO", "BYDAY", "BYSETPOS"})
#: More often than so within a day is no appointment.
_MOST_A_DAY = 48
_MOST_HOURLY = 5000


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
    frequency = parts.get("FREQ", "")
    often = 1
    for name in ("BYHOUR", "BYMINUTE", "BYSECOND"):
        often *= parts.get(name, "").count(",") + 1
    if frequency in _FAST or often > _MOST_A_DAY or (frequency == "HOURLY" and not _is_short(parts, often)):
        return "recurs_too_often"
    return None


def _is_short(parts: dict[str, str], often: int) -> bool:
    """An hourly rule that ends soon; the hours of one night, say."""
    count = parts.get("COUNT", "")
    if count.isascii() and count.isdigit() and len(count) < 5:
        return often == 1 and int(count) <= _MOST_HOURLY and not _DAYS & parts.keys()
    return often == 1 and "UNTIL" in parts
