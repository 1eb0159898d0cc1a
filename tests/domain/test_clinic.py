"""The clinic's own data, as the rules read it."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from reminders.domain.availability import Need
from reminders.domain.clinic import Location, Policy, Service, money
from reminders.domain.cost import Money
from reminders.domain.plan import COUNTRY_QUIET_HOURS, DEFAULT_QUIET_HOURS, QuietHours

OWN = QuietHours(22 * 60, 6 * 60)


def policy(quiet: QuietHours | None, *, country: bool) -> Policy:
    return Policy(1, "pol_1", "Nudges", (), quiet, country, frozenset())


@pytest.mark.parametrize(
    ("one", "country", "expected"),
    [
        (policy(OWN, country=False), "US", OWN),
        (policy(None, country=False), "US", None),
        (policy(None, country=True), "US", COUNTRY_QUIET_HOURS["US"]),
        (policy(None, country=True), "FR", COUNTRY_QUIET_HOURS["FR"]),
        (policy(None, country=True), "ZZ", DEFAULT_QUIET_HOURS),
    ],
)
def test_quiet_hours_of_a_policy(one, country, expected):
    assert one.quiet(country) == expected


def test_need_of_a_service_is_in_seconds():
    service = Service(1, "svc_1", "Check-up", 30, 5, 10, 15, 60, 365, 0, None, None, frozenset({1}), True)
    assert service.need == Need(duration=1800, before=300, after=600, step=900)
    assert service.duration == timedelta(minutes=30)
    assert service.buffers == (timedelta(minutes=5), timedelta(minutes=10))


@pytest.mark.parametrize(
    ("language", "country", "locale"),
    [("es", "MX", "es-MX"), ("es-AR", "MX", "es-AR"), ("pt_BR", "PT", "pt_BR"), ("zh-Hans", "SG", "zh-Hans-SG")],
)
def test_locale_of_a_venue(language, country, locale):
    place = Location(1, "loc_1", "Norte", ZoneInfo("UTC"), country, language, "EUR", None, False, None)
    assert place.locale == locale


@pytest.mark.parametrize(("amount", "currency"), [(None, "EUR"), (Decimal(1), None), (None, None)])
def test_money_needs_both_parts(amount, currency):
    assert money(amount, currency) is None
    assert money(Decimal("1.50"), "EUR") == Money(Decimal("1.50"), "EUR")
