"""What a FHIR search asks for (https://hl7.org/fhir/R4/search.html), once its parameters are understood."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from reminders.errors import Invalid

EXACT, PART, START = "exact", "contains", ""
_DATE = re.compile(
    r"(?P<prefix>eq|ne|gt|lt|ge|le|sa|eb|ap)?(?P<year>\d{4})(?:-(?P<month>\d\d)(?:-(?P<day>\d\d)"
    r"(?:T(?P<hour>\d\d):(?P<minute>\d\d)(?::(?P<second>\d\d)(?:\.(?P<fraction>\d{1,9}))?)?"
    r"(?P<zone>Z|[+-]\d\d:\d\d)?)?)?)?"
)
_STEPS = (("second", timedelta(seconds=1)), ("minute", timedelta(minutes=1)), ("day", timedelta(days=1)))


class Key(StrEnum):
    """What a list may be sorted by."""

    NUMBER = "number"
    UPDATED = "updated"
    DATE = "date"
    NAME = "name"


@dataclass(frozen=True, slots=True)
class Span:
    """Moments from ``since`` until before ``until``; ``None`` leaves an end open."""

    since: datetime | None = None
    until: datetime | None = None

    def has(self, moment: datetime) -> bool:
        return (self.since is None or self.since <= moment) and (self.until is None or moment < self.until)


@dataclass(frozen=True, slots=True)
class Token:
    """``system|value``: a system of ``None`` means any, an empty one means none; an empty value means any."""

    system: str | None
    value: str


@dataclass(frozen=True, slots=True)
class Actors:
    """One ``actor`` parameter: any of these takes part."""

    patients: tuple[str, ...] = ()
    providers: tuple[int, ...] = ()
    locations: tuple[int, ...] = ()
    services: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Wanted:
    """Every group has to hold, and in a group one value is enough. ``after``: the last row of the page before, as (value
    sorted by, number)."""

    uids: tuple[tuple[str, ...], ...] = ()
    tokens: tuple[tuple[Token, ...], ...] = ()
    updated: tuple[Span, ...] = ()
    names: tuple[tuple[tuple[str, str], ...], ...] = ()
    phones: tuple[tuple[str, ...], ...] = ()
    emails: tuple[tuple[str, ...], ...] = ()
    addresses: tuple[tuple[str, ...], ...] = ()
    dates: tuple[Span, ...] = ()
    statuses: tuple[tuple[str, ...], ...] = ()
    patients: tuple[tuple[str, ...], ...] = ()
    providers: tuple[tuple[int, ...], ...] = ()
    locations: tuple[tuple[int, ...], ...] = ()
    services: tuple[tuple[int, ...], ...] = ()
    actors: tuple[Actors, ...] = ()
    sort: Key = Key.NUMBER
    descending: bool = False
    after: tuple[Any, int] | None = None
    limit: int = 50


def token(text: str) -> Token:
    """``value``, ``system|value``, ``|value`` (without a system) or ``system|``."""
    system, bar, value = text.partition("|")
    return Token(system, value) if bar else Token(None, system)


def span(text: str, zone: ZoneInfo, name: str) -> Span:
    """The moments that a date parameter such as ``ge2030-05-06`` means. A value stands for everything it leaves open: a
    day for all of the day in ``zone``, a minute for its 60 seconds. ``Invalid`` names the parameter."""
    match = _DATE.fullmatch(text.replace(" ", "+"))
    if match is None or match["prefix"] in {"ne", "ap"}:
        raise Invalid("Write a date as eq, gt, ge, lt, le, sa or eb and ISO 8601, such as ge2030-05-06.", field=name)
    try:
        low, high = _bounds(match, zone)
    except (ValueError, OverflowError) as problem:
        raise Invalid("There is no such date.", field=name) from problem
    match match["prefix"] or "eq":
        case "ge":
            return Span(low)
        case "gt" | "sa":
            return Span(high)
        case "lt" | "eb":
            return Span(None, low)
        case "le":
            return Span(None, high)
        case _:
            return Span(low, high)


def _bounds(match: re.Match[str], zone: ZoneInfo) -> tuple[datetime, datetime]:
    numbers = {name: int(match[name] or default) for name, default in
               (("year", 1), ("month", 1), ("day", 1), ("hour", 0), ("minute", 0), ("second", 0))}  # fmt: skip
    if not 1900 <= numbers["year"] < 2200:
        raise ValueError("year")
    fraction = (match["fraction"] or "").ljust(6, "0")[:6]
    written = match["zone"]
    place = UTC if written == "Z" else datetime.fromisoformat(f"2000-01-01T00:00{written}").tzinfo if written else zone
    low = datetime(**numbers, microsecond=int(fraction), tzinfo=place)
    if match["fraction"]:
        high = low + timedelta(microseconds=10 ** max(0, 6 - len(match["fraction"])))
    else:
        high = _end(match, low)
    return low.astimezone(UTC), high.astimezone(UTC)


def _end(match: re.Match[str], low: datetime) -> datetime:
    """Where what is written ends: years, months and days count on the calendar of their zone."""
    for name, step in _STEPS:
        if match[name]:
            return (low.astimezone(UTC) + step) if name != "day" else low + step
    if match["month"]:
        return low.replace(year=low.year + low.month // 12, month=low.month % 12 + 1)
    return low.replace(year=low.year + 1)
