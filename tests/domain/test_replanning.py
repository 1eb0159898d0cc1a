"""An edited policy: what becomes of the reminders that are planned, under way or sent."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reminders.domain.delivery import Channel, Reason, State
from reminders.domain.duration import Duration
from reminders.domain.plan import Planned, QuietHours, Step, plan
from reminders.domain.replanning import RETIRED, Difference, Existing, compare, pair

MADRID = ZoneInfo("Europe/Madrid")
START = datetime(2030, 5, 8, 10, 0, tzinfo=UTC)
BOOKED = START - timedelta(days=30)
SMS, VOICE = Channel.SMS, Channel.VOICE


def step(offset: str, *channels: Channel, **more: object) -> Step:
    if "fallback_after" in more:
        more["fallback_after"] = Duration.parse(str(more["fallback_after"]))
    return Step(Duration.parse(offset), channels or (SMS,), **more)  # type: ignore[arg-type]


DAY, HOURS = step("-P1D"), step("-PT2H")


def planned(steps: list[Step], ahead: timedelta, quiet: QuietHours | None = None) -> list[Planned]:
    """The plan as seen so long before the visit."""
    return plan(START, START - ahead, steps, venue=MADRID, recipient=MADRID, quiet=quiet)


def rows(steps: list[Step], **sent: State) -> list[Existing]:
    """What booking a month ahead has stored; ``sent`` gives the state of a step: ``s0=State.SENT``."""
    return [
        Existing(number, item.step, item.channel, sent.get(f"s{item.step}", item.state), item.reason, item.due_at,
                 item.not_after)
        for number, item in enumerate(plan(START, BOOKED, steps, venue=MADRID, recipient=MADRID, quiet=None), 1)
    ]  # fmt: skip


def edited(
    before: list[Step], after: list[Step], days: float = 10, quiet: QuietHours | None = None, **sent: State
) -> Difference:
    return compare(rows(before, **sent), before, after, planned(after, timedelta(days=days), quiet))


def test_the_same_steps_change_nothing():
    assert not edited([DAY, HOURS], [DAY, HOURS])


def test_a_removed_step_is_withdrawn_and_makes_room_for_its_number():
    found = edited([DAY, HOURS], [HOURS])
    assert (found.withdrawn, found.renumbered, found.added) == ([1], {1: RETIRED, 2: 0}, [])


def test_a_new_step_is_planned():
    (new,) = edited([DAY], [DAY, HOURS]).added
    assert (new.step, new.due_at, new.state) == (1, START - timedelta(hours=2), State.PLANNED)


def test_a_new_step_in_front_moves_the_numbers_behind_it():
    found = edited([DAY], [step("-P3D"), DAY])
    assert (found.renumbered, [item.step for item in found.added], found.withdrawn) == ({1: 1}, [0], [])


@pytest.mark.parametrize("state", [State.CLAIMED, State.UNCERTAIN, State.SENT, State.DELIVERED, State.FAILED])
def test_what_was_sent_is_not_sent_again(state):
    """A visit at 06:00 whose reminder went out early because of quiet hours, which are then taken away."""
    found = compare(
        [replace(rows([DAY])[0], state=state, due_at=START - timedelta(hours=30))], [DAY], [DAY],
        planned([DAY], timedelta(hours=29)),
    )  # fmt: skip
    assert not found


@pytest.mark.parametrize("reason", [Reason.COMBINED, Reason.REACHED])
def test_a_step_that_another_message_spoke_for_is_not_sent_again(reason):
    row = replace(rows([DAY])[0], state=State.SUPPRESSED, reason=reason)
    assert not compare([row], [DAY], [step("-PT20H")], planned([step("-PT20H")], timedelta(hours=23)))


def test_a_step_moved_a_little_is_the_same_nudge():
    assert not edited([DAY], [step("-PT20H")], days=23 / 24, s0=State.DELIVERED).new_contacts


def test_a_step_moved_far_is_another_nudge():
    found = edited([DAY], [HOURS], days=23 / 24, s0=State.DELIVERED)
    assert (found.renumbered, [item.due_at for item in found.added]) == ({1: RETIRED}, [START - timedelta(hours=2)])


def test_a_step_that_gives_way_to_another_is_withdrawn():
    found = edited([DAY], [HOURS])
    assert (found.withdrawn, found.changed, found.renumbered) == ([1], {}, {1: RETIRED})
    assert [item.due_at for item in found.added] == [START - timedelta(hours=2)]


def test_removing_what_was_sent_leaves_the_later_steps():
    found = edited([DAY, HOURS], [HOURS], days=0.5, s0=State.SENT)
    assert (found.withdrawn, found.added, found.renumbered) == ([], [], {1: RETIRED, 2: 0})


def test_a_step_that_moves_goes_out_at_its_new_time():
    found = edited([DAY], [step("-PT30H")])
    assert {number: item.due_at for number, item in found.changed.items()} == {1: START - timedelta(hours=30)}
    assert (found.taken_back, len(found.new_contacts)) == (1, 1)


def test_a_promised_reminder_is_not_lost_because_its_new_time_has_passed():
    assert not edited([DAY], [step("-P3D")], days=2)


def test_a_new_step_whose_time_has_passed_is_not_mentioned():
    assert not edited([HOURS], [step("-P3D"), HOURS], days=2).added


def test_edited_quiet_hours_move_reminders():
    night = QuietHours(8 * 60, 14 * 60)  # 12:00 in Madrid is forbidden, 14:00 is not
    found = edited([DAY], [DAY], quiet=night)
    assert found.changed[1].due_at == START - timedelta(hours=22)
    assert found.changed[1].reason is Reason.SHIFTED


def test_quiet_hours_may_leave_no_time_at_all():
    always = QuietHours(0, 24 * 60)
    assert edited([DAY], [DAY], quiet=always).changed[1].state is State.SUPPRESSED


def test_quiet_hours_taken_away_bring_back_what_had_no_time():
    row = replace(rows([DAY])[0], state=State.SUPPRESSED, reason=Reason.NO_ALLOWED_TIME)
    found = compare([row], [DAY], [DAY], planned([DAY], timedelta(days=10)))
    assert (found.renumbered, len(found.added)) == ({1: RETIRED}, 1)


CALLS = step("-P1D", SMS, VOICE, fallback_after="PT30M")


def test_a_second_channel_still_follows_a_first_contact_that_was_made():
    assert not edited([CALLS], [CALLS], days=1, s0=State.PLANNED)
    sms, voice = rows([CALLS])
    sent = [replace(sms, state=State.SENT), voice]
    found = compare(sent, [CALLS, HOURS], [HOURS, CALLS], planned([HOURS, CALLS], timedelta(hours=23.9)))
    assert (found.withdrawn, found.renumbered) == ([], {1: 1, 2: 1})
    found = compare(sent, [CALLS], [DAY], planned([DAY], timedelta(hours=23.9)))
    assert found.withdrawn == [2]


def test_a_second_channel_that_no_longer_follows_by_itself_is_taken_back():
    assert edited([CALLS], [step("-P1D", SMS, VOICE)]).withdrawn == [2]


def test_a_stop_holds_for_the_new_times_too():
    """START brings back what a stop took: at the new time, and only what is still wanted."""
    row = replace(rows([DAY])[0], state=State.SUPPRESSED, reason=Reason.OPTED_OUT)
    found = compare([row], [DAY], [step("-PT30H")], planned([step("-PT30H")], timedelta(days=10)))
    assert (found.retimed[1].due_at, found.changed, found.added) == (START - timedelta(hours=30), {}, [])
    gone = compare([row], [DAY], [], [])
    assert (gone.ended, gone.withdrawn, gone.renumbered) == ([1], [], {1: RETIRED})


def test_retired_numbers_are_never_used_twice():
    old = replace(rows([DAY])[0], number=9, step=RETIRED, state=State.WITHDRAWN)
    found = compare([old, *rows([DAY])], [DAY], [], [])
    assert found.renumbered == {1: RETIRED + 1}


@pytest.mark.parametrize(
    ("before", "after", "to", "same"),
    [
        (["-P1D", "-PT2H"], ["-PT2H", "-P1D"], {0: 1, 1: 0}, {0, 1}),
        (["-PT24H"], ["-P1D"], {0: 0}, {0}),
        (["-P1D", "-P1D"], ["-P1D"], {0: 0}, {0}),
        (["-P1D", "-PT2H"], ["-PT20H", "-PT2H"], {0: 0, 1: 1}, {0, 1}),
        (["-P7D", "-P1D"], ["-PT20H"], {1: 0}, {1}),
        (["-P1D"], ["-PT12H"], {0: 0}, set()),
        (["-P1D"], [], {}, set()),
    ],
)
def test_steps_are_recognised_by_their_lead_time(before, after, to, same):
    found = pair([step(text) for text in before], [step(text) for text in after])
    assert (dict(found.to), set(found.same)) == (to, same)


OFFSETS = ["-P7D", "-P3D", "-P2D", "-P1D", "-PT24H", "-PT20H", "-PT12H", "-PT2H", "-PT30M"]
ONE_CHANNEL = st.builds(step, st.sampled_from(OFFSETS))
TWO_CHANNELS = st.builds(lambda text: step(text, SMS, VOICE, fallback_after="PT1H"), st.sampled_from(OFFSETS))
STEPS = st.lists(ONE_CHANNEL | TWO_CHANNELS, max_size=4)
NIGHTS = st.sampled_from([None, QuietHours(20 * 60, 8 * 60), QuietHours(9 * 60, 13 * 60)])
AHEAD = st.integers(1, 10 * 24).map(lambda hours: timedelta(hours=hours))
OUTCOMES = st.lists(
    st.sampled_from([State.DELIVERED, State.SENT, State.UNCERTAIN, State.FAILED]), min_size=8, max_size=8
)


def carried_out(existing: list[Existing], found: Difference) -> list[Existing]:
    """The rows after the difference was written."""
    result = []
    for row in existing:
        row = replace(row, step=found.renumbered.get(row.number, row.step))
        if row.number in found.withdrawn:
            row = replace(row, state=State.WITHDRAWN, reason=Reason.SUPERSEDED)
        if item := found.changed.get(row.number):
            row = replace(row, state=item.state, reason=item.reason, due_at=item.due_at, not_after=item.not_after)
        result.append(row)
    return result + [
        Existing(1000 + n, item.step, item.channel, item.state, item.reason, item.due_at, item.not_after)
        for n, item in enumerate(found.added)
    ]


@given(before=STEPS, after=STEPS, quiet=NIGHTS, ahead=AHEAD, outcomes=OUTCOMES)
def test_any_edit_keeps_the_promises(before, after, quiet, ahead, outcomes):
    now = START - ahead
    existing = [
        replace(row, state=outcomes[row.number % 8]) if row.state is State.PLANNED and row.due_at <= now else row
        for row in rows(before)
    ]
    target = plan(START, now, after, venue=MADRID, recipient=MADRID, quiet=quiet)
    found = compare(existing, before, after, target)
    result = carried_out(existing, found)

    keys = [(row.step, row.channel) for row in result]
    assert len(keys) == len(set(keys)), "two reminders with one number"

    begun = {row.number for row in existing if row.begun}
    assert not begun & {*found.withdrawn, *found.changed}, "what was sent stays as it was"
    sent = [before[row.step].offset for row in existing if row.begun]
    again = [item for item in found.new_contacts if after[item.step].offset in sent]
    alike = [one.offset for one in (*before, *after)]
    assert all(alike.count(after[item.step].offset) > 2 for item in again), "sent twice"

    assert all(row.step < len(after) for row in result if row.state is State.PLANNED), "planned without a step"
    assert not compare(result, after, after, target), "a second time there is nothing left to do"
