"""Change sets, as the API speaks of them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field, RootModel, model_validator
from pydantic_core import PydanticCustomError

from reminders.domain.changeset import Kind, SetState
from reminders.web.schemas.base import Body, IdText, Moment, MoneyOut, Note, Out, Query


class _Window(Body):
    first: Annotated[Moment, Field(alias="from")]
    last: Annotated[Moment, Field(alias="to")]

    @model_validator(mode="after")
    def _ordered(self) -> _Window:
        if self.first > self.last:
            raise PydanticCustomError("empty_range", "from must not be after to")
        return self


class CancelVisits(_Window):
    """The provider is ill or the venue is closed."""

    kind: Literal["cancel_visits"]
    provider_id: IdText | None = None
    location_id: IdText | None = None
    reason: Note | None = Field(default=None, description="Kept with each visit, not sent")


class MoveProvider(_Window):
    """Somebody else sees the patients at the same times."""

    kind: Literal["move_provider"]
    provider_id: IdText
    to_provider_id: IdText
    location_id: IdText | None = None


class ChangeSetIn(RootModel[Annotated[CancelVisits | MoveProvider, Field(discriminator="kind")]]):
    """What is to be done to every open visit that begins in the window."""


class ChangeSetQuery(Query):
    state: SetState | None = None


class LeftAlone(Out):
    appointment_id: str
    code: str


class PreviewOut(Out):
    """``by_channel`` and ``by_language`` add up to ``messages``, which leaves out who cannot be reached."""

    visits: int
    patients: int
    patients_without_message: int
    messages: int
    by_channel: dict[str, int]
    by_language: dict[str, int]
    segments: int
    cost: list[MoneyOut]
    taken_back: int
    unreachable: int
    unreachable_by_reason: dict[str, int]
    unreachable_patient_ids: list[str]
    refused: int
    refusals: list[LeftAlone]


class ChangeSetOut(Out):
    id: str
    kind: Kind
    state: SetState
    preview: PreviewOut
    asked: dict[str, Any] | None = Field(default=None, description="What was asked for; not in lists")
    created_at: datetime
    created_by: str
    apply_at: datetime | None
    ended_at: datetime | None
    decided_by: str | None
    done: int
    refused: int
    left_alone: list[LeftAlone]


class ChangeSetPage(Out):
    items: list[ChangeSetOut]
    next_cursor: str | None
