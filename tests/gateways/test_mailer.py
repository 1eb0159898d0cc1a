"""The contract of ``Mailer``, kept by the fake of the tests and by the real gateway in front of a mail server."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from email.message import EmailMessage

import pytest

from reminders.clock import ManualClock
from reminders.domain.delivery import State
from reminders.domain.ports import Attachment, Mailer
from reminders.errors import GatewayError
from reminders.gateways.letter import Sender
from reminders.gateways.smtp import Server, Smtp
from tests.fakes import FakeMailer, Fate, Letter, refused
from tests.gateways.mailserver import ACCEPTED, CERTIFICATE, PASSWORD, USER, Mailbox, mail_server
from tests.house import MONDAY

ANA = "ana.lima@example.com"
SUBJECT, BODY = "Harbour Clinic: cita, mañana", "Hola, Ana:\n\n.\n王小明 👍"


class MailerContract:
    """What every mailer promises. Subclasses provide ``mailer``, ``arrived`` (what its server took) and ``meeting``,
    which makes the next e-mail meet a refusal, a lost answer or a closed account."""

    def test_an_email_is_accepted(self, mailer: Mailer, arrived: Callable[[], list[Letter]]) -> None:
        report = mailer.send(ANA, SUBJECT, BODY, "rem_1")
        assert (report.sid, report.state, report.to) == ("rem_1", State.SENT, ANA)
        assert (report.price, report.segments, report.error_code) == (None, None, None)
        assert arrived() == [Letter(ANA, SUBJECT, BODY, "rem_1")]

    def test_a_calendar_goes_along(self, mailer: Mailer, arrived: Callable[[], list[Letter]]) -> None:
        calendar = Attachment("PUBLISH", "BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n")
        mailer.send(ANA, SUBJECT, BODY, "rem_1", calendar)
        assert arrived() == [Letter(ANA, SUBJECT, BODY, "rem_1", calendar)]

    def test_the_same_reminder_has_the_same_message_id(
        self, mailer: Mailer, arrived: Callable[[], list[Letter]], meeting: Callable[[str], None]
    ) -> None:
        meeting("answer lost")
        with pytest.raises(GatewayError) as caught:
            mailer.send(ANA, SUBJECT, BODY, "rem_1")
        assert (caught.value.sent_unknown, caught.value.permanent, caught.value.account) == (True, False, False)
        mailer.send(ANA, SUBJECT, BODY, "rem_1")
        assert [letter.message_id for letter in arrived()] == ["rem_1", "rem_1"]

    @pytest.mark.parametrize(
        ("what", "permanent", "account", "code"),
        [("no such user", True, False, 550), ("greylisted", False, False, 450), ("wrong password", False, True, 535)],
    )
    def test_a_refusal_says_what_to_do(
        self, mailer: Mailer, arrived: Callable[[], list[Letter]], meeting: Callable[[str], None],
        what: str, permanent: bool, account: bool, code: int,
    ) -> None:  # fmt: skip
        meeting(what)
        with pytest.raises(GatewayError) as caught:
            mailer.send(ANA, SUBJECT, BODY, "rem_1")
        problem = caught.value
        assert (problem.permanent, problem.account, problem.sent_unknown) == (permanent, account, False)
        assert problem.provider_code == code
        assert arrived() == []

    def test_what_is_no_address_is_refused_for_good(self, mailer: Mailer) -> None:
        with pytest.raises(GatewayError) as caught:
            mailer.send("ana", SUBJECT, BODY, "rem_1")
        assert (caught.value.permanent, caught.value.provider_code) == (True, 553)

    def test_the_account_is_checked_without_sending(
        self, mailer: Mailer, arrived: Callable[[], list[Letter]], meeting: Callable[[str], None]
    ) -> None:
        mailer.check_account()
        meeting("wrong password")
        with pytest.raises(GatewayError) as caught:
            mailer.check_account()
        assert caught.value.account
        assert arrived() == []

    def test_it_can_be_closed_twice(self, mailer: Mailer) -> None:
        mailer.send(ANA, SUBJECT, BODY, "rem_1")
        mailer.close()
        mailer.close()


class TestFakeMailer(MailerContract):
    @pytest.fixture
    def mailer(self) -> FakeMailer:
        return FakeMailer()

    @pytest.fixture
    def arrived(self, mailer: FakeMailer) -> Callable[[], list[Letter]]:
        return lambda: mailer.sent

    @pytest.fixture
    def meeting(self, mailer: FakeMailer) -> Callable[[str], None]:
        def meet(what: str) -> None:
            if what == "wrong password":
                mailer.account_problem = refused(535, account=True)
                return
            mailer.script({"answer lost": Fate.ANSWER_LOST, "no such user": refused(550, permanent=True),
                           "greylisted": refused(450)}[what])  # fmt: skip

        return meet


def _letter(mail: EmailMessage) -> Letter:
    """A mail as it was handed over."""
    words, *calendars = list(mail.iter_parts()) if mail.is_multipart() else [mail]
    attached = [
        Attachment(str(one.get_param("method")), one.get_payload(decode=True).decode())  # type: ignore[union-attr]
        for one in calendars
    ]
    body = words.get_content().replace("\r\n", "\n").rstrip("\n")
    return Letter(mail["To"], mail["Subject"], body, mail["Message-ID"].split("@")[0].lstrip("<"), *attached)


class TestSmtp(MailerContract):
    """The real one, over STARTTLS."""

    @pytest.fixture
    def mailbox(self) -> Iterator[Mailbox]:
        with mail_server(Mailbox(login=True)) as mailbox:
            yield mailbox

    @pytest.fixture
    def mailer(self, mailbox: Mailbox) -> Iterator[Smtp]:
        server = Server("127.0.0.1", mailbox.port, False, USER, PASSWORD)
        context = ssl.create_default_context(cafile=str(CERTIFICATE))
        smtp = Smtp(server, Sender("reminders@clinic.example"), ManualClock(MONDAY), context=context)
        yield smtp
        smtp.close()

    @pytest.fixture
    def arrived(self, mailbox: Mailbox) -> Callable[[], list[Letter]]:
        return lambda: [_letter(mail) for mail in mailbox.mails]

    @pytest.fixture
    def meeting(self, mailbox: Mailbox) -> Callable[[str], None]:
        def meet(what: str) -> None:
            if what == "answer lost":
                mailbox.hang_up_once.add(ACCEPTED)
            mailbox.refuse |= {
                "no such user": {"RCPT": "550 5.1.1 no such user"}, "greylisted": {"RCPT": "450 4.2.0 later"},
                "wrong password": {"AUTH": "535 5.7.8 no"},
            }.get(what, {})  # fmt: skip

        return meet
