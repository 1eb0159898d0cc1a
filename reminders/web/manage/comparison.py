"""What an assessment comes to, as tables and charts. Works from the stored result (docs/assessment.md)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from itertools import accumulate
from typing import Any

from reminders.web.manage import words
from reminders.web.manage.sheets import Chart, Column, Kind, Part, Sheet
from reminders.web.manage.terms import figure
from reminders.web.manage.words import N_, _

Result = Mapping[str, Any]

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


def _money(key: str, label: str, defined: str, part: Part = Part.NONE) -> Column:
    """Whole units of money; ``defined`` is an anchor in docs/assessment.md."""
    return Column(key, label, Kind.MONEY, part, f"assessment#{defined}", 0)


def _unit(key: str, label: str, kind: Kind, digits: int | None = None) -> Column:
    """What the documentation defines under its own name."""
    return Column(key, label, kind, defined=f"assessment#{key}", digits=digits)


def _label() -> Column:
    return Column("label", _("Way of answering"), Kind.TEXT, Part.LABEL)


def _rows(result: Result, items: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    return [{"label": named(one), "currency": result["currency"], **one} for one in items]


def _totals(result: Result) -> Sheet:
    columns = (
        _label(), _money("one_off", _("Once"), "one_off"), _money("running", _("Running"), "running"),
        _money("hidden", _("Of it easily forgotten"), "hidden"), _money("total", _("Total"), "total"),
        _money("benefit", _("Benefit"), "benefit"), _money("net", _("Net"), "net"),
        _money("net_present", _("Net, present worth"), "net_present", Part.VALUE),
    )  # fmt: skip
    note = _("Over %(months)s months. The chart shows the net cost in present worth.", months=result["months"])
    return Sheet("totals", _("What it costs"), columns, _rows(result, result["options"]), Chart.BARS, note)


def _over_time(result: Result) -> Sheet:
    """Net cost so far, month by month; where lines cross, one way becomes cheaper than another."""
    plain = [one for one in result["options"] if not one["automated"]]
    columns = [Column("month", _("Month"), Kind.TEXT, Part.LABEL)]
    columns += [_money(f"o{place}", one["option"], "flow", Part.VALUE) for place, one in enumerate(plain)]
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
    columns = [
        _label(),
        *(Column(name, label, Kind.MONEY, defined=f"assessment#{name}") for name, label in names.items()),
    ]
    return Sheet("units", _("Cost per unit"), columns, _rows(result, result["options"]))


def _against(result: Result) -> Sheet:
    columns = (
        _label(), _money("gain", _("Gain"), "gain"), _money("gain_present", _("Gain, present worth"), "gain_present"),
        _unit("roi", _("Return on investment"), Kind.SHARE, digits=0), _unit("payback_month", _("Paid back in month"), Kind.COUNT),
        _unit("break_even_month", _("Ahead from month"), Kind.COUNT), _unit("overtaken_month", _("Behind from month"), Kind.COUNT),
        _unit("break_even_calls", _("Equal at calls a month"), Kind.COUNT),
    )  # fmt: skip
    title = _("Against %(baseline)s", baseline=result["baseline"] or words.NOTHING)
    return Sheet("against", title, columns, _rows(result, result["comparisons"]))


def _staffing(result: Result) -> Sheet:
    columns = (
        _label(), _unit("seats", _("Seats"), Kind.COUNT), _unit("agents", _("Full-time agents"), Kind.NUMBER),
        _unit("answered", _("Answered in time"), Kind.SHARE), _unit("wait_seconds", _("Mean wait, seconds"), Kind.NUMBER, digits=1),
        _unit("occupancy", _("Occupancy"), Kind.SHARE),
    )  # fmt: skip
    rows = [{"label": named(one), **one["staffing"]} for one in result["options"] if one["staffing"]]
    return Sheet(
        "staffing", _("Staffing"), columns, rows, note=_("Erlang C for the busiest hour, with shrinkage and occupancy.")
    )


def _quality(result: Result) -> Sheet:
    columns = (
        Column("kpi", _("Measure"), Kind.TEXT, defined="assessment#kpis"), Column("label", _("Way of answering"), Kind.TEXT),
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
    columns = [_label(), Column("total", _("Score"), Kind.NUMBER, Part.VALUE, defined="assessment#points")]
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
        Column("high", _("To"), Kind.NUMBER), _money("at_low", _("Cheaper by, from"), "bars", Part.LOW),
        _money("at_high", _("Cheaper by, to"), "bars", Part.HIGH), Column("turned", _("Turns the result"), Kind.TEXT),
    )  # fmt: skip
    rows = [
        bar | {"label": figure(bar["label"]), "low": Decimal(bar["low"]), "high": Decimal(bar["high"]), "currency": result["currency"],
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
        _label(), _money("p50", _("Half of the runs below"), "p50", Part.VALUE),
        _money("p5", _("5 % below"), "p5", Part.LOW), _money("p95", _("95 % below"), "p95", Part.HIGH),
        _unit("cheapest", _("Cheapest of all"), Kind.SHARE),
    )  # fmt: skip
    note = _("%(runs)s runs with %(varied)s figures varied within their ranges; net present cost.",
             runs=words.number(found["runs"]), varied=found["varied"])  # fmt: skip
    return Sheet(
        "simulated", _("All figures varied at once"), columns, _rows(result, found["candidates"]), Chart.FOREST, note
    )


def _hidden(result: Result) -> Sheet:
    columns = (
        _label(), Column("name", _("Cost line"), Kind.TEXT), _money("total", _("Total"), "total"),
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
    columns = (
        Column("label", _("Line"), Kind.TEXT),
        Column("amount", _("Amount"), Kind.MONEY, defined="assessment#cost_per_contact", digits=4),
    )
    note = _("%(contacts)s contacts of the reference length; utilisation %(share)s.",
             contacts=words.number(Decimal(found["contacts"])), share=words.percent(found["utilisation"]))  # fmt: skip
    rows = [{"label": name, "amount": amount, "currency": currency} for name, amount in lines]
    return Sheet("contact", _("Cost per contact"), columns, rows, note=note)
