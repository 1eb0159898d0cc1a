"""Numbers of a scenario: plain, or with the range they may lie in and where they come from."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from reminders.web.schemas.base import Body, Note

Number = Annotated[Decimal, Field(ge=0, le=1_000_000_000_000, max_digits=20, decimal_places=8)]
Share = Annotated[Decimal, Field(ge=0, le=1, decimal_places=8)]


class FigureIn(Body):
    """A number, with the range it may well lie in. Figures with the same word in ``together`` vary together."""

    value: Number
    low: Number | None = None
    high: Number | None = None
    source: Note | None = Field(default=None, description="Where it comes from")
    together: Annotated[str, Field(strict=True, max_length=40, pattern=r"^[a-z0-9_]*$")] | None = None

    @model_validator(mode="after")
    def _ordered(self) -> FigureIn:
        if (self.low is None) != (self.high is None):
            raise PydanticCustomError("range_incomplete", "Give both low and high, or neither")
        if self.low is not None and self.high is not None and not self.low <= self.value <= self.high:
            raise PydanticCustomError("range_order", "value must lie between low and high")
        return self


class ShareIn(FigureIn):
    """A share from 0 to 1."""

    value: Share
    low: Share | None = None
    high: Share | None = None


class RatingIn(FigureIn):
    """From 1 (poor) to 5 (very good)."""

    value: Annotated[Decimal, Field(ge=1, le=5)]
    low: Annotated[Decimal, Field(ge=1, le=5)] | None = None
    high: Annotated[Decimal, Field(ge=1, le=5)] | None = None


class GrowthIn(FigureIn):
    """A change per year, as a share; negative for shrinking."""

    value: Annotated[Decimal, Field(ge=Decimal("-0.9"), le=10)]
    low: Annotated[Decimal, Field(ge=Decimal("-0.9"), le=10)] | None = None
    high: Annotated[Decimal, Field(ge=Decimal("-0.9"), le=10)] | None = None


class DaysIn(FigureIn):
    """Days of a month."""

    value: Annotated[Decimal, Field(ge=1, le=31)]
    low: Annotated[Decimal, Field(ge=1, le=31)] | None = None
    high: Annotated[Decimal, Field(ge=1, le=31)] | None = None


class PositiveIn(FigureIn):
    """More than nothing."""

    value: Annotated[Number, Field(ge=Decimal("0.001"))]
    low: Annotated[Number, Field(ge=Decimal("0.001"))] | None = None
    high: Annotated[Number, Field(ge=Decimal("0.001"))] | None = None


class PresenceIn(FigureIn):
    """A share that leaves something over at either end."""

    value: Annotated[Decimal, Field(ge=Decimal("0.05"), le=Decimal("0.99"), decimal_places=8)]
    low: Annotated[Decimal, Field(ge=Decimal("0.05"), le=Decimal("0.99"), decimal_places=8)] | None = None
    high: Annotated[Decimal, Field(ge=Decimal("0.05"), le=Decimal("0.99"), decimal_places=8)] | None = None


def _figure(value: Any) -> Any:
    """A plain number is a figure without a range."""
    return value if isinstance(value, Mapping | FigureIn) or value is None else {"value": value}


Figure = Annotated[FigureIn, BeforeValidator(_figure, json_schema_input_type=FigureIn | Decimal)]
ShareFigure = Annotated[ShareIn, BeforeValidator(_figure, json_schema_input_type=ShareIn | Decimal)]
RatingFigure = Annotated[RatingIn, BeforeValidator(_figure, json_schema_input_type=RatingIn | Decimal)]
DaysFigure = Annotated[DaysIn, BeforeValidator(_figure, json_schema_input_type=DaysIn | Decimal)]
PositiveFigure = Annotated[PositiveIn, BeforeValidator(_figure, json_schema_input_type=PositiveIn | Decimal)]
PresenceFigure = Annotated[PresenceIn, BeforeValidator(_figure, json_schema_input_type=PresenceIn | Decimal)]
GrowthFigure = Annotated[GrowthIn, BeforeValidator(_figure, json_schema_input_type=GrowthIn | Decimal)]
