"""Connections to calendars, as the API speaks of them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from reminders.domain.visit_event import Privacy
from reminders.web.schemas.base import Body, Flag, IdText, Name, Out, Query, printable

Address = Annotated[str, Field(strict=True, min_length=3, max_length=2000), AfterValidator(printable)]
Secret = Annotated[str, Field(strict=True, min_length=1, max_length=500), AfterValidator(printable)]
Policy = Literal["ask", "restore", "cancel"]
#: How the address of each kind begins.
_SCHEMES = {
    "caldav": ("https:", "http:"), "ics": ("https:", "http:", "webcals:", "webcal:"), "imap": ("imaps:", "imap:"),
}  # fmt: skip


class CalendarConnectionIn(Body):
    kind: Literal["caldav", "ics", "imap"] = Field(
        description="A calendar on a CalDAV server, a feed that is only read, or the mailbox of answers to invitations"
    )
    provider_id: IdText | None = Field(default=None, description="Whose calendar; none for a mailbox")
    url: Address = Field(description="The calendar's own address; calendar-connections/discover finds it")
    label: Name | None = None
    username: Name | None = None
    password: Secret | None = Field(default=None, description="An app password where there are such; kept encrypted")
    visits: Flag = Field(default=True, description="Write the provider's visits there; not for feeds")
    busy: Flag = Field(default=True, description="Other events there take the provider's time")
    privacy: Privacy = Field(default=Privacy.FULL, description="How much of a visit is written there")
    on_remote_delete: Policy = Field(
        default="ask", description="What becomes of a visit that is deleted or cancelled there"
    )

    @model_validator(mode="after")
    def _complete(self) -> CalendarConnectionIn:
        if (self.password is None) != (self.username is None):
            raise PydanticCustomError("login_incomplete", "Give username and password, or neither")
        if (self.kind == "imap") == (self.provider_id is not None):
            raise PydanticCustomError("provider_mismatch", "A calendar belongs to a provider, a mailbox to none")
        if not self.url.lower().startswith(_SCHEMES[self.kind]):
            raise PydanticCustomError("url", f"The address of this kind begins with {' or '.join(_SCHEMES[self.kind])}")
        return self


class CalendarConnectionChange(Body):
    label: Name | None = None
    password: Secret | None = None
    paused: Flag | None = Field(default=None, description="false also lets a held mass change happen")
    on_remote_delete: Policy | None = None


class RunOut(Out):
    started_at: datetime
    ended_at: datetime
    full: bool
    seen: int
    pulled: int
    pushed: int
    removed: int
    conflicts: int
    error: str | None
    remarks: dict[str, int] = Field(description="What could not be read, or only by guessing: how many of each code")


class CalendarConnectionOut(Out):
    id: str
    kind: str
    label: str
    provider_id: str | None
    url: str
    username: str | None
    visits: bool
    busy: bool
    privacy: str
    on_remote_delete: str
    state: str
    state_reason: str | None
    failures: int
    created_at: datetime
    last_run_at: datetime | None
    last_ok_at: datetime | None
    next_run_at: datetime
    last_run: RunOut | None = Field(default=None, description="Only where one connection is read")


class CalendarConnectionPage(Out):
    items: list[CalendarConnectionOut]
    next_cursor: str | None


class RunPage(Out):
    items: list[RunOut]
    next_cursor: str | None


class DiscoverIn(Body):
    address: Address = Field(description="A web address, an e-mail address or the name of a server")
    username: Name | None = None
    password: Secret | None = None


class FoundOut(Out):
    url: str
    name: str


class FoundPage(Out):
    items: list[FoundOut]
    next_cursor: str | None


class CheckOut(Out):
    ok: bool
    detail: str
    reason: str | None


class SyncIn(Body):
    full: Flag = Field(default=False, description="Compare everything, not only what changed")


class SyncOut(Out):
    error: str | None
    detail: str
    seen: int
    pulled: int
    pushed: int
    removed: int
    conflicts: int
    remarks: dict[str, int] = Field(description="What could not be read, or only by guessing: how many of each code")


class ConflictQuery(Query):
    attention: bool | None = Field(default=None, description="Only those that wait for a person")
    connection_id: IdText | None = None
    about: IdText | None = Field(default=None, description="Id of a visit or patient")


class ConflictOut(Out):
    id: str
    connection_id: str
    entity: str
    about: str | None = Field(description="Id of the visit or patient")
    field: str = Field(description="* stands for the whole thing")
    before: Any | None
    ours: Any | None
    theirs: Any | None
    theirs_by: str | None = Field(description="Who changed it there last, if that system says")
    theirs_at: datetime | None = Field(description="When that was")
    live: str
    cause: str
    note: str
    attention: bool
    opened_at: datetime
    closed_at: datetime | None
    closed_by: str | None
    choice: str | None


class ConflictPage(Out):
    items: list[ConflictOut]
    next_cursor: str | None


class UploadQuery(BaseModel):
    model_config = ConfigDict(extra="forbid")

    provider_id: IdText
    name: str = Field(
        default="upload.ics", max_length=200, description="The file's name: the next file of this name replaces it"
    )
    dry_run: bool = False


class MailOut(Out):
    outcome: str


class RejectOut(Out):
    line: int
    uid: str
    code: str
    detail: str


class UploadOut(Out):
    events: int
    stored: int
    unchanged: int
    removed: int
    others: dict[str, int]
    rejected: int
    rejects: list[RejectOut] = Field(description="The first 100")
    doubtful: int
    doubts: list[RejectOut] = Field(description="Taken in with something guessed or left out; the first 100")
    dry_run: bool


class ResolveIn(Body):
    choice: Literal["ours", "theirs"] = Field(
        description="For something there that waits: theirs takes it in as new, ours leaves it alone"
    )
    match: IdText | None = Field(default=None, description="Of what waits: it is this patient or visit of ours")
