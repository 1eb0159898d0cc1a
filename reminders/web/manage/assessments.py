"""The efficiency assessment: start from a worked scenario, change it, read what it comes to."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, redirect, request, url_for
from flask.typing import ResponseReturnValue
from pydantic import ValidationError

from reminders.domain.actor import Actor
from reminders.errors import Invalid
from reminders.services.assessments import Asked
from reminders.store.engine import Record
from reminders.web import sessions
from reminders.web.assessments import asked, vendor_out
from reminders.web.context import use_cases
from reminders.web.manage.comparison import sheets
from reminders.web.manage.pages import render, status_of
from reminders.web.manage.presets import spoken
from reminders.web.manage.reasons import sentence
from reminders.web.manage.scenario import Scenario, changed, parts, with_line, with_option
from reminders.web.manage.sheets import download
from reminders.web.manage.sources import said
from reminders.web.manage.terms import figure, pers, whens
from reminders.web.manage.words import _, gettext
from reminders.web.respond import decode_cursor, encode_cursor
from reminders.web.schemas.scenario import ScenarioIn

bp = Blueprint("assessments", __name__)

_PAGE = 30


@bp.get("/assessments")
def show() -> ResponseReturnValue:
    """Those there are, and what to start from."""
    place = decode_cursor(request.args.get("after"), 1)
    rows = use_cases().assessments.listing(place[0] if place else None, _PAGE)
    more = encode_cursor([rows[_PAGE - 1].id]) if len(rows) > _PAGE else None
    worked = use_cases().assessments.presets()
    presets = {name: spoken(one, gettext)["name"] for name, one in worked.items()}
    return render("assessments", rows=rows[:_PAGE], more=more, presets=presets, sentence=sentence)


@bp.post("/assessments")
def start() -> ResponseReturnValue:
    """A new assessment from a worked scenario."""
    found = use_cases().assessments.preset(request.form.get("preset", ""))
    row = use_cases().assessments.create(_checked(spoken(found, gettext)), _actor())
    return redirect(url_for(".one", assessment_id=row.uid), 303)


@bp.get("/assessments/<uid:assessment_id>")
def one(assessment_id: str) -> ResponseReturnValue:
    wanted = request.args.get("version", "")
    row = use_cases().assessments.get(assessment_id, int(wanted) if wanted.isdecimal() and len(wanted) < 9 else None)
    found = sheets(row.result)
    if "csv" in request.args:
        return download(found, request.args["csv"])
    return render("assessment", row=row, result=row.result, sheets=found, sentence=sentence, called=figure, noted=said)


@bp.get("/assessments/<uid:assessment_id>/edit")
def edit(assessment_id: str) -> ResponseReturnValue:
    return _editor(use_cases().assessments.get(assessment_id))


@bp.post("/assessments/<uid:assessment_id>/edit")
def save(assessment_id: str) -> ResponseReturnValue:
    """The next version, or the form again with what is wrong."""
    row = use_cases().assessments.get(assessment_id)
    scenario = _extended(changed(row.scenario, request.form))
    try:
        use_cases().assessments.revise(assessment_id, _checked(scenario), _actor())
    except ValidationError as problem:
        places = [".".join(map(str, item["loc"])) for item in problem.errors(include_url=False, include_input=False)]
        return _editor(row, scenario, places, status_of(problem))
    except Invalid as problem:
        return _editor(row, scenario, [problem.field or problem.message], status_of(problem))
    again = "more" in request.form
    return redirect(url_for(".edit" if again else ".one", assessment_id=assessment_id), 303)


def _extended(scenario: Scenario) -> Scenario:
    """With the vendor and the cost line that the form adds."""
    vendor, line = request.form.get("vendor", ""), request.form.get("line_name", "").strip()
    if vendor:
        scenario = with_option(scenario, vendor_out(use_cases().assessments.vendor(vendor))["option"])
    if line:
        names = ("amount", "per", "when")
        given: dict[str, Any] = {"name": line} | {name: request.form.get(f"line_{name}", "") for name in names}
        place = request.form.get("line_option", "")
        scenario = with_line(scenario, int(place) if place.isdecimal() else -1, given)
    return scenario


def _checked(scenario: Scenario) -> Asked:
    return asked(ScenarioIn.model_validate(scenario))


def _actor() -> Actor:
    found = sessions.visitor()
    return Actor(found.user_id if found else "", "pages")


def _editor(
    row: Record, scenario: Scenario | None = None, wrong: list[str] | None = None, status: int = 200
) -> ResponseReturnValue:  # fmt: skip
    """The form; ``wrong`` are the places of what cannot be, which keep what was typed."""
    shown = scenario or row.scenario
    typed = request.form if wrong else {}
    vendors = [vendor_out(one) for one in use_cases().assessments.vendors()]
    problem = _("Some values cannot be used: they are marked.") if wrong else ""
    return render(
        "scenario", status, row=row, scenario=shown, parts=parts(row.scenario, row.result["inputs"]), vendors=vendors,
        wrong=wrong or [], problem=problem, typed=typed, pers=pers(), whens=whens(),
    )  # fmt: skip
