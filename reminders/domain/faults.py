"""What can be wrong with a row of a foreign table."""

from __future__ import annotations

from enum import StrEnum

from reminders.domain.mapping import Field
from reminders.errors import Invalid

_SHOWN = 40


class FaultCode(StrEnum):
    """Why a row is not taken; the codes stand in the rejects file. ``docs/import.md`` explains each."""

    UNREADABLE_LINE = "unreadable_line"
    WRONG_NUMBER_OF_COLUMNS = "wrong_number_of_columns"
    UNREADABLE_TEXT = "unreadable_text"
    MISSING_VALUE = "missing_value"
    MANGLED_ID = "mangled_id"
    PATTERN_MISMATCH = "pattern_mismatch"
    TOO_LONG = "too_long"
    UNREADABLE_DATE = "unreadable_date"
    UNREADABLE_NUMBER = "unreadable_number"
    UNKNOWN_VALUE = "unknown_value"
    OUT_OF_BOUNDS = "out_of_bounds"
    IMPOSSIBLE_AGE = "impossible_age"
    VISIT_BEFORE_BOOKING = "visit_before_booking"
    VISIT_IN_FUTURE = "visit_in_future"
    CONFLICTING_ROW = "conflicting_row"


class Fault(Exception):
    """The first thing wrong with a row: in which column, a stable code and one sentence."""

    def __init__(self, code: FaultCode, column: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code
        self.column = column
        self.sentence = sentence


class ColumnsMissing(Invalid):
    """The file has not the columns that the mapping reads."""

    code = "columns_missing"
    sentence = "The file does not have the columns the mapping reads."


def named(field: Field) -> str:
    """The columns a field is read from."""
    return ", ".join(field.columns)


def span(field: Field) -> str:
    """The bounds of a field in words."""
    return f"{'' if field.least is None else field.least} to {'today' if field.most is None else field.most}"


def fault(code: FaultCode, field: Field, raw: str, what: str) -> Fault:
    """A fault of one cell; the sentence quotes what stands there."""
    shown = raw if len(raw) <= _SHOWN else raw[:_SHOWN] + "…"
    return Fault(code, named(field), f"{shown!r} {what}.")
