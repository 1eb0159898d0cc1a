"""The list of what changed, as the API speaks of it."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import Field

from reminders.web.schemas.base import Out, Query
from reminders.web.schemas.visits import VisitOut


class ChangeQuery(Query):
    source: str | None = Field(default=None, max_length=40, description="A program of yours: see /external")


class ChangedPatientOut(Out):
    id: str
    name: str
    phone: str | None
    email: str | None
    language: str | None
    time_zone: str | None
    birth_year: int | None
    paused: bool
    version: int
    opted_out: list[str] = Field(description="Channels by which nothing may be sent")
    merged_into: str | None = Field(description="The same person's card that is used instead")


class NewsOut(Out):
    entity: Literal["patient", "appointment"]
    id: str
    changed_at: datetime
    external_id: str | None = Field(description="Its id in the `source` that was asked for, if it has one there")
    patient: ChangedPatientOut | None = Field(description="As it is now, of a patient")
    appointment: VisitOut | None = Field(description="As it is now, of a visit")


class NewsPage(Out):
    items: list[NewsOut]
    next_cursor: str = Field(description="Where to go on, now or later: it is always given")
    more: bool = Field(description="There is more now")
