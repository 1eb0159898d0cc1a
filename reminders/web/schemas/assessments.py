"""Assessments and vendors, as the API speaks of them; the scenario stands in ``scenario.py``."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from reminders.web.schemas.base import Body, Currency, Day, Flag, Language, Name, Note, Out, printable
from reminders.web.schemas.figures import Number
from reminders.web.schemas.scenario import HourIn


class VersionQuery(BaseModel):
    """Which version; the newest unless one is named. As a document for people: ``format=markdown``."""

    model_config = ConfigDict(extra="forbid")

    version: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    format: Literal["json", "markdown"] = "json"


class MeasuredQuery(BaseModel):
    """Local days of the visits, both included; the last 90 days unless said otherwise."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    currency: Currency
    first: Annotated[Day | None, Field(alias="from")] = None
    last: Annotated[Day | None, Field(alias="to")] = None


class AssessmentShort(Out):
    id: str
    name: str
    version: int
    headline: str | None
    created_at: datetime
    updated_at: datetime


class AssessmentPage(Out):
    items: list[AssessmentShort]
    next_cursor: str | None


class AssessmentOut(Out):
    """One version. ``scenario`` is what was sent; ``result`` is described in docs/assessment.md."""

    id: str
    name: str
    version: int
    versions: int
    created_at: datetime
    created_by: str
    scenario: dict[str, Any]
    result: dict[str, Any]


class MeasuredFigure(Out):
    field: str
    value: str
    low: str | None
    high: str | None
    source: str


class MeasuredOut(Out):
    """What the product would fill in where a scenario leaves it open."""

    figures: list[MeasuredFigure]
    hours: list[HourIn]
    languages: dict[str, str]


class PresetShort(Out):
    name: str
    title: str


class PresetList(Out):
    items: list[PresetShort]
    next_cursor: None = None


class QuoteIn(Body):
    """What a vendor asks per month, and on what terms."""

    name: Name
    plan: Annotated[str, Field(strict=True, max_length=200), AfterValidator(printable)] = ""
    currency: Currency
    month_low: Number
    month_high: Number
    open_ended: Flag = Field(default=False, description="The price may go beyond month_high")
    billing: Note = ""
    languages: list[Language] = Field(default_factory=list, max_length=60)
    integrations: list[Name] = Field(default_factory=list, max_length=60, description="CRMs and calendars")
    compliance: list[Name] = Field(default_factory=list, max_length=60, description="HIPAA, GDPR, ISO 27001 …")
    dated: Day = Field(description="The day of the offer")
    source: Note = Field(default="", description="Where it was read, or the number of the offer")

    @model_validator(mode="after")
    def _range(self) -> QuoteIn:
        if self.month_low > self.month_high:
            raise PydanticCustomError("range_order", "month_low must not be above month_high")
        return self


class VendorOut(Out):
    """``own``: the clinic's own quote. ``option`` can be put into a scenario as it is."""

    id: str
    name: str
    plan: str
    currency: str
    month_low: str
    month_high: str
    open_ended: bool
    billing: str
    languages: list[str]
    integrations: list[str]
    compliance: list[str]
    dated: date
    source: str
    own: bool
    option: dict[str, Any]


class VendorList(Out):
    items: list[VendorOut]
    next_cursor: None = None
