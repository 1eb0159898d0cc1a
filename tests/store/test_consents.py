"""Stop and start, per phone and channel, and the evidence for both."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import select

from reminders.store import consents, messages
from reminders.store.tables import OptOut
from tests.factories import ground

NOW = datetime(2030, 5, 7, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)
PHONE, OTHER = "+34600000001", "+34600000002"


def test_a_stop_holds_for_its_phone_and_channel_until_a_start(database):
    with database.write() as tx:
        assert consents.stop(tx, PHONE, "sms", NOW, "sms: STOP", None)
        assert not consents.stop(tx, PHONE, "sms", NOW + HOUR, "sms: STOP", None)
        assert consents.in_force(tx, [PHONE, OTHER]) == {(PHONE, "sms")}
        assert consents.start(tx, OTHER, "sms", NOW + HOUR, "sms: START") == 0
        assert consents.start(tx, PHONE, "voice", NOW + HOUR, "sms: START") == 0
        assert consents.start(tx, PHONE, "sms", NOW + HOUR, "sms: START") == 1
        assert consents.in_force(tx, [PHONE]) == set()
        assert consents.stop(tx, PHONE, "sms", NOW + 2 * HOUR, "sms: STOP", None)
        rows = tx.execute(select(OptOut.since, OptOut.ended_at, OptOut.evidence).order_by(OptOut.id)).all()
    assert rows == [(NOW, NOW + HOUR, "sms: STOP\nsms: START"), (NOW + 2 * HOUR, None, "sms: STOP")]


def test_start_ends_what_it_is_meant_for(database):
    with database.write() as tx:
        for channel in ("sms", "voice"):
            consents.stop(tx, PHONE, channel, NOW, "desk", None)
        assert consents.start(tx, PHONE, "sms", NOW, "desk") == 1
        assert consents.in_force(tx, [PHONE]) == {(PHONE, "voice")}
        assert consents.start(tx, PHONE, None, NOW, "desk") == 1
        assert consents.in_force(tx, []) == set()


def test_a_start_of_one_channel_leaves_the_rest_of_a_stop_of_everything(database):
    with database.write() as tx:
        consents.stop(tx, PHONE, consents.ALL, NOW + HOUR, "desk key_1: wants nothing at all", None)
        assert consents.start(tx, PHONE, "sms", NOW + 2 * HOUR, "sms: START") == 1
        assert consents.in_force(tx, [PHONE]) == {(PHONE, "voice")}
        assert consents.start(tx, PHONE, "sms", NOW + 2 * HOUR, "sms: START") == 0
        told = [
            (row.channel, row.since, row.ended_at, *consents.words(row.evidence))
            for row in consents.history(tx, [PHONE])
        ]
        assert told == [
            ("all", NOW + HOUR, NOW + 2 * HOUR, "desk key_1: wants nothing at all", "sms: START"),
            ("voice", NOW + HOUR, None, "desk key_1: wants nothing at all", None),
        ]
        assert consents.start(tx, PHONE, None, NOW + 3 * HOUR, "desk key_1: changed her mind") == 1
        assert consents.in_force(tx, [PHONE]) == set()


def test_what_is_stopped_anyway_is_not_stopped_twice(database):
    with database.write() as tx:
        consents.stop(tx, PHONE, "voice", NOW, "voice: key 9", None)
        consents.stop(tx, PHONE, consents.ALL, NOW, "desk key_1: wants nothing at all", None)
        assert consents.start(tx, PHONE, "sms", NOW, "sms: START") == 1
        assert [(row.channel, row.ended_at) for row in consents.history(tx, [PHONE])] == [("voice", None), ("all", NOW)]


def test_an_e_mail_address_is_the_same_in_any_case(database):
    with database.write() as tx:
        assert consents.stop(tx, "Ana@Example.com", "email", NOW, "desk", None)
        assert not consents.stop(tx, "ana@example.COM", "email", NOW, "desk", None)
        stops = consents.in_force(tx, ["ANA@example.com"])
        assert consents.blocks(stops, "Ana@example.com", "email")
        assert not consents.blocks(stops, PHONE, "email")
        assert len(consents.history(tx, ["aNa@example.com"])) == 1
        assert consents.start(tx, "aNa@example.com", "email", NOW, "desk") == 1
        assert consents.in_force(tx, ["ana@example.com"]) == set()


def test_a_start_of_everything_leaves_nothing(database):
    with database.write() as tx:
        consents.stop(tx, PHONE, consents.ALL, NOW, "desk", None)
        assert consents.start(tx, PHONE, None, NOW, "desk") == 1
        assert consents.in_force(tx, [PHONE]) == set()


def test_the_evidence_names_its_message_and_stays_on_one_line(database):
    clinic = ground(database)
    with database.write() as tx:
        message = messages.add(tx, clinic.message(uid="msg_stop", direction="in", kind="reply", body="STOP\nnow"))
        consents.stop(tx, PHONE, "sms", NOW, "sms: STOP\nnow", message)
        (row,) = consents.history(tx, [PHONE, OTHER])
        assert (row.message_uid, consents.words(row.evidence)) == ("msg_stop", ("sms: STOP now", None))
        assert consents.history(tx, [OTHER]) == []
        assert consents.history(tx, []) == []


def test_whether_a_stop_of_texts_came_by_text(database):
    clinic = ground(database)
    with database.write() as tx:
        message = messages.add(tx, clinic.message(direction="in", kind="reply"))
        consents.stop(tx, PHONE, "voice", NOW, "voice: key 9", message)
        consents.stop(tx, PHONE, "sms", NOW, "desk key_1: told us", None)
        assert not consents.said_by_text(tx, PHONE)
        consents.start(tx, PHONE, "sms", NOW, "desk key_1: changed her mind")
        consents.stop(tx, PHONE, "sms", NOW, "sms: STOP", message)
        assert consents.said_by_text(tx, PHONE)
        consents.start(tx, PHONE, "sms", NOW, "sms: START")
        assert not consents.said_by_text(tx, PHONE)


def test_what_keeps_a_channel_from_a_patient():
    mail = "Ana@example.com"
    assert consents.addresses(PHONE, mail) == [PHONE, "ana@example.com"]
    assert consents.addresses(None, None) == []
    assert consents.bars({(PHONE, "sms")}, PHONE, mail, "sms")
    assert not consents.bars({(PHONE, "sms")}, PHONE, mail, "email")
    assert consents.bars({("ana@example.com", "email")}, PHONE, mail, "email")
    assert all(consents.bars({(PHONE, "all")}, PHONE, mail, channel) for channel in ("sms", "voice", "email"))


def test_what_a_stop_covers():
    stops = {(PHONE, "sms"), (OTHER, consents.ALL)}
    assert consents.blocks(stops, PHONE, "sms")
    assert not consents.blocks(stops, PHONE, "voice")
    assert consents.blocks(stops, OTHER, "sms")
    assert consents.blocks(stops, OTHER, "voice")
    assert not consents.blocks(stops, "", "sms")
