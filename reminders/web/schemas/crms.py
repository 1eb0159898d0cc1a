"""Connections to patient systems, as the API speaks of them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from reminders.web.schemas.base import Body, Country, Flag, IdText, Name, Out, printable
from reminders.web.schemas.connections import Policy, RunOut

Word = Annotated[str, Field(strict=True, min_length=1, max_length=100), AfterValidator(printable)]
Value = Annotated[str, Field(strict=True, max_length=4000)]
Mapped = Annotated[dict[IdText, Word], Field(max_length=2000)]
Owners = Annotated[dict[Word, dict[Word, Literal["ours", "theirs", "newest", "off"]]], Field(max_length=10)]
Settings = Annotated[dict[Word, Value], Field(max_length=50)]


class _Common(Body):
    label: Name | None = None
    providers: Mapped | None = Field(default=None, description="Our providers' ids, and their ids or names there")
    services: Mapped | None = Field(default=None, description="Our services' ids, and their ids or names there")
    default_service: IdText | None = Field(default=None, description="For visits there that name no service we know")
    country: Country | None = Field(default=None, description="In which national phone numbers there are read")
    owners: Owners | None = Field(
        default=None, description="By entity and field: who has the last word when both sides changed it"
    )
    imported_as: Word | None = Field(
        default=None, description="The source of an earlier import whose ids are this system's, by which patients match"
    )
    on_remote_delete: Policy | None = None


class CrmConnectionIn(_Common):
    kind: Word = Field(description="One of crm-systems")
    settings: Settings = Field(
        default_factory=dict, description="What this system asks for; secrets are kept encrypted"
    )


class CrmConnectionChange(_Common):
    settings: Settings = Field(default_factory=dict, description="Only what changes")
    paused: Flag | None = Field(
        default=None, description="false also lets the first import begin, or a held mass change happen"
    )


class SettingOut(Out):
    name: str
    help: str
    secret: bool
    default: str | None
    choices: list[str]


class CrmSystemOut(Out):
    kind: str
    title: str
    settings: list[SettingOut]
    fields: dict[str, list[str]] = Field(description="By entity, what this system keeps")


class CrmSystemPage(Out):
    items: list[CrmSystemOut]
    next_cursor: str | None


class CrmConnectionOut(Out):
    id: str
    kind: str
    label: str
    settings: dict[str, str] = Field(description="Without the secret ones")
    secrets: list[str] = Field(description="Names of secret settings that this system has")
    providers: dict[str, str]
    services: dict[str, str]
    default_service: str | None
    country: str | None
    imported_as: str | None
    owners: dict[str, dict[str, str]] = Field(description="Who decides on each field now")
    on_remote_delete: str
    webhook: str = Field(description="Where this system may call us, if it does")
    preview: dict[str, Any] | None = Field(description="What the first import would do, once somebody asked")
    state: str
    state_reason: str | None
    failures: int
    waiting: int = Field(description="Conflicts that wait for a person")
    created_at: datetime
    last_run_at: datetime | None
    last_ok_at: datetime | None
    next_run_at: datetime
    last_run: RunOut | None = Field(default=None, description="Only where one connection is read")


class CrmConnectionPage(Out):
    items: list[CrmConnectionOut]
    next_cursor: str | None


class PreviewCounts(Out):
    there: int = Field(description="Records there")
    linked: int = Field(description="Linked with ours already")
    matched: int = Field(description="Recognised as ours")
    new: int = Field(description="To be taken in")
    ambiguous: int = Field(description="Several of ours could be it: a person decides")
    refused: int = Field(description="Against our rules; they will stand in the conflict list")
    ignored: int = Field(description="Over, called off, or none of our business")
    ours: int = Field(description="Of ours that are not there yet, to be written there")
    reasons: dict[str, int] = Field(description="Of the refused, by code")


class PreviewOut(Out):
    entities: dict[str, PreviewCounts]
    patients: int = Field(description="Whose visits would be taken in, and who are then reminded of them")
    limit: int = Field(
        description="Most patients whom a change may concern without being held (REMINDERS_BLAST_RADIUS)"
    )
    held: bool = Field(description="More than that")
    at: datetime


class LinkOut(Out):
    connection_id: str
    kind: str
    label: str
    remote_id: str
    name: str | None = Field(description="What the patient is called there")
    url: str | None = Field(description="The record there, if the system has pages")


class LinkPage(Out):
    items: list[LinkOut]
    next_cursor: str | None
