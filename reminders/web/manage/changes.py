"""What changed against the days before, and what of it is more than chance."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from reminders.domain.attendance import Attendance, AttendanceBy
from reminders.domain.estimators import Arm, Interval, risk_difference
from reminders.web.context import use_cases
from reminders.web.manage import labels, words
from reminders.web.manage.period import Period
from reminders.web.manage.sheets import Column, Kind, Sheet
from reminders.web.manage.words import N_, _

#: Where a change is looked for.
_PLACES = {
    AttendanceBy.LOCATION: N_("Location"), AttendanceBy.SERVICE: N_("Service"), AttendanceBy.PROVIDER: N_("Provider"),
    AttendanceBy.LANGUAGE: N_("Language"), AttendanceBy.LEAD_TIME: N_("Lead time"), AttendanceBy.CHANNEL: N_("Channel"),
}  # fmt: skip


def arm(counts: Attendance) -> Arm:
    """The visits of a rate."""
    return Arm(counts.noshow, counts.known)


def tone(difference: Interval | None) -> str:
    """Good or bad once a difference in no-shows is more than chance explains."""
    if difference is None or difference.holds(0):
        return ""
    return "bad" if difference.value > 0 else "good"


def sentence(difference: Interval | None) -> str:
    """A difference to the days before, in words."""
    if difference is None:
        return _("No visits to compare with in the days before.")
    said = _("%(points)s points against the days before", points=words.points(difference.value))
    if difference.holds(0):
        return _("%(said)s: may be chance", said=said)
    return _("%(said)s: more than chance", said=said)


def sheet(period: Period) -> Sheet | None:
    """Every group whose rate changed by more than chance explains, the largest change first; ``None`` when there are no
    days before."""
    if period.before is None:
        return None
    rows = sorted(_found(period, period.before), key=lambda row: -abs(row["difference"]))
    columns = (
        Column("group", _("Where"), Kind.TEXT), Column("rate", _("No-show rate"), Kind.SHARE, defined="rate"),
        Column("before", _("in the days before"), Kind.SHARE, defined="rate"),
        Column("difference", _("Difference, points"), Kind.POINTS), Column("low", _("from"), Kind.POINTS),
        Column("high", _("to"), Kind.POINTS), Column("known", _("Visits"), defined="known"),
    )  # fmt: skip
    note = _("Groups whose rate differs from the days before by more than chance explains (95 % interval of the "
             "difference). Of twenty groups in which nothing happened, about one shows up here all the same.")  # fmt: skip
    return Sheet(
        "changes", _("What changed"), columns, rows, note=note, empty=_("Nothing changed by more than chance explains.")
    )


def _found(now: Period, before: Period) -> Iterator[dict[str, Any]]:
    for by, head in _PLACES.items():
        earlier = dict(use_cases().attendance.report(before.first, before.last, by).groups)
        for group, counts in use_cases().attendance.report(now.first, now.last, by).groups:
            other = arm(earlier.get(group, Attendance()))
            found = risk_difference(arm(counts), other)
            if found is not None and not found.holds(0):
                yield {
                    "group": f"{_(head)}: {labels.group(by, group.id, group.label)}", "rate": arm(counts).share,
                    "before": other.share, "difference": found.value, "low": found.low, "high": found.high,
                    "known": counts.known,
                }  # fmt: skip
