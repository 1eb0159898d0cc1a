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


def test_other_answers_are_none(ana: Patient) -> None:
    assert ana.press("maybe").status == 422
    assert ana.state() == ("booked", "unconfirmed")


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(
    ("languages", "spoken", "words"),
    [
        ("de-AT,en;q=0.5", "de", "Diese Seite"),
        ("xx, zh-TW;q=0.9, en;q=0.1", "zh-Hant", "找不到此頁面"),
        ("en;q=0.1, uk", "uk", "Ми не знайшли"),
        ("ar", "ar", "العيادة"),
        ("", "en", "call the clinic"),
        ("tlh;q=x,,", "en", "call the clinic"),
    ],
)
def test_a_mistyped_address_gives_a_page_that_tells_nothing(
    ana: Patient, method: str, languages: str, spoken: str, words: str
) -> None:
    form = {"Content-Type": "application/x-www-form-urlencoded", "Accept-Language": languages}
    page = ana.web.send(method, ana.link[:-1] + "?", b"answer=confirm" if method == "POST" else None, form)
    assert (page.status, page.headers["Content-Type"], page.headers["X-Robots-Tag"]) == (
        404, "text/html; charset=utf-8", "noindex",
    )  # fmt: skip
    assert f'<html lang="{spoken}">' in page.text
    assert words in page.text
    assert "Lima" not in page.text
    assert "<button" not in page.text


@pytest.mark.parametrize("address", ["/visit/", "/visit/a/b", "/visit/%00", "/visit/" + "a" * 5000])
def test_so_does_any_other_address_there(ana: Patient, address: str) -> None:
    page = ana.web.send("GET", address, None, {})
    assert (page.status, page.headers["Content-Type"]) == (404, "text/html; charset=utf-8")
