"""A patient without a telephone: reminded, told of a new time and of the cancellation by e-mail, each time with the visit
for the calendar, over SMTP to a mail server."""

from __future__ import annotations

from datetime import UTC, datetime
from email.message import EmailMessage

import pytest
from icalendar import Calendar, Event

from tests.gateways.imapserver import Folder, imap_server
from tests.gateways.mailserver import CERTIFICATE, PASSWORD, USER, Mailbox, mail_server
from tests.house import Answer, book, clinic, running

TEN_DAYS = "2030-05-15T09:00:00+02:00"


def entry(mail: EmailMessage) -> tuple[str, Event]:
    """The METHOD and the one event of a mail's calendar."""
    _, part = mail.iter_parts()
    whole = Calendar.from_ical(part.get_payload(decode=True))
    (event,) = whole.walk("VEVENT")
    return str(part.get_param("method")), event  # type: ignore[return-value]


def answer(mail: EmailMessage, said: str, sequence: int, stamp: datetime) -> bytes:
    """What a calendar program sends to whom the invitation names."""
    both, _ = mail.iter_parts()
    *_, calendar = both.iter_parts()
    (event,) = Calendar.from_ical(calendar.get_payload(decode=True)).walk("VEVENT")
    reply = EmailMessage()
    reply["From"], reply["To"] = "ana@example.com", str(event["ORGANIZER"]).removeprefix("mailto:")
    text = (
        f"BEGIN:VCALENDAR\r\nMETHOD:REPLY\r\nBEGIN:VEVENT\r\nUID:{event['UID']}\r\nSEQUENCE:{sequence}\r\n"
        f"DTSTAMP:{stamp:%Y%m%dT%H%M%SZ}\r\nATTENDEE;PARTSTAT={said}:mailto:ana@example.com\r\n"
        "END:VEVENT\r\nEND:VCALENDAR\r\n"
    )
    reply.set_content(text.encode(), maintype="text", subtype="calendar", params={"method": "REPLY"})
    return reply.as_bytes()


def test_invited_accepted_moved_and_declined_by_mail(
    empty_sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))  # whom OpenSSL trusts
    with mail_server(Mailbox(tls=False)) as mailbox, imap_server(Folder()) as folder, running(
        empty_sqlite_url, smtp_url=f"smtp://127.0.0.1:{mailbox.port}", mail_from="hola@clinic.example",
        reply_address="visits@clinic.example", private_networks="127.0.0.0/8",
    ) as house:  # fmt: skip
        house.ids = clinic(
            house, steps=[{"offset": "-P7D", "channels": ["email"]}],
            policy={"quiet_hours": None, "notices": ["moved", "cancelled"]},
            patient={"phone": None, "email": "ana@example.com", "language": "es"},
        )  # fmt: skip
        made = {"kind": "imap", "url": folder.url, "username": USER, "password": PASSWORD, "label": "Answers"}
        connection = house.post("calendar-connections", made, role="admin")
        assert house.post(f"calendar-connections/{connection['id']}/test") == {
            "ok": True, "detail": "INBOX: 0 messages", "reason": None,
        }  # fmt: skip
        visit = book(house, house.ids, TEN_DAYS)
        house.tick_at(datetime(2030, 5, 8, 7, tzinfo=UTC))
        folder.add(b"Subject: something else\r\n\r\nHello\r\n")
        folder.add(answer(mailbox.mails[0], "ACCEPTED", 0, house.clock.now()))
        house.tick(minutes=2)
        assert house.get(f"appointments/{visit['id']}")["confirmation"] == "confirmed"

        house.post(f"appointments/{visit['id']}/reschedule", {"start": "2030-05-15T12:00:00+02:00"})
        house.tick(minutes=5)
        folder.add(answer(mailbox.mails[1], "DECLINED", 0, house.clock.now()))
        house.tick(minutes=2)
        assert house.get(f"appointments/{visit['id']}")["status"] == "booked", "that was about the earlier time"
        folder.add(answer(mailbox.mails[1], "DECLINED", 1, house.clock.now()))
        house.tick(minutes=2)
        assert house.get(f"appointments/{visit['id']}")["status"] == "cancelled"

        runs = house.get(f"calendar-connections/{connection['id']}/runs")["items"]
        assert sum(run["seen"] for run in runs) == len(folder.mails) == 4
        assert {run["error"] for run in runs} == {None}
        changes = [(one["change"], one["actor"], one["channel"]) for one in
                   house.get(f"appointments/{visit['id']}/history")["items"]]  # fmt: skip
        assert ("confirm", "patient", "email") in changes
        assert ("cancel", "patient", "email") in changes


def test_a_mail_is_handed_over_by_another_program(empty_sqlite_url: str) -> None:
    with mail_server(Mailbox(tls=False)) as mailbox, running(
        empty_sqlite_url, smtp_url=f"smtp://127.0.0.1:{mailbox.port}", mail_from="hola@clinic.example",
        reply_address="visits@clinic.example",
    ) as house:  # fmt: skip
        house.ids = clinic(
            house, steps=[{"offset": "-P7D", "channels": ["email"]}],
            patient={"phone": None, "email": "ana@example.com", "language": "es"},
        )  # fmt: skip
        book(house, house.ids, TEN_DAYS)
        house.tick_at(datetime(2030, 5, 8, 7, tzinfo=UTC))
        content = answer(mailbox.mails[0], "ACCEPTED", 0, house.clock.now())

        def hand_over(data: bytes, kind: str = "message/rfc822", role: str | None = "integration") -> Answer:
            return house.api("POST", "calendar-replies", role=role, data=data, Content_Type=kind)

        assert hand_over(content, role=None).status == 401
        assert hand_over(content, role="manager").status == 403
        assert hand_over(content, "application/json").status == 415
        assert hand_over(content + b" " * 256 * 1024).status == 413
        outcomes = [hand_over(data).json()["outcome"] for data in (content, content, b"", b"\xff\0:")]
        assert outcomes == ["confirmed", "stale", "unknown", "unknown"]


def test_reminded_moved_and_called_off_by_mail(empty_sqlite_url: str) -> None:
    with mail_server(Mailbox(tls=False)) as mailbox, running(
        empty_sqlite_url, smtp_url=f"smtp://127.0.0.1:{mailbox.port}", mail_from="Norte <hola@clinic.example>"
    ) as house:  # fmt: skip
        house.ids = clinic(
            house, steps=[{"offset": "-P1D", "channels": ["email"]}],
            policy={"quiet_hours": None, "notices": ["moved", "cancelled"]},
            patient={"phone": None, "email": "ana@example.com", "language": "es"},
        )  # fmt: skip
        visit = book(house, house.ids, TEN_DAYS)
        house.tick_at(datetime(2030, 5, 14, 7, tzinfo=UTC))
        house.post(f"appointments/{visit['id']}/reschedule", {"start": "2030-05-15T12:00:00+02:00"})
        house.tick(minutes=5)
        house.post(f"appointments/{visit['id']}/cancel")
        house.tick(minutes=5)

        assert [str(mail["To"]) for mail in mailbox.mails] == ["ana@example.com"] * 3
        entries = [entry(mail) for mail in mailbox.mails]
        assert [method for method, _ in entries] == ["PUBLISH", "PUBLISH", "CANCEL"]
        assert {str(event["UID"]) for _, event in entries} == {visit["id"]}
        assert [int(event["SEQUENCE"]) for _, event in entries] == [0, 1, 2]
        assert [event.start.hour for _, event in entries] == [9, 12, 12]
        assert "cita de Ana Ruiz" in str(entries[0][1]["DESCRIPTION"])
        assert str(entries[0][1]["ORGANIZER"]) == "mailto:hola@clinic.example"
        states = {(one["kind"], one["channel"], one["state"]) for one in house.reminders(visit)}
        assert {("reminder", "email", "sent"), ("moved", "email", "sent"), ("cancelled", "email", "sent")} <= states
