"""Pacing over all workers: in the long run never faster than the sender may be, and never stuck."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from reminders.store import paces
from reminders.store.engine import Database
from reminders.store.tables import SenderPace
from tests.factories import together, uid

NOW = datetime(2030, 5, 7, 9, tzinfo=UTC)
BURST = timedelta(seconds=2)


def allowance(database: Database, sender: str, now: datetime, rate: float = 1.0) -> int:
    return database.run(lambda tx: paces.allowance(tx, sender, now, rate, BURST))


def spend(database: Database, sender: str, now: datetime, units: int, rate: float = 1.0) -> None:
    database.run(lambda tx: paces.spend(tx, sender, now, rate, BURST, units))


def test_unused_time_may_be_made_up_for_within_the_burst(database):
    assert allowance(database, "one", NOW, 3.0) == 6
    spend(database, "one", NOW, 6, 3.0)
    assert allowance(database, "one", NOW, 3.0) == 0
    assert allowance(database, "one", NOW + timedelta(seconds=1), 3.0) == 3
    assert allowance(database, "one", NOW + timedelta(hours=1), 3.0) == 6
    assert allowance(database, "other", NOW, 3.0) == 6


def test_overdrawn_means_nothing_for_now_and_never_less(database):
    assert allowance(database, "one", NOW) == 2
    spend(database, "one", NOW, 30)  # one message of many segments
    for seconds in (0, 1, 10, 28):
        assert allowance(database, "one", NOW + timedelta(seconds=seconds)) == 0
    assert allowance(database, "one", NOW + timedelta(seconds=29)) == 1


def test_slow_senders_get_their_turn(database):
    for rate in (0.01, 0.1, 0.3, 0.45, 0.7, 1 / 3, 1 / 7):
        sender, wait = f"{rate}", timedelta(seconds=1 / rate + 0.001)
        assert allowance(database, sender, NOW, rate) == max(1, int(2 * rate))
        spend(database, sender, NOW, 1, rate)
        assert allowance(database, sender, NOW + wait, rate) >= 1


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.sampled_from([0.25, 0.5, 1.0, 3.0, 12.0, 100.0]),
    st.lists(st.tuples(st.integers(0, 5_000), st.integers(1, 100), st.integers(0, 10)), min_size=1, max_size=15),
)
def test_in_the_long_run_never_faster_than_allowed(database, rate, visits):
    """Greedy workers come at random times, take all they may and sometimes overdraw by a long text."""
    sender, now, spent, overdrawn = uid("sender"), NOW, 0, 0
    with database.write() as tx:
        for wait, batch, extra in visits:
            now += timedelta(milliseconds=wait)
            units = min(paces.allowance(tx, sender, now, rate, BURST), batch)
            assert units >= 0
            overdraft = extra if units else 0
            paces.spend(tx, sender, now, rate, BURST, units + overdraft)
            spent, overdrawn = spent + units + overdraft, max(overdrawn, overdraft)
    allowed = ((now - NOW).total_seconds() + max(2.0, 1 / rate)) * rate
    assert spent <= allowed + overdrawn + 0.01


def test_a_patient_sender_reaches_its_rate(database):
    now, sent = NOW, 0
    with database.write() as tx:
        for _ in range(150):  # a tick a second
            units = paces.allowance(tx, "one", now, 1.5, BURST)
            paces.spend(tx, "one", now, 1.5, BURST, units)
            sent, now = sent + units, now + timedelta(seconds=1)
    assert 150 * 1.5 - 2 <= sent <= 150 * 1.5 + 3


def test_workers_that_spend_at_once_lose_nothing(database):
    allowance(database, "one", NOW)
    assert together([partial(spend, database, "one", NOW, 1)] * 8) == [None] * 8
    with database.read() as tx:
        assert tx.execute(select(SenderPace.free_at)).scalar_one() == NOW - BURST + timedelta(seconds=8)


def test_workers_that_claim_at_once_share_one_allowance(database):
    def claim(tx) -> int:
        units = paces.allowance(tx, "one", NOW, 2.0, BURST)
        paces.spend(tx, "one", NOW, 2.0, BURST, units)
        return units

    for attempt in range(3):
        results = together([partial(database.run, claim)] * 6)
        assert sum(results) == (4 if attempt == 0 else 0), results
