"""What the rules of sending look at."""

from __future__ import annotations

import pytest

from reminders.domain.delivery import Channel
from reminders.services.situations import Due, situation
from reminders.store.engine import Database
from tests.factories import MONDAY, World


@pytest.mark.parametrize(
    ("stop", "stopped"),
    [(("+34600000010", "all"), True), (("ana@example.com", "email"), True), (("+34600000010", "sms"), False)],
)
def test_a_stop_of_everything_or_of_e_mail_stops_e_mail(
    database: Database, stop: tuple[str, str], stopped: bool
) -> None:
    world = World(database)
    world.open()
    place = next(iter(world.catalogue.current().location_by_id.values()))
    due = Due(
        "reminder", Channel.EMAIL, MONDAY, "booked", "unconfirmed", MONDAY, "+34600000010", "Ana@example.com", None,
        paused=False, patient_paused=False,
    )  # fmt: skip
    assert situation(due, MONDAY, place, None, None, {stop}).opted_out is stopped
