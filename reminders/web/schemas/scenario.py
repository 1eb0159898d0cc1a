"""The scenario of an assessment, as the API and the files of `reminders assess` speak of it."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

from pydantic import AfterValidator, Field, StrictInt, model_validator
from pydantic_core import PydanticCustomError

from reminders.domain.sourcing.scenario import Kind, Per, When
from reminders.web.schemas.base import Body, Currency, Day, Flag, IdText, Language, Name, printable
from reminders.web.schemas.figures import (
    DaysFigure,
    Figure,
    GrowthFigure,
    Number,
    PositiveFigure,
    PresenceFigure,
    RatingFigure,
    Share,
    ShareFigure,
)

Month = Annotated[StrictInt, Field(ge=1, le=240)]
LongText = Annotated[str, Field(strict=True, max_length=2000), AfterValidator(printable)]


class LineIn(Body):
    """One cost: amount x count x times, for each unit of ``per`` beyond the included ones of a month."""

    name: Name
    amount: Figure
    count: Figure | None = None
    times: Figure | None = None
    per: Per = Per.FIXED
    when: When = When.MONTHLY
    included: Figure | None = Field(default=None, description="Units of a month that cost nothing extra")
    first_month: Month = 1
    last_month: Month | None = None
    hidden: Flag = Field(default=False, description="People tend to forget it: transfers, international, integration")


class PartIn(Body):
    """What share of the calls a hybrid hands to which option."""

    option: Name
    share: Share


class KpisIn(Body):
    answer_seconds: Figure | None = None
    first_call_resolution: ShareFigure | None = None
    abandonment: ShareFigure | None = None
    booking_completion: ShareFigure | None = None
    satisfaction: ShareFigure | None = None


class RatingsIn(Body):
    security: RatingFigure | None = None
    control: RatingFigure | None = None
    lock_in: RatingFigure | None = Field(default=None, description="5: you can leave at any time")
    languages: RatingFigure | None = Field(default=None, description="Not needed where languages are listed")


class OptionIn(Body):
    """One way to answer. ``staffed``: seats are worked out from the calls by Erlang C."""

    name: Name
    kind: Kind
    lines: list[LineIn] = Field(default_factory=list, max_length=60)
    seats: Figure | None = None
    staffed: Flag = False
    existing: Flag = Field(default=False, description="It is there already: nothing is paid once")
    vendor: IdText | None = Field(default=None, description="A vendor of GET vendors")
    languages: Annotated[list[Language], Field(max_length=60)] | None = None
    price_rise_per_year: GrowthFigure | None = None
    parts: list[PartIn] = Field(default_factory=list, max_length=6)
    kpis: KpisIn = Field(default_factory=KpisIn)
    ratings: RatingsIn = Field(default_factory=RatingsIn)


class HourIn(Body):
    hour: Annotated[StrictInt, Field(ge=0, le=23)]
    calls: Number


class VolumeIn(Body):
    """What is left out is filled in with what the product measured, as far as it did."""

    calls_per_month: Figure | None = None
    bookings_per_month: Figure | None = None
    talk_minutes: PositiveFigure | None = None
    wrap_minutes: Figure | None = None
    growth_per_year: GrowthFigure | None = None
    show_rate: ShareFigure | None = None
    value_per_visit: Figure | None = None
    refilled_share: ShareFigure | None = None
    transfer_share: ShareFigure | None = None
    international_share: ShareFigure | None = None
    open_days_per_month: DaysFigure | None = None
    hours: Annotated[list[HourIn], Field(max_length=24)] | None = None
    languages: Annotated[dict[Language, Share], Field(max_length=60)] | None = None

    @model_validator(mode="after")
    def _some(self) -> VolumeIn:
        if self.hours is not None and not any(hour.calls for hour in self.hours):
            raise PydanticCustomError("nothing_given", "hours needs an hour with calls")
        if self.languages is not None and not any(self.languages.values()):
            raise PydanticCustomError("nothing_given", "languages needs a language with a share")
        return self


class StaffingIn(Body):
    """The service level to staff for, and how much of the paid time people can answer."""

    answered_share: PresenceFigure | None = None
    seconds: Figure | None = None
    occupancy: PresenceFigure | None = None
    shrinkage: PresenceFigure | None = None
    hours_per_month: PositiveFigure | None = None


class AutomationIn(Body):
    """Reminders and self-service beside the people. What is left out is filled in with what was measured."""

    name: Name = "Automation"
    lines: list[LineIn] = Field(default_factory=list, max_length=60)
    message_cost_per_month: Figure | None = None
    calls_avoided_per_month: Figure | None = None
    no_shows_avoided_per_month: Figure | None = None


class TargetsIn(Body):
    answer_seconds: Number | None = None
    first_call_resolution: Share | None = None
    abandonment: Share | None = None
    booking_completion: Share | None = None
    satisfaction: Share | None = None


class WeightsIn(Body):
    """Only their proportions matter; 0 leaves a criterion out."""

    cost: Number | None = None
    security: Number | None = None
    control: Number | None = None
    lock_in: Number | None = None
    languages: Number | None = None


class ContactsIn(Body):
    name: Name
    count: Figure
    seconds: Figure


class YearCostIn(Body):
    name: Name
    amount: Figure
    count: Figure | None = None
    times: Figure | None = None


class ContactCostIn(Body):
    """A year of an operation that is there: calls of all kinds converted to one reference length."""

    reference_seconds: PositiveFigure
    contacts: Annotated[list[ContactsIn], Field(min_length=1, max_length=60)]
    costs: list[YearCostIn] = Field(default_factory=list, max_length=60)
    tax_rate: ShareFigure | None = None
    agents: Figure | None = None
    daily_hours: Figure | None = None
    paid_days_per_month: Figure | None = None


class ScenarioIn(Body):
    """How the phones could be answered."""

    name: Name
    currency: Currency
    months: Annotated[StrictInt, Field(ge=1, le=240)] = 36
    discount_rate: Annotated[Decimal, Field(ge=0, le=1, decimal_places=8)] = Decimal(0)
    baseline: Name | None = Field(default=None, description="The option the others are held against; the first")
    measured: Flag = Field(default=True, description="Fill in what the product measured")
    measured_from: Day | None = None
    measured_to: Day | None = None
    volume: VolumeIn = Field(default_factory=VolumeIn)
    staffing: StaffingIn = Field(default_factory=StaffingIn)
    options: list[OptionIn] = Field(default_factory=list, max_length=12)
    automation: AutomationIn | None = None
    targets: TargetsIn = Field(default_factory=TargetsIn)
    weights: WeightsIn = Field(default_factory=WeightsIn)
    spread: Annotated[Decimal, Field(ge=0, le=1, decimal_places=8)] = Field(
        default=Decimal("0.1"), description="How far figures without a range are varied, as a share"
    )
    runs: Annotated[StrictInt, Field(ge=0, le=5000)] = 1000
    seed: Annotated[StrictInt, Field(ge=0, le=2**31)] = 1
    contact_cost: ContactCostIn | None = None
    note: LongText = ""
    source: LongText = ""

    @model_validator(mode="after")
    def _range(self) -> ScenarioIn:
        if self.measured_from and self.measured_to and self.measured_from > self.measured_to:
            raise PydanticCustomError("empty_range", "measured_from must not be after measured_to")
        return self
