"""/api/v1/reports."""

from __future__ import annotations

import csv
import io
from typing import Annotated, Any, Literal

from apiflask import APIBlueprint
from flask import Response
from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from reminders.domain.measures import CostBy, NoShowBy
from reminders.services.reports import CostReport, NoShowReport
from reminders.web.auth import MANAGERS, allow
from reminders.web.context import use_cases
from reminders.web.respond import answer
from reminders.web.schemas.base import Day

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


def _report(report: NoShowReport | CostReport, form: str) -> Response:
    if form == "json":
        return answer(report.as_dict() | {"next_cursor": None})
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=report.columns)
    writer.writeheader()
    writer.writerows(report.rows())
    return Response(text.getvalue(), content_type="text/csv; charset=utf-8")
