"""Trials: what is running, what came of it, and starting and stopping them."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, redirect, request, url_for
from flask.typing import ResponseReturnValue
from pydantic import ValidationError

from reminders.domain.actor import Role
from reminders.domain.experiment import Reading
from reminders.errors import Conflict, Forbidden, Invalid, ReminderError
from reminders.web import sessions
from reminders.web.context import use_cases
from reminders.web.experiments import wish_of
from reminders.web.manage import trials, words
from reminders.web.manage.figures import Figure
from reminders.web.manage.pages import render, status_of
from reminders.web.manage.sheets import download
from reminders.web.manage.words import N_, _
from reminders.web.schemas.experiments import ExperimentIn

bp = Blueprint("experiments", __name__)

#: Reminders that the form offers for an arm.
STEPS = 2
_UNITS = {"days": N_("days before"), "hours": N_("hours before")}
_CHANNELS = {"sms": N_("SMS"), "voice": N_("call")}
_FIELDS = {
    "name": N_("Name"), "policy_id": N_("Reminder policy"), "arms": N_("Share of the patients, or their reminders"),
    "difference": N_("Smallest difference that matters"), "guarded_service_ids": N_("Services that take no part"),
}  # fmt: skip


@bp.get("/experiments")
def show() -> ResponseReturnValue:
    readings = use_cases().experiments.readings()
    sheets = [trials.listing(readings), trials.sizes()]
    if "csv" in request.args:
        return download(sheets, request.args["csv"])
    return _page(sheets)


@bp.post("/experiments")
def start() -> ResponseReturnValue:
    """Begin a trial, or show the form again with what is wrong."""
    _only_admins()
    try:
        wish = wish_of(ExperimentIn.model_validate(_typed()))
        row = use_cases().experiments.start(wish)
    except ValidationError as problem:
        places = [str(item["loc"][0]) for item in problem.errors(include_url=False, include_input=False)]
        return _again(problem, places)
    except Conflict as problem:
        return _again(problem, [], _("This policy has a running experiment. Stop it first."))
    except Invalid as problem:
        return _again(problem, [problem.field or ""])
    return redirect(url_for(".one", experiment_id=row.uid), 303)


@bp.get("/experiments/<uid:experiment_id>")
def one(experiment_id: str) -> ResponseReturnValue:
    found = use_cases().experiments.read(experiment_id)
    sheets = [trials.contrasts(found), trials.arms(found)]
    if "csv" in request.args:
        return download(sheets, request.args["csv"])
    return render(
        "experiment", trial=found.experiment, sheets=sheets, figures=_figures(found), advice=trials.advice(found),
        days=trials.days(found.experiment), may_change=_may_change(),
    )  # fmt: skip


@bp.post("/experiments/<uid:experiment_id>/stop")
def stop(experiment_id: str) -> ResponseReturnValue:
    _only_admins()
    use_cases().experiments.stop(experiment_id)
    return redirect(url_for(".one", experiment_id=experiment_id), 303)


def _figures(found: Reading) -> list[Figure]:
    if found.required is None:
        wanted = _("How many it needs can be said once some visits were missed.")
    else:
        wanted = _("%(count)s are needed to be fairly sure", count=words.number(found.required))
    avoided = [contrast.avoided for contrast in found.contrasts if contrast.avoided]
    return [
        Figure(_("First visits that count"), words.number(found.visits), wanted, defined="required_visits", rows="#arms"),
        Figure(_("Not marked"), words.number(found.unmarked), _("in no arm: their outcome is unknown"), defined="unmarked", rows="#arms"),
        *(
            Figure(_("No-shows avoided"), words.number(one.value),
                   _("between %(low)s and %(high)s, however often you look", low=words.number(one.low), high=words.number(one.high)),
                   defined="avoided_noshows", rows="#contrasts")
            for one in avoided
        ),
    ]  # fmt: skip


def _typed() -> dict[str, Any]:
    """The form as the API would be asked."""
    form = request.form
    steps = (
        [_step(place) for place in range(STEPS) if form.get(f"number_{place}")] if form.get("kind") == "other" else []
    )
    arm = {"name": "other" if form.get("kind") == "other" else "holdout", "share": _part("share"), "steps": steps}
    return {
        "name": form.get("name", ""), "policy_id": form.get("policy_id", ""), "arms": [arm],
        "guarded_service_ids": form.getlist("guarded"), "difference": _part("difference"),
    }  # fmt: skip


def _step(place: int) -> dict[str, Any]:
    number, unit = request.form[f"number_{place}"], request.form.get(f"unit_{place}")
    return {
        "offset": f"-PT{number}H" if unit == "hours" else f"-P{number}D",
        "channels": [request.form.get(f"channel_{place}", "sms")],
    }


def _part(name: str) -> float | str:
    """A share that was typed in percent; what is no number is left for the check to refuse."""
    text = request.form.get(name, "").replace(",", ".")
    try:
        return round(float(text) / 100, 6)
    except ValueError:
        return text


def _may_change() -> bool:
    found = sessions.visitor()
    return found is not None and found.role is Role.ADMIN


def _only_admins() -> None:
    if not _may_change():
        raise Forbidden()


def _again(problem: ReminderError | ValidationError, places: list[str], said: str = "") -> ResponseReturnValue:
    wrong = [_(_FIELDS[place]) for place in dict.fromkeys(places) if place in _FIELDS]
    said = said or _("This cannot be started. Please check:")
    return _page([trials.listing(use_cases().experiments.readings()), trials.sizes()], said, wrong, status_of(problem))


def _page(
    sheets: list[Any], problem: str = "", wrong: list[str] | None = None, status: int = 200
) -> ResponseReturnValue:  # fmt: skip
    snapshot = use_cases().catalogue.current()
    return render(
        "experiments", status, sheets=sheets, problem=problem, wrong=wrong or [], typed=request.form,
        may_change=_may_change(), policies=sorted(snapshot.policies.values(), key=lambda one: one.name),
        services=sorted((one for one in snapshot.services.values() if one.policy), key=lambda one: one.name),
        steps=range(STEPS), units=_translated(_UNITS), channels=_translated(_CHANNELS),
    )  # fmt: skip


def _translated(labels: dict[str, str]) -> dict[str, str]:
    return {name: _(label) for name, label in labels.items()}
