"""Patients, the inbox and notes, as the API speaks of them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from reminders.texts import clean_lines
from reminders.web.schemas.base import Body, Country, Email, IdText, Language, Name, Out, Phone, Query, Year, printable
from reminders.web.schemas.clinic import ZoneName


def _plain(value: str) -> str:
    if any((ord(c) < 32 and c != "\n") or 0xD800 <= ord(c) <= 0xDFFF for c in value):
        raise PydanticCustomError("control_characters", "Control characters are not allowed")
    if not clean_lines(value):
        raise PydanticCustomError("nothing_visible", "There is nothing to read in this text")
    return value


def _said(value: str) -> str:
    return _plain(printable(value))


Evidence = Annotated[
    str,
    Field(strict=True, min_length=1, max_length=500, description="What the patient said, and how the desk knows"),
    AfterValidator(_said),
]


class PatientIn(Body):
    name: Name
    phone: Phone | None = None
    country: Country | None = Field(default=None, description="In which a national phone number is read")
    email: Email | None = None
    language: Language | None = None
    time_zone: ZoneName | None = None
    birth_year: Year | None = None


class PatientChange(Body):
    name: Name | None = None
    phone: Phone | None = None
    country: Country | None = None
    email: Email | None = None
    language: Language | None = None
    time_zone: ZoneName | None = None
    birth_year: Year | None = None


class StopOut(Out):
    channel: str
    since: datetime
    evidence: str = Field(description="Through what and with which words it came")
    message_id: str | None = Field(description="The text or call that said it, as in the conversation")
    ended_at: datetime | None = Field(description="Null while it is in force")
    ended_evidence: str | None


class PatientOut(Out):
    id: str
    name: str
    phone: str | None
    phone_problem: str | None
    email: str | None
    language: str | None
    time_zone: str | None
    birth_year: int | None
    paused: bool = Field(description="Nothing goes out but what a person writes")
    opted_out: list[str] = Field(description="The channels of the stops in force")
    stops: list[StopOut] = Field(description="Every stop on record, ended ones too")
    merged: bool = Field(description="Another card is used instead; see merges")
    version: int


class PatientPage(Out):
    items: list[PatientOut]
    next_cursor: str | None


class PatientQuery(Query):
    q: Annotated[str, Field(max_length=100), AfterValidator(printable)] | None = None
    phone: Phone | None = None


class Consent(Body):
    channel: Literal["sms", "voice", "email", "all"] = "all"
    evidence: Evidence


class InboxQuery(Query):
    done: bool = False


class InboxOut(Out):
    id: str
    reason: str
    text: str | None
    channel: str | None
    patient_id: str | None
    appointment_id: str | None
    phone: str | None
    phone_problem: str | None
    proposed_start: datetime | None = Field(description="When somebody wishes the visit to begin")
    created_at: datetime
    done_at: datetime | None
    done_by: str | None


class InboxPage(Out):
    items: list[InboxOut]
    next_cursor: str | None


class NoteIn(Body):
    patient_id: IdText
    text: Annotated[str, Field(strict=True, min_length=1, max_length=1000), AfterValidator(_plain)]


class NoteOut(Out):
    id: str
    state: str
    due_at: datetime


class MessageOut(Out):
    id: str
    direction: str
    channel: str
    kind: str
    text: str
    language: str | None
    state: str
    created_at: datetime


class Conversation(Out):
    items: list[MessageOut]
    next_cursor: None


class MergeIn(Body):
    patient_id: IdText = Field(description="The card that is given up")


class MergeOut(Out):
    id: str
    kept_id: str
    merged_id: str
    at: datetime
    actor: str
    moved: dict[str, int] = Field(description="How many visits, messages and so on changed hands")
    filled: list[str] = Field(description="What the kept card got from the other")
    undone_at: datetime | None
    undone_by: str | None


class MergePage(Out):
    items: list[MergeOut]
    next_cursor: str | None
