from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reminders.domain.delivery import Channel
from reminders.domain.faults import ColumnsMissing, Fault, FaultCode
from reminders.domain.imports import Converter, Visit
from reminders.domain.mapping import Fact, Mapping, MappingInvalid
from reminders.domain.measures import UNKNOWN_LEAD

NOW = datetime(2026, 1, 1, tzinfo=UTC)
SHIPPED = sorted((Path(__file__).parents[2] / "mappings").glob("*.toml"))
VITORIA = Mapping.parse((Path(__file__).parents[2] / "mappings" / "vitoria-noshow.toml").read_text("utf-8"))
HEADER = [
    "PatientId",
    "AppointmentID",
    "Gender",
    "ScheduledDay",
    "AppointmentDay",
    "Age",
    "Neighbourhood",
    "Scholarship",
    "Hipertension",
    "Diabetes",
    "Alcoholism",
    "Handcap",
    "SMS_received",
    "No-show",
]

BASE = """
source = "desk"
[location]
name = "Main street"
time_zone = "Europe/Madrid"
country = "ES"
language = "es"
currency = "EUR"
[service]
name = "Visit"
[fields.visit_id]
column = "id"
[fields.patient_id]
column = "patient"
[fields.start]
column = "when"
format = "%d/%m/%Y %H:%M"
[fields.status]
column = "status"
"""
COLUMNS = ["id", "patient", "when", "status"]


def vitoria(**cells: str) -> Visit:
    """One row of the public set with some cells changed."""
    usual = {
        "PatientId": "29872499824296", "AppointmentID": "5642903", "ScheduledDay": "2016-04-27T18:38:08Z",
        "AppointmentDay": "2016-04-29T00:00:00Z", "Age": "62", "SMS_received": "0", "No-show": "No",
    }  # fmt: skip
    row = usual | {name.replace("__", "-"): value for name, value in cells.items()}
    return Converter(VITORIA, HEADER, NOW).convert([row.get(name, "0") for name in HEADER])


def desk(more: str = "", header: list[str] | None = None, **cells: str) -> Visit:
    """One row of a small table of our own; ``more`` is added to its mapping."""
    row = {"id": "a1", "patient": "p1", "when": "29/04/2016 10:30", "status": "fulfilled"} | cells
    names = header or [*COLUMNS, *(name for name in cells if name not in COLUMNS)]
    return Converter(Mapping.parse(BASE + more), names, NOW).convert([row.get(name, "") for name in names])


def fault(call: Any, *arguments: Any, **cells: str) -> tuple[str, str]:
    with pytest.raises(Fault) as caught:
        call(*arguments, **cells)
    return caught.value.code.value, caught.value.column


def read(converter: Converter, cells: list[str]) -> Visit | Fault:
    try:
        return converter.convert(cells)
    except Fault as problem:
        return problem


# Mappings


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_a_shipped_mapping_can_be_parsed(path: Path) -> None:
    assert Mapping.parse(path.read_text("utf-8")).source == path.stem


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        ('source = "desk"', "", "source"),
        ('source = "desk"', 'source = " "', "source"),
        ('source = "desk"', "source = 7", "source"),
        ('source = "desk"', 'source = "desk"\nsorce = "x"', "sorce"),
        ("Europe/Madrid", "Europe/Nowhere", "location.time_zone"),
        ("Europe/Madrid", "../Madrid", "location.time_zone"),
        ('country = "ES"', 'country = "Spain"', "location.country"),
        ('currency = "EUR"', 'currency = "€"', "location.currency"),
        ('name = "Main street"', "", "location.name"),
        ('name = "Visit"', 'name = "Visit"\nduration_minutes = 0', "service.duration_minutes"),
        ('name = "Visit"', 'name = "Visit"\nduration_minutes = true', "service.duration_minutes"),
        ('column = "when"', 'column = "when"\ncolum = "x"', "fields.start.colum"),
        ('column = "when"', 'column = "when"\ntype = "time"', "fields.start.type"),
        ('column = "when"', "column = 3", "fields.start.column"),
        ('column = "when"', 'column = ""', "fields.start.column"),
        ('column = "when"', 'value = "01/01/2016 10:00"', "fields.start.column"),
        ('column = "when"', 'column = "when"\nvalue = "x"', "fields.start.column"),
        ('column = "when"', 'column = "when"\nmin = 3', "fields.start.min"),
        ('column = "status"', 'column = "status"\nvalues = { No = "gone" }', "fields.status.values.No"),
        (
            'column = "status"',
            'column = "status"\nvalues = { No = "noshow", no = "fulfilled" }',
            "fields.status.values",
        ),
        ('column = "status"', 'value = "gone"', "fields.status.value"),
        ('column = "id"', "column = \"id\"\npattern = '('", "fields.visit_id.pattern"),
        ("[fields.visit_id]", "[fields.visitid]", "fields.visitid"),
        ("[location]", '[file]\nencoding = "klingon"\n[location]', "file.encoding"),
        ("[location]", '[file]\ndelimiter = ";;"\n[location]', "file.delimiter"),
        ("[location]", "[file]\nheader = 1\n[location]", "file.header"),
    ],
)
def test_a_wrong_mapping_is_refused_by_the_name_of_the_key(old: str, new: str, field: str) -> None:
    text = BASE.replace(old, new, 1)
    assert text != BASE
    with pytest.raises(MappingInvalid) as caught:
        Mapping.parse(text)
    assert caught.value.field is not None
    assert caught.value.field.startswith(field)


@pytest.mark.parametrize("missing", ["visit_id", "patient_id", "start", "status"])
def test_a_mapping_without_what_makes_a_visit_is_refused(missing: str) -> None:
    before, _, rest = BASE.partition(f"[fields.{missing}]")
    with pytest.raises(MappingInvalid, match=missing):
        Mapping.parse(before + (rest[rest.index("[") :] if "[" in rest else ""))


def test_what_is_not_toml_is_refused() -> None:
    with pytest.raises(MappingInvalid, match="TOML"):
        Mapping.parse("source = ")


def test_only_mapped_columns_have_to_be_there() -> None:
    assert VITORIA.columns == {
        "PatientId", "AppointmentID", "ScheduledDay", "AppointmentDay", "Age", "SMS_received", "No-show"
    }  # fmt: skip
    with pytest.raises(ColumnsMissing, match="'Age'"):
        Converter(VITORIA, [name for name in HEADER if name != "Age"], NOW)


def test_a_column_that_stands_there_twice_is_refused_only_when_it_is_read() -> None:
    Converter(VITORIA, [*HEADER, "Gender"], NOW)
    with pytest.raises(ColumnsMissing):
        Converter(VITORIA, [*HEADER, "Age"], NOW)


# The public set


def test_a_row_of_the_public_set() -> None:
    visit = vitoria()
    assert (visit.external_id, visit.patient_id, visit.status) == ("5642903", "29872499824296", "fulfilled")
    assert (visit.local_day, visit.timed, visit.lead_days) == (date(2016, 4, 29), False, 2)
    assert visit.start_at == datetime(2016, 4, 29, 3, tzinfo=UTC)  # midnight in Vitória
    assert visit.booked_at == datetime(2016, 4, 27, 21, 38, 8, tzinfo=UTC)  # 18:38:08 in Vitória
    assert visit.end_at - visit.start_at == timedelta(minutes=30)
    assert (visit.birth_year, visit.reminder, visit.provider) == (1954, None, "")


def test_yes_means_that_nobody_came_and_one_that_a_reminder_was_sent() -> None:
    visit = vitoria(No__show="Yes", SMS_received="1")
    assert (visit.status, visit.reminder) == ("noshow", Channel.SMS)


@pytest.mark.parametrize(
    ("column", "value", "code"),
    [
        ("PatientId", "9377952927E-5", "mangled_id"),
        ("PatientId", "93779.52927", "mangled_id"),
        ("PatientId", "2.98725E+13", "mangled_id"),
        ("PatientId", "29872499824296.0", "mangled_id"),
        ("PatientId", "P-1", "pattern_mismatch"),
        ("PatientId", "", "missing_value"),
        ("AppointmentID", "5,64E+06", "mangled_id"),
        ("AppointmentID", "1" * 201, "too_long"),
        ("AppointmentID", "12\x0034", "unreadable_text"),
        ("AppointmentID", "12\udcff", "unreadable_text"),
        ("Age", "-1", "impossible_age"),
        ("Age", "123", "impossible_age"),
        ("Age", "8.5", "unreadable_number"),
        ("Age", "1_0", "unreadable_number"),
        ("Age", "9" * 150, "unreadable_number"),
        ("AppointmentDay", "29/04/2016", "unreadable_date"),
        ("AppointmentDay", "2016-02-30T00:00:00Z", "unreadable_date"),
        ("AppointmentDay", "0216-04-29", "out_of_bounds"),
        ("AppointmentDay", "2016-04-26T00:00:00Z", "visit_before_booking"),
        ("AppointmentDay", "2026-04-26T00:00:00Z", "visit_in_future"),
        ("No-show", "Maybe", "unknown_value"),
        ("No-show", "", "missing_value"),
        ("SMS_received", "2", "unknown_value"),
    ],
)
def test_dirt_is_rejected_with_its_column_and_reason(column: str, value: str, code: str) -> None:
    assert fault(vitoria, **{column.replace("-", "__"): value}) == (code, column)


@pytest.mark.parametrize("age", ["0", "115", "122", ""])
def test_ages_that_are_possible_or_unknown_are_accepted(age: str) -> None:
    assert vitoria(Age=age).birth_year == (2016 - int(age) if age else None)


def test_the_sentence_quotes_what_stands_there() -> None:
    with pytest.raises(Fault, match="'9377952927E-5' is a number as a spreadsheet rewrote it"):
        vitoria(PatientId="9377952927E-5")


def test_booking_and_visit_on_the_same_day_is_not_before_the_booking() -> None:
    assert vitoria(ScheduledDay="2016-04-29T23:59:59Z").lead_days == 0


def test_a_row_with_more_or_fewer_cells_is_rejected() -> None:
    converter = Converter(VITORIA, HEADER, NOW)
    for width in (0, 13, 15):
        assert fault(converter.convert, ["0"] * width) == ("wrong_number_of_columns", "")


@pytest.mark.parametrize(
    ("cells", "status"),
    [({"No-show": "Yes", "Age": "-1"}, "noshow"), ({"No-show": "?"}, None), ({"No-show": "no"}, "fulfilled")],
)
def test_the_status_of_a_rejected_row_is_still_known(cells: dict[str, str], status: str | None) -> None:
    converter = Converter(VITORIA, HEADER, NOW)
    assert converter.status([cells.get(name, "0") for name in HEADER]) == status
    assert converter.status(["Yes"]) is None


# Other tables


def test_a_wall_time_is_read_in_the_zone_of_the_location() -> None:
    visit = desk(when="29/07/2016 00:30")
    assert (visit.start_at, visit.local_day, visit.timed) == (
        datetime(2016, 7, 28, 22, 30, tzinfo=UTC),
        date(2016, 7, 29),
        True,
    )


@pytest.mark.parametrize(
    ("wall", "utc"),
    [
        ("27/03/2016 02:30", datetime(2016, 3, 27, 1, 30, tzinfo=UTC)),  # skipped: read with the offset before
        ("30/10/2016 02:30", datetime(2016, 10, 30, 0, 30, tzinfo=UTC)),  # twice: the first
    ],
)
def test_walls_that_the_clocks_skip_or_repeat_have_one_meaning(wall: str, utc: datetime) -> None:
    assert desk(when=wall).start_at == utc


def test_a_day_whose_midnight_does_not_exist_stays_that_day() -> None:
    text = BASE.replace('format = "%d/%m/%Y %H:%M"', 'type = "date"').replace("Europe/Madrid", "America/Sao_Paulo")
    visit = Converter(Mapping.parse(text), COLUMNS, NOW).convert(["a", "p", "2016-10-16", "noshow"])
    assert visit.local_day == date(2016, 10, 16)
    assert visit.start_at == datetime(2016, 10, 16, 3, tzinfo=UTC)


@pytest.mark.parametrize(
    ("ignore", "utc"),
    [("false", datetime(2016, 7, 29, 10, tzinfo=UTC)), ("true", datetime(2016, 7, 29, 8, tzinfo=UTC))],
)
def test_an_offset_is_honoured_unless_the_mapping_says_otherwise(ignore: str, utc: datetime) -> None:
    text = BASE.replace('format = "%d/%m/%Y %H:%M"', f"ignore_offset = {ignore}")
    visit = Converter(Mapping.parse(text), COLUMNS, NOW).convert(["a", "p", "2016-07-29T10:00:00Z", "noshow"])
    assert visit.start_at == utc


def test_date_and_time_may_stand_in_two_columns_and_in_two_formats() -> None:
    text = BASE.replace('column = "when"', 'column = ["day", "time"]').replace(
        '"%d/%m/%Y %H:%M"', '["%d.%m.%Y %H:%M", "%d.%m.%y %H.%M"]'
    )
    converter = Converter(Mapping.parse(text), ["id", "patient", "day", "time", "status"], NOW)
    visits = [
        converter.convert(["a", "p", day, time, "noshow"])
        for day, time in (("29.04.2016 ", "10:00"), ("29.04.16", "10.00"))
    ]
    assert {visit.start_at for visit in visits} == {datetime(2016, 4, 29, 8, tzinfo=UTC)}


def test_without_a_booking_day_the_lead_time_is_unknown() -> None:
    visit = desk()
    assert (visit.lead_days, visit.booked_at) == (UNKNOWN_LEAD, visit.start_at)
    more = '[fields.booked_at]\ncolumn = "booked"\ntype = "date"\nformat = "%d/%m/%Y"\n'
    assert desk(more, booked="").lead_days == UNKNOWN_LEAD
    assert desk(more, booked="20/04/2016").lead_days == 9


def test_a_visit_may_be_booked_after_it_began_but_not_after_its_day() -> None:
    more = '[fields.booked_at]\ncolumn = "booked"\nformat = "%d/%m/%Y %H:%M"\n'
    assert desk(more, booked="29/04/2016 10:45").lead_days == 0
    assert fault(desk, more, booked="30/04/2016 00:00") == ("visit_before_booking", "when")


def test_values_are_found_whatever_their_capitals_and_blanks() -> None:
    more = 'values = { "No vino" = "noshow" }\n'
    assert desk(more, status=" NO VINO ").status == "noshow"
    assert fault(desk, more, status="noshow") == ("unknown_value", "status")


def test_our_own_words_need_no_map() -> None:
    assert desk(status="NoShow").status == "noshow"
    assert fault(desk, status="gone") == ("unknown_value", "status")


def test_constants_hold_for_every_row() -> None:
    visit = desk('[fields.language]\nvalue = "ca"\n[fields.reminder]\nvalue = "voice"\n')
    assert (visit.language, visit.reminder) == ("ca", Channel.VOICE)


def test_words_for_nothing_are_read_as_nothing() -> None:
    more = '[fields.provider]\ncolumn = "doctor"\n[file]\nmissing = ["n/a", ""]\n'
    assert [desk(more, doctor=word).provider for word in ("N/A", "", "Dr. Lee")] == ["", "", "Dr. Lee"]
    assert fault(desk, more, patient="n/a", doctor="") == ("missing_value", "patient")


def test_a_location_from_a_column_is_needed_only_when_the_mapping_names_none() -> None:
    more = '[fields.location]\ncolumn = "unit"\n'
    assert desk(more, unit="").location == ""
    unnamed = BASE.replace('name = "Main street"', "") + more
    converter = Converter(Mapping.parse(unnamed), [*COLUMNS, "unit"], NOW)
    row = ["a", "p", "29/04/2016 10:30", "noshow"]
    assert converter.convert([*row, "North"]).location == "North"
    assert fault(converter.convert, [*row, " "]) == ("missing_value", "unit")


def test_an_id_that_looks_like_a_power_of_ten_is_mangled_unless_a_pattern_says_it_is_right() -> None:
    assert fault(desk, patient="12E4") == ("mangled_id", "patient")
    text = BASE.replace('column = "patient"', "column = \"patient\"\npattern = '[0-9A-F]+'")
    assert (
        Converter(Mapping.parse(text), COLUMNS, NOW).convert(["a", "12E4", "29/04/2016 10:30", "noshow"]).patient_id
        == "12E4"
    )


def test_bounds_of_days_are_those_of_the_mapping() -> None:
    text = BASE.replace('column = "when"', 'column = "when"\nmin = 2016-05-01\nmax = 2016-05-31')
    converter = Converter(Mapping.parse(text), COLUMNS, NOW)
    for day in ("30/04/2016 10:00", "01/06/2016 10:00"):
        assert fault(converter.convert, ["a", "p", day, "noshow"]) == ("out_of_bounds", "when")
    assert converter.convert(["a", "p", "31/05/2016 23:59", "noshow"]).local_day == date(2016, 5, 31)


def test_a_birth_year_beats_an_age() -> None:
    more = '[fields.birth_year]\ncolumn = "born"\n[fields.age]\ncolumn = "age"\n'
    assert desk(more, born="1950", age="3").birth_year == 1950
    assert desk(more, born="", age="3").birth_year == 2013


@given(st.lists(st.text(max_size=30), min_size=4, max_size=4))
def test_whatever_stands_in_the_cells_a_row_is_a_visit_or_a_fault(cells: list[str]) -> None:
    outcome = read(Converter(Mapping.parse(BASE), COLUMNS, NOW), cells)
    if isinstance(outcome, Fault):
        assert outcome.sentence
        assert outcome.column in {"", *COLUMNS}
    else:
        assert outcome.start_at <= NOW


@given(st.datetimes(datetime(1901, 1, 2), datetime(2025, 12, 30)))  # noqa: DTZ001 - a wall time, read in a zone
def test_a_wall_time_keeps_its_day(wall: datetime) -> None:
    visit = desk(when=wall.strftime("%d/%m/%Y %H:%M"))
    assert visit.local_day == wall.date()
    assert abs(visit.start_at.replace(tzinfo=None) - wall) <= timedelta(hours=3)


def test_a_row_agrees_with_itself_and_names_what_another_says_otherwise() -> None:
    first, other = vitoria().account(), vitoria(No__show="Yes", SMS_received="1").account()
    assert first.differences(type(first).restored(first.patient, first.facts())) == []
    assert other.differences(first) == ["status", "reminder"]
    assert first.patient not in first.facts().values()


def test_facts_are_checked_in_the_order_of_the_guide() -> None:
    assert list(Fact)[:5] == ["visit_id", "patient_id", "start", "booked_at", "status"]
    assert fault(vitoria, PatientId="9E9", Age="-1", No__show="?") == ("mangled_id", "PatientId")


def test_the_guide_explains_every_field_and_every_reason_and_its_example_works() -> None:
    guide = (Path(__file__).parents[2] / "docs" / "import.md").read_text("utf-8")
    assert [word for word in (*Fact, *FaultCode) if f"`{word}`" not in guide] == []
    example = Mapping.parse(guide.split("```toml")[1].split("```")[0])
    header = ["Nr", "Patient", "Fecha", "Hora", "Alta", "Asistió", "SMS", "Médico"]
    visit = Converter(example, header, NOW).convert(["7", "123456", "29/04/2016", "10:30", "20/04/2016", "SÍ", "1", ""])
    assert (visit.status, visit.lead_days, visit.reminder, visit.language) == ("fulfilled", 9, Channel.SMS, "es")
