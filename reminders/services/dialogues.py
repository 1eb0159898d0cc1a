"""Asks a phone a numbered question and remembers it for a while: which visit is meant, whether to cancel, which time.

Times on offer are held in the database, so that nobody else is booked into them, until the patient has answered or the
question has expired.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from datetime import UTC, datetime, tzinfo
from typing import Any

from sqlalchemy import Connection

from reminders.domain.appointment import Change
from reminders.domain.clinic import Provider, Service
from reminders.domain.dialogue import MOST_VISITS, Kind, lasts, short_names, spread
from reminders.domain.lexicon import Role
from reminders.domain.reading import days_of
from reminders.errors import SlotTaken
from reminders.services.catalogue import Catalogue
from reminders.services.reply import Answer, Reply
from reminders.services.slots import Slots
from reminders.store import holds, questions
from reminders.store.engine import Record, attempt
from reminders.store.ids import new_uid
from reminders.store.tables import HoldKind
from reminders.texts import Template

_NOON = 13  # an afternoon begins here, for offering times that differ


class Dialogues:
    """Works within a transaction that the caller opened. Asking anew takes back what was asked before."""

    def __init__(self, catalogue: Catalogue, slots: Slots) -> None:
        self._catalogue = catalogue
        self._slots = slots

    def which(self, tx: Connection, reply: Reply, visits: Sequence[Record], change: Change) -> Answer:
        """Which of these visits shall be changed?"""
        visits = sorted(visits, key=lambda visit: (visit.start_at, visit.id))[:MOST_VISITS]
        self._ask(tx, reply, Kind.WHICH, change, {"visits": [visit.uid for visit in visits]})
        names = short_names([visit.patient_name for visit in visits])
        choices = tuple((name, visit.start_at) for name, visit in zip(names, visits, strict=True))
        return Answer(Template.ANSWER_WHICH, None, choices, change, every=change is not Change.RESCHEDULE)

    def sure(self, tx: Connection, reply: Reply, visit: Record) -> Answer:
        """It sounded like cancelling this visit, or the answer could mean two things: say it in a number."""
        self._ask(tx, reply, Kind.SURE, None, {"visits": [visit.uid]})
        return Answer(Template.ANSWER_SURE, visit)

    def times(
        self, tx: Connection, reply: Reply, visit: Record, days: frozenset[Role] = frozenset()
    ) -> Answer | None:  # fmt: skip
        """Which of these free times near the old one, on the ``days`` that were named if any? ``None`` when there is none
        to offer."""
        self.close(tx, reply)
        snapshot = self._catalogue.current()
        service, provider = snapshot.service_by_id[visit.service_id], snapshot.provider_by_id.get(visit.provider_id)
        if provider is None or not (provider.active and service.active):
            return None
        starts = self._free(tx, service, provider, visit.start_at, days, reply.now)
        uid = new_uid("qst", reply.now)
        if not starts or not self._hold(tx, reply, uid, service, provider, starts):
            return None
        facts = {"visits": [visit.uid], "starts": [start.isoformat() for start in starts]}
        self._ask(tx, reply, Kind.TIMES, Change.RESCHEDULE, facts, uid)
        return Answer(Template.ANSWER_TIMES, visit, tuple(("", start) for start in starts))

    def close(self, tx: Connection, reply: Reply, *, lingers: bool = False) -> None:
        """Nothing waits for an answer any more, and nothing is held for it. ``lingers``: it was just answered."""
        for uid in questions.close(tx, reply.phone, reply.via, reply.now, lingers=lingers):
            holds.release(tx, source(uid))

    def _ask(
        self, tx: Connection, reply: Reply, kind: Kind, change: Change | None, facts: dict[str, Any], uid: str = ""
    ) -> None:
        self.close(tx, reply)
        questions.add(tx, {
            "uid": uid or new_uid("qst", reply.now), "phone": reply.phone, "channel": reply.via, "kind": kind, "change": change, "facts": facts,
            "asked_at": reply.now, "expires_at": reply.now + lasts(kind, reply.via), "closed_at": None,
        })  # fmt: skip

    def _free(
        self, tx: Connection, service: Service, provider: Provider, near: datetime, days: frozenset[Role], now: datetime
    ) -> list[datetime]:  # fmt: skip
        zone = provider.location.zone
        today = now.astimezone(zone).date()
        starts = [
            slot.start for slot in self._slots.around(tx, service, provider, near)
            if days <= days_of(datetime.fromtimestamp(slot.start, zone).date(), today)
        ]  # fmt: skip
        chosen = spread(starts, int(near.timestamp()), lambda start: _part_of_day(start, zone))
        return [datetime.fromtimestamp(start, UTC) for start in chosen]

    def _hold(
        self, tx: Connection, reply: Reply, uid: str, service: Service, provider: Provider, starts: Sequence[datetime]
    ) -> bool:
        """Keep these times for the patient; False when somebody was quicker."""
        now = reply.now
        holds.forget_expired(tx, now)
        before, after = service.buffers
        rows = [
            {
                "uid": new_uid("hld", now), "provider_id": provider.id, "kind": HoldKind.OFFER, "source": source(uid),
                "start_at": start - before, "end_at": start + service.duration + after,
                "expires_at": now + lasts(Kind.TIMES, reply.via), "created_at": now,
            }
            for start in starts
        ]  # fmt: skip
        try:
            with attempt(tx):
                holds.add(tx, rows)
        except SlotTaken:
            return False
        return True


def source(uid: str) -> str:
    """Under which name the times are held that this question offers."""
    return f"question:{uid}"


def _part_of_day(start: int, zone: tzinfo) -> Hashable:
    local = datetime.fromtimestamp(start, zone)
    return local.date(), local.hour >= _NOON
