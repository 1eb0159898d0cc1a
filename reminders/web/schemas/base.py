"""Building blocks of requests and responses: strict types, no unknown fields, no control characters."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Literal

from babel.numbers import is_currency
from phonenumbers import SUPPORTED_REGIONS
from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, StrictBool, StrictInt
from pydantic_core import PydanticCustomError

from reminders.domain.duration import Duration
from reminders.errors import Invalid

ID_PATTERN = r"^[a-z0-9_]{1,40}$"
_EARLIEST, _LATEST = 1900, 2200
_AMOUNT = re.compile(r"[0-9]{1,12}(\.[0-9]{1,12})?")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def _only_text(value: Any) -> Any:
    if not isinstance(value, str):
        raise PydanticCustomError("string_type", "Input should be a string")
    return value


def _calendar(value: Any) -> Any:
    """Text that begins with a date: a bare number is not a time here, though pydantic would read one as such."""
    if not _DATE.match(_only_text(value)):
        raise PydanticCustomError(
            "date_format", "Write it in ISO 8601, for example 2030-05-06 or 2030-05-06T09:00:00+02:00"
        )
    return value


def _plain_number(value: Any) -> Any:
    if not _AMOUNT.fullmatch(_only_text(value)):
        raise PydanticCustomError("decimal_format", "Write it as text with a decimal point, for example 120.00")
    return value


def _country(value: str) -> str:
    if value not in SUPPORTED_REGIONS:
        raise PydanticCustomError("unknown_country", "This is not a country of ISO 3166-1 alpha-2, such as ES")
    return value


def _currency(value: str) -> str:
    if not is_currency(value):
        raise PydanticCustomError("unknown_currency", "This is not a currency of ISO 4217, such as EUR")
    return value


def printable(value: str) -> str:
    if any(ord(c) < 32 or ord(c) == 127 or 0xD800 <= ord(c) <= 0xDFFF for c in value):
        raise PydanticCustomError("control_characters", "Control characters are not allowed")
    return value


def _sensible(value: Any) -> Any:
    if not _EARLIEST <= value.year < _LATEST:
        raise PydanticCustomError("out_of_range", "This date is out of range")
    return value


def _duration(value: str) -> str:
    try:
        Duration.parse(value)
    except Invalid as problem:
        raise PydanticCustomError("duration", "{why}", {"why": problem.message}) from None
    return value


Moment = Annotated[AwareDatetime, BeforeValidator(_calendar), AfterValidator(_sensible)]
Day = Annotated[date, BeforeValidator(_calendar), AfterValidator(_sensible)]
Name = Annotated[str, Field(strict=True, min_length=1, max_length=200), AfterValidator(printable)]
Note = Annotated[str, Field(strict=True, max_length=500), AfterValidator(printable)]
IdText = Annotated[str, Field(strict=True, pattern=ID_PATTERN)]
Country = Annotated[str, Field(strict=True, pattern=r"^[A-Z]{2}$"), AfterValidator(_country)]
Currency = Annotated[str, Field(strict=True, pattern=r"^[A-Z]{3}$"), AfterValidator(_currency)]
Language = Annotated[str, Field(strict=True, pattern=r"^[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8}){0,3}$")]
Phone = Annotated[str, Field(strict=True, min_length=3, max_length=40), AfterValidator(printable)]
WallTime = Annotated[str, Field(strict=True, pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$|^24:00$")]
Weekday = Literal["MO", "TU", "WE", "TH", "FR", "SA", "SU"]
IsoDuration = Annotated[str, Field(strict=True, max_length=40), AfterValidator(_duration)]
Flag = StrictBool
Length = Annotated[StrictInt, Field(ge=1, le=1440)]
Grid = Annotated[StrictInt, Field(ge=5, le=1440)]
Buffer = Annotated[StrictInt, Field(ge=0, le=240)]
Notice = Annotated[StrictInt, Field(ge=0, le=525_600)]
Horizon = Annotated[StrictInt, Field(ge=1, le=730)]
Year = Annotated[StrictInt, Field(ge=1900, le=2100)]
Email = Annotated[
    str, Field(strict=True, max_length=254, pattern=r"^[^@\s\x00-\x1f]+@[^@\s\x00-\x1f]+\.[^@\s\x00-\x1f]+$")
]


class Body(BaseModel):
    """A request: unknown fields are refused, so that a misspelt one is noticed."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)


class Query(BaseModel):
    """Query parameters: text by nature, so numbers are read from text."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    limit: int = Field(default=50, ge=1, le=500)
    cursor: str | None = Field(default=None, max_length=100)


class Out(BaseModel):
    """A response, for the documentation and for the tests that check it."""

    model_config = ConfigDict(extra="forbid")


class MoneyIn(Body):
    amount: Annotated[Decimal, BeforeValidator(_plain_number), Field(ge=0, max_digits=12, decimal_places=5)]
    currency: Currency


class MoneyOut(Out):
    amount: str
    currency: str


class Problem(BaseModel):
    """RFC 9457."""

    type: str
    title: str
    status: int
    code: str
    detail: str
    errors: list[dict[str, str]] | None = None
