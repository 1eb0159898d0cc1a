"""The rows behind a figure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from flask import Blueprint, request
from flask.typing import ResponseReturnValue

from reminders.domain.appointment import OPEN
from reminders.domain.measures import LeadBand, band_days
from reminders.store.engine import Record
from reminders.store.evidence import Behind
from reminders.web.context import now, use_cases
from reminders.web.manage import labels
from reminders.web.manage.pages import render
from reminders.web.manage.period import Period, asked
from reminders.web.manage.sheets import Column, Kind, Sheet, download
from reminders.web.manage.words import _
from reminders.web.respond import decode_cursor, encode_cursor

bp = Blueprint("visits", __name__)

_PAGE, _FILE = 100, 50_000
_FILTERS = ("outcome", "location", "provider", "service", "language", "lead_time")


@bp.get("/visits")
def show() -> ResponseReturnValue:
    period = asked()
    given = {name: request.args[name] for name in _FILTERS if request.args.get(name)}
    wanted = _behind(given, period)
    if request.args.get("csv"):
        return download([_sheet(use_cases().evidence.visits(replace(wanted, limit=_FILE)))], "visits")
    rows = use_cases().evidence.visits(replace(wanted, limit=_PAGE + 1))
    more = encode_cursor([rows[_PAGE - 1].local_day.toordinal(), rows[_PAGE - 1].id]) if len(rows) > _PAGE else None
    shown = [labels.chosen(name, value) for name, value in given.items()]
    return render("visits", sheet=_sheet(rows[:_PAGE]), period=period, given=given, shown=shown, more=more)


def _behind(given: dict[str, str], period: Period) -> Behind:
    place = decode_cursor(request.args.get("after"), 2)
    band = given.get("lead_time")
    return Behind(
        first=period.first, last=period.last, outcome=given.get("outcome"), location=given.get("location"),
        provider=given.get("provider"), service=given.get("service"), language=given.get("language"),
        leads=band_days(LeadBand(band)) if band in set(LeadBand) else (None, None),
        after=(date.fromordinal(place[0]), place[1]) if place else None,
    )  # fmt: skip


def _sheet(rows: Sequence[Record]) -> Sheet:
    columns = (
        Column("day", _("Day"), Kind.DAY), Column("time", _("Time"), Kind.TEXT),
        Column("service", _("Service"), Kind.TEXT), Column("provider", _("Provider"), Kind.TEXT),
        Column("location", _("Location"), Kind.TEXT), Column("language", _("Language"), Kind.TEXT),
        Column("lead_days", _("Days ahead")), Column("outcome", _("Outcome"), Kind.TEXT),
        Column("confirmation", _("Confirmation"), Kind.TEXT), Column("id", _("Visit"), Kind.TEXT),
    )  # fmt: skip
    return Sheet("visits", _("Visits"), columns, [_row(row) for row in rows])


def _row(row: Record) -> dict[str, Any]:
    local = row.start_at.astimezone(ZoneInfo(row.time_zone))
    outcome = row.status if row.status not in OPEN else "unmarked" if row.end_at <= now() else "upcoming"
    return {
        "day": row.local_day, "time": f"{local:%H:%M}" if row.timed else None, "service": row.service,
        "provider": row.provider, "location": row.location, "language": labels.language(row.language),
        "lead_days": row.lead_days if row.lead_days >= 0 else None, "outcome": labels.outcome(outcome),
        "confirmation": labels.confirmation(row.confirmation), "id": row.uid,
    }  # fmt: skip
