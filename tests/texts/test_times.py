"""The time a message tells: the venue's wall clock on every kind of day, and its zone only where it is needed."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from reminders.texts import Template, Texts
from tests.texts.samples import facts


@pytest.mark.parametrize(
    ("start", "zone", "words"),
    [
        # The night the clocks go forward, then back, on both sides of the change.
        ("2030-03-31T00:30:00+00:00", "Europe/Madrid", "Sunday, Mar 31 at 1:30 AM"),
        ("2030-03-31T01:30:00+00:00", "Europe/Madrid", "Sunday, Mar 31 at 3:30 AM"),
        ("2030-03-31T13:00:00+02:00", "Europe/Madrid", "Sunday, Mar 31 at 1:00 PM"),
        ("2030-10-27T00:30:00+00:00", "Europe/Madrid", "Sunday, Oct 27 at 2:30 AM"),
        ("2030-10-27T01:30:00+00:00", "Europe/Madrid", "Sunday, Oct 27 at 2:30 AM"),
        ("2030-10-27T13:00:00+01:00", "Europe/Madrid", "Sunday, Oct 27 at 1:00 PM"),
        # Half an hour of daylight saving, a zone without any, and a quarter of an hour.
        ("2030-10-06T00:00:00+00:00", "Australia/Lord_Howe", "Sunday, Oct 6 at 11:00 AM"),
        ("2030-07-01T12:00:00+00:00", "Asia/Kathmandu", "Monday, Jul 1 at 5:45 PM"),
        # Midnight, the day before and the year before in the venue's zone.
        ("2030-05-08T05:00:00+00:00", "America/Chicago", "Wednesday, May 8 at 12:00 AM"),
        ("2030-05-08T04:59:00+00:00", "America/Chicago", "Tuesday, May 7 at 11:59 PM"),
        ("2031-01-01T05:30:00+00:00", "America/Chicago", "Tuesday, Dec 31 at 11:30 PM"),
        ("2030-12-31T23:30:00+00:00", "Europe/Madrid", "Wednesday, Jan 1 at 12:30 AM"),
        ("2028-02-29T12:00:00+00:00", "Europe/Madrid", "Tuesday, Feb 29 at 1:00 PM"),
    ],
)
def test_the_time_is_the_one_on_the_venues_wall(texts: Texts, start: str, zone: str, words: str) -> None:
    visit = facts(start=datetime.fromisoformat(start), venue_zone=zone)
    assert words in texts.sms(Template.REMINDER, "en", None, visit).body


def test_the_repeated_hour_is_not_mixed_up_between_zones(texts: Texts) -> None:
    madrid = ZoneInfo("Europe/Madrid")
    first, second = (datetime(2030, 10, 27, 2, 30, tzinfo=madrid, fold=fold) for fold in (0, 1))
    bodies = [
        texts.sms(Template.REMINDER, "en", None, facts(start=s, venue_zone="Asia/Tokyo")).body for s in (first, second)
    ]
    assert "9:30 AM" in bodies[0]
    assert "10:30 AM" in bodies[1]


def test_a_time_that_the_clock_skips_is_told_as_the_clock_will_show_it(texts: Texts) -> None:
    skipped = datetime(2030, 3, 31, 2, 30, tzinfo=ZoneInfo("Europe/Madrid"))
    body = texts.sms(Template.REMINDER, "en", None, facts(start=skipped, venue_zone="Europe/Madrid")).body
    assert "Sunday, Mar 31 at 3:30 AM" in body


@pytest.mark.parametrize(
    ("month", "venue", "recipient", "named"),
    [
        (5, "America/Chicago", None, False),
        (5, "America/Chicago", "America/Chicago", False),
        (5, "America/Chicago", "America/Winnipeg", False),
        (5, "America/Chicago", "Europe/Athens", True),
        (1, "America/Denver", "America/Phoenix", False),
        (7, "America/Denver", "America/Phoenix", True),
        (7, "Europe/London", "Etc/UTC", True),
    ],
)
def test_the_zone_is_named_only_when_the_clocks_differ(
    texts: Texts, month: int, venue: str, recipient: str | None, named: bool
) -> None:
    visit = facts(start=datetime(2030, month, 8, 18, tzinfo=UTC), venue_zone=venue, recipient_zone=recipient)
    body = texts.sms(Template.REMINDER, "en", None, visit).body
    city = venue.split("/")[1]
    assert (f"({city} time)" in body) == named


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("de", "(Ortszeit New York)"),
        ("en", "(New York time)"),
        ("es", "(hora de Nueva York)"),
        ("fr", "(heure locale : New York)"),
        ("pt", "(horário de Nova York)"),
        ("zh", "（纽约时间）"),
    ],
)
def test_the_zone_is_named_in_the_readers_language(texts: Texts, language: str, words: str) -> None:
    visit = facts(venue_zone="America/New_York", recipient_zone="Asia/Tokyo")
    assert words in texts.sms(Template.REMINDER, language, None, visit).body


@pytest.mark.parametrize(
    ("language", "short", "long"),
    [
        ("fr", "dimanche 1er déc. à 14:30", "dimanche 1er décembre à 14:30"),
        ("it", "domenica 1 dic, ore 14:30", "domenica 1º dicembre, ore 14:30"),
        ("pt", "domingo, 1 de dez. às 14:30", "domingo, 1º de dezembro às 14:30"),
        ("es", "domingo, 1 dic, 14:30", "domingo, 1 de diciembre, 14:30"),
        ("pl", "niedziela, 1.12 o 14:30", "niedziela, 1 grudnia o 14:30"),
        ("ko", "12월 1일 (일요일) 오후 2:30", "12월 1일 (일요일) 오후 2:30"),
        ("tr", "1 Ara Pazar saat 14:30", "1 Aralık Pazar saat 14:30"),
    ],
)
def test_the_first_of_a_month_is_written_as_people_write_it(texts: Texts, language: str, short: str, long: str) -> None:
    visit = facts(start=datetime(2030, 12, 1, 14, 30, tzinfo=UTC), venue_zone="UTC")
    assert short in texts.sms(Template.REMINDER, language, None, visit).body
    assert long in texts.email(Template.REMINDER, language, None, visit).body


@pytest.mark.parametrize(
    ("language", "words"),
    [("hi", "दोपहर 2:30 बजे"), ("ar", "2:30 مساءً"), ("ko", "오후 2:30"), ("ar-MA", "14:30"), ("zh-TW", "下午2:30")],
)
def test_a_voice_says_the_half_of_the_day_in_words(texts: Texts, language: str, words: str) -> None:
    visit = facts(start=datetime(2030, 12, 1, 14, 30, tzinfo=UTC), venue_zone="UTC")
    assert words in texts.voice("reminder", language, None, visit, action=None).body


def test_a_move_names_the_zone_once_when_either_time_differs(texts: Texts) -> None:
    winter, summer = datetime(2030, 1, 8, 18, tzinfo=UTC), datetime(2030, 7, 8, 18, tzinfo=UTC)
    visit = facts(start=winter, old_start=summer, venue_zone="America/Denver", recipient_zone="America/Phoenix")
    assert texts.sms(Template.MOVED, "en", None, visit).body.count("(Denver time)") == 1
