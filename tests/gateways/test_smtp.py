"""What a mail server's answers mean to us, over a real connection."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from email.message import EmailMessage
from typing import Any

import pytest

from reminders.clock import ManualClock
from reminders.domain.delivery import State
from reminders.errors import GatewayError
from reminders.gateways.letter import Sender
from reminders.gateways.smtp import BAD_ADDRESS, Server, Smtp
from tests.gateways.mailserver import ACCEPTED, CERTIFICATE, GREETING, PASSWORD, USER, Mailbox, mail_server
from tests.gateways.stub import free_port

ANA = "ana.lima@example.com"
NOW = datetime(2030, 5, 6, 8, 0, tzinfo=UTC)
SENDER = Sender("reminders@clinic.example", "Harbour Clinic")
ENCRYPTED = {"tls": True}, {"tls": False, "implicit": True}


@contextmanager
def mailing(mailbox: Mailbox, host: str = "127.0.0.1", sender: Sender = SENDER, **changes: Any) -> Iterator[Smtp]:
    """The real gateway in front of a server that behaves like ``mailbox``."""
    context = ssl.create_default_context(cafile=str(CERTIFICATE))
    with mail_server(mailbox):
        user = (USER, PASSWORD) if mailbox.login else ("", "")
        server = Server(host, mailbox.port, mailbox.implicit, *user)
        smtp = Smtp(server, sender, ManualClock(NOW), **({"context": context, "timeout": 5.0} | changes))
        try:
            yield smtp
        finally:
            smtp.close()


def send(smtp: Smtp, to: str = ANA, number: int = 1) -> str:
    return smtp.send(to, "Appointment", "Hello,\n.\nsee you.\n", f"rem_{number}").sid


def problem_of(smtp: Smtp, to: str = ANA) -> GatewayError:
    with pytest.raises(GatewayError) as caught:
        send(smtp, to)
    return caught.value


def lines(mail: EmailMessage) -> list[str]:
    return str(mail.get_content()).splitlines()


def flags(problem: GatewayError) -> tuple[bool, bool, bool, int | None]:
    return problem.permanent, problem.account, problem.sent_unknown, problem.provider_code


@pytest.mark.parametrize("way", [*ENCRYPTED, {"tls": False}], ids=["starttls", "tls", "this machine"])
@pytest.mark.parametrize("login", [True, False])
def test_a_mail_arrives_as_it_was_written(way: dict[str, bool], login: bool) -> None:
    mailbox = Mailbox(login=login, **way)
    with mailing(mailbox) as smtp:
        report = smtp.send(ANA, "Cita: mañana, 9:00 👍", "Hola, Ana:\n.\n..mañana.\n\nAdiós", "rem_01k3abc")
    assert (report.sid, report.state, report.to) == ("rem_01k3abc", State.SENT, ANA)
    assert (report.price, report.segments) == (None, None)
    ((sender, recipients, content),) = mailbox.taken
    assert sender.startswith("FROM:<reminders@clinic.example>")
    assert recipients == [f"TO:<{ANA}>"]
    (mail,) = mailbox.mails
    assert mail["Subject"] == "Cita: mañana, 9:00 👍"
    assert lines(mail) == ["Hola, Ana:", ".", "..mañana.", "", "Adiós"]
    assert [(one.display_name, one.addr_spec) for one in mail["From"].addresses] == [(SENDER.name, SENDER.address)]
    assert mail["To"] == ANA
    assert mail["Message-ID"] == "<rem_01k3abc@clinic.example>"
    assert mail["Date"].datetime == NOW
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["List-Unsubscribe"] is None
    assert (mail.get_content_type(), mail.get_content_charset()) == ("text/plain", "utf-8")
    assert content.isascii()
    assert b"\n" not in content.replace(b"\r\n", b"")
    assert ("STARTTLS" in mailbox.verbs()) == way.get("tls", True)


def test_the_way_out_is_named_when_there_is_one() -> None:
    address = "mailto:desk@clinic.example?subject=" + "no-more-mails-" * 12
    with mailing(mailbox := Mailbox(), sender=Sender("a@clinic.example", "", address)) as smtp:
        send(smtp)
    assert mailbox.mails[0]["List-Unsubscribe"] == f"<{address}>"


@pytest.mark.parametrize("way", ENCRYPTED, ids=["starttls", "tls"])
def test_a_certificate_nobody_vouches_for_is_not_trusted(way: dict[str, bool]) -> None:
    with mailing(mailbox := Mailbox(login=True, **way), context=ssl.create_default_context()) as smtp:
        assert flags(problem_of(smtp)) == (False, True, False, None)
    assert "AUTH" not in mailbox.verbs()
    assert mailbox.taken == []


def test_a_certificate_of_another_host_is_not_trusted() -> None:
    with mailing(Mailbox(), host="127.1") as smtp:
        assert problem_of(smtp).account


def test_without_tls_no_other_machine_gets_anything() -> None:
    with mailing(mailbox := Mailbox(tls=False, login=True), host="127.1") as smtp:
        assert flags(problem_of(smtp)) == (False, True, False, None)
    assert mailbox.verbs() == ["EHLO"]


@pytest.mark.parametrize(
    ("moment", "reply", "permanent", "account"),
    [
        (GREETING, "421 4.3.2 busy", False, False),
        (GREETING, "554 5.7.1 not from your network", False, True),
        ("STARTTLS", "454 4.7.0 not now", False, False),
        ("STARTTLS", "501 never", False, True),
        ("AUTH", "454 4.7.0 not now", False, False),
        ("AUTH", "535 5.7.8 wrong password", False, True),
        ("MAIL", "452 4.3.1 disk full", False, False),
        ("MAIL", "530 5.7.0 log in first", False, True),
        ("MAIL", "550 5.7.1 not your address", False, True),
        ("RCPT", "421 4.7.0 too many", False, False),
        ("RCPT", "450 4.2.0 greylisted", False, False),
        ("RCPT", "452 4.2.2 full", False, False),
        ("RCPT", "530 5.7.0 log in first", False, True),
        ("RCPT", "550 5.1.1 no such user", True, False),
        ("RCPT", "551 5.1.6 has moved", True, False),
        ("RCPT", "552 5.2.2 full", True, False),
        ("RCPT", "553 5.1.3 not an address", True, False),
        ("DATA", "451 4.3.0 not now", False, False),
        ("DATA", "554 5.5.1 no recipients", True, False),
        (ACCEPTED, "451 4.3.0 the search for viruses failed", False, False),
        (ACCEPTED, "554 5.7.1 looks like spam", True, False),
    ],
)  # fmt: skip
def test_what_a_refusal_means(moment: str, reply: str, permanent: bool, account: bool) -> None:
    code = int(reply[:3])
    with mailing(mailbox := Mailbox(login=True, refuse={moment: reply})) as smtp:
        problem = problem_of(smtp)
        assert flags(problem) == (permanent, account, False, code)
        assert mailbox.taken == []
        mailbox.refuse.clear()
        assert send(smtp) == "rem_1"
    assert len(mailbox.taken) == 1
    assert ANA not in problem.message


def test_an_unknown_address_is_told_from_other_refusals() -> None:
    assert {550, 551, 553} == BAD_ADDRESS


def test_a_wrong_password_is_a_matter_of_the_account() -> None:
    mailbox = Mailbox(login=True)
    context = ssl.create_default_context(cafile=str(CERTIFICATE))
    with mail_server(mailbox):
        smtp = Smtp(Server("127.0.0.1", mailbox.port, False, USER, "old"), SENDER, ManualClock(NOW), context=context)
        assert flags(problem_of(smtp)) == (False, True, False, 535)
        with pytest.raises(GatewayError) as caught:
            smtp.check_account()
        assert caught.value.account
    assert "MAIL" not in mailbox.verbs()


def test_a_server_without_login_is_a_matter_of_the_account() -> None:
    context = ssl.create_default_context(cafile=str(CERTIFICATE))
    with mail_server(mailbox := Mailbox()):
        smtp = Smtp(Server("127.0.0.1", mailbox.port, False, USER, PASSWORD), SENDER, ManualClock(NOW), context=context)
        assert problem_of(smtp).account


def test_the_account_can_be_tried_without_sending() -> None:
    with mailing(mailbox := Mailbox(login=True)) as smtp:
        smtp.check_account()
    assert mailbox.verbs()[-2:] == ["AUTH", "QUIT"]


@pytest.mark.parametrize("moment", [GREETING, "EHLO", "STARTTLS", "AUTH", "MAIL", "RCPT", "DATA"])
def test_a_line_lost_before_the_message_was_handed_over_means_not_sent(moment: str) -> None:
    with mailing(mailbox := Mailbox(login=True, hang_up={moment})) as smtp:
        assert flags(problem_of(smtp)) == (False, False, False, None)
        mailbox.hang_up.clear()
        assert send(smtp) == "rem_1"
    assert len(mailbox.taken) == 1


def test_a_line_lost_after_it_leaves_the_outcome_unknown() -> None:
    with mailing(mailbox := Mailbox(hang_up={ACCEPTED})) as smtp:
        assert flags(problem_of(smtp)) == (False, False, True, None)
        assert len(mailbox.taken) == 1, "the server has it"
        mailbox.hang_up.clear()
        send(smtp)
    first, again = mailbox.mails
    assert first["Message-ID"] == again["Message-ID"], "who repeats it can be recognised"


@pytest.mark.parametrize("reply", ["250", "what?", "", "2" * 9000])
def test_an_answer_that_cannot_be_read_leaves_the_outcome_unknown(reply: str) -> None:
    with mailing(Mailbox(refuse={ACCEPTED: reply})) as smtp:
        if reply == "250":
            assert send(smtp) == "rem_1"
        else:
            assert flags(problem_of(smtp)) == (False, False, True, None)


@pytest.mark.parametrize(("moment", "unknown"), [("RCPT", False), (ACCEPTED, True)])
def test_a_server_that_says_nothing_is_left(moment: str, unknown: bool) -> None:
    with mailing(Mailbox(silent={moment}), timeout=0.2, acceptance=0.2) as smtp:
        assert flags(problem_of(smtp)) == (False, False, unknown, None)


def test_nobody_listens() -> None:
    smtp = Smtp(Server("127.0.0.1", free_port()), SENDER, ManualClock(NOW))
    assert flags(problem_of(smtp)) == (False, False, False, None)


def test_connections_are_kept() -> None:
    with mailing(mailbox := Mailbox(login=True)) as smtp:
        for number in range(5):
            send(smtp, number=number)
        mailbox.refuse["RCPT"] = "550 5.1.1 no such user"
        problem_of(smtp)
        mailbox.refuse.clear()
        send(smtp, number=6)
    assert mailbox.connections == 1
    assert mailbox.verbs().count("AUTH") == 1
    assert len(mailbox.taken) == 6


def test_a_kept_connection_that_died_is_replaced_unseen() -> None:
    with mailing(mailbox := Mailbox(hang_up={"RSET"})) as smtp:
        assert [send(smtp, number=number) for number in range(3)] == ["rem_0", "rem_1", "rem_2"]
    assert mailbox.connections == 3
    assert len(mailbox.taken) == 3


def test_many_senders_share_few_connections() -> None:
    with mailing(mailbox := Mailbox(), connections=2) as smtp, ThreadPoolExecutor(8) as pool:
        sids = list(pool.map(lambda number: send(smtp, number=number), range(24)))
    assert mailbox.connections <= 2
    assert {mail["Message-ID"] for mail in mailbox.mails} == {f"<{sid}@clinic.example>" for sid in sids}
    assert len(mailbox.taken) == 24


def test_who_gets_no_connection_comes_again_soon() -> None:
    with mailing(mailbox := Mailbox(silent={ACCEPTED}), connections=1, timeout=0.2, acceptance=5.0) as smtp:
        first = threading.Thread(target=send, args=(smtp,))
        first.start()
        assert mailbox.waiting.wait(5)
        problem = problem_of(smtp)
        mailbox.released.set()
        first.join()
    assert flags(problem) == (False, False, False, None)
    assert problem.retry_after is not None


ADDRESSES = [
    ("ana@exämple.com", "ana@xn--exmple-cua.com"),
    (" ana+clinic@sub.example.com ", "ana+clinic@sub.example.com"),
    ("o'brien_99@example.co.uk", "o'brien_99@example.co.uk"),
    ("", None),
    ("ana", None),
    ("ana@", None),
    ("@example.com", None),
    ("ana@example", None),
    ("ana@-example.com", None),
    ("ana@exa mple.com", None),
    ("ana..lima@example.com", None),
    (".ana@example.com", None),
    ("ána@example.com", None),
    ("a" * 65 + "@example.com", None),
    ("ana@" + "b" * 64 + ".com", None),
    ("ana@" + "b.c" * 90 + ".com", None),
    ("ana@example.com,luis@example.com", None),
    ("<ana@example.com>", None),
    ("Ana <ana@example.com>", None),
    ("ana@example.com\r\nRCPT TO:<luis@example.com>", None),
    ("ana@example.com\nBcc: luis@example.com", None),
    ("ana\r\n@example.com", None),
    ("ana@example.com>\r\nDATA", None),
    ("ana\x00@example.com", None),
    ('"ana lima"@example.com', None),
]


@pytest.mark.parametrize(("to", "used"), ADDRESSES)
def test_only_an_address_is_an_address(to: str, used: str | None) -> None:
    with mailing(mailbox := Mailbox()) as smtp:
        if used is None:
            assert flags(problem_of(smtp, to)) == (True, False, False, 553)
            assert mailbox.connections == 0
        else:
            assert smtp.send(to, "-", "-", "rem_1").to == to
            assert mailbox.taken[0][1] == [f"TO:<{used}>"]


@pytest.mark.parametrize(
    ("url", "server"),
    [
        ("smtp://mail.example", Server("mail.example", 587)),
        ("smtps://mail.example", Server("mail.example", 465, True)),
        ("smtp://localhost:2525", Server("localhost", 2525)),
        ("smtp://a%40b.example:p%3Aa%2Fs%40s@mail.example:25", Server("mail.example", 25, False, "a@b.example", "p:a/s@s")),
        ("smtps://key:secret@[::1]:4650/", Server("::1", 4650, True, "key", "secret")),
    ],
)  # fmt: skip
def test_the_url_names_the_server(url: str, server: Server) -> None:
    assert Server.from_url(url) == server
    assert not server.password or server.password not in repr(server)
