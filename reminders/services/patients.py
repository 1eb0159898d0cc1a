"""Patients' cards: contact, language, and what they allow."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sqlalchemy import Connection

from reminders.clock import Clock
from reminders.domain.actor import SYSTEM, Actor, Once
from reminders.domain.delivery import Channel
from reminders.errors import Invalid, Stale
from reminders.services import cards
from reminders.services.catalogue import Catalogue
from reminders.services.phones import e164
from reminders.store import appointments, consents, histories, keys, messages, patients
from reminders.store import reminders as reminder_store
from reminders.store.appointments import Filter
from reminders.store.engine import Database, Record
from reminders.store.ids import new_uid

#: Visits ahead of one patient whose history says that reminders are paused; nobody has more.
_MOST_AHEAD = 200
#: What is written down when nobody says what the patient said.
_TOLD = "told the desk"


@dataclass(frozen=True, slots=True)
class Stop:
    """A stop on record, in force until ``ended_at``. ``evidence`` says through what and with which words it came, such as
    "sms: STOP" or "desk key_…: on the phone"; ``message_id`` is the public id of the message that said it."""

    channel: str
    since: datetime
    evidence: str
    message_id: str | None
    ended_at: datetime | None
    ended_evidence: str | None


@dataclass(frozen=True, slots=True)
class Card:
    """A patient with every stop on record for the phone ("sms", "voice", "all") and the e-mail address ("email"), oldest
    first."""

    patient: Record
    stops: tuple[Stop, ...] = ()

    @property
    def opted_out(self) -> tuple[str, ...]:
        """The channels of the stops in force."""
        return tuple(sorted({stop.channel for stop in self.stops if stop.ended_at is None}))


class Patients:
    """One public method = one transaction."""

    def __init__(self, database: Database, clock: Clock, catalogue: Catalogue) -> None:
        self._database = database
        self._clock = clock
        self._catalogue = catalogue

    def add(self, values: dict[str, Any], country: str | None, once: Once | None = None) -> Card:
        """Store a patient; a phone in national form is read in ``country``, else in the clinic's."""
        now = self._clock.now()
        row = self._checked(values, country) | {"uid": new_uid("pat", now), "version": 1, "created_at": now}
        with self._database.write() as tx:
            earlier = keys.claim_once(tx, once, row["uid"], now) if once else None
            if earlier is None:
                cards.add(tx, row, now)
        return self.get(earlier or row["uid"])

    def change(self, uid: str, values: dict[str, Any], country: str | None, version: int | None = None) -> Card:
        """Change what is given; a new phone takes a flagged number's warning away, and it off the desk's worklist."""
        row, now = self._checked(values, country), self._clock.now()
        with self._database.write() as tx:
            patient = cards.usable(tx, uid, lock=True)
            if version is not None and patient.version != version:
                raise Stale(current_version=patient.version)
            if row:
                cards.edit(tx, patient, row, now)
        return self.get(uid)

    def get(self, uid: str) -> Card:
        with self._database.read() as tx:
            patient = patients.get(tx, uid)
            stops = consents.history(tx, _addresses(patient))
        return Card(patient, tuple(map(_stop, stops)))

    def listing(self, after: int, limit: int, text: str | None, phone: str | None) -> Sequence[Card]:
        """One page and one row more."""
        number = e164(phone, self._country()) if phone else None
        with self._database.read() as tx:
            rows = patients.listing(tx, after, limit + 1, text, number)
            stops = consents.history(tx, {address for row in rows for address in _addresses(row)})
        by_address = defaultdict(list)
        for stop in stops:
            by_address[stop.phone].append(_stop(stop))
        return [Card(row, tuple(stop for one in _addresses(row) for stop in by_address[one])) for row in rows]

    def conversation(self, uid: str) -> Sequence[Record]:
        """Everything said to and by the patient, newest first."""
        with self._database.read() as tx:
            return messages.conversation(tx, patients.get(tx, uid).id)

    def stop(
        self, uid: str, channel: str, actor: Actor, evidence: str = _TOLD, once: Once | None = None
    ) -> Card:  # fmt: skip
        """The patient told the desk to stop: withdraws what is planned, keeps what was said and who wrote it down."""
        now = self._clock.now()
        with self._database.write() as tx:
            patient = patients.get(tx, uid)
            for address, what in _stops(patient, channel) if _is_first(tx, once, uid, now) else ():
                consents.stop(tx, address, what, now, _written_down(actor, evidence), None)
                reminder_store.withdraw_for_phone(tx, address, None if what == consents.ALL else what, now)
        return self.get(uid)

    def allow(
        self, uid: str, channel: str = consents.ALL, actor: Actor = SYSTEM, evidence: str = _TOLD,
        once: Once | None = None,
    ) -> Card:  # fmt: skip
        """The patient told the desk to start again, with one channel or all: plans again what is still ahead."""
        now, said = self._clock.now(), _written_down(actor, evidence)
        with self._database.write() as tx:
            patient = patients.get(tx, uid)
            first = _is_first(tx, once, uid, now)
            if first and channel == Channel.EMAIL and patient.phone:  # a stop of everything is kept under the phone
                consents.start(tx, patient.phone, channel, now, said)
            for address, what in _stops(patient, channel) if first else ():
                only = None if what == consents.ALL else what
                consents.start(tx, address, only, now, said)
                reminder_store.resume_for_phone(tx, address, only, now)
        return self.get(uid)

    def pause(
        self, uid: str, actor: Actor, *, paused: bool, version: int | None = None, once: Once | None = None
    ) -> Card:  # fmt: skip
        """Send the patient nothing but what a person writes, or end that; repeating it changes nothing.

        Visits keep their reminders: those that fall due meanwhile are left out. The history of each visit ahead says so.
        """
        now = self._clock.now()
        with self._database.write() as tx:
            patient = patients.get(tx, uid, lock=True)
            first = _is_first(tx, once, uid, now)
            if first and version is not None and patient.version != version:
                raise Stale(current_version=patient.version)
            if first and patient.paused != paused:
                patients.change(tx, patient.id, {"paused": paused})
                change = "pause-patient" if paused else "resume-patient"
                for visit in appointments.listing(tx, Filter(first=now, patient_uid=uid, limit=_MOST_AHEAD)):
                    histories.add(tx, {
                        "appointment_id": visit.id, "at": now, "change": change, "actor": actor.name,
                        "channel": actor.channel, "version": visit.version, "facts": {},
                    })  # fmt: skip
        return self.get(uid)

    def _checked(self, values: dict[str, Any], country: str | None) -> dict[str, Any]:
        row = dict(values)
        if row.get("phone"):
            row["phone"] = e164(row["phone"], country or self._country())
        if row.get("time_zone"):
            known_zone(row["time_zone"])
        return row

    def _country(self) -> str:
        locations = list(self._catalogue.current().location_by_id.values())
        return locations[0].country if locations else "US"


def known_zone(name: str) -> ZoneInfo:
    """The IANA zone ``name``; ``Invalid`` when there is none."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as problem:
        raise Invalid("This is not an IANA time zone, such as Europe/Madrid.", field="time_zone") from problem


def _is_first(tx: Connection, once: Once | None, uid: str, now: datetime) -> bool:
    """Whether this request has not been carried out before."""
    return once is None or keys.claim_once(tx, once, uid, now) is None


def _written_down(actor: Actor, evidence: str) -> str:
    return f"desk {actor.name}: {evidence}"


def _stop(row: Record) -> Stop:
    said, ended = consents.words(row.evidence)
    return Stop(row.channel, row.since, said, row.message_uid, row.ended_at, ended)


def _addresses(patient: Record) -> list[str]:
    return consents.addresses(patient.phone, patient.email)


def _stops(patient: Record, channel: str) -> list[tuple[str, str]]:
    """(address, channel) of every stop it takes; ``Invalid`` when the patient has no address for this channel."""
    mail = [(patient.email, Channel.EMAIL.value)] if patient.email and channel in {Channel.EMAIL, consents.ALL} else []
    if channel == Channel.EMAIL and not mail:
        raise Invalid("This patient has no e-mail address.", field="channel")
    phone = [(patient.phone, channel)] if patient.phone and channel != Channel.EMAIL else []
    if not phone and not mail:
        raise Invalid("This patient has no phone number.", field="phone")
    return phone + mail
