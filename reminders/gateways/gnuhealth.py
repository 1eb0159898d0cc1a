"""GNU Health 5: patients and appointments over the JSON-RPC of Tryton 7 (docs.tryton.org; read against the source).

What was never changed has no time of change, so a listing asks for what was made, too. There is no list of deleted records:
how many of those known by now are left is compared with how many there were, and when some are missing everything is
listed. Our id and mark stand among the identifiers of a person, and in the last line of an appointment's comments, the
only text there that is written with the appointment itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

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
from reminders.gateways.gnuhealth_api import Tryton, stamped
from reminders.gateways.gnuhealth_words import SYSTEM, Patients, Visits, Words
from reminders.gateways.jsonapi import OVERLAP, digest, entered, kept, moment, opened
from reminders.gateways.outward import Outward

#: Records asked for at once, and visits created at once.
PAGE, BATCH = 100, 50
_FIRST = "1970-01-01T00:00:00.000000+00:00"
_BY_ID = [["id", "ASC"]]

Outcome = Put | Precondition | Missing | Refused | PeerError


class GnuHealth:
    """One database, in the name of a user."""

    entities: Sequence[str] = ENTITIES
    caps = Caps(batch=BATCH, fetch=PAGE)

    def __init__(self, outward: Outward, _clock: Clock, account: Account) -> None:
        settings = entered(SYSTEM, account)
        self._api = Tryton(outward, *(settings[name] for name in ("url", "database", "user", "password")))
        self._patients, self._visits = Patients(settings), Visits(settings)
        self._words: Mapping[str, Words] = {PATIENT: self._patients, VISIT: self._visits}
        self._looked = False
        self._languages: dict[str, int] = {}
        self._country: list[Any] = []

    def check(self) -> str:
        """How much there is, and the ids of those who see patients, which the connection's ``providers`` name. What a
        write needs to know is read, too, so that a right that is missing shows now."""
        self._known_languages()
        self._default_country()
        counts = [self._count(self._of(entity), []) for entity in ENTITIES]
        staff = self._api.read("gnuhealth.healthprofessional.search_read", [], 0, 20, _BY_ID, ["rec_name"])
        named = ", ".join(f"{one['id']} {one['rec_name']}" for one in staff)
        ends = "" if self._visits.ends else " (without health_calendar: visits have no end)"
        return f"GNU Health: {counts[0]} patients, {counts[1]} appointments{ends}; health professionals: {named or '-'}"

    def _of(self, entity: str) -> Words:
        """How this entity looks there; whether appointments have an end is asked once."""
        if entity == VISIT and not self._looked:
            found = self._api.read("gnuhealth.appointment.fields_get", ["appointment_date_end"])
            self._visits.ends, self._looked = "appointment_date_end" in found, True
        return self._words[entity]

    # Listings

    def changes(self, entity: str, cursor: str | None) -> Page:
        words, marks = self._of(entity), opened(cursor)
        if cursor is None or marks.get("full"):
            return self._everything(words, marks)
        if not {"since", "last", "count"} <= marks.keys():
            raise CursorGone
        if "after" not in marks and self._count(words, [["id", "<=", marks["last"]]]) < marks["count"]:
            return self._everything(words, {})
        return self._since(words, marks)

    def _everything(self, words: Words, marks: dict[str, Any]) -> Page:
        """All records by id, which never changes."""
        marks = marks or {"full": True, "since": _FIRST, "last": 0}
        rows = self._rows(words, [["id", ">", marks.get("after", 0)]])
        return self._page(words, marks, rows, full=True)

    def _since(self, words: Words, marks: dict[str, Any]) -> Page:
        """What was written or made since, by id, because many records may share one moment."""
        from_ = stamped(_earlier(marks["since"]))
        changed = ["OR", *([name, ">=", from_] for name in words.stamps)]
        return self._page(words, marks, self._rows(words, [["id", ">", marks.get("after", 0)], changed]), full=False)

    def _page(self, words: Words, marks: dict[str, Any], rows: Sequence[Mapping[str, Any]], *, full: bool) -> Page:
        """What changes while there are further pages is newer than the mark (``goal``) taken with the first."""
        items = [item for item in self._items(words, rows) if not (full and item.gone)]
        last = max([marks["last"], *(row["id"] for row in rows)])
        if len(rows) == PAGE:
            goal = marks.get("goal") or self._newest(words)
            return Page(items, kept({**marks, "last": last, "after": rows[-1]["id"], "goal": goal}), full, more=True)
        since = marks.get("goal") or max([marks["since"], *(_stamp(words, row) for row in rows)])
        if last != marks["last"] or "count" not in marks or "after" in marks:
            marks = {"count": self._count(words, [["id", "<=", last]])}
        return Page(items, kept({"since": since, "last": last, "count": marks["count"]}), full)

    def _newest(self, words: Words) -> str:
        """The latest moment that anything was written or made. One that is too early costs a few records more."""
        found = [_FIRST]
        for name in words.stamps:
            if "contact_mechanisms" not in name:
                top = self._search(words, [[name, "!=", None]], ["id", *words.stamps], 1, [[name, "DESC"]])
                found += [_stamp(words, row) for row in top]
        return max(found)

    def _items(self, words: Words, rows: Sequence[Mapping[str, Any]]) -> list[Item]:
        found = [None if words.is_gone(row) else self._remote(words, row) for row in rows]
        return [
            Item(str(row["id"]), remote.etag, remote=remote) if remote else Item(str(row["id"]), gone=True)
            for row, remote in zip(rows, found, strict=True)
        ]

    # Single records

    def fetch(self, entity: str, remote_ids: Sequence[str]) -> Mapping[str, Remote]:
        words, ids = self._of(entity), [int(one) for one in remote_ids if one.isdecimal()]
        rows = self._rows(words, [["id", "in", ids]]) if ids else []
        return {str(row["id"]): self._remote(words, row) for row in rows if not words.is_gone(row)}

    def new_id(self, _entity: str, _uid: str) -> str | None:
        return None

    def find(self, entity: str, uid: str) -> Remote | None:
        words = self._of(entity)
        rows = self._rows(words, [words.search(uid)])
        there = [row for row in rows if words.mark(row).uid == uid and not words.is_gone(row)]
        return self._remote(words, there[0]) if there else None

    def put(self, entity: str, write: Write) -> Put:
        words = self._of(entity)
        if not write.create:
            where = ["id", "=", self._change(entity, words, write)]
        elif entity == PATIENT:
            where = ["party", "=", self._create_person(write)]
        else:
            where = ["id", "=", self._create([self._visits.new(write)])[0]]
        rows = self._rows(words, [where])
        if not rows:
            raise PeerError("GNU Health does not show what it has just written.")
        return self._put(words, write, rows[0])

    def put_many(self, entity: str, writes: Sequence[Write]) -> Sequence[Outcome]:
        """New visits with one call, everything else one by one: several persons made at once would share their numbers,
        and an appointment's changes are taken for one record only."""
        new = [write for write in writes if write.create] if entity == VISIT else []
        found = self._create_all(new) if len(new) > 1 else {}
        outcomes: list[Outcome] = []
        for write in writes:
            tired = outcomes[-1] if outcomes and isinstance(outcomes[-1], PeerError) else None
            outcomes.append(found.get(write.uid) or tired or self._tried(entity, write))
        return outcomes

    def delete(self, entity: str, remote_id: str, etag: str | None) -> None:
        """Appointments go; patients are only put out of use, because their files hang on them."""
        words = self._of(entity)
        row = self._current(words, remote_id, etag)
        if row is None:
            return
        call: tuple[Any, ...] = (
            ("write", [row["id"]], {"active": False}) if entity == PATIENT else ("delete", [row["id"]])
        )
        self._api.write(f"{words.model}.{call[0]}", *call[1:], _timestamp=words.versions(row))

    def _tried(self, entity: str, write: Write) -> Outcome:
        try:
            return self.put(entity, write)
        except (Precondition, Missing, Refused, PeerError) as problem:
            return problem

    def _create_all(self, writes: Sequence[Write]) -> dict[str, Outcome]:
        """All or none of them; none is no answer, and then each is tried alone."""
        words = self._of(VISIT)
        try:
            numbers = self._create([self._visits.new(write) for write in writes])
        except (Precondition, Refused):
            return {}
        rows = {row["id"]: row for row in self._rows(words, [["id", "in", numbers]])}
        return {
            write.uid: self._put(words, write, rows[number])
            for write, number in zip(writes, numbers, strict=True)
            if number in rows
        }

    def _create(self, values: Sequence[Mapping[str, Any]]) -> list[int]:
        found: list[int] = self._api.write(f"{self._visits.model}.create", list(values))
        return found

    def _create_person(self, write: Write) -> int:
        """The number of the party; the patient is made with it, in one step."""
        person = self._patients.person(write, self._known_languages(), self._default_country())
        (party,) = self._api.write("party.party.create", [person])
        return int(party)

    def _change(self, entity: str, words: Words, write: Write) -> int:
        row = self._current(words, write.remote_id or "", write.etag)
        if row is None:
            raise Missing
        if entity == PATIENT:
            model, number, values = (
                "party.party",
                row["party"],
                self._patients.values(write, row, self._known_languages()),
            )
        else:
            model, number, values = words.model, row["id"], self._visits.values(write, row)
        self._api.write(f"{model}.write", [number], values, _timestamp=words.versions(row))
        return int(row["id"])

    def _current(self, words: Words, remote_id: str, etag: str | None) -> Mapping[str, Any] | None:
        """The record as it is now; ``Precondition`` when it is not the one that was seen."""
        rows = self._rows(words, [["id", "=", int(remote_id)]]) if remote_id.isdecimal() else []
        if not rows or words.is_gone(rows[0]):
            return None
        if etag is not None and self._remote(words, rows[0]).etag != etag:
            raise Precondition
        return rows[0]

    def _put(self, words: Words, write: Write, row: Mapping[str, Any]) -> Put:
        """What is stored counts as the result of our write only when nobody else has touched the record since."""
        ours = words.mark(row).rev == write.rev and words.author(row) == self._api.user and not words.is_gone(row)
        return Put(str(row["id"]), stored=self._remote(words, row) if ours else None)

    def _remote(self, words: Words, row: Mapping[str, Any]) -> Remote:
        """Comments and contacts that do not count stay there: only what is compared is kept."""
        fields, mark = words.read(row), words.mark(row)
        return Remote(
            str(row["id"]), fields, digest({**fields, "mark": [mark.uid, mark.rev]}), mark.uid or None, mark.rev or None,
            modified=moment(_stamp(words, row)), by=f"user {author}" if (author := words.author(row)) else None,
        )  # fmt: skip

    def _known_languages(self) -> Mapping[str, int]:
        if not self._languages:
            rows = self._api.read("ir.lang.search_read", [], 0, None, _BY_ID, ["code"])
            self._languages = {row["code"]: row["id"] for row in rows}
        return self._languages

    def _default_country(self) -> Any:
        """The prefix of new people's federation accounts; their code supposes that it is given."""
        if not self._country:
            self._country = [self._api.read("party.party.default_get", ["fed_country"]).get("fed_country")]
        return self._country[0]

    # Requests

    def _rows(self, words: Words, where: list[Any]) -> list[dict[str, Any]]:
        return self._search(words, where, ["id", *words.names], PAGE)

    def _search(
        self, words: Words, where: list[Any], names: Sequence[str], most: int, order: Sequence[Any] = _BY_ID
    ) -> list[dict[str, Any]]:  # fmt: skip
        """What is out of use is listed, too: that is how it is noticed."""
        found: list[dict[str, Any]] = self._api.read(
            f"{words.model}.search_read", where, 0, most, list(order), list(names), active_test=False
        )
        return found

    def _count(self, words: Words, where: list[Any]) -> int:
        return int(self._api.read(f"{words.model}.search_count", where, active_test=False))


def _stamp(words: Words, row: Mapping[str, Any]) -> str:
    """When the record was written or made last."""
    found = (str(when) for name in words.stamps for when in _values(row, name.split(".")) if when)
    return max(found, default=_FIRST)


def _values(row: Mapping[str, Any], path: Sequence[str]) -> list[Any]:
    """What stands at a dotted name: one value, or one for each of several records."""
    if len(path) == 1:
        return [row.get(path[0])]
    inner = row.get(f"{path[0]}.") or []
    return [value for one in (inner if isinstance(inner, list) else [inner]) for value in _values(one, path[1:])]


def _earlier(text: str) -> datetime:
    when = moment(text)
    return when if text == _FIRST else when - OVERLAP
