"""/api/v1/reports."""

from __future__ import annotations

import io
from datetime import date
from typing import Annotated, Any, Literal

from apiflask import APIBlueprint
from flask import Response
from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from reminders.domain.attendance import AttendanceBy
from reminders.domain.measures import CostBy, NoShowBy, band_days
from reminders.services.attendance import MOST_REPEATERS
from reminders.services.csvfile import write_table
from reminders.services.report import Report
from reminders.store.billed import Billed
from reminders.store.engine import Record
from reminders.store.evidence import Behind
from reminders.web.auth import MANAGERS, allow
from reminders.web.context import use_cases
from reminders.web.respond import answer, decode_cursor, encode_cursor, moment
from reminders.web.schemas.base import Day
from reminders.web.schemas.evidence import BilledPage, BilledQuery, EvidencePage, EvidenceQuery

#: For the documentation; ``docs/measures.md`` explains every column.
_LINES = {
    "type": "object",
    "required": ["items"],
    "properties": {"items": {"type": "array", "items": {"type": "object"}}},
}
_ANSWERS: dict[int | str, Any] = {
    200: {
        "description": "One line per group",
        "content": {"application/json": {"schema": _LINES}, "text/csv": {"schema": {"type": "string"}}},
    }
}

bp = APIBlueprint("reports", __name__, url_prefix="/api/v1/reports", tag="Reports")


class Range(BaseModel):
    """Local days, both included."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    first: Annotated[Day | None, Field(alias="from")] = None
    last: Annotated[Day | None, Field(alias="to")] = None
    format: Literal["json", "csv"] = "json"

    @model_validator(mode="after")
    def _ordered(self) -> Range:
        if self.first and self.last and self.first > self.last:
            raise PydanticCustomError("empty_range", "from must not be after to")
        return self


class NoShowRange(Range):
    by: NoShowBy | None = None


class CostRange(Range):
    by: CostBy | None = None


class AttendanceRange(Range):
    by: AttendanceBy | None = None


class RepeaterRange(Range):
    least: Annotated[int, Field(ge=1, le=100)] = 2
    limit: Annotated[int, Field(ge=1, le=MOST_REPEATERS)] = 100


@bp.get("/visits")
@bp.input(EvidenceQuery, location="query", arg_name="wanted")
@bp.output(EvidencePage)
@allow(*MANAGERS)
def visits(wanted: EvidenceQuery) -> Response:
    """The visits behind a count of a report, without names, by day."""
    place = decode_cursor(wanted.cursor, 2)
    names = ("first", "last", "outcome", "location", "provider", "service", "language", "weekday", "channel")
    behind = Behind(
        **{name: getattr(wanted, name) for name in names},
        leads=band_days(wanted.lead_time) if wanted.lead_time else (None, None),
        first_visit=None if wanted.first_visit is None else wanted.first_visit == "first",
        after=(date.fromordinal(place[0]), place[1]) if place else None, limit=wanted.limit + 1,
    )  # fmt: skip
    rows = use_cases().evidence.visits(behind, wanted.hour)
    last = rows[wanted.limit - 1] if len(rows) > wanted.limit else None
    cursor = encode_cursor((last.local_day.toordinal(), last.id)) if last else None
    return answer({"items": [_behind(row) for row in rows[: wanted.limit]], "next_cursor": cursor})


@bp.get("/messages")
@bp.input(BilledQuery, location="query", arg_name="wanted")
@bp.output(BilledPage)
@allow(*MANAGERS)
def messages(wanted: BilledQuery) -> Response:
    """The messages behind an amount of a report, without names, numbers and texts, by day."""
    place = decode_cursor(wanted.cursor, 2)
    names = ("first", "last", "kind", "channel", "currency", "location", "language", "step")
    billed = Billed(
        **{name: getattr(wanted, name) for name in names},
        about_visits=wanted.about == "visits", reminders=wanted.of is not None,
        after=(date.fromordinal(max(place[0], 1)), place[1]) if place else None, limit=wanted.limit + 1,
    )  # fmt: skip
    rows = use_cases().evidence.messages(billed)
    last = rows[wanted.limit - 1] if len(rows) > wanted.limit else None
    cursor = encode_cursor(((last.day or last.created_at.date()).toordinal(), last.id)) if last else None
    return answer({"items": [_billed(row) for row in rows[: wanted.limit]], "next_cursor": cursor})


@bp.get("/no-shows")
@bp.input(NoShowRange, location="query", arg_name="wanted")
@bp.doc(responses=_ANSWERS)
@allow(*MANAGERS)
def no_shows(wanted: NoShowRange) -> Response:
    """No-show rate with its 95 % interval. Cancelled visits are not in the denominator."""
    return _report(use_cases().reports.no_shows(wanted.first, wanted.last, wanted.by), wanted.format)


@bp.get("/reminder-costs")
@bp.input(CostRange, location="query", arg_name="wanted")
@bp.doc(responses=_ANSWERS)
@allow(*MANAGERS)
def reminder_costs(wanted: CostRange) -> Response:
    """Messages, segments and money: what was charged and what is estimated, never mixed."""
    return _report(use_cases().reports.reminder_costs(wanted.first, wanted.last, wanted.by), wanted.format)


@bp.get("/attendance")
@bp.input(AttendanceRange, location="query", arg_name="wanted")
@bp.doc(responses=_ANSWERS)
@allow(*MANAGERS)
def attendance(wanted: AttendanceRange) -> Response:
    """Visits by what became of them, with late cancellations, moved visits and refilled slots."""
    return _report(use_cases().attendance.report(wanted.first, wanted.last, wanted.by), wanted.format)


@bp.get("/attendance/heat-map")
@bp.input(Range, location="query", arg_name="wanted")
@bp.doc(responses=_ANSWERS)
@allow(*MANAGERS)
def heat_map(wanted: Range) -> Response:
    """No-shows by weekday and hour of the venue's clock."""
    return _report(use_cases().attendance.heat_map(wanted.first, wanted.last), wanted.format)


@bp.get("/attendance/repeaters")
@bp.input(RepeaterRange, location="query", arg_name="wanted")
@bp.doc(responses=_ANSWERS)
@allow(*MANAGERS)
def repeaters(wanted: RepeaterRange) -> Response:
    """Patients who missed several visits, by their ids; most no-shows first."""
    found = use_cases().attendance.repeaters(wanted.first, wanted.last, least=wanted.least, limit=wanted.limit)
    return _report(found, wanted.format)


@bp.get("/savings")
@bp.input(Range, location="query", arg_name="wanted")
@bp.doc(responses=_ANSWERS)
@allow(*MANAGERS)
def savings(wanted: Range) -> Response:
    """What reminders changed and what that is worth, each with its interval; no number where there is too little data."""
    return _report(use_cases().savings.report(wanted.first, wanted.last), wanted.format)


@bp.get("/spending")
@bp.input(Range, location="query", arg_name="wanted")
@bp.doc(responses=_ANSWERS)
@allow(*MANAGERS)
def spending(wanted: Range) -> Response:
    """All messages in money, what one of each result cost, the next 30 days of the calendar, and the budget."""
    return _report(use_cases().spending.report(wanted.first, wanted.last), wanted.format)


@bp.get("/risk")
@bp.input(Range, location="query", arg_name="wanted")
@bp.doc(responses=_ANSWERS)
@allow(*MANAGERS)
def risk(wanted: Range) -> Response:
    """How good the predicted risks of no-shows were: ranking, calibration, and fairness by language and age band."""
    return _report(use_cases().risks.report(wanted.first, wanted.last), wanted.format)


def _behind(row: Record) -> dict[str, Any]:
    names = ("status", "confirmation", "location", "provider", "service", "language")
    return {"id": row.uid, "day": row.local_day.isoformat(), "start": moment(row.start_at) if row.timed else None,
            "lead_days": row.lead_days if row.lead_days >= 0 else None,
            **{name: getattr(row, name) for name in names}}  # fmt: skip


def _billed(row: Record) -> dict[str, Any]:
    """An estimate stands only where nothing was charged yet, as the sums count it."""
    estimated = row.estimated if row.price is None else None
    return {
        "id": row.uid, "appointment_id": row.visit, "day": row.day.isoformat() if row.day else None,
        "created_at": moment(row.created_at), "kind": row.kind, "channel": row.channel, "state": row.state,
        "segments": row.segments, "price": None if row.price is None else f"{row.price:f}",
        "estimated": None if estimated is None else f"{estimated:f}", "currency": row.currency,
    }  # fmt: skip


def _report(report: Report, form: str) -> Response:
    if form == "json":
        return answer(report.as_dict() | {"next_cursor": None})
    text = io.StringIO()
    write_table(text, report.columns, report.rows())
    return Response(text.getvalue(), content_type="text/csv; charset=utf-8")
