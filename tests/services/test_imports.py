from __future__ import annotations

import csv
import gzip
import io
import stat
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from sqlalchemy import func, select

from reminders.clock import ManualClock
from reminders.domain.faults import ColumnsMissing
from reminders.domain.mapping import Mapping, MappingInvalid
from reminders.errors import Conflict
from reminders.services.changes import ChangeLog
from reminders.services.csvfile import FileUnreadable
from reminders.services.imports import BATCH, Importing, ImportResult, default_rejects, fitting_mapping, load_mapping
from reminders.services.reports import Reports
from reminders.show import write_import
from reminders.store.engine import Database
from reminders.store.tables import Appointment, AppointmentHistory, Base, Location, Patient, Provider, Reminder, Service
from tests.shared_data import needs_shared, shared

NOW = datetime(2030, 1, 1, tzinfo=UTC)
MAPPINGS = Path(__file__).parents[2] / "mappings"
HEADER = "id,patient,when,booked,status,sent,note"

MAPPING = Mapping.parse("""
source = "desk"
[location]
name = "Main street"
time_zone = "Europe/Madrid"
country = "ES"
language = "es"
currency = "EUR"
[service]
name = "Visit"
duration_minutes = 20
[fields.visit_id]
column = "id"
[fields.patient_id]
column = "patient"
[fields.start]
column = "when"
type = "date"
[fields.booked_at]
column = "booked"
type = "date"
[fields.status]
column = "status"
values = { yes = "noshow", no = "fulfilled", off = "cancelled" }
[fields.reminder]
column = "sent"
values = { 0 = "", 1 = "sms" }
""")


@pytest.fixture
def importing(database: Database) -> Importing:
    return Importing(database, ManualClock(NOW))


class Folder:
    """Writes input files and reads rejects files."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.rejects = path / "rejects.csv"

    def write(self, *rows: str, header: str = HEADER, name: str = "visits.csv") -> Path:
        return self.raw("\n".join([header, *rows]).encode() + b"\n", name)

    def raw(self, content: bytes, name: str = "visits.csv") -> Path:
        path = self.path / name
        path.write_bytes(content)
        return path

    def rejected(self) -> list[dict[str, str]]:
        if not self.rejects.exists():
            return []
        with self.rejects.open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


def row(number: int, **cells: str) -> str:
    usual = {
        "id": f"v{number}", "patient": f"p{number % 7}", "when": "2020-05-06", "booked": "2020-05-04", "status": "no",
        "sent": "0", "note": "",
    }  # fmt: skip
    return ",".join((usual | cells).values())


def load(importing: Importing, folder: Folder, path: Path, mapping: Mapping = MAPPING, **options: Any) -> ImportResult:
    return importing.run(path, mapping, rejects=folder.rejects, **options)


def everything(database: Database, table: type[Base], *names: str) -> list[tuple[Any, ...]]:
    columns = [table.__table__.c[name] for name in names]
    with database.read() as tx:
        return [tuple(row) for row in tx.execute(select(*columns).order_by(*table.__table__.primary_key))]


def counts(database: Database) -> dict[str, int]:
    with database.read() as tx:
        return {
            table.__tablename__: tx.execute(select(func.count()).select_from(table)).scalar_one()
            for table in (Appointment, AppointmentHistory, Location, Patient, Provider, Reminder, Service)
        }


# What is stored


def test_who_reads_the_changes_finds_what_was_imported(
    importing: Importing, folder: Folder, database: Database
) -> None:
    load(importing, folder, folder.write(row(1), row(2), row(9, patient="p1")))
    log = ChangeLog(database, ManualClock(NOW))
    news = log.since(0, 100)
    assert [(one.seq, one.entity) for one in news.items] == list(
        enumerate(["patient", "patient", "appointment", "appointment", "appointment"], start=1)
    )
    assert {one.row.external_id for one in news.items} == {"p1", "p2", "v1", "v2", "v9"}
    load(importing, folder, folder.write(row(1), row(3)))
    assert [one.row.external_id for one in log.since(news.upto, 100).items] == ["p3", "v3"]


def test_a_row_becomes_a_past_visit_with_patient_history_and_reminder(
    importing: Importing, folder: Folder, database: Database
) -> None:
    result = load(importing, folder, folder.write(row(1, status="yes", sent="1")))
    assert (result.read, result.accepted, result.noshows_accepted) == (1, 1, 1)
    [visit] = everything(
        database, Appointment, "status", "start_at", "end_at", "occupies", "timed", "local_day", "booked_at", "lead_days",
        "provider_id", "source", "external_id", "confirmation", "version",
    )  # fmt: skip
    assert visit == (
        "noshow", datetime(2020, 5, 5, 22, tzinfo=UTC), datetime(2020, 5, 5, 22, 20, tzinfo=UTC), False, False,
        date(2020, 5, 6), datetime(2020, 5, 3, 22, tzinfo=UTC), 2, None, "desk", "v1", "unconfirmed", 1,
    )  # fmt: skip
    assert everything(database, Patient, "name", "source", "external_id", "phone") == [("#p1", "desk", "p1", None)]
    assert everything(database, AppointmentHistory, "change", "actor", "channel", "at", "facts") == [
        ("import", "import", "import", NOW, {
            "status": "noshow", "start": "2020-05-05T22:00:00+00:00", "booked_at": "2020-05-03T22:00:00+00:00",
            "reminder": "sms",
        }),
    ]  # fmt: skip
    assert everything(database, Reminder, "kind", "state", "reason", "channel", "step", "plan", "due_at") == [
        ("reminder", "sent", "imported", "sms", 0, 1, visit[1])
    ]
    assert everything(database, Location, "name", "time_zone", "country", "language", "currency") == [
        ("Main street", "Europe/Madrid", "ES", "es", "EUR")
    ]
    assert everything(database, Service, "name", "duration_minutes", "active") == [("Visit", 20, False)]


def test_a_patient_with_many_visits_is_one_patient(importing: Importing, folder: Folder, database: Database) -> None:
    load(importing, folder, folder.write(*(row(number, patient="p") for number in range(BATCH + 5))))
    assert (counts(database)["patient"], counts(database)["appointment"]) == (1, BATCH + 5)
    owners = {owner for (owner,) in everything(database, Appointment, "patient_id")}
    assert owners == {number for (number,) in everything(database, Patient, "id")}


def test_public_ids_are_all_different(importing: Importing, folder: Folder, database: Database) -> None:
    load(importing, folder, folder.write(*(row(number, sent="1") for number in range(BATCH * 2))))
    for table, prefix in ((Appointment, "apt_"), (Patient, "pat_"), (Reminder, "rem_")):
        uids = [uid for (uid,) in everything(database, table, "uid")]
        assert len(set(uids)) == len(uids)
        assert {uid[: len(prefix)] for uid in uids} == {prefix}
        assert {len(uid) for uid in uids} == {len(prefix) + 24}


def test_visits_of_two_sources_may_have_the_same_id(importing: Importing, folder: Folder, database: Database) -> None:
    path = folder.write(row(1))
    load(importing, folder, path)
    assert load(importing, folder, path, replace(MAPPING, source="other")).accepted == 1
    assert counts(database)["patient"] == 2


def test_two_visits_of_one_provider_at_one_time_are_history_and_no_conflict(
    importing: Importing, folder: Folder, database: Database
) -> None:
    text = _extended('[fields.provider]\ncolumn = "note"\n[fields.service]\ncolumn = "sent"\n')
    rows = [row(number, note=name, sent="Check") for number, name in enumerate(("Dr. Lee", "Dr. Lee", ""))]
    assert load(importing, folder, folder.write(*rows), text).accepted == 3
    [lee] = everything(database, Provider, "id", "name", "active")
    assert lee[1:] == ("Dr. Lee", False)
    assert [provider for (provider,) in everything(database, Appointment, "provider_id")] == [lee[0], lee[0], None]
    assert everything(database, Service, "name") == [("Check",)]


def test_places_that_are_there_are_used(importing: Importing, folder: Folder, database: Database) -> None:
    load(importing, folder, folder.write(row(1)))
    load(Importing(database, ManualClock(NOW)), folder, folder.write(row(2)))
    assert (counts(database)["location"], counts(database)["service"]) == (1, 1)


@pytest.mark.parametrize("dry_run", [True, False])
def test_a_location_in_another_zone_is_refused(
    importing: Importing, folder: Folder, database: Database, dry_run: bool
) -> None:
    load(importing, folder, folder.write(row(1)))
    elsewhere = _extended("", zone="America/Lima")
    with pytest.raises(Conflict, match="Europe/Madrid"):
        load(importing, folder, folder.write(row(2)), elsewhere, dry_run=dry_run)
    assert counts(database)["appointment"] == 1


def test_contact_is_read_and_a_mistyped_number_does_not_cost_the_visit(
    importing: Importing, folder: Folder, database: Database
) -> None:
    more = '[fields.phone]\ncolumn = "note"\n[fields.name]\nvalue = "Ana"\n[fields.language]\nvalue = "ca"\n'
    rows = [row(number, note=phone) for number, phone in enumerate(("+44 7700 900123", "12", ""))]
    load(importing, folder, folder.write(*rows), _extended(more))
    assert everything(database, Patient, "name", "phone", "phone_problem", "language") == [
        ("Ana", "+447700900123", None, "ca"), ("Ana", None, "not a phone number", "ca"), ("Ana", None, None, "ca")
    ]  # fmt: skip


# Again, and after a kill


def test_a_second_run_adds_nothing_and_says_so(importing: Importing, folder: Folder, database: Database) -> None:
    rows = [row(number, status="yes" if number % 3 else "no", sent="1") for number in range(50)]
    path = folder.write(*rows, row(51, status="?"))
    first, before = load(importing, folder, path), counts(database)
    second = load(importing, folder, path)
    assert (second.accepted, second.already_there, second.rejected) == (0, 50, 1)
    assert second.noshows_already_there == first.noshows_accepted == 33
    assert counts(database) == before


def test_a_killed_run_is_completed_by_the_next(
    importing: Importing, folder: Folder, database: Database, tmp_path: Path
) -> None:
    rows = [row(number, sent=str(number % 2), status="yes" if number % 5 == 0 else "no") for number in range(BATCH * 3)]
    path = folder.write(*rows, row(0), row(7, status="yes"), "short")

    def killed(done: int, total: int) -> None:
        assert done <= total == path.stat().st_size
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        load(importing, folder, path, progress=killed)
    assert counts(database)["appointment"] == BATCH
    rest = load(importing, folder, path)
    assert (rest.accepted, rest.already_there, rest.rejected) == (BATCH * 2, BATCH, 3)
    assert counts(database) == {
        "appointment": BATCH * 3, "appointment_history": BATCH * 3, "location": 1, "patient": 7, "provider": 0,
        "reminder": BATCH * 3 // 2, "service": 1,
    }  # fmt: skip
    assert [line["line"] for line in folder.rejected()] == [str(BATCH * 3 + extra) for extra in (2, 3, 4)]


def test_a_visit_changed_at_the_desk_since_then_is_left_alone(
    importing: Importing, folder: Folder, database: Database
) -> None:
    path = folder.write(row(1, status="yes"))
    load(importing, folder, path)
    with database.write() as tx:
        tx.execute(Appointment.__table__.update().values(status="cancelled"))  # type: ignore[attr-defined]
    again = load(importing, folder, path)
    assert (again.already_there, again.rejected) == (1, 0)
    assert everything(database, Appointment, "status") == [("cancelled",)]


def test_the_same_row_twice_is_there_already_and_another_story_is_a_conflict(
    importing: Importing, folder: Folder, database: Database
) -> None:
    path = folder.write(row(1), row(1), row(1, status="yes"), row(1, patient="p9", sent="1"), row(1, note="other note"))
    for accepted in (1, 0):
        result = load(importing, folder, path)
        assert (result.accepted, result.already_there, result.rejected) == (accepted, 3 - accepted, 2)
        assert result.reasons == {"conflicting_row": 2}
        assert result.noshows_rejected == 1
    assert [line["reason"] for line in folder.rejected()] == [
        "An earlier row about visit v1 has another status.",
        "An earlier row about visit v1 has another patient, reminder.",
    ]
    assert counts(database)["appointment"] == 1


def test_a_dry_run_finds_the_same_and_stores_nothing(importing: Importing, folder: Folder, database: Database) -> None:
    rows = [row(number) for number in range(BATCH + 1)]
    path = folder.write(*rows, row(1), row(2, status="yes"), row(3, when="no day"))
    tried = load(importing, folder, path, dry_run=True)
    assert sum(counts(database).values()) == 0
    done = load(importing, folder, path)
    assert replace(tried, dry_run=False, seconds=0) == replace(done, seconds=0)
    assert load(importing, folder, path, dry_run=True).already_there == BATCH + 2


# The file


def test_gzip_is_told_by_its_bytes(importing: Importing, folder: Folder) -> None:
    packed = gzip.compress(folder.write(row(1)).read_bytes())
    assert load(importing, folder, folder.raw(packed, "packed.csv")).accepted == 1


@pytest.mark.parametrize(
    ("encoding", "written"),
    [
        ("utf-8", "utf-8-sig"),
        ("utf-8", "utf-16"),
        ("latin-1", "latin-1"),
        ("latin-1", "utf-8-sig"),
        ("cp1252", "cp1252"),
    ],
)
def test_encodings_and_byte_order_marks(
    importing: Importing, folder: Folder, database: Database, encoding: str, written: str
) -> None:
    text = "\r\n".join([HEADER, row(1, note="Ñandú Łódź" if "utf" in written else "Ñandú"), ""])
    mapping = _extended('[fields.name]\ncolumn = "note"\n', encoding=encoding)
    load(importing, folder, folder.raw(text.encode(written)), mapping)
    [(name,)] = everything(database, Patient, "name")
    assert name.startswith("Ñandú")


def test_semicolons_old_line_ends_and_no_header(importing: Importing, folder: Folder, database: Database) -> None:
    text = row(1).replace(",", ";") + "\r" + row(2).replace(",", ";")
    mapping = _extended("", delimiter=";", header="false")
    numbered = {
        fact: replace(field, columns=(str(place),)) for place, (fact, field) in enumerate(mapping.fields.items(), 1)
    }
    assert load(importing, folder, folder.raw(text.encode()), replace(mapping, fields=numbered)).accepted == 2


def test_bytes_that_are_not_text_matter_only_where_they_are_read(importing: Importing, folder: Folder) -> None:
    content = folder.write(row(1, patient="p@"), row(2, note="@"), row(3)).read_bytes().replace(b"@", b"\xff")
    result = load(importing, folder, folder.raw(content))
    assert (result.accepted, result.reasons) == (2, {"unreadable_text": 1})
    assert folder.rejected()[0]["raw"] == "v1,p\\udcff,2020-05-06,2020-05-04,no,0,"


def test_blank_lines_are_not_rows(importing: Importing, folder: Folder) -> None:
    result = load(importing, folder, folder.write("", row(1), "", "  ", row(2), ""))
    assert (result.read, result.accepted) == (2, 2)


def test_rejects_name_line_column_code_sentence_and_the_row_itself(importing: Importing, folder: Folder) -> None:
    quoted = 'v2,p2,"6 May, noon",2020-05-04,yes,0,"two\nlines"'
    result = load(importing, folder, folder.write(row(1), quoted, row(3), row(4, status="?"), "a,b"))
    assert (result.read, result.accepted, result.rejected, result.noshows_rejected) == (5, 2, 3, 1)
    assert folder.rejected() == [
        {"line": "3", "column": "when", "code": "unreadable_date", "raw": quoted,
         "reason": "'6 May, noon' is not a date in the form ISO 8601."},
        {"line": "6", "column": "status", "code": "unknown_value", "raw": row(4, status="?"),
         "reason": "'?' is not one of the values the mapping knows."},
        {"line": "7", "column": "", "code": "wrong_number_of_columns", "raw": "a,b",
         "reason": "The row has 2 columns, the header 7."},
    ]  # fmt: skip


@pytest.mark.parametrize("following", [3, 200])
@pytest.mark.parametrize(("broken", "lost"), [('v0,"p0,2020-05-06,2020-05-04,no,0,', 1), (row(0, note='"open'), 0)])
def test_a_quote_that_is_never_closed_swallows_no_other_row(
    importing: Importing, folder: Folder, broken: str, lost: int, following: int
) -> None:
    rows = [row(number, note='"a, b"') for number in range(1, following + 1)]
    result = load(importing, folder, folder.write(broken, *rows))
    assert (result.read, result.rejected) == (following + 1, lost)
    assert [line["line"] for line in folder.rejected()] == ["2"] * lost


def test_a_line_without_end_is_one_bad_row(importing: Importing, folder: Folder) -> None:
    result = load(importing, folder, folder.write(row(1), "x" * 3_000_000, '"' + "," * 3_000_000, row(2)))
    assert (result.accepted, result.reasons) == (2, {"unreadable_line": 2})
    assert max(len(line["raw"]) for line in folder.rejected()) == 10_000


def test_a_damaged_file_keeps_what_was_read_and_is_named(
    importing: Importing, folder: Folder, database: Database
) -> None:
    rows = [row(number, patient=f"p{number * 7919 % 100_003}") for number in range(BATCH * 4)]
    whole = gzip.compress(folder.write(*rows).read_bytes())
    with pytest.raises(FileUnreadable, match="damaged"):
        load(importing, folder, folder.raw(whole[: len(whole) * 3 // 4], "half.csv.gz"))
    there = counts(database)["appointment"]
    assert 0 < there < BATCH * 4
    assert load(importing, folder, folder.raw(whole, "half.csv.gz")).already_there == there


@pytest.mark.parametrize("content", [b"", b"\n\n", b"\x1f\x8bnot gzip"])
def test_a_file_without_rows_is_refused(importing: Importing, folder: Folder, content: bytes) -> None:
    with pytest.raises(FileUnreadable):
        load(importing, folder, folder.raw(content))
    assert not folder.rejects.exists()


def test_a_missing_file_and_a_missing_column_are_named(importing: Importing, folder: Folder) -> None:
    with pytest.raises(FileUnreadable, match=r"nowhere\.csv"):
        load(importing, folder, folder.path / "nowhere.csv")
    with pytest.raises(ColumnsMissing, match="'status'"):
        load(importing, folder, folder.write(header=HEADER.replace("status", "Status")))


def test_progress_reaches_the_end(importing: Importing, folder: Folder) -> None:
    told: list[tuple[int, int]] = []
    path = folder.write(*(row(number) for number in range(BATCH * 2 + 1)))
    load(importing, folder, path, progress=lambda done, total: told.append((done, total)))
    assert len(told) == 3
    assert told == sorted(told)
    assert told[-1] == (path.stat().st_size,) * 2


# The rejects file


def test_an_earlier_rejects_file_is_replaced_and_ends_with_the_faults(importing: Importing, folder: Folder) -> None:
    assert load(importing, folder, folder.write(row(1, status="?"))).rejects_path == folder.rejects
    assert stat.S_IMODE(folder.rejects.stat().st_mode) == 0o600
    assert load(importing, folder, folder.write(row(1))).rejects_path is None
    assert not folder.rejects.exists()


def test_nothing_but_an_earlier_rejects_file_is_overwritten(importing: Importing, folder: Folder) -> None:
    path = folder.write(row(1))
    before = path.read_bytes()
    with pytest.raises(FileUnreadable, match="not overwritten"):
        importing.run(path, MAPPING, rejects=path)
    assert path.read_bytes() == before


@pytest.mark.parametrize("left", ["", "line,column,code,reason,raw\n3,,unkn"])
def test_what_a_killed_run_left_of_its_rejects_is_replaced(importing: Importing, folder: Folder, left: str) -> None:
    folder.rejects.write_text(left)
    load(importing, folder, folder.write(row(1, status="?")))
    assert [line["code"] for line in folder.rejected()] == ["unknown_value"]


def test_rejects_that_cannot_be_written_end_the_run_before_it_begins(
    importing: Importing, folder: Folder, database: Database
) -> None:
    with pytest.raises(FileUnreadable, match="rejects"):
        importing.run(folder.write(row(1)), MAPPING, rejects=folder.path / "no" / "such" / "folder.csv")
    assert counts(database)["appointment"] == 0


@pytest.mark.parametrize("name", ["visits.csv", "visits.csv.gz", "visits.gz", "visits"])
def test_rejects_are_named_after_the_file(name: str) -> None:
    assert default_rejects(Path("/data") / name) == Path("visits.rejects.csv")


# Choosing a mapping


def test_mappings_are_found_by_name_by_path_and_by_columns(folder: Folder) -> None:
    by_name = load_mapping("vitoria-noshow", MAPPINGS)
    assert by_name.source == load_mapping(str(MAPPINGS / "vitoria-noshow.toml"), MAPPINGS).source
    path = folder.write(header=",".join([*by_name.columns, "more"]))
    assert fitting_mapping(path, MAPPINGS, ManualClock(NOW)).source == "vitoria-noshow"
    with pytest.raises(ColumnsMissing):
        fitting_mapping(folder.write(), MAPPINGS, ManualClock(NOW))
    with pytest.raises(MappingInvalid, match="vitoria-noshow"):
        load_mapping("victoria", MAPPINGS)


# What people see


def test_the_result_can_be_shown(importing: Importing, folder: Folder) -> None:
    path = folder.write(row(1, status="yes"), row(2, status="?"))
    shown = [_shown(load(importing, folder, path)), _shown(load(importing, folder, path, dry_run=True))]
    assert "unknown_value" in shown[0]
    assert str(folder.rejects) in shown[0].replace("\n", "")
    assert "nothing was stored" in shown[1]
    assert "Nothing new" in _shown(load(importing, folder, path))


# The public set


VITORIA = ("noshow", "vitoria-2016-half.csv.gz")


@needs_shared
def test_the_public_set_is_read_to_the_last_row(sqlite_database_url: str, folder: Folder) -> None:
    database = Database(sqlite_database_url)
    importing, path = Importing(database, ManualClock(NOW)), shared(*VITORIA)
    mapping = load_mapping("vitoria-noshow", MAPPINGS)
    first = load(importing, folder, path, mapping)
    assert (first.read, first.accepted, first.rejected, first.already_there) == (55_308, 55_298, 10, 0)
    assert first.noshows_accepted + first.noshows_rejected == 11_127
    assert first.reasons == {"mangled_id": 5, "visit_before_booking": 4, "impossible_age": 1}
    assert len(folder.rejected()) == 10
    _check_rejects(path, folder.rejected())

    report = Reports(database, ManualClock(NOW))
    total = report.no_shows().total
    assert (total.booked, total.noshow, total.fulfilled) == (55_298, first.noshows_accepted, 44_175)
    assert total.rate is not None
    assert (round(total.rate.value, 4), round(total.rate.low, 4), round(total.rate.high, 4)) == (0.2011, 0.1978, 0.2045)
    sums = report.no_shows(by="lead_time").groups
    assert sum(visits.noshow for _, visits in sums) == first.noshows_accepted
    assert report.reminder_costs().rows()[0]["imported"] == counts(database)["reminder"] == 17_753

    before = counts(database)
    again = load(importing, folder, _sample(path, folder), mapping)
    assert (again.read, again.accepted, again.already_there) == (SAMPLED, 0, SAMPLED - 2)
    assert counts(database) == before
    database.close()


@needs_shared
def test_a_sample_of_the_public_set_gives_the_same_on_both_databases(
    importing: Importing, folder: Folder, database: Database
) -> None:
    path, mapping = _sample(shared(*VITORIA), folder), load_mapping("vitoria-noshow", MAPPINGS)
    first = load(importing, folder, path, mapping)
    assert (first.read, first.rejected, first.noshows_accepted) == (SAMPLED, 2, 549)
    report = Reports(database, ManualClock(NOW))
    total = report.no_shows().total
    assert (total.booked, total.noshow, total.fulfilled) == (SAMPLED - 2, 549, 2214)
    assert sum(visits.noshow for _, visits in report.no_shows(by="lead_time").groups) == 549
    assert report.reminder_costs().rows()[0]["imported"] == counts(database)["reminder"] == 845

    before = counts(database)
    second = load(importing, folder, path, mapping)
    assert (second.accepted, second.already_there, second.noshows_already_there) == (0, SAMPLED - 2, 549)
    assert counts(database) == before


#: Rows of the public set that ``_sample`` takes; two of them cannot be read.
SAMPLED = 2765


def _sample(path: Path, folder: Folder) -> Path:
    """Every twentieth row of the whole file, so that all its weeks and places are met."""
    with gzip.open(path, "rt", encoding="utf-8") as file:
        lines = [text for number, text in enumerate(file) if number % 20 == 0]
    return folder.raw("".join(lines).encode(), "sample.csv")


def _check_rejects(path: Path, rejects: list[dict[str, str]]) -> None:
    """Each reject quotes the line of the file it names."""
    with gzip.open(path, "rt", encoding="utf-8") as file:
        lines = {number: text.rstrip("\n") for number, text in enumerate(file, 1)}
    for reject in rejects:
        assert reject["raw"] == lines[int(reject["line"])]
        assert reject["reason"].endswith(".")
        assert reject["column"] in {"PatientId", "AppointmentDay", "Age"}


def _shown(result: ImportResult) -> str:
    text = io.StringIO()
    write_import(result, Console(file=text, width=80))
    return text.getvalue()


def _extended(
    more: str, *, zone: str = "Europe/Madrid", encoding: str = "utf-8", delimiter: str = ",", header: str = "true"
) -> Mapping:
    """The mapping of these tests with other settings and more fields, and without reminders."""
    text = f"""
        source = "desk"
        [file]
        encoding = "{encoding}"
        delimiter = "{delimiter}"
        header = {header}
        [location]
        name = "Main street"
        time_zone = "{zone}"
        country = "ES"
        language = "es"
        currency = "EUR"
        [service]
        name = "Visit"
    """
    fields = "".join(_fields())
    return Mapping.parse(text + fields + more)


def _fields() -> Iterator[str]:
    for fact, column, rest in (
        ("visit_id", "id", ""), ("patient_id", "patient", ""), ("start", "when", 'type = "date"'),
        ("booked_at", "booked", 'type = "date"'),
        ("status", "status", 'values = { yes = "noshow", no = "fulfilled", off = "cancelled" }'),
    ):  # fmt: skip
        yield f'[fields.{fact}]\ncolumn = "{column}"\n{rest}\n'
