"""Who comes and who does not: over time, by hour of the week, and by what visits have in common."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, request
from flask.typing import ResponseReturnValue

from reminders.domain.attendance import AttendanceBy
from reminders.services.attendance import HeatCell
from reminders.web.context import use_cases
from reminders.web.manage import labels, words
from reminders.web.manage.figures import Figure, interval, rows_of, unmarked
from reminders.web.manage.pages import render
from reminders.web.manage.period import Period, asked, up_to
from reminders.web.manage.sheets import Chart, Column, Kind, Part, Sheet, download
from reminders.web.manage.words import N_, _

bp = Blueprint("attendance", __name__)

#: Periods up to so many days are drawn by day, up to so many by week, longer ones by month.
_BY_DAY, _BY_WEEK = 35, 400
_TIMES = {AttendanceBy.DAY: N_("Day"), AttendanceBy.WEEK: N_("Week"), AttendanceBy.MONTH: N_("Month")}
#: Title, and what the first column is called.
_BREAKDOWNS = {
    AttendanceBy.LEAD_TIME: (N_("By lead time"), N_("Days from booking to visit")),
    AttendanceBy.CHANNEL: (N_("By channel of the reminders"), N_("Channel")),
    AttendanceBy.FIRST_VISIT: (N_("First visit or not"), N_("Visit")),
    AttendanceBy.SERVICE: (N_("By service"), N_("Service")),
    AttendanceBy.PROVIDER: (N_("By provider"), N_("Provider")),
    AttendanceBy.LOCATION: (N_("By location"), N_("Location")),
    AttendanceBy.LANGUAGE: (N_("By language"), N_("Language")),
}
#: The groups whose visits can be listed.
_LISTED = frozenset({"lead_time", "service", "provider", "location", "language"})
#: A cell of the heat map with fewer visits is left pale: its rate says next to nothing.
_FEW = 5


@bp.get("/attendance")
def show() -> ResponseReturnValue:
    period = asked()
    report = use_cases().attendance.report(period.first, period.last)
    total = report.total
    sheets = [trend(period), _heat_map(period), *(breakdown(period, by) for by in _BREAKDOWNS), _repeaters(period)]
    if "csv" in request.args:
        return download(sheets, request.args["csv"])
    figures = [
        Figure(_("No-show rate"), words.percent(total.rate.value if total.rate else None), interval(total.rate),
               defined="rate", rows=rows_of(period, outcome="noshow")),
        Figure(_("Slots lost too late to fill"), words.percent(total.lost.value if total.lost else None),
               interval(total.lost), defined="lost"),
        Figure(_("Slots filled again"), words.number(total.refilled + total.noshow_refilled),
               _("of %(count)s cancelled or missed", count=words.number(total.cancelled + total.noshow)),
               defined="refilled"),
        Figure(_("Moved visits"), words.number(total.moved), defined="moved"),
    ]  # fmt: skip
    return render("report", title=_("Attendance"), period=period, figures=figures, sheets=sheets,
                  notes=up_to(period, report.as_of) + unmarked(total.unmarked))  # fmt: skip


def trend(period: Period) -> Sheet:
    """The rate day by day, week by week or month by month, with its interval."""
    by = _step(period.length)
    label = Column("group", _(_TIMES[by]), Kind.TEXT, Part.LABEL)
    note = _("The band is the 95 % interval: with so few visits, the true rate may be anywhere in it.")
    return Sheet("trend", _("No-show rate over time"), (label, *_columns()), _rows(period, by), Chart.TREND, note)


def breakdown(period: Period, by: AttendanceBy) -> Sheet:
    """The rate of each group, with its interval and the way to its visits."""
    title, head = _BREAKDOWNS[by]
    rows = _rows(period, by)
    label = Column("label", _(head), Kind.TEXT, Part.LABEL)
    links = [rows_of(period, **{by.value: row["group"]}) if row["group"] and by in _LISTED else "" for row in rows]
    return Sheet(by.value, _(title), (label, *_columns()), rows, Chart.BARS, links=links)


def _step(days: int | None) -> AttendanceBy:
    if days is None or days > _BY_WEEK:
        return AttendanceBy.MONTH
    return AttendanceBy.DAY if days <= _BY_DAY else AttendanceBy.WEEK


def _columns() -> tuple[Column, ...]:
    return (
        Column("rate", _("No-show rate"), Kind.SHARE, Part.VALUE, "rate"),
        Column("rate_low", _("from"), Kind.SHARE, Part.LOW, "rate_low"),
        Column("rate_high", _("to"), Kind.SHARE, Part.HIGH, "rate_high"),
        Column("noshow", _("No-shows"), defined="noshow"),
        Column("kept", _("Kept"), defined="known"),
        Column("cancelled", _("Cancelled"), defined="cancelled"),
        Column("late_cancelled", _("of them late"), defined="late_cancelled"),
        Column("refilled", _("Filled again"), defined="refilled"),
        Column("unmarked", _("Not marked"), defined="unmarked"),
        Column("booked", _("Booked"), defined="booked"),
    )


def _rows(period: Period, by: AttendanceBy) -> list[dict[str, Any]]:
    report = use_cases().attendance.report(period.first, period.last, by)
    return [
        row | {"kept": row["fulfilled"] + row["arrived"], "label": labels.group(by, row["group"], row["label"])}
        for row in report.rows()
    ]


def _heat_map(period: Period) -> Sheet:
    """Weekdays down, hours across; a cell is the rate of the visits that begin then."""
    found = use_cases().attendance.heat_map(period.first, period.last)
    hours = sorted({cell.hour for cell in found.cells})
    columns = [Column("label", _("Weekday"), Kind.TEXT)]
    columns += [Column(f"{hour:02}", f"{hour:02}", Kind.SHARE, heat=True, digits=0) for hour in hours]
    rows = [_weekday(day, found.cells) for day in sorted({cell.weekday for cell in found.cells})]
    note = _("No-show rate by the hour in which visits begin. Pale cells have fewer than %(few)s visits.", few=_FEW)
    if found.untimed:
        note += " " + _("%(count)s visits without a time are left out.", count=words.number(found.untimed))
    return Sheet("heat_map", _("By hour of the week"), columns, rows, Chart.HEAT, note)


def _weekday(day: int, cells: tuple[HeatCell, ...]) -> dict[str, Any]:
    mine = [cell for cell in cells if cell.weekday == day]
    rates = {f"{cell.hour:02}": round(cell.rate.value, 6) for cell in mine if cell.rate}
    details = {
        f"{cell.hour:02}": _("%(missed)s of %(known)s", missed=words.number(cell.counts.noshow),
                             known=words.number(cell.counts.known))
        for cell in mine if cell.rate
    }  # fmt: skip
    few = {f"{cell.hour:02}" for cell in mine if cell.counts.known < _FEW}
    return {"label": words.weekday(day), "details": details, "few": few, **rates}


def _repeaters(period: Period) -> Sheet:
    """Patients by id: the desk can open their cards."""
    found = use_cases().attendance.repeaters(period.first, period.last, limit=20)
    columns = (
        Column("patient_id", _("Patient"), Kind.TEXT),
        Column("missed", _("No-shows"), defined="noshow"),
        Column("missed_on", _("The last one"), Kind.DAY),
    )
    note = _("Patients who missed two visits or more, at most 20. The desk can look them up by id.")
    return Sheet("repeaters", _("Repeated no-shows"), columns, found.rows(), note=note)
