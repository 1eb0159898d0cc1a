"""What is said on a reminder call, and what the keys pressed mean."""

from __future__ import annotations

from sqlalchemy import Connection

from reminders.clock import Clock
from reminders.domain.actor import patient
from reminders.domain.appointment import OPEN, Change, Status
from reminders.domain.delivery import Channel
from reminders.errors import IllegalTransition, NotFound
from reminders.services.batch import visit_facts
from reminders.services.catalogue import Catalogue
from reminders.services.lifecycle import Lifecycle
from reminders.store import appointments, consents, inbox, messages
from reminders.store import reminders as reminder_store
from reminders.store.engine import Database, Record
from reminders.store.ids import new_uid
from reminders.texts import Spoken, Texts

_ANOTHER_TIME = "wants_another_time"
_KEYS = {"1": Change.CONFIRM, "2": Change.CANCEL}


class Calls:
    """Answers the provider's questions about one call, known by the token in its address."""

    def __init__(
        self, database: Database, clock: Clock, catalogue: Catalogue, lifecycle: Lifecycle, texts: Texts
    ) -> None:
        self._database = database
        self._clock = clock
        self._catalogue = catalogue
        self._lifecycle = lifecycle
        self._texts = texts

    def script(self, token: str, sid: str, action: str) -> str:
        """TwiML that tells of the visit and asks for a key; ``action`` is where the key goes."""
        with self._database.write() as tx:
            call, visit = self._call(tx, token, sid)
            name: Spoken = "reminder" if self._is_open(visit) else "over"
            return self._say(name, call, visit, action)

    def pressed(self, token: str, sid: str, key: str, action: str) -> str:
        """Act on a key: 1 confirm, 2 cancel, 3 another time, 9 no more calls, * again."""
        with self._database.write() as tx:
            call, visit = self._call(tx, token, sid)
            return self._say(self._act(tx, call, visit, key), call, visit, action)

    def _act(self, tx: Connection, call: Record, visit: Record, key: str) -> Spoken:
        if key == "9":
            self._stop(tx, call)
            return "stopped"
        if not self._is_open(visit):
            return "over"
        if key == "*":
            return "reminder"
        if key == "3":
            self._to_desk(tx, call, visit)
            return "reschedule"
        if key not in _KEYS:
            return "unclear"
        try:
            self._lifecycle.change(tx, visit.uid, _KEYS[key], patient("voice"))
        except IllegalTransition:
            return "over"
        return "confirmed" if key == "1" else "cancelled"

    def _call(self, tx: Connection, token: str, sid: str) -> tuple[Record, Record]:
        call = messages.by_token(tx, token, lock=True)
        if call is None or call.appointment_id is None or (call.provider_sid and call.provider_sid != sid):
            raise NotFound("There is no such call.")
        return call, appointments.by_number(tx, call.appointment_id)

    def _is_open(self, visit: Record) -> bool:
        return Status(visit.status) in OPEN and visit.start_at > self._clock.now()

    def _say(self, name: Spoken, call: Record, visit: Record, action: str) -> str:
        location = self._catalogue.current().location_by_id[visit.location_id]
        facts = visit_facts(location, visit.patient_name, visit.patient_zone, visit.start_at)
        asks = name in {"reminder", "unclear"}
        target = action if asks else None
        rendered = self._texts.voice(name, call.language, location.locale, facts, action=target, replay=None)
        return rendered.body

    def _stop(self, tx: Connection, call: Record) -> None:
        now = self._clock.now()
        consents.stop(tx, call.phone, Channel.VOICE, now, "voice: key 9", call.id)
        reminder_store.withdraw_for_phone(tx, call.phone, Channel.VOICE, now)

    def _to_desk(self, tx: Connection, call: Record, visit: Record) -> None:
        """Once per call, however often the key arrives."""
        if inbox.has(tx, call.id, _ANOTHER_TIME):
            return
        now = self._clock.now()
        inbox.add(tx, {
            "uid": new_uid("inb", now), "message_id": call.id, "patient_id": visit.patient_id,
            "appointment_id": visit.id, "reason": _ANOTHER_TIME, "created_at": now,
        })  # fmt: skip
