"""The figures that matter, and what changed."""

from __future__ import annotations

from flask import Blueprint, request, url_for
from flask.typing import ResponseReturnValue

from reminders.domain.attendance import Attendance
from reminders.domain.estimators import risk_difference
from reminders.domain.savings import State
from reminders.services.attendance import AttendanceReport
from reminders.services.reports import CostReport
from reminders.services.savings import SavingsReport
from reminders.web.context import use_cases
from reminders.web.manage import attendance, changes, costs, words
from reminders.web.manage.figures import Figure, interval, rows_of, unmarked
from reminders.web.manage.pages import render
from reminders.web.manage.period import Period, asked, up_to
from reminders.web.manage.sheets import download
from reminders.web.manage.words import _

bp = Blueprint("overview", __name__)


@bp.get("/")
def show() -> ResponseReturnValue:
    period = asked()
    report, before = _attendance(period), _attendance(period.before).total if period.before else None
    visits = report.total
    found = changes.sheet(period)
    sheets = [attendance.trend(period), *([found] if found else [])]
    if "csv" in request.args:
        return download(sheets, request.args["csv"])
    spent = use_cases().reports.reminder_costs(period.first, period.last)
    saved = use_cases().savings.report(period.first, period.last)
    figures = [
        _missed(period, visits, before), _kept(period, visits, before), *_spent(period, spent), _saved(period, saved),
    ]  # fmt: skip
    ends = min(filter(None, (report.as_of, spent.as_of, saved.as_of)), default=None)
    return render("report", title=_("Overview"), period=period, figures=figures, sheets=sheets,
                  notes=up_to(period, ends) + unmarked(visits.unmarked))  # fmt: skip


def _attendance(period: Period) -> AttendanceReport:
    return use_cases().attendance.report(period.first, period.last)


def _missed(period: Period, visits: Attendance, before: Attendance | None) -> Figure:
    rate = visits.rate
    difference = risk_difference(changes.arm(visits), changes.arm(before)) if before else None
    return Figure(
        _("No-show rate"), words.percent(rate.value if rate else None), interval(rate),
        changes.sentence(difference) if before else "", changes.tone(difference), "rate",
        rows_of(period, outcome="noshow"),
    )  # fmt: skip


def _kept(period: Period, visits: Attendance, before: Attendance | None) -> Figure:
    came = visits.fulfilled + visits.arrived
    detail = _("%(booked)s booked, %(cancelled)s cancelled", booked=words.number(visits.booked),
               cancelled=words.number(visits.cancelled))  # fmt: skip
    change = _("%(count)s in the days before", count=words.number(before.fulfilled + before.arrived)) if before else ""
    return Figure(
        _("Visits kept"),
        words.number(came),
        detail,
        change,
        defined="fulfilled",
        rows=rows_of(period, outcome="fulfilled"),
    )


def _spent(period: Period, report: CostReport) -> list[Figure]:
    """One figure per currency."""
    address = url_for("manage.costs.show", **period.query())
    return [
        Figure(
            _("Reminders cost"), words.money(line.spent.total, line.currency), costs.basis(line.spent.basis),
            _("%(cost)s per kept visit", cost=words.money(line.spent.per(line.spent.kept), line.currency, 4)),
            defined="actual_cost", rows=address,
        )
        for line in report.totals if line.currency
    ]  # fmt: skip


def _saved(period: Period, report: SavingsReport) -> Figure:
    """Avoided no-shows, and their worth where it is known; no number where there is too little data."""
    address, label = url_for("manage.savings.show", **period.query()), _("No-shows avoided")
    avoided = report.avoided
    if report.state is State.NOT_ENOUGH_DATA or avoided is None:
        return Figure(label, words.NOTHING, _("Not enough data yet to tell."), defined="avoided_noshows", rows=address)
    detail = _("95 %% interval %(low)s to %(high)s", low=words.number(avoided.low), high=words.number(avoided.high))
    worth = next(((one.net, one.currency) for one in report.worth if one.net), None)
    change = _("worth %(money)s, costs taken off", money=words.money(worth[0].value, worth[1], 0)) if worth else ""
    return Figure(label, words.number(avoided.value), detail, change, defined="avoided_noshows", rows=address)
