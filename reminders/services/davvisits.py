"""What a calendar program does to a visit: it asks, the booking rules answer, and the desk hears of what they leave
open."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection

from reminders.clock import Clock
from reminders.domain.appointment import OPEN, Change, Status
from reminders.domain.clinic import RemoteDelete, RemoteMove
from reminders.domain.dav import NotAllowed, Sent
from reminders.services.booking import Booking
from reminders.services.calendars import Calendars
from reminders.services.catalogue import Catalogue
from reminders.services.davlogins import Login
from reminders.services.lifecycle import Lifecycle
from reminders.store import appointments, calendars, inbox
from reminders.store.engine import Database, Record
from reminders.store.ids import new_uid


class DavVisits:
    """Moves and deletions of visits that come from a provider's calendar."""

    def __init__(
        self, database: Database, clock: Clock, catalogue: Catalogue, board: Calendars, booking: Booking,
        lifecycle: Lifecycle,
    ) -> None:  # fmt: skip
        self._database = database
        self._clock = clock
        self._catalogue = catalogue
        self._board = board
        self._booking = booking
        self._lifecycle = lifecycle

    def put(self, login: Login, entry: Record, sent: Sent) -> None:
        """Move the visit if the event was moved, and keep what else the program wrote into it.

        ``SlotTaken``, ``OutsideHours``, ``IllegalTransition`` or ``NotAllowed`` when the clinic's rules say no; then
        nothing has changed.
        """
        visit = self._visit(entry)
        if sent.recurring or sent.all_day:
            raise NotAllowed("A visit happens once, at a time of day.", "C:supported-calendar-data")
        if sent.cancelled and visit.status != Status.CANCELLED:
            self.delete(login, entry)
            return
        if entry.deleted and visit.status == Status.CANCELLED:
            raise NotAllowed("This visit was cancelled.", "R:visit-cancelled")
        if entry.deleted:
            self._put_back(login, visit)
        if sent.start != visit.start_at:
            self._move(login, entry, visit, sent)
        elif sent.end != visit.end_at:
            raise NotAllowed("How long a visit lasts is set by its service.", "R:length-fixed")
        self._keep(entry, sent.text)

    def delete(self, login: Login, entry: Record) -> None:
        """A visit was deleted in a calendar: what that means is the location's rule, by default the desk is asked."""
        visit = self._visit(entry)
        rule = self._catalogue.current().location_by_id[visit.location_id].on_remote_delete
        is_open = Status(visit.status) in OPEN
        if is_open and rule is RemoteDelete.RESTORE:
            raise NotAllowed("Visits are cancelled at the front desk.", "R:visits-stay")

        def work(tx: Connection) -> None:
            if is_open and rule is RemoteDelete.CANCEL:
                self._lifecycle.change(tx, visit.uid, Change.CANCEL, login.actor, version=entry.version)
            elif is_open:
                self._lifecycle.pause(tx, visit.uid, login.actor, paused=True, version=entry.version)
                self._to_desk(tx, visit, "deleted_in_calendar")
            seq = calendars.count(tx, login.provider, 1) + 1
            gone = {"deleted": True, "seq": seq, "modified_at": self._clock.now()}
            calendars.change(tx, entry.id, gone)

        self._database.run(work)

    def _move(self, login: Login, entry: Record, visit: Record, sent: Sent) -> None:
        if sent.end - sent.start != visit.end_at - visit.start_at:
            raise NotAllowed("How long a visit lasts is set by its service.", "R:length-fixed")
        location = self._catalogue.current().location_by_id[visit.location_id]
        if location.on_remote_move is RemoteMove.ASK:
            with self._database.write() as tx:
                self._to_desk(tx, visit, "moved_in_calendar", sent.start)
            raise NotAllowed("The front desk decides about moves; it has been told.", "R:desk-decides")
        self._booking.reschedule(visit.uid, sent.start, login.actor, version=None if entry.deleted else entry.version)

    def _put_back(self, login: Login, visit: Record) -> None:
        """Deleted, and put there again: nothing happened."""
        with self._database.write() as tx:
            if visit.paused:
                self._lifecycle.pause(tx, visit.uid, login.actor, paused=False)

    def _keep(self, entry: Record, text: str) -> None:
        with self._database.write() as tx:
            calendars.change(tx, entry.id, {"client": text})
            calendars.unpublish_one(tx, entry.appointment_id)
        self._board.publish([entry.provider_id])

    def _visit(self, entry: Record) -> Record:
        with self._database.read() as tx:
            return appointments.by_number(tx, entry.appointment_id)

    def _to_desk(self, tx: Connection, visit: Record, reason: str, proposed: datetime | None = None) -> None:
        now = self._clock.now()
        inbox.propose(tx, {
            "uid": new_uid("inb", now), "patient_id": visit.patient_id, "appointment_id": visit.id, "message_id": None,
            "reason": reason, "proposed_at": proposed, "created_at": now,
        })  # fmt: skip
