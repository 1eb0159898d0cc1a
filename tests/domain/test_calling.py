from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reminders.domain.calling import Candidate, Contact, Reach, fitting, ranked

NINE = datetime(2030, 5, 7, 9, tzinfo=UTC)
ONE = Candidate(1, NINE, 0.3, (), Decimal(80), confirmed=False, contact=Contact.REACHABLE)
TWO = Decimal(2)

CANDIDATES = st.lists(
    st.builds(
        Candidate, st.integers(1, 1000), st.just(NINE), st.floats(0.001, 0.999), st.just(()),
        st.none() | st.decimals(0, 500, places=2), st.booleans(), st.sampled_from(Contact),
    ),
    max_size=12, unique_by=lambda one: one.key,
)  # fmt: skip


def keys(*candidates: Candidate) -> list[int]:
    return [call.candidate.key for call in ranked(candidates, 10, TWO)]


def test_risk_times_value_decides() -> None:
    cheap = replace(ONE, key=2, risk=0.5, value=Decimal(40))
    dear = replace(ONE, key=3, risk=0.1, value=Decimal(300))
    found = ranked([cheap, ONE, dear], 10, TWO)
    assert [(call.candidate.key, call.at_stake) for call in found] == [(3, 30), (1, 24), (2, 20)]


def test_who_confirmed_and_can_be_reached_is_left_alone() -> None:
    sure = replace(ONE, key=2, confirmed=True)
    lost = replace(ONE, key=3, confirmed=True, contact=Contact.FAILED)
    assert keys(ONE, sure, lost) == [1, 3]


def test_a_slot_without_a_value_counts_like_the_middle_one() -> None:
    unknown = replace(ONE, key=2, value=None, risk=0.35)
    low, high = replace(ONE, key=3, value=Decimal(10)), replace(ONE, key=4, value=Decimal(500))
    assert keys(low, unknown, ONE, high) == [4, 2, 1, 3]
    alone = [replace(unknown, key=5), replace(unknown, key=6, risk=0.5)]
    assert [call.candidate.key for call in ranked(alone, 10, TWO)] == [6, 5]


def test_equal_stakes_go_by_time() -> None:
    assert keys(replace(ONE, key=2, start=NINE + timedelta(hours=1)), ONE) == [1, 2]


@pytest.mark.parametrize(
    ("minutes", "each", "fits"),
    [(10, "2", 5), (10, "3", 3), (10, "3.3", 3), (2, "3", 1), (1, "0", 10**6)],
)
def test_what_fits(minutes: int, each: str, fits: int) -> None:
    assert fitting(minutes, Decimal(each)) == fits


@given(CANDIDATES, st.integers(1, 30))
def test_the_list_is_in_order_and_leaves_nobody_out(candidates: list[Candidate], minutes: int) -> None:
    found = ranked(candidates, minutes, TWO)
    assert {call.candidate.key for call in found} == {one.key for one in candidates if one.counts}
    stakes = [call.at_stake for call in found]
    assert stakes == sorted(stakes, reverse=True)
    assert [call.rank for call in found] == list(range(1, len(found) + 1))
    assert sum(call.fits for call in found) == min(len(found), max(1, minutes // 2))


USUAL = Reach(
    "+34600000010", None, bad_number=False, used=frozenset({"sms"}), stopped=frozenset(), paused=False, failed=False
)
MAIL = "a@example.com"


@pytest.mark.parametrize(
    ("changes", "contact", "may_be_called"),
    [
        ({}, Contact.REACHABLE, True),
        ({"failed": True}, Contact.FAILED, True),
        ({"paused": True}, Contact.PAUSED, True),
        ({"stopped": frozenset({"sms"})}, Contact.OPTED_OUT, True),
        ({"stopped": frozenset({"sms"}), "used": frozenset({"sms", "voice"})}, Contact.REACHABLE, True),
        ({"stopped": frozenset({"sms", "voice"})}, Contact.OPTED_OUT, False),
        ({"stopped": frozenset({"sms", "voice"}), "email": MAIL}, Contact.OPTED_OUT, False),
        ({"stopped": frozenset({"voice"})}, Contact.REACHABLE, False),
        ({"bad_number": True}, Contact.BAD_NUMBER, True),  # a landline, perhaps
        ({"bad_number": True, "email": MAIL, "used": frozenset({"sms", "email"})}, Contact.REACHABLE, True),
        ({"phone": None}, Contact.NO_ADDRESS, False),
        ({"phone": None, "bad_number": True}, Contact.BAD_NUMBER, False),
        ({"phone": None, "email": MAIL}, Contact.NO_ADDRESS, False),  # its reminders are no e-mails
        ({"phone": None, "email": MAIL, "used": frozenset({"email"})}, Contact.REACHABLE, False),
    ],
)  # fmt: skip
def test_who_is_reached_and_who_may_be_called(changes: dict[str, Any], contact: Contact, may_be_called: bool) -> None:
    reach = replace(USUAL, **changes)
    assert (reach.contact, reach.may_be_called) == (contact, may_be_called)
