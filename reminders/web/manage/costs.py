"""What reminding costs: charged and estimated money kept apart, and what is to come."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from flask import Blueprint, request
from flask.typing import ResponseReturnValue

from reminders.domain.measures import Basis, CostBy, Costs
from reminders.services.reports import CostReport
from reminders.web.context import use_cases
from reminders.web.manage import labels, spending, words
from reminders.web.manage.figures import Figure
from reminders.web.manage.messages import REMINDERS, rows_of
from reminders.web.manage.pages import render
from reminders.web.manage.period import Period, asked, up_to
from reminders.web.manage.sheets import Chart, Column, Kind, Part, Row, Sheet, download
from reminders.web.manage.words import N_, _

bp = Blueprint("costs", __name__)

_BREAKDOWNS = {
    CostBy.CHANNEL: N_("By channel"), CostBy.LANGUAGE: N_("By language"), CostBy.STEP: N_("By step of the policy"),
    CostBy.LOCATION: N_("By location"),
}  # fmt: skip
_HEADS = {
    CostBy.CHANNEL: N_("Channel"), CostBy.LANGUAGE: N_("Language"), CostBy.STEP: N_("Step"),
    CostBy.LOCATION: N_("Location"), CostBy.WEEK: N_("Week"),
}  # fmt: skip
_BASES = {
    Basis.ACTUAL: N_("charged by the provider"), Basis.ESTIMATED: N_("estimated, not charged yet"),
    Basis.MIXED: N_("partly charged, partly estimated"),
}  # fmt: skip


@bp.get("/costs")
def show() -> ResponseReturnValue:
    period = asked()
    spent = use_cases().spending.report(period.first, period.last)
    sheets = [spending.ahead(spent.forecast), _sheet(period, CostBy.WEEK, _("Week by week"), Chart.STACK)]
    links = [
        rows_of(period, kind=kind, channel=channel, currency=paid_in) for kind, channel, paid_in in sorted(spent.bills)
    ]
    sheets.append(spending.by_kind(spent, links))
    sheets += [_sheet(period, by, _(title), Chart.BARS) for by, title in _BREAKDOWNS.items()]
    if "csv" in request.args:
        return download(sheets, request.args["csv"])
    report = use_cases().reports.reminder_costs(period.first, period.last)
    return render("report", title=_("Costs"), period=period, sheets=sheets,
                  figures=_figures(report, period) + spending.figures(spent), notes=up_to(period, report.as_of))  # fmt: skip


def basis(found: Basis | None) -> str:
    """What an amount rests on."""
    return _(_BASES[found]) if found else _("no message has a price yet")


def _figures(report: CostReport, period: Period) -> list[Figure]:
    """Four per currency: all of it, and per reminder, confirmed and kept visit."""
    return [figure for line in report.totals if line.currency for figure in _of_currency(line, period)]


def _of_currency(line: Costs, period: Period) -> list[Figure]:
    spent, currency = line.spent, line.currency
    behind = rows_of(period, of=REMINDERS, currency=currency)
    pieces = (
        (_("per reminder"), spent.reminders, "cost_per_reminder"),
        (_("per confirmed visit"), spent.confirmed, "cost_per_confirmed_visit"),
        (_("per kept visit"), spent.kept, "cost_per_kept_visit"),
    )
    return [
        Figure(_("Reminders cost"), words.money(spent.total, currency), basis(spent.basis), defined="actual_cost", rows=behind),
        *(
            Figure(
                label, words.money(spent.per(count), currency, spending.DIGITS), _("divided by %(n)s", n=words.number(count)),
                defined=name, rows=behind,
            )
            for label, count, name in pieces
        ),
    ]  # fmt: skip


def _sheet(period: Period, by: CostBy, title: str, chart: Chart) -> Sheet:
    report = use_cases().reports.reminder_costs(period.first, period.last, by)
    rows = [row | {"label": labels.group(by, row["group"], row["label"])} for row in report.rows()]
    drawn = chart if len({row["currency"] for row in rows} - {None}) == 1 else Chart.NONE
    return Sheet(
        by.value, title, (Column("label", _(_HEADS[by]), Kind.TEXT, Part.LABEL), *_columns(chart)), rows, drawn,
        links=[_behind(period, by, row) for row in rows],
    )  # fmt: skip


def _behind(period: Period, by: CostBy, row: Row) -> str:
    """The address of the messages of a row; those of a week are a range of days."""
    wanted = {"of": REMINDERS, "currency": row["currency"] or ""}
    if by is not CostBy.WEEK:
        return rows_of(period, **wanted, **{by.value: row["group"]})
    monday = date.fromisoformat(f"{row['group']}-1")
    days = Period(monday, monday + timedelta(days=6))
    return rows_of(days.within(period), **wanted)


def _columns(chart: Chart) -> Sequence[Column]:
    money: dict[str, Any] = {"kind": Kind.MONEY}
    both = Part.VALUE if chart is Chart.STACK else Part.NONE
    return (
        Column("actual_cost", _("Charged"), part=both, defined="actual_cost", **money),
        Column("estimated_cost", _("Estimated"), part=both, defined="estimated_cost", **money),
        Column("cost_per_reminder", _("Per reminder"), part=Part.NONE if both else Part.VALUE,
               defined="cost_per_reminder", digits=spending.DIGITS, **money),
        Column("cost_per_confirmed_visit", _("Per confirmed visit"), defined="cost_per_confirmed_visit", digits=spending.DIGITS,
               **money),
        Column("cost_per_kept_visit", _("Per kept visit"), defined="cost_per_kept_visit", digits=spending.DIGITS, **money),
        Column("reminders", _("Reminders"), defined="reminders"),
        Column("delivered", _("Delivered"), defined="sent"),
        Column("failed", _("Failed"), defined="failed"),
        Column("messages", _("Messages"), defined="messages"),
        Column("segments", _("Segments"), defined="segments"),
    )  # fmt: skip
