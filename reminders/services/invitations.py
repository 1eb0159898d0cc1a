"""The visit as a calendar that goes with an e-mail, in the words of the mail."""

from __future__ import annotations

from reminders.domain.ical import Event, EventStatus, Method, Person, single
from reminders.domain.ports import Attachment
from reminders.services.batch import Batch, venue
from reminders.store.engine import Record
from reminders.texts import Letter

_END = "\n-- \n"


def invitation(batch: Batch, row: Record, letter: Letter, mailbox: str) -> Attachment | None:
    """The calendar of one mail; ``None`` for what is about no visit.

    Its title is the clinic's name alone, because a title shows on locked screens; the rest is the mail's own text. The
    UID is the visit's public id, in every mail and feed, and the sequence rises with each new time and the
    cancellation, so that a calendar changes its entry instead of adding one. Nobody is asked to answer (PUBLISH): answers
    to the mailbox might not be read.
    """
    known = batch.visits.get(row.appointment_id)
    if known is None or row.kind not in {"reminder", "moved", "cancelled"}:
        return None
    place, called_off = venue(batch, row), row.kind == "cancelled"
    event = Event(
        uid=known.uid, start=row.start_at, end=known.end_at, zone=place.zone, summary=place.name, stamp=batch.now,
        sequence=known.sequence, status=EventStatus.CANCELLED if called_off else EventStatus.CONFIRMED,
        location=place.name, description=letter.body.partition(_END)[0].strip(), transparent=called_off,
        organizer=Person(mailbox, place.name) if mailbox else None,
    )  # fmt: skip
    method = Method.CANCEL if called_off else Method.PUBLISH
    return Attachment(method.value, single(event, method))
