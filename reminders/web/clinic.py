"""/api/v1/locations, providers, services and reminder-policies."""

from __future__ import annotations

from typing import Any

from apiflask import APIBlueprint
from flask import Response
from pydantic import BaseModel

from reminders.domain.availability import WEEKDAYS
from reminders.services.catalogue import minutes
from reminders.store.clinic import Table
from reminders.store.tables import Location, Provider, ReminderPolicy, Service
from reminders.web import changesets, shown
from reminders.web.auth import ADMINS, DESK, READERS, allow
from reminders.web.context import actor, use_cases
from reminders.web.respond import answer, decode_cursor, encode_cursor, once
from reminders.web.schemas.base import Query
from reminders.web.schemas.clinic import (
    ExceptionIn,
    ExceptionOut,
    ExceptionPage,
    LocationChange,
    LocationIn,
    LocationOut,
    LocationPage,
    PolicyChange,
    PolicyIn,
    PolicyOut,
    PolicyPage,
    ProviderChange,
    ProviderIn,
    ProviderOut,
    ProviderPage,
    ServiceChange,
    ServiceIn,
    ServiceOut,
    ServicePage,
    Span,
)

_HELD: dict[int | str, dict[str, Any]] = {
    202: {
        "description": "Not changed yet: the change set that waits",
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/ChangeSetOut"}}},
    }
}
bp = APIBlueprint("clinic", __name__, url_prefix="/api/v1", tag="Clinic")


@bp.post("/locations")
@bp.input(LocationIn, arg_name="body")
@bp.output(LocationOut, status_code=201)
@allow(*ADMINS)
def add_location(body: LocationIn) -> Response:
    """Add a venue."""
    return answer(shown.location(use_cases().clinic.add_location(body.model_dump(), once())), 201)


@bp.get("/locations")
@bp.input(Query, location="query", arg_name="wanted")
@bp.output(LocationPage)
@allow(*READERS)
def list_locations(wanted: Query) -> Response:
    """Venues."""
    return _list(Location, wanted, shown.location)


@bp.get("/locations/<uid:item_id>")
@bp.output(LocationOut)
@allow(*READERS)
def get_location(item_id: str) -> Response:
    """One venue."""
    return answer(shown.location(use_cases().clinic.get(Location, item_id)))


@bp.patch("/locations/<uid:item_id>")
@bp.input(LocationChange, arg_name="body")
@bp.output(LocationOut)
@allow(*ADMINS)
def change_location(item_id: str, body: LocationChange) -> Response:
    """Change a venue. Visits already booked keep their moment in time."""
    return answer(
        shown.location(use_cases().clinic.change_location(item_id, _given(body, nullable={"phone", "holiday_region"})))
    )


@bp.post("/reminder-policies")
@bp.input(PolicyIn, arg_name="body")
@bp.output(PolicyOut, status_code=201)
@allow(*ADMINS)
def add_policy(body: PolicyIn) -> Response:
    """Add a reminder policy."""
    return answer(shown.policy(use_cases().clinic.add_policy(_policy_row(body), once())), 201)


@bp.get("/reminder-policies")
@bp.input(Query, location="query", arg_name="wanted")
@bp.output(PolicyPage)
@allow(*READERS)
def list_policies(wanted: Query) -> Response:
    """Reminder policies."""
    return _list(ReminderPolicy, wanted, shown.policy)


@bp.get("/reminder-policies/<uid:item_id>")
@bp.output(PolicyOut)
@allow(*READERS)
def get_policy(item_id: str) -> Response:
    """One reminder policy."""
    return answer(shown.policy(use_cases().clinic.get(ReminderPolicy, item_id)))


@bp.patch("/reminder-policies/<uid:item_id>")
@bp.input(PolicyChange, arg_name="body")
@bp.output(PolicyOut)
@bp.doc(responses=_HELD)
@allow(*ADMINS)
def change_policy(item_id: str, body: PolicyChange) -> Response:
    """Change a policy; visits already booked follow it.

    When they belong to more patients than ``REMINDERS_BLAST_RADIUS`` nothing changes yet: the answer is a change set.
    """
    edited = use_cases().change_sets.change_policy(item_id, _policy_row(body), actor())
    if edited.waiting is not None:
        return answer(changesets.show(edited.waiting), 202)
    return answer(shown.policy(edited.policy))


@bp.post("/providers")
@bp.input(ProviderIn, arg_name="body")
@bp.output(ProviderOut, status_code=201)
@allow(*ADMINS)
def add_provider(body: ProviderIn) -> Response:
    """Add someone who sees patients."""
    values = body.model_dump(include={"name", "location_id", "languages"})
    row = use_cases().clinic.add_provider(values, _spans(body.hours), _spans(body.breaks), once())
    return answer(shown.provider(row), 201)


@bp.get("/providers")
@bp.input(Query, location="query", arg_name="wanted")
@bp.output(ProviderPage)
@allow(*READERS)
def list_providers(wanted: Query) -> Response:
    """Providers with their weekly hours."""
    return _list(Provider, wanted, shown.provider)


@bp.get("/providers/<uid:item_id>")
@bp.output(ProviderOut)
@allow(*READERS)
def get_provider(item_id: str) -> Response:
    """One provider."""
    return answer(shown.provider(use_cases().clinic.get(Provider, item_id)))


@bp.patch("/providers/<uid:item_id>")
@bp.input(ProviderChange, arg_name="body")
@bp.output(ProviderOut)
@allow(*ADMINS)
def change_provider(item_id: str, body: ProviderChange) -> Response:
    """Change a provider. Visits already booked stay where they are."""
    values = {name: value for name, value in _given(body).items() if name not in {"hours", "breaks"}}
    hours = _spans(body.hours) if body.hours is not None else None
    breaks = _spans(body.breaks) if body.breaks is not None else None
    return answer(shown.provider(use_cases().clinic.change_provider(item_id, values, hours, breaks)))


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
    return answer(shown.exception(use_cases().clinic.add_exception(item_id, values, once())), 201)


@bp.get("/providers/<uid:item_id>/exceptions")
@bp.output(ExceptionPage)
@allow(*READERS)
def list_exceptions(item_id: str) -> Response:
    """Days that differ from the provider's week."""
    items = [shown.exception(row) for row in use_cases().clinic.exceptions(item_id)]
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
    return answer(shown.service(use_cases().clinic.add_service(values, body.provider_ids, once())), 201)


@bp.get("/services")
@bp.input(Query, location="query", arg_name="wanted")
@bp.output(ServicePage)
@allow(*READERS)
def list_services(wanted: Query) -> Response:
    """What can be booked."""
    return _list(Service, wanted, shown.service)


@bp.get("/services/<uid:item_id>")
@bp.output(ServiceOut)
@allow(*READERS)
def get_service(item_id: str) -> Response:
    """One service."""
    return answer(shown.service(use_cases().clinic.get(Service, item_id)))


@bp.patch("/services/<uid:item_id>")
@bp.input(ServiceChange, arg_name="body")
@bp.output(ServiceOut)
@bp.doc(responses=_HELD)
@allow(*ADMINS)
def change_service(item_id: str, body: ServiceChange) -> Response:
    """Change a service. Visits already booked keep their length, and follow another ``reminder_policy_id``.

    When they belong to more patients than ``REMINDERS_BLAST_RADIUS`` the policy is not changed yet: everything else is,
    and the answer is a change set.
    """
    values = {name: value for name, value in _given(body).items() if name != "provider_ids"}
    policy = values.pop("reminder_policy_id", None)
    waiting = use_cases().change_sets.switch_policy(item_id, policy, actor()) if policy else None
    changed = use_cases().clinic.change_service(item_id, _service_row(values), body.provider_ids)
    return answer(changesets.show(waiting), 202) if waiting is not None else answer(shown.service(changed))


def _list(table: Table, wanted: Query, show: Any) -> Response:
    after = decode_cursor(wanted.cursor, 1)
    rows = use_cases().clinic.listing(table, after[0] if after else 0, wanted.limit)
    following = encode_cursor([rows[wanted.limit - 1].id]) if len(rows) > wanted.limit else None
    return answer({"items": [show(row) for row in rows[: wanted.limit]], "next_cursor": following})


def _given(body: BaseModel, nullable: frozenset[str] | set[str] = frozenset()) -> dict[str, Any]:
    """The fields that were sent; null means "leave as it is" except where nothing is a value of its own."""
    sent = body.model_dump(include=body.model_fields_set)
    return {name: value for name, value in sent.items() if value is not None or name in nullable}


def _spans(spans: list[Span]) -> list[dict[str, int]]:
    return [
        {"weekday": WEEKDAYS.index(span.weekday), "start_minute": minutes(span.start), "end_minute": minutes(span.end)}
        for span in spans
    ]


def _service_row(values: dict[str, Any]) -> dict[str, Any]:
    if "value" in values:
        value = values.pop("value")
        values |= {"value_amount": value["amount"], "value_currency": value["currency"]} if value else {
            "value_amount": None, "value_currency": None,
        }  # fmt: skip
    return values


def _policy_row(body: PolicyIn | PolicyChange) -> dict[str, Any]:
    # fields of the policy that were not sent stay as they are; those of its steps get their defaults
    sent = body.model_dump(include=body.model_fields_set if isinstance(body, PolicyChange) else None)
    if "quiet_hours" in body.model_fields_set:
        own = sent["quiet_hours"]
        sent["quiet_hours"] = {"mode": "own", **own} if own else {"mode": "none"}
    elif isinstance(body, PolicyIn):
        sent["quiet_hours"] = {"mode": "country"}
    return {name: value for name, value in sent.items() if value is not None}
