"""The clinic's own texts, as the API speaks of them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from reminders.web.schemas.base import Body, MoneyOut, Out, Phone

ChannelName = Literal["sms", "voice", "email"]


def _writable(value: str) -> str:
    if any(
        (ord(char) < 32 and char not in "\r\n") or ord(char) == 127 or 0xD800 <= ord(char) <= 0xDFFF for char in value
    ):
        raise PydanticCustomError("control_characters", "Control characters are not allowed")
    return value


Words = Annotated[str, Field(strict=True, min_length=1, max_length=4000), AfterValidator(_writable)]


class TextIn(Body):
    body: Words


class TextTry(Body):
    phone: Phone
    body: Words | None = Field(default=None, description="A text that is not saved yet; else the one in force")


class TextQuery(Body):
    channel: ChannelName | None = None
    language: Annotated[str, Field(max_length=20)] | None = None


class TextOut(Out):
    channel: ChannelName
    template: str
    language: str
    version: int = Field(description="0: the product's own text")
    stale: bool = Field(description="What the text was made from has changed since")
    body: str
    standard: str
    facts: list[str]
    updated_at: str | None
    updated_by: str | None


class TextList(Out):
    items: list[TextOut]
    next_cursor: None


class VersionOut(Out):
    version: int
    body: str | None = Field(description="null: back to the product's text")
    created_at: str
    created_by: str


class TextWithVersions(TextOut):
    versions: list[VersionOut]


class RemarkOut(Out):
    code: str
    message: str


class EstimateOut(Out):
    encoding: Literal["GSM-7", "UCS-2"] | None
    segments: int | None
    most_segments: int | None
    per_message: MoneyOut
    messages_per_month: int | None
    per_month: MoneyOut | None


class SuggestionOut(Out):
    body: str
    replaced: dict[str, str]
    estimate: EstimateOut


class CheckOut(Out):
    reasons: list[RemarkOut] = Field(description="Why the text cannot be used; empty when it can")
    warnings: list[RemarkOut]
    example: str
    estimate: EstimateOut | None
    suggestion: SuggestionOut | None


class SavedOut(Out):
    text: TextOut
    check: CheckOut


class TriedOut(Out):
    message_id: str
