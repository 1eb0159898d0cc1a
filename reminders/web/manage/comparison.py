"""What an assessment comes to, as tables and charts. Works from the stored result (docs/assessment.md)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from itertools import accumulate
from typing import Any

from reminders.web.manage import words
from reminders.web.manage.sheets import Chart, Column, Kind, Part, Sheet
from reminders.web.manage.words import N_, _

Result = Mapping[str, Any]

_MONEY: dict[str, Any] = {"kind": Kind.MONEY, "digits": 0}
_KPIS = {
    "answer_seconds": N_("Average speed of answer, seconds"), "first_call_resolution": N_("First-call resolution"),
    "abandonment": N_("Abandoned calls"), "booking_completion": N_("Booking completion"),
    "satisfaction": N_("Satisfaction"),
}  # fmt: skip
_CRITERIA = {
    "cost": N_("Cost"), "security": N_("Security"), "control": N_("Control"), "lock_in": N_("Freedom to leave"),
    "languages": N_("Languages"),
}  # fmt: skip
_MOST_BARS = 12


def sheets(result: Result) -> list[Sheet]:
    """Everything there is to show; parts without content are left out."""
    found = [
        _totals(result), _over_time(result), _units(result), _against(result), _staffing(result), _quality(result),
        _scores(result), _tornado(result), _simulated(result), _hidden(result), _contact(result),
    ]  # fmt: skip
    return [sheet for sheet in found if sheet is not None and sheet.rows]


def named(one: Mapping[str, Any]) -> str:
    """An option as tables call it."""
    return _("%(option)s, with automation", option=one["option"]) if one["automated"] else str(one["option"])


def _label() -> Column:
    return Column("label", _("Way of answering"), Kind.TEXT, Part.LABEL)


def _rows(result: Result, items: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    return [{"label": named(one), "currency": result["currency"], **one} for one in items]


def _totals(result: Result) -> Sheet:
    columns = (
        _label(), Column("one_off", _("Once"), **_MONEY), Column("running", _("Running"), **_MONEY),
        Column("hidden", _("Of it easily forgotten"), **_MONEY), Column("total", _("Total"), **_MONEY),
        Column("benefit", _("Benefit"), **_MONEY), Column("net", _("Net"), **_MONEY),
        Column("net_present", _("Net, present worth"), part=Part.VALUE, **_MONEY),
    )  # fmt: skip
    note = _("Over %(months)s months. The chart shows the net cost in present worth.", months=result["months"])
    return Sheet("totals", _("What it costs"), columns, _rows(result, result["options"]), Chart.BARS, note)


def _over_time(result: Result) -> Sheet:
    """Net cost so far, month by month; where lines cross, one way becomes cheaper than another."""
    plain = [one for one in result["options"] if not one["automated"]]
    columns = [Column("month", _("Month"), Kind.TEXT, Part.LABEL)]
    columns += [Column(f"o{place}", one["option"], part=Part.VALUE, **_MONEY) for place, one in enumerate(plain)]
    sums = [list(accumulate(Decimal(amount) for amount in one["flow"])) for one in plain]
    rows = [
        {
            "month": month + 1,
            "currency": result["currency"],
            **{f"o{place}": line[month] for place, line in enumerate(sums)},
        }
        for month in range(result["months"] if sums else 0)
    ]
    note = _("Net cost so far, without automation. Where lines cross, one way becomes cheaper than another.")
    return Sheet("over_time", _("Month by month"), columns, rows, Chart.LINES, note)


def _units(result: Result) -> Sheet | None:
    names = {
        "cost_per_call": _("Per call"), "cost_per_minute": _("Per minute"), "cost_per_booking": _("Per booking"),
        "cost_per_kept_visit": _("Per kept visit"),
    }  # fmt: skip
    if not any(one[name] for one in result["options"] for name in names):
        return None
    columns = [_label(), *(Column(name, label, Kind.MONEY) for name, label in names.items())]
    return Sheet("units", _("Cost per unit"), columns, _rows(result, result["options"]))


def _against(result: Result) -> Sheet:
    columns = (
        _label(), Column("gain", _("Gain"), **_MONEY), Column("gain_present", _("Gain, present worth"), **_MONEY),
        Column("roi", _("Return on investment"), Kind.SHARE, digits=0), Column("payback_month", _("Paid back in month")),
        Column("break_even_month", _("Ahead from month")), Column("overtaken_month", _("Behind from month")),
        Column("break_even_calls", _("Equal at calls a month")),
    )  # fmt: skip
    title = _("Against %(baseline)s", baseline=result["baseline"] or words.NOTHING)
    return Sheet("against", title, columns, _rows(result, result["comparisons"]))


def _staffing(result: Result) -> Sheet:
    columns = (
        _label(), Column("seats", _("Seats")), Column("agents", _("Full-time agents"), Kind.NUMBER),
        Column("answered", _("Answered in time"), Kind.SHARE), Column("wait_seconds", _("Mean wait, seconds"), Kind.NUMBER, digits=1),
        Column("occupancy", _("Occupancy"), Kind.SHARE),
    )  # fmt: skip
    rows = [{"label": named(one), **one["staffing"]} for one in result["options"] if one["staffing"]]
    return Sheet(
        "staffing", _("Staffing"), columns, rows, note=_("Erlang C for the busiest hour, with shrinkage and occupancy.")
    )


def _quality(result: Result) -> Sheet:
    columns = (
        Column("kpi", _("Measure"), Kind.TEXT), Column("label", _("Way of answering"), Kind.TEXT),
        Column("shown", _("Value"), Kind.TEXT), Column("wanted", _("Target"), Kind.TEXT),
        Column("met", _("Target met"), Kind.TEXT),
    )  # fmt: skip
    met = {True: _("yes"), False: _("no"), None: _("not known")}
    rows = [
        {"kpi": _kpi(one), "label": named(one), "shown": _measure(one, "value"),
         "wanted": _measure(one, "target"), "met": met[one["meets"]]}
        for one in result["kpis"] if not one["automated"]
    ]  # fmt: skip
    return Sheet("quality", _("Quality"), columns, rows)


def _kpi(one: Mapping[str, Any]) -> str:
    name = _KPIS[one["kpi"]]
    return _(name)


def _measure(one: Mapping[str, Any], name: str) -> str:
    value = one[name]
    return words.number(value, 1) if one["kpi"] == "answer_seconds" else words.percent(value, 0)


def _scores(result: Result) -> Sheet:
    weights = {name: weight for name, weight in result["weights"].items() if weight}
    columns = [_label(), Column("total", _("Score"), Kind.NUMBER, Part.VALUE)]
    columns += [
        Column(name, _("%(criterion)s (weight %(weight)s)", criterion=_(_CRITERIA[name]), weight=words.number(weight, 1)),
               Kind.NUMBER)
        for name, weight in weights.items()
    ]  # fmt: skip
    rows = [{"label": named(one), "total": one["total"], **one["points"]} for one in result["scores"]]
    return Sheet("scores", _("Weighed"), columns, rows, Chart.BARS, _("Points from 0 to 5, weighed as you said."))


def _tornado(result: Result) -> Sheet | None:
    found = result["tornado"]
    if not found:
        return None
    columns = (
        Column("label", _("Figure"), Kind.TEXT, Part.LABEL), Column("low", _("From"), Kind.NUMBER),
        Column("high", _("To"), Kind.NUMBER), Column("at_low", _("Cheaper by, from"), part=Part.LOW, **_MONEY),
        Column("at_high", _("Cheaper by, to"), part=Part.HIGH, **_MONEY), Column("turned", _("Turns the result"), Kind.TEXT),
    )  # fmt: skip
    rows = [
        bar | {"low": Decimal(bar["low"]), "high": Decimal(bar["high"]), "currency": result["currency"],
               "turned": _("yes") if bar["turns"] else _("no")}
        for bar in found["bars"][:_MOST_BARS]
    ]  # fmt: skip
    first, second = found["between"]
    note = _("By how much %(first)s is cheaper than %(second)s when one figure goes from one end of its range to the other.",
             first=first, second=second)  # fmt: skip
    return Sheet("tornado", _("What matters most"), columns, rows, Chart.TORNADO, note)


def _simulated(result: Result) -> Sheet | None:
    found = result["simulation"]
    if not found:
        return None
    columns = (
        _label(), Column("p50", _("Half of the runs below"), part=Part.VALUE, **_MONEY),
        Column("p5", _("5 % below"), part=Part.LOW, **_MONEY), Column("p95", _("95 % below"), part=Part.HIGH, **_MONEY),
        Column("cheapest", _("Cheapest of all"), Kind.SHARE),
    )  # fmt: skip
    note = _("%(runs)s runs with %(varied)s figures varied within their ranges; net present cost.",
             runs=words.number(found["runs"]), varied=found["varied"])  # fmt: skip
    return Sheet(
        "simulated", _("All figures varied at once"), columns, _rows(result, found["candidates"]), Chart.FOREST, note
    )


def _hidden(result: Result) -> Sheet:
    columns = (
        _label(), Column("name", _("Cost line"), Kind.TEXT), Column("total", _("Total"), **_MONEY),
    )  # fmt: skip
    rows = [
        {"label": named(one), "name": line["name"], "total": line["total"], "currency": result["currency"]}
        for one in result["options"] if not one["automated"] for line in one["lines"] if line["hidden"]
    ]  # fmt: skip
    return Sheet("hidden", _("Costs that are easily forgotten"), columns, rows)


def _contact(result: Result) -> Sheet | None:
    found = result["contact_cost"]
    if not found:
        return None
    currency = result["currency"]
    lines = [(one["name"], one["amount"]) for one in found["costs"]]
    lines += [(_("Tax"), found["tax"]), (_("Total"), found["total"]), (_("Cost per contact"), found["cost_per_contact"]),
              (_("Cost per minute"), found["cost_per_minute"])]  # fmt: skip
    columns = (Column("label", _("Line"), Kind.TEXT), Column("amount", _("Amount"), Kind.MONEY, digits=4))
    note = _("%(contacts)s contacts of the reference length; utilisation %(share)s.",
             contacts=words.number(Decimal(found["contacts"])), share=words.percent(found["utilisation"]))  # fmt: skip
    rows = [{"label": name, "amount": amount, "currency": currency} for name, amount in lines]
    return Sheet("contact", _("Cost per contact"), columns, rows, note=note)
