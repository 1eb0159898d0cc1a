"""How good the risks behind the desk's call list are: whether they rank right, mean what they say, and for whom."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from flask import Blueprint, request
from flask.typing import ResponseReturnValue

from reminders.domain.accuracy import FLAGGED
from reminders.services.risk import RiskReport
from reminders.web.context import use_cases
from reminders.web.manage import labels, words
from reminders.web.manage.figures import Figure
from reminders.web.manage.pages import render
from reminders.web.manage.period import asked
from reminders.web.manage.sheets import Chart, Column, Kind, Part, Sheet, download
from reminders.web.manage.words import N_, _

bp = Blueprint("risk", __name__)

_VERDICTS = {
    "fair": N_("means what it says"), "overestimated": N_("too high"), "underestimated": N_("too low"),
    "few": N_("too few visits to tell"),
}  # fmt: skip
_DRIFTS = {
    "overestimated": N_("Fewer visits were missed than the risks say: %(observed)s, not %(predicted)s. So most groups look overestimated; the last column says which of them more than the others."),
    "underestimated": N_("More visits were missed than the risks say: %(observed)s, not %(predicted)s. So most groups look underestimated; the last column says which of them more than the others."),
}  # fmt: skip
_RIVALS = {"model": N_("trained model"), "lead_time_alone": N_("lead time alone"), "rule": N_("fixed rule")}
_GROUPS = {"all": N_("all visits"), "language": N_("language"), "age": N_("age")}


@bp.get("/risk")
def show() -> ResponseReturnValue:
    period = asked()
    report = use_cases().risks.report(period.first, period.last)
    held_out = report.model["held_out"]
    sheets = [_calibration(report), _fairness(report), *([_rivals(held_out)] if held_out else [])]
    if "csv" in request.args:
        return download(sheets, request.args["csv"])
    return render("report", title=_("Risk of a no-show"), period=period, figures=list(_figures(report)),
                  sheets=sheets, notes=list(_notes(report)))  # fmt: skip


def _figures(report: RiskReport) -> Iterator[Figure]:
    found = report.quality
    if found is None:
        return
    yield Figure(_("Ranking (AUC)"), words.number(found.auc, 3), _("0.5 is guessing, 1 is perfect."), defined="auc")
    yield Figure(_("No-shows expected"), words.number(found.expected),
                 _("%(missed)s happened among %(visits)s visits", missed=words.number(found.missed),
                   visits=words.number(found.visits)), defined="expected_noshows")  # fmt: skip
    if found.line:
        yield Figure(_("Calibration slope"), words.number(found.line.slope, 2),
                     _("1 is right; below 1 the risks lie too far apart."), defined="calibration_slope")  # fmt: skip


def _notes(report: RiskReport) -> Iterator[str]:
    if report.model["version"]:
        yield _("The risks come from model %(version)s, trained on the clinic’s own visits up to %(day)s.",
                version=report.model["version"], day=report.model["to"])  # fmt: skip
    else:
        yield _("The risks come from a fixed rule; no trained model is in use.")
    if report.learnt:
        yield _("The model learnt from some of these visits, so these figures flatter it. Choose later days.")
    drifted = report.fairness[0].verdict if report.fairness else ""
    if drifted in _DRIFTS:
        missed = report.fairness[0]
        yield _(
            _DRIFTS[drifted], observed=words.percent(missed.observed.value), predicted=words.percent(missed.predicted)
        )
    yield _("These risks choose whom to call. They are not meant for overbooking or for refusing anybody.")


def _calibration(report: RiskReport) -> Sheet:
    """Tenths of the visits by risk: what was predicted, what happened."""
    columns = (
        Column("label", _("Tenth"), Kind.TEXT, Part.LABEL),
        Column("observed", _("Missed"), Kind.SHARE, Part.VALUE, "observed"),
        Column("low", _("from"), Kind.SHARE, Part.LOW), Column("high", _("to"), Kind.SHARE, Part.HIGH),
        Column("predicted", _("Predicted"), Kind.SHARE, Part.REFERENCE, "predicted"),
        Column("visits", _("Visits")),
    )  # fmt: skip
    rows = [
        {"label": words.number(place), "observed": one.missed.value, "low": one.missed.low, "high": one.missed.high,
         "predicted": one.predicted, "visits": one.visits}
        for place, one in enumerate(report.quality.bins if report.quality else (), 1)
    ]  # fmt: skip
    note = _("Visits in tenths, from the lowest risk to the highest. The dashed line is what was predicted.")
    return Sheet("calibration", _("Do the risks mean what they say?"), columns, rows, Chart.TREND, note)


def _fairness(report: RiskReport) -> Sheet:
    columns = (
        Column("by", _("By"), Kind.TEXT), Column("label", _("Group"), Kind.TEXT),
        Column("visits", _("Visits")), Column("noshow", _("No-shows"), defined="noshow"),
        Column("predicted", _("Predicted"), Kind.SHARE, defined="predicted"),
        Column("observed", _("Missed"), Kind.SHARE, defined="observed"),
        Column("observed_low", _("from"), Kind.SHARE), Column("observed_high", _("to"), Kind.SHARE),
        Column("auc", _("Ranking (AUC)"), Kind.NUMBER, defined="auc", digits=3),
        Column("flagged", _("Flagged"), Kind.SHARE, defined="flagged"),
        Column("caught", _("No-shows flagged"), Kind.SHARE, defined="caught"),
        Column("said", _("The mean risk is"), Kind.TEXT, defined="verdict"),
        Column("said_beside", _("Beside all visits"), Kind.TEXT, defined="verdict_beside_all"),
    )  # fmt: skip
    note = _("The %(share)s of all visits with the highest risks are flagged. Groups may be flagged differently often; their risks have to mean what they say.",
             share=words.percent(FLAGGED, 0))  # fmt: skip
    return Sheet("fairness", _("By language and age"), columns, [_group(row) for row in report.rows()], note=note)


def _group(row: dict[str, Any]) -> dict[str, Any]:
    label = labels.language(row["group"]) if row["by"] == "language" else row["group"]
    label = {"all": "", "unknown": _("unknown")}.get(row["group"], label)
    by, said, beside = _GROUPS[row["by"]], _VERDICTS[row["verdict"]], _VERDICTS[row["verdict_beside_all"]]
    return row | {"by": _(by), "label": label, "said": _(said), "said_beside": _(beside)}


def _rivals(held_out: dict[str, Any]) -> Sheet:
    """How the model did on visits it had not learnt from, when it was trained."""
    columns = (
        Column("label", _("Prediction"), Kind.TEXT, Part.LABEL),
        Column("auc", _("Ranking (AUC)"), Kind.NUMBER, Part.VALUE, "auc", 3),
        Column("log_loss", _("Log loss"), Kind.NUMBER, defined="log_loss", digits=4),
        Column("brier", _("Brier score"), Kind.NUMBER, defined="brier", digits=4),
        Column("expected_noshows", _("No-shows expected"), Kind.NUMBER, digits=0, defined="expected_noshows"),
        Column("noshows", _("No-shows"), defined="noshow"),
    )  # fmt: skip
    rows = [{"label": _(name), **held_out[key]} for key, name in _RIVALS.items() if key in held_out]
    note = _("On the last weeks of the visits it was trained with, which it had not learnt from then.")
    return Sheet("rivals", _("Beside simpler predictions"), columns, rows, note=note)
