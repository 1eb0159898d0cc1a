"""What a first import would do, counted before anything is written on either side."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection

from reminders.domain.changeset import Gate
from reminders.domain.connector import Connector, Refused, Remote
from reminders.domain.crm import PATIENT
from reminders.domain.ports import Vault
from reminders.domain.replica import Judging, Recognising, Replica
from reminders.errors import Conflict
from reminders.services.sync.crms import CrmConnections
from reminders.services.sync.kinds import Kinds, actor_of
from reminders.store import links
from reminders.store.engine import Database, Record

_CHUNK = 200
_KINDS = ("there", "linked", "matched", "new", "ambiguous", "refused", "ignored", "ours")


@dataclass(slots=True)
class _Seen:
    """What was counted of one entity so far. ``found``: ours that were recognised there, or may be; ``told``: patients
    there whose visits would be taken in."""

    counts: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    found: set[str] = field(default_factory=set)
    told: set[str] = field(default_factory=set)


class ImportPreviews:
    """Reads everything there, asks our rules about each, and keeps the counts with the connection. ``gate`` says how many
    patients may be messaged without asking."""

    def __init__(
        self, database: Database, kinds: Kinds, vault: Vault, crms: CrmConnections, gate: Gate
    ) -> None:  # fmt: skip
        self._database, self._kinds, self._gate = database, kinds, gate
        self._vault, self._crms = vault, crms

    def run(self, uid: str) -> dict[str, Any]:
        """Counts by entity. ``PeerError`` when the system cannot be read; ``Conflict`` when it cannot be listed."""
        row = self._crms.get(uid)
        kind = self._kinds[row.kind]
        if kind.system is not None and kind.system.calls_us:
            raise Conflict("This system calls us; there is nothing to look at before.")
        peer: Any = kind.connect(row, self._vault.open(row.secret) if row.secret else "")
        replicas = kind.replicas(row, actor_of(row))
        patients: dict[str, str] = {}  # ids there, and ours where there is one by now
        entities, told = {}, set()
        for entity in peer.entities:
            seen = _Seen()
            for remotes in _everything(peer, entity):
                with self._database.read() as tx:
                    for remote in remotes:
                        self._count(tx, row, entity, replicas[entity], remote, seen, patients)
            self._ours(row, entity, replicas[entity], seen)
            told |= seen.told
            entities[entity] = {name: seen.counts[name] for name in _KINDS} | {"reasons": dict(seen.reasons)}
        gate = {"patients": len(told), "limit": self._gate.radius, "held": self._gate.holds(len(told))}
        return self._crms.remember_preview(uid, {"entities": entities, **gate})

    def _count(
        self, tx: Connection, row: Record, entity: str, replica: Replica, remote: Remote, seen: _Seen,
        patients: dict[str, str],
    ) -> None:  # fmt: skip
        remote = replica.canonical(remote)
        seen.counts["there"] += 1
        link = links.by_remotes(tx, row.id, entity, [remote.remote_id]).get(remote.remote_id)
        local_id: str | None
        if link is not None and link.local_id is not None and not link.dead:
            what, local_id = "linked", link.local_id
        else:
            what, local_id = self._judged(tx, replica, remote, seen, patients)
        seen.counts[what] += 1
        if entity == PATIENT and what in ("linked", "matched", "new"):
            patients[remote.remote_id] = local_id or ""
        elif what == "new":
            seen.told.add(str(remote.fields.get("patient") or ""))

    def _judged(
        self, tx: Connection, replica: Replica, remote: Remote, seen: _Seen, patients: Mapping[str, str]
    ) -> tuple[str, str | None]:  # fmt: skip
        try:
            return self._placed(tx, replica, remote, seen, patients)
        except Refused as problem:
            if problem.candidates:
                seen.found.update(problem.candidates)  # they wait until somebody has said which one it is
                return "ambiguous", None
            seen.reasons[problem.code] += 1
            return "refused", None

    def _placed(
        self, tx: Connection, replica: Replica, remote: Remote, seen: _Seen, patients: Mapping[str, str]
    ) -> tuple[str, str | None]:  # fmt: skip
        """What it would be. A visit is recognised by its patient, also by one who is recognised only now."""
        local_id, patient = replica.match(tx, remote), patients.get(str(remote.fields.get("patient") or ""))
        if local_id is None and patient and isinstance(replica, Recognising):
            local_id = replica.recognise(tx, remote, patient)
        if local_id is not None:
            seen.found.add(local_id)
            return "matched", local_id
        taken = not isinstance(replica, Judging) or replica.judge(tx, remote, patients.keys())
        return ("new" if taken else "ignored"), None

    def _ours(self, row: Record, entity: str, replica: Replica, seen: _Seen) -> None:
        """Of ours, what is neither linked nor recognised would be written there."""
        after: str | None = None
        while True:
            with self._database.read() as tx:
                ids = replica.everything(tx, after, _CHUNK)
                linked = [links.by_local(tx, row.id, entity, one) for one in ids]
                shown = [replica.read(tx, one) for one in ids]
            seen.counts["ours"] += sum(
                one not in seen.found and (link is None or link.dead) and local is not None and not local.final
                for one, link, local in zip(ids, linked, shown, strict=True)
            )
            if len(ids) < _CHUNK:
                return
            after = ids[-1]


def _everything(peer: Connector, entity: str) -> Iterator[Sequence[Remote]]:
    """All items there, page by page; whole items, fetched where the listing does not show them."""
    page = peer.changes(entity, None)
    while True:
        if not page.full:
            raise Conflict("This system does not list everything.")
        here = [item.remote for item in page.items if item.remote is not None and not item.gone]
        ids = [item.remote_id for item in page.items if item.remote is None and not item.gone]
        for start in range(0, len(ids), peer.caps.fetch):
            here += peer.fetch(entity, ids[start : start + peer.caps.fetch]).values()
        yield here
        if not page.more:
            return
        page = peer.changes(entity, page.cursor)
