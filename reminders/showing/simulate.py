"""`reminders simulate` for people and for programs. Messages are printed as they are found, however many there are."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from typing import IO
from zoneinfo import ZoneInfo

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from reminders.domain.simulation import (
    Comparison,
    Condition,
    Contact,
    Difference,
    Differing,
    LeftOut,
    Message,
    Outcome,
    Tally,
)
from reminders.services.csvfile import write_table
from reminders.showing.rows import COLUMNS, DIFFERENCE_COLUMNS, Row, difference_row, outcome_row, plain, tally_dict

_INDENT = 9
_ZERO = Decimal(0)
_CONDITIONS = {
    Condition.UNLESS_CONFIRMED: "unless confirmed by then",
    Condition.FALLBACK: "fallback, unless confirmed by then",
}
_DIFFERENCES = {
    Difference.ONLY_A: "only in A", Difference.ONLY_B: "only in B", Difference.OTHER_TIME: "at another time",
    Difference.OTHER_CONDITION: "on another condition",
}  # fmt: skip


def write_outcomes(found: Iterable[Outcome], head: Row, form: str, console: Console, *, everything: bool) -> None:
    """Print what a rehearsal found; ``head`` says what was asked for. What would not go out is counted by reason, and
    listed too with ``everything``."""
    if form == "csv":
        wanted = (outcome_row(one) for one in found if everything or isinstance(one, Message))
        _write_csv(COLUMNS, wanted, console.file)
        return
    tally, left_out = Tally(), list[LeftOut]()
    messages = _messages(found, tally, left_out if everything else None)
    if form == "json":
        _write_json(head, "items", (outcome_row(one) for one in messages), console.file)
        more = {"left_out_items": [outcome_row(one) for one in left_out]} if everything else {}
        _end_json({"totals": tally_dict(tally)} | more, console.file)
        return
    _print_messages(messages, console)
    _print_sums(tally, console)
    if left_out:
        _print_left_out(left_out, console)


def write_comparison(found: Iterable[Comparison], head: Row, form: str, console: Console) -> None:
    """Print what differs between two plans, and the sums of both."""
    if form == "csv":
        rows = (difference_row(item) for one in found for item in one.differing)
        _write_csv(DIFFERENCE_COLUMNS, rows, console.file)
        return
    sums, kinds = (Tally(), Tally()), dict.fromkeys(Difference, 0)
    differing = _differing(found, sums, kinds)
    if form == "json":
        _write_json(head, "differences", (_pair(item) for item in differing), console.file)
        counts = {kind.value: count for kind, count in kinds.items()}
        _end_json({"counts": counts, "a": tally_dict(sums[0]), "b": tally_dict(sums[1])}, console.file)
        return
    for item in differing:
        console.print(_difference_line(item), soft_wrap=True)
    console.print(_sums_table(sums, kinds))


def _messages(found: Iterable[Outcome], tally: Tally, left_out: list[LeftOut] | None) -> Iterator[Message]:
    for one in found:
        tally.add(one)
        if isinstance(one, Message):
            yield one
        elif left_out is not None:
            left_out.append(one)


def _differing(
    found: Iterable[Comparison], sums: tuple[Tally, Tally], kinds: dict[Difference, int]
) -> Iterator[Differing]:  # fmt: skip
    for one in found:
        for tally, outcomes in zip(sums, (one.a, one.b), strict=True):
            for outcome in outcomes:
                tally.add(outcome)
        for item in one.differing:
            kinds[item.difference] += 1
            yield item


# For programs


def _write_csv(columns: Sequence[str], rows: Iterable[Row], file: IO[str]) -> None:
    write_table(file, columns, (
        {name: str(value).lower() if isinstance(value, bool) else value for name, value in row.items()} for row in rows
    ))  # fmt: skip


def _write_json(head: Row, name: str, rows: Iterable[Row], file: IO[str]) -> None:
    """An object that begins with ``head`` and a list which is written row by row; ``_end_json`` ends it."""
    file.write("{\n" + "".join(f"  {json.dumps(key)}: {_json(value)},\n" for key, value in head.items()))
    file.write(f"  {json.dumps(name)}: [")
    for number, row in enumerate(rows):
        file.write(f"{',' if number else ''}\n    {_json(row)}")
    file.write("\n  ]")


def _end_json(rest: Row, file: IO[str]) -> None:
    file.write("".join(f",\n  {json.dumps(key)}: {_json(value)}" for key, value in rest.items()) + "\n}\n")


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def _pair(item: Differing) -> Row:
    both = {side: one and outcome_row(one) for side, one in (("a", item.a), ("b", item.b))}
    return {"difference": item.difference.value} | both


# For people


def _print_messages(messages: Iterable[Message], console: Console) -> None:
    heading = ""
    for message in messages:
        told = message.contact
        local = _local(told.at, told.venue_zone)
        if heading != (heading := f"{local:%a %d %b %Y}, {told.venue_zone}"):
            console.print(Text(heading, style="bold"))
        console.file.write("".join(f"{line}\n" for line in _lines(message, local, console)))


def _lines(message: Message, local: datetime, console: Console) -> Iterator[str]:
    """The facts, what is special, and the text in as many lines as it takes."""
    told = message.contact
    cost = f"{plain(message.cost.amount)} {message.cost.currency}"
    facts = f"  {local:%H:%M}  {told.channel:<6} {message.language:<8} {told.to or '':<16}", _length(message), cost
    yield "  ".join(part for part in facts if part)
    if notes := list(_notes(message, local)):
        yield " " * _INDENT + " · ".join(notes)
    for line in message.text.splitlines():
        for part in Text(line).wrap(console, max(console.width - _INDENT, 20)):
            yield " " * _INDENT + part.plain.rstrip()


def _length(message: Message) -> str:
    if message.segments is None:
        return ""
    return "1 segment" if message.segments == 1 else f"{message.segments} segments"


def _notes(message: Message, local: datetime) -> Iterator[str]:
    told = message.contact
    theirs = _local(told.at, told.recipient_zone)
    if theirs.utcoffset() != local.utcoffset():
        yield f"{theirs:%a %H:%M} in {told.recipient_zone}"
    if told.at != told.due_at:
        yield f"put off from {_local(told.due_at, told.venue_zone):%a %H:%M}"
    if told.condition is not None:
        yield _CONDITIONS[told.condition]
    if told.holiday:
        yield "public holiday"
    if told.visit_on_holiday:
        yield "the visit is on a public holiday"
    if message.is_fallback:
        yield "not the patient's own language"


def _print_sums(tally: Tally, console: Console) -> None:
    console.print(f"{_counted(tally.messages, 'message')}, {_counted(tally.segments, 'segment')}, {_cost(tally)}.",
                  highlight=False)  # fmt: skip
    for name, counts in (("channel", tally.channels), ("language", tally.languages)):
        if len(counts) > 1:
            console.print(f"By {name}: " + ", ".join(f"{key} {count:,}" for key, count in counts.most_common()),
                          highlight=False)  # fmt: skip
    if tally.left_out:
        table = _table("Would not go out", ("reason", "number"))
        for reason, count in tally.left_out.most_common():
            table.add_row(reason.value.replace("_", " "), f"{count:,}")
        console.print(table)


def _print_left_out(left_out: Iterable[LeftOut], console: Console) -> None:
    for one in left_out:
        told = one.contact
        line = f"{_stamp(told)}  {told.channel:<6} {told.to or '–':<16}  {one.reason.value.replace('_', ' ')}"
        console.print(Text(f"{line}  {told.visit or ''}"), soft_wrap=True)


def _difference_line(item: Differing) -> Text:
    times = [_stamp(one.contact) for one in (item.a, item.b) if one is not None]
    shown = item.b or item.a
    told = shown.contact if shown else None
    what = f"{told.channel:<6} {told.to or '':<16}  {told.visit or ''}" if told else ""
    return Text(f"{_DIFFERENCES[item.difference]:<20}  {' → '.join(dict.fromkeys(times))}  {what}")


def _sums_table(sums: tuple[Tally, Tally], kinds: dict[Difference, int]) -> Table:
    """A beside B; below, how many messages differ and how."""
    table = _table("", ("", "A", "B"))
    for name in ("messages", "segments"):
        table.add_row(name, *(f"{getattr(one, name):,}" for one in sums))
    for currency in sorted({*sums[0].cost, *sums[1].cost}):
        table.add_row(f"estimated cost, {currency}", *(plain(one.cost.get(currency, _ZERO)) for one in sums))
    for reason in sorted({*sums[0].left_out, *sums[1].left_out}):
        table.add_row(f"left out: {reason.value.replace('_', ' ')}", *(f"{one.left_out[reason]:,}" for one in sums))
    table.add_section()
    for kind, count in kinds.items():
        sides = {Difference.ONLY_A: (count, None), Difference.ONLY_B: (None, count)}.get(kind, (count, count))
        table.add_row(_DIFFERENCES[kind], *("" if side is None else f"{side:,}" for side in sides))
    return table


def _table(title: str, headings: Sequence[str]) -> Table:
    table = Table(title=title or None, box=box.SIMPLE_HEAD, pad_edge=False, collapse_padding=True, title_justify="left")
    for number, heading in enumerate(headings):
        table.add_column(heading, justify="right" if number else "left")
    return table


def _local(moment: datetime, zone: str) -> datetime:
    return moment.astimezone(ZoneInfo(zone))


def _stamp(told: Contact) -> str:
    return f"{_local(told.at, told.venue_zone):%a %d %b %Y %H:%M}"


def _cost(tally: Tally) -> str:
    amounts = [f"{plain(amount)} {currency}" for currency, amount in sorted(tally.cost.items())]
    return f"estimated cost {' + '.join(amounts) or '0'}"


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"
