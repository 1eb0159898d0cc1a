"""The conflict list: both values are there, one holds, and a person may choose the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy import Connection

from reminders.clock import Clock
from reminders.domain.actor import Actor
from reminders.domain.connector import Refused, Remote, Replica
from reminders.domain.sync import WHOLE, Cause, Link, Live
from reminders.errors import Conflict, NotFound
from reminders.services.sync.kinds import Kinds
from reminders.store import connections, links
from reminders.store.engine import Database, Record


class Disputes:
    """Reads and decides conflicts of all connections."""

    def __init__(self, database: Database, clock: Clock, kinds: Kinds) -> None:
        self._database, self._clock, self._kinds = database, clock, kinds

    def listing(
        self, connection: str | None, *, attention: bool | None, after: int | None, limit: int,
        local_id: str | None = None,
    ) -> Sequence[Record]:  # fmt: skip
        """Newest first; one page and one row more. ``attention``: only those that wait for a person."""
        with self._database.read() as tx:
            number = connections.get(tx, connection).id if connection else None
            return links.conflicts(tx, number, attention=attention, after=after, limit=limit + 1, local_id=local_id)

    def resolve(self, uid: str, choice: Live, actor: Actor) -> Record:
        """Let ``ours`` or ``theirs`` hold, also after it was decided. ``Conflict`` when our rules refuse it."""
        try:
            return self._database.run(lambda tx: self._resolve(tx, uid, choice, actor))
        except Refused as problem:
            raise Conflict(problem.sentence, reason=problem.code) from problem

    def _resolve(self, tx: Connection, uid: str, choice: Live, actor: Actor) -> Record:
        found = links.conflict(tx, uid, lock=True)
        if found is None:
            raise NotFound("There is no conflict with this id.")
        connection = connections.get_by_number(tx, found.connection_id)
        link = links.by_number(tx, found.link_id)
        kind = self._kinds[connection.kind]
        replica = kind.replicas(connection, actor)[found.entity]
        if choice.value != found.live:
            self._carry_out(tx, found, link, choice, replica, connection)
        elif found.cause in (Cause.NOT_KEPT, Cause.REFUSED_THERE):
            links.save(tx, found.connection_id, replace(link, sent_n=0))  # once more
        now = self._clock.now()
        links.close(tx, found.id, actor.name, choice.value, choice.value, now)
        if link.local_id is not None:
            if not links.open_disputes(tx, link.local_id):
                replica.disputed(tx, link.local_id, found.field, open_=False)
            links.touch(tx, found.connection_id, found.entity, [link.local_id])
        connections.wake(tx, [found.connection_id], now)
        return links.conflict(tx, uid)

    def _carry_out(
        self, tx: Connection, found: Record, link: Link, choice: Live, replica: Replica, connection: Record
    ) -> None:  # fmt: skip
        """Make the other value hold: here by our rules; there by the next pass."""
        local_id = link.local_id or ""
        if found.field == WHOLE and found.cause == Cause.DELETED_THERE:
            if choice is Live.THEIRS:
                replica.drop(tx, local_id)
            links.save(tx, connection.id, _put_back(link) if choice is Live.OURS else _let_go(link))
            return
        value = found.theirs if choice is Live.THEIRS else found.ours
        fields = {**link.base_remote, found.field: value}
        replica.apply(tx, local_id, {found.field: value}, Remote(link.remote_id or "", fields, raw=link.raw))


def _put_back(link: Link) -> Link:
    """To be created again there by the next pass."""
    return replace(
        link, remote_id=None, etag=None, base_local={}, base_remote={}, pending=None, gone_since=None, held=False,
        sent_n=0,
    )  # fmt: skip


def _let_go(link: Link) -> Link:
    return replace(link, dead=True, held=False, gone_since=None, pending=None)
