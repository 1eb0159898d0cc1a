"""What a ``Schedule`` that another system writes (https://hl7.org/fhir/R4/schedule.html) can change of a provider."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from reminders.domain.fhir.shapes import SERVICE_SYSTEM, Resource, codes, moment, objects, target, uid_of
from reminders.errors import Invalid

_REFUSED = {
    "identifier": "Identifiers are kept of patients, appointments and slots.",
    "serviceCategory": "Say by serviceType what is offered.",
    "specialty": "Say by serviceType what is offered.",
    "comment": "There is no comment on a provider's agenda.",
}


@dataclass(frozen=True, slots=True)
class Agenda:
    """``services``: public ids of what the provider offers, ``None`` when nothing is said about it."""

    active: bool
    services: Sequence[str] | None


def read(resource: Resource, now: Mapping[str, Any]) -> Agenda:
    """What an update asks for. ``now``: the Schedule as it is shown, from which everything else is worked out and may
    not differ; ``Invalid`` names what does."""
    for name, why in _REFUSED.items():
        if name in resource:
            raise Invalid(why, field=f"Schedule.{name}")
    active = resource.get("active", True)
    if not isinstance(active, bool):
        raise Invalid("This is true or false.", field="Schedule.active")
    actors = [target(one) for one in objects(resource, "actor", "Schedule")]
    _same_people(actors, [target(one) for one in now["actor"]])
    _same_horizon(resource.get("planningHorizon"), now.get("planningHorizon"))
    return Agenda(active, _services(resource, actors))


def _same_people(actors: Sequence[tuple[str, str] | None], known: Sequence[tuple[str, str] | None]) -> None:
    """A schedule stays with its provider, and the provider at the location."""
    for actor in actors:
        if actor is None or (actor[0] != "HealthcareService" and actor not in known):
            raise Invalid("Whose agenda this is, and where, does not change here.", field="Schedule.actor")
    if known[0] not in actors:
        raise Invalid("An agenda has its Practitioner.", field="Schedule.actor")


def _services(resource: Resource, actors: Sequence[tuple[str, str] | None]) -> list[str] | None:
    by_actor = [uid_of(actor[1]) for actor in actors if actor is not None and actor[0] == "HealthcareService"]
    by_type = []
    for one in objects(resource, "serviceType", "Schedule"):
        mine = [uid_of(code) for system, code in codes(one, "Schedule.serviceType") if system == SERVICE_SYSTEM]
        if not mine:
            raise Invalid(f"What is offered is said by codes of {SERVICE_SYSTEM}.", field="Schedule.serviceType")
        by_type += mine
    if by_actor and by_type and set(by_actor) != set(by_type):
        raise Invalid("serviceType and the HealthcareServices say different things.", field="Schedule.serviceType")
    return list(dict.fromkeys(by_type or by_actor)) or None


def _same_horizon(given: Any, shown: Mapping[str, Any] | None) -> None:
    """It moves along with the day, so only its length is compared."""
    if given is None:
        return
    if shown is None or not isinstance(given, Mapping) or _days(given) != _days(shown):
        raise Invalid(
            "How far ahead is booked is set for each service, and counts from now.", field="Schedule.planningHorizon"
        )


def _days(period: Mapping[str, Any]) -> int | None:
    start, end = (moment(period.get(name), f"Schedule.planningHorizon.{name}") for name in ("start", "end"))
    return None if start is None or end is None else round((end - start) / timedelta(days=1))
