"""Rules that would never be worked out are told from those of real calendars."""

from __future__ import annotations

import pytest

from reminders.domain.recurrence import fault

SECONDS = ",".join(str(one) for one in range(60))


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("FREQ=DAILY", None), ("freq=weekly;byday=MO,TU;wkst=su", None), ("FREQ=YEARLY;INTERVAL=4;BYMONTH=2", None),
        ("FREQ=DAILY;BYHOUR=8,12,18;BYMINUTE=0,30", None), ("FREQ=HOURLY;COUNT=8", None),
        ("FREQ=HOURLY;UNTIL=20300102T000000Z", None), ("RSCALE=CHINESE;FREQ=YEARLY", None), ("INTERVAL=2", None),
        ("FREQ=DAILY;INTERVAL=0", "unreadable"), ("FREQ=DAILY;INTERVAL=-1", "unreadable"),
        ("FREQ=DAILY;INTERVAL=", "unreadable"), ("INTERVAL=00;FREQ=DAILY", "unreadable"),
        ("FREQ=DAILY;INTERVAL=²", "unreadable"), ("FREQ=SECONDLY", "recurs_too_often"),
        ("COUNT=5;FREQ=minutely", "recurs_too_often"), ("FREQ= SECONDLY", "recurs_too_often"),
        ("FREQ=HOURLY", "recurs_too_often"), ("FREQ=HOURLY;COUNT=6000", "recurs_too_often"),
        ("FREQ=HOURLY;COUNT=3;BYMONTH=2;BYMONTHDAY=28", "recurs_too_often"),
        (f"FREQ=DAILY;BYSECOND={SECONDS}", "recurs_too_often"),
        (f"FREQ=HOURLY;COUNT=9;BYSECOND={SECONDS}", "recurs_too_often"),
        ("FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30", "unreadable"), ("FREQ=DAILY;BYMONTH=2,4;BYMONTHDAY=-31", "unreadable"),
        ("FREQ=YEARLY;BYMONTHDAY=99", "unreadable"), ("FREQ=DAILY;COUNT=9;BYSETPOS=2", "unreadable"),
        ("FREQ=DAILY;BYMONTH=2;BYMONTHDAY=29", None), ("FREQ=MONTHLY;BYMONTH=2,3;BYMONTHDAY=31", None),
        ("FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1", None), ("FREQ=MONTHLY;BYMONTHDAY=31,-1", None),
        ("FREQ=DAILY;BYHOUR=8,9;BYSETPOS=2", None), ("FREQ=DAILY;BYMONTH=X;BYMONTHDAY=Y", None),
        ("FREQ=YEARLY;BYMONTH=5L;BYMONTHDAY=30", None),
        ("FREQ=DAILY;BYMONTH=13", "unreadable"), ("FREQ=DAILY;BYMONTH=13,2", None),
        ("FREQ=SECO\r\n NDLY", "recurs_too_often"), ("FREQ=DAILY;INTER\r\n\tVAL=0", "unreadable"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("name", ["RRULE", "EXRULE", "rrule;X-A=1"])
def test_what_is_worked_out(name: str, rule: str, expected: str | None) -> None:
    assert fault(f"BEGIN:VEVENT\r\nRRULE:FREQ=WEEKLY\r\n{name}:{rule}\r\nEND:VEVENT\r\n") == expected


def test_words_are_no_rules() -> None:
    assert fault("SUMMARY:The RRULE:FREQ=SECONDLY\r\nX-RRULE:FREQ=SECONDLY\r\n") is None
