"""`reminders assess`: reads a scenario from a file, or one that comes with the product."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from contextlib import closing
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import click
from pydantic import ValidationError
from rich.console import Console

from reminders import settings
from reminders.errors import Invalid
from reminders.services.csvfile import FileUnreadable
from reminders.showing.assessment import write_assessment
from reminders.store import revision
from reminders.web.schemas.scenario import ScenarioIn
from reminders.wiring.service import build

console = Console()


@click.command()
@click.argument("scenario")
@click.option("--format", "form", type=click.Choice(["table", "json", "markdown"]), default="table", show_default=True)
def assess(scenario: str, form: str) -> None:
    """Compare ways to answer the phones. SCENARIO: a TOML file, or twenty-seats, contact-cost, clinic."""
    with closing(build(settings.load())) as service:
        assessments = service.use_cases.assessments
        given = _scenario(scenario, assessments.presets())
        measuring = revision.is_current(
            service.database
        )  # what the scenario leaves open is measured where that is possible
        write_assessment(assessments.compute(given, measuring=measuring), form, console)


def _scenario(named: str, presets: Mapping[str, Any]) -> dict[str, Any]:
    body = presets[named] if named in presets and not Path(named).exists() else _body(Path(named), list(presets))
    try:
        return ScenarioIn.model_validate(body).model_dump()
    except ValidationError as problem:
        wrong = [f"{'.'.join(map(str, one['loc'])) or 'the scenario'}: {one['msg']}" for one in problem.errors()]
        raise Invalid(f"{named}: {'; '.join(wrong[:5])}.") from None


def _body(path: Path, presets: list[str]) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"), parse_float=_exact)
    except FileNotFoundError:
        raise FileUnreadable(f"There is no file {path}, and no preset of that name: {', '.join(presets)}.") from None
    except (OSError, UnicodeDecodeError) as problem:
        why = getattr(problem, "strerror", None) or "it is not UTF-8"
        raise FileUnreadable(f"{path} cannot be read: {why}.") from None
    except tomllib.TOMLDecodeError as problem:
        raise FileUnreadable(f"{path} is not TOML: {problem}.") from None


def _exact(text: str) -> Any:
    """Amounts as they are written, not as the nearest binary fraction; inf and nan are left for the check to refuse."""
    try:
        return Decimal(text.replace("_", ""))
    except InvalidOperation:
        return float(text)
