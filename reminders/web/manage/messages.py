"""The messages behind an amount."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Any

from flask import Blueprint, request, url_for
from flask.typing import ResponseReturnValue

from reminders.store.billed import Billed
from reminders.store.engine import Record
from reminders.web.context import use_cases
from reminders.web.manage import labels
from reminders.web.manage.pages import render
from reminders.web.manage.period import Period, asked
from reminders.web.manage.sheets import Column, Kind, Sheet, download
from reminders.web.manage.spending import kind_name
from reminders.web.manage.words import _
from reminders.web.respond import decode_cursor, encode_cursor

bp = Blueprint("messages", __name__)

_PAGE, _FILE = 100, 50_000
_FILTERS = ("of", "about", "kind", "channel", "currency", "language", "location", "step")
#: What ``of`` and ``about`` narrow the list to.
REMINDERS, NO_VISIT = "reminders", "none"


@bp.get("/messages")
def show() -> ResponseReturnValue:
    """Those about visits; those about none have a page of their own, because they belong to the day they were written."""
    period = asked()
    given = {name: request.args[name] for name in _FILTERS if name in request.args}
    wanted = _billed(given, period)
    if request.args.get("csv"):
        return download([_sheet(use_cases().evidence.messages(replace(wanted, limit=_FILE)))], "messages")
    rows = use_cases().evidence.messages(replace(wanted, limit=_PAGE + 1))
    more = encode_cursor(_place(rows[_PAGE - 1])) if len(rows) > _PAGE else None
    shown = [_chosen(name, value) for name, value in given.items() if value]
    other = {**given, "about": "" if given.get("about") == NO_VISIT else NO_VISIT}
    return render("messages", sheet=_sheet(rows[:_PAGE]), period=period, given=given, shown=shown, more=more,
                  other=None if wanted.reminders else other, about_none=not wanted.about_visits)  # fmt: skip


def rows_of(period: Period, **wanted: Any) -> str:
    """The address of the messages behind an amount."""
    return url_for("manage.messages.show", **period.query(), **wanted)


def _billed(given: dict[str, str], period: Period) -> Billed:
    place, step = decode_cursor(request.args.get("after"), 2), given.get("step", "")
    return Billed(
        first=period.first, last=period.last, about_visits=given.get("about") != NO_VISIT,
        reminders=given.get("of") == REMINDERS, kind=given.get("kind") or None, channel=given.get("channel") or None,
        currency=given.get("currency"), language=given.get("language") or None, location=given.get("location") or None,
        step=int(step) if step.isdecimal() and len(step) < 9 else None,
        after=(date.fromordinal(max(place[0], 1)), place[1]) if place else None,
    )  # fmt: skip


def _place(row: Record) -> tuple[int, int]:
    return (row.day or row.created_at.date()).toordinal(), row.id


def _chosen(name: str, value: str) -> str:
    if name == "of":
        return _("messages of reminders")
    if name == "about":
        return _("about no visit")
    return kind_name(value) if name == "kind" else labels.chosen(name, value)


def _sheet(rows: Sequence[Record]) -> Sheet:
    columns = (
        Column("day", _("Day of the visit"), Kind.DAY), Column("created", _("Written on"), Kind.DAY),
        Column("kind", _("Kind"), Kind.TEXT), Column("channel", _("Channel"), Kind.TEXT),
        Column("state", _("State"), Kind.TEXT), Column("segments", _("Segments"), defined="segments"),
        Column("price", _("Charged"), Kind.MONEY, defined="actual_cost", digits=5),
        Column("estimated", _("Estimated"), Kind.MONEY, defined="estimated_cost", digits=5),
        Column("visit", _("Visit"), Kind.TEXT), Column("id", _("Message"), Kind.TEXT),
    )  # fmt: skip
    return Sheet("messages", _("Messages"), columns, [_row(row) for row in rows])


def _row(row: Record) -> dict[str, Any]:
    """An estimate stands only where nothing was charged yet, as the sums count it."""
    return {
        "day": row.day, "created": row.created_at.date(), "kind": kind_name(row.kind),
        "channel": labels.group("channel", row.channel, row.channel), "state": labels.state(row.state),
        "segments": row.segments, "price": row.price, "estimated": row.estimated if row.price is None else None,
        "currency": row.currency, "visit": row.visit, "id": row.uid,
    }  # fmt: skip
