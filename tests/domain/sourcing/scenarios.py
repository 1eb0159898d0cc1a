"""Scenarios for tests: the shipped ones, and small ones made in a line."""

from __future__ import annotations

import tomllib
from decimal import Decimal
from pathlib import Path
from typing import Any

from reminders.domain.sourcing.reading import NOTHING, Measurements, read
from reminders.domain.sourcing.scenario import Scenario
from reminders.web.schemas.scenario import ScenarioIn

FOLDER = Path(__file__).parents[3] / "assessments"


def shipped(name: str, **changes: Any) -> dict[str, Any]:
    """A shipped scenario as it is written."""
    return tomllib.loads((FOLDER / f"{name}.toml").read_text("utf-8"), parse_float=Decimal) | changes


def scenario(body: dict[str, Any], measured: Measurements = NOTHING) -> Scenario:
    """As the API reads it."""
    return read(ScenarioIn.model_validate(body).model_dump(), measured)


def line(name: str, amount: Any, **changes: Any) -> dict[str, Any]:
    return {"name": name, "amount": amount} | changes


def option(name: str, *lines: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {"name": name, "kind": "in_house", "lines": list(lines)} | changes


def asked(*options: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """A scenario of these options over a year, without simulation."""
    body = {"name": "Test", "currency": "EUR", "months": 12, "runs": 0, "spread": 0, "options": list(options)}
    return body | changes
