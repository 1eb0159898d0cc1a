"""What a change of many visits would mean, as numbers."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from reminders.domain.changeset import (
    MOST_NAMED,
    NEXT,
    Affected,
    Blocked,
    Contact,
    Gate,
    Refusal,
    SetState,
    sources,
    tally,
)
from reminders.domain.cost import Money
from reminders.domain.delivery import Channel


def contact(
    language: str = "es", *, units: int = 1, price: str = "0.08", channel: Channel = Channel.SMS,
    blocked: Blocked | None = None,
) -> Contact:  # fmt: skip
    return Contact(channel, language, units, Money(Decimal(price), "USD"), blocked)


def test_nothing_found_means_nothing():
    assert tally([]).facts() == {
        "visits": 0, "patients": 0, "patients_without_message": 0, "messages": 0, "by_channel": {}, "by_language": {},
        "segments": 0, "cost": [], "taken_back": 0, "unreachable": 0, "unreachable_by_reason": {},
        "unreachable_patient_ids": [], "refused": 0, "refusals": [],
    }  # fmt: skip


def test_messages_are_counted_by_language_and_channel_with_their_segments_and_cost():
    found = tally([
        Affected("apt_1", "pat_1", (contact(), contact("es", channel=Channel.VOICE, price="0.03"))),
        Affected("apt_2", "pat_1", (contact("es", units=2, price="0.16"),), taken_back=2),
        Affected("apt_3", "pat_2", (contact("zh_Hans"),), taken_back=1),
    ])  # fmt: skip
    facts = found.facts()
    assert (facts["visits"], facts["patients"], facts["messages"], facts["segments"]) == (3, 2, 4, 4)
    assert facts["by_channel"] == {"sms": 3, "voice": 1}
    assert facts["by_language"] == {"es": 3, "zh_Hans": 1}
    assert facts["cost"] == [{"amount": "0.35", "currency": "USD"}]
    assert facts["taken_back"] == 3


@pytest.mark.parametrize("why", list(Blocked))
def test_who_cannot_be_reached_is_named_with_the_reason_and_costs_nothing(why):
    facts = tally(
        [Affected("apt_1", "pat_1", (contact(blocked=why),)), Affected("apt_2", "pat_2", (contact(),))]
    ).facts()
    assert (facts["messages"], facts["unreachable"], facts["unreachable_by_reason"]) == (1, 1, {why.value: 1})
    assert (facts["unreachable_patient_ids"], facts["cost"][0]["amount"]) == (["pat_1"], "0.08")


def test_one_message_that_arrives_is_enough():
    stopped = contact(blocked=Blocked.OPTED_OUT)
    found = tally([Affected("apt_1", "pat_1", (stopped, contact(channel=Channel.VOICE)))])
    assert (found.unreachable, found.silent) == ({}, 0)
    found = tally([Affected("apt_1", "pat_1", (stopped,)), Affected("apt_2", "pat_1", (contact(),))])
    assert found.unreachable == {}


def test_who_is_told_nothing_is_not_unreachable():
    found = tally([Affected("apt_1", "pat_1"), Affected("apt_2", "pat_2", (contact(),))])
    assert (found.patients, found.silent, found.unreachable) == (2, 1, {})


def test_what_is_refused_counts_for_nothing_else():
    found = tally([Affected("apt_1", "pat_1", (contact(),), 3, Refusal.NOT_OFFERED)])
    assert (found.visits, found.patients, found.taken_back, found.messages.total()) == (0, 0, 0, 0)
    assert found.facts()["refusals"] == [{"appointment_id": "apt_1", "code": "service_not_offered"}]


def test_long_lists_are_cut_but_counted():
    many = MOST_NAMED + 5
    facts = tally(
        [Affected(f"apt_{n}", f"pat_{n}", (contact(blocked=Blocked.NO_ADDRESS),)) for n in range(many)]
        + [Affected(f"apt_x{n}", "pat_x", refused="slot_taken") for n in range(many)]
    ).facts()
    assert (facts["unreachable"], facts["refused"]) == (many, many)
    assert (len(facts["unreachable_patient_ids"]), len(facts["refusals"])) == (MOST_NAMED, MOST_NAMED)


@pytest.mark.parametrize(("patients", "held"), [(0, False), (25, False), (26, True)])
def test_more_patients_than_the_radius_are_held(patients, held):
    assert Gate(25, timedelta(minutes=5)).holds(patients) is held


def test_every_state_says_what_may_follow():
    assert set(NEXT) == set(SetState)
    assert {state for state, following in NEXT.items() if not following} == {SetState.APPLIED, SetState.DROPPED}
    assert sources(SetState.HELD) == {SetState.RELEASED}
    assert sources(SetState.RELEASED) == {SetState.HELD}
    assert sources(SetState.DROPPED) == {SetState.HELD}
    assert sources(SetState.APPLYING) == {SetState.RELEASED}
