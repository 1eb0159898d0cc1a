"""What reminders save: compared fairly, with its uncertainty, or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from flask import Blueprint, request
from flask.typing import ResponseReturnValue

from reminders.domain.estimators import Interval
from reminders.domain.savings import LEAST_EVENTS, LEAST_VISITS, Caution, Comparison, State
from reminders.domain.worth import Worth
from reminders.services.savings import SavingsReport
from reminders.web.context import use_cases
from reminders.web.manage import words
from reminders.web.manage.figures import Figure
from reminders.web.manage.pages import render
from reminders.web.manage.period import asked, up_to
from reminders.web.manage.sheets import Chart, Column, Kind, Part, Sheet, download
from reminders.web.manage.words import N_, _

bp = Blueprint("savings", __name__)

_CAUTIONS = {
    Caution.NOT_AN_EXPERIMENT: N_("Nobody drew lots here: visits that are alike in everything recorded may still differ in what is not."),
    Caution.NAIVE_MISLEADS: N_("The plain comparison points the other way, because visits booked at short notice get no reminder and are missed less. Do not use it."),
    Caution.NAIVE_DISAGREES: N_("The plain comparison differs clearly from the fair one. Do not use it."),
    Caution.MANY_WITHOUT_PARTNER: N_("Many reminded visits had no comparable visit without a reminder; the figure speaks only for the others."),
}  # fmt: skip
#: What the published figure is; a test holds it to ``COCHRANE``.
PUBLISHED = N_(
    "Gurol-Urganci and others 2013, Cochrane Database of Systematic Reviews CD007458: attendance with text message reminders against none"
)
_PARTS = {
    "lead_days": N_("lead time"), "earlier_noshows": N_("earlier no-shows"), "weekday": N_("weekday"),
    "service": N_("service"),
}  # fmt: skip


@bp.get("/savings")
def show() -> ResponseReturnValue:
    period = asked()
    report = use_cases().savings.report(period.first, period.last)
    found = report.comparison
    measured, compared = (one.state is not State.NOT_ENOUGH_DATA for one in (report, found))
    sheets = [_groups(found), *([_ratios(found)] if compared else []), *map(_money, report.worth)]
    if "csv" in request.args:
        return download(sheets, request.args["csv"])
    return render(
        "savings", period=period, figures=list(_figures(report)) if measured else [], sheets=sheets, measured=measured,
        least_visits=LEAST_VISITS, least_events=LEAST_EVENTS, cautions=[_(_CAUTIONS[one]) for one in report.cautions], published=report.reference, published_text=_(PUBLISHED),
        notes=up_to(period, report.as_of),
    )  # fmt: skip


def _figures(report: SavingsReport) -> Iterator[Figure]:
    found = report.comparison
    if report.avoided:
        yield Figure(_("No-shows avoided"), words.number(report.avoided.value), _spread(report.avoided, words.number),
                     defined="avoided_noshows", rows="#groups")  # fmt: skip
    trial = report.decisive
    difference = trial.effect if trial else found.difference
    if difference:
        yield Figure(_("Change of the no-show rate, points"), words.points(difference.value),
                     _spread(difference, words.points), rows="" if trial else "#ratios",
                     defined="experiment_risk_difference" if trial else "adjusted_risk_difference")  # fmt: skip
    for one in report.worth:
        if one.net:
            low, high = (words.money(amount, one.currency, 0) for amount in (one.net.low, one.net.high))
            yield Figure(_("Savings, costs taken off"), words.money(one.net.value, one.currency, 0),
                         _("95 %% interval %(low)s to %(high)s", low=low, high=high), defined="net_savings",
                         rows=f"#money-{one.currency.lower()}")  # fmt: skip


def _spread(found: Interval, shown: Any) -> str:
    return _("95 %% interval %(low)s to %(high)s", low=shown(found.low), high=shown(found.high))


def _groups(found: Comparison) -> Sheet:
    """The visits that are compared."""
    columns = (
        Column("group", _("Visits"), Kind.TEXT), Column("visits", _("with a known outcome"), defined="known"),
        Column("missed", _("No-shows"), defined="noshow"), Column("share", _("No-show rate"), Kind.SHARE, defined="rate"),
    )  # fmt: skip
    arms = [(_("with a reminder"), found.reminded), (_("without"), found.others)]
    if found.adjusted:
        arms += [(_("with a reminder and a comparable partner"), found.adjusted.one),
                 (_("without, comparable"), found.adjusted.other)]  # fmt: skip
    rows = [
        {"group": name, "visits": arm.visits, "missed": arm.missed, "share": arm.share if arm.visits else None}
        for name, arm in arms
    ]
    note = _("Plain rates: they must not be compared with each other, only within equal lead times.")
    return Sheet("groups", _("Who is compared"), columns, rows, note=note)


def _ratios(found: Comparison) -> Sheet:
    """Fair and plain risk ratios with their intervals around 1."""
    lines = [(_("fair: equal %(parts)s", parts=_parts(found.by)), found.ratio, found.difference)]
    lines += [
        (_("coarser: equal %(parts)s", parts=_parts(by)), level.ratio, level.difference) for by, level in found.coarser
    ]
    lines.append((_("plain: for warning only"), found.naive_ratio, found.naive_difference))
    columns = (
        Column("label", _("Comparison"), Kind.TEXT, Part.LABEL),
        Column("ratio", _("Risk ratio"), Kind.NUMBER, Part.VALUE, "adjusted_risk_ratio", 3),
        Column("low", _("from"), Kind.NUMBER, Part.LOW, digits=3),
        Column("high", _("to"), Kind.NUMBER, Part.HIGH, digits=3),
        Column("difference", _("Difference, points"), Kind.POINTS, defined="adjusted_risk_difference"),
        Column("difference_low", _("from"), Kind.POINTS), Column("difference_high", _("to"), Kind.POINTS),
    )  # fmt: skip
    rows = [
        {"label": name, **_three("ratio", ratio, "low", "high"),
         **_three("difference", difference, "difference_low", "difference_high")}
        for name, ratio, difference in lines
    ]  # fmt: skip
    note = _(
        "No-show rate with a reminder over the rate without. Below 1, reminders avoid no-shows; an interval that contains 1 may be chance."
    )
    return Sheet("ratios", _("What reminders change"), columns, rows, Chart.FOREST, note)


def _three(name: str, found: Interval | None, low: str, high: str) -> dict[str, float | None]:
    return {name: found.value, low: found.low, high: found.high} if found else {name: None, low: None, high: None}


def _parts(by: tuple[str, ...]) -> str:
    return _(", ").join(_(_PARTS[part]) for part in by)


def _money(one: Worth) -> Sheet:
    """From avoided no-shows to money, line by line."""
    lines: list[tuple[str, Any, Any, Any]] = [
        (
            _("No-shows avoided × value of a slot × share not filled again"),
            one.gross.value,
            one.gross.low,
            one.gross.high,
        ),
        (_("− messages"), -one.messages, None, None),
        (_("− minutes of the desk (%(minutes)s)", minutes=words.number(one.staff_minutes)), -one.staff, None, None),
    ]
    if one.net:
        lines.append((_("= savings"), one.net.value, one.net.low, one.net.high))
    columns = (
        Column("label", _("Line"), Kind.TEXT), Column("amount", _("Amount"), Kind.MONEY, defined="gross_savings"),
        Column("low", _("from"), Kind.MONEY), Column("high", _("to"), Kind.MONEY),
    )  # fmt: skip
    rows = [
        {"label": name, "amount": amount, "low": low, "high": high, "currency": one.currency}
        for name, amount, low, high in lines
    ]
    refilled = words.percent(one.refilled.value) if one.refilled else words.NOTHING
    note = _("A slot is worth %(value)s on average; %(share)s of missed slots were filled again.",
             value=words.money(one.slot_value, one.currency), share=refilled)  # fmt: skip
    return Sheet(f"money-{one.currency.lower()}", _("What that is worth"), columns, rows, note=note)
