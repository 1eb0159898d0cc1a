"""/api/v1/assessments: how the phones could be answered, what that costs, and what is to be recommended."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from apiflask import APIBlueprint
from flask import Response

from reminders.domain.sourcing.figure import plain
from reminders.services.assessment_text import markdown
from reminders.services.assessments import Asked
from reminders.store.engine import Record
from reminders.web.auth import MANAGERS, allow
from reminders.web.context import actor, use_cases
from reminders.web.respond import answer, decode_cursor, moment, once, page
from reminders.web.schemas.assessments import (
    AssessmentOut,
    AssessmentPage,
    MeasuredOut,
    MeasuredQuery,
    PresetList,
    QuoteIn,
    VendorList,
    VendorOut,
    VersionQuery,
)
from reminders.web.schemas.base import Query
from reminders.web.schemas.scenario import ScenarioIn

_FORMS: dict[int | str, Any] = {
    200: {
        "description": "One version, as data or as a document",
        "content": {
            "application/json": {"schema": {"$ref": "#/components/schemas/AssessmentOut"}},
            "text/markdown": {"schema": {"type": "string"}},
        },
    }
}

bp = APIBlueprint("assessments", __name__, url_prefix="/api/v1", tag="Efficiency assessment")


@bp.post("/assessments")
@bp.input(ScenarioIn, arg_name="scenario")
@bp.output(AssessmentOut, status_code=201)
@allow(*MANAGERS)
def create(scenario: ScenarioIn) -> Response:
    """Assess a scenario and keep it as the first version of a new assessment."""
    return answer(show(use_cases().assessments.create(asked(scenario), actor(), once())), 201)


@bp.get("/assessments")
@bp.input(Query, location="query", arg_name="wanted")
@bp.output(AssessmentPage)
@allow(*MANAGERS)
def list_assessments(wanted: Query) -> Response:
    """Assessments, newest first, each with what its newest version comes to."""
    after = decode_cursor(wanted.cursor, 1)
    rows = use_cases().assessments.listing(after[0] if after else None, wanted.limit)
    return page(rows, wanted.limit, _short, lambda row: [row.id])


@bp.get("/assessments/<uid:assessment_id>")
@bp.input(VersionQuery, location="query", arg_name="wanted")
@bp.doc(responses=_FORMS)
@allow(*MANAGERS)
def get_assessment(assessment_id: str, wanted: VersionQuery) -> Response:
    """One assessment, its newest version unless another is named."""
    row = use_cases().assessments.get(assessment_id, wanted.version)
    if wanted.format == "markdown":
        return Response(markdown(row.result), content_type="text/markdown; charset=utf-8")
    return answer(show(row))


@bp.post("/assessments/<uid:assessment_id>/versions")
@bp.input(ScenarioIn, arg_name="scenario")
@bp.output(AssessmentOut, status_code=201)
@allow(*MANAGERS)
def revise(assessment_id: str, scenario: ScenarioIn) -> Response:
    """Assess a changed scenario and keep it as the next version; earlier versions stay."""
    return answer(show(use_cases().assessments.revise(assessment_id, asked(scenario), actor(), once())), 201)


@bp.get("/assessment-inputs")
@bp.input(MeasuredQuery, location="query", arg_name="wanted")
@bp.output(MeasuredOut)
@allow(*MANAGERS)
def inputs(wanted: MeasuredQuery) -> Response:
    """What the product has measured and would fill in where a scenario leaves it open."""
    found = use_cases().assessments.measured(wanted.first, wanted.last, wanted.currency)
    figures = [
        {"field": path, "value": plain(one.value), "low": _maybe(one.low), "high": _maybe(one.high),
         "source": one.source}
        for path, one in found.figures.items()
    ]  # fmt: skip
    hours = [{"hour": hour, "calls": plain(calls)} for hour, calls in found.hours]
    return answer(
        {"figures": figures, "hours": hours, "languages": {name: plain(part) for name, part in found.languages.items()}}
    )


@bp.get("/assessment-presets")
@bp.output(PresetList)
@allow(*MANAGERS)
def presets() -> Response:
    """Worked scenarios to start from."""
    found = use_cases().assessments.presets()
    return answer({"items": [{"name": name, "title": one["name"]} for name, one in found.items()], "next_cursor": None})


@bp.get("/assessment-presets/<name>")
@bp.output(ScenarioIn)
@allow(*MANAGERS)
def preset(name: str) -> Response:
    """One of them, ready to be edited and posted."""
    return answer(use_cases().assessments.preset(name))


@bp.get("/vendors")
@bp.output(VendorList)
@allow(*MANAGERS)
def vendors() -> Response:
    """Answering services with dated prices: those that come with the product, then the clinic's own quotes."""
    return answer({"items": [vendor_out(one) for one in use_cases().assessments.vendors()], "next_cursor": None})


@bp.post("/vendors")
@bp.input(QuoteIn, arg_name="quote")
@bp.output(VendorOut, status_code=201)
@allow(*MANAGERS)
def add_vendor(quote: QuoteIn) -> Response:
    """Keep a quote that the clinic got."""
    facts = quote.model_dump(mode="json")
    return answer(vendor_out(use_cases().assessments.add_quote(facts, actor(), once())), 201)


@bp.get("/vendors/<uid:vendor_id>")
@bp.output(VendorOut)
@allow(*MANAGERS)
def get_vendor(vendor_id: str) -> Response:
    """One of them."""
    return answer(vendor_out(use_cases().assessments.vendor(vendor_id)))


def asked(scenario: ScenarioIn) -> Asked:
    """A scenario that was checked, with every field and as it was sent."""
    return Asked(scenario.model_dump(), scenario.model_dump(mode="json", exclude_unset=True))


def show(row: Record) -> dict[str, Any]:
    return {
        "id": row.uid, "name": row.scenario["name"], "version": row.version, "versions": row.versions,
        "created_at": moment(row.created_at), "created_by": row.actor, "scenario": row.scenario, "result": row.result,
    }  # fmt: skip


def _short(row: Record) -> dict[str, Any]:
    return {
        "id": row.uid, "name": row.name, "version": row.version, "headline": row.headline,
        "created_at": moment(row.created_at), "updated_at": moment(row.updated_at),
    }  # fmt: skip


def _maybe(number: Decimal | None) -> str | None:
    return None if number is None else plain(number)


def vendor_out(one: Mapping[str, Any]) -> dict[str, Any]:
    """A vendor with its price as an option of a scenario: the middle of the range, and the range itself."""
    low, high = Decimal(str(one["month_low"])), Decimal(str(one["month_high"]))
    amount = {"value": plain((low + high) / 2), "low": plain(low), "high": plain(high), "source": one["source"]}
    option: dict[str, Any] = {
        "name": one["name"], "kind": "outsourced", "vendor": one["id"],
        "lines": [{"name": one["plan"] or "Monthly price", "amount": amount}],
    }  # fmt: skip
    if one["languages"]:
        option["languages"] = one["languages"]
    return {**one, "month_low": plain(low), "month_high": plain(high), "dated": str(one["dated"]), "option": option}
