"""Two cards of one person become one, and can become two again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from reminders.clock import Clock
from reminders.domain.actor import Actor
from reminders.domain.delivery import Channel
from reminders.errors import Conflict, Invalid, NotFound
from reminders.services import cards
from reminders.store import consents, links, merging, outbox, patients
from reminders.store.engine import Database, Record
from reminders.store.ids import new_uid

#: What is filled in from the other card where the one that is kept says nothing.
_FILLED = ("phone", "email", "language", "time_zone", "birth_year")


class Merging:
    """One public method = one transaction."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database, self._clock = database, clock

    def merge(self, kept_uid: str, gone_uid: str, actor: Actor) -> Record:
        """Keep one card: it gets the other's visits, reminders, messages, links to other systems, and what it lacks
        itself. Who opted out on either card has opted out on the one that is kept. ``Conflict`` when one of them was merged
        already."""
        if kept_uid == gone_uid:
            raise Invalid("A card cannot be merged with itself.", field="patient_id")
        return self._database.run(lambda tx: self._merge(tx, kept_uid, gone_uid, actor))

    def undo(self, uid: str, actor: Actor) -> Record:
        """Two cards again: each gets back what was its own; what was added since stays with the one that was kept. Twice
        changes nothing."""
        return self._database.run(lambda tx: self._undo(tx, uid, actor))

    def history(self, patient_uid: str) -> Sequence[Record]:
        """Merges that this card took part in, newest first."""
        with self._database.read() as tx:
            return merging.listing(tx, patients.get(tx, patient_uid).id)

    def _merge(self, tx: Connection, kept_uid: str, gone_uid: str, actor: Actor) -> Record:
        now = self._clock.now()
        first, second = (cards.usable(tx, uid, lock=True) for uid in sorted((kept_uid, gone_uid)))
        kept, gone = (first, second) if first.uid == kept_uid else (second, first)
        self._carry_stops(tx, kept, gone, now)
        filled = {name: getattr(gone, name) for name in _FILLED if not getattr(kept, name) and getattr(gone, name)}
        moved: dict[str, Any] = merging.move(tx, gone.id, kept.id)
        moved |= {"links": self._relink(tx, gone.uid, kept.uid), "filled": filled}
        cards.edit(tx, kept, filled, now)
        cards.edit(tx, gone, {"merged_into": kept.id}, now)
        values = {"uid": new_uid("mrg", now), "kept_id": kept.id, "gone_id": gone.id, "moved": moved, "at": now,
                  "actor": actor.name}  # fmt: skip
        merging.add(tx, values)
        self._tell(tx, kept.id, now)
        return _found(merging.get(tx, values["uid"]))

    def _undo(self, tx: Connection, uid: str, actor: Actor) -> Record:
        now, found = self._clock.now(), _found(merging.get(tx, uid, lock=True))
        if found.undone_at is not None:
            return found
        kept, gone = (patients.get(tx, one, lock=True) for one in (found.kept_uid, found.gone_uid))
        if kept.merged_into is not None:
            raise Conflict("The card that was kept was merged into another one since; undo that first.")
        merging.move_back(tx, found.moved, gone.id, kept.id)
        self._link_back(tx, found.moved.get("links", ()), gone.uid)
        filled: Mapping[str, Any] = found.moved.get("filled", {})
        cards.edit(tx, kept, {name: None for name, value in filled.items() if getattr(kept, name) == value}, now)
        cards.edit(tx, gone, {"merged_into": None}, now)
        merging.finish(tx, found.id, {"undone_at": now, "undone_by": actor.name})
        for card in (kept, gone):
            self._tell(tx, card.id, now)
        return _found(merging.get(tx, uid))

    def _carry_stops(self, tx: Connection, kept: Record, gone: Record, now: datetime) -> None:
        stops = consents.in_force(tx, consents.addresses(gone.phone, gone.email))
        for channel in Channel:
            if consents.bars(stops, gone.phone, gone.email, channel):
                cards.opt_out(tx, kept, channel, f"merged with {gone.uid}, which had opted out", now)

    def _relink(self, tx: Connection, gone: str, kept: str) -> list[list[Any]]:
        """Links go along; where the card that is kept is linked itself, the other link rests. Returns them as they were:
        number, and whether it was only put to rest."""
        changed: list[list[Any]] = []
        for row in links.of_local(tx, gone):
            link, other = links.by_number(tx, row.id), links.by_local(tx, row.connection_id, row.entity, kept)
            rests = other is not None and not other.dead
            changed.append([row.id, rests])
            values: dict[str, Any] = {"dead": True, "held": True} if rests else {"local_id": kept}
            links.save(tx, row.connection_id, replace(link, **values))
        return changed

    def _link_back(self, tx: Connection, changed: Sequence[Sequence[Any]], gone: str) -> None:
        for number, rested in changed:
            row = links.find(tx, int(number))
            if row is None:
                continue
            values: dict[str, Any] = {"dead": False, "held": False, "etag": None} if rested else {"local_id": gone}
            links.save(tx, row.connection_id, replace(links.by_number(tx, row.id), **values))

    def _tell(self, tx: Connection, patient: int, now: datetime) -> None:
        """Calendars and other systems hear of visits that changed hands."""
        for uid in merging.visits_ahead(tx, patient, now):
            outbox.add(tx, "appointment.changed", uid, {"change": "merge"}, now)


def _found(row: Record | None) -> Record:
    if row is None:
        raise NotFound("There is no merge with this id.")
    return row
