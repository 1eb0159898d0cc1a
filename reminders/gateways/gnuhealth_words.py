"""GNU Health's words for patients (``gnuhealth.patient`` with its ``party.party``) and visits (``gnuhealth.appointment``).

Its code reads values of what is to be created without asking whether they are there, so all that it reads are given.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from reminders.domain.connector import Write
from reminders.domain.crm import PATIENT, VISIT, Setting, System, join_name
from reminders.domain.sync import canonical_text
from reminders.gateways.gnuhealth_api import stamped
from reminders.gateways.jsonapi import canonical, e164, moment, parted

SYSTEM = System(
    "gnuhealth", "GNU Health",
    (
        Setting("url", "Address of the server, such as https://his.clinic.example"),
        Setting("database", "Name of the database", default="health"),
        Setting("user", "User name"),
        Setting("password", "Password", secret=True),
        Setting("region", "Country of phone numbers without a prefix (ISO 3166-1), such as ES", default=""),
        Setting(
            "service_field", "Field of the appointment for the service; empty: none", default="speciality",
            choices=("speciality", "consultations", ""),
        ),
        Setting(
            "cancelled_as", "State of visits cancelled here", default="center_cancelled",
            choices=("center_cancelled", "user_cancelled"),
        ),
    ),
    {
        PATIENT: frozenset({"name", "phone", "email", "language"}),
        VISIT: frozenset({"start", "end", "patient", "provider", "service", "status", "confirmed"}),
    },
    {PATIENT: "{url}/#{database}/model/gnuhealth.patient/{id}", VISIT: "{url}/#{database}/model/gnuhealth.appointment/{id}"},
)  # fmt: skip
_STATES = {
    "confirmed": "booked", "checked_in": "arrived", "done": "fulfilled", "user_cancelled": "cancelled",
    "center_cancelled": "cancelled", "no_show": "noshow",
}  # fmt: skip
_LINE = re.compile(r"\n*\[reminders (\S+) ([^\s/]+)/(\w*)(, confirmed)?\]")
_CODE = re.compile(r"reminders:(\S+) (\S+)")
_PHONES, _MAILS = ("mobile", "phone"), ("email",)

Row = Mapping[str, Any]


class Mark(NamedTuple):
    """What a record carries of us: our id, the marker of our last write, and what it said."""

    uid: str = ""
    rev: str = ""
    status: str = ""
    confirmed: bool = False


class Words(Protocol):
    """How one kind of thing looks there."""

    @property
    def model(self) -> str: ...

    @property
    def names(self) -> Sequence[str]:
        """Fields to read."""
        ...

    @property
    def stamps(self) -> Sequence[str]:
        """Fields that say when something was written or made. Some are empty until the first change."""
        ...

    def is_gone(self, row: Row, /) -> bool:
        """Whether it is none of our business any more."""
        ...

    def author(self, row: Row, /) -> int | None:
        """Who touched it last."""
        ...

    def versions(self, row: Row, /) -> dict[str, str]:
        """By record, the versions that a write to it is conditional on."""
        ...

    def mark(self, row: Row, /) -> Mark: ...

    def search(self, uid: str, /) -> list[Any]:
        """A condition that holds for what carries our id, and perhaps for more."""
        ...

    def read(self, row: Row, /) -> dict[str, Any]:
        """A record as canonical fields."""
        ...


class Patients:
    """Patients: what is known of a person belongs to the party."""

    model = "gnuhealth.patient"
    names = (
        "active", "party", "write_date", "create_date", "party.name", "party.lastname", "party.lang.code",
        "party.write_uid", "party.create_uid", "party.write_date", "party.create_date", "party._timestamp",
        "party.contact_mechanisms.type", "party.contact_mechanisms.value", "party.contact_mechanisms.write_date",
        "party.contact_mechanisms.create_date", "party.identifiers.code",
    )  # fmt: skip
    stamps = (
        "write_date", "create_date", "party.write_date", "party.create_date", "party.contact_mechanisms.write_date",
        "party.contact_mechanisms.create_date",
    )  # fmt: skip

    def __init__(self, settings: Mapping[str, str]) -> None:
        self._region = settings["region"]

    def is_gone(self, row: Row) -> bool:
        return not row["active"] or not row.get("party.")

    def author(self, row: Row) -> int | None:
        number: int | None = row["party."].get("write_uid") or row["party."].get("create_uid")
        return number

    def versions(self, row: Row) -> dict[str, str]:
        return {f"party.party,{row['party']}": row["party."]["_timestamp"]}

    def mark(self, row: Row) -> Mark:
        found = _ours(row)
        return Mark(found[1], found[2]) if found else Mark()

    def search(self, uid: str) -> list[Any]:
        return ["party.identifiers.code", "like", f"reminders:{uid} %"]

    def read(self, row: Row) -> dict[str, Any]:
        party = row["party."]
        phone, mail = _first(row, _PHONES), _first(row, _MAILS)
        return {
            "name": canonical_text(join_name(party.get("name"), party.get("lastname"))),
            "phone": e164(phone["value"], self._region) if phone else "",
            "email": canonical_text(mail["value"]) if mail else "",
            "language": ((party.get("lang.") or {}).get("code") or "").replace("_", "-"),
        }

    def person(self, write: Write, languages: Mapping[str, int], country: Any) -> dict[str, Any]:
        """The party to create; the patient comes with it."""
        return {
            "is_person": True, "is_patient": True, "create_target": True, "gender": "u", "fed_country": country,
            "name": "", "lastname": "", **self.values(write, {}, languages),
        }  # fmt: skip

    def values(self, write: Write, row: Row, languages: Mapping[str, int]) -> dict[str, Any]:
        """What to write to the party, given the patient as it is."""
        fields, changed, party = write.fields, write.changed, row.get("party.") or {}
        values: dict[str, Any] = {}
        if "name" in changed:  # both together, else the other part of the official name would be emptied
            values["name"], values["lastname"] = parted(fields["name"], party.get("lastname") or "")
            if not values["name"]:
                values["name"], values["lastname"] = values["lastname"], ""
        if "language" in changed and (not fields["language"] or fields["language"].replace("-", "_") in languages):
            values["lang"] = languages.get(fields["language"].replace("-", "_"))
        kinds = {"phone": _PHONES, "email": _MAILS}
        todo = [_contact(row, kinds[name], fields[name]) for name in ("phone", "email") if name in changed]
        todo = [one for one in todo if one]
        if todo:
            values["contact_mechanisms"] = todo
        return values | {"identifiers": [_identifier(row, f"reminders:{write.uid} {write.rev}")]}


class Visits:
    """Appointments. ``ends``: whether they have an end, which comes with the module ``health_calendar``."""

    model = "gnuhealth.appointment"
    stamps = ("write_date", "create_date")

    def __init__(self, settings: Mapping[str, str]) -> None:
        self.ends = True
        self._service = settings["service_field"]
        self._write = {status: state for state, status in _STATES.items() if status != "cancelled"}
        self._write |= {"pending": "confirmed", "cancelled": settings["cancelled_as"]}

    @property
    def names(self) -> tuple[str, ...]:
        extra = (*(("appointment_date_end",) if self.ends else ()), *((self._service,) if self._service else ()))
        return (
            "name", "patient", "healthprof", "appointment_date", "state", "comments", "write_uid", "create_uid",
            "write_date", "create_date", "_timestamp", *extra,
        )  # fmt: skip

    def is_gone(self, row: Row) -> bool:
        """A time that is free for anybody is no visit."""
        return row["state"] == "free" or not row["patient"]

    def author(self, row: Row) -> int | None:
        number: int | None = row["write_uid"] or row["create_uid"]
        return number

    def versions(self, row: Row) -> dict[str, str]:
        return {f"{self.model},{row['id']}": row["_timestamp"]}

    def mark(self, row: Row) -> Mark:
        found = _LINE.search(row["comments"] or "")
        return Mark(found[1], found[2], found[3], bool(found[4])) if found else Mark()

    def search(self, uid: str) -> list[Any]:
        return ["comments", "like", f"%[reminders {uid} %"]

    def read(self, row: Row) -> dict[str, Any]:
        mark = self.mark(row)
        fields: dict[str, Any] = {
            "patient": _id(row["patient"]), "provider": _id(row["healthprof"]), "confirmed": mark.confirmed,
            "status": self._status(row["state"], mark.status),
        }  # fmt: skip
        for name, word in (("start", "appointment_date"), ("end", "appointment_date_end")):
            when = canonical(row.get(word))
            if when:
                fields[name] = when
        if self._service:
            fields["service"] = _id(row[self._service])
        return fields

    def new(self, write: Write) -> dict[str, Any]:
        """The appointment to create."""
        given = dict.fromkeys(("patient", "healthprof", "appointment_date", "comments"))
        return {**given, "state": "confirmed", **self.values(write, {})}

    def values(self, write: Write, row: Row) -> dict[str, Any]:
        """What to write, given the appointment as it is. Nothing that stands in the comments is changed but our line."""
        fields, changed = write.fields, write.changed
        values: dict[str, Any] = {}
        if changed & {"start", "end"}:  # one without the other could end before it begins
            values["appointment_date"] = stamped(moment(fields["start"]))
            if self.ends and fields.get("end"):
                values["appointment_date_end"] = stamped(moment(fields["end"]))
        if "status" in changed and not self._says(row.get("state"), fields["status"]):
            values["state"] = self._write[fields["status"]]
            if row.get("name"):  # a visit that is confirmed again would get a new number
                values["name"] = row["name"]
        words = {
            "patient": "patient",
            "provider": "healthprof",
            **({"service": self._service} if self._service else {}),
        }
        values |= {word: _number(fields[name]) for name, word in words.items() if name in changed and name in fields}
        text = _LINE.sub("", row.get("comments") or "").rstrip("\n")
        said = ", confirmed" if fields.get("confirmed") else ""
        line = f"[reminders {write.uid} {write.rev}/{fields.get('status') or ''}{said}]"
        return values | {"comments": f"{text}\n\n{line}".lstrip("\n")}

    def _status(self, state: str | None, ours: str) -> str:
        """Several statuses share a state: ours counts while the state is still the one we wrote."""
        return ours if ours and self._write.get(ours) == state else _STATES.get(state or "", "pending")

    def _says(self, state: str | None, status: str) -> bool:
        """A visit that the patient has called off there is not called off by the clinic."""
        return status == "cancelled" and _STATES.get(state or "") == status


def _ours(row: Row) -> re.Match[str] | None:
    found = (_CODE.fullmatch(one.get("code") or "") for one in _many(row, "identifiers."))
    return next((one for one in found if one), None)


def _identifier(row: Row, code: str) -> list[Any]:
    """Write our identifier, or add it."""
    for one in _many(row, "identifiers."):
        if _CODE.fullmatch(one.get("code") or ""):
            return ["write", [one["id"]], {"code": code}]
    return ["create", [{"code": code}]]


def _first(row: Row, kinds: Sequence[str]) -> Mapping[str, Any] | None:
    """The number or address that counts: kinds in their order, then the order there."""
    found = [one for kind in kinds for one in _many(row, "contact_mechanisms.") if one["type"] == kind and one["value"]]
    return found[0] if found else None


def _contact(row: Row, kinds: Sequence[str], value: str) -> list[Any]:
    """Change the one that counts, remove it, or add one; nothing to do: empty."""
    there = _first(row, kinds)
    if there is None:
        return ["create", [{"type": kinds[0], "value": value}]] if value else []
    return ["write", [there["id"]], {"value": value}] if value else ["delete", [there["id"]]]


def _many(row: Row, name: str) -> list[Any]:
    return list((row.get("party.") or {}).get(name) or [])


def _id(number: Any) -> str:
    return str(number) if number else ""


def _number(text: str) -> int | None:
    """An id there; what is none is not sent as one."""
    return int(text) if text.isdecimal() else None
