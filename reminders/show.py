"""Reports and results of imports as tables for people, and as JSON and CSV for programs."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from reminders.domain.measures import Basis
from reminders.services.attendance import AttendanceReport
from reminders.services.csvfile import write_table
from reminders.services.imports import ImportResult
from reminders.services.report import Report
from reminders.services.reports import CostReport, NoShowReport
from reminders.services.savings import SavingsReport
from reminders.services.sync.calendarfile import FileResult

Row = dict[str, Any]
Column = tuple[str, Callable[[Row], str]]

_NONE = "–"


def write_report(report: Report, form: str, console: Console) -> None:
    """Print a report; ``form`` is table, json or csv. The last two go out as they are, without colours or wrapping."""
    if form == "table":
        console.print(table_of(report))
        for line in report.remarks if isinstance(report, SavingsReport) else []:
            console.print(Text(line))
    elif form == "json":
        console.file.write(as_json(report.as_dict()))
    else:
        console.file.write(as_csv(report.columns, report.rows()))


#: So many rejected events are listed one by one.
_MOST_REJECTS = 50


def write_import(result: ImportResult, console: Console) -> None:
    """Print what an import did, reject by reason, and where the rejects are."""
    console.print(import_table(result))
    speed = f"{result.read / result.seconds:,.0f} rows/s" if result.seconds else "no time at all"
    console.print(f"{result.read:,} rows in {result.seconds:.1f} s, {speed}", highlight=False)
    if result.rejects_path:
        console.print(Text(f"Rejected rows, each with its reason: {result.rejects_path}"), soft_wrap=True)
    if result.dry_run:
        console.print("Dry run: nothing was stored.")
    elif result.accepted == 0 and result.already_there:
        console.print("Nothing new: every row that can be taken was there already.")


def write_calendar_import(result: FileResult, console: Console, *, named: bool) -> None:
    """Print what became of a calendar file, with every event that was not taken in."""
    table = Table("Events", "")
    for label, count in (
        ("in the file", result.events), ("stored", result.stored), ("unchanged", result.unchanged),
        ("no longer in the file", result.removed), ("rejected", len(result.rejects)), ("with a doubt", len(result.doubts)),
    ):  # fmt: skip
        table.add_row(label, f"{count:,}")
    console.print(table)
    for name, count in sorted(result.others.items()):
        console.print(Text(f"{count:,} x {name} left aside: not an event."))
    for said in (result.rejects, result.doubts):
        for one in said[:_MOST_REJECTS]:
            console.print(
                Text(f"Line {one.line}, {one.uid[:80] or 'no UID'}: {one.sentence} ({one.code})"), soft_wrap=True
            )
        if len(said) > _MOST_REJECTS:
            console.print(f"and {len(said) - _MOST_REJECTS:,} more")
    if not named:
        console.print("Nothing was stored: say whose time it is with --provider ID.")
    elif result.dry_run:
        console.print("Dry run: nothing was stored.")


def as_json(report: dict[str, Any]) -> str:
    """A report as indented JSON; amounts stay texts, so that no cent is lost in a float."""
    return json.dumps(report, indent=2, ensure_ascii=False) + "\n"


def as_csv(columns: Sequence[str], rows: Sequence[Row]) -> str:
    """Rows under one header line (RFC 4180); what is unknown is left empty."""
    text = io.StringIO()
    write_table(text, columns, rows)
    return text.getvalue()


def table_of(report: Report) -> Table:
    """A report for a terminal."""
    match report:
        case NoShowReport():
            return no_show_table(report)
        case CostReport():
            return cost_table(report)
        case AttendanceReport():
            return attendance_table(report)
        case SavingsReport():
            return savings_table(report)
    return plain_table(report)


def plain_table(report: Report) -> Table:
    """Every column as it is."""
    columns: list[Column] = [(name.replace("_", " "), _plain(name)) for name in report.columns[1:]]
    rows = [{"label": str(row[report.columns[0]]), **row} for row in report.rows()]
    return _table("", report, columns, rows, [])


def attendance_table(report: AttendanceReport) -> Table:
    columns: list[Column] = [
        ("booked", _count("booked")),
        ("came", lambda row: f"{row['fulfilled'] + row['arrived']:,}"),
        ("no-show", _count("noshow")),
        ("can-\ncelled", _count("cancelled")),
        ("late", _count("late_cancelled")),
        ("re-\nfilled", lambda row: f"{row['refilled'] + row['noshow_refilled']:,}"),
        ("moved", _count("moved")),
        ("un-\nmarked", _count("unmarked")),
        ("no-show\nrate", lambda row: _NONE if row["rate"] is None else f"{row['rate']:.1%}"),
        ("95 %\ninterval", _interval),
    ]
    totals = [report.as_dict()["total"]] if len(report.groups) > 1 else []
    return _table("Attendance", report, columns, report.rows(), totals)


def savings_table(report: SavingsReport) -> Table:
    columns: list[Column] = [(name, _figure(name)) for name in ("value", "low", "high", "unit")]
    rows = [{"label": row["figure"].replace("_", " "), **row} for row in report.rows()]
    return _table("What reminders save", report, columns, rows, [])


def no_show_table(report: NoShowReport) -> Table:
    columns: list[Column] = [
        ("booked", _count("booked")),
        ("came", lambda row: f"{row['fulfilled'] + row['arrived']:,}"),
        ("no-show", _count("noshow")),
        ("cancelled", _count("cancelled")),
        ("unmarked", _count("unmarked")),
        ("upcoming", _count("upcoming")),
        ("no-show\nrate", lambda row: _NONE if row["rate"] is None else f"{row['rate']:.1%}"),
        ("95 %\ninterval", _interval),
    ]
    totals = [report.as_dict()["total"]] if len(report.groups) > 1 else []
    return _table("No-shows", report, columns, report.rows(), totals)


def cost_table(report: CostReport) -> Table:
    columns: list[Column] = [
        ("re-\nminders", _count("reminders")),
        ("imported", _count("imported")),
        ("messages", _count("messages")),
        ("segments", _count("segments")),
        ("actual", _amount("actual_cost", 2)),
        ("esti-\nmated", _amount("estimated_cost", 2)),
        ("per re-\nminder", _amount("cost_per_reminder")),
        ("per con-\nfirmed", _amount("cost_per_confirmed_visit")),
        ("per\nkept", _amount("cost_per_kept_visit")),
    ]
    rows = report.rows()
    totals = report.as_dict()["totals"] if len(rows) > len(report.totals) else []
    table = _table("Cost of reminders", report, columns, rows, totals)
    if any(row["basis"] not in (None, Basis.ACTUAL) for row in rows):
        table.caption = "Where the provider's price is not known yet, the costs per … rest on the estimate."
    return table


def import_table(result: ImportResult) -> Table:
    table = _empty("Dry run" if result.dry_run else "Import")
    for heading in ("rows", "number", "no-shows"):
        table.add_column(heading, justify="left" if heading == "rows" else "right")
    for row in result.rows():
        name = f"  {row['code']}" if row["code"] else row["outcome"].replace("_", " ")
        table.add_row(name, f"{row['rows']:,}", "" if row["noshows"] is None else f"{row['noshows']:,}")
    noshows = result.noshows_accepted + result.noshows_rejected + result.noshows_already_there
    table.add_section()
    table.add_row("read", f"{result.read:,}", f"{noshows:,}")
    return table


def _table(title: str, report: Report, columns: Sequence[Column], rows: Sequence[Row], totals: Sequence[Row]) -> Table:
    """Groups, then totals under a line. Columns in which nothing stands are left out, to fit a narrow screen."""
    span = " to ".join(str(day) for day in (report.first, report.last) if day)
    table = _empty(" ".join(part for part in (title, span) if part))
    used = [column for column in columns if any(column[1](row) not in ("0", _NONE) for row in rows)] or columns[:1]
    table.add_column("" if report.by == "none" else report.by.replace("_", " "))
    for heading, _ in used:
        table.add_column(heading, justify="right", overflow="fold")
    for row in rows:
        _add(table, row["label"], used, row)
    table.add_section()
    for row in totals:
        _add(table, "total", used, row)
    return table


def _empty(title: str) -> Table:
    return Table(title=title, box=box.SIMPLE_HEAD, pad_edge=False, collapse_padding=True, title_justify="left")


def _add(table: Table, label: str, columns: Sequence[Column], row: Row) -> None:
    currency = row.get("currency")
    table.add_row(Text(f"{label} {currency}" if currency else label), *(show(row) for _, show in columns))


def _count(name: str) -> Callable[[Row], str]:
    return lambda row: f"{row[name]:,}"


def _plain(name: str) -> Callable[[Row], str]:
    return lambda row: _NONE if row[name] is None else str(row[name])


def _figure(name: str) -> Callable[[Row], str]:
    """A share as a percentage, a count as a whole number, money as it is."""

    def show(row: Row) -> str:
        value = row[name]
        if not isinstance(value, float):
            return str(value)
        return {"share": f"{value:.1%}", "ratio": f"{value:.3f}"}.get(row["unit"], f"{value:,.0f}")

    return show


def _amount(name: str, decimals: int = 4) -> Callable[[Row], str]:
    return lambda row: _NONE if row[name] is None else f"{Decimal(row[name]):,.{decimals}f}"


def _interval(row: Row) -> str:
    return _NONE if row["rate"] is None else f"{row['rate_low'] * 100:.1f}–{row['rate_high']:.1%}"
