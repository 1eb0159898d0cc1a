"""The ledger: one sentence the desk can read out, for whatever can happen to a reminder."""

from __future__ import annotations

import re
from datetime import timedelta
from decimal import Decimal
from itertools import product

import pytest
from sqlalchemy import insert, select, update

from reminders.domain.appointment import Change
from reminders.domain.cost import Money
from reminders.domain.delivery import Channel, Reason, State
from reminders.errors import NotFound
from reminders.services.ledger import summarise
from reminders.store.engine import Database
from reminders.store.tables import Message, Reminder
from tests.factories import DESK, MONDAY, PATIENT, World, at, step
from tests.fakes import Fate, minutes, refused

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
WEDNESDAY = at("2030-05-08 10:00")
TUESDAY = WEDNESDAY - DAY
KINDS = ["reminder", "moved", "cancelled", "desk"]
#: What a person must never hear: code names, empty values, leftovers of a template.
ODD = re.compile(r"None|null|[{}<>%]|_|\bTrue\b|\bFalse\b|  |\.\.|,\.|\( | \)|State\.|Reason\.")


@pytest.fixture
def world(database: Database) -> World:
    return World(database)


def sentences(world: World, visit: str) -> list[str]:
    return [entry.sentence for entry in world.entries(visit)]


def test_every_state_and_reason_reads_as_english(world):
    """All that can be stored, with and without a message, planned and under way."""
    ids = world.open(steps=[step("-P1D"), step("-PT1H30M", "voice")])
    visit = world.visit(world.book(ids, WEDNESDAY))
    cases = list(product(State, Reason, Channel, KINDS[:3]))
    common = {"appointment_id": visit.id, "patient_id": visit.patient_id}
    with world.database.write() as tx:
        tx.execute(insert(Reminder), [
            common | {
                "uid": f"rem_case_{number}", "kind": kind, "plan": 100 + number, "step": number % 3, "channel": channel,
                "due_at": TUESDAY, "not_after": WEDNESDAY, "state": state, "reason": reason, "attempts": number % 4,
                "updated_at": MONDAY, "lease_until": [None, MONDAY + HOUR][number % 2],
            }
            for number, (state, reason, channel, kind) in enumerate(cases)
        ])  # fmt: skip
        numbers = {row.plan - 100: row.id for row in tx.execute(select(Reminder.plan, Reminder.id))}
        tx.execute(insert(Message), [
            common | {
                "uid": f"msg_case_{number}", "direction": "out", "channel": channel, "kind": kind,
                "reminder_id": numbers[number], "phone": "+1", "body": "", "language": ["es", None][number % 2],
                "token": f"t{number}", "state": state, "error_code": [None, 30003][number % 2], "created_at": TUESDAY,
            }
            for number, (state, _, channel, kind) in enumerate(cases) if number % 3
        ])  # fmt: skip
    for entry in world.entries(visit.uid):
        told = f"{entry.state}/{entry.reason}: {entry.sentence}"
        assert entry.sentence.startswith("The "), told
        assert entry.sentence.endswith("."), told
        assert not ODD.search(entry.sentence), told
        assert str(entry.reason) not in entry.sentence or entry.reason in {"due", "paused"}, told


def test_the_sentences_of_an_ordinary_life(world):
    ids = world.open(
        steps=[step("-P3D"), step("-P1D", "sms", "voice"), step("-PT2H", unless_confirmed=True)],
        quiet=("20:00", "08:00"),
    )
    visit = world.book(ids, WEDNESDAY)
    assert sentences(world, visit) == [
        "The reminder SMS 3 days before, due Sun 05 May 2030 at 12:00, was left out: the visit was booked after this "
        "time had passed.",
        "The reminder SMS 1 day before will go out on Tue 07 May 2030 at 12:00; should it not arrive, a call follows.",
        "The reminder SMS 2 hours before will go out on Wed 08 May 2030 at 10:00, unless the patient confirms before.",
    ]
    world.tick(TUESDAY)
    world.callback(world.messenger.sent[0], State.DELIVERED)
    assert sentences(world, visit)[1] == (
        "The reminder SMS 1 day before was sent on Tue 07 May 2030 at 12:00 in Spanish and delivered on Tue 07 May 2030 "
        "at 12:00."
    )
    world.change(visit, Change.CONFIRM, PATIENT)
    assert sentences(world, visit)[2] == (
        "The reminder SMS 2 hours before, due Wed 08 May 2030 at 10:00, will not go out because the patient has confirmed."
    )
    world.tick(WEDNESDAY - 2 * HOUR)
    assert sentences(world, visit)[2] == (
        "The reminder SMS 2 hours before, due Wed 08 May 2030 at 10:00, was left out: the patient had confirmed already."
    )
    assert world.ledger.summary(visit).startswith("The reminder SMS 1 day before was sent")
    assert world.ledger.summary(visit).endswith("Nothing more is planned.")


def test_emails_are_called_so(world):
    ids = world.open(steps=[step("-P1D", "email")])
    visit = world.visit(world.book(ids, WEDNESDAY))

    def told(state: State, reason: Reason, **values: object) -> str:
        with world.database.write() as tx:
            tx.execute(update(Reminder).values(state=state, reason=reason, **values))
        return sentences(world, visit.uid)[0]

    assert (
        told(State.PLANNED, Reason.DUE) == "The reminder e-mail 1 day before will go out on Tue 07 May 2030 at 12:00."
    )
    assert told(State.SUPPRESSED, Reason.NO_ADDRESS).endswith("was left out: there is no e-mail address on the card.")
    assert told(State.UNCERTAIN, Reason.DUE).endswith("it will be handed over again.")
    assert told(State.SENT, Reason.UNCONFIRMED).endswith("(the mail server had all of it, but its answer got lost).")
    assert told(State.SENT, Reason.DUE, kind="moved").startswith("The e-mail about the new time was sent on ")


def test_shifted_moved_and_cancelled(world):
    ids = world.open(steps=[step("-PT14H")], quiet=("20:00", "08:00"), notices=["moved", "cancelled"])
    visit = world.book(ids, WEDNESDAY)
    assert sentences(world, visit) == [
        "The reminder SMS 14 hours before will go out on Tue 07 May 2030 at 19:59, moved from Tue 07 May 2030 at 22:00 out of quiet hours (20:00 to 08:00)."
    ]
    world.move(visit, WEDNESDAY + DAY)
    world.change(visit, Change.CANCEL)
    told = sentences(world, visit)
    assert "The SMS about the cancellation will go out on Mon 06 May 2030 at 08:02." in told
    assert "The SMS about the new time, due Mon 06 May 2030 at 08:02, was taken back: the visit was cancelled." in told
    assert any(one.endswith("was taken back: the visit was moved.") for one in told)
    assert world.ledger.summary(visit).endswith(
        "Next: The SMS about the cancellation will go out on Mon 06 May 2030 at 08:02."
    )


def test_quiet_hours_are_those_of_the_patient_and_survive_a_stop_and_a_start(world):
    ids = world.open(steps=[step("-P1D")], quiet=("20:00", "08:00"), patient={"time_zone": "America/New_York"})
    visit = world.book(ids, WEDNESDAY)
    told = [
        "The reminder SMS 1 day before will go out on Tue 07 May 2030 at 14:00, moved from Tue 07 May 2030 at 12:00 out of "
        "quiet hours (20:00 to 08:00 in America/New_York)."
    ]
    assert sentences(world, visit) == told
    world.patients.stop(ids.patient, "sms", DESK)
    world.patients.allow(ids.patient, "sms", DESK)
    assert sentences(world, visit) == told


def test_failure_fallback_and_retry(world):
    visit = world.book(world.open(steps=[step("-P1D", "sms", "voice")]), WEDNESDAY)
    world.messenger.script(refused(30001), refused(30001))
    world.tick(TUESDAY)
    assert ", after one try that the provider could not take; should" in sentences(world, visit)[0]
    world.tick(TUESDAY + minutes(5))
    assert ", after 2 tries that the provider could not take; should" in sentences(world, visit)[0]
    world.tick(TUESDAY + minutes(30))
    world.callback(world.messenger.sent[-1], State.FAILED, error_code=30005)
    assert sentences(world, visit)[0] == (
        "The reminder SMS 1 day before did not reach the patient: the network could not deliver it (provider error 30005)."
    )
    world.messenger.script(Fate.ANSWER_LOST)
    world.tick()
    assert sentences(world, visit)[1] == "The reminder call 1 day before is being sent right now."
    world.clock.advance(minutes(2))
    assert "the answer got lost; we ask the provider" in sentences(world, visit)[1]
    world.reconciling.run()
    assert "we found it at the provider" in sentences(world, visit)[1]


def test_missed(world):
    visit = world.book(world.open(steps=[step("-P1D")]), WEDNESDAY)
    world.tick(WEDNESDAY - HOUR)
    assert sentences(world, visit) == [
        "The reminder SMS 1 day before was not sent: its deadline passed before it could be sent (it made sense only "
        "until Wed 08 May 2030 at 00:00)."
    ]


def test_times_are_those_of_the_venue(world):
    ids = world.open(
        location={"time_zone": "America/New_York"}, patient={"time_zone": "Asia/Tokyo"}, steps=[step("-P1D")]
    )
    visit = world.book(ids, WEDNESDAY)
    assert "Tue 07 May 2030 at 06:00" in sentences(world, visit)[0]


def test_cost_is_estimated_until_it_is_known_and_never_both(world):
    visit = world.book(world.open(steps=[step("-P1D"), step("-PT2H")]), WEDNESDAY)
    assert [entry.cost for entry in world.entries(visit)] == [None, None]
    world.tick(TUESDAY)
    sent = world.messenger.sent[0]
    first, second = world.entries(visit)
    estimate = world.messages()[0].estimated
    assert (first.cost, first.cost_is_actual, second.cost) == (Money(estimate, "USD"), False, None)
    world.callback(sent, State.DELIVERED)
    world.messenger.price(sent, "0.05", "EUR")
    world.clock.advance(minutes(2))
    world.checking.run()
    first = world.entries(visit)[0]
    assert (first.cost, first.cost_is_actual) == (Money(Decimal("0.05"), "EUR"), True)


def test_an_entry_holds_what_the_desk_may_ask(world):
    visit = world.book(world.open(steps=[step("-P1D")]), WEDNESDAY)
    (ahead,) = world.entries(visit)
    assert (ahead.text, ahead.language, ahead.provider_sid, ahead.sent_at, ahead.attempts) == (
        None,
        None,
        None,
        None,
        0,
    )
    world.tick(TUESDAY)
    (entry,) = world.entries(visit)
    sent = world.messenger.sent[0]
    assert (entry.text, entry.language, entry.provider_sid, entry.segments) == (sent.body, "es", sent.sid, 1)
    assert (entry.kind, entry.step, entry.channel, entry.state) == ("reminder", 0, "sms", "sent")
    assert (entry.due_at, entry.not_after, entry.sent_at) == (TUESDAY, WEDNESDAY - DAY / 2, TUESDAY)


def test_visits_without_reminders_and_without_existence(world):
    ids = world.open(steps=None)
    visit = world.book(ids, WEDNESDAY)
    assert world.entries(visit) == []
    assert world.ledger.summary(visit) == summarise([]) == "No reminders belong to this visit."
    with pytest.raises(NotFound):
        world.ledger.of("apt_none")


def test_many_visits_are_summed_up_with_two_queries(world):
    ids = world.open(steps=[step("-P1D")])
    visits = [world.visit(world.book(ids, WEDNESDAY + n * HOUR)) for n in range(4)]
    bare = world.visit(world.book(world.open(steps=None), WEDNESDAY))
    world.catalogue.refresh()
    before = world.database.statements
    found = world.ledger.summaries([*visits, bare])
    assert world.database.statements - before == 2
    assert found == {visit.uid: world.ledger.summary(visit.uid) for visit in [*visits, bare]}
    assert world.ledger.summaries([]) == {}


def test_what_is_planned_but_kept_back_says_so(world):
    """Nothing is taken back: whatever keeps it from going out may end before it is due."""
    ids = world.open(steps=[step("-P1D")], notices=["moved"])
    visit = world.book(ids, WEDNESDAY)
    due = "The reminder SMS 1 day before, due Tue 07 May 2030 at 12:00, will not go out"
    world.booking.pause(visit, DESK, paused=True)
    assert sentences(world, visit) == [f"{due} while the desk has paused reminders for this visit."]
    world.patients.pause(ids.patient, DESK, paused=True)
    assert sentences(world, visit) == [f"{due} while the desk has paused reminders for this patient."]
    assert due in world.ledger.summary(visit)
    world.booking.pause(visit, DESK, paused=False)
    world.patients.pause(ids.patient, DESK, paused=False)
    assert sentences(world, visit) == ["The reminder SMS 1 day before will go out on Tue 07 May 2030 at 12:00."]
    later = world.book(ids, WEDNESDAY + HOUR)
    world.patients.stop(ids.patient, "sms", DESK)
    again = world.book(ids, WEDNESDAY + 2 * HOUR)
    assert sentences(world, later) == [
        "The reminder SMS 1 day before, due Tue 07 May 2030 at 13:00, was left out: the patient asked us to stop."
    ]
    assert sentences(world, again) == [
        "The reminder SMS 1 day before, due Tue 07 May 2030 at 14:00, will not go out because the patient asked us to stop."
    ]


def test_news_of_a_change_goes_out_of_a_paused_visit_but_not_to_a_paused_patient(world):
    ids = world.open(steps=[], notices=["moved"])
    visit = world.book(ids, WEDNESDAY)
    world.booking.pause(visit, DESK, paused=True)
    world.move(visit, WEDNESDAY + HOUR)
    assert "will go out" in sentences(world, visit)[0]
    world.patients.pause(ids.patient, DESK, paused=True)
    assert "will not go out while the desk has paused reminders for this patient" in sentences(world, visit)[0]


def test_a_policy_that_lost_steps_still_has_readable_reminders(world):
    ids = world.open(steps=[step("-P1D"), step("-PT2H")])
    visit = world.book(ids, WEDNESDAY)
    world.change_sets.change_policy(ids.policy, {"steps": []}, DESK)
    why = "was taken back: the visit or its reminder policy changed."
    assert sentences(world, visit) == [
        f"The reminder SMS, due Tue 07 May 2030 at 12:00, {why}",
        f"The reminder SMS, due Wed 08 May 2030 at 10:00, {why}",
    ]
