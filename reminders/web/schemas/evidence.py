"""The visits behind a figure and the messages behind an amount, as the API speaks of them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from reminders.domain.measures import LeadBand
from reminders.web.schemas.base import Day, IdText, Out, Query

Word = Annotated[str, Field(max_length=20)]


class EvidenceQuery(Query):
    """Which count of which group of a report; the days are those of the report."""

    first: Annotated[Day | None, Field(alias="from")] = None
    last: Annotated[Day | None, Field(alias="to")] = None
    outcome: Literal[
        "booked", "fulfilled", "arrived", "noshow", "cancelled", "unmarked", "upcoming", "known", "late_cancelled",
        "refilled", "noshow_refilled", "moved", "assumed",
    ] = "booked"  # fmt: skip
    location: IdText | None = None
    provider: IdText | None = None
    service: IdText | None = None
    language: Word | None = None
    lead_time: LeadBand | None = None
    weekday: Annotated[int, Field(ge=0, le=6, description="0 is Monday")] | None = None
    hour: Annotated[int, Field(ge=0, le=23, description="On the venue's clock")] | None = None
    channel: Word | None = None
    first_visit: Literal["first", "later"] | None = None


class EvidenceOut(Out):
    id: str
    day: str
    start: str | None
    status: str
    confirmation: str
    lead_days: int | None
    location: str
    provider: str | None
    service: str
    language: str


class EvidencePage(Out):
    items: list[EvidenceOut]
    next_cursor: str | None


class BilledQuery(Query):
    """Which amount of which group of a report; the days are those of the report."""

    first: Annotated[Day | None, Field(alias="from")] = None
    last: Annotated[Day | None, Field(alias="to")] = None
    of: Annotated[Literal["reminders"] | None, Field(description="What the policies' reminders cost")] = None
    about: Annotated[
        Literal["visits", "none"], Field(description="none: about no visit; the days are those of writing, UTC")
    ] = "visits"
    kind: Word | None = None
    channel: Word | None = None
    currency: Annotated[str | None, Field(max_length=3, description="Empty: messages without a price")] = None
    location: IdText | None = None
    language: Word | None = None
    step: Annotated[int | None, Field(ge=0, le=1000, description="Only with of=reminders")] = None


class BilledOut(Out):
    id: str
    appointment_id: str | None
    day: str | None
    created_at: str
    kind: str
    channel: str
    state: str
    segments: int
    price: str | None
    estimated: str | None
    currency: str | None


class BilledPage(Out):
    items: list[BilledOut]
    next_cursor: str | None
