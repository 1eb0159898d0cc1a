"""Importing a foreign calendar: the first time, and again when little has changed, beside a full parse with icalendar.

``python -m benchmarks.ical_import [--events 10000]``. The file is made here in the style of a large calendar program:
events with a zone of their own, alarms, folded descriptions and X-properties; 1 % of them recur. Peak memory is what the
process grew by (tracemalloc) while importing, streamed from the file.
"""

from __future__ import annotations

import argparse
import tempfile
import time
import tracemalloc
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import icalendar

from benchmarks.report import Sheet
from reminders.clock import ManualClock
from reminders.domain.sync import fingerprint
from reminders.gateways.icalread import occupied
from reminders.services.catalogue import Catalogue
from reminders.services.sync.busy import BusyTimes
from reminders.services.sync.calendarfile import CalendarFiles, FileResult
from reminders.store import schema
from reminders.store.clinic import add
from reminders.store.engine import Database
from reminders.store.tables import Location, Provider

START = datetime(2030, 5, 6, 6, 0, tzinfo=UTC)
_MEGABYTE = 1024 * 1024
_EVENT = """BEGIN:VEVENT
CREATED:20290101T000000Z
LAST-MODIFIED:20290101T000000Z
DTSTAMP:20290101T000000Z
UID:{uid}
SUMMARY:Meeting {number}{mark}
DTSTART;TZID=Europe/Berlin:{start:%Y%m%dT%H%M%S}
DTEND;TZID=Europe/Berlin:{end:%Y%m%dT%H%M%S}
TRANSP:OPAQUE
{rule}LOCATION:Room {room}\\, second floor
DESCRIPTION:Minutes of the last meeting\\, agenda and a list of those who said
  that they would come\\; please read before. Number {number}.
X-MOZ-GENERATION:1
BEGIN:VALARM
ACTION:DISPLAY
TRIGGER;VALUE=DURATION:-PT15M
DESCRIPTION:Reminder
END:VALARM
END:VEVENT
"""


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=10_000)
    count = parser.parse_args(arguments).events
    with tempfile.TemporaryDirectory(prefix="reminders-bench-") as folder:
        place = Path(folder)
        first, second = place / "a.ics", place / "b.ics"
        first.write_text(foreign(count, changed=0), newline="\r\n")
        second.write_text(foreign(count, changed=max(1, count // 100)), newline="\r\n")
        return measure(place, first, second, count)


def foreign(count: int, changed: int) -> str:
    """A calendar of so many events, of which the first ``changed`` differ from those of the same file without."""
    parts = []
    for number in range(count):
        begin = START + timedelta(minutes=45 * number)
        rule = "RRULE:FREQ=WEEKLY;COUNT=10\n" if number % 100 == 50 else ""
        parts.append(_EVENT.format(
            uid=f"{fingerprint({'n': number})}@calendar.test", number=number, start=begin, rule=rule, room=number % 40,
            end=begin + timedelta(minutes=30), mark=" (moved)" if number < changed else "",
        ))  # fmt: skip
    return "BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//Bench//EN\n" + "".join(parts) + "END:VCALENDAR\n"


def measure(place: Path, first: Path, second: Path, count: int) -> int:
    """Everything in one run; the sheet ends it."""
    sheet = Sheet(f"A foreign calendar of {count:,} events ({first.stat().st_size / _MEGABYTE:.1f} MB)")
    files, provider, database = office(place)
    tracemalloc.start()
    begun, taken = timed(lambda: take(files, first, provider))
    peak = tracemalloc.get_traced_memory()[1] / _MEGABYTE
    tracemalloc.stop()
    sheet.note("first import, traced", f"{begun:.1f} s", f"{taken.stored:,} events stored")
    sheet.at_most("grown by, first import", round(peak), 60, "MB")
    again, seen = timed(lambda: take(files, second, provider))
    began = time.perf_counter()
    icalendar.Calendar.from_ical(second.read_bytes())
    parse = time.perf_counter() - began
    sheet.quotient("again, 1 % changed", f"{again:.2f} s", f"icalendar, parse alone {parse:.2f} s", parse / again, 10)
    changed = max(1, count // 100)
    sheet.exactly("events stored, then read again, then left", (taken.stored, seen.stored, seen.unchanged),
                  (count, changed, count - changed))  # fmt: skip
    database.close()
    return sheet.close()


def take(files: CalendarFiles, path: Path, provider: str) -> FileResult:
    with path.open("rb") as lines:
        return files.run(lines, "foreign.ics", provider)


def timed(work: Callable[[], FileResult]) -> tuple[float, FileResult]:
    began = time.perf_counter()
    result = work()
    return time.perf_counter() - began, result


def office(place: Path) -> tuple[CalendarFiles, str, Database]:
    """One provider on a fresh database."""
    database, clock = Database(f"sqlite:///{place / 'bench.db'}"), ManualClock(START)
    schema.migrate(database)
    with database.write() as tx:
        location = add(tx, Location, {
            "uid": "loc_1", "name": "Nord", "time_zone": "Europe/Berlin", "country": "DE", "observes_holidays": False,
            "language": "de", "currency": "EUR", "created_at": START,
        })  # fmt: skip
        add(tx, Provider, {
            "uid": "prv_1", "location_id": location, "name": "Dr Vega", "languages": [], "active": True, "created_at": START,
        })  # fmt: skip
    catalogue = Catalogue(database, clock, lambda *_: frozenset())
    busy = BusyTimes(database, clock, catalogue, occupied)
    return CalendarFiles(clock, catalogue, busy, occupied), "prv_1", database


if __name__ == "__main__":
    raise SystemExit(main())
