"""Fills the peer's database and counts in it: ``python -m django_appointment.seed fill|count``, JSON in, JSON out.

fill: {"providers", "days", "first_day", "opens", "closes", "minutes", "booked_starts", "clients"}; prints the ids of
the service and the staff and one session cookie per client.
count: {"staff_id", "date", "start"}, or {} for all; prints how many appointments hold that slot.
"""

from __future__ import annotations

import json
import logging
import os
import sys
from datetime import date, datetime, time, timedelta
from typing import Any

import django
from django.apps import apps
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY, get_user_model
from django.contrib.auth.hashers import make_password
from django.contrib.sessions.backends.db import SessionStore
from django.core.management import call_command

BATCH = 2000


def fill(plan: dict[str, Any]) -> dict[str, Any]:
    """Staff working ``opens`` to ``closes`` every day, ``clients`` logged-in people, ``booked_starts`` taken."""
    call_command("migrate", run_syncdb=True, verbosity=0)
    service = apps.get_model("appointment", "Service").objects.create(
        name="Visit", duration=timedelta(minutes=plan["minutes"]), price=0
    )
    staff = _staff(plan, service)
    clients = _people("client", plan["clients"])
    _book(plan, service, staff, clients)
    return {
        "service_id": service.pk,
        "staff_ids": [one.pk for one in staff],
        "sessions": [_session(one) for one in clients],
    }


def _people(prefix: str, count: int) -> list[Any]:
    model = get_user_model()
    password = make_password("measurement")
    model.objects.bulk_create(
        model(
            username=f"{prefix}{n}",
            first_name=prefix.title(),
            last_name=str(n),
            email=f"{prefix}{n}@example.org",
            password=password,
        )
        for n in range(count)
    )
    return list(model.objects.filter(username__startswith=prefix).order_by("pk"))


def _staff(plan: dict[str, Any], service: Any) -> list[Any]:
    model, hours = (apps.get_model("appointment", name) for name in ("StaffMember", "WorkingHours"))
    opens, closes = time.fromisoformat(plan["opens"]), time.fromisoformat(plan["closes"])
    staff = []
    for user in _people("staff", plan["providers"]):
        one = model.objects.create(user=user, slot_duration=plan["minutes"])
        one.services_offered.add(service)
        for weekday in range(7):
            hours.objects.create(staff_member=one, day_of_week=weekday, start_time=opens, end_time=closes)
        staff.append(one)
    return staff


def _book(plan: dict[str, Any], service: Any, staff: list[Any], clients: list[Any]) -> None:
    requests, visits = (apps.get_model("appointment", name) for name in ("AppointmentRequest", "Appointment"))
    first = date.fromisoformat(plan["first_day"])
    length = timedelta(minutes=plan["minutes"])
    wanted = [
        requests(
            date=first + timedelta(days=day),
            start_time=(datetime.combine(first, time.fromisoformat(start))).time(),
            end_time=(datetime.combine(first, time.fromisoformat(start)) + length).time(),
            service=service,
            staff_member=member,
            id_request=f"seed-{member.pk}-{day}-{start}",
        )
        for member in staff
        for day in range(plan["days"])
        for start in plan["booked_starts"]
    ]
    requests.objects.bulk_create(wanted, batch_size=BATCH)
    stored = requests.objects.order_by("pk").iterator(chunk_size=BATCH)
    visits.objects.bulk_create(
        [
            visits(
                client=clients[n % len(clients)], appointment_request=one, id_request=one.id_request, amount_to_pay=0
            )
            for n, one in enumerate(stored)
        ],
        batch_size=BATCH,
    )


def _session(user: Any) -> str:
    session = SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.save()
    return str(session.session_key)


def count(slot: dict[str, Any]) -> dict[str, Any]:
    """How many appointments the database holds in one slot of one staff member, or in all."""
    columns = {"staff_id": "staff_member_id", "date": "date", "start": "start_time"}
    wanted = {f"appointment_request__{columns[key]}": value for key, value in slot.items()}
    return {"appointments": apps.get_model("appointment", "Appointment").objects.filter(**wanted).count()}


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "django_appointment.settings")
    logging.disable(logging.CRITICAL)
    django.setup()
    print(json.dumps({"fill": fill, "count": count}[sys.argv[1]](json.load(sys.stdin))))
