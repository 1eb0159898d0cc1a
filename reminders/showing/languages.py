"""`reminders languages`: every language, how complete it is, and what its texts cost, as table, JSON or CSV."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from reminders.domain.cost import RateCard
from reminders.domain.delivery import Channel
from reminders.texts import Template
from reminders.texts.survey import STANDARD, Standing

_FIELDS = (
    "language", "name", "complete", "voice", "segments", "reminder_segments", "reminder_price", "texts_price", "currency",
)  # fmt: skip
#: What fits a terminal: heading, and whether the column holds words.
_COLUMNS = {
    "language": ("", True), "name": ("Language", True), "complete": ("Done\n%", False),
    "segments": ("Segments\nany text", False), "reminder_segments": ("Segments\nreminder", False),
    "reminder_price": ("Price\nreminder", False), "texts_price": (f"Price\nall {len(STANDARD)}", False),
}  # fmt: skip


def write_languages(found: Iterable[Standing], card: RateCard, to: str, form: str, console: Console) -> None:
    """Print one line for each language; prices are those of ``card`` for phones under the calling code ``to``."""
    rows = [_row(standing, card, to) for standing in found]
    if form == "json":
        listed = {"to": to, "currency": card.currency, "items": rows}
        console.file.write(json.dumps(listed, indent=2, ensure_ascii=False) + "\n")
    elif form == "csv":
        writer = csv.DictWriter(console.file, _FIELDS)
        writer.writeheader()
        writer.writerows(row | {"currency": card.currency} for row in rows)
    else:
        console.print(_table(rows, f"Estimated prices in {card.currency} to phones in {to}"))


def _row(standing: Standing, card: RateCard, to: str) -> dict[str, Any]:
    piece = card.price(Channel.SMS, to, 1).amount
    reminder = standing.lengths[Template.REMINDER]
    return {
        "language": standing.language, "name": standing.name, "complete": str(standing.complete),
        "voice": standing.voice, "segments": _rounded(standing.average, "0.01"),
        "reminder_segments": _rounded(reminder, "0.01"), "reminder_price": _rounded(reminder * piece, "0.0001"),
        "texts_price": _rounded(sum(standing.lengths.values(), Decimal(0)) * piece, "0.0001"),
    }  # fmt: skip


def _rounded(amount: Decimal, step: str) -> str:
    return str(amount.quantize(Decimal(step)))


def _table(rows: list[dict[str, Any]], caption: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, caption=caption, pad_edge=False, collapse_padding=True)
    for head, is_words in _COLUMNS.values():
        table.add_column(head, justify="left" if is_words else "right", no_wrap=True)
    for row in rows:
        table.add_row(*(row[name] for name in _COLUMNS))
    return table
