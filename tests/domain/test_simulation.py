"""Windows, order, sums and comparison of a rehearsal."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reminders.domain.cost import Money
from reminders.domain.delivery import Reason, State
from reminders.domain.simulation import (
    LONGEST,
    Condition,
    Contact,
    Difference,
    Differing,
    LeftOut,
    Message,
    Tally,
    Window,
    compare,
    in_order,
)
from reminders.errors import Invalid, NaiveTime

START = datetime(2030, 5, 6, 6, 0, tzinfo=UTC)
HOURS = st.integers(-48, 48).map(lambda hours: START + timedelta(hours=hours))


def contact(at: datetime = START, **changes: Any) -> Contact:
    return Contact(**{
        "at": at, "due_at": at, "kind": "reminder", "step": 0, "channel": "sms", "visit": "apt_1", "start": START,
        "patient": "pat_1", "to": "+34600000010", "location": "loc_1", "venue_zone": "Europe/Madrid",
        "recipient_zone": "Europe/Madrid", "condition": None, "holiday": False, "visit_on_holiday": False, **changes,
    })  # fmt: skip


def message(at: datetime = START, *, segments: int | None = 1, cost: str = "0.08", **changes: Any) -> Message:
    money = Money(Decimal(cost), changes.pop("currency", "USD"))
    language = changes.pop("language", "es")
    return Message(contact(at, **changes), language, False, "text", segments, money)


# Windows


def test_days_are_those_of_the_venue_and_the_last_one_is_included() -> None:
    window = Window.read("2030-05-06", "2030-05-07")
    assert window.bounds(ZoneInfo("Europe/Madrid")) == (
        datetime(2030, 5, 5, 22, tzinfo=UTC), datetime(2030, 5, 7, 22, tzinfo=UTC)
    )  # fmt: skip
    assert window.bounds(ZoneInfo("Asia/Tokyo"))[0] == datetime(2030, 5, 5, 15, tzinfo=UTC)


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("Europe/Madrid", "2030-03-31", 23), ("Europe/Madrid", "2030-10-27", 25), ("America/New_York", "2030-03-10", 23),
        ("America/New_York", "2030-11-03", 25), ("Australia/Lord_Howe", "2030-10-06", 23.5),
        ("Africa/Cairo", "2030-04-26", 23),  # the clocks skip midnight itself
        ("UTC", "2030-03-31", 24),
    ],
)  # fmt: skip
def test_a_day_is_as_long_as_its_clock_shows(zone: str, day: str, hours: float) -> None:
    start, end = Window.read(day, day).bounds(ZoneInfo(zone))
    assert end - start == timedelta(hours=hours)
    assert start.astimezone(ZoneInfo(zone)).date() == date.fromisoformat(day)
    assert (start - timedelta(microseconds=1)).astimezone(ZoneInfo(zone)).date() == date.fromisoformat(day) - timedelta(
        days=1
    )


@given(
    st.dates(date(2029, 1, 1), date(2031, 1, 1)), st.sampled_from(["Europe/Madrid", "America/New_York", "Africa/Cairo"])
)
def test_windows_of_days_that_follow_each_other_meet(day: date, name: str) -> None:
    first, second = (
        Window.read(str(one), str(one)).bounds(ZoneInfo(name)) for one in (day, day + timedelta(days=1))
    )  # fmt: skip
    assert first[0] < first[1] == second[0]


def test_times_with_an_offset_are_exact_for_every_venue() -> None:
    window = Window.read("2030-05-06T09:00:00+02:00", "2030-05-06T08:00:00+00:00")
    expected = (datetime(2030, 5, 6, 7, tzinfo=UTC), datetime(2030, 5, 6, 8, tzinfo=UTC))
    assert window.bounds(ZoneInfo("Asia/Tokyo")) == window.bounds(UTC) == expected


@pytest.mark.parametrize(
    ("first", "last", "field"),
    [
        ("2030-05-07", "2030-05-06", "from"), ("tomorrow", "2030-05-06", "from"), ("2030-05-06", "2030-02-30", "to"),
        ("2030-05-06", "", "to"), ("2030-05-06", "2030-05-06T09:00", "to"), ("0001-01-01", "2030-05-06", "from"),
        ("2030-05-06", "9999-12-31", "to"), ("2030-05-06T09:00Z", "2030-05-06T09:00Z", "from"),
        ("2030-01-01", str(date(2030, 1, 1) + LONGEST), "to"),
    ],
)  # fmt: skip
def test_a_window_without_sense_is_refused(first: str, last: str, field: str) -> None:
    with pytest.raises(Invalid) as caught:
        Window.read(first, last)
    assert caught.value.field == field


def test_a_time_without_an_offset_is_named_as_such() -> None:
    with pytest.raises(NaiveTime):
        Window.read("2030-05-06T09:00", "2030-05-07")


def test_the_longest_window_is_taken() -> None:
    assert Window.read("2030-01-01", str(date(2030, 1, 1) + LONGEST - timedelta(days=1)))


# Order


@given(st.lists(st.tuples(HOURS, st.integers(0, 48))))
def test_what_is_put_off_comes_in_its_turn(found: list[tuple[datetime, int]]) -> None:
    planned = sorted((due, due + timedelta(hours=wait), number) for number, (due, wait) in enumerate(found))
    times = {number: at for _, at, number in planned}
    given_back = list(in_order(planned))
    assert sorted(given_back) == sorted(times)
    assert [times[number] for number in given_back] == sorted(times.values())


def test_order_keeps_only_what_is_put_off() -> None:
    """A stream is passed on as it comes: the first item is out before the second is asked for."""
    asked = []

    def stream() -> Any:
        for number in range(3):
            asked.append(number)
            yield START + timedelta(hours=number), START + timedelta(hours=number), number

    assert next(in_order(stream())) == 0
    assert asked == [0]


# Sums


def test_sums_keep_currencies_apart_and_count_reasons() -> None:
    tally = Tally()
    for outcome in (
        message(segments=2, cost="0.16"), message(language="en", cost="0.01", currency="EUR"),
        message(channel="voice", segments=None, cost="0.04"), message(channel="email", segments=None, cost="0"),
        LeftOut(contact(), State.SUPPRESSED, Reason.OPTED_OUT), LeftOut(contact(), State.MISSED, Reason.TOO_LATE),
        LeftOut(contact(), State.SUPPRESSED, Reason.OPTED_OUT),
    ):  # fmt: skip
        tally.add(outcome)
    assert (tally.messages, tally.segments) == (4, 3)
    assert tally.cost == {"USD": Decimal("0.20"), "EUR": Decimal("0.01")}
    assert tally.channels == {"sms": 2, "voice": 1, "email": 1}
    assert tally.languages == {"es": 3, "en": 1}
    assert tally.left_out == {Reason.OPTED_OUT: 2, Reason.TOO_LATE: 1}


# Comparison


def at(*hours: int, **changes: Any) -> list[Message]:
    return [message(START + timedelta(hours=hour), **changes) for hour in hours]


def shown(differing: Sequence[Differing]) -> list[tuple[str, int | None, int | None]]:
    def hour(one: Message | None) -> int | None:
        return None if one is None else int((one.contact.at - START).total_seconds() // 3600)

    return [(item.difference.value, hour(item.a), hour(item.b)) for item in differing]


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        ([], [], []),
        ([1, 5], [1, 5], []),
        ([1], [], [("only_a", 1, None)]),
        ([], [1], [("only_b", None, 1)]),
        ([1], [3], [("other_time", 1, 3)]),
        ([3], [1], [("other_time", 3, 1)]),
        # a step put in front does not move those behind it
        ([24, 46], [0, 24, 46], [("only_b", None, 0)]),
        ([24, 46], [0, 24, 45], [("only_b", None, 0), ("other_time", 46, 45)]),
        ([1, 10], [9], [("only_a", 1, None), ("other_time", 10, 9)]),
    ],
)
def test_messages_are_matched_by_time(a: list[int], b: list[int], expected: list[Any]) -> None:
    assert shown(compare(at(*a), at(*b))) == expected


def test_another_channel_is_another_message() -> None:
    assert shown(compare(at(1, channel="sms"), at(1, channel="voice"))) == [("only_a", 1, None), ("only_b", None, 1)]


def test_the_same_message_under_another_condition() -> None:
    (item,) = compare(at(1), at(1, condition=Condition.UNLESS_CONFIRMED))
    assert item.difference is Difference.OTHER_CONDITION


MESSAGES = st.lists(st.builds(lambda at, channel: message(at, channel=channel), HOURS, st.sampled_from(["sms", "voice"])),
                    max_size=6)  # fmt: skip


@given(MESSAGES, MESSAGES)
def test_comparing_loses_and_invents_nothing(a: list[Message], b: list[Message]) -> None:
    differing = compare(a, b)
    counts = {kind: sum(item.difference is kind for item in differing) for kind in Difference}
    same = len(a) - counts[Difference.ONLY_A] - counts[Difference.OTHER_TIME]
    assert same == len(b) - counts[Difference.ONLY_B] - counts[Difference.OTHER_TIME] >= 0
    assert {id(item.a) for item in differing if item.a} <= {id(one) for one in a}
    assert {id(item.b) for item in differing if item.b} <= {id(one) for one in b}
    both = [*(item.a for item in differing if item.a), *(item.b for item in differing if item.b)]
    assert len({id(one) for one in both}) == len(both)


@given(MESSAGES)
def test_a_plan_does_not_differ_from_itself(a: list[Message]) -> None:
    assert compare(a, [*reversed(a)]) == []


@given(MESSAGES, MESSAGES)
def test_sides_may_change_places(a: list[Message], b: list[Message]) -> None:
    other = {Difference.ONLY_A: Difference.ONLY_B, Difference.ONLY_B: Difference.ONLY_A}
    there = sorted(other.get(item.difference, item.difference) for item in compare(a, b))
    assert there == sorted(item.difference for item in compare(b, a))
