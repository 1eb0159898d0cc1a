"""/api/v1/locations, providers, services and reminder-policies."""

from __future__ import annotations

from typing import Any

from apiflask import APIBlueprint
from flask import Response
from pydantic import BaseModel

from reminders.domain.availability import WEEKDAYS
from reminders.services.catalogue import minutes
from reminders.store.clinic import Table
from reminders.store.engine import Record
from reminders.store.tables import Location, Provider, ReminderPolicy, Service
from reminders.web.auth import ADMINS, DESK, READERS, allow
from reminders.web.context import use_cases
from reminders.web.respond import answer, decode_cursor, encode_cursor, once
from reminders.web.schemas.base import Query
from reminders.web.schemas.clinic import (
    ExceptionIn,
    ExceptionOut,
    LocationChange,
    LocationIn,
    LocationOut,
    PolicyChange,
    PolicyIn,
    PolicyOut,
    ProviderChange,
    ProviderIn,
    ProviderOut,
    ServiceChange,
    ServiceIn,
    ServiceOut,
    Span,
)

bp = APIBlueprint("clinic", __name__, url_prefix="/api/v1", tag="Clinic")


@bp.post("/locations")
@bp.input(LocationIn, arg_name="body")
@bp.output(LocationOut, status_code=201)
@allow(*ADMINS)
def add_location(body: LocationIn) -> Response:
    """Add a venue."""
    return answer(_location(use_cases().clinic.add_location(body.model_dump(), once())), 201)


@bp.get("/locations")
@bp.input(Query, location="query", arg_name="wanted")
@allow(*READERS)
def list_locations(wanted: Query) -> Response:
    """Venues."""
    return _list(Location, wanted, _location)


@bp.get("/locations/<uid:item_id>")
@bp.output(LocationOut)
@allow(*READERS)
def get_location(item_id: str) -> Response:
    """One venue."""
    return answer(_location(use_cases().clinic.get(Location, item_id)))


@bp.patch("/locations/<uid:item_id>")
@bp.input(LocationChange, arg_name="body")
@bp.output(LocationOut)
@allow(*ADMINS)
def change_location(item_id: str, body: LocationChange) -> Response:
    """Change a venue. Visits already booked keep their moment in time."""
    return answer(_location(use_cases().clinic.change_location(item_id, _given(body, nullable={"phone"}))))


@bp.post("/reminder-policies")
@bp.input(PolicyIn, arg_name="body")
@bp.output(PolicyOut, status_code=201)
@allow(*ADMINS)
def add_policy(body: PolicyIn) -> Response:
    """Add a reminder policy."""
    return answer(_policy(use_cases().clinic.add_policy(_policy_row(body), once())), 201)


@bp.get("/reminder-policies")
@bp.input(Query, location="query", arg_name="wanted")
@allow(*READERS)
def list_policies(wanted: Query) -> Response:
    """Reminder policies."""
    return _list(ReminderPolicy, wanted, _policy)


@bp.get("/reminder-policies/<uid:item_id>")
@bp.output(PolicyOut)
@allow(*READERS)
def get_policy(item_id: str) -> Response:
    """One reminder policy."""
    return answer(_policy(use_cases().clinic.get(ReminderPolicy, item_id)))


@bp.patch("/reminder-policies/<uid:item_id>")
@bp.input(PolicyChange, arg_name="body")
@bp.output(PolicyOut)
@allow(*ADMINS)
def change_policy(item_id: str, body: PolicyChange) -> Response:
    """Change a policy. It holds for visits booked or moved from now on."""
    return answer(_policy(use_cases().clinic.change_policy(item_id, _policy_row(body))))


@bp.post("/providers")
@bp.input(ProviderIn, arg_name="body")
@bp.output(ProviderOut, status_code=201)
@allow(*ADMINS)
def add_provider(body: ProviderIn) -> Response:
    """Add someone who sees patients."""
    values = body.model_dump(include={"name", "location_id", "languages"})
    row = use_cases().clinic.add_provider(values, _spans(body.hours), _spans(body.breaks), once())
    return answer(_provider(row), 201)


@bp.get("/providers")
@bp.input(Query, location="query", arg_name="wanted")
@allow(*READERS)
def list_providers(wanted: Query) -> Response:
    """Providers with their weekly hours."""
    return _list(Provider, wanted, _provider)


@bp.get("/providers/<uid:item_id>")
@bp.output(ProviderOut)
@allow(*READERS)
def get_provider(item_id: str) -> Response:
    """One provider."""
    return answer(_provider(use_cases().clinic.get(Provider, item_id)))


@bp.patch("/providers/<uid:item_id>")
@bp.input(ProviderChange, arg_name="body")
@bp.output(ProviderOut)
@allow(*ADMINS)
def change_provider(item_id: str, body: ProviderChange) -> Response:
    """Change a provider. Visits already booked stay where they are."""
    values = {name: value for name, value in _given(body).items() if name not in {"hours", "breaks"}}
    hours = _spans(body.hours) if body.hours is not None else None
    breaks = _spans(body.breaks) if body.breaks is not None else None
    return answer(_provider(use_cases().clinic.change_provider(item_id, values, hours, breaks)))


@bp.post("/providers/<uid:item_id>/exceptions")
@bp.input(ExceptionIn, arg_name="body")
@bp.output(ExceptionOut, status_code=201)
@allow(*DESK)
def add_exception(item_id: str, body: ExceptionIn) -> Response:
    """Leave, illness, or an extra day."""
    values = {
        "first_day": body.first_day, "last_day": body.last_day, "is_open": body.open, "note": body.note,
        "start_minute": minutes(body.start), "end_minute": minutes(body.end),
    }  # fmt: skip
    return answer(_exception(use_cases().clinic.add_exception(item_id, values, once())), 201)


@bp.get("/providers/<uid:item_id>/exceptions")
@allow(*READERS)
def list_exceptions(item_id: str) -> Response:
    """Days that differ from the provider's week."""
    items = [_exception(row) for row in use_cases().clinic.exceptions(item_id)]
    return answer({"items": items, "next_cursor": None})


@bp.delete("/providers/<uid:item_id>/exceptions/<uid:exception_id>")
@bp.output({}, status_code=204)
@allow(*DESK)
def remove_exception(item_id: str, exception_id: str) -> Response:
    """The provider is back, or the extra day is off."""
    use_cases().clinic.remove_exception(item_id, exception_id)
    return Response(status=204)


@bp.post("/services")
@bp.input(ServiceIn, arg_name="body")
@bp.output(ServiceOut, status_code=201)
@allow(*ADMINS)
def add_service(body: ServiceIn) -> Response:
    """Add something that can be booked."""
    values = _service_row(body.model_dump(exclude={"provider_ids"}))
    values["slot_minutes"] = values["slot_minutes"] or body.duration_minutes
    return answer(_service(use_cases().clinic.add_service(values, body.provider_ids, once())), 201)


@bp.get("/services")
@bp.input(Query, location="query", arg_name="wanted")
@allow(*READERS)
def list_services(wanted: Query) -> Response:
    """What can be booked."""
    return _list(Service, wanted, _service)


@bp.get("/services/<uid:item_id>")
@bp.output(ServiceOut)
@allow(*READERS)
def get_service(item_id: str) -> Response:
    """One service."""
    return answer(_service(use_cases().clinic.get(Service, item_id)))


@bp.patch("/services/<uid:item_id>")
@bp.input(ServiceChange, arg_name="body")
@bp.output(ServiceOut)
@allow(*ADMINS)
def change_service(item_id: str, body: ServiceChange) -> Response:
    """Change a service. Visits already booked keep their length."""
    values = {name: value for name, value in _given(body).items() if name != "provider_ids"}
    return answer(_service(use_cases().clinic.change_service(item_id, _service_row(values), body.provider_ids)))


def _list(table: Table, wanted: Query, show: Any) -> Response:
    after = decode_cursor(wanted.cursor, 1)
    rows = use_cases().clinic.listing(table, after[0] if after else 0, wanted.limit)
    following = encode_cursor([rows[wanted.limit - 1].id]) if len(rows) > wanted.limit else None
    return answer({"items": [show(row) for row in rows[: wanted.limit]], "next_cursor": following})


def _given(body: BaseModel, nullable: frozenset[str] | set[str] = frozenset()) -> dict[str, Any]:
    """The fields that were sent; null means "leave as it is" except where nothing is a value of its own."""
    sent = body.model_dump(exclude_unset=True)
    return {name: value for name, value in sent.items() if value is not None or name in nullable}


def _spans(spans: list[Span]) -> list[dict[str, int]]:
    return [
        {"weekday": WEEKDAYS.index(span.weekday), "start_minute": minutes(span.start), "end_minute": minutes(span.end)}
        for span in spans
    ]


def _wall(value: int) -> str:
    return f"{value // 60:02}:{value % 60:02}"


def _service_row(values: dict[str, Any]) -> dict[str, Any]:
    if "value" in values:
        value = values.pop("value")
        values |= {"value_amount": value["amount"], "value_currency": value["currency"]} if value else {
            "value_amount": None, "value_currency": None,
        }  # fmt: skip
    return values


def _policy_row(body: PolicyIn | PolicyChange) -> dict[str, Any]:
    sent = body.model_dump(exclude_unset=isinstance(body, PolicyChange))
    if "quiet_hours" in body.model_fields_set:
        own = sent["quiet_hours"]
        sent["quiet_hours"] = {"mode": "own", **own} if own else {"mode": "none"}
    elif isinstance(body, PolicyIn):
        sent["quiet_hours"] = {"mode": "country"}
    return {name: value for name, value in sent.items() if value is not None}


def _location(row: Record) -> dict[str, Any]:
    names = ("name", "time_zone", "country", "language", "currency", "phone", "observes_holidays", "holiday_region")
    return {"id": row.uid} | {name: getattr(row, name) for name in names}


def _policy(row: Record) -> dict[str, Any]:
    mode = row.quiet_hours["mode"]
    shown = {"quiet_hours": {"start": row.quiet_hours["start"], "end": row.quiet_hours["end"]}} if mode == "own" else {}
    source = {"own": "policy", "country": "country", "none": "none"}[mode]
    return {"id": row.uid, "name": row.name, "steps": row.steps, "notices": row.notices, "quiet_hours_from": source,
            **({"quiet_hours": None} if mode == "none" else shown)}  # fmt: skip


def _provider(row: Record) -> dict[str, Any]:
    provider = use_cases().catalogue.current().provider(row.uid)
    spans = {"hours": provider.timetable.hours, "breaks": provider.timetable.breaks}
    return {
        "id": row.uid, "name": row.name, "location_id": provider.location.uid, "languages": row.languages,
        "active": row.active,
        **{name: [{"weekday": WEEKDAYS[h.weekday], "start": _wall(h.start), "end": _wall(h.end)} for h in items]
           for name, items in spans.items()},
    }  # fmt: skip


def _exception(row: Record) -> dict[str, Any]:
    return {"id": row.uid, "first_day": row.first_day.isoformat(), "last_day": row.last_day.isoformat(),
            "open": row.is_open, "start": _wall(row.start_minute), "end": _wall(row.end_minute),
            "note": row.note}  # fmt: skip


def _service(row: Record) -> dict[str, Any]:
    place = use_cases().catalogue.current()
    service = place.service(row.uid)
    names = ("name", "duration_minutes", "buffer_before_minutes", "buffer_after_minutes", "slot_minutes",
             "min_notice_minutes", "horizon_days", "active")  # fmt: skip
    value = service.value
    return {"id": row.uid} | {name: getattr(row, name) for name in names} | {
        "value": {"amount": f"{value.amount:.2f}", "currency": value.currency} if value else None,
        "provider_ids": [place.provider_by_id[number].uid for number in sorted(service.provider_ids)],
        "reminder_policy_id": service.policy.uid if service.policy else None,
    }  # fmt: skip
