"""An assessment for a terminal."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich import box
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from reminders.services.assessment_text import (
    NONE,
    candidate,
    kpi_name,
    markdown,
    measure,
    money,
    number,
    percent,
)

_BARS = 8
_EMPTY = ("", NONE, "0.00")
_BASES = {"measured": "measured", "user": "yours", "default": "default"}

Result = Mapping[str, Any]


def write_assessment(result: Result, form: str, console: Console) -> None:
    """Print it; ``form`` is table, json or markdown. The last two go out as they are."""
    if form == "json":
        console.file.write(json.dumps(result, indent=2, ensure_ascii=False) + "\n")
    elif form == "markdown":
        console.file.write(markdown(result))
    else:
        _write_tables(result, console)


def _write_tables(result: Result, console: Console) -> None:
    console.print(Text(result["name"], style="bold"))
    for text in (result["note"], result["source"]):
        if text:
            console.print(Padding(Text(text, style="dim"), (0, 0, 0, 2)))
    if result["options"]:
        for table in (
            _costs(result),
            _units(result),
            _horizons(result),
            _comparisons(result),
            _quality(result),
            _risk(result),
        ):
            if table.row_count:
                console.print(table)
        _write_recommendation(result["recommendation"], console)
    if result["contact_cost"]:
        console.print(_contact(result))
    console.print(_inputs(result))


def _write_recommendation(found: Result, console: Console) -> None:
    console.print(Text(found["headline"]["sentence"], style="bold green"))
    for reason in found["reasons"]:
        console.print(Padding(Text(f"• {reason['sentence']}"), (0, 0, 0, 2)))
    console.print()


def _table(title: str, head: Sequence[str], rows: Iterable[Sequence[str]]) -> Table:
    """Names to the left, numbers to the right; columns in which nothing stands are left out."""
    rows = list(rows)
    used = [place for place in range(len(head)) if place == 0 or any(row[place] not in _EMPTY for row in rows)]
    table = Table(title=title, box=box.SIMPLE_HEAD, pad_edge=False, collapse_padding=True, title_justify="left")
    for place in used:
        table.add_column(head[place], justify="right" if place else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(row[place]) for place in used))
    return table


def _costs(result: Result) -> Table:
    names = ("one_off", "running", "total", "benefit", "net", "net_present")
    head = ("", "once", "running", "total", "benefit", "net", "net, present")
    return _table(
        f"Cost over {result['months']} months, {result['currency']}", head,
        ((candidate(one), *(money(one[name]) for name in names)) for one in result["options"]),
    )  # fmt: skip


def _units(result: Result) -> Table:
    names = ("cost_per_call", "cost_per_minute", "cost_per_booking", "cost_per_kept_visit", "hidden")
    head = ("", "per call", "per minute", "per booking", "per kept visit", "easily forgotten, in all")
    return _table(
        "Cost per unit", head, ((candidate(one), *(money(one[name]) for name in names)) for one in result["options"])
    )


def _horizons(result: Result) -> Table:
    months = [at["months"] for at in result["options"][0]["at_months"]]
    return _table("Paid after", ("", "1 month", *(f"{count} months" for count in months), "seats", "agents"), (
        (candidate(one), money(one["first_month"]), *(money(at["paid"]) for at in one["at_months"]),
         one["seats"] or NONE, f"{one['staffing']['agents']:.2f}" if one["staffing"] else NONE)
        for one in result["options"]
    ))  # fmt: skip


def _comparisons(result: Result) -> Table:
    head = (
        "",
        "gain",
        "ROI",
        "pays back\nin month",
        "ahead\nfrom month",
        "behind\nfrom month",
        "equal at\ncalls a month",
    )
    return _table(f"Against {result['baseline']}", head, (
        (candidate(one), money(one["gain"]), NONE if one["roi"] is None else f"{one['roi']:.2f}",
         *(number(one[name]) for name in ("payback_month", "break_even_month", "overtaken_month", "break_even_calls")))
        for one in result["comparisons"]
    ))  # fmt: skip


def _quality(result: Result) -> Table:
    plain = [one for one in result["options"] if not one["automated"]]
    cells = {(one["kpi"], one["option"]): one for one in result["kpis"] if not one["automated"]}
    kpis = list(dict.fromkeys(one["kpi"] for one in result["kpis"]))
    rows = []
    for option in plain:
        found = [cells[kpi, option["option"]] for kpi in kpis]
        shown = [measure(cell["kpi"], cell["value"]) + (" ✗" if cell["meets"] is False else "") for cell in found]
        score = next(
            one["total"] for one in result["scores"] if (one["option"], one["automated"]) == (option["option"], False)
        )
        rows.append((option["option"], *shown, percent(option["language_coverage"]), f"{score:.2f}"))
    return _table(
        "Quality (✗ misses the target) and weighted score", ("", *map(kpi_name, kpis), "languages", "score"), rows
    )


def _risk(result: Result) -> Table:
    found = result["tornado"]
    if not found:
        return _table("", ("",), [])
    first, second = found["between"]
    return _table(f"By how much {first} is cheaper than {second}", ("if …", "is", "then", "is", "then"), (
        (bar["label"], bar["low"], money(bar["at_low"]), bar["high"], money(bar["at_high"])) for bar in found["bars"][:_BARS]
    ))  # fmt: skip


def _contact(result: Result) -> Table:
    found = result["contact_cost"]
    rows = [(f"{one['name']}, converted", f"{int(one['contacts']):,}") for one in found["converted"]]
    rows += [("contacts", f"{int(found['contacts']):,}"), ("talk minutes", money(found["talk_minutes"]))]
    rows += [(one["name"], money(one["amount"])) for one in found["costs"]]
    rows += [("tax", money(found["tax"])), ("total", money(found["total"]))]
    rows += [
        ("cost per contact", found["cost_per_contact"] or NONE),
        ("cost per minute", found["cost_per_minute"] or NONE),
    ]
    rows += [("utilisation", percent(found["utilisation"]))]
    return _table("Cost per contact", ("", result["currency"]), rows)


def _inputs(result: Result) -> Table:
    return _table("Figures", ("", "value", "from", "to", "basis"), (
        (one["label"], one["value"], one["low"] or "", one["high"] or "", _BASES[one["basis"]]) for one in result["inputs"]
    ))  # fmt: skip
