"""Calls, at the use case itself: whose call it is, and what each key does in each state of the visit."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import delete, select

from reminders.domain.appointment import Change
from reminders.domain.call import AnsweredBy, Step
from reminders.domain.delivery import State
from reminders.errors import NotFound
from reminders.services.calls import Calls, Heard
from reminders.store import inbox
from reminders.store.engine import Database
from reminders.store.spendings import spent
from reminders.store.tables import AppointmentHistory, Hold, InboxItem, Message, OptOut, Question
from reminders.wiring.speech import lexicons
from tests.factories import MONDAY, RULES, World, step, texts

PHONE = "+34600000010"
START = MONDAY + timedelta(days=2, hours=1)
ACTION = "/hooks/twilio/voice/token"


class Line:
    """A patient on the phone, being reminded of a visit."""

    def __init__(self, database: Database, **service: Any) -> None:
        self.world = World(database, rules=replace(RULES, budget=Decimal(1000)))
        self.ids = self.world.open(
            steps=[step("-P1D", "voice"), step("-PT2H", "voice")],
            location={"phone": "+34 600 000 001"},
            patient={"phone": PHONE},
            service=service,
        )
        self.visit = self.world.book(self.ids, START)
        self.world.tick(START - timedelta(days=1))
        (self.call,) = self.world.messenger.sent
        self.calls = Calls(
            database,
            self.world.clock,
            self.world.catalogue,
            self.world.lifecycle,
            texts(),
            lexicons(),
            self.world.slots,
        )

    def hears(self, answered_by: AnsweredBy | None = AnsweredBy.HUMAN) -> str:
        return self.calls.script(self.call.token, Heard(self.call.sid, ACTION, answered_by=answered_by))

    def presses(self, key: str, step: Step = Step.VISIT, **changes: Any) -> str:
        heard = Heard(changes.pop("sid", self.call.sid), ACTION, key=key, step=step, tries=changes.pop("tries", 0))
        return self.calls.answered(changes.pop("token", self.call.token), heard)

    def says(self, words: str, step: Step = Step.VISIT, tries: int = 0) -> str:
        return self.calls.answered(self.call.token, Heard(self.call.sid, ACTION, speech=words, step=step, tries=tries))

    def dialled(self, status: str, seconds: int = 0) -> str:
        heard = Heard(self.call.sid, ACTION, step=Step.DIALLED, dialled=status, dialled_seconds=seconds)
        return self.calls.answered(self.call.token, heard)

    def report(self, state: State, **facts: Any) -> None:
        """The provider tells that the call is over."""
        self.world.callback(self.call, state, **facts)

    @property
    def message(self) -> Any:
        (row,) = self.world.rows(select(Message.__table__).where(Message.direction == "out"))
        return row

    @property
    def outcome(self) -> str | None:
        return self.message.outcome  # type: ignore[no-any-return]

    @property
    def estimated(self) -> Decimal:
        return self.message.estimated  # type: ignore[no-any-return]

    @property
    def month(self) -> Decimal:
        """Spent in this month, as the monthly budget counts it."""
        with self.world.database.read() as tx:
            return spent(tx, self.message.created_at, "USD")

    @property
    def desk(self) -> list[str]:
        return [row.reason for row in self.world.rows(select(InboxItem.__table__).order_by(InboxItem.id))]

    @property
    def held(self) -> list[Any]:
        return [row.start_at for row in self.world.rows(select(Hold.__table__).order_by(Hold.start_at))]

    @property
    def state(self) -> tuple[str, str]:
        row = self.world.visit(self.visit)
        return row.status, row.confirmation


@pytest.fixture
def line(database: Database) -> Line:
    return Line(database)


def test_the_question(line: Line) -> None:
    words = line.hears()
    assert f'action="{ACTION}?step=who"' in words
    assert "Ana Ruiz" in words
    assert 'numDigits="1"' in words


@pytest.mark.parametrize(
    ("answer", "step"),
    [("1", "visit"), ("*", "who"), ("3", "who&amp;tries=1"), ("yes", "visit"), ("hm", "who&amp;tries=1")],
)
def test_nothing_is_told_before_somebody_has_said_who_they_are(line: Line, answer: str, step: str) -> None:
    said = line.says(answer, Step.WHO) if answer.isalpha() else line.presses(answer, Step.WHO)
    assert f'action="{ACTION}?step={step}"' in said
    assert ("9:00" in said) is (step == "visit")
    assert line.state == ("booked", "unconfirmed")


@pytest.mark.parametrize("said", ["2", "no"])
def test_who_is_not_the_patient_hears_nothing_more(line: Line, said: str) -> None:
    words = line.says(said, Step.WHO) if said.isalpha() else line.presses(said, Step.WHO)
    assert "Ana" not in words
    assert "<Gather" not in words
    assert (line.outcome, line.desk, line.state) == ("wrong_person", ["wrong_person"], ("booked", "unconfirmed"))


@pytest.mark.parametrize("machine", [AnsweredBy.MACHINE, AnsweredBy.FAX])
def test_a_machine_hears_no_detail(line: Line, machine: AnsweredBy) -> None:
    words = line.hears(machine)
    assert not any(detail in words for detail in ("Ana", "9:00", "press", "<Gather"))
    assert line.outcome == "voicemail"


@pytest.mark.parametrize("unsure", [AnsweredBy.UNKNOWN, None])
def test_when_nobody_knows_who_answered_a_person_is_asked(line: Line, unsure: AnsweredBy | None) -> None:
    assert "<Gather" in line.hears(unsure)


@pytest.mark.parametrize(
    ("words", "state", "outcome"),
    [("Yes.", ("booked", "confirmed"), "confirmed"), ("Cambiar", ("booked", "unconfirmed"), "another_time"),
     ("Stop.", ("booked", "unconfirmed"), "stopped"), ("help", ("booked", "unconfirmed"), "put_through")],
)  # fmt: skip
def test_words(line: Line, words: str, state: tuple[str, str], outcome: str) -> None:
    line.says(words)
    assert (line.state, line.outcome) == (state, outcome)


def test_a_spoken_cancellation_is_asked_about_once_more(line: Line) -> None:
    assert f'action="{ACTION}?step=sure"' in line.says("No")
    assert line.state == ("booked", "unconfirmed")
    assert "<Gather" in line.says("no", Step.SURE)
    assert line.state == ("booked", "unconfirmed")
    assert "<Gather" not in line.says("yes", Step.SURE)
    assert (line.state, line.outcome) == (("cancelled", "declined"), "cancelled")


@pytest.mark.parametrize(("key", "state"), [("2", ("cancelled", "declined")), ("1", ("booked", "confirmed"))])
def test_the_keys_of_that_question(line: Line, key: str, state: tuple[str, str]) -> None:
    line.presses(key, Step.SURE)
    assert line.state == state


OFFERED = [START - timedelta(hours=16.5), START + timedelta(minutes=30), START + timedelta(hours=4)]
TIMES = f'action="{ACTION}?step=times"'


def test_3_offers_free_times_near_the_old_one_and_holds_them(line: Line) -> None:
    words = line.presses("3")
    assert TIMES in words
    assert line.held == OFFERED
    assert all(said in words for said in ("16:30: marque 1.", "9:30: marque 2.", "13:00: marque 3.", "marque 0"))
    assert (line.outcome, line.desk, line.state) == ("another_time", [], ("booked", "unconfirmed"))


@pytest.mark.parametrize(("said", "start"), [("1", 0), ("2", 1), ("3", 2), ("dos", 1), ("number three", 2)])
def test_a_number_moves_the_visit(line: Line, said: str, start: int) -> None:
    line.presses("3")
    words = line.presses(said, Step.TIMES) if said.isdigit() else line.says(said, Step.TIMES)
    assert "<Gather" not in words
    assert "es ahora el" in words
    assert line.world.visit(line.visit).start_at == OFFERED[start]
    assert (line.outcome, line.desk, line.held) == ("moved", [], [])
    (change,) = line.world.rows(select(AppointmentHistory.__table__).where(AppointmentHistory.version == 2))
    assert (change.change, change.actor, change.channel) == ("reschedule", "patient", "voice")


@pytest.mark.parametrize(
    ("said", "start"),
    [("el martes", 0), ("Tuesday please", 0), ("la segunda", 1), ("9:30", 1), ("the last one", 2), ("at 1 pm", 2), ("around 1 pm", None),
     ("miércoles 13:00", 2), ("ok, 1 p.m.", 2)],
)  # fmt: skip
def test_a_day_or_an_hour_on_offer_moves_the_visit(line: Line, said: str, start: int | None) -> None:
    line.presses("3")
    line.says(said, Step.TIMES)
    assert line.world.visit(line.visit).start_at == (START if start is None else OFFERED[start])


@pytest.mark.parametrize(("said", "weekday"), [("el jueves", 3), ("Wednesday", 2), ("mañana", 2)])
def test_times_of_the_day_that_was_named_are_offered(line: Line, said: str, weekday: int) -> None:
    """Two times on Wednesday were on offer, none on Thursday; the first ones are given back."""
    line.presses("3")
    words = line.says(said, Step.TIMES)
    assert TIMES in words
    assert line.held
    assert {start.weekday() for start in line.held} == {weekday}
    assert line.world.visit(line.visit).start_at == START
    first = line.held[0]
    line.presses("1", Step.TIMES)
    assert line.world.visit(line.visit).start_at == first


def test_a_day_named_with_the_wish_is_offered(line: Line) -> None:
    words = line.says("¿Puedo ir el jueves?", Step.VISIT)
    assert TIMES in words
    assert {start.weekday() for start in line.held} == {3}
    assert line.world.visit(line.visit).start_at == START


def test_a_day_without_free_times_is_for_the_desk(line: Line) -> None:
    line.presses("3")
    assert "<Gather" not in line.says("domingo", Step.TIMES)
    assert (line.outcome, line.desk, line.held) == ("another_time", ["wants_another_time"], [])


def test_the_provider_may_ask_twice_after_a_move(line: Line) -> None:
    line.presses("3")
    first = line.presses("1", Step.TIMES)
    assert line.presses("1", Step.TIMES) == first
    assert line.world.visit(line.visit).version == 2
    assert line.held == []


@pytest.mark.parametrize("said", ["0", "no", "another day", "otro día", "none of them"])
def test_none_of_these_times_is_for_the_desk(line: Line, said: str) -> None:
    line.presses("3")
    for _ in range(2):
        words = line.presses(said, Step.TIMES) if said.isdigit() else line.says(said, Step.TIMES)
        assert "<Gather" not in words
        assert "<Dial" not in words
    assert (line.outcome, line.desk, line.held) == ("another_time", ["wants_another_time"], [])
    assert line.state == ("booked", "unconfirmed")


@pytest.mark.parametrize("said", ["*", "7", "yes", "the weather is nice"])
def test_the_same_times_are_said_again(line: Line, said: str) -> None:
    line.presses("3")
    words = line.says(said, Step.TIMES) if said[0].isalpha() else line.presses(said, Step.TIMES)
    assert "9:30: marque 2." in words
    assert line.held == OFFERED
    assert line.world.count(Question) == 1


def test_words_that_cancel_are_asked_about_here_too(line: Line) -> None:
    line.presses("3")
    assert "step=sure" in line.says("cancel the appointment", Step.TIMES)
    assert line.state == ("booked", "unconfirmed")
    line.presses("2", Step.SURE)
    assert (line.state, line.held, line.desk) == (("cancelled", "declined"), [], [])


def test_who_hangs_up_before_choosing_still_wants_another_time(line: Line) -> None:
    line.presses("3")
    for _ in range(2):
        line.report(State.DELIVERED, duration=40)
    assert (line.outcome, line.desk, line.held) == ("another_time", ["wants_another_time"], [])


def test_a_call_with_nothing_on_offer_leaves_no_task(line: Line) -> None:
    line.presses("3")
    line.presses("1", Step.TIMES)
    line.report(State.DELIVERED, duration=40)
    assert (line.outcome, line.desk) == ("moved", [])


def test_an_offer_that_has_expired_is_made_anew(line: Line) -> None:
    line.presses("3")
    line.world.clock.advance(timedelta(minutes=11))
    assert TIMES in line.presses("1", Step.TIMES)
    assert line.state == ("booked", "unconfirmed")
    assert line.world.visit(line.visit).start_at == START


def test_a_time_that_is_gone_after_all_brings_others(line: Line) -> None:
    line.presses("3")
    with line.world.database.write() as tx:
        tx.execute(delete(Hold))
    line.world.book(line.ids, OFFERED[0], patient=line.world.add_patient())
    words = line.presses("1", Step.TIMES)
    assert TIMES in words
    assert "16:30" not in words
    assert line.world.visit(line.visit).start_at == START


def test_without_free_times_the_desk_looks_for_one(line: Line) -> None:
    line.world.clinic.change_service(line.ids.service, {"active": False}, None)
    assert "<Gather" not in line.presses("3")
    assert (line.outcome, line.desk) == ("another_time", ["wants_another_time"])


@pytest.mark.parametrize(("key", "reason"), [("2", "late_cancel"), ("3", "wants_another_time")])
def test_too_late_to_change_is_said_honestly(database: Database, key: str, reason: str) -> None:
    line = Line(database, cancel_cutoff_minutes=2880)
    words = line.presses(key)
    assert "no hemos cambiado nada" in words
    assert (line.outcome, line.desk, line.state) == ("call_back", [reason], ("booked", "unconfirmed"))


@pytest.mark.parametrize("said", ["7", "the weather is nice"])
def test_in_the_end_a_person_calls(line: Line, said: str) -> None:
    def answer(tries: int) -> str:
        return line.presses(said, tries=tries) if said.isdigit() else line.says(said, tries=tries)

    assert "tries=1" in answer(0)
    assert "tries=2" in answer(1)
    assert "<Gather" not in answer(2)
    assert "<Gather" not in answer(2)
    assert (line.outcome, line.desk, line.state) == ("call_back", ["not_understood"], ("booked", "unconfirmed"))
    with line.world.database.read() as tx:
        (item,) = inbox.listing(tx, 0, 10, done=False)
    assert item.body == ("" if said.isdigit() else said)


def test_0_dials_the_venue_while_somebody_is_there(line: Line) -> None:
    words = line.presses("0")
    assert "<Number>+34600000001</Number>" in words
    assert f'action="{ACTION}?step=dialled"' in words
    assert "<Say" not in line.dialled("completed")
    assert (line.outcome, line.desk) == ("put_through", [])


def test_the_cost_of_a_call_grows_by_its_minutes_and_by_the_clinic_it_is_connected_with(line: Line) -> None:
    minute, detection = Decimal("0.0300"), Decimal("0.0075")
    assert (line.estimated, line.month) == (minute + detection,) * 2
    line.presses("0")
    for _ in range(2):
        line.dialled("completed", 61)
    assert line.estimated == 3 * minute + detection
    line.report(State.DELIVERED, duration=130, answered_by=AnsweredBy.HUMAN)
    assert (line.estimated, line.month) == (5 * minute + detection,) * 2
    line.world.messenger.price(line.call, "0.11")
    line.world.clock.advance(timedelta(minutes=2))
    line.world.checking.run()
    assert (line.message.price, line.month) == (Decimal("0.11") + detection,) * 2


def test_a_call_nobody_takes_costs_nothing(line: Line) -> None:
    line.report(State.FAILED)
    assert (line.estimated, line.month) == (0, 0)


@pytest.mark.parametrize("status", ["busy", "no-answer", "failed", "canceled"])
def test_a_desk_that_does_not_answer_calls_back(line: Line, status: str) -> None:
    line.presses("0")
    for _ in range(2):
        assert "<Dial" not in line.dialled(status)
    assert (line.outcome, line.desk) == ("call_back", ["wants_call_back"])


def test_outside_hours_the_desk_calls_back(line: Line) -> None:
    line.world.clock.set(START - timedelta(hours=14))  # 19:00 at the venue
    assert "<Dial" not in line.presses("0", Step.WHO)
    assert (line.outcome, line.desk) == ("call_back", ["wants_call_back"])


@pytest.mark.parametrize(
    ("key", "state", "asks"),
    [("1", ("booked", "confirmed"), False), ("2", ("cancelled", "declined"), False), ("3", ("booked", "unconfirmed"), True),
     ("9", ("booked", "unconfirmed"), False), ("*", ("booked", "unconfirmed"), True), ("0", ("booked", "unconfirmed"), False),
     ("11", ("booked", "unconfirmed"), True)],
)  # fmt: skip
def test_keys(line: Line, key: str, state: tuple[str, str], asks: bool) -> None:
    assert ("<Gather" in line.presses(key)) is asks
    assert line.state == state


@pytest.mark.parametrize("change", [Change.CANCEL, Change.ARRIVE, Change.FULFIL, Change.NOSHOW])
@pytest.mark.parametrize("key", ["1", "2", "3", "*", "0"])
def test_no_key_changes_a_visit_that_is_over(line: Line, change: Change, key: str) -> None:
    line.world.change(line.visit, change)
    before = line.state
    assert "<Gather" not in line.presses(key)
    assert "<Gather" not in line.hears()
    assert line.state == before
    assert line.world.count(InboxItem) == 0


def test_no_key_changes_a_visit_that_has_begun(line: Line) -> None:
    line.world.clock.set(START)
    assert "<Gather" not in line.presses("2")
    assert line.state == ("booked", "unconfirmed")


def test_a_repeated_key_is_heard_once(line: Line) -> None:
    for _ in range(3):
        line.presses("3")
        line.presses("1")
        line.presses("9")
    assert line.world.visit(line.visit).version == 2
    assert (line.desk, line.world.count(Hold)) == ([], 0)
    assert line.world.count(OptOut) == 1


def test_9_takes_back_the_calls_that_are_planned(line: Line) -> None:
    line.presses("9")
    assert line.world.states(line.visit)[1] == ("suppressed", "opted_out")
    (stop,) = line.world.rows(select(OptOut.__table__))
    assert (stop.phone, stop.channel, stop.evidence) == (PHONE, "voice", "voice: key 9")


@pytest.mark.parametrize("changes", [{"token": "unknown"}, {"sid": "CA-another"}, {"sid": ""}])
def test_a_call_that_is_not_ours(line: Line, changes: dict[str, str]) -> None:
    with pytest.raises(NotFound):
        line.presses("2", **changes)
    assert line.state == ("booked", "unconfirmed")


def test_the_provider_asks_before_it_has_answered_us(line: Line) -> None:
    """The call rings while our request is still under way: its SID is not known yet."""
    with line.world.database.write() as tx:
        tx.exec_driver_sql("UPDATE message SET provider_sid = NULL")
    assert "<Gather" in line.calls.script(line.call.token, Heard("CA-whatever", ACTION))
