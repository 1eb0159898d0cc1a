"""Identifiers of other systems: whose they are, and creating something only once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from sqlalchemy import Connection

from reminders.domain.fhir.search import Token, Wanted
from reminders.errors import Invalid, Stale
from reminders.store import fhir
from reminders.store.engine import Database, Record

T = TypeVar("T")
_LONGEST = 255
Identifiers = Sequence[Mapping[str, Any]]
#: (the record, its identifiers as FHIR shows them)
Known = tuple[Record, list[dict[str, Any]]]


class SeveralMatch(Stale):
    """The condition of a conditional create or update holds for several records (412, as FHIR has it)."""

    code = "several_match"
    sentence = "Several records have this identifier; name the one you mean by its id."


def once(
    database: Database, find: Callable[[Connection], Sequence[T]], make: Callable[[Connection], T]
) -> tuple[T, bool]:
    """What ``find`` finds, else what ``make`` makes, in one transaction; and whether it was made.

    Two that create the same thing at once: the identifier is unique in the database, so one of them finds the other's.
    """
    try:
        return database.run(lambda tx: _once(tx, find, make))
    except fhir.IdentifierTaken:
        with database.read() as tx:
            found = _one(find(tx))
        if found is None:
            raise
        return found, False


def _once(tx: Connection, find: Callable[[Connection], Sequence[T]], make: Callable[[Connection], T]) -> tuple[T, bool]:
    found = _one(find(tx))
    return (make(tx), True) if found is None else (found, False)


def _one(found: Sequence[T]) -> T | None:
    if len(found) > 1:
        raise SeveralMatch()
    return found[0] if found else None


def wanted(token: Token | None) -> Wanted | None:
    """The search behind ``If-None-Exist``; two rows are enough to see that there are several."""
    return Wanted(tokens=((token,),), limit=1) if token else None


def with_identifiers(tx: Connection, resource: str, rows: Sequence[Record]) -> list[Known]:
    """Records with all their identifiers: those kept, and the one that came with an import."""
    kept = fhir.identifiers(tx, resource, [row.id for row in rows])
    return [(row, [*kept[row.id], *_imported(row)]) for row in rows]


def own(given: Identifiers) -> list[dict[str, Any]]:
    """The identifiers that are kept as they come: imported ones belong to their import, and what has no value
    identifies nothing. The same one is kept once."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for one in given:
        system, value = one.get("system", ""), one.get("value", "")
        if not isinstance(system, str) or not isinstance(value, str) or len(system) > _LONGEST or len(value) > _LONGEST:
            raise Invalid(f"System and value of an identifier are texts of at most {_LONGEST}.", field="identifier")
        if value and not system.startswith(fhir.SOURCE_SYSTEM):
            found.setdefault((system, value), dict(one))
    return list(found.values())


def _imported(row: Record) -> list[dict[str, Any]]:
    if not row.source or not row.external_id:
        return []
    return [{"system": fhir.SOURCE_SYSTEM + row.source, "value": row.external_id}]
