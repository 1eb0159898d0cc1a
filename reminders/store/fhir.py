"""Searches as FHIR asks for them, and the identifiers that other systems gave to our patients and visits."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, delete, func, insert, literal, or_, select, tuple_
from sqlalchemy.exc import IntegrityError

from reminders.domain.fhir.search import EXACT, PART, Key, Span, Token, Wanted
from reminders.errors import Conflict
from reminders.store.appointments import VISIT
from reminders.store.engine import Record
from reminders.store.patients import TABLE as PATIENT
from reminders.store.tables import Appointment, FhirIdentifier, Patient

#: Where an identifier belongs that came with an import and not through FHIR: the name of its source follows.
SOURCE_SYSTEM = "urn:reminders:source:"
_TABLE: Any = FhirIdentifier.__table__


class IdentifierTaken(Conflict):
    """Another patient or visit carries this identifier."""

    code = "identifier_taken"
    sentence = "Another record has this identifier already."


def identifiers(tx: Connection, resource: str, numbers: Sequence[int]) -> dict[int, list[dict[str, Any]]]:
    """The identifiers of these records as they came, by the number of the record."""
    found: dict[int, list[dict[str, Any]]] = defaultdict(list)
    if numbers:
        query = select(_TABLE).where(_TABLE.c.resource == resource, _TABLE.c.number.in_(numbers))
        for row in tx.execute(query.order_by(_TABLE.c.number, _TABLE.c.place)):
            found[row.number].append(row.body)
    return found


def keep(tx: Connection, resource: str, number: int, bodies: Sequence[Mapping[str, Any]]) -> bool:
    """Replace the identifiers of a record; True when that changes anything. ``IdentifierTaken`` when one of them is
    another record's."""
    if identifiers(tx, resource, [number])[number] == [dict(body) for body in bodies]:
        return False
    tx.execute(delete(_TABLE).where(_TABLE.c.resource == resource, _TABLE.c.number == number))
    rows = [
        {"resource": resource, "number": number, "place": place, "system": body.get("system", ""),
         "value": body.get("value", ""), "body": dict(body)}
        for place, body in enumerate(bodies)
    ]  # fmt: skip
    try:
        if rows:
            tx.execute(insert(_TABLE), rows)
    except IntegrityError as problem:
        raise IdentifierTaken() from problem
    return True


def patients(tx: Connection, wanted: Wanted) -> Sequence[Record]:
    """One page and one row more."""
    columns = {Key.NUMBER: PATIENT.c.id, Key.UPDATED: PATIENT.c.updated_at, Key.NAME: PATIENT.c.name}
    return tx.execute(_page(select(PATIENT).where(*_of_patients(wanted)), wanted, columns, PATIENT.c.id)).all()


def visits(tx: Connection, wanted: Wanted) -> Sequence[Record]:
    """One page and one row more."""
    columns = {Key.NUMBER: Appointment.id, Key.UPDATED: Appointment.updated_at, Key.DATE: Appointment.start_at}
    return tx.execute(_page(VISIT.where(*_of_visits(wanted)), wanted, columns, Appointment.id)).all()


def count_patients(tx: Connection, wanted: Wanted) -> int:
    return tx.execute(select(func.count()).select_from(PATIENT).where(*_of_patients(wanted))).scalar_one()


def count_visits(tx: Connection, wanted: Wanted) -> int:
    return tx.execute(
        select(func.count()).select_from(Appointment).join(Patient).where(*_of_visits(wanted))
    ).scalar_one()  # fmt: skip


def _page(query: Select[Any], wanted: Wanted, columns: Mapping[Key, Any], number: Any) -> Select[Any]:
    column = columns[wanted.sort]
    order = [column, number] if column is not number else [number]
    if wanted.after is not None:
        values = [literal(value, one.type) for value, one in zip(wanted.after[-len(order) :], order, strict=True)]
        here, there = tuple_(*order), tuple_(*values)
        query = query.where(here < there if wanted.descending else here > there)
    return query.order_by(*(one.desc() if wanted.descending else one for one in order)).limit(wanted.limit + 1)


def _of_patients(wanted: Wanted) -> list[ColumnElement[bool]]:
    conditions = [*_common(wanted, "Patient", PATIENT), PATIENT.c.merged_into.is_(None)]
    lowered = func.lower(PATIENT.c.name)
    conditions += [or_(*(_named(lowered, mode, text) for mode, text in group)) for group in wanted.names]
    conditions += [PATIENT.c.phone.in_(group) for group in wanted.phones]
    conditions += [func.lower(PATIENT.c.email).in_([one.lower() for one in group]) for group in wanted.emails]
    conditions += [
        or_(PATIENT.c.phone.in_(group), func.lower(PATIENT.c.email).in_([one.lower() for one in group]))
        for group in wanted.addresses
    ]
    return conditions


def _named(lowered: ColumnElement[str], mode: str, text: str) -> ColumnElement[bool]:
    """FHIR's search by text: at the beginning of a word unless told otherwise, without regard to case."""
    text = text.lower()
    if mode == EXACT:
        return lowered == text
    if mode == PART:
        return lowered.contains(text, autoescape=True)
    return or_(lowered.startswith(text, autoescape=True), lowered.contains(f" {text}", autoescape=True))


def _of_visits(wanted: Wanted) -> list[ColumnElement[bool]]:
    table = Appointment.__table__
    conditions = _common(wanted, "Appointment", table)
    conditions += [_within(table.c.start_at, span) for span in wanted.dates]
    conditions += [or_(*(_in_status(one) for one in group)) for group in wanted.statuses]
    conditions += [Patient.uid.in_(group) for group in wanted.patients]
    conditions += [table.c.provider_id.in_(group) for group in wanted.providers]
    conditions += [table.c.location_id.in_(group) for group in wanted.locations]
    conditions += [table.c.service_id.in_(group) for group in wanted.services]
    for group in wanted.actors:
        by_kind = [
            (Patient.uid, group.patients), (table.c.provider_id, group.providers),
            (table.c.location_id, group.locations), (table.c.service_id, group.services),
        ]  # fmt: skip
        conditions.append(or_(*(column.in_(ids) for column, ids in by_kind)))
    return conditions


def _in_status(status: str) -> ColumnElement[bool]:
    """Visits that were a mistake are kept as cancelled ones, with this word as the reason."""
    mistake = func.coalesce(Appointment.cancel_reason, "") == "entered-in-error"
    if status == "entered-in-error":
        return and_(Appointment.status == "cancelled", mistake)
    if status == "cancelled":
        return and_(Appointment.status == "cancelled", ~mistake)
    return Appointment.status == status


def _common(wanted: Wanted, resource: str, table: Any) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = [table.c.uid.in_(group) for group in wanted.uids]
    conditions += [_within(table.c.updated_at, span) for span in wanted.updated]
    for group in wanted.tokens:
        conditions.append(or_(*(_identified(token, resource, table) for token in group)))
    return conditions


def _within(column: Any, span: Span) -> ColumnElement[bool]:
    parts: Iterable[Any] = (
        column >= span.since if span.since is not None else None,
        column < span.until if span.until is not None else None,
    )
    return and_(*(part for part in parts if part is not None))


def carriers(token: Token, resource: str) -> Select[Any]:
    """Numbers of the records to which somebody gave this identifier."""
    given = select(_TABLE.c.number).where(_TABLE.c.resource == resource)
    if token.system is not None:
        given = given.where(_TABLE.c.system == token.system)
    return given.where(_TABLE.c.value == token.value) if token.value else given


def _identified(token: Token, resource: str, table: Any) -> ColumnElement[bool]:
    imported = [table.c.external_id == token.value] if token.value else [table.c.external_id.is_not(None)]
    if token.system is not None:
        imported.append(table.c.source == token.system.removeprefix(SOURCE_SYSTEM))
        imported.append(literal(token.system.startswith(SOURCE_SYSTEM)))
    return or_(table.c.id.in_(carriers(token, resource)), and_(*imported))
