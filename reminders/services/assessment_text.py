"""An assessment as a document in Markdown, for a decision paper or a printer. Works from the stored result."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

NONE = "–"
_BARS = 10
_KPIS = {
    "answer_seconds": "Average speed of answer", "first_call_resolution": "First-call resolution",
    "abandonment": "Abandoned calls", "booking_completion": "Booking completion", "satisfaction": "Satisfaction",
}  # fmt: skip

Result = Mapping[str, Any]
Row = Sequence[str]


def markdown(result: Result) -> str:
    """The whole assessment; sections without content are left out."""
    parts = (_head, _recommendation, _costs, _units, _comparisons, _horizons, _staffing, _kpis, _scores, _lines,
             _tornado, _simulation, _contact, _inputs)  # fmt: skip
    return "\n".join(line for part in parts for line in part(result)) + "\n"


def candidate(one: Mapping[str, Any]) -> str:
    """An option as tables name it."""
    return f"{one['option']} + automation" if one["automated"] else str(one["option"])


def money(amount: str | None) -> str:
    """Thousands apart; whole amounts above a thousand, since the cents of an estimate say nothing."""
    if amount is None:
        return NONE
    number = Decimal(amount)
    return f"{number:,.0f}" if abs(number) >= 1000 else f"{number:,.2f}"


def percent(share: float | None) -> str:
    return NONE if share is None else f"{share:.1%}"


def measure(kpi: str, value: float | None) -> str:
    """A quality measure as people write it."""
    if value is None:
        return NONE
    return f"{value:g} s" if kpi == "answer_seconds" else f"{value:.0%}"


def kpi_name(kpi: str) -> str:
    return _KPIS[kpi]


def criterion(name: str) -> str:
    return name.replace("_", "-").capitalize()


def number(value: Any) -> str:
    return NONE if value is None else f"{value:,}"


def _table(head: Row, rows: Iterable[Row]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield f"|{' --- |' * len(head)}"
    for row in rows:
        yield f"| {' | '.join(cell.replace('|', '/') for cell in row)} |"
    yield ""


def _head(result: Result) -> Iterator[str]:
    yield from (f"# {result['name']}", "")
    if result["options"]:
        rate = (
            f", discounted at {Decimal(result['discount_rate']):.1%} a year" if result["discount_rate"] != "0" else ""
        )
        yield from (f"{result['currency']}, {result['months']} months{rate}.", "")
    for text in (result["note"], result["source"] and f"Source: {result['source']}"):
        if text:
            yield from (text, "")


def _recommendation(result: Result) -> Iterator[str]:
    found = result["recommendation"]
    if found:
        yield from ("## Recommendation", "", f"**{found['headline']['sentence']}**", "")
        yield from (f"- {reason['sentence']}" for reason in found["reasons"])
        yield ""


def _costs(result: Result) -> Iterator[str]:
    if result["options"]:
        yield from ("## Cost", "")
        head = ("Option", "Once", "Running", "Of it easily forgotten", "Total", "Benefit", "Net", "Net, present worth")
        yield from _table(head, (
            (candidate(one), *(money(one[name]) for name in
             ("one_off", "running", "hidden", "total", "benefit", "net", "net_present")))
            for one in result["options"]
        ))  # fmt: skip


def _units(result: Result) -> Iterator[str]:
    names = ("cost_per_call", "cost_per_minute", "cost_per_booking", "cost_per_kept_visit")
    if any(one[name] for one in result["options"] for name in names):
        yield from ("## Cost per unit", "")
        yield from _table(("Option", "Per call", "Per minute", "Per booking", "Per kept visit"), (
            (candidate(one), *(NONE if one[name] is None else f"{Decimal(one[name]):,.2f}" for name in names))
            for one in result["options"]
        ))  # fmt: skip


def _comparisons(result: Result) -> Iterator[str]:
    if result["comparisons"]:
        yield from (f"## Against {result['baseline']}", "")
        head = ("Option", "Gain", "Gain, present worth", "ROI", "Payback, month", "Ahead from month", "Behind from month",
                "Equal at calls a month")  # fmt: skip
        yield from _table(head, (
            (candidate(one), money(one["gain"]), money(one["gain_present"]),
             NONE if one["roi"] is None else f"{one['roi']:.2f}",
             *(number(one[name]) for name in
               ("payback_month", "break_even_month", "overtaken_month", "break_even_calls")))
            for one in result["comparisons"]
        ))  # fmt: skip


def _horizons(result: Result) -> Iterator[str]:
    if result["options"]:
        months = [one["months"] for one in result["options"][0]["at_months"]]
        yield from ("## Paid after", "")
        yield from _table(("Option", "1 month", *(f"{count} months" for count in months)), (
            (candidate(one), money(one["first_month"]), *(money(at["paid"]) for at in one["at_months"]))
            for one in result["options"]
        ))  # fmt: skip


def _staffing(result: Result) -> Iterator[str]:
    staffed = [one for one in result["options"] if one["staffing"]]
    if staffed:
        yield from ("## Staffing", "")
        head = ("Option", "Seats", "Full-time agents", "Answered in time", "Mean wait", "Occupancy")
        yield from _table(head, (
            (candidate(one), str(found["seats"]), f"{found['agents']:.2f}", percent(found["answered"]),
             f"{found['wait_seconds']} s", percent(found["occupancy"]))
            for one in staffed for found in [one["staffing"]]
        ))  # fmt: skip


def _kpis(result: Result) -> Iterator[str]:
    if result["kpis"]:
        words = {True: "met", False: "missed", None: "not known"}
        yield from ("## Quality", "")
        yield from _table(("Measure", "Option", "Value", "Target", ""), (
            (_KPIS[one["kpi"]], candidate(one), measure(one["kpi"], one["value"]) + (" (Erlang C)" if one["computed"] else ""),
             measure(one["kpi"], one["target"]), words[one["meets"]])
            for one in result["kpis"] if not (one["value"] is None and one["automated"])
        ))  # fmt: skip


def _scores(result: Result) -> Iterator[str]:
    if result["scores"]:
        names = list(result["weights"])
        yield from ("## Weighed", "", "Points from 0 to 5; the weight stands in the heading.", "")
        yield from _table(("Option", *(f"{criterion(name)} ({result['weights'][name]:g})" for name in names), "Score"), (
            (candidate(one), *(f"{one['points'][name]:.2f}" if name in one["points"] else NONE for name in names),
             f"{one['total']:.2f}")
            for one in result["scores"]
        ))  # fmt: skip


def _lines(result: Result) -> Iterator[str]:
    for one in result["options"]:
        yield from (f"## Lines of {candidate(one)}", "")
        yield from _table(("Line", "Of", "When", "Per", "Each", "Total"), (
            (line["name"] + (" (easily forgotten)" if line["hidden"] else ""), line["owner"] or "automation",
             line["when"], line["per"].replace("_", " "), money(line["each"]), money(line["total"]))
            for line in one["lines"]
        ))  # fmt: skip


def _tornado(result: Result) -> Iterator[str]:
    found = result["tornado"]
    if found and found["bars"]:
        first, second = found["between"]
        yield from (
            "## What matters most",
            "",
            f"By how much {first} is cheaper than {second}, at either end of a range.",
            "",
        )
        yield from _table(("Figure", "From", "To", "Cheaper by, from", "Cheaper by, to", "Turns the result"), (
            (bar["label"], bar["low"], bar["high"], money(bar["at_low"]), money(bar["at_high"]), "yes" if bar["turns"] else "")
            for bar in found["bars"][:_BARS]
        ))  # fmt: skip


def _simulation(result: Result) -> Iterator[str]:
    found = result["simulation"]
    if found:
        yield from ("## All figures varied", "")
        yield from (f"{found['runs']:,} runs, {found['varied']} figures, net present cost; seed {found['seed']}.", "")
        yield from _table(("Option", "5 % below", "Half below", "95 % below", "Cheapest of all"), (
            (candidate(one), money(one["p5"]), money(one["p50"]), money(one["p95"]), percent(one["cheapest"]))
            for one in found["candidates"]
        ))  # fmt: skip


def _contact(result: Result) -> Iterator[str]:
    found = result["contact_cost"]
    if found:
        yield from ("## Cost per contact", "")
        rows = [(f"{one['name']}, converted", f"{Decimal(one['contacts']):,f}") for one in found["converted"]]
        rows += [("Contacts", f"{Decimal(found['contacts']):,f}"), ("Talk minutes", money(found["talk_minutes"]))]
        rows += [(one["name"], money(one["amount"])) for one in found["costs"]]
        rows += [("Tax", money(found["tax"])), ("Total", money(found["total"]))]
        rows += [
            ("Cost per contact", found["cost_per_contact"] or NONE),
            ("Cost per minute", found["cost_per_minute"] or NONE),
        ]
        rows += [("Utilisation", percent(found["utilisation"]))]
        yield from _table(("", result["currency"]), rows)


def _inputs(result: Result) -> Iterator[str]:
    words = {"measured": "measured", "user": "yours", "default": "default"}
    yield from ("## Figures", "")
    yield from _table(("Figure", "Value", "Range", "Basis", "Source"), (
        (one["label"], one["value"], f"{one['low']} to {one['high']}" if one["low"] is not None else "", words[one["basis"]],
         one["source"])
        for one in result["inputs"]
    ))  # fmt: skip
