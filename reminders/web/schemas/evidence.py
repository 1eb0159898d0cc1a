"""The visits behind a figure, as the API speaks of them."""

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
