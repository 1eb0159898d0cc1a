"""The visit as a calendar that goes with an e-mail, in the words of the mail."""

from __future__ import annotations

from reminders.domain.appointment import Confirmation
from reminders.domain.ical import Event, EventStatus, Method, Person, single
from reminders.domain.imip import ReplyAddress
from reminders.domain.ports import Attachment
from reminders.domain.visitlink import VisitLinks
from reminders.services.batch import Batch, venue
from reminders.store import invitations
from reminders.store.engine import Record
from reminders.store.ids import digest
from reminders.texts import Letter

_END = "\n-- \n"


def invitation(
    batch: Batch, row: Record, letter: Letter, mailbox: str, answers: ReplyAddress | None = None
) -> Attachment | None:  # fmt: skip
    """The calendar of one mail; ``None`` for what is about no visit.

    Its title is the clinic's name alone, because a title shows on locked screens; the rest is the mail's own text. The
    UID is the visit's public id, in every mail and feed, and the sequence rises with each new time and the
    cancellation, so that a calendar changes its entry instead of adding one. Where answers are read, the reader is invited
    (REQUEST) by an address that belongs to this visit alone; its token is written down here, hashed. Otherwise nobody is
    asked to answer (PUBLISH): answers to the mailbox might not be read.
    """
    known = batch.visits.get(row.appointment_id)
    if known is None or row.kind not in {"reminder", "moved", "cancelled"}:
        return None
    place, called_off = venue(batch, row), row.kind == "cancelled"
    reply_to = _asked(batch, row, answers) if answers else ""
    organizer, reader = reply_to or mailbox, row.patient_email
    event = Event(
        uid=known.uid, start=row.start_at, end=known.end_at, zone=place.zone, summary=place.name, stamp=batch.now,
        sequence=known.sequence, status=EventStatus.CANCELLED if called_off else EventStatus.CONFIRMED,
        location=place.name, description=letter.body.partition(_END)[0].strip(), transparent=called_off,
        organizer=Person(organizer, place.name) if organizer else None,
        attendee=Person(reader) if reply_to and reader else None,
        accepted=row.confirmation == Confirmation.CONFIRMED,
    )  # fmt: skip
    asking = Method.REQUEST if reply_to else Method.PUBLISH
    method = Method.CANCEL if called_off else asking
    return Attachment(method.value, single(event, method), reply_to, letter.language.replace("_", "-"))


def visit_link(batch: Batch, row: Record, links: VisitLinks) -> str:
    """The address of the visit's page, for mails that cannot be answered in a calendar."""
    known = batch.visits.get(row.appointment_id)
    if known is None or row.kind not in {"reminder", "moved"}:
        return ""
    token = links.token(known.uid)
    invitations.add_once(batch.tx, digest(token), row.appointment_id, batch.now)
    return links.of(token)


def _asked(batch: Batch, row: Record, answers: ReplyAddress) -> str:
    """The visit's own reply address, remembered so that an answer to it finds the visit."""
    token = answers.token(batch.visits[row.appointment_id].uid)
    invitations.add_once(batch.tx, digest(token), row.appointment_id, batch.now)
    return answers.of(token)
