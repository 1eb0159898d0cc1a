"""Letters that nothing can be smuggled into, whatever names and texts hold."""

from __future__ import annotations

import re
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import default
from html import unescape

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reminders.domain.ports import Attachment
from reminders.gateways.letter import Sender, compose, one_line, page

ANA = "ana.lima@example.com"
SENDER = Sender("reminders@clinic.example", "Harbour Clinic")
DATE = "Mon, 06 May 2030 08:00:00 +0000"
SMUGGLED = [
    "Ana\r\nBcc: luis@example.com", "Ana\nBcc: luis@example.com", "Ana\rBcc: luis@example.com",
    "Ana\r\n\r\nBuy this", "Ana\u2028Bcc: luis@example.com", "Ana\x85Bcc: luis@example.com", "Ana\x0bBcc: x@example.com",
    "Ana\x00\r\n.\r\nMAIL FROM:<x@example.com>", "=?utf-8?q?Ana=0D=0ABcc:_luis@example.com?=", "Ana " * 80 + "\r\nBcc: x",
    "\ud800Ana", "", " ", "Ana <luis@example.com>, ", '"Ana', "王小明" * 60,
]  # fmt: skip
HEADERS = {
    "Message-ID", "From", "To", "Subject", "Date", "Auto-Submitted", "X-Auto-Response-Suppress", "Content-Type",
    "Content-Transfer-Encoding", "MIME-Version",
}  # fmt: skip


def read(content: bytes) -> EmailMessage:
    return BytesParser(EmailMessage, policy=default).parsebytes(content)


def check_letter(content: bytes) -> EmailMessage:
    """It has our headers, each once, our recipient, and is fit for the wire."""
    mail = read(content)
    assert set(mail.keys()) == HEADERS
    assert len(mail.keys()) == len(HEADERS)
    assert mail["To"] == ANA
    assert [address.addr_spec for address in mail["From"].addresses] == ["reminders@clinic.example"]
    assert content.isascii()
    assert b"\n" not in content.replace(b"\r\n", b"")
    assert b"\r" not in content.replace(b"\r\n", b"")
    assert max(map(len, content.split(b"\r\n"))) <= 998, "RFC 5321, 4.5.3.1.6"
    return mail


@pytest.mark.parametrize("text", SMUGGLED)
def test_nothing_is_smuggled_into_the_headers(text: str) -> None:
    sender = Sender(SENDER.address, text)
    mail = check_letter(compose(sender, ANA, text, "Hello", "rem_1", DATE))
    assert mail.get_content().split() == ["Hello"]


@given(st.text(), st.text(), st.text())
def test_any_words_make_a_letter(name: str, subject: str, body: str) -> None:
    sender = Sender(SENDER.address, name)
    mail = check_letter(compose(sender, ANA, subject, body, "rem_1", DATE))
    assert not re.search(r"[\r\n]", str(mail["Subject"]))
    assert "".join(str(mail["Subject"]).split()) == "".join(one_line(subject)[:250].split())
    visible = "".join(one_line(body).split())
    assert "".join(one_line(mail.get_content()).split()) == visible


@pytest.mark.parametrize("name", ["", "a b", "a>\r\nBcc: x@example.com", "a@b", "<a>", "ä"])
def test_a_message_id_is_ours_or_nobodys(name: str) -> None:
    with pytest.raises(ValueError, match="Message-ID"):
        compose(SENDER, ANA, "-", "-", name, "-")


CALENDAR = "BEGIN:VCALENDAR\r\nSUMMARY:Clínica 王\r\nEND:VCALENDAR\r\n"


def test_a_calendar_goes_along_byte_for_byte() -> None:
    content = compose(SENDER, ANA, "Cita", "Hola", "rem_1", DATE, Attachment("PUBLISH", CALENDAR))
    mail = read(content)
    assert content.isascii()
    assert mail.get_content_type() == "multipart/mixed"
    words, calendar = mail.iter_parts()
    assert words.get_content().strip() == "Hola"
    assert calendar.get_content_type() == "text/calendar"
    assert (calendar.get_param("method"), calendar.get_param("charset")) == ("PUBLISH", "utf-8")
    assert (calendar.get_content_disposition(), calendar.get_filename()) == ("attachment", "appointment.ics")
    assert calendar.get_payload(decode=True) == CALENDAR.encode()


def test_what_is_to_be_answered_is_another_form_of_the_text() -> None:
    invitation = Attachment("REQUEST", CALENDAR, "visits+abc@clinic.example")
    content = compose(SENDER, ANA, "Cita", "Hola", "rem_1", DATE, invitation)
    mail = read(content)
    assert (content.isascii(), mail["Reply-To"]) == (True, "visits+abc@clinic.example")
    assert mail.get_content_type() == "multipart/mixed"
    both, file = mail.iter_parts()
    assert both.get_content_type() == "multipart/alternative"
    words, calendar = both.iter_parts()
    assert words.get_content().strip() == "Hola"
    assert (calendar.get_content_type(), calendar.get_content_disposition()) == ("text/calendar", None)
    assert (calendar.get_param("method"), calendar.get_param("charset")) == ("REQUEST", "utf-8")
    assert (file.get_content_type(), file.get_filename()) == ("application/ics", "appointment.ics")
    assert calendar.get_payload(decode=True) == file.get_payload(decode=True) == CALENDAR.encode()


BODY = "Hallo,\n\nTermin von <b>Ana & Co</b> am Dienstag\n\nBitte rufen Sie an.\nDanke\n\n-- \nPraxis\nEnde\n"


@pytest.mark.parametrize(("method", "reply_to"), [("PUBLISH", ""), ("REQUEST", "visits+abc@clinic.example")])
def test_an_invitation_says_the_same_as_a_page(method: str, reply_to: str) -> None:
    """Plain text first, then the page, then what is to be answered; the richest that a program knows is shown."""
    invitation = Attachment(method, CALENDAR, reply_to, "de")
    mail = read(compose(SENDER, ANA, "Termin", BODY, "rem_1", DATE, invitation))
    forms = list(next(iter(mail.iter_parts())).iter_parts())
    expected = ["text/plain", "text/html"] + (["text/calendar"] if reply_to else [])
    assert [one.get_content_type() for one in forms] == expected
    plain, shown = forms[0].get_content(), forms[1].get_content()
    assert '<html lang="de">' in shown
    assert "Termin von &lt;b&gt;Ana &amp; Co&lt;/b&gt; am Dienstag" in shown
    assert shown.count('<p dir="auto">') == 4
    assert "Bitte rufen Sie an.<br>Danke" in shown
    assert unescape(re.sub(r"<[^>]+>", " ", shown)).split() == plain.replace("-- ", "").split()


@given(st.text())
def test_nothing_in_a_text_becomes_a_tag(text: str) -> None:
    tags = set(re.findall(r"<[^>]*>", page(text, "en").partition("<body>")[2]))
    assert all(
        tag.startswith('<a href="http')
        for tag in tags - {'<p dir="auto">', "</p>", "<br>", "<hr>", "</a>", "</body>", "</html>"}
    )


def test_an_address_on_a_line_of_its_own_can_be_pressed() -> None:
    shown = page("Open this:\n\nhttps://clinic.example/visit/abc?a=1&b=2\n\nsee https://x.example", "en")
    address = "https://clinic.example/visit/abc?a=1&amp;b=2"
    assert f'<p dir="auto"><a href="{address}">{address}</a></p>' in shown
    assert shown.count("<a ") == 1


@settings(deadline=None)  # the machine may be busy
@given(st.text())
def test_any_calendar_text_stays_in_its_part(text: str) -> None:
    mail = read(compose(SENDER, ANA, "-", "Hello", "rem_1", DATE, Attachment("CANCEL", text)))
    assert mail["To"] == ANA
    assert len(list(mail.iter_parts())) == 2
