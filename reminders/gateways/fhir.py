"""FHIR R4 servers: patients and appointments (https://hl7.org/fhir/R4/http.html, /search.html).

Versions are FHIR's own, so nobody is overwritten unseen. What changed is asked by ``_lastUpdated`` with an overlap, or, where
the server keeps one, from the history of the type, which also tells what was deleted; elsewhere only the daily listing of
everything does. Our id travels as an identifier: a create says ``If-None-Exist`` with it and may be repeated.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl

from reminders.clock import Clock
from reminders.domain.connector import (
    Caps,
    Missing,
    Page,
    PeerError,
    Precondition,
    Put,
    Refused,
    Remote,
    Write,
)
from reminders.domain.crm import ENTITIES, PATIENT, VISIT, Account
from reminders.domain.fhir.appointment import with_status
from reminders.domain.fhir.shapes import is_id
from reminders.errors import Invalid
from reminders.gateways.fhir_api import FhirApi, failed, said, version_of
from reminders.gateways.fhir_pages import Lists, source_of, updated
from reminders.gateways.fhir_words import (
    SYSTEM,
    TIMES,
    Patients,
    Visits,
    id_in,
    is_mistake,
    mark_of,
    marked,
    readable,
)
from reminders.gateways.jsonapi import Answer, entered, kept, moment, opened
from reminders.gateways.outward import Outward

_WHOLE = {"Prefer": "return=representation"}
_PATCH = {"Content-Type": "application/json-patch+json"}


class Fhir:
    """One server, in the name of one account."""

    entities: Sequence[str] = ENTITIES

    def __init__(self, outward: Outward, clock: Clock, account: Account) -> None:
        settings = entered(SYSTEM, account)
        self._api = FhirApi(outward, clock, settings)
        self._system, self._moves = settings["id_system"], settings["moves"]
        self._only = {PATIENT: [], VISIT: parse_qsl(settings["visits"])}
        self._lists = Lists(self._api, self._show)
        self._words: dict[str, Patients | Visits] = {PATIENT: Patients(settings), VISIT: Visits(settings)}

    @property
    def caps(self) -> Caps:
        return Caps(if_match=True)

    def check(self) -> str:
        """The name and version of the server, once it lists patients to us."""
        statement = self._lists.statement()
        version = str(statement.get("fhirVersion", ""))
        if not version.startswith(("4.0", "4.3")):
            raise PeerError(f"This is no FHIR R4 server ({version or 'no CapabilityStatement'}).", permanent=True)
        for words in self._words.values():
            self._api.bundle(words.kind, words.kind, [("_count", "1")])
        software = statement.get("software")
        name = software.get("name") if isinstance(software, Mapping) else None
        return f"{name or self._api.base} (FHIR {version})"

    def changes(self, entity: str, cursor: str | None) -> Page:
        return self._lists.changes(self._words[entity].kind, self._only[entity], cursor)

    # Single resources

    def fetch(self, entity: str, remote_ids: Sequence[str]) -> Mapping[str, Remote]:
        """Read one by one: a search may not know yet what was written a moment ago."""
        found = {}
        for id_ in remote_ids:
            resource = self._read(entity, id_) if is_id(id_) else None
            if resource is not None and not is_mistake(resource):
                found[id_] = self._remote(entity, resource)
        return found

    def new_id(self, _entity: str, _uid: str) -> str | None:
        return None

    def find(self, entity: str, uid: str) -> Remote | None:
        """The latest that carries our id; a visit that was cancelled for a new one carries it, too."""
        kind = self._words[entity].kind
        bundle = self._api.bundle(kind, kind, [("identifier", f"{self._system}|{uid}"), ("_count", "10")])
        here = [
            entry["resource"] for entry in bundle.entries
            if isinstance(entry.get("resource"), Mapping) and entry["resource"].get("resourceType") == kind
            and not is_mistake(entry["resource"])
        ]  # fmt: skip
        here.sort(key=lambda one: (one.get("status") != "cancelled", updated(one) or ""))
        return self._remote(entity, here[-1]) if here else None

    def put(self, entity: str, write: Write) -> Put:
        try:
            return self._written(entity, write)
        except Invalid as problem:
            raise Refused("unreadable_there", f"What is there cannot be read: {problem.message}") from problem

    def _written(self, entity: str, write: Write) -> Put:
        if write.create:
            return self._created(entity, write, f"{self._system}|{write.uid}")
        if entity == VISIT and self._moves != "update" and self._moved(write):
            if self._moves == "refuse":
                raise Refused("not_movable", "This system does not move visits.", sorted(write.changed & TIMES))
            return self._replaced(write)
        if entity == VISIT and self._moves == "status":
            return self._patched(write)
        body = self._words[entity].write(write, opened(write.raw))
        return self._updated(entity, write, marked({**body, "id": write.remote_id}, self._system, write))

    def delete(self, entity: str, remote_id: str, etag: str | None) -> None:
        kind = self._words[entity].kind
        answer = self._api.call("DELETE", f"{kind}/{remote_id}", headers=_condition(etag))
        if answer.status in (405, 501):
            raise Refused("not_deletable", "This system deletes nothing.")
        if answer.status == 409:
            raise self._conflict(entity, remote_id, etag, answer)
        if answer.status not in (200, 202, 204, 404, 410):
            raise failed(answer)

    def _created(self, entity: str, write: Write, condition: str) -> Put:
        words = self._words[entity]
        body = marked(words.write(write, {}), self._system, write)
        headers = {**_WHOLE, "If-None-Exist": f"identifier={condition}"}
        answer = self._api.call("POST", words.kind, body=body, headers=headers)
        if answer.status not in (200, 201):
            raise (
                Refused("several_there", "Several records there carry our id.")
                if answer.status == 412
                else failed(answer)
            )
        put = self._put(entity, answer)
        is_ours = put.stored is not None and put.stored.rev == write.rev
        if answer.status == 200 and not is_ours:
            raise Precondition  # it is there already: to be compared first
        return put

    def _updated(self, entity: str, write: Write, body: Mapping[str, Any]) -> Put:
        headers = {**_WHOLE, **_condition(write.etag)}
        answer = self._api.call("PUT", f"{self._words[entity].kind}/{write.remote_id}", body=body, headers=headers)
        if answer.status == 409:
            raise self._conflict(entity, write.remote_id or "", write.etag, answer)
        if answer.status not in (200, 201, 204):
            raise failed(answer)
        return self._put(entity, answer, write.remote_id)

    def _put(self, entity: str, answer: Answer, remote_id: str | None = None) -> Put:
        resource = answer.data if isinstance(answer.data, Mapping) else {}
        if resource.get("resourceType") == self._words[entity].kind and isinstance(resource.get("id"), str):
            return Put(resource["id"], stored=self._remote(entity, resource))
        found = remote_id or id_in(answer.headers.get("location", ""))
        if found is None:
            raise PeerError("The other system's answer to a write names no id.")
        return Put(found)

    def _conflict(self, entity: str, remote_id: str, etag: str | None, answer: Answer) -> Exception:
        """409 is a rule of theirs, or, on some servers, a version that is no longer current: looking tells which."""
        resource = self._read(entity, remote_id)
        if resource is None:
            return Missing()
        if etag is not None and version_of(resource) != etag:
            return Precondition()
        return Refused("conflict_there", f"The other system does not take it (409{said(answer)}).")

    # Servers on which a visit cannot be moved

    def _moved(self, write: Write) -> bool:
        shown = self._words[VISIT].read(opened(write.raw))
        return any(write.fields.get(name) != shown.get(name) for name in write.changed & TIMES)

    def _patched(self, write: Write) -> Put:
        """Only the status may change there; the rest is not sent."""
        body = self._words[VISIT].write(write, opened(write.raw))
        operations = [{"op": "replace", "path": "/status", "value": body["status"]}]
        headers = {**_WHOLE, **_PATCH, **_condition(write.etag)}
        answer = self._api.call("PATCH", f"Appointment/{write.remote_id}", body=operations, headers=headers)
        if answer.status == 409:
            raise self._conflict(VISIT, write.remote_id or "", write.etag, answer)
        if answer.status not in (200, 204):
            raise failed(answer)
        return self._put(VISIT, answer, write.remote_id)

    def _replaced(self, write: Write) -> Put:
        """A new visit, then the old one is cancelled: broken off in between, there are two and none is lost. The new one is
        known by where it was moved to, so that it is made once."""
        old = self._read(VISIT, write.remote_id or "")
        if old is None:
            raise Missing
        if write.etag is not None and version_of(old) != write.etag:
            raise Precondition
        place = f"{write.uid}@{write.fields['start']}"
        body = marked(self._words[VISIT].write(write, _fresh(old)), self._system, write)
        body["identifier"] = [*body["identifier"], {"system": f"{self._system}:move", "value": place}]
        headers = {**_WHOLE, "If-None-Exist": f"identifier={self._system}:move|{place}"}
        answer = self._api.call("POST", "Appointment", body=body, headers=headers)
        if answer.status not in (200, 201):
            raise failed(answer)
        put = self._put(VISIT, answer)
        self._cancelled(old, write)
        return put

    def _cancelled(self, old: Mapping[str, Any], write: Write) -> None:
        if old.get("status") == "cancelled":
            return
        condition = _condition(version_of(old))
        if self._moves == "status":
            operations = [{"op": "replace", "path": "/status", "value": "cancelled"}]
            answer = self._api.call(
                "PATCH", f"Appointment/{old['id']}", body=operations, headers={**_PATCH, **condition}
            )  # fmt: skip
        else:
            body = with_status(old, "cancelled", "moved")
            answer = self._api.call("PUT", f"Appointment/{write.remote_id}", body=body, headers=condition)
        if answer.status not in (200, 204):
            raise failed(answer)

    # Requests

    def _read(self, entity: str, id_: str) -> Mapping[str, Any] | None:
        answer = self._api.call("GET", f"{self._words[entity].kind}/{id_}")
        if answer.status in (404, 410):
            return None
        if answer.status != 200 or not isinstance(answer.data, Mapping):
            raise PeerError(f"A record cannot be read ({answer.status}{said(answer)}).")
        return answer.data

    def _show(self, resource: Mapping[str, Any]) -> Remote:
        return self._remote(PATIENT if resource.get("resourceType") == "Patient" else VISIT, resource)

    def _remote(self, entity: str, resource: Mapping[str, Any]) -> Remote:
        uid, rev = mark_of(resource, self._system)
        when = updated(resource)
        fields = readable(self._words[entity], resource)
        return Remote(
            str(resource["id"]), fields if fields is not None else {}, version_of(resource), uid, rev, kept(resource),
            moment(when) if when else None, source_of(resource),
        )  # fmt: skip


def _fresh(old: Mapping[str, Any]) -> dict[str, Any]:
    """What goes along to the visit that takes the place of an old one."""
    return {name: value for name, value in old.items() if name not in ("id", "meta", "identifier", "slot", "created")}


def _condition(etag: str | None) -> dict[str, str]:
    return {"If-Match": f'W/"{etag}"'} if etag else {}
