"""Feeds and logins of calendar programs, as the API speaks of them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import AfterValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from reminders.domain.visit_event import Privacy
from reminders.services.davlogins import Scope
from reminders.web.schemas.base import Body, IdText, Name, Out, printable

Label = Annotated[str, Field(strict=True, max_length=200), AfterValidator(printable)]


class FeedIn(Body):
    provider_id: IdText | None = None
    location_id: IdText | None = None
    patient_id: IdText | None = None
    privacy: Privacy = Field(
        default=Privacy.BUSY, description="How much of a visit is told; not for a patient's own feed"
    )
    label: Label = Field(default="", description="The calendar's name; by default that of the provider or location")

    @model_validator(mode="after")
    def _of_one(self) -> FeedIn:
        if sum(one is not None for one in (self.provider_id, self.location_id, self.patient_id)) != 1:
            raise PydanticCustomError("one_of", "Name exactly one of provider_id, location_id and patient_id")
        return self


class FeedOut(Out):
    id: str
    label: str
    privacy: str
    provider_id: str | None
    location_id: str | None
    patient_id: str | None
    created_at: datetime
    last_fetched_at: datetime | None = Field(description="To the minute")
    last_agent: str | None = Field(description="The program that fetched it, as it names itself")
    revoked_at: datetime | None
    url: str | None = Field(default=None, description="Only in the answer that creates the feed")
    webcal_url: str | None = Field(default=None, description="The same, for programs that subscribe when it is opened")


class FeedPage(Out):
    items: list[FeedOut]
    next_cursor: str | None


class DavCredentialIn(Body):
    provider_id: IdText
    label: Name = Field(description="The device, so that a lost one can be told from the others")
    scope: Scope = Scope.WRITE


class DavCredentialOut(Out):
    id: str
    label: str
    provider_id: str
    scope: str
    username: str
    url: str = Field(description="What to enter as the server; programs find the rest themselves")
    created_at: datetime
    last_used_at: datetime | None = Field(description="To the minute")
    last_agent: str | None
    revoked_at: datetime | None
    password: str | None = Field(default=None, description="Only in the answer that creates it")


class DavCredentialPage(Out):
    items: list[DavCredentialOut]
    next_cursor: str | None
