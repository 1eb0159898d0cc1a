"""Answers to invitations change visits as answers by text do, whoever sends them and however often."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from email.message import EmailMessage

import pytest
from icalendar import Calendar
from sqlalchemy import select

from reminders.clock import ManualClock
from reminders.domain.appointment import Change
from reminders.domain.delivery import Channel
from reminders.domain.ical import utc
from reminders.domain.imip import ReplyAddress
from reminders.domain.ports import Mails
from reminders.services.attending import MOST_BYTES, Attending, Heard
from reminders.services.consequences import Consequences
from reminders.services.dialogues import Dialogues
from reminders.services.sync.mailbox import MailboxSource
from reminders.store.engine import Database
from reminders.store.tables import AppointmentHistory, InboxItem, Invitation
from tests.factories import MONDAY, RULES, World, step, together
from tests.fakes import FakeMailer

START = MONDAY + timedelta(days=2, hours=1)
BOX = ReplyAddress("visits", "clinic.example", "a key")
ANA = "ana@example.com"


class Office:
    """A clinic whose patient was invited by mail, and the patient's calendar program."""

    def __init__(self, database: Database, **service: int) -> None:
        self.mailer = FakeMailer()
        rules = replace(RULES, channels=frozenset(Channel), mailbox="hello@clinic.example", answers=BOX)
        self.world = World(database, rules=rules, mailer=self.mailer)
        then = Consequences(
            self.world.catalogue, self.world.lifecycle, Dialogues(self.world.catalogue, self.world.slots)
        )
        self.attending = Attending(database, self.world.clock, then, BOX)
        ids = self.world.open(
            steps=[step("-P1D", "email")], notices=["moved", "cancelled"], service=service,
            patient={"email": ANA, "phone": None, "language": "en"},
        )  # fmt: skip
        self.visit = self.world.book(ids, START)
        self.world.tick(START - timedelta(days=1))

    @property
    def clock(self) -> ManualClock:
        return self.world.clock

    def answer(
        self, said: str = "ACCEPTED", *extra: str, method: str = "REPLY", stamp: datetime | None = None,
        sequence: int = 0, uid: str | None = None, to: str | None = None,
    ) -> bytes:  # fmt: skip
        """What the program sends, to where the last invitation says."""
        letter = self.mailer.sent[-1]
        assert letter.attachment is not None
        (event,) = Calendar.from_ical(letter.attachment.content).walk("VEVENT")
        organizer = str(event["ORGANIZER"]).removeprefix("mailto:")
        lines = [
            "BEGIN:VCALENDAR", f"METHOD:{method}", "BEGIN:VEVENT", f"UID:{uid or event['UID']}", f"SEQUENCE:{sequence}",
            f"DTSTAMP:{utc(stamp or self.clock.now())}", f"ATTENDEE;PARTSTAT={said}:mailto:{ANA}", *extra,
            "END:VEVENT", "END:VCALENDAR", "",
        ]  # fmt: skip
        mail = EmailMessage()
        mail["From"], mail["To"] = ANA, to or organizer
        mail.set_content("\r\n".join(lines).encode(), maintype="text", subtype="calendar", params={"method": method})
        return mail.as_bytes()

    def hear(self, *args: str, **more: object) -> Heard:
        return self.attending.receive(self.answer(*args, **more))  # type: ignore[arg-type]

    def state(self) -> tuple[str, str]:
        visit = self.world.visit(self.visit)
        return visit.status, visit.confirmation

    def inbox(self) -> list[str]:
        return [row.reason for row in self.world.rows(select(InboxItem.__table__).order_by(InboxItem.id))]

    def said(self) -> list[str]:
        return [row.body for row in self.world.messages() if row.direction == "in"]


@pytest.fixture
def office(database: Database) -> Iterator[Office]:
    return Office(database)


def test_the_invitation_asks_for_an_answer_at_an_address_of_its_own(office: Office) -> None:
    (letter,) = office.mailer.sent
    assert letter.attachment is not None
    whole = Calendar.from_ical(letter.attachment.content)
    (event,) = whole.walk("VEVENT")
    address = BOX.of(BOX.token(office.visit))
    assert (str(whole["METHOD"]), letter.attachment.method, letter.attachment.reply_to) == (
        "REQUEST",
        "REQUEST",
        address,
    )
    assert str(event["ORGANIZER"]) == f"mailto:{address}"
    assert (str(event["ATTENDEE"]), event["ATTENDEE"].params["PARTSTAT"]) == (f"mailto:{ANA}", "NEEDS-ACTION")
    (row,) = office.world.rows(select(Invitation.__table__))
    assert BOX.token(office.visit) not in str(row), "only its hash is kept"


def test_a_new_time_and_the_end_go_to_the_same_entry(office: Office) -> None:
    office.world.move(office.visit, START + timedelta(hours=2))
    office.world.tick(office.clock.now() + timedelta(minutes=5))
    assert office.hear(sequence=1) is Heard.CONFIRMED
    office.world.change(office.visit, Change.CANCEL)
    office.world.tick(office.clock.now() + timedelta(minutes=5))
    letters = [letter.attachment for letter in office.mailer.sent if letter.attachment]
    events = [Calendar.from_ical(one.content).walk("VEVENT")[0] for one in letters]
    assert [one.method for one in letters] == ["REQUEST", "REQUEST", "CANCEL"]
    assert [int(event["SEQUENCE"]) for event in events] == [0, 1, 2]
    assert len({(str(event["UID"]), str(event["ORGANIZER"])) for event in events}) == 1
    assert office.world.count(Invitation) == 1
    assert events[2]["ATTENDEE"].params["PARTSTAT"] == "ACCEPTED", "what was answered is not asked again"


@pytest.mark.parametrize(
    ("said", "heard", "state", "change"),
    [
        ("ACCEPTED", Heard.CONFIRMED, ("booked", "confirmed"), "confirm"),
        ("DECLINED", Heard.CANCELLED, ("cancelled", "declined"), "cancel"),
        ("TENTATIVE", Heard.NOTED, ("booked", "unconfirmed"), None),
        ("DELEGATED", Heard.IGNORED, ("booked", "unconfirmed"), None),
        ("NEEDS-ACTION", Heard.IGNORED, ("booked", "unconfirmed"), None),
    ],
)  # fmt: skip
def test_what_an_answer_does(
    office: Office, said: str, heard: Heard, state: tuple[str, str], change: str | None
) -> None:  # fmt: skip
    assert office.hear(said) is heard
    assert office.state() == state
    assert office.inbox() == []
    assert office.said() == ([] if heard is Heard.IGNORED else [said])
    history = office.world.rows(select(AppointmentHistory.__table__).where(AppointmentHistory.actor == "patient"))
    assert [(row.change, row.channel) for row in history] == ([(change, "email")] if change else [])


def test_who_declined_is_not_written_to_about_it(office: Office) -> None:
    office.hear("DECLINED")
    office.world.tick(office.clock.now() + timedelta(hours=1))
    assert len(office.mailer.sent) == 1


def test_another_time_is_for_the_desk(office: Office) -> None:
    wished = f"DTSTART:{utc(START + timedelta(hours=3))}"
    assert office.hear("TENTATIVE", wished, "COMMENT:after lunch", method="COUNTER") is Heard.DESK
    assert (office.inbox(), office.state()) == (["wants_another_time"], ("booked", "unconfirmed"))
    assert office.said() == ["COUNTER 2030-05-08T10:00Z: after lunch"]
    (item,) = office.world.rows(select(InboxItem.__table__))
    assert item.proposed_at == START + timedelta(hours=3)


def test_words_reach_a_person(office: Office) -> None:
    assert office.hear("ACCEPTED", "COMMENT:I bring my son") is Heard.CONFIRMED
    letter = f"From: {ANA}\r\nTo: {BOX.of(BOX.token(office.visit))}\r\n\r\nWhere do I park?\r\n".encode()
    assert office.attending.receive(letter) is Heard.DESK
    assert office.attending.receive(letter) is Heard.REPEATED
    assert office.attending.receive(b"Auto-Submitted: auto-replied\r\n" + letter) is Heard.IGNORED
    assert office.inbox() == ["comment_by_mail"] * 2
    assert office.said() == ["ACCEPTED: I bring my son", "Where do I park?"]


def test_a_late_no_is_for_the_desk(database: Database) -> None:
    office = Office(database, cancel_cutoff_minutes=48 * 60)
    assert office.hear("DECLINED") is Heard.DESK
    assert (office.inbox(), office.state()) == (["late_cancel"], ("booked", "unconfirmed"))


def test_an_answer_to_a_visit_that_is_over_is_for_the_desk(office: Office) -> None:
    office.world.change(office.visit, Change.NOSHOW)
    assert office.hear("DECLINED") is Heard.DESK
    assert (office.inbox(), office.state()[0]) == (["visit_changed_meanwhile"], "noshow")


def test_an_answer_to_an_earlier_time_is_dropped(office: Office) -> None:
    office.world.move(office.visit, START + timedelta(hours=2))
    assert office.hear("DECLINED", sequence=0) is Heard.STALE
    assert (office.state(), office.said()) == (("booked", "unconfirmed"), [])


def test_only_the_newest_answer_counts(office: Office) -> None:
    now = office.clock.now()
    assert office.hear("TENTATIVE", stamp=now - timedelta(minutes=1)) is Heard.NOTED
    assert office.hear("DECLINED", stamp=now - timedelta(minutes=2)) is Heard.STALE
    assert office.hear("DECLINED", stamp=now - timedelta(minutes=1)) is Heard.STALE
    assert office.hear("ACCEPTED", stamp=now) is Heard.CONFIRMED


def test_a_clock_that_runs_ahead_does_not_silence_later_answers(office: Office) -> None:
    early = office.answer("TENTATIVE", stamp=office.clock.now() + timedelta(days=400))
    assert office.attending.receive(early) is Heard.NOTED
    office.clock.advance(timedelta(minutes=1))
    assert office.attending.receive(early) is Heard.REPEATED
    assert office.hear("DECLINED") is Heard.CANCELLED


def test_a_mail_that_comes_twice_counts_once(office: Office) -> None:
    content = office.answer()
    heard = together([lambda: office.attending.receive(content)] * 4)
    assert sorted(heard) == sorted([Heard.CONFIRMED, *[Heard.STALE] * 3])
    assert office.said() == ["ACCEPTED"]


def test_without_the_token_nothing_happens(office: Office) -> None:
    stranger = BOX.of(ReplyAddress("visits", "clinic.example", "guess").token(office.visit))
    assert office.hear("DECLINED", to=stranger) is Heard.UNKNOWN
    assert office.hear("DECLINED", to="visits@clinic.example") is Heard.UNKNOWN
    assert office.hear("DECLINED", uid="apt_other") is Heard.UNKNOWN
    assert office.attending.receive(office.answer("DECLINED") + b" " * MOST_BYTES) is Heard.IGNORED
    assert office.state() == ("booked", "unconfirmed")


def test_a_mailbox_hands_over_what_it_reads(office: Office) -> None:
    class Box:
        def check(self) -> str:
            return "2 messages"

        def read(self, cursor: str | None) -> Mails:
            return Mails((b"nothing", office.answer()), f"after {cursor}", 3)

    source = MailboxSource(Box(), office.attending.receive)
    connection = type("Row", (), {"cursors": {"mail": "7:1"}})
    tally, cursors = source.refresh(connection, full=False)  # type: ignore[arg-type]
    assert (tally.seen, tally.pulled, cursors, source.check()) == (3, 1, {"mail": "after 7:1"}, "2 messages")
    assert office.state() == ("booked", "confirmed")
