"""Records of programs that call us, as the API speaks of them. What is left out is not compared."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from reminders.web.schemas.base import Body, Flag, IdText, Moment, Out, Year, printable

Short = Annotated[str, Field(strict=True, max_length=300), AfterValidator(printable)]
ExternalId = Annotated[str, Field(strict=True, min_length=1, max_length=200), AfterValidator(printable)]
Status = Literal["pending", "booked", "arrived", "fulfilled", "noshow", "cancelled"]


class ExternalPatientIn(Body):
    id: IdText | None = Field(default=None, description="Our id, if it is known: links the two without a search")
    name: Short | None = None
    phone: Short | None = None
    email: Short | None = None
    language: Short | None = Field(default=None, description="BCP 47")
    birth_year: Year | None = None
    sms_opt_out: Flag | None = None
    voice_opt_out: Flag | None = None
    email_opt_out: Flag | None = None


class ExternalVisitIn(Body):
    id: IdText | None = Field(default=None, description="Our id, if it is known")
    start: Moment | None = None
    end: Moment | None = None
    patient: ExternalId | None = Field(default=None, description="The patient's id there, put before")
    provider: Short | None = Field(default=None, description="As the connection maps it, or our id")
    service: Short | None = Field(default=None, description="As the connection maps it, or our id")
    status: Status | None = None
    confirmed: Flag | None = None
    cancel_reason: Short | None = None


class PatientState(Out):
    name: str
    phone: str
    email: str
    language: str
    birth_year: int | None
    sms_opt_out: bool
    voice_opt_out: bool
    email_opt_out: bool


class VisitState(Out):
    start: str = Field(description="UTC")
    end: str
    patient: str = Field(description="The patient's id there, empty if it is not known there")
    provider: str
    service: str
    status: Status
    confirmed: bool
    cancel_reason: str


class DifferenceOut(Out):
    field: str
    ours: Any = Field(description="What holds")
    theirs: Any = Field(description="What was sent")
    code: str = Field(
        description="The rule that refused it, `both_changed`, or `kept`: changed here since it was sent last"
    )


class _Common(Out):
    source: str
    external_id: str
    id: str | None = Field(description="Ours; null for what is over or called off when it is first seen")
    differences: list[DifferenceOut]


class ExternalPatientOut(_Common):
    state: PatientState | None = Field(description="What holds here now")


class ExternalVisitOut(_Common):
    state: VisitState | None = Field(description="What holds here now")
