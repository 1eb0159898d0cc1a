"""Opens the demonstration: database, clinic, a past that was lived through, keys, and where to look."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from random import Random

from rich.console import Console

from reminders.clock import Clock, ManualClock, SystemClock
from reminders.demo.carrier import Carrier
from reminders.demo.clinic import CALL_BACK, CHECK_UP, DESK, NURSES, Clinic, open_clinic
from reminders.demo.past import HEAD_START, WEEKS_BACK, Past
from reminders.domain.actor import Role
from reminders.errors import ConfigurationError
from reminders.services.booking import Request
from reminders.services.slots import Search
from reminders.settings import Settings
from reminders.store import keys, schema
from reminders.store.engine import Database
from reminders.wiring.service import Service, build

#: What our keys are called, by which the next start finds and ends them.
LABEL = "demonstration"
#: Who signs in to the pages for managers.
MANAGER = "manager"
_SEED = 20
#: Rang the nurse line just now, so their phones are the first on which a reminder appears: a text in three languages,
#: and a call to the one who has a landline.
_CALLERS = ("José Hernández", "王秀英", "Walter Simmons", "Emily Carter")
_CALLED_BACK_IN = timedelta(minutes=15)
_BETWEEN_CALL_BACKS = timedelta(minutes=5)
#: The booking that is printed has to be possible for a while.
_SOME_TIME = timedelta(hours=26)


@dataclass(frozen=True, slots=True)
class Keys:
    """Shown once, as every key."""

    desk: str
    manager: str
    password: str


def prepare(settings: Settings, console: Console, public_url: str, clock: Clock | None = None) -> None:
    """Make ``settings.database_url`` ready for the server that is about to start, and say what there is to see.

    An empty database is filled, which takes some seconds; one that was filled before only gets new keys, and the old
    ones end. ``ConfigurationError`` when real credentials are set or when the database holds something else.
    """
    if not settings.sandboxed:
        raise ConfigurationError("The demonstration writes to invented people: unset TWILIO_ACCOUNT_SID first.")
    clock = clock or SystemClock()
    migrated(settings)
    with closing(build(settings, clock)) as service:
        old = _our_keys(service.database)
        if _is_empty(service):
            with console.status("Filling the clinic's diary: weeks of visits, reminders and answers …"):
                seed(settings, clock.now())
            service.use_cases.catalogue.refresh()
        elif not old:
            raise ConfigurationError(
                "This database is in use for something else, or filling it was interrupted. Remove it, or name another "
                "one in REMINDERS_DATABASE_URL."
            )
        keys = _new_keys(service, old)
        _show(console, service, keys, public_url)


def migrated(settings: Settings) -> None:
    """Bring the schema up to date."""
    with closing(Database(settings.database_url, pool_size=1)) as database:
        schema.migrate(database)


def seed(settings: Settings, now: datetime) -> Clinic:
    """Fill an empty database as if the clinic had worked with it for weeks, up to ``now``. Takes some seconds."""
    clock = ManualClock(now - WEEKS_BACK - HEAD_START)
    carrier = Carrier(clock)
    with closing(build(replace(settings, senders=1), clock, carrier)) as service:
        clinic = open_clinic(service.use_cases, now.date())
        Past(service, clock, carrier, clinic, Random(_SEED)).live(now)  # noqa: S311 - a story, not a secret
        book_call_backs(service, clinic, now)
    return clinic


def book_call_backs(service: Service, clinic: Clinic, now: datetime) -> None:
    """Visits whose reminders fall due from the next full minute on, whatever the hour and the day."""
    first = now.replace(second=0, microsecond=0) + timedelta(minutes=1) + _CALLED_BACK_IN
    for position, name in enumerate(_CALLERS):
        start = first + position * _BETWEEN_CALL_BACKS
        wanted = Request(clinic.services[CALL_BACK], clinic.providers[NURSES], clinic.patients[name], start)
        service.use_cases.booking.book(wanted, DESK)


def _is_empty(service: Service) -> bool:
    return not service.use_cases.catalogue.refresh().locations


def _our_keys(database: Database) -> Sequence[str]:
    with database.read() as tx:
        return keys.labelled(tx, LABEL)


def _new_keys(service: Service, old: Sequence[str]) -> Keys:
    access = service.use_cases.access
    for key_id in old:
        access.revoke(key_id)
    return Keys(access.create(Role.DESK, LABEL), access.create(Role.MANAGER, LABEL), _new_password(service))


def _new_password(service: Service) -> str:
    """For the manager's account, which is made at the first start."""
    staff = service.use_cases.staff
    is_there = any(row.name == MANAGER for row in staff.listing())
    return staff.reset(MANAGER) if is_there else staff.create(MANAGER, Role.MANAGER)


def _show(console: Console, service: Service, keys: Keys, public_url: str) -> None:
    place = service.use_cases.catalogue.current()
    patients = service.use_cases.patients.listing(0, 500, None, None)
    where = " and ".join(location.name for location in place.locations.values())
    console.print(
        f"[bold]{where}[/bold]: {len(place.locations)} locations, {len(place.providers)} providers, "
        f"{len(place.services)} services, {len(patients)} patients",
        soft_wrap=True,
    )
    for name, value in (
        ("Phones", f"{public_url}/sandbox/"),
        ("Console", f"{public_url}/console"),
        ("API", f"{public_url}/docs"),
        ("Desk key", keys.desk),
        ("Manager key", keys.manager),
        ("Management", f"{public_url}/manage/"),
        ("", f"sign in as {MANAGER} with {keys.password}"),
    ):
        _plain(console, f"  {name:<12} {value}")
    console.print("Texts appear on the phones as they fall due. A first booking, to copy and paste:")
    _plain(console, _first_booking(service, keys, public_url))


def _first_booking(service: Service, keys: Keys, public_url: str) -> str:
    """A curl line that books the next free check-up for somebody."""
    use_cases = service.use_cases
    now = use_cases.clock.now()
    check_up = next(service for service in use_cases.catalogue.current().services.values() if service.name == CHECK_UP)
    slots = use_cases.slots.search(Search(check_up.uid, now + _SOME_TIME, now + timedelta(days=60), limit=1))
    if not slots:
        return f"curl -sS {public_url}/api/v1/services -H 'Authorization: Bearer {keys.desk}'"
    slot = slots[0]
    patient = use_cases.patients.listing(0, 1, None, None)[0].patient
    start = datetime.fromtimestamp(slot.start, UTC).astimezone(slot.provider.location.zone)
    body = {
        "service_id": check_up.uid, "provider_id": slot.provider.uid, "patient_id": patient.uid,
        "start": start.isoformat(),
    }  # fmt: skip
    return (
        f"curl -sS -X POST {public_url}/api/v1/appointments -H 'Authorization: Bearer {keys.desk}' "
        f"-H 'Content-Type: application/json' -d '{json.dumps(body)}'"
    )


def _plain(console: Console, line: str) -> None:
    """One line as it is: not wrapped, not coloured, so that it can be copied."""
    console.print(line, soft_wrap=True, markup=False, highlight=False, emoji=False)
