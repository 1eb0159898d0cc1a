"""A patient without a telephone: reminded, told of a new time and of the cancellation by e-mail, each time with the visit
for the calendar, over SMTP to a mail server."""

from __future__ import annotations

from datetime import UTC, datetime
from email.message import EmailMessage

from icalendar import Calendar, Event

from tests.gateways.mailserver import Mailbox, mail_server
from tests.house import book, clinic, running

TEN_DAYS = "2030-05-15T09:00:00+02:00"


def entry(mail: EmailMessage) -> tuple[str, Event]:
    """The METHOD and the one event of a mail's calendar."""
    _, part = mail.iter_parts()
    whole = Calendar.from_ical(part.get_payload(decode=True))
    (event,) = whole.walk("VEVENT")
    return str(part.get_param("method")), event  # type: ignore[return-value]


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
