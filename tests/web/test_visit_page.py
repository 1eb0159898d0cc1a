"""The page on which a patient confirms or cancels, reached from an e-mail: in the patient's language, and once."""

from __future__ import annotations

import re
from collections.abc import Iterator
from email.message import EmailMessage
from typing import Any

import pytest

from tests.gateways.mailserver import Mailbox, mail_server
from tests.house import LOCAL_URL, Answer, Local, book, clinic, local

TEN_DAYS = "2030-05-15T09:00:00+02:00"


class Patient:
    """Somebody who gets mail, and opens what it links to."""

    def __init__(self, web: Local, mailbox: Mailbox) -> None:
        self.web, self.mailbox = web, mailbox
        self.visit: Any = book(web, web.ids, TEN_DAYS)
        web.tick(days=4)
        self.link = self.find(mailbox.mails[-1])

    def find(self, mail: EmailMessage) -> str:
        (plain,) = (part.get_content() for part in mail.walk() if part.get_content_type() == "text/plain")
        (found,) = re.findall(rf"{re.escape(LOCAL_URL)}(/visit/[a-z2-7]{{26}})\s", plain)
        return str(found)

    def open(self) -> Answer:
        return self.web.send("GET", self.link, None, {})

    def press(self, said: str) -> Answer:
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        return self.web.send("POST", self.link, f"answer={said}".encode(), form)

    def state(self) -> tuple[str, str]:
        now = self.web.get(f"appointments/{self.visit['id']}")
        return now["status"], now["confirmation"]


@pytest.fixture
def ana(empty_sqlite_url: str) -> Iterator[Patient]:
    mailbox = Mailbox(tls=False)
    with mail_server(mailbox), local(
        empty_sqlite_url, smtp_url=f"smtp://127.0.0.1:{mailbox.port}", mail_from="hola@clinic.example"
    ) as web:  # fmt: skip
        web.ids = clinic(
            web, steps=[{"offset": "-P7D", "channels": ["email"]}], policy={"quiet_hours": None, "notices": ["moved"]},
            patient={"phone": None, "email": "ana@example.com", "language": "de", "name": "Ana <b>Lima</b>"},
        )  # fmt: skip
        yield Patient(web, mailbox)


def test_looking_changes_nothing_and_a_button_confirms(ana: Patient) -> None:
    page = ana.open()
    assert (page.status, page.headers["X-Robots-Tag"]) == (200, "noindex")
    assert '<html lang="de">' in page.text
    assert "Termin bestätigen" in page.text
    assert "Ana &lt;b&gt;Lima&lt;/b&gt;" in page.text
    assert ana.state() == ("booked", "unconfirmed")
    assert "bestätigt" in ana.press("confirm").text
    assert ana.state() == ("booked", "confirmed")
    assert "bestätigt" in ana.press("confirm").text
    history = ana.web.get(f"appointments/{ana.visit['id']}/history")["items"]
    assert [(one["actor"], one["channel"]) for one in history if one["change"] == "confirm"] == [("patient", "email")]
    page = ana.open()
    assert "Termin bestätigen" not in page.text
    assert "Termin absagen" in page.text


def test_cancelled_once_and_for_all(ana: Patient) -> None:
    assert "abgesagt" in ana.press("cancel").text
    assert ana.state()[0] == "cancelled"
    for again in (ana.open(), ana.press("confirm"), ana.press("cancel")):
        assert again.status == 200
        assert "<button" not in again.text
    assert ana.state()[0] == "cancelled"
    assert ana.web.get("inbox")["items"] == []


def test_the_page_ends_when_the_visit_begins(ana: Patient) -> None:
    ana.web.tick(days=6)
    assert "<button" not in ana.open().text
    assert "<button" not in ana.press("cancel").text
    assert ana.state()[0] == "booked"


def test_a_move_keeps_the_address_and_shows_the_new_time(ana: Patient) -> None:
    ana.web.post(f"appointments/{ana.visit['id']}/reschedule", {"start": "2030-05-16T11:30:00+02:00"})
    ana.web.tick(minutes=5)
    assert ana.find(ana.mailbox.mails[-1]) == ana.link
    assert "11:30" in ana.open().text


def test_other_addresses_and_answers_are_none(ana: Patient) -> None:
    assert ana.web.send("GET", "/visit/" + "a" * 26, None, {}).status == 404
    assert ana.press("maybe").status == 422
    assert ana.state() == ("booked", "unconfirmed")
