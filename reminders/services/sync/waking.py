"""A change here wakes the connections it concerns. Only that: what to write there is found by comparing. Others who want
to know of changes are told in the same transaction."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from sqlalchemy import Connection

from reminders.clock import Clock
from reminders.errors import NotFound
from reminders.services.effects import Handler
from reminders.services.sync.kinds import Kinds
from reminders.store import appointments, connections, links
from reminders.store.engine import Database, Record
from reminders.store.patients import CHANGED


class Follower(Protocol):
    """Is told of every change, by the row of the outbox that says so, within the transaction that deals with it."""

    def visit_changed(self, tx: Connection, row: Record) -> None: ...

    def patient_changed(self, tx: Connection, row: Record) -> None: ...


class Waking:
    """Handlers of the outbox."""

    def __init__(self, database: Database, clock: Clock, kinds: Kinds, followers: Sequence[Follower] = ()) -> None:
        self._database, self._clock, self._kinds, self._followers = database, clock, kinds, followers

    def handlers(self) -> dict[str, Handler]:
        """By topic."""
        return {"appointment.changed": self.visit_changed, CHANGED: self.patient_changed}

    def visit_changed(self, row: Record) -> None:
        """A visit changed: touch it wherever it is linked, and where it should be by now."""
        self._database.run(lambda tx: self._visit_changed(tx, row))

    def patient_changed(self, row: Record) -> None:
        """A patient's card changed."""
        self._database.run(lambda tx: self._patient_changed(tx, row))

    def _visit_changed(self, tx: Connection, row: Record) -> None:
        self._touch_visit(tx, row.key)
        for follower in self._followers:
            follower.visit_changed(tx, row)

    def _patient_changed(self, tx: Connection, row: Record) -> None:
        for connection in connections.of_kinds(tx, [name for name, kind in self._kinds.items() if kind.patients]):
            self._touch(tx, [connection], self._kinds[connection.kind].patients, row.key)
        for follower in self._followers:
            follower.patient_changed(tx, row)

    def _touch_visit(self, tx: Connection, uid: str) -> None:
        names = [name for name, kind in self._kinds.items() if kind.visits]
        concerned = connections.of_kinds(tx, names) if names else []
        if not concerned:
            return
        try:
            visit = appointments.get(tx, uid)
        except NotFound:
            visit = None
        provider = visit.provider_id if visit is not None else None
        linked = {link.connection_id for link in links.of_local(tx, uid)}
        for connection in concerned:
            if connection.id in linked or connection.provider_id in (None, provider):
                self._touch(tx, [connection], self._kinds[connection.kind].visits, uid)
                if visit is not None:
                    self._touch_patient(tx, connection, visit.patient_uid)

    def _touch_patient(self, tx: Connection, connection: Record, uid: str) -> None:
        """A visit is written there only after its patient."""
        entity = self._kinds[connection.kind].patients
        if entity is not None and links.by_local(tx, connection.id, entity, uid) is None:
            links.touch(tx, connection.id, entity, [uid])

    def _touch(self, tx: Connection, concerned: Sequence[Record], entity: str | None, uid: str) -> None:
        for connection in concerned:
            if entity is not None:
                links.touch(tx, connection.id, entity, [uid])
        connections.wake(tx, [connection.id for connection in concerned], self._clock.now())
