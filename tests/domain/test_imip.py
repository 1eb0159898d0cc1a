"""Answers to invitations, as calendar programs write them and as nobody should."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.message import EmailMessage

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reminders.domain.ical import escaped, line, utc
from reminders.domain.imip import Participation, ReplyAddress, read_mail

BOX = ReplyAddress("visits", "clinic.example", "a key")
UID = "apt_01k3abc"
TOKEN = BOX.token(UID)
MADE = datetime(2030, 5, 6, 8, 0, tzinfo=UTC)


def calendar(*lines: str, method: str = "REPLY", partstat: str = "ACCEPTED", organizer: str = "") -> str:
    event = [
        f"UID:{UID}", "SEQUENCE:2", f"DTSTAMP:{utc(MADE)}", f"ORGANIZER;CN=\"A: b; c\":mailto:{organizer}",
        f'ATTENDEE;CN="Ruiz, Ana";PARTSTAT={partstat}:mailto:ana@example.com', *lines,
    ]  # fmt: skip
    whole = ["BEGIN:VCALENDAR", f"METHOD:{method}", "BEGIN:VTIMEZONE", "TZID:Custom", "BEGIN:STANDARD",
             "COMMENT:not this", "END:STANDARD", "END:VTIMEZONE", "BEGIN:VEVENT", *event, "BEGIN:VALARM", "UID:alarm",
             "END:VALARM", "END:VEVENT", "END:VCALENDAR", ""]  # fmt: skip
    return "\r\n".join(whole)


def mail(text: str, to: str = BOX.of(TOKEN), **headers: str) -> bytes:
    letter = EmailMessage()
    letter["From"], letter["To"] = "Ana Ruiz <ana@example.com>", to
    for name, value in headers.items():
        letter[name.replace("_", "-")] = value
    letter.set_content("Accepted: appointment")
    letter.add_alternative(text.encode(), maintype="text", subtype="calendar", params={"method": "REPLY"})
    return letter.as_bytes()


@pytest.mark.parametrize("said", ["ACCEPTED", "DECLINED", "TENTATIVE", "DELEGATED", "NEEDS-ACTION"])
def test_what_a_program_says(said: str) -> None:
    found = read_mail(mail(calendar("COMMENT:Late\\, sorry\\nAna", partstat=said)), BOX)
    assert (found.tokens, found.sender, found.automatic) == ((TOKEN,), "ana@example.com", False)
    assert found.answer is not None
    answer = found.answer
    assert (answer.uid, answer.participation, answer.sequence, answer.stamp) == (UID, Participation(said), 2, MADE)
    assert answer.comment == "Late, sorry\nAna"


@pytest.mark.parametrize("partstat", ["COUNTER", "X-MAYBE", "", "COMPLETED"])
def test_other_words_say_nothing(partstat: str) -> None:
    answer = read_mail(mail(calendar(partstat=partstat)), BOX).answer
    assert answer is not None
    assert answer.participation is Participation.NOTHING


def test_who_answers_for_several_says_nothing() -> None:
    answer = read_mail(mail(calendar("ATTENDEE;PARTSTAT=ACCEPTED:mailto:leo@example.com")), BOX).answer
    assert answer is not None
    assert answer.participation is Participation.NOTHING


@pytest.mark.parametrize("method", ["REQUEST", "PUBLISH", "CANCEL", "REFRESH", ""])
def test_other_methods_are_no_answers(method: str) -> None:
    assert read_mail(mail(calendar(method=method)), BOX).answer is None


@pytest.mark.parametrize(
    ("start", "wished"),
    [
        ("DTSTART:20300507T090000Z", datetime(2030, 5, 7, 9, tzinfo=UTC)),
        ("DTSTART;TZID=Europe/Madrid:20300507T110000", datetime(2030, 5, 7, 9, tzinfo=UTC)),
        ("DTSTART;TZID=\"Europe/Madrid\":20300507T110000", datetime(2030, 5, 7, 9, tzinfo=UTC)),
        ("DTSTART;TZID=Nowhere:20300507T110000", None), ("DTSTART:20300507T110000", None),
        ("DTSTART;VALUE=DATE:20300507", None), ("DTSTART:20301399T990000Z", None), ("DTSTART;TZID=../x:20300507T110000", None),
    ],
)  # fmt: skip
def test_another_time_is_proposed(start: str, wished: datetime | None) -> None:
    answer = read_mail(mail(calendar(start, method="COUNTER")), BOX).answer
    assert answer is not None
    assert (answer.participation, answer.proposed) == (Participation.COUNTER, wished)


@pytest.mark.parametrize("where", ["To", "Cc", "Delivered-To", "X-Original-To"])
def test_the_token_is_found_wherever_servers_put_it(where: str) -> None:
    content = mail(calendar(), "desk@clinic.example", **({where: f"<{BOX.of(TOKEN)}>"} if where != "To" else {}))
    if where == "To":
        content = mail(calendar(), f'"visits" <{BOX.of(TOKEN).upper()}>')
    assert read_mail(content, BOX).tokens == (TOKEN,)


def test_the_token_is_found_in_the_organizer() -> None:
    assert read_mail(mail(calendar(organizer=BOX.of(TOKEN)), "someone@example.com"), BOX).tokens == (TOKEN,)


@pytest.mark.parametrize(
    "to", ["visits@clinic.example", f"visits+{TOKEN}@elsewhere.example", f"visits+{TOKEN[:-1]}@clinic.example",
           f"visits+{TOKEN}@clinicXexample"],
)  # fmt: skip
def test_other_addresses_hold_none(to: str) -> None:
    assert read_mail(mail(calendar(), to), BOX).tokens == ()


def test_a_token_belongs_to_one_visit_and_one_key() -> None:
    other_key = ReplyAddress("visits", "clinic.example", "another key")
    assert len({TOKEN, BOX.token("apt_other"), other_key.token(UID)}) == 3
    assert BOX.token(UID) == TOKEN


def test_a_letter_without_a_calendar_is_text() -> None:
    content = f"To: {BOX.of(TOKEN)}\r\n\r\nI am late.\r\n> You are invited\r\n".encode()
    found = read_mail(content, BOX)
    assert (found.answer, found.text, found.automatic) == (None, "I am late.", False)


@pytest.mark.parametrize(
    "header", ["Auto-Submitted: auto-replied", "Precedence: bulk", "Return-Path: <>",
               "Content-Type: multipart/report; boundary=x"],
)  # fmt: skip
def test_machines_are_known(header: str) -> None:
    assert read_mail(f"To: {BOX.of(TOKEN)}\r\n{header}\r\n\r\nAway.\r\n".encode(), BOX).automatic


@given(st.binary(max_size=2000))
def test_any_bytes_are_read(data: bytes) -> None:
    read_mail(data, BOX)


@given(st.data())
def test_any_damage_to_a_mail_is_survived(data: st.DataObject) -> None:
    content = bytearray(mail(calendar("COMMENT:hello", "DTSTART;TZID=Europe/Madrid:20300507T110000", method="COUNTER")))
    for _ in range(data.draw(st.integers(1, 6))):
        at, length = data.draw(st.integers(0, len(content))), data.draw(st.integers(0, 40))
        content[at : at + length] = data.draw(st.binary(max_size=20))
    read_mail(bytes(content), BOX)


@pytest.mark.parametrize("depth", [50, 3000])
def test_a_mail_within_a_mail_within_a_mail(depth: int) -> None:
    nested = b"".join(
        b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (one, one) for one in range(depth)
    )
    read_mail(nested, BOX)


@given(
    st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Cf", "Zl", "Zp", "Co", "Cn"]), max_size=200),
    st.integers(0, 10**6),
)
def test_what_was_written_is_read(comment: str, seconds: int) -> None:
    made = MADE + timedelta(seconds=seconds)
    text = calendar().replace(f"DTSTAMP:{utc(MADE)}\r\n", f"DTSTAMP:{utc(made)}\r\n{line('COMMENT', escaped(comment))}")
    answer = read_mail(mail(text), BOX).answer
    assert answer is not None
    assert (answer.stamp, answer.comment) == (made, "".join(c for c in comment if c.isprintable()).strip())
