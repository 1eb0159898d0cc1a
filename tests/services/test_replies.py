"""Texts from patients, at the use case itself: which visit an answer is about, and what is said about it.

The journeys tell the same stories from end to end; here are the combinations.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from reminders.domain.appointment import Change
from reminders.services.patients import Card
from reminders.services.replies import Incoming, Replies
from reminders.services.slots import Slots
from reminders.settings import data_dir
from reminders.store.engine import Database
from reminders.store.tables import InboxItem, Message, OptOut
from reminders.texts.lexicons import Lexicons
from reminders.wiring.speech import lexicons
from tests.factories import DESK, MONDAY, Ids, World, step, texts

PHONE = "+34600000010"
DAY = timedelta(days=1)
SOON = MONDAY + 2 * DAY + timedelta(hours=1)


@dataclass
class Desk:
    """A clinic whose one patient answers."""

    world: World
    ids: Ids
    replies: Replies
    count: int = 0

    def visit(self, start: Any = SOON, **changes: Any) -> str:
        return self.world.book(self.ids, start, **changes)

    def asked(self, start: Any = SOON, **changes: Any) -> str:
        """A visit of which the patient was reminded."""
        visit = self.visit(start, **changes)
        self.world.tick(max(self.world.clock.now(), start - DAY))
        return visit

    def says(self, text: str, **more: str) -> str | None:
        self.count += 1
        return self.replies.receive(Incoming(f"SM{self.count}", more.pop("phone", PHONE), text, **more))

    def state(self, visit: str) -> tuple[str, str]:
        row = self.world.visit(visit)
        return row.status, row.confirmation

    def card(self) -> Card:
        return self.world.patients.get(self.ids.patient)

    @property
    def inbox(self) -> list[str]:
        return [row.reason for row in self.world.rows(select(InboxItem.__table__).order_by(InboxItem.id))]


@pytest.fixture
def desk(database: Database) -> Desk:
    world = World(database)
    ids = world.open(steps=[step("-P1D")], notices=["moved"], patient={"phone": PHONE})
    replies = Replies(
        database,
        world.clock,
        world.catalogue,
        world.lifecycle,
        texts(),
        lexicons(),
        Slots(database, world.clock, world.catalogue),
    )
    return Desk(world, ids, replies)


@pytest.mark.parametrize(
    ("text", "state"),
    [
        ("1", ("booked", "confirmed")),
        ("2", ("cancelled", "declined")),
        ("3", ("booked", "unconfirmed")),
        ("?", ("booked", "unconfirmed")),
    ],
)
def test_the_one_visit_that_was_asked_about(desk: Desk, text: str, state: tuple[str, str]) -> None:
    visit, other = desk.asked(), desk.visit(SOON + 20 * DAY)
    said = desk.says(text)
    assert said is not None
    assert "Ana Ruiz" in said
    assert desk.state(visit) == state
    assert desk.state(other) == ("booked", "unconfirmed")


def test_the_latest_question_counts_when_the_one_before_was_answered(desk: Desk) -> None:
    first = desk.asked()
    desk.says("1")
    second = desk.asked(SOON + DAY)
    desk.says("2")
    assert desk.state(first) == ("booked", "confirmed")
    assert desk.state(second) == ("cancelled", "declined")


def test_an_old_question_nobody_answered_is_not_meant_by_todays_answer(desk: Desk) -> None:
    """Asked about a visit of next week two days ago, and about tomorrow's just now."""
    far = desk.world.open(steps=[step("-P10D")])
    later = desk.world.book(far, SOON + 8 * DAY, patient=desk.ids.patient)
    desk.world.tick(SOON - 2 * DAY)
    visit = desk.asked()
    desk.says("1")
    assert desk.state(visit) == ("booked", "confirmed")
    assert desk.state(later) == ("booked", "unconfirmed")


def test_two_questions_in_one_breath(desk: Desk) -> None:
    one, other = desk.visit(), desk.visit(SOON + timedelta(hours=1))
    desk.world.tick(SOON - DAY + timedelta(hours=1))
    desk.says("2")
    assert desk.state(one) == desk.state(other) == ("booked", "unconfirmed")
    assert desk.inbox == []
    desk.says("1")
    assert [desk.state(visit)[0] for visit in (one, other)] == ["cancelled", "booked"]


def test_a_question_is_open_for_two_weeks(desk: Desk) -> None:
    early = desk.world.open(steps=[step("-P30D")])
    start = SOON + 40 * DAY
    visit = desk.world.book(early, start, patient=desk.ids.patient)
    desk.world.tick(start - 30 * DAY)
    desk.world.clock.advance(15 * DAY)
    assert "no hemos cambiado nada" in (desk.says("1") or "")
    assert desk.state(visit) == ("booked", "unconfirmed")
    desk.says("1")
    assert desk.state(visit) == ("booked", "confirmed")


def test_who_writes_unasked_is_asked_which_of_several_visits_is_meant(desk: Desk) -> None:
    one, other = desk.visit(), desk.visit(SOON + DAY)
    said = desk.says("quiero cancelar mi cita") or ""
    assert "\n1 " in said
    assert "\n2 " in said
    desk.says("2")
    assert [desk.state(visit)[0] for visit in (one, other)] == ["booked", "cancelled"]
    assert desk.inbox == []


def test_words_about_the_next_visit_after_an_old_question(desk: Desk) -> None:
    """The reminder was of a visit that is over; a digit still answers that one."""
    visit = desk.asked()
    desk.world.clock.advance(2 * DAY)
    ahead = desk.visit(SOON + 9 * DAY)
    assert "no cambia nada" in (desk.says("2") or "")
    assert "no hemos cambiado nada" in (desk.says("quiero cancelar mi cita") or "")
    assert [desk.state(one)[0] for one in (visit, ahead)] == ["booked", "booked"]
    desk.says("2")
    assert [desk.state(one)[0] for one in (visit, ahead)] == ["booked", "cancelled"]


def test_without_any_visit_ahead_the_truth_is_said(desk: Desk) -> None:
    assert "no encontramos ninguna cita" in (desk.says("2") or "")
    assert desk.inbox == ["no_open_visit"]


@pytest.mark.parametrize("change", [Change.CANCEL, Change.FULFIL, Change.ARRIVE, Change.NOSHOW])
@pytest.mark.parametrize("text", ["1", "2", "3"])
def test_a_visit_that_is_no_longer_ahead(desk: Desk, change: Change, text: str) -> None:
    visit = desk.asked()
    before = desk.world.change(visit, change)
    said = desk.says(text)
    assert said is not None
    assert "no cambia nada" in said
    assert desk.state(visit) == (before.status, before.confirmation)
    assert desk.inbox == ["visit_changed_meanwhile"]


def test_a_moved_visit_is_another_question(desk: Desk) -> None:
    visit = desk.asked()
    desk.world.move(visit, SOON + 7 * DAY)
    desk.says("1")
    assert desk.state(visit) == ("booked", "unconfirmed")
    desk.world.clock.advance(timedelta(minutes=3))
    desk.world.tick()
    desk.says("1")
    assert desk.state(visit) == ("booked", "confirmed")
    assert desk.inbox == ["visit_changed_meanwhile"]


def test_a_repeated_delivery_is_silent(desk: Desk) -> None:
    desk.asked()
    same = Incoming("SM-same", PHONE, "1")
    assert desk.replies.receive(same)
    assert desk.replies.receive(same) is None
    assert len([row for row in desk.world.messages() if row.direction == "in"]) == 1


def test_answers_are_written_down_with_what_they_cost(desk: Desk) -> None:
    visit = desk.asked()
    said = desk.says("1")
    last = desk.world.rows(select(Message.__table__).where(Message.kind == "answer"))[-1]
    assert (last.body, last.state, last.segments, last.estimated_currency) == (said, "sent", 1, "USD")
    assert last.appointment_id == desk.world.visit(visit).id
    assert last.estimated > 0


@pytest.mark.parametrize(
    ("text", "flag", "silent"),
    [
        ("STOP", "STOP", True),
        ("baja", "", True),
        ("HELP", "HELP", True),
        ("HELP", "", False),
        ("START", "START", True),
        ("START", "", False),
    ],
)
def test_keywords(desk: Desk, text: str, flag: str, silent: bool) -> None:
    desk.asked()
    assert (desk.says(text, opt_out=flag) is None) is silent


def test_a_stop_keeps_its_evidence(desk: Desk) -> None:
    desk.asked()
    desk.says("baja")
    desk.says("STOP", opt_out="STOP")
    (stop,) = desk.world.rows(select(OptOut.__table__))
    assert (stop.phone, stop.channel, stop.evidence, stop.ended_at) == (PHONE, "sms", "sms: baja", None)
    assert stop.message_id is not None
    desk.says("START")
    (stop,) = desk.world.rows(select(OptOut.__table__))
    assert (stop.ended_at, stop.evidence) == (desk.world.clock.now(), "sms: baja\nsms: START")


@pytest.mark.parametrize("text", ["ARRET", "Arrêt svp", "sair", "abmelden", "退订", "baja", "STOP"])
def test_stop_works_in_any_language_whatever_the_card_says(desk: Desk, text: str) -> None:
    desk.asked()
    later = desk.visit(SOON + 3 * DAY)
    assert desk.says(text) is None
    assert desk.card().opted_out == ("sms",)
    assert desk.world.states(later) == [("suppressed", "opted_out")]
    assert desk.inbox == []


def test_yes_is_a_confirmation_until_the_phone_has_said_stop(desk: Desk) -> None:
    """Carriers lift their block at that word; ours follows, and the visit waits for an answer to the next reminder."""
    first = desk.asked()
    desk.says("YES")
    assert desk.state(first) == ("booked", "confirmed")
    second = desk.asked(SOON + timedelta(hours=1))
    desk.says("baja")
    assert "STOP" in str(desk.says("Yes."))
    assert desk.card().opted_out == ()
    assert desk.state(second) == ("booked", "unconfirmed")
    desk.says("yes")
    assert desk.state(second) == ("booked", "confirmed")


def test_yes_to_a_stop_that_the_desk_wrote_down_is_about_the_visit(desk: Desk) -> None:
    visit = desk.asked()
    desk.world.patients.stop(desk.ids.patient, "sms", DESK, "on the phone")
    assert desk.says("YES") is None
    assert desk.state(visit) == ("booked", "confirmed")
    assert desk.card().opted_out == ("sms",)


def test_start_by_text_leaves_calls_stopped(desk: Desk) -> None:
    desk.asked()
    desk.world.patients.stop(desk.ids.patient, "all", DESK, "wants nothing at all")
    desk.says("START")
    assert desk.card().opted_out == ("voice",)
    assert [(stop.channel, stop.evidence, stop.ended_evidence) for stop in desk.card().stops] == [
        ("all", "desk key_desk: wants nothing at all", "sms: START"),
        ("voice", "desk key_desk: wants nothing at all", None),
    ]


def test_the_card_names_the_message_that_said_stop(desk: Desk) -> None:
    desk.asked()
    desk.says("Baja, por\nfavor")
    (stop,) = desk.card().stops
    said = next(row for row in desk.world.patients.conversation(desk.ids.patient) if row.direction == "in")
    assert (stop.evidence, stop.message_id) == ("sms: Baja, por favor", said.uid)


def test_who_is_paused_is_still_answered(desk: Desk) -> None:
    """An answer to what the patient wrote is no reminder: silence would look as if nothing had been understood."""
    visit = desk.asked()
    desk.world.patients.pause(desk.ids.patient, DESK, paused=True)
    assert desk.says("1")
    assert desk.state(visit) == ("booked", "confirmed")


def test_the_flag_of_the_provider_wins_over_the_words(desk: Desk) -> None:
    """Its default list takes "cancel" as an opt-out, and then it is one."""
    visit = desk.asked()
    assert desk.says("Cancel", opt_out="STOP") is None
    assert desk.state(visit) == ("booked", "unconfirmed")
    other = desk.asked(SOON + timedelta(hours=2))
    assert desk.state(other) == ("booked", "unconfirmed")


def test_before_there_is_a_clinic(database: Database) -> None:
    world = World(database)
    replies = Replies(
        database,
        world.clock,
        world.catalogue,
        world.lifecycle,
        texts(),
        lexicons(),
        Slots(database, world.clock, world.catalogue),
    )
    assert replies.receive(Incoming("SM1", PHONE, "hello?")) is None
    assert replies.receive(Incoming("SM2", PHONE, "STOP")) is None
    assert [row.reason for row in world.rows(select(InboxItem.__table__))] == ["not_understood"]
    assert len(world.rows(select(OptOut.__table__))) == 1


class _Idle(Lexicons):
    """Word lists that look, whenever one is read, whether a transaction is open."""

    def __init__(self, database: Database) -> None:
        super().__init__(data_dir())
        self.database = database
        self.read: list[str] = []

    def entries(self, name: str) -> dict[str, Any]:
        with self.database.write():  # would wait for ever within another one
            self.read.append(name)
        return super().entries(name)


def test_the_first_answer_in_a_language_keeps_no_transaction_waiting(desk: Desk, database: Database) -> None:
    visit = desk.asked()
    words = _Idle(database)
    world = desk.world
    slots = Slots(database, world.clock, world.catalogue)
    fresh = Replies(database, world.clock, world.catalogue, world.lifecycle, texts(), words, slots)
    assert fresh.receive(Incoming("SMfirst", PHONE, "qwertz uiop")) is not None
    assert set(words.read) == set(words.languages)
    assert len(desk.inbox) == 1  # what was broken off has left nothing behind
    assert fresh.receive(Incoming("SMfirst", PHONE, "qwertz uiop")) is None
    assert desk.state(visit) == ("booked", "unconfirmed")


@pytest.mark.parametrize(
    ("text", "state", "asked"),
    [
        ("see you on Wednesday", ("booked", "confirmed"), False),
        ("see you tomorrow", ("booked", "confirmed"), False),
        ("see you on Friday", ("booked", "unconfirmed"), True),
        ("I can't come on Wednesday", ("cancelled", "declined"), False),
        ("I can't come on Friday", ("booked", "unconfirmed"), True),
    ],
)
def test_an_answer_about_another_day_is_asked_about(desk: Desk, text: str, state: Any, asked: bool) -> None:
    visit = desk.asked()
    answer = desk.says(text)
    assert desk.state(visit) == state
    assert (answer is not None and "1" in answer and "2" in answer and "3" in answer) is asked
    assert desk.inbox == []


def test_the_ledger_says_which_language_an_answer_lacked(desk: Desk) -> None:
    desk.world.patients.change(desk.ids.patient, {"language": "sw"}, None)
    desk.asked()
    assert desk.says("1") is not None
    (answer,) = desk.world.rows(select(Message.__table__).where(Message.kind == "answer"))
    assert (answer.language, answer.wanted_language) == ("es", "sw")
