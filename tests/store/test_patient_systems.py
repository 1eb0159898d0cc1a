"""What other systems need of the database, on both kinds: who shares an address, what waits, what webhooks name, merges."""

from __future__ import annotations

from typing import Any

from reminders.domain.sync import Cause, Dispute, Link, Live
from reminders.store import appointments, connections, consents, links, merging, messages, outbox, patients
from reminders.store.engine import Database
from tests.factories import MONDAY, add_visit, ground, uid
from tests.services.sync.test_book import connection


def card(database: Database, **values: Any) -> Any:
    row = {"uid": uid("pat"), "name": "Ana Ruiz", "version": 1, "created_at": MONDAY, **values}
    with database.write() as tx:
        patients.add(tx, row)
        return patients.get(tx, row["uid"])


def test_who_shares_an_address(database: Database) -> None:
    one = card(database, phone="+34600000101", email="Ana@example.org")
    two = card(database, phone="+34600000101")
    three = card(database, email="ana@example.org")
    gone = card(database, phone="+34600000101")
    with database.write() as tx:
        patients.change(tx, gone.id, {"merged_into": one.id})

        def found(phone: str | None, email: str | None) -> list[str]:
            return [row.uid for row in patients.sharing(tx, phone, email)]

        assert found("+34600000101", None) == [one.uid, two.uid]
        assert found(None, "ANA@example.org") == [three.uid]
        assert found("+34600000101", "ana@example.org") == [one.uid, two.uid, three.uid]
        assert found(None, None) == []
        listed = patients.uids(tx, None, 1000)
        assert gone.uid not in listed
        assert patients.uids(tx, listed[0], 1) == [listed[1]]


def test_the_record_an_import_made(database: Database) -> None:
    made = card(database, source="old", external_id="17")
    with database.read() as tx:
        found = patients.by_external(tx, "old", "17")
        assert found is not None
        assert found.uid == made.uid
        assert patients.by_external(tx, "old", "18") is None
        assert made.paused is False


def test_a_stop_tells_everybody_who_is_reached_there(database: Database) -> None:
    one, two = (card(database, phone="+34600000102") for _ in range(2))
    with database.write() as tx:
        consents.stop(tx, "+34600000102", "sms", MONDAY, "sms: STOP", None)
        rows = [row for row in outbox.take(tx, MONDAY, MONDAY, 100) if row.topic == patients.CHANGED]
        assert {row.key for row in rows} == {one.uid, two.uid}
        outbox.done(tx, [row.id for row in rows])
        assert consents.start(tx, "+34600000102", "sms", MONDAY, "sms: START") == 1
        assert outbox.any_due(tx, MONDAY)


def test_a_wish_to_look_counts_once_until_it_is_answered(database: Database) -> None:
    number = connection(database).id
    with database.write() as tx:
        for _ in range(2):
            connections.announce(tx, number, "patient", "C1", "evt_1", MONDAY)
        connections.announce(tx, number, "visit", "V1", "evt_2", MONDAY)
        connections.announce(tx, number, None, None, "evt_3", MONDAY)
        ((wish, remote_id),) = connections.announced(tx, number, "patient")
        assert remote_id == "C1"
        connections.answered(tx, [wish], MONDAY)
        assert connections.announced(tx, number, "patient") == []
        assert [one for _, one in connections.announced(tx, number, "visit")] == ["V1"]


def test_what_waits_is_counted_and_can_be_looked_at_again(database: Database) -> None:
    number = connection(database).id
    with database.write() as tx:
        waiting = Link("patient", None, "C1", "", base_remote={"name": "Ana"}, held=True)
        waiting = Link(**{**_values(waiting), "number": links.save(tx, number, waiting)})
        links.save(tx, number, Link("patient", None, "C2", ""))
        links.dispute(tx, number, waiting, Dispute("*", None, None, {}, Live.UNDECIDED, Cause.AMBIGUOUS), MONDAY)
        assert [link.remote_id for link in links.waiting(tx, number, "patient")] == ["C1"]
        assert links.waiting_count(tx, number) == 1
        connections.announce_waiting(tx, number, MONDAY)
        assert [one for _, one in connections.announced(tx, number, "patient")] == ["C1"]
        row = links.find(tx, waiting.number)
        assert row is not None
        assert row.connection_id == number
        assert links.find(tx, waiting.number + 100) is None


def _values(link: Link) -> dict[str, Any]:
    return {name: getattr(link, name) for name in Link.__dataclass_fields__}


def test_what_belongs_to_a_card_changes_hands_and_back(database: Database) -> None:
    base = ground(database)
    kept, gone = base.patients
    with database.write() as tx:
        number = add_visit(tx, base.visit(MONDAY, patient_id=gone))
        message = messages.add(tx, base.message(patient_id=gone))
        moved = merging.move(tx, gone, kept)
        assert (moved["appointment"], moved["message"], moved["feed"]) == ([number], [message], [])
        assert appointments.by_number(tx, number).patient_id == kept
        merging.move_back(tx, moved, gone, kept)
        assert appointments.by_number(tx, number).patient_id == gone
        assert messages.by_number(tx, message).patient_id == gone


def test_visits_of_a_patient_at_a_moment_and_since(database: Database) -> None:
    base = ground(database)
    with database.write() as tx:
        visit = appointments.by_number(tx, add_visit(tx, base.visit(MONDAY)))
        assert appointments.uids_at(tx, visit.patient_uid, MONDAY) == [visit.uid]
        assert visit.uid in appointments.uids_since(tx, MONDAY, None, 1000)
        assert visit.uid not in appointments.uids_since(tx, MONDAY, visit.uid, 1000)


def test_a_number_that_somebody_answered_from(database: Database) -> None:
    base = ground(database)
    with database.write() as tx:
        messages.add(tx, base.message(phone="+34600000103"))
        assert not messages.came_from(tx, "+34600000103")
        messages.add(tx, base.message(phone="+34600000103", direction="in"))
        assert messages.came_from(tx, "+34600000103")
