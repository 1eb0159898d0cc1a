"""A table of figures: shown as a table, drawn as a chart from that very table, and handed out as CSV."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any

from flask import Response

from reminders.errors import NotFound
from reminders.services.csvfile import write_table
from reminders.web.manage import words

Row = Mapping[str, Any]

#: Steps of colour of a heat map, and the share from which on it is the last one.
_STEPS, _HOTTEST = 5, 0.5


class Kind(StrEnum):
    """What a column holds."""

    TEXT = "text"
    DAY = "day"
    COUNT = "count"
    NUMBER = "number"
    SHARE = "share"
    POINTS = "points"
    MONEY = "money"


class Part(StrEnum):
    """What the chart makes of a column: where a value stands, the value, its interval, a line to compare with."""

    NONE = ""
    LABEL = "label"
    VALUE = "value"
    LOW = "low"
    HIGH = "high"
    REFERENCE = "reference"


class Chart(StrEnum):
    """How a table is drawn; ``static/manage.js`` knows how, and heat maps are the table itself in colours."""

    NONE = ""
    HEAT = "heat"
    TREND = "trend"
    BARS = "bars"
    STACK = "stack"
    LINES = "lines"
    TORNADO = "tornado"
    FOREST = "forest"


@dataclass(frozen=True, slots=True)
class Column:
    """``key`` names the value in a row and the column in CSV; ``defined`` is its anchor among the definitions (``assessment#roi``
    in another document than the measures);
    ``digits`` are those after the point; ``heat`` colours its cells."""

    key: str
    label: str
    kind: Kind = Kind.COUNT
    part: Part = Part.NONE
    defined: str = ""
    digits: int | None = None
    heat: bool = False

    def shown(self, row: Row) -> str:
        """The value as people read it."""
        value = row.get(self.key)
        if value is None:
            return words.NOTHING
        return _SHOWN[self.kind](self, value, row)

    def look(self, row: Row) -> str:
        """The class of a cell: on a heat map a step of colour, unless it stands on too few visits."""
        value = row.get(self.key)
        if not self.heat or value is None:
            return ""
        few = "few" if self.key in row.get("few", ()) else ""
        return few or f"heat-{min(_STEPS, 1 + int(value / _HOTTEST * _STEPS))}"

    def detail(self, row: Row) -> str:
        """What stands below the value of a cell."""
        return str(row.get("details", {}).get(self.key, ""))

    def raw(self, row: Row) -> str:
        """The value as the chart reads it."""
        value = row.get(self.key)
        return "" if value is None else str(value)


@dataclass(frozen=True, slots=True)
class Sheet:
    """``rows`` hold raw values; ``links`` lead from a row to the visits behind it; ``note`` says how to read it,
    ``empty`` what it means that there is no row."""

    id: str
    title: str
    columns: Sequence[Column]
    rows: Sequence[Row]
    chart: Chart = Chart.NONE
    note: str = ""
    empty: str = ""
    total: Row | None = None
    links: Sequence[str] = field(default=())

    def csv(self) -> str:
        """RFC 4180 with the keys as its first line; values are not rounded."""
        text = io.StringIO()
        write_table(text, [column.key for column in self.columns], self.rows)
        return text.getvalue()


def download(sheets: Sequence[Sheet], wanted: str) -> Response:
    """The table asked for as a file; ``NotFound`` when the page has none of this name."""
    sheet = next((one for one in sheets if one.id == wanted), None)
    if sheet is None:
        raise NotFound("There is no such table.")
    # the mark tells spreadsheets that it is UTF-8
    answer = Response("\ufeff" + sheet.csv(), content_type="text/csv; charset=utf-8")
    answer.headers["Content-Disposition"] = f'attachment; filename="{sheet.id}.csv"'
    return answer


def _day(_: Column, value: Any, __: Row) -> str:
    return words.day(value if isinstance(value, date) else date.fromisoformat(value))


def _money(column: Column, value: Any, row: Row) -> str:
    return words.money(Decimal(str(value)), row.get("currency"), 2 if column.digits is None else column.digits)


_SHOWN = {
    Kind.TEXT: lambda _, value, __: str(value),
    Kind.DAY: _day,
    Kind.COUNT: lambda _, value, __: words.number(value),
    Kind.NUMBER: lambda column, value, _: words.number(value, 2 if column.digits is None else column.digits),
    Kind.SHARE: lambda column, value, _: words.percent(value, 1 if column.digits is None else column.digits),
    Kind.POINTS: lambda _, value, __: words.points(value),
    Kind.MONEY: _money,
}
