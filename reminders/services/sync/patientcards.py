"""Our side of patients in another system: cards, what they allow, and which card a record there is."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection

from reminders.clock import Clock
from reminders.domain.actor import Actor
from reminders.domain.connector import Fields, Refused, Remote
from reminders.domain.crm import OPT_OUTS, PATIENT, same_name
from reminders.domain.replica import Fate, Local
from reminders.domain.sync import canonical_text
from reminders.errors import Invalid, NotFound
from reminders.services import cards
from reminders.services.phones import e164
from reminders.services.sync.holding import SYNC
from reminders.services.sync.newcomers import Newcomers
from reminders.store import consents, links, messages, patients
from reminders.store.engine import Record
from reminders.store.ids import new_uid

_EMAIL = re.compile(r"[^@\s\x00-\x1f]{1,64}@[^@\s\x00-\x1f]+\.[^@\s\x00-\x1f]+")
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8}){0,3}")
_FORMS = {"email": _EMAIL, "language": _LANGUAGE}
_LONGEST, _EARLIEST = 200, 1850
_TEXTS = ("name", "email", "language")


class PatientCards:
    """A ``Replica`` of patients. ``country`` (ISO 3166-1) is where national phone numbers are read."""

    def __init__(self, clock: Clock, connection: Record, actor: Actor, country: str) -> None:
        self._clock, self._connection, self._actor, self._country = clock, connection, actor, country
        self._newcomers: Newcomers | None = None

    def gather(self, tx: Connection, remotes: Sequence[Remote]) -> None:
        """Many that are new here are taken in next."""
        self._newcomers = Newcomers.of(tx, remotes) if remotes else None

    def canonical(self, remote: Remote) -> Remote:
        """The record with its texts and phone in the forms that are compared."""
        fields = dict(remote.fields)
        fields |= {name: canonical_text(fields[name]) for name in _TEXTS if name in fields}
        if fields.get("phone"):
            fields["phone"] = self._number(fields["phone"]) or canonical_text(fields["phone"])
        return replace(remote, fields=fields)

    def read(self, tx: Connection, local_id: str) -> Local | None:
        fresh = self._newcomers.take(local_id) if self._newcomers else None
        if fresh is not None:
            return fresh
        row = self._card(tx, local_id)
        if row is None or row.merged_into is not None:
            return None
        stops = consents.in_force(tx, consents.addresses(row.phone, row.email))
        fields = _shown(row._asdict())
        opted = {name: consents.bars(stops, row.phone, row.email, channel) for name, channel in OPT_OUTS.items()}
        return Local({**fields, **opted}, modified=row.updated_at or row.created_at)

    def match(self, tx: Connection, remote: Remote) -> str | None:
        """By our id, then by the id that an import brought along, then by phone or e-mail where the name agrees.
        ``Refused`` with the candidates when several could be meant: a person decides."""
        known = self._known(tx, remote)
        if known is not None:
            return known
        phone, email = remote.fields.get("phone") or None, remote.fields.get("email") or None
        if self._newcomers is not None and self._newcomers.is_nobody(phone, email):
            return None
        hits = [
            row.uid
            for row in patients.sharing(tx, phone, email)
            if same_name(row.name, str(remote.fields.get("name", ""))) and not self._is_linked(tx, row.uid, remote)
        ]
        if len(hits) > 1:
            raise Refused("ambiguous", "Several patients could be meant.", candidates=hits)
        return hits[0] if hits else None

    def judge(self, _tx: Connection, remote: Remote, _known: Collection[str] = ()) -> bool:
        """Everybody with a name is taken in."""
        if not remote.fields.get("name"):
            raise Refused("name_missing", "This record has no name.")
        return True

    def create(self, tx: Connection, remote: Remote) -> str | None:
        """A new card; what cannot be kept of it is left out, which the engine notices and lists."""
        self.judge(tx, remote)
        fields = remote.fields
        now = self._clock.now()
        uid = new_uid("pat", now)
        values: dict[str, Any] = {}
        for name in ("name", "phone", "email", "language", "birth_year"):
            try:
                values |= self._values(name, fields.get(name))
            except Refused:
                continue
        values = {"name": str(fields["name"])[:_LONGEST], **values}
        cards.add(tx, {**values, "uid": uid, "version": 1, "created_at": now}, now)
        opted_out = any(fields.get(name) is True for name in OPT_OUTS)
        if self._newcomers is not None:
            self._remember(self._newcomers, uid, values, opted_out=opted_out)
        if opted_out:
            self._stops(tx, patients.get(tx, uid), fields)
        return uid

    def _remember(self, newcomers: Newcomers, uid: str, values: Mapping[str, Any], *, opted_out: bool) -> None:
        phone, email = values.get("phone"), values.get("email")
        if opted_out:
            newcomers.stop(phone, email)
        nothing = dict.fromkeys(OPT_OUTS, False)
        newcomers.add(uid, phone, email, Local({**_shown(values), **nothing}, modified=self._clock.now()))

    def apply(self, tx: Connection, local_id: str, fields: Fields, remote: Remote) -> None:
        row = patients.get(tx, local_id, lock=True)
        values: dict[str, Any] = {}
        for name, value in fields.items():
            if name not in OPT_OUTS:
                values |= self._values(name, value)
        if "phone" in values and self._actor.channel == SYNC and self._is_verified(tx, row):
            raise Refused("phone_verified", "The patient has answered from this number.", ("phone",))
        if values:
            cards.edit(tx, row, values, self._clock.now())
        if any(fields.get(name) is False for name in OPT_OUTS):
            names = tuple(name for name in OPT_OUTS if fields.get(name) is False)
            raise Refused("opt_out_stays", "Only the patient can take an opt-out back.", names)
        wanted = {**{name: remote.fields.get(name) for name in OPT_OUTS}, **fields}
        if any(name in fields for name in (*OPT_OUTS, "phone", "email")):
            self._stops(tx, patients.get(tx, local_id), wanted)

    def removed(self, _tx: Connection, _local_id: str) -> Fate:
        """A patient is never deleted here because of a deletion there."""
        return Fate.RESTORE if self._connection.on_remote_delete == "restore" else Fate.ASK

    def drop(self, _tx: Connection, _local_id: str) -> None:
        """The card stays; it is no longer linked."""

    def revive(self, _tx: Connection, _local_id: str, _remote: Remote) -> bool:
        return False

    def everything(self, tx: Connection, after: str | None, limit: int) -> Sequence[str]:
        return patients.uids(tx, after, limit)

    def disputed(self, _tx: Connection, _local_id: str, _field: str, *, open_: bool) -> None:
        """Nothing about a card holds anything back."""

    def _known(self, tx: Connection, remote: Remote) -> str | None:
        row = self._card(tx, remote.uid) if remote.uid else None
        source = self._connection.config.get("imported_as")
        if row is None and source:
            row = patients.by_external(tx, source, remote.remote_id)
        while row is not None and row.merged_into is not None:
            row = patients.by_number(tx, row.merged_into)
        return None if row is None else str(row.uid)

    def _is_linked(self, tx: Connection, uid: str, remote: Remote) -> bool:
        """Whether this card is somebody else over there already."""
        link = links.by_local(tx, self._connection.id, PATIENT, uid)
        return link is not None and not link.dead and link.remote_id not in (None, remote.remote_id)

    def _values(self, name: str, value: Any) -> dict[str, Any]:
        """Columns of a card for one field; ``Refused`` when the value cannot be one."""
        if name == "phone" and value:
            number = self._number(str(value))
            if number is None:
                raise Refused("invalid", "This is not a phone number.", ("phone",))
            return {"phone": number}
        if not self._can_be(name, value):
            raise Refused("invalid", f"This cannot be a {name.replace('_', ' ')}.", (name,))
        return {name: value or None}

    def _can_be(self, name: str, value: Any) -> bool:
        if name == "name":
            return 0 < len(str(value or "")) <= _LONGEST
        if name in _FORMS:
            return not value or _FORMS[name].fullmatch(str(value)) is not None
        return value is None or name != "birth_year" or _EARLIEST <= int(value) <= self._clock.now().year

    def _number(self, text: str) -> str | None:
        try:
            return e164(text, self._country)
        except Invalid:
            return None

    def _stops(self, tx: Connection, row: Record, wanted: Mapping[str, Any]) -> None:
        """Write down what the patient does not want, at every address it concerns; takes nothing back."""
        now, evidence = self._clock.now(), f"{self._connection.kind} {self._connection.uid}: opted out there"
        for name, channel in OPT_OUTS.items():
            if wanted.get(name) is True:
                cards.opt_out(tx, row, channel, evidence, now)

    def _is_verified(self, tx: Connection, row: Record) -> bool:
        return row.phone is not None and messages.came_from(tx, row.phone)

    def _card(self, tx: Connection, uid: str) -> Record | None:
        try:
            return patients.get(tx, uid)
        except NotFound:
            return None


def _shown(card: Mapping[str, Any]) -> dict[str, Any]:
    """The columns of a card as fields."""
    return {
        "name": canonical_text(card["name"]), "phone": card.get("phone") or "", "email": canonical_text(card.get("email")),
        "language": card.get("language") or "", "birth_year": card.get("birth_year"),
    }  # fmt: skip
