"""Which reminders a visit gets and when: never in the past, never in quiet hours, never all at once."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reminders.domain.delivery import Channel, Reason, State
from reminders.domain.duration import Duration
from reminders.domain.plan import Planned, QuietHours, Step, into_allowed_hours, plan

MADRID, NEW_YORK, LORD_HOWE = ZoneInfo("Europe/Madrid"), ZoneInfo("America/New_York"), ZoneInfo("Australia/Lord_Howe")
AZORES, AUCKLAND = ZoneInfo("Atlantic/Azores"), ZoneInfo("Pacific/Auckland")
NIGHT = QuietHours(20 * 60, 8 * 60)
SMS, VOICE = Channel.SMS, Channel.VOICE
MINUTE = timedelta(minutes=1)
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


def at(text: str, zone: ZoneInfo = MADRID) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone).astimezone(UTC)


def step(offset: str, *channels: Channel, **more: str) -> Step:
    extra = {name: Duration.parse(value) for name, value in more.items()}
    return Step(Duration.parse(offset), channels or (SMS,), **extra)


def planned(start: datetime, *steps: Step, now: datetime = LONG_AGO, quiet: QuietHours | None = None) -> list[Planned]:
    return plan(start, now, steps, venue=MADRID, recipient=MADRID, quiet=quiet)


def shown(item: Planned, zone: ZoneInfo = MADRID) -> str:
    return item.due_at.astimezone(zone).strftime("%m-%d %H:%M")


def between(first: str, last: str) -> st.SearchStrategy[datetime]:
    return st.datetimes(datetime.fromisoformat(first), datetime.fromisoformat(last), timezones=st.just(UTC))


def minute_of(moment: datetime, zone: ZoneInfo) -> float:
    wall = moment.astimezone(zone)
    return wall.hour * 60 + wall.minute + wall.second / 60


# start, offset, quiet hours, when it goes out, why
SHIFTS = [
    ("2030-05-08 15:00", "-P1D", NIGHT, "05-07 15:00", Reason.DUE),
    ("2030-05-08 15:00", "-PT2H", NIGHT, "05-08 13:00", Reason.DUE),
    ("2030-05-08 10:00", "-PT2H", NIGHT, "05-08 08:00", Reason.DUE),  # quiet hours end: allowed
    ("2030-05-08 22:00", "-PT2H", NIGHT, "05-08 19:59", Reason.SHIFTED),  # quiet hours begin: not allowed
    ("2030-05-08 09:00", "-PT2H", NIGHT, "05-08 08:00", Reason.SHIFTED),  # forward, up to the deadline itself
    ("2030-05-08 08:30", "-PT2H", NIGHT, "05-07 19:59", Reason.SHIFTED),  # the deadline is before 08:00: back
    ("2030-05-09 06:00", "-P1D", NIGHT, "05-08 08:00", Reason.SHIFTED),
    ("2030-05-09 23:00", "-P1D", NIGHT, "05-09 08:00", Reason.SHIFTED),
    ("2030-05-09 23:00", "-P1D", None, "05-08 23:00", Reason.DUE),
    ("2030-05-08 14:30", "-PT1H", QuietHours(13 * 60, 15 * 60), "05-08 12:59", Reason.SHIFTED),  # a siesta
    ("2030-05-08 17:00", "-PT3H", QuietHours(13 * 60, 15 * 60), "05-08 15:00", Reason.SHIFTED),
    ("2030-05-08 09:00", "-PT2H", QuietHours(480, 480), "05-08 07:00", Reason.DUE),  # empty: never quiet
    ("2030-05-09 01:00", "-PT4H", QuietHours(20 * 60, 1440), "05-08 19:59", Reason.SHIFTED),  # until 24:00
    ("2030-05-09 03:00", "-PT5H", QuietHours(20 * 60, 1440), "05-09 00:00", Reason.SHIFTED),
    ("2030-05-09 05:00", "-PT4H", QuietHours(1440, 6 * 60), "05-08 23:59", Reason.SHIFTED),  # from 24:00
]


@pytest.mark.parametrize(("start", "offset", "quiet", "expected", "reason"), SHIFTS)
def test_quiet_hours_move_forward_else_back(start, offset, quiet, expected, reason):
    (item,) = planned(at(start), step(offset), quiet=quiet)
    assert (item.state, shown(item)) == (State.PLANNED, expected)
    assert item.reason is reason


def test_back_only_as_long_as_that_has_not_passed():
    start, nudge = at("2030-05-08 08:30"), step("-PT2H")
    (kept,) = planned(start, nudge, now=at("2030-05-07 19:59"), quiet=NIGHT)
    assert (kept.state, shown(kept)) == (State.PLANNED, "05-07 19:59")
    (dropped,) = planned(start, nudge, now=at("2030-05-07 20:00"), quiet=NIGHT)
    assert (dropped.state, dropped.reason) == (State.SUPPRESSED, Reason.NO_ALLOWED_TIME)


def test_quiet_all_day_leaves_no_time():
    (item,) = planned(at("2030-05-08 12:00"), step("-P1D"), quiet=QuietHours(0, 1440))
    assert (item.state, item.reason) == (State.SUPPRESSED, Reason.NO_ALLOWED_TIME)


def test_quiet_hours_are_the_recipients():
    start = at("2030-05-08 15:00")
    (item,) = plan(start, LONG_AGO, [step("-P1D")], venue=MADRID, recipient=AUCKLAND, quiet=NIGHT)
    assert shown(item, MADRID) == "05-07 22:00"  # 15:00 in Madrid is 01:00 in Auckland; this is 08:00 there
    assert shown(item, AUCKLAND) == "05-08 08:00"


def test_offsets_are_the_venues_wall_time():
    start = at("2030-04-01 15:00")  # clocks were put forward the day before
    (day,) = plan(start, LONG_AGO, [step("-P2D")], venue=MADRID, recipient=NEW_YORK, quiet=None)
    (hours,) = plan(start, LONG_AGO, [step("-PT48H")], venue=MADRID, recipient=NEW_YORK, quiet=None)
    assert (shown(day), shown(hours)) == ("03-30 15:00", "03-30 14:00")


def test_late_booking_skips_what_has_passed_instead_of_sending_it_at_once():
    steps = [step("-P3D"), step("-P1D"), step("-PT2H")]
    items = planned(at("2030-05-08 15:00"), *steps, now=at("2030-05-08 10:00"))
    assert [(item.state, item.reason) for item in items] == [
        (State.SUPPRESSED, Reason.BOOKED_TOO_LATE),
        (State.SUPPRESSED, Reason.BOOKED_TOO_LATE),
        (State.PLANNED, Reason.DUE),
    ]


def test_a_step_due_this_very_moment_is_kept():
    start = at("2030-05-08 15:00")
    assert planned(start, step("-P1D"), now=at("2030-05-07 15:00"))[0].state is State.PLANNED
    assert planned(start, step("-P1D"), now=at("2030-05-07 15:00:01"))[0].state is State.SUPPRESSED


def test_steps_need_not_be_sorted_and_may_repeat():
    steps = [step("-PT2H"), step("-P3D"), step("-PT2H"), step("-P1D")]
    items = planned(at("2030-05-08 15:00"), *steps)
    assert [item.step for item in items] == [0, 1, 2, 3]
    assert [shown(item) for item in items] == ["05-08 13:00", "05-05 15:00", "05-08 13:00", "05-07 15:00"]


@pytest.mark.parametrize(
    ("given", "deadline"),
    [
        ({}, "05-08 03:00"),  # half of the lead
        ({"not_after": "-PT3H"}, "05-08 12:00"),
        ({"not_after": "PT3H"}, "05-08 12:00"),
        ({"not_after": "P1D"}, "05-07 15:15"),  # due at its deadline: it still gets time to go out
    ],
)
def test_deadline(given, deadline):
    (item,) = planned(at("2030-05-08 15:00"), step("-P1D", **given))
    assert item.not_after.astimezone(MADRID).strftime("%m-%d %H:%M") == deadline


def test_what_is_due_after_its_own_deadline_never_goes_out_and_says_so():
    (item,) = planned(at("2030-05-08 15:00"), step("-PT2H", not_after="P1D"))
    assert (item.state, item.reason) == (State.SUPPRESSED, Reason.TOO_LATE)


def test_moved_to_its_deadline_a_reminder_still_gets_time_to_go_out():
    (item,) = planned(at("2030-05-08 09:00"), step("-PT2H"), quiet=NIGHT)
    assert item.not_after - item.due_at == timedelta(minutes=15)
    (short,) = planned(at("2030-05-08 08:10"), step("-PT20M"), quiet=QuietHours(20 * 60, 8 * 60 - 5))
    assert shown(short) == "05-08 07:55"
    assert short.not_after - short.due_at == timedelta(minutes=7, seconds=30)


# offset, wait, quiet hours, contacts
FALLBACKS = [
    ("-P1D", "PT30M", None, ["sms 05-07 15:00", "voice 05-07 15:30"]),
    ("-PT19H30M", "PT30M", NIGHT, ["sms 05-07 19:30", "voice 05-08 08:00"]),
    ("-PT18H", "PT30M", NIGHT, ["sms 05-08 08:00", "voice 05-08 08:30"]),  # not both at 08:00
    ("-PT3H", "PT45M", None, ["sms 05-08 12:00", "voice 05-08 12:45"]),
    ("-PT3H", "PT2H", None, ["sms 05-08 12:00"]),  # no call after the deadline
    ("-PT3H", "PT4H", None, ["sms 05-08 12:00"]),
    ("-PT20H", "PT15M", QuietHours(19 * 60, 14 * 60), ["sms 05-07 18:59"]),  # never both at 18:59
]


@pytest.mark.parametrize(("offset", "wait", "quiet", "expected"), FALLBACKS)
def test_fallback_follows_the_first_contact(offset, wait, quiet, expected):
    steps = [step(offset, SMS, VOICE, fallback_after=wait, not_after="PT2H")]
    items = planned(at("2030-05-08 15:00"), *steps, quiet=quiet)
    assert [f"{item.channel} {shown(item)}" for item in items] == expected
    assert all(item.not_after > item.due_at for item in items)


def test_without_a_deadline_of_its_own_a_fallback_has_half_of_its_lead():
    first, call = planned(at("2030-05-08 15:00"), step("-PT1H", SMS, VOICE, fallback_after="PT45M"))
    assert (shown(call), call.not_after - call.due_at) == ("05-08 14:45", timedelta(minutes=7, seconds=30))
    assert first.not_after - first.due_at == timedelta(minutes=30)


def test_when_the_time_of_a_step_has_passed_so_has_that_of_its_fallback():
    nudge = step("-P1D", SMS, VOICE, fallback_after="PT30M")
    items = planned(at("2030-05-08 15:00"), nudge, now=at("2030-05-07 15:10"))
    assert [(item.channel, item.state, item.reason) for item in items] == [
        (SMS, State.SUPPRESSED, Reason.BOOKED_TOO_LATE),
        (VOICE, State.SUPPRESSED, Reason.BOOKED_TOO_LATE),
    ]


def test_without_a_wait_only_the_first_channel_is_planned():
    (item,) = planned(at("2030-05-08 15:00"), step("-P1D", VOICE, SMS))
    assert item.channel is VOICE


# quiet hours whose edges lie in the hour that clocks skip or repeat
EDGES = [
    ("2030-10-27T00:15:00+00:00", (60, 150), "2030-10-27T00:30:00+00:00"),  # until the first 02:30
    ("2030-10-27T01:15:00+00:00", (60, 150), "2030-10-27T01:30:00+00:00"),  # the second 02:15: until the second 02:30
    ("2030-03-31T00:30:00+00:00", (60, 150), "2030-03-31T01:30:00+00:00"),  # 02:30 is skipped
]


@pytest.mark.parametrize(("due", "quiet", "expected"), EDGES)
def test_edges_of_quiet_hours_on_the_nights_of_change(due, quiet, expected):
    due, far = datetime.fromisoformat(due), datetime(2031, 1, 1, tzinfo=UTC)
    assert into_allowed_hours(due, far, LONG_AGO, MADRID, QuietHours(*quiet)) == datetime.fromisoformat(expected)


ZONES = st.sampled_from([MADRID, NEW_YORK, LORD_HOWE, AZORES, AUCKLAND, ZoneInfo("UTC")])
MOMENTS = between("2030-03-01", "2030-04-10") | between("2030-09-25", "2030-11-10")
QUIET = st.none() | st.builds(QuietHours, st.integers(0, 1440), st.integers(0, 1440))
OFFSETS = st.builds(lambda days, seconds: Duration(-days, -seconds), st.integers(0, 5), st.integers(1, 90000))
WAITS = st.none() | st.builds(Duration, seconds=st.integers(60, 50000))
STEPS = st.builds(
    Step,
    offset=OFFSETS,
    channels=st.sampled_from([(SMS,), (VOICE,), (SMS, VOICE), (VOICE, SMS)]),
    unless_confirmed=st.booleans(),
    fallback_after=WAITS,
    not_after=st.none() | st.builds(Duration, seconds=st.integers(0, 90000)),
)
VISITS = st.tuples(MOMENTS.map(lambda m: m.replace(second=0, microsecond=0)), st.integers(0, 6 * 86400 * 10))


@settings(max_examples=250, deadline=None)
@given(VISITS, st.lists(STEPS, max_size=4), ZONES, ZONES, QUIET)
def test_whatever_the_policy_no_reminder_comes_at_a_wrong_time(visit, steps, venue, recipient, quiet):
    start, tenths = visit
    now = start - timedelta(seconds=tenths / 10)
    items = plan(start, now, steps, venue=venue, recipient=recipient, quiet=quiet)
    assert [number for number, _ in enumerate(steps)] == sorted({item.step for item in items})
    assert len({(item.step, item.channel) for item in items}) == len(items)
    for item in items:
        wished = steps[item.step].offset.after(start, venue)
        if item.state is State.PLANNED:
            assert now <= item.due_at < item.not_after <= start
            assert quiet is None or not quiet.forbids(minute_of(item.due_at, recipient))
        else:
            assert item.state is State.SUPPRESSED
            assert item.reason in {Reason.BOOKED_TOO_LATE, Reason.NO_ALLOWED_TIME, Reason.TOO_LATE}
            assert item.reason is not Reason.NO_ALLOWED_TIME or quiet is not None
            assert (item.reason is Reason.BOOKED_TOO_LATE) == (wished < now)
        if item.reason is Reason.DUE and item.channel is steps[item.step].channels[0]:
            assert item.due_at == wished


@settings(max_examples=200, deadline=None)
@given(VISITS, STEPS, ZONES, QUIET)
def test_a_fallback_waits_for_its_turn(visit, nudge, zone, quiet):
    start, tenths = visit
    nudge = replace(nudge, channels=(SMS, VOICE), fallback_after=nudge.fallback_after or Duration(seconds=1800))
    items = plan(start, start - timedelta(seconds=tenths), [nudge], venue=zone, recipient=zone, quiet=quiet)
    first, *rest = items
    assert first.channel is SMS
    for follower in rest:
        assert follower.channel is VOICE
        assert follower.due_at - first.due_at >= nudge.fallback_after.approximate
        assert follower.reason is not Reason.BOOKED_TOO_LATE or first.reason is Reason.BOOKED_TOO_LATE


@settings(max_examples=100, deadline=None)
@given(VISITS, st.lists(STEPS, max_size=4), ZONES, QUIET, st.randoms(use_true_random=False))
def test_the_order_of_steps_does_not_matter(visit, steps, zone, quiet, chance):
    start, tenths = visit
    now = start - timedelta(seconds=tenths / 10)
    order = list(range(len(steps)))
    chance.shuffle(order)
    mixed = plan(start, now, [steps[number] for number in order], venue=zone, recipient=zone, quiet=quiet)
    back = [replace(item, step=order[item.step]) for item in mixed]
    assert sorted(back, key=str) == sorted(plan(start, now, steps, venue=zone, recipient=zone, quiet=quiet), key=str)


@settings(max_examples=150, deadline=None)
@given(MOMENTS, st.integers(-86400, 2 * 86400), st.integers(0, 2 * 86400), ZONES, QUIET)
def test_allowed_hours_are_the_nearest_ones(moment, until, ago, zone, quiet):
    """Forward to the first allowed minute before the deadline, else back to the last one that has not passed."""
    due = moment.replace(second=0, microsecond=0)
    deadline, now = due + timedelta(seconds=until), due - timedelta(seconds=ago)
    found = into_allowed_hours(due, deadline, now, zone, quiet)
    if quiet is None or not quiet.forbids(minute_of(due, zone)):
        assert found == due
        return
    if found is None:
        return
    assert not quiet.forbids(minute_of(found, zone))
    assert due < found <= deadline or now <= found < due


@settings(max_examples=200, deadline=None)
@given(MOMENTS, st.integers(-86400, 2 * 86400), st.integers(0, 2 * 86400), st.integers(0, 1440), st.integers(0, 1440))
def test_allowed_hours_are_those_of_the_slow_model(moment, until, ago, begin, end):
    """In a zone whose clocks never change the rule can be tried out minute by minute."""
    due, zone, quiet = moment.replace(second=0, microsecond=0), ZoneInfo("UTC"), QuietHours(begin, end)
    deadline, now = due + timedelta(seconds=until), due - timedelta(seconds=ago)

    def first_allowed(direction: int) -> datetime | None:
        tried = (due + direction * number * MINUTE for number in range(1441))
        return next((one for one in tried if not quiet.forbids(minute_of(one, zone))), None)

    forward, back = first_allowed(1), first_allowed(-1)
    expected = forward if forward is not None and (forward <= deadline or forward == due) else back
    if expected is not None and expected < now:
        expected = None
    assert into_allowed_hours(due, deadline, now, zone, quiet) == expected
