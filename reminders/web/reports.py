"""/api/v1/reports."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from apiflask import APIBlueprint
from flask import Response
from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from reminders.web.auth import MANAGERS, allow
from reminders.web.context import use_cases
from reminders.web.respond import answer
from reminders.web.schemas.base import Day

bp = APIBlueprint("reports", __name__, url_prefix="/api/v1/reports", tag="Reports")


class Range(BaseModel):
    """Local days, both included."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    first: Annotated[Day | None, Field(alias="from")] = None
    last: Annotated[Day | None, Field(alias="to")] = None

    @model_validator(mode="after")
    def _ordered(self) -> Range:
        if self.first and self.last and self.first > self.last:
            raise PydanticCustomError("empty_range", "from must not be after to")
        return self


class NoShowRange(Range):
    by: Literal["day", "week", "location", "provider", "service", "language", "lead_time"] | None = None


class CostRange(Range):
    by: Literal["day", "channel", "language", "step", "location"] | None = None


@bp.get("/no-shows")
@bp.input(NoShowRange, location="query", arg_name="wanted")
@allow(*MANAGERS)
def no_shows(wanted: NoShowRange) -> Response:
    """No-show rate with its 95 % interval. Cancelled visits are not in the denominator."""
    return _report(use_cases().reports.no_shows(wanted.first, wanted.last, wanted.by))


@bp.get("/reminder-costs")
@bp.input(CostRange, location="query", arg_name="wanted")
@allow(*MANAGERS)
def reminder_costs(wanted: CostRange) -> Response:
    """Messages, segments and money: what was charged and what is estimated, never mixed."""
    return _report(use_cases().reports.reminder_costs(wanted.first, wanted.last, wanted.by))


def _report(report: Any) -> Response:
    return answer({"items": report.rows(), "next_cursor": None})
