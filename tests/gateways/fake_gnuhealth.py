"""A GNU Health as it was met: Tryton's JSON-RPC with its sessions, domains, dotted fields and nested writes, errors with
status 200, no time of change until the first one, and code that raises ``KeyError`` for what it is not given."""

from __future__ import annotations

import itertools
import json
from base64 import b64encode
from collections import defaultdict
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import phonenumbers

from tests.gateways.fake_system import Asked, FakeSystem, Said

USER, PASSWORD, ME, SOMEBODY = "reminders", "correct horse", 7, 2
PARTY, PATIENT, VISIT = "party.party", "gnuhealth.patient", "gnuhealth.appointment"
MECHANISM, IDENTIFIER, LANG, STAFF = (
    "party.contact_mechanism",
    "party.identifier",
    "ir.lang",
    "gnuhealth.healthprofessional",
)
_MANY = {"contact_mechanisms": MECHANISM, "identifiers": IDENTIFIER}
_ONE = {"party": PARTY, "lang": LANG}
_BLANK: Mapping[str, Mapping[str, Any]] = {
    PARTY: dict.fromkeys(("name", "lastname", "lang", "gender", "fed_country", "is_person", "is_patient", "create_target", "notes")),
    PATIENT: {"active": True, "party": None},
    VISIT: dict.fromkeys((
        "name", "patient", "healthprof", "appointment_date", "state", "comments", "speciality", "consultations", "urgency",
    )),
    MECHANISM: {"party": None, "type": None, "value": None}, IDENTIFIER: {"party": None, "code": None},
    LANG: {"code": None}, STAFF: {"rec_name": None},
}  # fmt: skip
_OPERATORS: Mapping[str, Callable[[Any, Any], bool]] = {
    "=": lambda there, value: there == value, "!=": lambda there, value: there != value,
    "in": lambda there, value: there in value, ">": lambda there, value: there is not None and there > value,
    ">=": lambda there, value: there is not None and there >= value, "<=": lambda there, value: there is not None and there <= value,
    "like": lambda there, value: there is not None and value.strip("%") in there,
}  # fmt: skip
Row = dict[str, Any]


class _Error(Exception):
    """An error that is answered with status 200."""


class FakeGnuHealth(FakeSystem):
    """``rewrites``: numbers are stored in the international format. ``ends``: ``health_calendar`` is installed.
    ``meddles``: somebody edits what we write right after. ``raises``: the error of the next write."""

    def __init__(self, *, rewrites: bool = False, ends: bool = True, meddles: bool = False) -> None:
        super().__init__()
        self.rewrites, self.ends, self.meddles = rewrites, ends, meddles
        self.raises: list[Any] | None = None
        self.rows: dict[str, dict[int, Row]] = {model: {} for model in _BLANK}
        self.parts: dict[tuple[str, int], dict[int, Row]] = defaultdict(dict)  # of a party, by kind
        self.sessions: set[str] = set()
        self._numbers = {model: itertools.count(1) for model in _BLANK}
        self._serial, self._by = itertools.count(1), SOMEBODY
        for code in ("en", "es", "fr", "pt_BR"):
            self.add(LANG, {"code": code})
        self.add(STAFF, {"rec_name": "Vega, Eva"})

    # People and we

    def add(self, model: str, values: Mapping[str, Any]) -> Row:
        """Make a record as Tryton does."""
        number = next(self._numbers[model])
        row = {**_BLANK[model], "id": number, "create_date": self.clock.now(), "create_uid": self._by}
        if model == VISIT and self.ends:
            row["appointment_date_end"] = None
        self.rows[model][number] = {**row, "write_date": None, "write_uid": None}
        self._set(model, self.rows[model][number], values)
        return self.rows[model][number]

    def edit(self, model: str, number: int, values: Mapping[str, Any]) -> None:
        """Change a record as Tryton does."""
        row = self.rows[model][number]
        self._set(model, row, values)
        row["write_date"], row["write_uid"] = self.clock.now(), self._by

    def add_person(self, values: Mapping[str, Any]) -> Row:
        """A party, and its patient."""
        party = self.add(PARTY, values)
        return (
            self.add(PATIENT, {"party": party["id"]}) if values.get("create_target") and values["is_patient"] else party
        )

    def remove(self, model: str, number: int) -> None:
        row = self.rows[model].pop(number)
        if model in _MANY.values():
            del self.parts[model, row["party"]][number]

    def _set(self, model: str, row: Row, values: Mapping[str, Any]) -> None:
        for name, value in values.items():
            if name in _MANY:
                self._nested(_MANY[name], row, value)
            else:
                assert name in row, name
                row[name] = value
        if model == MECHANISM and self.rewrites and row["type"] != "email":
            number = phonenumbers.parse(row["value"])
            row["value"] = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.INTERNATIONAL)
        row["_timestamp"] = str(next(self._serial))

    def _nested(self, model: str, parent: Row, actions: list[Any]) -> None:
        for action in actions:
            if action[0] == "create":
                for values in action[1]:
                    made = self.add(model, {**values, "party": parent["id"]})
                    self.parts[model, parent["id"]][made["id"]] = made
            for number in action[1] if action[0] != "create" else ():
                assert self.rows[model][number]["party"] == parent["id"]
                if action[0] == "write":
                    self.edit(model, number, action[2])
                else:
                    self.remove(model, number)

    # The API

    def answer(self, asked: Asked) -> Said:
        if asked.path != "/health/":
            return Said(404, "<h1>Not Found</h1>")
        body = asked.json()
        name, params = body["method"], _decoded(body["params"])
        if name == "common.db.login":
            return self._login(body["id"], params)
        session = asked.headers.get("authorization", "").removeprefix("Session ")
        if session not in self.sessions:
            return Said(401, "<h1>Unauthorized</h1>")
        model, _, method = name.removeprefix("model.").rpartition(".")
        self._by = ME
        try:
            result = getattr(self, f"_{method}")(model, *params)
        except _Error as problem:
            return Said(body={"id": body["id"], "error": problem.args[0]})
        except KeyError as problem:
            return Said(body={"id": body["id"], "error": [str(problem), ""]})
        finally:
            self._by = SOMEBODY
        return Said(body=json.dumps({"id": body["id"], "result": result}, default=_encoded))

    def _login(self, number: int, params: list[Any]) -> Said:
        if params != [USER, {"password": PASSWORD}]:
            return Said(401, "<h1>Unauthorized</h1>")
        key = f"key{next(self._serial)}"
        session = f"{USER}:{ME}:{key}"
        self.sessions.add(b64encode(session.encode()).decode())
        return Said(body={"id": number, "result": [ME, key]})

    def _search_read(
        self, model: str, where: list[Any], start: int, most: int | None, order: list[Any], names: list[str], context: Any
    ) -> list[Row]:  # fmt: skip
        rows = self._found(model, where, context)
        ((key, way),) = order
        rows.sort(key=lambda row: max(map(str, self._values(model, row, key))), reverse=way == "DESC")
        if key == "id":
            rows.sort(key=lambda row: int(row["id"]), reverse=way == "DESC")
        return [self._shown(model, row, names) for row in rows[start : None if most is None else start + most]]

    def _search_count(self, model: str, where: list[Any], context: Any) -> int:
        return len(self._found(model, where, context))

    def _fields_get(self, model: str, names: list[str], _context: Any) -> Row:
        return {name: {} for name in names if name in _BLANK[model] or (self.ends and name == "appointment_date_end")}

    def _default_get(self, _model: str, names: list[str], _context: Any) -> Row:
        return dict.fromkeys(names)

    def _create(self, model: str, many: list[Row], _context: Any) -> list[int]:
        self._fail()
        if model == PARTY:
            if len(many) > 1:
                raise _Error(["UNIQUE constraint failed: party_party.ref", ""])
            if not many[0]["gender"]:
                raise _Error(["UserError", ["A value is required for field Gender.", "", None]])
            _ = many[0]["fed_country"]
            return [self.add_person(many[0])["party"]]
        for values in many:
            if values["state"] == "confirmed" and not values.get("name"):
                values["name"] = f"APPT {next(self._serial)}"
            _ = values["healthprof"], values["patient"], values["comments"], values["appointment_date"]
        for values in many:
            self._check_end(values)
        made = [int(self.add(model, values)["id"]) for values in many]
        self._meddle(model, made)
        return made

    def _write(self, model: str, numbers: list[int], values: Row, context: Any) -> None:
        self._fail()
        for number in numbers:
            self._check_version(model, number, context)
            if model == VISIT:
                if values.get("state") == "confirmed" and not values.get("name"):
                    values["name"] = f"APPT {next(self._serial)}"
                self._check_end({**self.rows[model][number], **values})
            self.edit(model, number, values)
        self._meddle(model, numbers)

    def _delete(self, model: str, numbers: list[int], context: Any) -> None:
        self._fail()
        for number in numbers:
            self._check_version(model, number, context)
            self.remove(model, number)

    # How it works inside

    def _fail(self) -> None:
        if self.raises is not None:
            error, self.raises = self.raises, None
            raise _Error(error)

    def _meddle(self, model: str, numbers: list[int]) -> None:
        self._by = SOMEBODY
        for number in numbers if self.meddles and model == VISIT else ():
            self.edit(model, number, {"urgency": "b"})

    def _check_end(self, values: Mapping[str, Any]) -> None:
        end = values.get("appointment_date_end")
        if end and end < values["appointment_date"]:
            raise _Error(["UserError", ["The end date is before the start.", "", None]])

    def _check_version(self, model: str, number: int, context: Mapping[str, Any]) -> None:
        wanted = context.get("_timestamp", {}).get(f"{model},{number}")
        if wanted is not None and wanted != self.rows[model][number]["_timestamp"]:
            raise _Error(["ConcurrencyException", "Records were modified in the meanwhile"])

    def _found(self, model: str, where: list[Any], context: Mapping[str, Any]) -> list[Row]:
        rows = list(self.rows[model].values())
        if context.get("active_test", True) and "active" in _BLANK[model]:
            rows = [row for row in rows if row["active"]]
        return [row for row in rows if self._holds(model, row, where)]

    def _holds(self, model: str, row: Row, where: list[Any]) -> bool:
        if where and isinstance(where[0], str) and where[0] != "OR":
            name, operator, value = where
            return any(_OPERATORS[operator](there, value) for there in self._values(model, row, name))
        if where and where[0] == "OR":
            return any(self._holds(model, row, one) for one in where[1:])
        return all(self._holds(model, row, one) for one in where)

    def _related(self, row: Row, head: str) -> list[Row]:
        if head in _MANY:
            return list(self.parts[_MANY[head], row["id"]].values())
        there = self.rows[_ONE[head]].get(row[head] or 0)
        return [there] if there else []

    def _values(self, model: str, row: Row, name: str) -> list[Any]:
        head, _, rest = name.partition(".")
        if not rest:
            return [row[head]]
        return [value for one in self._related(row, head) for value in self._values(model, one, rest)]

    def _shown(self, model: str, row: Row, names: list[str]) -> Row:
        shown: Row = {"id": row["id"]}
        for name in names:
            head, _, rest = name.partition(".")
            if not rest:
                shown[head] = row[head]
                continue
            inner = [one.partition(".")[2] for one in names if one.startswith(f"{head}.")]
            found = [self._shown(model, one, inner) for one in self._related(row, head)]
            shown[f"{head}."] = found if head in _MANY else next(iter(found), None)
        return shown


def _decoded(value: Any) -> Any:
    if isinstance(value, list):
        return [_decoded(one) for one in value]
    if not isinstance(value, dict):
        return value
    if value.get("__class__") == "datetime":
        return _moment(value)
    return {name: _decoded(one) for name, one in value.items()}


def _moment(value: Mapping[str, int]) -> datetime:
    parts = [value[name] for name in ("year", "month", "day", "hour", "minute", "second", "microsecond")]
    return datetime(*parts, tzinfo=UTC)  # type: ignore[arg-type,misc]


def _encoded(when: datetime) -> dict[str, Any]:
    names = ("year", "month", "day", "hour", "minute", "second", "microsecond")
    return {"__class__": "datetime", **{name: getattr(when, name) for name in names}}
