"""Sending what is due: everything is decided at the last moment, and whatever happens nothing is lost or sent twice."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

import pytest
from sqlalchemy import update

from reminders.domain.appointment import Change
from reminders.services.sending import Rules
from reminders.store import appointments, paces
from reminders.store.engine import Database
from reminders.store.tables import Reminder, SenderPace
from tests.factories import DESK, MONDAY, PATIENT, World, at, step, together
from tests.fakes import Fate, WorkerDied, later, minutes, refused

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
WEDNESDAY = at("2030-05-08 10:00")
TUESDAY = WEDNESDAY - DAY
ONE = [step("-P1D")]


@pytest.fixture
def world(database: Database) -> World:
    return World(database)


def booked(world: World, **more):
    return world.book(world.open(**{"steps": ONE, **more}), WEDNESDAY)


def test_nothing_is_sent_before_its_time_and_everything_when_it_comes(world):
    visit = booked(world)
    assert world.tick(TUESDAY - timedelta(microseconds=1)) == 0
    assert world.tick(TUESDAY) == 1
    assert world.tick() == 0
    (sent,) = world.messenger.sent
    row, message = world.reminder(visit), world.messages()[0]
    assert (row.state, row.reason, row.attempts, row.lease_until) == ("sent", "due", 1, None)
    assert (message.state, message.provider_sid, message.token, message.body) == (
        "sent",
        sent.sid,
        sent.token,
        sent.body,
    )
    assert (message.phone, message.segments, message.sent_at) == (sent.to, 1, TUESDAY)
    assert message.estimated > 0
    assert message.price is None


def test_the_text_is_that_of_the_moment_of_sending(world):
    """Name, number, language and time may all change between planning and sending."""
    ids = world.open(steps=ONE, patient={"language": "es"})
    world.book(ids, WEDNESDAY)
    world.patients.change(ids.patient, {"name": "Anna Roy", "phone": "+34600999999", "language": "en"}, None)
    world.tick(TUESDAY)
    (sent,) = world.messenger.sent
    assert sent.to == "+34600999999"
    assert "Anna Roy" in sent.body
    assert "Wednesday" in sent.body
    assert world.messages()[0].language == "en"


def test_a_text_tells_of_the_visit_and_of_nothing_else(world):
    ids = world.open(steps=ONE, patient={"name": "Zed Quux"}, service={"name": "Secret clinic"})
    world.book(ids, WEDNESDAY)
    world.tick(TUESDAY)
    body = world.messenger.sent[0].body
    assert "Zed Quux" in body
    assert "Secret" not in body
    assert "Dr Vega" not in body


def test_calls_are_placed_and_say_nothing_yet(world):
    visit = booked(world, steps=[step("-P1D", "voice")])
    world.tick(TUESDAY)
    (sent,) = world.messenger.sent
    message = world.messages()[0]
    assert (sent.channel, message.body, message.segments) == ("voice", "", None)
    assert world.reminder(visit).state == "sent"


# What is found out at the last moment


def outcome(world: World, visit: str) -> tuple[str, str, int]:
    row = world.reminders(visit)[0]
    return row.state, row.reason, world.messenger.requests


def test_confirmed_patients_are_not_nagged_where_the_step_says_so(world):
    visit = booked(world, steps=[step("-P1D", unless_confirmed=True), step("-PT2H")])
    world.change(visit, Change.CONFIRM, PATIENT)
    world.tick(TUESDAY)
    assert outcome(world, visit) == ("suppressed", "already_confirmed", 0)
    world.tick(WEDNESDAY - 2 * HOUR)
    assert len(world.messenger.sent) == 1


def test_a_fallback_is_not_needed_once_the_patient_said_yes(world):
    visit = booked(world, steps=[step("-P1D", "sms", "voice", fallback_after="PT30M")])
    world.tick(TUESDAY)
    world.change(visit, Change.CONFIRM, PATIENT)
    world.tick(TUESDAY + minutes(30))
    assert world.states(visit) == [("sent", "due"), ("suppressed", "already_confirmed")]
    assert len(world.messenger.sent) == 1


def test_a_fallback_follows_who_did_not_answer(world):
    visit = booked(world, steps=[step("-P1D", "sms", "voice", fallback_after="PT30M")])
    world.tick(TUESDAY)
    world.tick(TUESDAY + minutes(29))
    assert len(world.messenger.sent) == 1
    world.tick(TUESDAY + minutes(30))
    assert [sent.channel for sent in world.messenger.sent] == ["sms", "voice"]
    assert world.states(visit) == [("sent", "due")] * 2


def test_no_phone_no_message(world):
    visit = booked(world, patient={"phone": None})
    world.tick(TUESDAY)
    assert outcome(world, visit) == ("suppressed", "no_address", 0)


@pytest.mark.parametrize(
    ("stopped", "sms", "voice"), [("sms", False, True), ("voice", True, False), ("all", False, False)]
)
def test_who_said_stop_is_left_alone(world, stopped, sms, voice):
    ids = world.open(steps=[step("-P1D"), step("-PT23H", "voice")])
    world.patients.stop(ids.patient, stopped, DESK)
    visit = world.book(ids, WEDNESDAY)  # the stop came first, so nothing was withdrawn by it
    world.tick(TUESDAY)
    world.tick(TUESDAY + HOUR)
    assert [row.state for row in world.reminders(visit)] == [
        "sent" if allowed else "suppressed" for allowed in (sms, voice)
    ]  # fmt: skip
    assert {row.reason for row in world.reminders(visit)} <= {"due", "opted_out"}


def test_one_patient_without_a_phone_does_not_hold_up_the_others(world):
    ids = world.open(steps=ONE)
    for number, phone in enumerate([None, "+34600111222", None, "+34600111333"]):
        world.book(ids, WEDNESDAY + number * HOUR, patient=world.add_patient(phone=phone))
    world.tick(WEDNESDAY - DAY + 4 * HOUR)
    assert [sent.to for sent in world.messenger.sent] == ["+34600111222", "+34600111333"]


def test_what_cannot_be_said_does_not_hold_up_the_others(world):
    """A note without any visible character was let in by an older version: everybody else still gets theirs."""
    ids = world.open(steps=ONE)
    visit = world.book(ids, WEDNESDAY)
    note = world.desk.write(ids.patient, "see you")
    world.run(partial(_blank, number=note.id))
    world.tick(TUESDAY)
    assert len(world.messenger.sent) == 1
    assert world.states(visit) == [("sent", "due")]
    (row,) = [one for one in world.reminders() if one.id == note.id]
    assert (row.state, row.reason) == ("suppressed", "no_text")


def _blank(tx, number: int) -> None:
    tx.execute(update(Reminder).where(Reminder.id == number).values(body="\u202a", not_after=WEDNESDAY))


def test_quiet_hours_put_off_and_never_drop(world):
    visit = booked(world, quiet=("20:00", "08:00"), patient={"time_zone": "America/New_York"})
    planned = world.reminder(visit)
    assert planned.due_at == at("2030-05-07 12:00")  # 08:00 in New York
    world.patients.change(world.visit(visit).patient_uid, {"time_zone": "America/Los_Angeles"}, None)
    world.tick(planned.due_at)  # 05:00 in Los Angeles
    row = world.reminder(visit)
    assert (row.state, row.reason, row.due_at) == ("planned", "shifted_quiet_hours", at("2030-05-07 15:00"))
    world.tick(row.due_at)
    assert len(world.messenger.sent) == 1


def test_quiet_until_after_the_deadline_means_missed(world):
    visit = booked(world, steps=[step("-PT2H", not_after="PT1H")], quiet=("20:00", "08:00"))
    world.patients.change(world.visit(visit).patient_uid, {"time_zone": "America/Los_Angeles"}, None)
    world.tick(WEDNESDAY - 2 * HOUR)
    assert outcome(world, visit) == ("missed", "no_allowed_time", 0)


def test_after_an_outage_what_still_helps_goes_out_and_the_rest_is_missed_not_silent(world):
    ids = world.open(steps=[step("-P1D", not_after="PT20H"), step("-PT2H", not_after="PT30M")])
    visit = world.book(ids, WEDNESDAY)
    world.tick(WEDNESDAY - HOUR)  # nobody was there for a day
    assert world.states(visit) == [("missed", "deadline_passed"), ("sent", "due")]
    late = world.book(ids, WEDNESDAY + 5 * HOUR)
    world.tick(WEDNESDAY + 6 * HOUR)
    assert [state for state, _ in world.states(late)] == ["suppressed", "suppressed"]
    assert len(world.messenger.sent) == 1


def test_a_visit_that_has_begun_is_not_announced(world):
    visit = booked(world, steps=[step("-PT2H", not_after="PT0S")])
    world.tick(WEDNESDAY)
    assert outcome(world, visit) == ("suppressed", "visit_not_open", 0)


def test_at_nine_two_hours_before_is_eight_and_a_second_late_is_soon_enough(world):
    """Quiet hours push it onto its own deadline; a worker is never there to the microsecond."""
    visit = world.book(world.open(steps=[step("-PT2H")], quiet=("20:00", "08:00")), at("2030-05-08 07:00"))
    eight = at("2030-05-08 06:00")
    assert world.reminder(visit).due_at == eight
    world.tick(eight + timedelta(seconds=1))
    assert outcome(world, visit) == ("sent", "due", 1)


# What the provider says


def test_a_permanent_refusal_ends_the_reminder(world):
    visit = booked(world)
    world.messenger.script(refused(21211, permanent=True))
    world.tick(TUESDAY)
    assert outcome(world, visit) == ("failed", "refused_by_provider", 1)
    assert (world.messages()[0].state, world.messages()[0].error_code) == ("failed", 21211)
    assert world.tick(TUESDAY + HOUR) == 0


def test_a_number_that_cannot_work_is_flagged_on_the_card(world):
    visit = booked(world)
    patient = world.visit(visit).patient_uid
    world.messenger.script(refused(21614, permanent=True))
    world.tick(TUESDAY)
    assert world.patients.get(patient).patient.phone_problem == "provider error 21614"
    world.patients.change(patient, {"phone": "+34600111222"}, None)
    assert world.patients.get(patient).patient.phone_problem is None


def test_transient_refusals_are_tried_again_later_and_later(world):
    visit = booked(world, steps=[step("-P1D", not_after="PT1H")])
    world.clock.set(TUESDAY)
    waits = []
    for attempt in range(1, 13):
        world.messenger.script(refused(30001))
        assert world.tick() == 1
        row = world.reminder(visit)
        assert (row.state, row.reason, row.attempts) == ("planned", "retrying", attempt)
        waits.append(row.due_at - world.clock.now())
        ceiling = min(minutes(30), timedelta(seconds=20) * 2**attempt)
        assert timedelta(0) <= waits[-1] <= ceiling
        world.clock.set(row.due_at)
    assert max(waits) > minutes(1)
    assert len(set(waits)) > 6  # jitter: workers do not come back all at once
    world.tick()
    assert world.reminder(visit).state == "sent"
    assert [message.state for message in world.messages()] == ["failed"] * 12 + ["sent"]


def test_the_provider_may_ask_for_patience(world):
    visit = booked(world)
    world.messenger.script(later(3600))
    world.tick(TUESDAY)
    assert world.reminder(visit).due_at >= TUESDAY + HOUR
    world.tick(TUESDAY + HOUR - minutes(1))
    assert world.messenger.requests == 1


def test_patience_beyond_the_deadline_means_missed(world):
    visit = booked(world)
    world.messenger.script(later(86_400))
    world.tick(TUESDAY)
    assert outcome(world, visit) == ("missed", "deadline_passed", 1)


def test_a_retry_decides_everything_anew(world):
    visit = booked(world)
    world.messenger.script(later(60))
    world.tick(TUESDAY)
    world.patients.stop(world.visit(visit).patient_uid, "sms", DESK)
    world.tick(TUESDAY + HOUR)
    assert outcome(world, visit) == ("suppressed", "opted_out", 1)


def test_the_provider_knows_of_a_stop_that_we_do_not(world):
    ids = world.open(steps=[step("-P1D", "sms", "voice"), step("-PT2H"), step("-PT1H", "voice")])
    visit = world.book(ids, WEDNESDAY)
    world.messenger.script(refused(21610, permanent=True, opted_out=True))
    world.tick(TUESDAY)
    assert world.states(visit) == [("failed", "opted_out"), ("suppressed", "opted_out"), ("planned", "due")]
    assert world.patients.get(ids.patient).opted_out == ("sms",)


def test_no_answer_is_not_a_no(world):
    visit = booked(world)
    world.messenger.script(Fate.REQUEST_LOST)
    world.tick(TUESDAY)
    row = world.reminder(visit)
    assert (row.state, row.lease_until) == ("uncertain", TUESDAY + minutes(1))
    assert world.tick(TUESDAY + minutes(30)) == 0
    assert world.messages()[0].state == "uncertain"


def test_the_next_channel_follows_a_failure_at_once(world):
    visit = booked(world, steps=[step("-P1D", "sms", "voice")])
    world.messenger.script(refused(21614, permanent=True))
    world.tick(TUESDAY)
    assert [(row.channel, row.state) for row in world.reminders(visit)] == [("sms", "failed"), ("voice", "sent")]
    assert [row.step for row in world.reminders(visit)] == [0, 0]


def test_a_fallback_that_is_planned_is_brought_forward(world):
    visit = booked(world, steps=[step("-P1D", "sms", "voice", fallback_after="PT5H")])
    world.messenger.script(refused(21614, permanent=True))
    world.tick(TUESDAY)
    assert [(row.channel, row.state, row.due_at) for row in world.reminders(visit)] == [
        ("sms", "failed", TUESDAY), ("voice", "sent", TUESDAY),
    ]  # fmt: skip


def test_the_last_channel_has_no_fallback(world):
    visit = booked(world, steps=[step("-P1D", "voice", "sms")])
    world.messenger.script(refused(21211, permanent=True), refused(21211, permanent=True))
    world.tick(TUESDAY)
    world.tick(TUESDAY + minutes(1))
    assert [(row.channel, row.state) for row in world.reminders(visit)] == [("voice", "failed"), ("sms", "failed")]
    assert world.messenger.requests == 2


# Workers


def test_a_worker_that_dies_leaves_the_rest_of_its_batch_to_others(world):
    ids = world.open(steps=ONE)
    visits = [world.book(ids, WEDNESDAY, patient=world.add_patient())] + [
        world.book(ids, WEDNESDAY + number * HOUR / 2, patient=world.add_patient()) for number in (1, 2)
    ]
    world.messenger.script(Fate.ACCEPTED, Fate.DIED_BEFORE)
    with pytest.raises(WorkerDied):
        world.tick(TUESDAY + HOUR)
    assert [world.reminder(visit).state for visit in visits] == ["uncertain"] * 3
    world.clock.advance(Rules().lease)
    world.reconciling.run()
    world.worker("worker-2").run_due()
    assert [world.reminder(visit).state for visit in visits] == ["sent"] * 3
    assert len(world.messenger.sent) == 3


def test_a_worker_that_comes_too_late_to_its_lease_does_not_ask(world):
    """The first request took so long that the lease of the second is nearly over."""
    ids = world.open(steps=ONE)
    first, second = world.book(ids, WEDNESDAY), world.book(ids, WEDNESDAY + HOUR / 2, patient=world.add_patient())
    world.messenger.before_answer = lambda _: world.clock.advance(Rules().lease - timedelta(seconds=14))
    world.clock.set(TUESDAY + HOUR)
    world.sending.run_due()
    assert world.reminder(first).state == "sent"
    assert (world.reminder(second).state, world.reminder(second).attempts) == ("sent", 2)
    assert [message.state for message in world.messages()] == ["sent", "failed", "sent"]
    assert len(world.messenger.sent) == 2


def test_many_workers_send_everything_exactly_once(world):
    ids = world.open(steps=ONE)
    visits = [world.book(ids, WEDNESDAY + n * HOUR / 2, patient=world.add_patient()) for n in range(24)]
    world.clock.set(TUESDAY + DAY / 2)
    workers = [world.worker(f"worker-{number}", batch=5) for number in range(4)]
    handled = together([worker.run_due for worker in workers])
    assert sum(handled) == len(visits), handled
    assert {world.reminder(visit).state for visit in visits} == {"sent"}
    assert len({sent.token for sent in world.messenger.sent}) == len(world.messenger.sent) == len(visits)


def test_a_visit_that_somebody_is_changing_waits_until_it_is_known_what_it_becomes(postgresql_database_url):
    """Sent in that moment it would tell the old time; waiting for the change could end in a deadlock."""
    world = World(Database(postgresql_database_url))
    visit = booked(world)
    world.clock.set(TUESDAY)
    with world.database.write() as tx:
        appointments.get(tx, visit, lock=True)
        together([world.worker("worker-2").run_due])
        assert world.messenger.requests == 0
        assert world.states(visit) == [("planned", "due")]
        world.lifecycle.change(tx, visit, Change.RESCHEDULE, DESK, start=WEDNESDAY + HOUR)
    world.tick()
    assert world.states(visit) == [("withdrawn", "visit_moved"), ("planned", "due")]
    assert world.messenger.requests == 0
    world.database.close()


def test_a_change_and_a_claim_at_the_same_moment_never_tell_an_old_time(world):
    ids = world.open(steps=ONE)
    for number in range(8):
        visit = world.book(ids, WEDNESDAY + number * DAY)
        world.clock.set(TUESDAY + number * DAY)
        before = len(world.messenger.sent)
        together([lambda v=visit: world.change(v, Change.CANCEL), world.worker(f"w{number}").run_due])
        world.tick()
        (row,) = world.reminders(visit)
        assert (row.state, len(world.messenger.sent) - before) in {("withdrawn", 0), ("sent", 1)}


def test_the_oldest_go_first(world):
    ids = world.open(steps=ONE)
    for number in (3, 1, 2):
        world.book(ids, WEDNESDAY + number * HOUR, patient=world.add_patient(phone=f"+3460000010{number}"))
    world.tick(TUESDAY + 5 * HOUR)
    assert [sent.to for sent in world.messenger.sent] == ["+34600000101", "+34600000102", "+34600000103"]


def test_pacing_counts_segments_and_nothing_is_lost_by_it(database):
    world = World(database, per_second=1.0)
    world.open(steps=None)
    people = [world.add_patient() for _ in range(6)]
    for person in people:
        world.desk.write(person, "Please bring your papers. " * 8)  # more than one segment each
    began, sent, segments = MONDAY, [], []
    for second in range(60):
        world.tick(began + timedelta(seconds=second))
        sent.append(len(world.messenger.sent))
        segments.append(sum(message.segments for message in world.messages()))
    assert sent[-1] == 6
    total = segments[-1]
    assert total >= 12
    longest = total // 6
    assert all(done <= second + 2 + 2 * longest for second, done in enumerate(segments))
    assert sent[1] < 6


def test_an_overdrawn_sender_sends_nothing_at_all(database):
    world = World(database, per_second=1.0)
    ids = world.open(steps=ONE)
    for number in range(5):
        world.book(ids, WEDNESDAY + number * HOUR, patient=world.add_patient())
    sender = "sms:+15005550006"
    now = TUESDAY + 5 * HOUR
    world.clock.set(now)
    world.run(lambda tx: paces.allowance(tx, sender, now, 1.0, timedelta(seconds=2)))
    world.run(lambda tx: paces.spend(tx, sender, now, 1.0, timedelta(seconds=2), 30))
    assert world.tick() == 0
    assert world.tick(now + timedelta(seconds=29)) == 1
    assert len(world.messenger.sent) == 1
    assert world.count(SenderPace) == 1


def test_a_slow_sender_is_slow_but_not_stuck(database):
    world = World(database, per_second=0.2)
    ids = world.open(steps=ONE)
    for number in range(3):
        world.book(ids, WEDNESDAY + number * HOUR, patient=world.add_patient())
    counts = []
    for second in range(0, 20):
        world.tick(TUESDAY + 5 * HOUR + timedelta(seconds=second))
        counts.append(len(world.messenger.sent))
    assert (counts[0], counts[6], counts[12]) == (1, 2, 3)


def test_an_unexpected_failure_of_the_gateway_is_found_out_later(world):
    """Anything but the errors the port speaks of: the row stays uncertain and is looked after."""
    visit = booked(world)

    def explode(_) -> None:
        raise RuntimeError

    world.messenger.before_answer = explode
    world.tick(TUESDAY)
    world.messenger.before_answer = None
    assert world.reminder(visit).state == "uncertain"
    world.clock.advance(Rules().lease)
    world.reconciling.run()
    assert outcome(world, visit) == ("sent", "found_at_provider", 1)


def test_notes_of_the_desk_go_out_at_once_even_at_night(world):
    ids = world.open(quiet=("20:00", "08:00"))
    world.clock.set(at("2030-05-06 22:00"))
    world.desk.write(ids.patient, "The lift is broken.")
    world.tick()
    assert "The lift is broken." in world.messenger.sent[0].body
    assert world.reminders()[0].state == "sent"
