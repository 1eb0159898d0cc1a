"""Trials as tables and charts, and what to do with them in words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from flask import url_for

from reminders.domain.estimators import Interval, required_visits
from reminders.domain.experiment import USUAL, Advice, Contrast, Experiment, Reading, assigned
from reminders.domain.plan import Step
from reminders.web.context import use_cases
from reminders.web.manage import labels, words
from reminders.web.manage.period import latest, zone
from reminders.web.manage.sheets import Chart, Column, Kind, Part, Sheet
from reminders.web.manage.words import N_, _

_ADVICE = {
    Advice.WAIT: N_("Too little data for any statement yet. Go on."),
    Advice.CONTINUE: N_("Nothing is certain yet. Go on."),
    Advice.STOP_FEWER: N_("There are fewer no-shows in this arm than in the control, and that is certain enough. Stop the trial and give everybody these reminders."),
    Advice.STOP_MORE: N_("There are more no-shows in this arm than in the control. Stop the trial."),
    Advice.STOP_NO_MATTER: N_("Whatever difference there is, it is too small to matter. Stop the trial."),
}  # fmt: skip
_TONES = {
    Advice.WAIT: "note", Advice.CONTINUE: "note", Advice.STOP_FEWER: "done", Advice.STOP_MORE: "problem",
    Advice.STOP_NO_MATTER: "done",
}  # fmt: skip
#: What a trial could look like: share of the patients without reminders, and the difference to be found.
_SHARES, _DIFFERENCES = (0.05, 0.1, 0.2, 0.5), (0.02, 0.03, 0.05)
#: Days whose visits say how many to expect.
_PAST = 91


def listing(readings: Sequence[Reading]) -> Sheet:
    """Every trial with its state, the latest first."""
    columns = (
        Column("name", _("Experiment"), Kind.TEXT), Column("policy", _("Reminder policy"), Kind.TEXT),
        Column("started", _("Started"), Kind.DAY), Column("ended", _("Stopped"), Kind.DAY),
        Column("visits", _("First visits that count"), defined="required_visits"),
        Column("required", _("Needed"), defined="required_visits"), Column("advice", _("What to do"), Kind.TEXT),
    )  # fmt: skip
    links = [url_for("manage.experiments.one", experiment_id=found.experiment.uid) for found in readings]
    note = _(
        "Only a lot tells for certain what reminders do: part of the patients get none, or other ones, and all are compared."
    )
    return Sheet("experiments", _("Experiments"), columns, [_line(one) for one in readings], note=note,
                 empty=_("There was none yet."), links=links)  # fmt: skip


def sizes() -> Sheet:
    """How many visits different trials would need, and how long that takes at the present pace."""
    period = latest(_PAST)
    total = use_cases().attendance.report(period.first, period.last).total
    weekly = total.known / (_PAST / 7)
    base = total.rate.value if total.rate else 0.0
    columns = (
        Column("difference", _("Difference to find, points"), Kind.POINTS, defined="required_visits"),
        Column("share", _("Share without reminders"), Kind.SHARE, digits=0),
        Column("visits", _("First visits needed"), defined="required_visits"),
        Column("weeks", _("Weeks at the present pace")),
    )  # fmt: skip
    rows = [
        {"difference": -difference, "share": share, "visits": visits, "weeks": round(visits / weekly) if weekly else None}
        for difference in _DIFFERENCES if difference < base < 1
        for share in _SHARES for visits in [required_visits(base, difference, share)]
    ]  # fmt: skip
    note = _("At today's no-show rate of %(rate)s, with a power of 80 %%. Each patient counts once, so it takes longer where patients come often.",
             rate=words.percent(base)) if rows else ""  # fmt: skip
    return Sheet("sizes", _("How large a trial has to be"), columns, rows, note=note,
                 empty=_("Too few visits were missed in the last 13 weeks to say."))  # fmt: skip


def arms(found: Reading) -> Sheet:
    """Who drew what, and what became of their first visits."""
    trial = found.experiment
    shares = {USUAL: trial.usual_share} | {branch.name: branch.share for branch in trial.branches}
    gets = {USUAL: _("what the policy says")} | {branch.name: _steps(branch.steps) for branch in trial.branches}
    columns = (
        Column("label", _("Arm"), Kind.TEXT, Part.LABEL), Column("gets", _("What they get"), Kind.TEXT),
        Column("share", _("Share of the patients"), Kind.SHARE, digits=0), Column("visits", _("First visits that count"), defined="required_visits"),
        Column("noshow", _("No-shows"), defined="noshow"), Column("rate", _("Share missed"), Kind.SHARE, Part.VALUE, "risk_difference"),
        Column("cancelled", _("Cancelled"), defined="cancelled"), Column("unmarked", _("Not marked"), defined="unmarked"),
    )  # fmt: skip
    rows = [
        {"label": _arm(name, trial), "gets": gets[name], "share": share, "visits": counted.visits, "noshow": counted.missed,
         "rate": counted.share if counted.visits else None,
         "cancelled": found.counts[name].cancelled if name in found.counts else 0,
         "unmarked": found.counts[name].unmarked if name in found.counts else 0}
        for name, share in shares.items() for counted in [_counted(found, name)]
    ]  # fmt: skip
    return Sheet("arms", _("The arms"), columns, rows, Chart.BARS)


def contrasts(found: Reading) -> Sheet:
    """Each arm against the control, with the interval that holds however often one looks."""
    columns = (
        Column("label", _("Compared"), Kind.TEXT, Part.LABEL),
        Column("value", _("Difference, points"), Kind.POINTS, Part.VALUE, "sequential_risk_difference"),
        Column("low", _("from"), Kind.POINTS, Part.LOW), Column("high", _("to"), Kind.POINTS, Part.HIGH),
        Column("fixed_low", _("Read once: from"), Kind.POINTS, defined="risk_difference"),
        Column("fixed_high", _("to"), Kind.POINTS, defined="risk_difference"),
        Column("advice", _("What to do"), Kind.TEXT),
    )  # fmt: skip
    rows = [_contrast(one, found.experiment) for one in found.contrasts]
    drawn = Chart.FOREST if any(row["value"] is not None for row in rows) else Chart.NONE
    note = _(
        "Share missed in the arm minus share missed in the control; below 0, there are fewer no-shows. This interval holds at all times at once, so you may look as often as you like."
    )
    return Sheet("contrasts", _("What it has found"), columns, rows, drawn, note)


def advice(found: Reading) -> list[tuple[str, str, str]]:
    """For each arm: how it looks, which comparison, and what to do; nothing more to do once it was stopped."""
    if found.experiment.ended_at is not None:
        return []
    return [
        (_TONES[one.advice], _compared(one, found.experiment), _(_ADVICE[one.advice])) for one in found.contrasts
    ]  # fmt: skip


def days(trial: Experiment) -> str:
    """When it ran."""
    first = trial.started_at.astimezone(zone()).date()
    if trial.ended_at is None:
        return _("running since %(day)s", day=words.day(first))
    return words.span(first, trial.ended_at.astimezone(zone()).date())


def _line(found: Reading) -> dict[str, Any]:
    trial, place = found.experiment, zone()
    policies = use_cases().catalogue.current().policies.values()
    todo = [_(_ADVICE[one.advice]) for one in found.contrasts]
    return {
        "name": trial.name, "policy": next((one.name for one in policies if one.id == trial.policy_id), None),
        "started": trial.started_at.astimezone(place).date(),
        "ended": trial.ended_at.astimezone(place).date() if trial.ended_at else None,
        "visits": found.visits, "required": found.required,
        "advice": _("stopped") if trial.ended_at else " ".join(dict.fromkeys(todo)),
    }  # fmt: skip


def _contrast(one: Contrast, trial: Experiment) -> dict[str, Any]:
    return {
        "label": _compared(one, trial), "advice": _(_ADVICE[one.advice]),
        **dict(_bounds(one.sequential, "value", "low", "high")), **dict(_bounds(one.fixed, None, "fixed_low", "fixed_high")),
    }  # fmt: skip


def _bounds(found: Interval | None, value: str | None, low: str, high: str) -> Iterator[tuple[str, float | None]]:
    if value:
        yield value, found.value if found else None
    yield low, found.low if found else None
    yield high, found.high if found else None


def _compared(one: Contrast, trial: Experiment) -> str:
    return _("%(arm)s against %(control)s", arm=_arm(one.name, trial), control=_arm(trial.control, trial))


def _counted(found: Reading, name: str) -> Any:
    contrast = next((one for one in found.contrasts if one.name == name), None)
    if contrast is not None:
        return contrast.arm
    return found.contrasts[0].control if found.contrasts else assigned(found.counts[name])


def _arm(name: str, trial: Experiment) -> str:
    """The usual arm and one without reminders have names in every language."""
    if name == USUAL:
        return _("usual reminders")
    nothing = any(branch.is_holdout and branch.name == name for branch in trial.branches)
    return _("no reminders") if nothing and name == "holdout" else name


def _steps(steps: Sequence[Step]) -> str:
    return _(", ").join(_step(step) for step in steps) if steps else _("no reminders")


def _step(step: Step) -> str:
    """Such as "SMS 2 days before"."""
    days, hours = abs(step.offset.days), abs(step.offset.seconds) / 3600
    parts = []
    if days:
        parts.append(words.ngettext("%(num)s day", "%(num)s days", days) % {"num": words.number(days)})
    if hours:
        parts.append(_("%(num)s h", num=words.number(hours, 2)))
    channels = "/".join(labels.group("channel", one, one) for one in step.channels)
    return _("%(channel)s %(time)s before", channel=channels, time=" ".join(parts))
