"""EspoCRM: contacts and meetings over its REST API (docs.espocrm.com, "API"; read against versions 7 to 9).

There is no conditional write, no client-given id and no list of what was deleted: our id stands in a field of its own,
the engine looks before it writes, and a smaller number of records than expected asks for a full listing. Times have one
value per second, so a record's version is its content.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from reminders.clock import Clock
from reminders.domain.connector import (
    Caps,
    CursorGone,
    Delivery,
    Item,
    Page,
    PeerError,
    Put,
    Refused,
    Remote,
    Write,
)
from reminders.domain.crm import ENTITIES, PATIENT, VISIT, Account
from reminders.gateways.espocrm_api import EspoApi, all_of, any_of, counted, failed, is_signed, only, unreadable
from reminders.gateways.espocrm_words import SYSTEM, Contacts, Meetings
from reminders.gateways.jsonapi import OVERLAP, digest, entered, kept, listed, moment, opened, pairs
from reminders.gateways.outward import Outward

#: EspoCRM refuses more than 200; an administrator may allow less.
PAGE = 100
_FIRST = "1970-01-01 00:00:00"
#: Who changed a record, and when: no part of its content. One that was never changed has only somebody who made it.
_CHANGED = ("modifiedAt", "modifiedByName", "modifiedById", "createdByName", "createdById")
_NOTE = re.compile(r"\n*\[reminders (\S+) (\S+)\]")


class Words(Protocol):
    """How one kind of thing looks there."""

    @property
    def kind(self) -> str:
        """The entity type."""
        ...

    @property
    def select(self) -> tuple[str, ...]:
        """The attributes that count."""
        ...

    @property
    def beside(self) -> tuple[str, ...]:
        """Attributes that come with those, and count, too."""
        ...

    @property
    def shared(self) -> Mapping[str, str]:
        """Attributes that other records may have, too, and those that say "opted out" of them."""
        ...

    def read(self, record: Mapping[str, Any], status: str, /) -> dict[str, Any]:
        """A record as canonical fields, given the status that we wrote last."""
        ...

    def write(self, write: Write, record: Mapping[str, Any], /) -> dict[str, Any]:
        """The attributes to send, given the record as it is."""
        ...


class EspoCrm:
    """One EspoCRM, in the name of an API user."""

    entities: Sequence[str] = ENTITIES
    caps = Caps(if_match=False)

    def __init__(self, outward: Outward, _clock: Clock, account: Account) -> None:
        settings = entered(SYSTEM, account)
        self._api = EspoApi(outward, settings["url"], settings["api_key"], settings["secret_key"])
        self._hooks = pairs(settings["webhooks"], ":")
        self._id, self._mark = settings["id_field"], settings["mark_field"]
        self._skip = settings["duplicates"] == "create"
        self._meetings = Meetings(settings)
        self._words: dict[str, Words] = {PATIENT: Contacts(settings), VISIT: self._meetings}
        self._plain: dict[str, bool] = {}

    def check(self) -> str:
        """Reads one record of each kind; says how many there are and which fields are still to be made."""
        found = []
        for words in map(self._of, ENTITIES):
            total = counted(self._api.records(words.kind, {"maxSize": 1, "select": "id"}))
            found.append(f"{total} × {words.kind}" + (f" (no field {self._id})" if self._is_plain(words) else ""))
        return "EspoCRM: " + ", ".join(found)

    def _of(self, entity: str) -> Words:
        """How this entity looks there. Meetings need somebody they are assigned to: without a setting that is we."""
        if entity == VISIT and self._meetings.assignee is None:
            user = self._api.call("GET", "App/user").data
            known = user.get("user") if isinstance(user, dict) else None
            self._meetings.assignee = str((known or {}).get("id") or "")
        return self._words[entity]

    # Listings

    def changes(self, entity: str, cursor: str | None) -> Page:
        words, marks = self._of(entity), opened(cursor)
        if cursor is None or "after" in marks:
            return self._everything(words, marks)
        if "since" not in marks:
            raise CursorGone
        if "at" not in marks and self._have_gone(words, marks):
            return self._everything(words, {})
        return self._since(words, marks)

    def _everything(self, words: Words, marks: dict[str, Any]) -> Page:
        """All records by id, which never changes. What changes meanwhile is newer than the mark taken first."""
        if not marks:
            marks = {"after": "", **self._newest(words)}
        where = [only("greaterThan", "id", marks["after"])] if marks["after"] else []
        rows = self._rows(words, where, "id")
        items = self._items(words, rows)
        more = len(rows) == PAGE
        left = {name: value for name, value in marks.items() if name != "after"}
        following = {**left, "after": rows[-1]["id"]} if more else left
        return Page(items, kept(following), full=True, more=more)

    def _since(self, words: Words, marks: dict[str, Any]) -> Page:
        at = marks.get("at")
        if at:
            where = [any_of(all_of(only("equals", "modifiedAt", at[0]), only("greaterThan", "id", at[1])),
                          only("greaterThan", "modifiedAt", at[0]))]  # fmt: skip
        else:
            where = [only("greaterThanOrEquals", "modifiedAt", _earlier(marks["since"]))]
        rows = self._rows(words, where, "modifiedAt")
        items = self._items(words, rows)
        more = len(rows) == PAGE
        newest = max([marks["since"], *(row["modifiedAt"] for row in rows if row.get("modifiedAt"))])
        following = {**marks, "since": newest, "at": [rows[-1]["modifiedAt"], rows[-1]["id"]]} if more else None
        left = {name: value for name, value in marks.items() if name != "at"}
        return Page(items, kept(following or {**left, "since": newest}), more=more)

    def _newest(self, words: Words) -> dict[str, Any]:
        """Where to go on after a full listing, and how many records there were when it began."""
        newest = self._api.records(
            words.kind, {"maxSize": 1, "orderBy": "modifiedAt", "order": "desc", "select": "id,modifiedAt"}
        )
        rows = newest.data["list"]
        return {"since": (rows[0].get("modifiedAt") if rows else None) or _FIRST, **self._number(words)}

    def _number(self, words: Words) -> dict[str, Any]:
        answer = self._api.records(
            words.kind, {"maxSize": 1, "orderBy": "createdAt", "order": "desc", "select": "id,createdAt"}
        )
        rows = answer.data["list"]
        born = (rows[0].get("createdAt") if rows else None) or _FIRST
        return {"total": counted(answer), "born": born}

    def _have_gone(self, words: Words, marks: dict[str, Any]) -> bool:
        """Fewer records than there were and have come since: something was deleted, and only a full listing says what.
        A system that counts nothing answers with a number below zero."""
        before, now = (marks.get("total", -1), marks.get("born")), self._number(words)
        marks.update(now)
        if (now["total"], now["born"]) == before or min(now["total"], before[0]) < 0:
            return False
        query = {"maxSize": 1, "select": "id", "where": [only("greaterThan", "createdAt", before[1])]}
        come = counted(self._api.records(words.kind, query))
        return bool(before[0] + come > now["total"])

    # Single records

    def fetch(self, entity: str, remote_ids: Sequence[str]) -> Mapping[str, Remote]:
        words = self._of(entity)
        query = {"where": [only("in", "id", list(remote_ids))], "maxSize": PAGE, "select": self._select(words)}
        rows = self._api.records(words.kind, query).data["list"] if remote_ids else []
        return {row["id"]: self._remote(words, row) for row in rows if not row.get("deleted")}

    def new_id(self, _entity: str, _uid: str) -> str | None:
        return None

    def find(self, entity: str, uid: str) -> Remote | None:
        words = self._of(entity)
        if self._is_plain(words):
            where = only("contains", "description", f"[reminders {uid} ")
        else:
            where = only("equals", self._id, uid)
        rows = self._api.records(words.kind, {"where": [where], "maxSize": 1, "select": self._select(words)}).data[
            "list"
        ]
        return self._remote(words, rows[0]) if rows else None

    def put(self, entity: str, write: Write) -> Put:
        words, record = self._of(entity), opened(write.raw)
        body = {**words.write(write, record), **self._marked(words, write, record)}
        if write.create:
            skip = {"X-Skip-Duplicate-Check": "true"} if self._skip else {}
            answer = self._api.call("POST", words.kind, body=body, headers=skip)
        else:
            body |= self._still_out(words, body)
            answer = self._api.call("PUT", f"{words.kind}/{write.remote_id}", body=body, headers=_version(record))
        if answer.status not in (200, 201):
            raise failed(answer)
        stored = answer.data if isinstance(answer.data, dict) else {}
        if "id" not in stored:
            raise PeerError("The other system's answer to a write says nothing.")
        return Put(stored["id"], stored=self._whole(words, stored))

    def _still_out(self, words: Words, body: Mapping[str, Any]) -> dict[str, bool]:
        """A number or address may belong to several people, and what one of them said about it must not be cleared by
        giving it to another."""
        found = {}
        for name, out in words.shared.items():
            if body.get(name) and not body.get(out):
                where = [only("equals", name, body[name]), {"type": "isTrue", "attribute": out}]
                if self._api.records(words.kind, {"where": where, "maxSize": 1, "select": "id"}).data["list"]:
                    found[out] = True
        return found

    def delete(self, entity: str, remote_id: str, _etag: str | None) -> None:
        answer = self._api.call("DELETE", f"{self._of(entity).kind}/{remote_id}")
        if answer.status not in (200, 204, 404):
            raise failed(answer)

    def read_webhook(self, headers: Mapping[str, str], body: bytes, now: datetime) -> Sequence[Delivery]:
        """An array of records that were made, changed or deleted. They have no ids of their own: the same body within
        one minute counts as a repeat."""
        lower = {name.lower(): value for name, value in headers.items()}
        if not is_signed(self._hooks, lower, body):
            raise Refused("signature", "The signature of this webhook is wrong.")
        stamp = f"{hashlib.sha256(body).hexdigest()[:32]}:{now:%Y%m%d%H%M}"
        records = listed(body)
        ids = [str(record["id"]) for record in records if isinstance(record, dict) and record.get("id")]
        return [Delivery(f"{stamp}:{place}", None, remote_id) for place, remote_id in enumerate(ids)]

    # What a record carries of us

    def _is_plain(self, words: Words) -> bool:
        """Whether nobody made our fields there; then a line at the end of the description does."""
        if words.kind not in self._plain:
            query = {"where": [only("equals", self._id, "-")], "maxSize": 1, "select": "id"}
            answer = self._api.call("GET", words.kind, query=query)
            if answer.status not in (200, 400):
                raise unreadable(words.kind, answer)
            self._plain[words.kind] = answer.status == 400
        return self._plain[words.kind]

    def _marked(self, words: Words, write: Write, record: Mapping[str, Any]) -> dict[str, str]:
        rev = f"{write.rev}/{write.fields.get('status') or ''}"
        if not self._is_plain(words):
            return {self._id: write.uid, self._mark: rev}
        text = _NOTE.sub("", self._api.uncut(words.kind, write.remote_id, "description", record))
        return {"description": f"{text}\n\n[reminders {write.uid} {rev}]".lstrip()}

    def _remote(self, words: Words, record: Mapping[str, Any]) -> Remote:
        note = _NOTE.search(record.get("description") or "")
        uid, mark = note.groups() if note else (record.get(self._id), record.get(self._mark))
        rev, _, status = (mark or "").partition("/")
        names = [name for name in self._select(words).split(",") if name not in _CHANGED]
        content = {name: record.get(name) for name in (*names, *words.beside)}
        when = record.get("modifiedAt")
        return Remote(
            record["id"], words.read(record, status), digest(content), uid or None, rev or None, kept(record),
            moment(when) if when else None, next((str(record[name]) for name in _CHANGED[1:] if record.get(name)), None),
        )  # fmt: skip

    def _whole(self, words: Words, record: Mapping[str, Any]) -> Remote | None:
        """The answer to a write, if it shows all that a listing does."""
        return self._remote(words, record) if all(name in record for name in words.select) else None

    # Requests

    def _items(self, words: Words, rows: Sequence[Mapping[str, Any]]) -> list[Item]:
        found = [self._remote(words, row) for row in rows if not row.get("deleted")]
        return [Item(remote.remote_id, remote.etag, remote=remote) for remote in found]

    def _select(self, words: Words) -> str:
        """Descriptions are none of our business, unless our id stands in them."""
        ours = ["description"] if self._is_plain(words) else [self._id, self._mark]
        return ",".join(["id", *words.select, *ours, *_CHANGED, "versionNumber"])

    def _rows(self, words: Words, where: list[Any], order: str) -> list[dict[str, Any]]:
        query = {"maxSize": PAGE, "orderBy": order, "order": "asc", "select": self._select(words), "where": where}
        found: list[dict[str, Any]] = self._api.records(words.kind, query, total=False).data["list"]
        return found


def _earlier(text: str) -> str:
    try:
        return f"{moment(text) - OVERLAP:%Y-%m-%d %H:%M:%S}"
    except (ValueError, OverflowError):
        return _FIRST


def _version(record: Mapping[str, Any]) -> dict[str, str]:
    """Where an administrator switched on optimistic concurrency control, a change made meanwhile is not overwritten."""
    number = record.get("versionNumber")
    return {"X-Version-Number": str(number)} if number is not None else {}
