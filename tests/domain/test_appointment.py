"""The status machine of visits: every pair of status and change is either listed or refused."""

from __future__ import annotations

from itertools import product

import pytest

from reminders.domain.appointment import (
    OCCUPYING,
    OPEN,
    Change,
    Confirmation,
    Status,
    allowed,
    next_confirmation,
    next_status,
)
from reminders.errors import Conflict, IllegalTransition

# One line per status: what each change makes of it; "" is refused.
#             confirm    cancel       reschedule  arrive     fulfil       no-show
TABLE = {
    "pending": ("booked", "cancelled", "pending", "", "", ""),
    "booked": ("booked", "cancelled", "booked", "arrived", "fulfilled", "noshow"),
    "arrived": ("", "cancelled", "", "", "fulfilled", ""),
    "fulfilled": ("", "", "", "", "", ""),
    "noshow": ("", "", "", "arrived", "fulfilled", ""),
    "cancelled": ("", "", "", "", "", ""),
}
CHANGES = ("confirm", "cancel", "reschedule", "arrive", "fulfil", "no-show")
STEPS = [(status, change, to) for status, row in TABLE.items() for change, to in zip(CHANGES, row, strict=True)]


def test_table_covers_everything():
    assert {(status, change) for status, change, _ in STEPS} == set(product(Status, Change))


@pytest.mark.parametrize(("status", "change", "to"), STEPS)
def test_transition(status, change, to):
    if to:
        assert next_status(Status(status), Change(change)) is Status(to)
        assert Change(change) in allowed(Status(status))
        return
    assert Change(change) not in allowed(Status(status))
    with pytest.raises(IllegalTransition) as refusal:
        next_status(Status(status), Change(change))
    assert refusal.value.facts == {"current_status": status, "change": change}
    assert status in refusal.value.message
    assert change in refusal.value.message
    assert isinstance(refusal.value, Conflict)


def test_only_what_may_still_happen_or_happened_takes_up_time():
    assert {status.value for status in OCCUPYING} == {"pending", "booked", "arrived", "fulfilled"}
    assert {status.value for status in OPEN} == {"pending", "booked"}
    assert OPEN < OCCUPYING


@pytest.mark.parametrize("current", list(Confirmation))
@pytest.mark.parametrize("change", list(Change))
def test_confirmation(current, change):
    expected = {Change.CONFIRM: Confirmation.CONFIRMED, Change.RESCHEDULE: Confirmation.UNCONFIRMED}
    assert next_confirmation(current, change) is expected.get(change, current)
