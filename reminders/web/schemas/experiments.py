"""Trials as requests and answers."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from reminders.web.schemas.base import Body, IdText, Name, Out
from reminders.web.schemas.clinic import Steps


class ArmIn(Body):
    """``share`` of the patients get ``steps`` instead of the policy's; none at all makes it a holdout."""

    name: Annotated[str, Field(strict=True, pattern=r"^[a-z0-9_-]{1,30}$")]
    share: Annotated[float, Field(gt=0, le=0.5)]
    steps: Steps = []


class ExperimentIn(Body):
    """``guarded_service_ids`` are never part of it; ``difference`` is the smallest fall of the no-show rate that
    matters."""

    name: Name
    policy_id: IdText
    arms: Annotated[list[ArmIn], Field(min_length=1, max_length=5)]
    guarded_service_ids: Annotated[list[IdText], Field(max_length=500)] = []
    difference: Annotated[float, Field(gt=0, lt=1)] = 0.03


class ExperimentOut(Out):
    id: str
    name: str
    policy_id: str
    arms: list[dict[str, Any]]
    service_ids: list[str]
    guarded_service_ids: list[str]
    difference: float
    started_at: str
    ended_at: str | None
    reading: dict[str, Any] | None = None


class ExperimentPage(Out):
    items: list[ExperimentOut]
    next_cursor: str | None
