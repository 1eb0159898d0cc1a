"""What the lines of a report are about, and in which order they stand."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date
from enum import StrEnum
from functools import cache
from typing import Any, NamedTuple, TypeVar

from sqlalchemy import Connection

from reminders.domain.measures import LeadBand, iso_week, lead_band
from reminders.errors import Invalid
from reminders.store import measures as store
from reminders.store.tables import Location, Provider, Service

By = TypeVar("By", bound=StrEnum)

_TABLES: dict[str, store.Named] = {"location": Location, "provider": Provider, "service": Service}
_BANDS = [band.value for band in LeadBand]
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


class Group(NamedTuple):
    """What a line is about: ``id`` is a public id, a day, a code …; ``label`` is what people call it."""

    id: str
    label: str


ALL = Group("all", "all")
Name = Callable[[Any], Group]


def wanted(kind: type[By], by: str | None, first: date | None, last: date | None) -> By:
    """The grouping called ``by``; ``Invalid`` for an unknown one or an empty range of days."""
    if first is not None and last is not None and first > last:
        raise Invalid("The first day lies after the last.", field="from")
    try:
        return kind(by or "none")
    except ValueError:
        raise Invalid(f"by must be one of {', '.join(kind)}.", field="by") from None


def namer(tx: Connection, by: str) -> Name:
    """What turns a raw key (a number, a day, a code) into the group it belongs to; the same keys come again and again."""
    if by in _SIMPLE:
        return cache(_SIMPLE[by])
    table = _TABLES.get(by)
    if table is None:
        return cache(lambda key: _same(str(key)))
    names = store.names(tx, table)
    return cache(lambda number: Group(*names.get(int(number or 0), ("", f"no {by}"))))


def ordered(items: Iterable[tuple[Group, Any]], by: str) -> list[tuple[Group, Any]]:
    """Bands from short to long, steps and weekdays by number, everything else by what it is called."""
    return sorted(items, key=_ORDERS.get(by, lambda item: (item[0].label.casefold(), item[0].id)))


def _same(text: str) -> Group:
    return Group(text, text)


def _band(key: Any) -> Group:
    return _same(key if isinstance(key, str) else lead_band(key).value)


def _weekday(key: str) -> Group:
    number = key.partition("-")[0]
    return Group(number, WEEKDAYS[int(number)])


def _hour(key: str) -> Group:
    hour = key.partition("-")[2]
    return Group(hour, f"{hour}:00" if hour.isdigit() else hour)


def _weekday_hour(key: str) -> Group:
    return Group(key, f"{_weekday(key).label[:3]} {_hour(key).label}")


_SIMPLE: dict[str, Name] = {
    "week": lambda day: _same(iso_week(day)),
    "month": lambda day: _same(f"{day:%Y-%m}"),
    "lead_time": _band,
    "weekday": _weekday,
    "hour": _hour,
    "weekday_hour": _weekday_hour,
}
_ORDERS: dict[str, Callable[[tuple[Group, Any]], Any]] = {
    "lead_time": lambda item: _BANDS.index(item[0].id),
    "step": lambda item: int(item[0].id),
    "weekday": lambda item: item[0].id,
    "weekday_hour": lambda item: item[0].id,
}
