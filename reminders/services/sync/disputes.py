"""The conflict list: both values are there, one holds, and a person may choose the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy import Connection

from reminders.clock import Clock
from reminders.domain.actor import Actor
from reminders.domain.connector import Refused, Remote
from reminders.domain.replica import Replica
from reminders.domain.sync import WHOLE, Cause, Link, Live
from reminders.errors import Conflict, NotFound
from reminders.services.sync.kinds import Kinds
from reminders.store import connections, links
from reminders.store.engine import Database, Record
from reminders.store.ids import new_secret

#: Two fields of one move.
_SPAN = {"start", "end"}


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

    def resolve(self, uid: str, choice: Live, actor: Actor, match: str | None = None) -> Record:
        """Let ``ours`` or ``theirs`` hold, also after it was decided. ``Conflict`` when our rules refuse it.

        Of an item there that waits (nobody could say which of ours it is, or it was refused), ``theirs`` takes it in as
        new, ``ours`` leaves it alone, and ``match`` says that it is this one of ours."""
        try:
            return self._database.run(lambda tx: self._resolve(tx, uid, choice, actor, match))
        except Refused as problem:
            raise Conflict(problem.sentence, reason=problem.code) from problem

    def _resolve(self, tx: Connection, uid: str, choice: Live, actor: Actor, match: str | None) -> Record:
        found = links.conflict(tx, uid, lock=True)
        if found is None:
            raise NotFound("There is no conflict with this id.")
        connection = connections.get_by_number(tx, found.connection_id)
        link = links.by_number(tx, found.link_id)
        kind = self._kinds[connection.kind]
        replica = kind.replicas(connection, actor)[found.entity]
        if link.local_id is None:
            link = self._place(tx, link, choice, match, replica, connection)
        elif choice.value != found.live:
            self._carry_out(tx, found, link, choice, replica, connection)
        elif found.cause in (Cause.NOT_KEPT, Cause.REFUSED_THERE):
            links.save(tx, found.connection_id, replace(link, sent_n=0))  # once more
        now = self._clock.now()
        for one in _together(tx, found):
            links.close(tx, one.id, actor.name, choice.value, choice.value, now)
        if link.local_id is not None:
            if not links.open_disputes(tx, link.local_id):
                replica.disputed(tx, link.local_id, found.field, open_=False)
            links.touch(tx, found.connection_id, found.entity, [link.local_id])
        connections.wake(tx, [found.connection_id], now)
        return links.conflict(tx, uid)

    def _place(
        self, tx: Connection, link: Link, choice: Live, match: str | None, replica: Replica, connection: Record
    ) -> Link:  # fmt: skip
        """Take an item in that waited, link it, or leave it alone."""
        if match is None and choice is Live.OURS:
            link = replace(link, held=False, base_remote={})
        elif match is not None:
            other = links.by_local(tx, connection.id, link.entity, match)
            if other is not None and not other.dead:
                raise Conflict("This one of ours is linked with another record there.")
            if replica.read(tx, match) is None:
                raise NotFound("There is no such patient or visit.")
            link = Link(link.entity, match, link.remote_id, match, link.number)
        else:
            link = self._taken_in(tx, link, replica)
        links.save(tx, connection.id, link)
        if link.remote_id is not None and link.local_id is not None:
            mark = f"decided {link.number} {new_secret()[:8]}"
            connections.announce(tx, connection.id, link.entity, link.remote_id, mark, self._clock.now())
        return link

    def _taken_in(self, tx: Connection, link: Link, replica: Replica) -> Link:
        remote = Remote(link.remote_id or "", link.base_remote, link.etag, raw=link.raw)
        local_id = replica.create(tx, remote)
        local = replica.read(tx, local_id) if local_id is not None else None
        if local_id is None or local is None:
            raise Conflict("This is over or called off; it is not taken in.")
        return replace(link, local_id=local_id, uid=local_id, base_local=dict(local.fields), held=False)

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
        values = {
            one.field: one.theirs if choice is Live.THEIRS else one.ours for one in reversed(_together(tx, found))
        }  # fmt: skip
        fields = {**link.base_remote, **values}
        replica.apply(tx, local_id, values, Remote(link.remote_id or "", fields, raw=link.raw))


def _together(tx: Connection, found: Record) -> Sequence[Record]:
    """A wish is granted or not as a whole: the start and the end of one item, and what was refused in it for the same
    reason. What was decided together is taken back together."""
    every = links.conflicts(tx, found.connection_id, attention=None, after=None, limit=50, local_id=found.local_id)
    same = [one for one in every if one.field != found.field and _one_wish(one, found)]
    newest = {one.field: one for one in reversed(same)}
    return [*newest.values(), found]


def decided_together(rows: Sequence[Record]) -> list[list[Record]]:
    """These conflicts in their order, those side by side of which a choice for one is a choice for all."""
    groups: list[list[Record]] = []
    for row in rows:
        wish = next((one for one in groups if _one_wish(one[0], row) and row.field not in {x.field for x in one}), None)
        if wish is None:
            groups.append([row])
        else:
            wish.append(row)
    return groups


def _one_wish(one: Record, found: Record) -> bool:
    if (one.link_id, one.cause, one.note, one.closed_at) != (found.link_id, found.cause, found.note, found.closed_at):
        return False
    return found.cause == Cause.REFUSED_HERE or {one.field, found.field} == _SPAN


def _put_back(link: Link) -> Link:
    """To be created again there by the next pass."""
    return replace(
        link, remote_id=None, etag=None, base_local={}, base_remote={}, pending=None, gone_since=None, held=False,
        sent_n=0,
    )  # fmt: skip


def _let_go(link: Link) -> Link:
    return replace(link, dead=True, held=True, gone_since=None, pending=None)
