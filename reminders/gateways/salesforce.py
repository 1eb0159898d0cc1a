"""Salesforce: contacts and events (or an object of the clinic's own) over its REST API (developer.salesforce.com).

Changes are read from the database itself, ordered by time and id; a query shows what was deleted and archived, too. A
write and a look at what became of it go with one request, because requests are counted by the day.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from reminders.clock import Clock
from reminders.domain.connector import (
    Caps,
    CursorGone,
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
from reminders.gateways.jsonapi import OVERLAP, digest, entered, kept, moment, opened
from reminders.gateways.outward import Outward
from reminders.gateways.salesforce_api import MOST, SalesforceApi, failure, quoted
from reminders.gateways.salesforce_words import SYSTEM, Contacts, Visits, Words, checked

_STAMP = "SystemModstamp"
#: Who that was, by name.
_AUTHOR = "LastModifiedBy.Name"
_FIRST = "1970-01-01T00:00:00.000Z"

Outcome = Put | Precondition | Missing | Refused | PeerError


class Salesforce:
    """One organisation, in the name of a connected app."""

    entities: Sequence[str] = ENTITIES
    caps = Caps(if_match=False, batch=MOST, fetch=MOST)

    def __init__(self, outward: Outward, _clock: Clock, account: Account) -> None:
        settings = entered(SYSTEM, account)
        self._api, self._place = SalesforceApi(outward, settings), urlsplit(settings["url"]).netloc
        ours = checked({"id": settings["id_field"], "mark": settings["mark_field"]})
        self._id, self._mark = ours["id"], ours["mark"]
        self._duplicates = settings["duplicates"] == "create"
        self._words: dict[str, Words] = {PATIENT: Contacts(settings), VISIT: Visits(settings)}

    def check(self) -> str:
        """The organisation; ``PeerError`` names fields that are still to be made."""
        for words in self._words.values():
            fields = self._api.describe(words.kind)
            missing = sorted({self._id, self._mark, *words.names} - set(fields))
            if missing:
                raise PeerError(f"{words.kind} has no field {', '.join(missing)}.", permanent=True)
            if not fields[self._id].get("externalId"):
                raise PeerError(f"{self._id} of {words.kind} is no external id.", permanent=True)
        return f"Salesforce {self._place}"

    # Listings

    def changes(self, entity: str, cursor: str | None) -> Page:
        words, marks = self._words[entity], opened(cursor)
        if cursor is None or "after" in marks:
            return self._everything(words, marks)
        if "since" not in marks:
            raise CursorGone
        return self._since(words, marks)

    def _everything(self, words: Words, marks: dict[str, Any]) -> Page:
        """All records by id, which never changes. What changes meanwhile is newer than the mark taken first."""
        if not marks:
            newest = self._api.query(_soql([_STAMP], words, [], f"{_STAMP} DESC", 1))
            marks = {"after": "", "since": _literal(newest[0][_STAMP]) if newest else _FIRST}
        beyond = [f"Id > {quoted(marks['after'])}"] if marks["after"] else []
        rows = self._rows(words, ["IsDeleted = false", *beyond], "Id")
        more = len(rows) == MOST
        left = {"since": marks["since"]}
        return Page(self._items(words, rows), kept({**left, "after": rows[-1]["Id"]} if more else left), True, more)

    def _since(self, words: Words, marks: dict[str, Any]) -> Page:
        at = marks.get("at")
        if at:
            condition = f"(({_STAMP} = {at[0]} AND Id > {quoted(at[1])}) OR {_STAMP} > {at[0]})"
        else:
            condition = f"{_STAMP} >= {_earlier(marks['since'])}"
        rows = self._rows(words, [condition], f"{_STAMP}, Id")
        times = [_literal(row[_STAMP]) for row in rows]
        more = len(rows) == MOST
        following = {"since": max([marks["since"], *times]), **({"at": [times[-1], rows[-1]["Id"]]} if more else {})}
        return Page(self._items(words, rows), kept(following), more=more)

    def _items(self, words: Words, rows: Sequence[Mapping[str, Any]]) -> list[Item]:
        items = []
        for row in rows:
            remote = None if row["IsDeleted"] else self._remote(words, row)
            items.append(Item(row["Id"], remote.etag if remote else None, gone=remote is None, remote=remote))
        return items

    # Single records

    def fetch(self, entity: str, remote_ids: Sequence[str]) -> Mapping[str, Remote]:
        words, ids = self._words[entity], [one for one in remote_ids if one.isalnum()]
        if not ids:
            return {}
        rows = self._rows(words, ["IsDeleted = false", f"Id IN ({', '.join(map(quoted, ids))})"], "Id")
        return {row["Id"]: self._remote(words, row) for row in rows}

    def new_id(self, _entity: str, _uid: str) -> str | None:
        return None

    def find(self, entity: str, uid: str) -> Remote | None:
        words = self._words[entity]
        rows = self._rows(words, ["IsDeleted = false", f"{self._id} = {quoted(uid)}"], "Id")
        return self._remote(words, rows[0]) if rows else None

    def put(self, entity: str, write: Write) -> Put:
        (outcome,) = self.put_many(entity, [write])
        if isinstance(outcome, Put):
            return outcome
        raise outcome

    def put_many(self, entity: str, writes: Sequence[Write]) -> Sequence[Outcome]:
        """New records are upserted by our id, known ones updated by theirs."""
        found: dict[str, Outcome] = {}
        for create in (True, False):
            some = [write for write in writes if write.create is create]
            found |= self._put_some(self._words[entity], some, create=create) if some else {}
        return [found[write.uid] for write in writes]

    def delete(self, entity: str, remote_id: str, _etag: str | None) -> None:
        self._api.delete(self._words[entity].kind, remote_id)

    def _put_some(self, words: Words, writes: Sequence[Write], *, create: bool) -> dict[str, Outcome]:
        path = f"/composite/sobjects/{words.kind}/{self._id}" if create else "/composite/sobjects"
        keys = ", ".join(quoted(write.uid) for write in writes)
        look = self._select(words, ["IsDeleted = false", f"{self._id} IN ({keys})"], "Id")
        records = [self._record(words, write) for write in writes]
        results, rows = self._api.write("PATCH", path, records, look, allow_duplicates=self._duplicates)
        there = {row[self._id]: row for row in rows}
        return {
            write.uid: self._put(words, write, result, there.get(write.uid)) if result["success"]
            else failure(result["errors"])
            for write, result in zip(writes, results, strict=True)
        }  # fmt: skip

    def _put(
        self, words: Words, write: Write, result: Mapping[str, Any], row: Mapping[str, Any] | None
    ) -> Put:  # fmt: skip
        """What is stored counts as the result of our write only when nobody else has touched the record since."""
        ours = row is not None and row[self._mark] == write.rev and row["LastModifiedById"] == self._api.user
        return Put(result["id"], stored=self._remote(words, row) if row is not None and ours else None)

    def _record(self, words: Words, write: Write) -> dict[str, Any]:
        values = words.write(write, opened(write.raw), self._api.user)
        named = {} if write.create else {"id": write.remote_id}
        return {"attributes": {"type": words.kind}, **named, **values, self._id: write.uid, self._mark: write.rev}

    # Reading

    def _select(self, words: Words, conditions: Sequence[str], order: str) -> str:
        names = ["Id", self._id, self._mark, "IsDeleted", _STAMP, "LastModifiedById", _AUTHOR, *words.names]
        return _soql(list(dict.fromkeys(names)), words, conditions, order, MOST)

    def _rows(self, words: Words, conditions: Sequence[str], order: str) -> list[dict[str, Any]]:
        return self._api.query(self._select(words, conditions, order))

    def _remote(self, words: Words, row: Mapping[str, Any]) -> Remote:
        counted = {name: row.get(name) for name in (self._id, self._mark, *words.names)}
        return Remote(
            row["Id"], words.read(row, self._api.user), digest(counted), row[self._id] or None, row[self._mark] or None,
            kept(counted), moment(row[_STAMP]), (row.get("LastModifiedBy") or {}).get("Name"),
        )  # fmt: skip


def _soql(names: Sequence[str], words: Words, conditions: Sequence[str], order: str, limit: int) -> str:
    """A query. Names are checked (``salesforce_words``), texts in conditions are ``quoted``."""
    where = " AND ".join([*conditions, *([words.only] if words.only else [])])
    parts = ["SELECT", ", ".join(names), "FROM", words.kind, *(["WHERE", where] if where else [])]
    return " ".join([*parts, "ORDER BY", order, "LIMIT", str(limit)])


def _literal(text: str) -> str:
    """A moment as queries take it."""
    when = moment(text)
    return f"{when:%Y-%m-%dT%H:%M:%S}.{when.microsecond // 1000:03d}Z"


def _earlier(text: str) -> str:
    return _FIRST if text == _FIRST else _literal((moment(text) - OVERLAP).isoformat())
