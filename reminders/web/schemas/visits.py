"""Visits, slots and their reminders, as the API speaks of them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from reminders.domain.appointment import Confirmation, Status
from reminders.domain.call import AnsweredBy, Outcome
from reminders.web.schemas.base import Body, Flag, IdText, Moment, MoneyOut, Note, Out, Query


class Book(Body):
    service_id: IdText
    provider_id: IdText
    patient_id: IdText
    start: Moment
    override: Flag = Field(default=False, description="Step over hours, notice and horizon; never over another visit")


class Cancel(Body):
    reason: Note | None = None


class Reschedule(Body):
    start: Moment
    provider_id: IdText | None = None
    override: Flag = False


class Nothing(Body):
    """An empty body."""


class VisitQuery(Query):
    first: Annotated[Moment | None, Field(alias="from")] = None
    last: Annotated[Moment | None, Field(alias="to")] = None
    provider_id: IdText | None = None
    location_id: IdText | None = None
    patient_id: IdText | None = None
    status: Status | None = None
    unmarked: bool = Field(default=False, description="Only visits that are over and whose outcome nobody noted")


class SlotQuery(BaseModel):
    model_config = Query.model_config

    service_id: IdText
    first: Annotated[Moment, Field(alias="from")]
    last: Annotated[Moment, Field(alias="to")]
    provider_id: IdText | None = None
    location_id: IdText | None = None
    limit: int = Field(default=200, ge=1, le=5000)
    cursor: str | None = Field(default=None, max_length=100)


class VisitOut(Out):
    id: str
    status: Status
    confirmation: Confirmation
    start: datetime
    end: datetime
    version: int
    service_id: str
    provider_id: str | None
    location_id: str
    patient_id: str
    booked_at: datetime
    updated_at: datetime
    cancel_reason: str | None
    paused: bool = Field(description="No reminders go out for this visit; news of changes does")
    patient_paused: bool = Field(description="Nothing goes out to the patient but what a person writes")
    allowed: list[str]


class VisitPage(Out):
    items: list[VisitOut]
    next_cursor: str | None


class SlotOut(Out):
    start: datetime
    end: datetime
    provider_id: str
    location_id: str


class SlotPage(Out):
    items: list[SlotOut]
    next_cursor: str | None


class ReminderOut(Out):
    id: str
    kind: Literal["reminder", "moved", "cancelled", "desk"]
    due_at: datetime
    not_after: datetime
    step: int
    channel: str
    language: str | None
    wanted_language: str | None
    state: str
    reason: str
    sentence: str
    text: str | None
    provider_sid: str | None
    segments: int | None
    cost: MoneyOut | None
    cost_is_actual: bool
    attempts: int
    error_code: int | None
    duration_seconds: int | None
    answered_by: AnsweredBy | None
    outcome: Outcome | None
    text_version: int | None
    sent_at: datetime | None
    delivered_at: datetime | None


class ReminderPage(Out):
    items: list[ReminderOut]
    next_cursor: str | None
    summary: str


class ChangeOut(Out):
    at: datetime
    change: str
    actor: str
    channel: str
    version: int
    facts: dict[str, Any]


class ChangePage(Out):
    items: list[ChangeOut]
    next_cursor: str | None
