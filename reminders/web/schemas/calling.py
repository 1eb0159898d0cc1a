"""The call list, as the API speaks of it."""

from __future__ import annotations

from pydantic import BaseModel, Field

from reminders.domain.appointment import Confirmation
from reminders.domain.calling import MINUTES, Contact
from reminders.domain.risk import Factor
from reminders.services.risk import LONGEST
from reminders.web.schemas.base import Day, IdText, MoneyOut, Out, Query


class CallListQuery(BaseModel):
    model_config = Query.model_config

    location_id: IdText | None = Field(default=None, description="May be left out when there is only one")
    day: Day | None = Field(default=None, description="Default: the next day on which somebody is expected")
    minutes: int = Field(default=MINUTES, ge=1, le=LONGEST)


class ReasonOut(Out):
    factor: Factor
    text: str
    raises: bool = Field(description="False: it lowers the risk")
    odds_ratio: float = Field(description="The odds of a no-show against those of the usual visit, from this alone")


class CallOut(Out):
    rank: int
    appointment_id: str
    start: str
    patient_id: str
    patient_name: str
    phone: str
    language: str | None
    service_id: str
    provider_id: str | None
    confirmation: Confirmation
    contact: Contact = Field(description="Whether our messages reach the patient, and if not, why")
    risk: float = Field(description="Probability of a no-show")
    reasons: list[ReasonOut]
    value: MoneyOut | None = Field(description="Of the slot, in the location's currency; null: the service has none")
    at_stake: MoneyOut | None = Field(description="risk × value")
    fits: bool = Field(description="Within the minutes given")


class CallListOut(Out):
    location_id: str
    day: str | None = Field(description="null: nobody is expected")
    minutes: int
    minutes_per_call: str
    model_version: int = Field(description="0: the documented rule")
    visits: int
    confirmed_and_reachable: int
    without_phone: int
    not_to_be_called: int
    items: list[CallOut]
    next_cursor: None = None
