"""How a foreign table of visits is to be read: a small TOML file, checked word by word.

``docs/import.md`` explains every key. Unknown keys are refused: a misspelt option must not be silently without effect.
"""

from __future__ import annotations

import codecs
import re
import tomllib
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from reminders.domain.appointment import Status
from reminders.domain.delivery import Channel
from reminders.domain.keys import Keys
from reminders.errors import Invalid

ISO = "iso"


class MappingInvalid(Invalid):
    """``field`` names the key, for example ``fields.start.format``."""

    code = "mapping_invalid"
    sentence = "The mapping cannot be used."


class Fact(StrEnum):
    """What can be known of a past visit. The order is the one in which a row is checked."""

    VISIT_ID = "visit_id"
    PATIENT_ID = "patient_id"
    START = "start"
    BOOKED_AT = "booked_at"
    STATUS = "status"
    REMINDER = "reminder"
    AGE = "age"
    BIRTH_YEAR = "birth_year"
    NAME = "name"
    PHONE = "phone"
    EMAIL = "email"
    LANGUAGE = "language"
    LOCATION = "location"
    SERVICE = "service"
    PROVIDER = "provider"


REQUIRED = (Fact.VISIT_ID, Fact.PATIENT_ID, Fact.START, Fact.STATUS)
MOMENTS = frozenset({Fact.START, Fact.BOOKED_AT})
NUMBERS = frozenset({Fact.AGE, Fact.BIRTH_YEAR})

#: What may not be true of anybody: no age below 0, none above the longest life on record (122 years).
#: Days before 1900 are slips of the keyboard.
_BOUNDS: dict[Fact, tuple[Any, Any]] = {
    Fact.AGE: (0, 122),
    Fact.BIRTH_YEAR: (1890, 9999),
    Fact.START: (date(1900, 1, 1), None),
    Fact.BOOKED_AT: (date(1900, 1, 1), None),
}

#: Words a value map may give for these facts; "" stands for nothing known.
_WORDS: dict[Fact, frozenset[str]] = {
    Fact.STATUS: frozenset(Status),
    Fact.REMINDER: frozenset({*Channel, ""}),
}


@dataclass(frozen=True, slots=True)
class Field:
    """Where one fact stands and how it is read. Without ``columns`` it is ``constant`` on every row.

    ``timed``: the cell holds a time of day and not only a day. ``ignore_offset``: read the wall time as it is written
    and the UTC offset behind it not at all. ``values`` has its keys in ``casefold``.
    """

    fact: Fact
    columns: tuple[str, ...] = ()
    constant: str = ""
    formats: tuple[str, ...] = (ISO,)
    timed: bool = True
    ignore_offset: bool = False
    pattern: re.Pattern[str] | None = None
    values: dict[str, str] | None = None
    least: Any = None
    most: Any = None


@dataclass(frozen=True, slots=True)
class FileFormat:
    """How the bytes become cells. ``missing`` are the words (in ``casefold``) that stand for an empty cell."""

    encoding: str = "utf-8"
    delimiter: str = ","
    quote: str = '"'
    header: bool = True
    missing: frozenset[str] = frozenset({""})


@dataclass(frozen=True, slots=True)
class Place:
    """The location visits belong to: looked up by name, made from these facts when there is none."""

    name: str
    zone: ZoneInfo
    country: str
    language: str
    currency: str


@dataclass(frozen=True, slots=True)
class Offer:
    """The service visits belong to: looked up by name, made when there is none."""

    name: str
    duration_minutes: int


@dataclass(frozen=True, slots=True)
class Mapping:
    """One way to read one kind of file. ``source`` and the ids in the file together name a visit for good."""

    source: str
    file: FileFormat
    place: Place
    offer: Offer
    fields: dict[Fact, Field]

    @classmethod
    def parse(cls, text: str) -> Mapping:
        """Read the TOML of a mapping; ``MappingInvalid`` names the key at fault."""
        try:
            top = Keys(tomllib.loads(text), MappingInvalid)
        except tomllib.TOMLDecodeError as problem:
            raise MappingInvalid(f"The mapping is not valid TOML: {problem}.") from problem
        top.take("description", str, "")
        source = top.take("source", str)
        file = _file(top.table("file"))
        with_columns = top.table("fields")
        fields = {fact: _field(fact, with_columns.table(fact)) for fact in Fact if fact in with_columns}
        mapping = cls(source, file, _place(top.table("location"), fields), _offer(top.table("service"), fields), fields)
        for keys in (with_columns, top):
            keys.nothing_left()
        _check(mapping)
        return mapping

    @property
    def columns(self) -> frozenset[str]:
        """Every column of the file that is read; the others do not matter."""
        return frozenset(name for field in self.fields.values() for name in field.columns)


def _file(keys: Keys) -> FileFormat:
    encoding = keys.take("encoding", str, "utf-8")
    try:
        codecs.lookup(encoding)
    except LookupError:
        raise keys.refused("encoding", "is not a character encoding Python knows") from None
    marks = {name: keys.take(name, str, default) for name, default in (("delimiter", ","), ("quote", '"'))}
    for name, mark in marks.items():
        if len(mark) != 1 or mark in "\r\n":
            raise keys.refused(name, "must be one character")
    header = keys.take("header", bool, True)
    missing = frozenset(word.strip().casefold() for word in keys.texts("missing", empty=True))
    keys.nothing_left()
    return FileFormat(encoding, marks["delimiter"], marks["quote"], header, missing | {""})


def _place(keys: Keys, fields: dict[Fact, Field]) -> Place:
    name = keys.take("name", str, "" if Fact.LOCATION in fields else None)
    text = keys.take("time_zone", str)
    try:
        zone = ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise keys.refused("time_zone", "is not an IANA time zone such as Europe/Madrid") from None
    country, language, currency = (keys.take(key, str) for key in ("country", "language", "currency"))
    for key, code, length in (("country", country, 2), ("currency", currency, 3)):
        if not re.fullmatch(f"[A-Z]{{{length}}}", code):
            raise keys.refused(key, f"must be a code of {length} capital letters")
    keys.nothing_left()
    return Place(name, zone, country, language, currency)


def _offer(keys: Keys, fields: dict[Fact, Field]) -> Offer:
    name = keys.take("name", str, "" if Fact.SERVICE in fields else None)
    minutes = keys.take("duration_minutes", int, 30)
    if not 1 <= minutes <= 1440:
        raise keys.refused("duration_minutes", "must lie between 1 and 1440")
    keys.nothing_left()
    return Offer(name, minutes)


def _field(fact: Fact, keys: Keys) -> Field:
    columns, constant = keys.texts("column"), keys.optional("value")
    if (constant is None) == (not columns):
        raise keys.refused("column", "or value must be given, and not both")
    if constant is not None and not isinstance(constant, str):
        raise keys.refused("value", "must be a text")
    timed, formats, ignore_offset = _moment(fact, keys)
    values, (least, most) = _values(fact, keys), _bounds(fact, keys)
    pattern = _pattern(keys)
    keys.nothing_left()
    return Field(fact, columns, constant or "", formats, timed, ignore_offset, pattern, values, least, most)


def _moment(fact: Fact, keys: Keys) -> tuple[bool, tuple[str, ...], bool]:
    """(is there a time of day, formats, is the offset ignored) of a field that holds a moment."""
    if fact not in MOMENTS:
        return True, (ISO,), False
    kind = keys.take("type", str, "datetime")
    if kind not in ("date", "datetime"):
        raise keys.refused("type", "must be date or datetime")
    return kind == "datetime", keys.texts("format") or (ISO,), keys.take("ignore_offset", bool, False)


def _values(fact: Fact, keys: Keys) -> dict[str, str] | None:
    if "values" not in keys:
        return None
    values: dict[str, str] = {}
    inner = keys.table("values")
    for word, meaning in inner.pairs():
        allowed = _WORDS.get(fact)
        if not isinstance(meaning, str) or (allowed is not None and meaning not in allowed):
            raise inner.refused(word, f"must be one of {', '.join(sorted(allowed))}" if allowed else "must be a text")
        if values.setdefault(word.strip().casefold(), meaning) != meaning:
            raise inner.refused(word, "has two meanings (capital letters do not count)")
    return values


def _bounds(fact: Fact, keys: Keys) -> tuple[Any, Any]:
    kind: type = int if fact in NUMBERS else date
    usual = _BOUNDS.get(fact)
    if usual is None:
        return None, None
    found = []
    for key, default in zip(("min", "max"), usual, strict=True):
        value = keys.optional(key)
        if value is not None and (not isinstance(value, kind) or isinstance(value, bool | datetime)):
            raise keys.refused(key, "must be a whole number" if kind is int else "must be a day such as 2016-04-29")
        found.append(default if value is None else value)
    return found[0], found[1]


def _pattern(keys: Keys) -> re.Pattern[str] | None:
    text = keys.take("pattern", str, "")
    try:
        return re.compile(text) if text else None
    except re.error as problem:
        raise keys.refused("pattern", f"is not a regular expression: {problem}") from problem


def _check(mapping: Mapping) -> None:
    if not mapping.source.strip():
        raise MappingInvalid("source must name where the records come from.", field="source")
    for fact in REQUIRED:
        if fact not in mapping.fields:
            raise MappingInvalid(f"fields.{fact} is missing.", field=f"fields.{fact}")
    for fact in (Fact.VISIT_ID, Fact.PATIENT_ID, Fact.START):
        if not mapping.fields[fact].columns:
            raise MappingInvalid(f"fields.{fact} needs a column.", field=f"fields.{fact}.column")
    for fact, words in _WORDS.items():
        field = mapping.fields.get(fact)
        if field and not field.columns and field.constant not in words:
            allowed = ", ".join(sorted(words - {""}))
            raise MappingInvalid(f"fields.{fact}.value must be one of {allowed}.", field=f"fields.{fact}.value")
