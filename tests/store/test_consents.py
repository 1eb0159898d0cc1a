"""Stop and start, per phone and channel."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import select

from reminders.store import consents
from reminders.store.tables import OptOut

NOW = datetime(2030, 5, 7, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)
PHONE, OTHER = "+34600000001", "+34600000002"


def test_a_stop_holds_for_its_phone_and_channel_until_a_start(database):
    with database.write() as tx:
        assert consents.stop(tx, PHONE, "sms", NOW, "sms: STOP", None)
        assert not consents.stop(tx, PHONE, "sms", NOW + HOUR, "sms: STOP", None)
        assert consents.in_force(tx, [PHONE, OTHER]) == {(PHONE, "sms")}
        assert consents.start(tx, OTHER, "sms", NOW + HOUR) == 0
        assert consents.start(tx, PHONE, "voice", NOW + HOUR) == 0
        assert consents.start(tx, PHONE, "sms", NOW + HOUR) == 1
        assert consents.in_force(tx, [PHONE]) == set()
        assert consents.stop(tx, PHONE, "sms", NOW + 2 * HOUR, "sms: STOP", None)
        rows = tx.execute(select(OptOut.since, OptOut.ended_at, OptOut.evidence).order_by(OptOut.id)).all()
    assert rows == [(NOW, NOW + HOUR, "sms: STOP"), (NOW + 2 * HOUR, None, "sms: STOP")]


def test_start_ends_what_it_is_meant_for(database):
    with database.write() as tx:
        for channel in ("sms", "voice", consents.ALL):
            consents.stop(tx, PHONE, channel, NOW, "desk", None)
        assert consents.start(tx, PHONE, "sms", NOW) == 2
        assert consents.in_force(tx, [PHONE]) == {(PHONE, "voice")}
        assert consents.start(tx, PHONE, None, NOW) == 1
        assert consents.in_force(tx, []) == set()


def test_what_a_stop_covers():
    stops = {(PHONE, "sms"), (OTHER, consents.ALL)}
    assert consents.blocks(stops, PHONE, "sms")
    assert not consents.blocks(stops, PHONE, "voice")
    assert consents.blocks(stops, OTHER, "sms")
    assert consents.blocks(stops, OTHER, "voice")
    assert not consents.blocks(stops, "", "sms")
