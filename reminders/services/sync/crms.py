"""Connections to patient systems and CRMs as people handle them: what they ask for, who decides, first a preview."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from reminders.clock import Clock
from reminders.domain.connector import Hooked
from reminders.domain.crm import CHOICES, OPT_OUTS, Account, System
from reminders.domain.ports import Vault
from reminders.errors import Conflict, Invalid, NotFound
from reminders.services.catalogue import Catalogue
from reminders.services.sync.connections import Connections, Wanted
from reminders.services.sync.kinds import FIRST_IMPORT, Kinds
from reminders.store import connections as store
from reminders.store import links, patients
from reminders.store.engine import Database, Record

CRM = "crm"
#: What a preview counted is old after this long: people work on both sides meanwhile.
FRESH = timedelta(days=1)
#: What a preview depends on besides the settings.
_COUNTED = ("providers", "services", "default_service", "country", "owners", "imported_as")


@dataclass(frozen=True, slots=True)
class CrmChange:
    """What is set; ``None`` leaves it as it is. ``settings`` holds secret ones, too. ``providers`` and ``services`` map
    our ids to ids or names there, ``owners`` fields of an entity to who decides."""

    label: str | None = None
    settings: Mapping[str, str] = field(default_factory=dict)
    providers: Mapping[str, str] | None = None
    services: Mapping[str, str] | None = None
    default_service: str | None = None
    country: str | None = None
    owners: Mapping[str, Mapping[str, str]] | None = None
    imported_as: str | None = None
    on_remote_delete: str | None = None
    paused: bool | None = None


@dataclass(frozen=True, slots=True)
class KnownAs:
    """One of our patients in another system: its id and name there, and where people see it."""

    connection: Record
    remote_id: str
    name: str | None
    url: str | None


class CrmConnections(Connections):
    """Use cases around connections to patient systems. ``undo``: how long a first import that would message many waits
    after it was let begin."""

    def __init__(
        self, database: Database, clock: Clock, catalogue: Catalogue, kinds: Kinds, vault: Vault, undo: timedelta
    ) -> None:  # fmt: skip
        super().__init__(database, clock, catalogue, kinds, vault, None, CRM)
        self._undo = undo

    def systems(self) -> Sequence[System]:
        """What can be connected."""
        return [kind.system for kind in self._kinds.values() if kind.system is not None]

    def add(self, kind: str, wanted: CrmChange) -> Record:
        """Store a connection. Nothing is read or written until its first import was looked at (``preview``)."""
        system = self.system(kind)
        plain, secret = _sorted_out(system, wanted.settings)
        for setting in system.settings:
            if setting.default is None and setting.name not in {**plain, **secret}:
                raise Invalid(f"{setting.help}: this is missing.", field=f"settings.{setting.name}")
        self._check_source(system, plain)
        first = ("ok", None) if system.calls_us else ("held", FIRST_IMPORT)
        config = {"settings": plain, **self._config(system, wanted)}
        sealed = json.dumps(secret) if secret else None
        return self.create(
            Wanted(kind, wanted.label or system.title, config=config, secret=sealed,
                   on_remote_delete=wanted.on_remote_delete or "ask", state=first[0], state_reason=first[1])
        )  # fmt: skip

    def edit(self, uid: str, wanted: CrmChange) -> Record:
        """Change what is given; new mappings give what was refused for want of them another chance. ``Conflict`` when the
        first import is to begin and nobody has seen its preview."""

        def work(tx: Connection) -> Record:
            row = store.get(tx, uid, lock=True)
            system = self.system(row.kind)
            plain, secret = _sorted_out(system, wanted.settings)
            self._check_source(system, plain, uid)
            config = {**row.config, **self._config(system, wanted)}
            config["settings"] = {**config.get("settings", {}), **plain}
            if wanted.settings or any(config.get(name) != row.config.get(name) for name in _COUNTED):
                config.pop("preview", None)
            values: dict[str, Any] = {"config": config}
            if secret:
                known = json.loads(self._vault.open(row.secret)) if row.secret else {}
                values["secret"] = self._vault.seal(json.dumps({**known, **secret}))
            if wanted.paused is False and row.state_reason == FIRST_IMPORT:
                self._check_preview(config.get("preview"))
            store.change(tx, row.id, values)
            if config != row.config:
                store.announce_waiting(tx, row.id, self._clock.now())
            return row

        row = self._database.run(work)
        is_new = row.state_reason == FIRST_IMPORT
        going = wanted.paused if wanted.paused is not None or not wanted.settings or is_new else False
        many = is_new and bool(row.config.get("preview", {}).get("held"))
        return self.change(
            uid, label=wanted.label, paused=going, on_remote_delete=wanted.on_remote_delete,
            wait=self._undo if many else timedelta(0),
        )  # fmt: skip

    def _check_preview(self, preview: Mapping[str, Any] | None) -> None:
        """A first import begins as somebody has just seen it."""
        if preview is None:
            raise Conflict("Look at the preview of the first import, then let it begin.")
        if self._clock.now() - datetime.fromisoformat(preview["at"]) > FRESH:
            raise Conflict("The preview is more than a day old: look again, then let it begin.")

    def _check_source(self, system: System, plain: Mapping[str, str], uid: str | None = None) -> None:
        """A program that calls us goes by a name of its own."""
        if not system.calls_us or "source" not in plain:
            return
        if re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,39}", plain["source"]) is None:
            raise Invalid("Small letters, digits, - and _, at most 40.", field="settings.source")
        with self._database.read() as tx:
            rows = store.listing(tx, [system.kind], 0, 1000)
        if any(row.uid != uid and row.config["settings"].get("source") == plain["source"] for row in rows):
            raise Conflict("Another connection has this name already.")

    def remember_preview(self, uid: str, counts: Mapping[str, Any]) -> dict[str, Any]:
        """Somebody has seen now what a first import would do; returns the preview with its moment."""
        preview = {**counts, "at": self._clock.now().isoformat()}

        def work(tx: Connection) -> None:
            row = store.get(tx, uid, lock=True)
            store.change(tx, row.id, {"config": {**row.config, "preview": preview}})

        self._database.run(work)
        return preview

    def system(self, kind: str) -> System:
        found = self._kinds.get(kind)
        if found is None or found.system is None:
            raise Invalid("There is no such kind of system.", field="kind")
        return found.system

    def receive(self, uid: str, headers: Mapping[str, str], body: bytes) -> None:
        """A webhook: verified, kept once, and the next pass is due at once. ``Refused`` when it is not genuine."""
        row, now = self.get(uid), self._clock.now()
        peer = self._kinds[row.kind].connect(row, self._vault.open(row.secret) if row.secret else "")
        if not isinstance(peer, Hooked):
            raise NotFound("This system is not expected to call.")
        deliveries = peer.read_webhook(headers, body, now)
        with self._database.write() as tx:
            for one in deliveries:
                store.announce(tx, row.id, one.entity, one.remote_id, one.id, now)
            store.wake(tx, [row.id], now)

    def known_as(self, patient_uid: str) -> list[KnownAs]:
        """What a patient is in other systems."""
        with self._database.read() as tx:
            patients.get(tx, patient_uid)
            linked = links.of_local(tx, patient_uid)
            rows = [(link, store.get_by_number(tx, link.connection_id)) for link in linked if link.remote_id]
        return [self._known_as(link, row) for link, row in rows if row.kind in self._names]

    def _known_as(self, link: Record, row: Record) -> KnownAs:
        system = self.system(row.kind)
        config = account_of(system, row, "").config
        name = link.base_remote.get("name")
        return KnownAs(row, link.remote_id, name, system.page(link.entity, link.remote_id, config))

    def waiting(self, number: int) -> int:
        """How many conflicts wait for a person."""
        with self._database.read() as tx:
            return links.waiting_count(tx, number)

    def _config(self, system: System, wanted: CrmChange) -> dict[str, Any]:
        snapshot = self._catalogue.current()
        for uid in wanted.providers or {}:
            snapshot.provider(uid)
        for uid in [*(wanted.services or {}), *([wanted.default_service] if wanted.default_service else [])]:
            snapshot.service(uid)
        _check_owners(system, wanted.owners or {})
        values = {
            "providers": wanted.providers, "services": wanted.services, "default_service": wanted.default_service,
            "country": wanted.country, "owners": wanted.owners, "imported_as": wanted.imported_as,
        }  # fmt: skip
        return {name: value for name, value in values.items() if value is not None}


def account_of(system: System, row: Record, secret: str) -> Account:
    """Settings with their defaults, and secrets."""
    secrets = json.loads(secret) if secret else {}
    defaults = {one.name: one.default for one in system.settings if one.default is not None}
    private = {one.name for one in system.settings if one.secret}
    plain = {name: value for name, value in defaults.items() if name not in private} | row.config.get("settings", {})
    return Account(plain, {name: value for name, value in defaults.items() if name in private} | secrets)


def _sorted_out(system: System, given: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """Settings that are kept plainly, and those that are encrypted; ``Invalid`` for what this system does not know."""
    known = {setting.name: setting for setting in system.settings}
    plain: dict[str, str] = {}
    secret: dict[str, str] = {}
    for name, value in given.items():
        setting = known.get(name)
        if setting is None:
            raise Invalid(f"{system.title} has no setting of this name.", field=f"settings.{name}")
        if setting.choices and value not in setting.choices:
            raise Invalid(f"One of: {', '.join(setting.choices)}.", field=f"settings.{name}")
        (secret if setting.secret else plain)[name] = value
    return plain, secret


def _check_owners(system: System, chosen: Mapping[str, Mapping[str, str]]) -> None:
    for entity, owners in chosen.items():
        for name, owner in owners.items():
            if name not in system.fields.get(entity, ()):
                raise Invalid(f"{system.title} does not keep this field.", field=f"owners.{entity}.{name}")
            if name in OPT_OUTS:
                raise Invalid("For opt-outs the more restrictive side always wins.", field=f"owners.{entity}.{name}")
            if owner not in CHOICES:
                raise Invalid(f"One of: {', '.join(CHOICES)}.", field=f"owners.{entity}.{name}")
