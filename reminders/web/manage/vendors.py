"""Answering services with their prices, and the quotes that the clinic got itself."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, redirect, request, url_for
from flask.typing import ResponseReturnValue
from pydantic import ValidationError

from reminders.domain.actor import Actor
from reminders.web import sessions
from reminders.web.assessments import vendor_out
from reminders.web.context import use_cases
from reminders.web.manage import labels
from reminders.web.manage.pages import render, status_of
from reminders.web.manage.sheets import Column, Kind, Sheet, download
from reminders.web.manage.words import N_, _
from reminders.web.schemas.assessments import QuoteIn

bp = Blueprint("vendors", __name__)

_FIELDS = {
    "name": N_("Name"), "plan": N_("Plan"), "currency": N_("Currency"), "month_low": N_("Lowest price a month"),
    "month_high": N_("Highest price a month"), "billing": N_("How it is charged"), "languages": N_("Languages"),
    "integrations": N_("CRMs and calendars"), "compliance": N_("Compliance"), "dated": N_("Day of the offer"),
    "source": N_("Source"),
}  # fmt: skip
#: Fields that hold several words, with commas between.
_LISTS = ("languages", "integrations", "compliance")


@bp.get("/vendors")
def show() -> ResponseReturnValue:
    sheet = _sheet()
    if "csv" in request.args:
        return download([sheet], request.args["csv"])
    return _page(sheet)


@bp.post("/vendors")
def add() -> ResponseReturnValue:
    """Keep a quote, or show the form again with what is wrong."""
    try:
        quote = QuoteIn.model_validate(_typed())
    except ValidationError as problem:
        places = (item["loc"] or ("month_low",) for item in problem.errors(include_url=False, include_input=False))
        wrong = [_(_FIELDS[str(place[0])]) for place in places if str(place[0]) in _FIELDS]
        return _page(_sheet(), list(dict.fromkeys(wrong)), status_of(problem))
    found = sessions.visitor()
    use_cases().assessments.add_quote(quote.model_dump(mode="json"), Actor(found.user_id if found else "", "pages"))
    return redirect(url_for(".show", done="added"), 303)


def _typed() -> dict[str, Any]:
    given: dict[str, Any] = {name: request.form.get(name, "").strip() for name in _FIELDS}
    for name in _LISTS:
        given[name] = [part.strip() for part in given[name].split(",") if part.strip()]
    return given | {"currency": given["currency"].upper(), "open_ended": "open_ended" in request.form}


def _sheet() -> Sheet:
    columns = (
        Column("name", _("Vendor"), Kind.TEXT), Column("plan", _("Plan"), Kind.TEXT),
        Column("month_low", _("A month, from"), Kind.MONEY, digits=0), Column("month_high", _("to"), Kind.MONEY, digits=0),
        Column("more", _("and more"), Kind.TEXT), Column("billing", _("How it is charged"), Kind.TEXT),
        Column("spoken", _("Languages"), Kind.TEXT), Column("works_with", _("CRMs and calendars"), Kind.TEXT),
        Column("complies", _("Compliance"), Kind.TEXT), Column("dated", _("Day of the offer"), Kind.DAY),
        Column("source", _("Source"), Kind.TEXT), Column("whose", _("Whose"), Kind.TEXT),
    )  # fmt: skip
    note = _(
        "Prices of the list are orders of magnitude: ask for a quote, and keep it here. Each can be put into a scenario."
    )
    rows = [_row(vendor_out(one)) for one in use_cases().assessments.vendors()]
    return Sheet("vendors", _("Answering services"), columns, rows, note=note)


def _row(one: dict[str, Any]) -> dict[str, Any]:
    comma = _(", ")
    return one | {
        "more": _("yes") if one["open_ended"] else _("no"), "spoken": comma.join(map(labels.language, one["languages"])),
        "works_with": comma.join(one["integrations"]), "complies": comma.join(one["compliance"]),
        "whose": _("your quote") if one["own"] else _("the list"),
    }  # fmt: skip


def _page(sheet: Sheet, wrong: list[str] | None = None, status: int = 200) -> ResponseReturnValue:
    done = _("The quote is kept.") if request.args.get("done") == "added" else ""
    labelled = {name: _(label) for name, label in _FIELDS.items()}
    return render("vendors", status, sheet=sheet, wrong=wrong or [], typed=request.form, labels=labelled, done=done)
