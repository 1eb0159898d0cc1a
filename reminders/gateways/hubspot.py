"""HubSpot: contacts and meetings (or appointments) over its CRM API (developers.hubspot.com, versions v3 and v4).

Changes are found by its search, which is only a hint which records to read; full listings and single records do not come
from there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from reminders.clock import Clock
from reminders.domain.connector import (
    Caps,
    CursorGone,
    Delivery,
    Item,
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
from reminders.gateways.hubspot_api import MOST, HubSpotApi, is_signed, is_whole, outcomes
from reminders.gateways.hubspot_search import Search, rewound
from reminders.gateways.hubspot_words import SYSTEM, Contacts, Visits, Words
from reminders.gateways.jsonapi import Answer, digest, entered, kept, listed, moment, opened
from reminders.gateways.outward import Outward

#: Number of the user who changed a record last; empty when a program did.
_AUTHOR = "hs_updated_by_user_id"
_TYPES = {"contact": PATIENT, "0-1": PATIENT, "0-47": VISIT, "0-421": VISIT}

Outcome = Put | Precondition | Missing | Refused | PeerError


class HubSpot:
    """One account, in the name of a private app."""

    entities: Sequence[str] = ENTITIES
    caps = Caps(if_match=False, batch=MOST, fetch=MOST)

    def __init__(self, outward: Outward, _clock: Clock, account: Account) -> None:
        settings = entered(SYSTEM, account)
        self._api = HubSpotApi(outward, settings["url"], settings["token"])
        self._id, self._mark = settings["id_property"], settings["mark_property"]
        self._secret, self._address = settings["client_secret"], settings["webhook_url"]
        self._words: dict[str, Words] = {PATIENT: Contacts(settings), VISIT: Visits(settings)}
        self._link: list[dict[str, Any]] = []

    def check(self) -> str:
        """The account's number; ``PeerError`` names properties that are still to be made."""
        for words in self._words.values():
            have = {one["name"] for one in self._api.get(f"crm/v3/properties/{words.kind}")["results"]}
            missing = sorted({self._id, self._mark, *words.names} - have)
            if missing:
                raise PeerError(f"{words.kind} has no property {', '.join(missing)}.", permanent=True)
        self._link_type(self._words[VISIT])
        return f"HubSpot {self._api.get('account-info/v3/details')['portalId']}"

    # Listings

    def changes(self, entity: str, cursor: str | None) -> Page:
        words, marks = self._words[entity], opened(cursor)
        if cursor is None or "full" in marks:
            return self._everything(entity, words, marks)
        if "since" not in marks:
            raise CursorGone
        search = Search(self._api, words, self._asked(words))
        if "bin" in marks or ("from" not in marks and search.have_gone(marks)):
            return self._bin(words, marks)
        rows, following = search.page(marks)
        items = [Item(row["id"], digest(self._counted(words, row))) for row in rows]
        return Page(items, kept(following), more="from" in following)

    def _everything(self, entity: str, words: Words, marks: dict[str, Any]) -> Page:
        if not marks:
            marks = {"full": "", **Search(self._api, words, self._asked(words)).start()}
        query = {"limit": MOST, "properties": ",".join(self._asked(words)), "archived": "false"}
        query |= {"after": marks["full"]} if marks["full"] else {}
        query |= {"associations": "contacts"} if entity == VISIT else {}
        found = self._api.get(f"crm/v3/objects/{words.kind}", query) or {}
        remotes = [self._remote(words, record, _associated(record)) for record in found["results"]]
        items = [Item(remote.remote_id, remote.etag, remote=remote) for remote in remotes]
        after = ((found.get("paging") or {}).get("next") or {}).get("after")
        left = {name: value for name, value in marks.items() if name != "full"}
        return Page(items, kept({**left, "full": after} if after else left), full=True, more=bool(after))

    def _bin(self, words: Words, marks: dict[str, Any]) -> Page:
        """What is in the bin, which holds what was deleted within 90 days."""
        query = {"limit": MOST, "archived": "true", "properties": "hs_object_id"}
        query |= {"after": marks["bin"]} if marks.get("bin") else {}
        found = self._api.get(f"crm/v3/objects/{words.kind}", query) or {}
        items = [Item(record["id"], gone=True) for record in found["results"]]
        after = ((found.get("paging") or {}).get("next") or {}).get("after")
        left = {name: value for name, value in marks.items() if name != "bin"}
        following = {**left, "bin": after} if after else {**left, "from": rewound(marks)}
        return Page(items, kept(following), more=True)

    # Single records

    def fetch(self, entity: str, remote_ids: Sequence[str]) -> Mapping[str, Remote]:
        words = self._words[entity]
        ids = [{"id": one} for one in remote_ids if one.isdecimal()]
        if not ids:
            return {}
        body = {"inputs": ids, "properties": self._asked(words)}
        records = self._api.post(f"crm/v3/objects/{words.kind}/batch/read", body)["results"]
        patients = self._patients(words, [record["id"] for record in records]) if entity == VISIT else {}
        return {
            record["id"]: self._remote(words, record, patients.get(record["id"], []))
            for record in records if not record.get("archived")
        }  # fmt: skip

    def new_id(self, _entity: str, _uid: str) -> str | None:
        return None

    def find(self, entity: str, uid: str) -> Remote | None:
        words = self._words[entity]
        query = {"idProperty": self._id, "properties": ",".join(self._asked(words))}
        query |= {"associations": "contacts"} if entity == VISIT else {}
        record = self._api.get(f"crm/v3/objects/{words.kind}/{uid}", query)
        return None if record is None else self._remote(words, record, _associated(record))

    def put(self, entity: str, write: Write) -> Put:
        (outcome,) = self.put_many(entity, [write])
        if isinstance(outcome, Put):
            return outcome
        raise outcome

    def put_many(self, entity: str, writes: Sequence[Write]) -> Sequence[Outcome]:
        """New contacts are upserted by our id; new meetings are created with their contact in the same step, and our id,
        whose values are unique, keeps a second one from being made."""
        found: dict[str, Outcome] = {}
        for create in (True, False):
            some = [write for write in writes if write.create is create]
            found |= self._put_some(entity, some) if some else {}
        return [found[write.uid] for write in writes]

    def delete(self, entity: str, remote_id: str, _etag: str | None) -> None:
        self._api.delete(f"crm/v3/objects/{self._words[entity].kind}/{remote_id}")

    def read_webhook(self, headers: Mapping[str, str], body: bytes, now: datetime) -> Sequence[Delivery]:
        """Events in any order, perhaps repeated. Their ``eventId`` alone is not unique."""
        lower = {name.lower(): value for name, value in headers.items()}
        address = self._address or lower.get(":url", "")
        if not is_signed(self._secret, address, lower, body, now):
            raise Refused("signature", "The signature of this webhook is wrong or too old.")
        return [self._delivery(event) for event in listed(body) if isinstance(event, dict)]

    def _delivery(self, event: Mapping[str, Any]) -> Delivery:
        kind = event.get("objectTypeId") or str(event.get("subscriptionType", "")).partition(".")[0]
        parts = (event.get(name, "") for name in ("subscriptionId", "eventId", "objectId", "occurredAt"))
        key = event.get("objectId")
        return Delivery("-".join(map(str, parts)), _TYPES.get(kind), None if key is None else str(key))

    # Writing

    def _put_some(self, entity: str, writes: Sequence[Write]) -> dict[str, Outcome]:
        words, create = self._words[entity], writes[0].create
        if not create and entity == VISIT:
            self._associate(words, [write for write in writes if "patient" in write.changed])
        action = "update" if not create else "upsert" if entity == PATIENT else "create"
        answer = self._api.batch(
            f"crm/v3/objects/{words.kind}/batch/{action}", [self._input(words, action, write) for write in writes]
        )
        if is_whole(answer) and len(writes) > 1:  # one of them spoils it for all
            return {write.uid: self._put_some(entity, [write])[write.uid] for write in writes}
        return self._judged(words, answer, writes)

    def _judged(self, words: Words, answer: Answer, writes: Sequence[Write]) -> dict[str, Outcome]:
        traces = [write.uid if write.create else write.remote_id or "" for write in writes]
        found = outcomes(answer, traces, self._id)
        judged: dict[str, Outcome] = {}
        for write, trace in zip(writes, traces, strict=True):
            one = found[trace]
            judged[write.uid] = self._stored(words, one) if isinstance(one, Mapping) else one
        return judged

    def _stored(self, words: Words, record: Mapping[str, Any]) -> Put:
        """The answer shows what was sent as it is stored now; the rest is left open, and so is the version."""
        properties = record["properties"]
        rev, status, _ = _parts(properties.get(self._mark))
        fields = words.read(properties, status)
        return Put(record["id"], stored=Remote(record["id"], fields, None, properties.get(self._id), rev))

    def _input(self, words: Words, action: str, write: Write) -> dict[str, Any]:
        record = opened(write.raw)
        status = write.fields.get("status", "")
        properties = {
            **words.write(write, record), self._id: write.uid,
            self._mark: f"{write.rev}/{status}/{write.fields.get('patient', '')}",
        }  # fmt: skip
        made: dict[str, Any] = {
            "properties": properties,
            "objectWriteTraceId": write.uid if write.create else write.remote_id,
        }
        if action == "upsert":
            made |= {"id": write.uid, "idProperty": self._id}
        elif action == "update":
            made |= {"id": write.remote_id}
        elif write.fields.get("patient"):
            made["associations"] = [{"to": {"id": write.fields["patient"]}, "types": self._link_type(words)}]
        return made

    def _link_type(self, words: Words) -> list[dict[str, Any]]:
        """How a visit is associated with a contact, without a label. The numbers differ between objects."""
        if not self._link:
            found = self._api.get(f"crm/v4/associations/{words.kind}/contacts/labels")["results"]
            plain = next(one for one in found if not one.get("label"))
            self._link = [{"associationCategory": plain["category"], "associationTypeId": plain["typeId"]}]
        return self._link

    def _associate(self, words: Words, writes: Iterable[Write]) -> None:
        """Before the visit says so itself: a visit moves to another patient."""
        there = [write for write in writes if write.remote_id]
        if not there:
            return
        path = f"crm/v4/associations/{words.kind}/contacts/batch"
        new = [{"from": {"id": write.remote_id}, "to": {"id": write.fields["patient"]}} for write in there]
        self._api.post(f"{path}/associate/default", {"inputs": new})
        old = [(write.remote_id, opened(write.raw).get("patient")) for write in there]
        gone = [
            {"from": {"id": key}, "to": [{"id": before}]} for (key, before), write in zip(old, there, strict=True)
            if before and before != write.fields["patient"]
        ]  # fmt: skip
        if gone:
            self._api.post(f"{path}/archive", {"inputs": gone})

    # Reading

    def _names(self, words: Words) -> list[str]:
        return [*words.names, self._id, self._mark]

    def _asked(self, words: Words) -> list[str]:
        """What is read: besides what counts, who changed it last."""
        return [*self._names(words), _AUTHOR]

    def _counted(self, words: Words, record: Mapping[str, Any]) -> dict[str, Any]:
        return {name: record["properties"].get(name) for name in self._names(words)}

    def _patients(self, words: Words, ids: Sequence[str]) -> dict[str, list[str]]:
        if not ids:
            return {}
        body = {"inputs": [{"id": one} for one in ids]}
        found = self._api.post(f"crm/v4/associations/{words.kind}/contacts/batch/read", body)
        return {one["from"]["id"]: [str(to["toObjectId"]) for to in one["to"]] for one in found["results"]}

    def _remote(self, words: Words, record: Mapping[str, Any], contacts: Sequence[str]) -> Remote:
        counted = self._counted(words, record)
        rev, status, ours = _parts(counted[self._mark])
        fields = words.read(counted, status)
        if words is self._words[VISIT]:
            one = ours if ours in contacts else contacts[0] if len(contacts) == 1 else ""
            fields["patient"] = one
            counted_raw = {**counted, "patient": one}
        else:
            counted_raw = counted
        changed = record["properties"].get(words.changed) or record.get("updatedAt")
        author = record["properties"].get(_AUTHOR)
        return Remote(
            record["id"], fields, digest(counted), counted[self._id] or None, rev, kept(counted_raw),
            moment(changed) if changed else None, f"user {author}" if author else None,
        )  # fmt: skip


def _parts(mark: str | None) -> tuple[str | None, str, str]:
    """What our mark says: the write, the status and the patient that it was about."""
    rev, status, patient = ([*(mark or "").split("/"), "", ""])[:3]
    return rev or None, status, patient


def _associated(record: Mapping[str, Any]) -> list[str]:
    """Contacts that a listing shows with a record, each once."""
    found = ((record.get("associations") or {}).get("contacts") or {}).get("results") or []
    return list(dict.fromkeys(str(one["id"]) for one in found))
