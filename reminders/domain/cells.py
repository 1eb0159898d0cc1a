"""What a single cell says: its text, number or moment, or the fault that keeps it from saying anything."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import date, datetime, tzinfo
from enum import StrEnum
from operator import itemgetter

from reminders.domain.appointment import Status
from reminders.domain.delivery import Channel
from reminders.domain.faults import Fault, FaultCode, fault, named, span
from reminders.domain.mapping import ISO, Fact, Field

#: A number as spreadsheets write it once it grew too long, or was divided: 9.37E+12, 9377952927E-5, 93779.52927.
_SCIENTIFIC = re.compile(r"[+-]?\d+(?:[.,]\d+)?E[+-]?\d+", re.IGNORECASE)
_FRACTION = re.compile(r"[+-]?\d+[.,]\d+")

#: Characters no text has: control characters, and bytes that do not fit the encoding (kept as lone surrogates).
_ODD = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")

_WHOLE = re.compile(r"[+-]?\d{1,9}")
_LONGEST_TEXT = 200
_IDS = frozenset({Fact.VISIT_ID, Fact.PATIENT_ID})
_CODES: dict[Fact, Callable[[str], StrEnum]] = {Fact.STATUS: Status, Fact.REMINDER: Channel}


class Cell:
    """Reads one fact of a row. ``where`` are the positions of its columns, ``missing`` the words for an empty cell."""

    def __init__(self, field: Field, where: Sequence[int], missing: frozenset[str], *, needed: bool) -> None:
        self.field = field
        self.pick = _pick(field, where)
        self._missing = missing
        self._needed = needed

    def text(self, raw: str) -> str:
        """The meaning of the cell, or "" when it is empty."""
        raw = raw.strip()
        if not raw.isprintable() and _ODD.search(raw):
            raise self._fault(FaultCode.UNREADABLE_TEXT, raw, "holds bytes that are not text in this encoding")
        word = raw.casefold()
        values = self.field.values
        if values is not None and (word in values or word not in self._missing):
            return self._mapped(values, raw, word)
        if word in self._missing:
            return self._empty()
        self._check_form(raw)
        return self._code(raw) if self.field.fact in _CODES else raw

    def number(self, raw: str) -> int | None:
        """A whole number within the bounds of the field; ``None`` when the cell is empty."""
        text = self.text(raw)
        if not text:
            return None
        if not _WHOLE.fullmatch(text):
            raise self._fault(FaultCode.UNREADABLE_NUMBER, raw, "is not a whole number")
        if not self.field.least <= int(text) <= self.field.most:
            code = FaultCode.IMPOSSIBLE_AGE if self.field.fact is Fact.AGE else FaultCode.OUT_OF_BOUNDS
            raise self._fault(code, raw, f"lies outside {span(self.field)}")
        return int(text)

    def local(self, raw: str, zone: tzinfo) -> datetime | None:
        """The wall time in ``zone``; ``None`` when the cell is empty. An hour the clocks repeat is read as its first
        pass, one they skip with the offset before the change (RFC 5545, 3.3.5)."""
        text = self.text(raw)
        if not text:
            return None
        moment = self._parsed(text, zone)
        day: date = moment.date()
        if (self.field.least and day < self.field.least) or (self.field.most and day > self.field.most):
            raise self._fault(FaultCode.OUT_OF_BOUNDS, raw, f"lies outside {span(self.field)}")
        return moment

    def _parsed(self, text: str, zone: tzinfo) -> datetime:
        for form in self.field.formats:
            try:
                moment = datetime.fromisoformat(text) if form == ISO else datetime.strptime(text, form)  # noqa: DTZ007
                if moment.tzinfo is None or self.field.ignore_offset:
                    return moment.replace(tzinfo=zone)
                return moment.astimezone(zone)
            except (ValueError, OverflowError):
                continue
        expected = " or ".join("ISO 8601" if form == ISO else form for form in self.field.formats)
        raise self._fault(FaultCode.UNREADABLE_DATE, text, f"is not a date in the form {expected}")

    def _empty(self) -> str:
        if self._needed:
            raise Fault(
                FaultCode.MISSING_VALUE, named(self.field), "The cell is empty, and there is no visit without it."
            )
        return ""

    def _mapped(self, values: dict[str, str], raw: str, word: str) -> str:
        if word not in values:
            raise self._fault(FaultCode.UNKNOWN_VALUE, raw, "is not one of the values the mapping knows")
        return values[word]

    def _code(self, raw: str) -> str:
        """One of our own words, written as such."""
        try:
            return _CODES[self.field.fact](raw.lower()).value
        except ValueError:
            raise self._fault(FaultCode.UNKNOWN_VALUE, raw, "is not a value known here, and there is no map") from None

    def _check_form(self, raw: str) -> None:
        if len(raw) > _LONGEST_TEXT:
            raise self._fault(FaultCode.TOO_LONG, raw, f"is longer than {_LONGEST_TEXT} characters")
        pattern, is_id = self.field.pattern, self.field.fact in _IDS
        if pattern is None:
            if is_id and _SCIENTIFIC.fullmatch(raw):
                raise self._mangled(raw)
        elif not pattern.fullmatch(raw):
            if is_id and (_SCIENTIFIC.fullmatch(raw) or _FRACTION.fullmatch(raw)):
                raise self._mangled(raw)
            raise self._fault(FaultCode.PATTERN_MISMATCH, raw, f"does not have the form {pattern.pattern}")

    def _mangled(self, raw: str) -> Fault:
        return self._fault(
            FaultCode.MANGLED_ID, raw, "is a number as a spreadsheet rewrote it; the digits of the id are lost"
        )

    def _fault(self, code: FaultCode, raw: str, what: str) -> Fault:
        return fault(code, self.field, raw, what)


def _pick(field: Field, where: Sequence[int]) -> Callable[[Sequence[str]], str]:
    """What takes the text of a field out of a row; several columns are joined by a blank."""
    if not where:
        return lambda _: field.constant
    pick = itemgetter(*where)
    if len(where) == 1:
        return pick
    return lambda cells: " ".join(map(str.strip, pick(cells)))
