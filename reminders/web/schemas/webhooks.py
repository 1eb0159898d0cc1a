"""Webhooks, as the API speaks of them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from reminders.domain.webhook import ALL, EVENTS
from reminders.web.schemas.base import Body, Flag, Name, Out, Query, printable


def _url(value: str) -> str:
    try:
        parts = urlsplit(value)
        fine = parts.scheme in ("http", "https") and bool(parts.hostname) and not parts.username and not parts.fragment
        fine = fine and parts.port != 0
    except ValueError:
        fine = False
    if not fine:
        raise PydanticCustomError("url", "This is not an https address, without a name and password in it")
    return value


def _event(value: str) -> str:
    known = (ALL, *EVENTS, *(f"{one.split('.')[0]}.*" for one in EVENTS))
    if value not in known:
        raise PydanticCustomError("unknown_event", "There is no event of this type")
    return value


Url = Annotated[str, Field(strict=True, max_length=2000), AfterValidator(printable), AfterValidator(_url)]
Event = Annotated[str, Field(strict=True, max_length=100), AfterValidator(_event)]
Events = Annotated[list[Event], Field(min_length=1, max_length=50)]


class WebhookIn(Body):
    url: Url = Field(description="Where events are posted to: https, and public unless the installation allows more")
    label: Name | None = Field(default=None, description="For people")
    events: Events | None = Field(default=None, description="Types of events, `appointment.*` or `*`, the default")


class WebhookChange(Body):
    url: Url | None = None
    label: Name | None = None
    events: Events | None = None
    paused: Flag | None = Field(
        default=None, description="true keeps what happens for later; false goes on, also after it was disabled"
    )


class WebhookOut(Out):
    id: str
    url: str
    label: str
    events: list[str]
    state: Literal["active", "paused", "disabled"]
    state_reason: str | None = Field(description="Why it was disabled: `gone` or `given_up`")
    failures: int = Field(description="In a row")
    last_error: str | None
    last_ok_at: datetime | None
    waiting: int = Field(description="Deliveries still to be made")
    old_secret_until: datetime | None = Field(description="Until then the secret before this one signs, too")
    created_at: datetime
    updated_at: datetime


class WebhookSecretOut(WebhookOut):
    secret: str = Field(description="Signs every delivery. It is shown only this once")


class WebhookPage(Out):
    items: list[WebhookOut]
    next_cursor: str | None


class DeliveryQuery(Query):
    state: Literal["pending", "delivered", "failed"] | None = None


class TryOut(Out):
    at: datetime
    status: int | None = Field(description="HTTP status, if there was an answer")
    error: str | None
    milliseconds: int


class DeliveryOut(Out):
    id: str
    event_id: str = Field(description="The header webhook-id, the same at every try")
    type: str
    state: Literal["pending", "delivered", "failed"]
    tries: int = Field(description="Since it was queued, or replayed")
    next_at: datetime | None = Field(description="When it is tried next, if it is")
    created_at: datetime
    ended_at: datetime | None


class DeliveryDetailOut(DeliveryOut):
    body: str = Field(description="The bytes that are sent and signed")
    log: list[TryOut]


class DeliveryPage(Out):
    items: list[DeliveryOut]
    next_cursor: str | None


class TestOut(Out):
    ok: bool
    status: int | None
    error: str | None
    milliseconds: int
    delivery_id: str
