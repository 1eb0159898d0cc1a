"""Patients and visits that live in another system, too: both ways, under our rules, with people deciding what is unclear."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import pytest

from reminders.domain.connector import LoginRefused, PeerError
from reminders.domain.crm import PATIENT, VISIT
from tests.crm_house import Practice, practice
from tests.crm_memory import webhook
from tests.house import booking

TEN, HALF_PAST_TEN, ELEVEN = "2030-05-07T10:00:00+02:00", "2030-05-07T10:30:00+02:00", "2030-05-07T11:00:00+02:00"
TEN_UTC, TEN_THIRTY_UTC = "2030-05-07T08:00:00+00:00", "2030-05-07T08:30:00+00:00"
HALF_PAST_NINE_UTC = "2030-05-07T07:30:00+00:00"
ELEVEN_UTC, ELEVEN_THIRTY_UTC = "2030-05-07T09:00:00+00:00", "2030-05-07T09:30:00+00:00"


@pytest.fixture
def here(sqlite_database_url: str) -> Iterator[Practice]:
    with practice(sqlite_database_url) as here:
        here.settle()
        yield here


@pytest.fixture
def fresh(sqlite_database_url: str) -> Iterator[Practice]:
    with practice(sqlite_database_url, connected=False) as here:
        yield here


def test_a_patient_and_a_visit_appear_there(here: Practice) -> None:
    visit = here.book(TEN)
    here.settle()
    card = here.there(PATIENT, here.ids["patient"])
    assert (card["name"], card["phone"], card["language"]) == ("Ana Ruiz", "+34600000010", "es")
    there = here.there(VISIT, visit["id"])
    assert (there["start"], there["end"], there["status"]) == (TEN_UTC, TEN_THIRTY_UTC, "booked")
    assert (there["provider"], there["service"]) == ("D1", "S1")
    assert there["patient"] == here.shelf.of_uid(PATIENT, here.ids["patient"])
    here.house.post(f"appointments/{visit['id']}/confirm", {})
    here.settle()
    assert here.there(VISIT, visit["id"])["confirmed"] is True


def test_an_outcome_recorded_here_appears_there(here: Practice) -> None:
    visit = here.book(TEN)
    here.settle()
    here.house.tick(days=1, hours=3)
    here.house.post(f"appointments/{visit['id']}/no-show", {})
    here.settle()
    assert here.there(VISIT, visit["id"])["status"] == "noshow"


def test_when_nothing_changed_nothing_is_written(here: Practice) -> None:
    here.book(TEN)
    here.settle()
    before = len(here.crm.written)
    here.sync(full=True)
    here.sync()
    assert len(here.crm.written) == before


def test_a_new_patient_with_a_visit_there_is_taken_in(here: Practice) -> None:
    patient = here.patient_there("Luis Gil", phone="600 000 011", email="luis@example.org")
    there = here.visit_there(patient, TEN_UTC, TEN_THIRTY_UTC)
    here.settle()
    (card,) = here.house.get("patients", q="Luis")["items"]
    assert (card["phone"], card["email"]) == ("+34600000011", "luis@example.org")
    (visit,) = here.house.get("appointments", patient_id=card["id"])["items"]
    assert visit["status"] == "booked"
    assert here.house.reminders(visit)
    here.house.post(f"appointments/{visit['id']}/reschedule", {"start": ELEVEN})
    here.settle()
    assert here.shelf.rows[VISIT][there].fields["start"] == ELEVEN_UTC


def test_a_move_there_is_a_request_that_may_be_refused(here: Practice) -> None:
    visit = here.book(TEN)
    other = here.house.post("patients", {"name": "Luis Gil", "phone": "600 000 011"})
    here.house.post("appointments", booking({**here.ids, "patient": other["id"]}, ELEVEN))
    here.settle()
    name = here.id_there(VISIT, visit["id"])
    here.edit_there(VISIT, name, start=ELEVEN_UTC, end=ELEVEN_THIRTY_UTC)
    here.settle()
    assert here.visit(visit["id"])["start"] == TEN
    assert here.shelf.rows[VISIT][name].fields["start"] == TEN_UTC
    found = {one["field"]: one for one in here.conflicts(about=visit["id"])}
    assert (found["start"]["theirs"], found["start"]["note"]) == (ELEVEN_UTC, "slot_taken")
    assert here.visit(visit["id"])["paused"] is True  # nothing goes out while its time is in dispute
    assert [item["reason"] for item in here.house.get("inbox")["items"]] == ["sync_conflict"]
    for one in found.values():
        here.house.post(f"sync-conflicts/{one['id']}/resolve", {"choice": "ours"})
    assert here.visit(visit["id"])["paused"] is False


def test_a_move_there_moves_the_visit_and_tells_the_patient(here: Practice) -> None:
    visit = here.book(TEN)
    here.settle()
    here.edit_there(VISIT, here.id_there(VISIT, visit["id"]), start=ELEVEN_UTC, end=ELEVEN_THIRTY_UTC)
    here.settle()
    assert here.visit(visit["id"])["start"] == ELEVEN
    kinds = [row["kind"] for row in here.house.reminders(visit) if row["state"] in ("planned", "sent", "delivered")]
    assert kinds.count("moved") == 1
    here.house.tick(minutes=3)
    here.settle()
    assert here.conflicts() == []


def test_a_cancellation_there_cancels_here(here: Practice) -> None:
    visit = here.book(TEN)
    here.settle()
    here.edit_there(VISIT, here.id_there(VISIT, visit["id"]), status="cancelled", cancel_reason="flu")
    here.settle()
    shown = here.visit(visit["id"])
    assert (shown["status"], shown["cancel_reason"]) == ("cancelled", "flu")


def test_a_deletion_there_is_asked_about(here: Practice) -> None:
    visit = here.book(TEN)
    here.settle()
    here.shelf.remove(VISIT, here.id_there(VISIT, visit["id"]))
    here.sync()
    here.house.tick(minutes=3)
    here.sync()
    shown = here.visit(visit["id"])
    assert (shown["status"], shown["paused"]) == ("booked", True)
    (found,) = here.conflicts(attention=True)
    assert [item["reason"] for item in here.house.get("inbox")["items"]] == ["sync_conflict"]
    here.house.post(f"sync-conflicts/{found['id']}/resolve", {"choice": "theirs"})
    assert here.visit(visit["id"])["status"] == "cancelled"
    assert here.house.get("inbox")["items"] == []


def test_each_visit_in_dispute_is_in_the_inbox_until_it_is_decided(here: Practice) -> None:
    visits = [here.book(TEN), here.book(ELEVEN)]
    here.settle()
    for visit in visits:
        here.shelf.remove(VISIT, here.id_there(VISIT, visit["id"]))
    here.sync()
    here.house.tick(minutes=3)
    here.sync()
    first, second = here.conflicts(attention=True)
    asked = [item["appointment_id"] for item in here.house.get("inbox")["items"]]
    assert sorted(asked) == sorted([first["about"], second["about"]])
    here.house.post(f"sync-conflicts/{first['id']}/resolve", {"choice": "ours"})
    assert [item["appointment_id"] for item in here.house.get("inbox")["items"]] == [second["about"]]
    assert [here.visit(one["about"])["paused"] for one in (first, second)] == [False, True]


def test_names_are_theirs_and_a_verified_phone_is_not(here: Practice) -> None:
    patient = here.ids["patient"]
    name = here.id_there(PATIENT, patient)
    here.edit_there(PATIENT, name, name="Ana Ruiz Soler", phone="+34600000099")
    here.settle()
    assert (here.card(patient)["name"], here.card(patient)["phone"]) == ("Ana Ruiz Soler", "+34600000099")
    here.house.sms("+34600000099", "hello", "SM" + "1" * 32)
    here.edit_there(PATIENT, name, phone="+34600000098", email="ana@example.org")
    here.settle()
    card = here.card(patient)
    assert (card["phone"], card["email"]) == ("+34600000099", "ana@example.org")
    assert here.shelf.rows[PATIENT][name].fields["phone"] == "+34600000099"
    (found,) = here.conflicts(about=patient, attention=True)
    assert (found["field"], found["theirs"], found["note"]) == ("phone", "+34600000098", "phone_verified")
    here.house.post(f"sync-conflicts/{found['id']}/resolve", {"choice": "theirs"})
    here.settle()
    assert here.card(patient)["phone"] == here.shelf.rows[PATIENT][name].fields["phone"] == "+34600000098"


def test_an_opt_out_wins_on_either_side_and_is_never_cleared(here: Practice) -> None:
    patient = here.ids["patient"]
    name = here.id_there(PATIENT, patient)
    here.house.sms("+34600000010", "STOP", "SM" + "2" * 32)
    here.settle()
    assert here.shelf.rows[PATIENT][name].fields["sms_opt_out"] is True
    here.edit_there(PATIENT, name, sms_opt_out=False, voice_opt_out=True)
    here.settle()
    assert set(here.card(patient)["opted_out"]) >= {"sms", "voice"}
    assert here.shelf.rows[PATIENT][name].fields["sms_opt_out"] is True
    here.house.sms("+34600000010", "START", "SM" + "3" * 32)
    here.settle()
    assert "sms" not in here.card(patient)["opted_out"]
    assert here.shelf.rows[PATIENT][name].fields["sms_opt_out"] is True  # sync clears nothing, there as here


def test_both_changed_the_name(here: Practice) -> None:
    patient = here.ids["patient"]
    name = here.id_there(PATIENT, patient)
    here.edit_there(PATIENT, name, name="Ana R. Soler")
    here.house.patch(f"patients/{patient}", {"name": "Ana Ruiz-Soler"})
    here.settle()
    assert here.card(patient)["name"] == "Ana R. Soler"
    (found,) = here.conflicts(about=patient)
    assert (found["ours"], found["theirs"], found["live"]) == ("Ana Ruiz-Soler", "Ana R. Soler", "theirs")
    row = here.shelf.rows[PATIENT][name]
    assert (found["theirs_by"], datetime.fromisoformat(found["theirs_at"])) == ("Marta Sol", row.changed_at)
    here.house.post(f"sync-conflicts/{found['id']}/resolve", {"choice": "ours"})
    here.settle()
    assert here.shelf.rows[PATIENT][name].fields["name"] == here.card(patient)["name"] == "Ana Ruiz-Soler"


def test_who_decides_can_be_chosen(here: Practice) -> None:
    patient = here.ids["patient"]
    name = here.id_there(PATIENT, patient)
    here.change(owners={PATIENT: {"name": "newest", "email": "off"}})
    here.house.patch(f"patients/{patient}", {"name": "Earlier"})
    here.house.tick(seconds=5)
    here.edit_there(PATIENT, name, name="Later", email="x@example.org")
    here.settle()
    assert (here.card(patient)["name"], here.card(patient)["email"]) == ("Later", None)


def test_patients_are_recognised_and_doubles_wait_for_a_person(fresh: Practice) -> None:
    house = fresh.house
    twin = house.post("patients", {"name": "Eva Mora", "phone": "600 000 020"})
    other = house.post("patients", {"name": "Eva Mora", "phone": "600 000 020"})
    known = fresh.patient_there("RUIZ, Ana", phone="+34 600 000 010")
    doubtful = fresh.patient_there("Eva Mora", phone="+34600000020")
    fresh.patient_there("Child Ruiz", phone="+34600000010")  # a family shares a phone
    fresh.visit_there(doubtful, TEN_UTC, TEN_THIRTY_UTC)
    fresh.connect(start=False)
    counts = fresh.preview()
    assert {name: count for name, count in counts[PATIENT].items() if count and name != "reasons"} == {
        "there": 3, "matched": 1, "new": 1, "ambiguous": 1,
    }  # fmt: skip
    assert counts[VISIT]["reasons"] == {"patient_unknown": 1}
    fresh.change(paused=False)
    fresh.settle()
    assert fresh.linked(fresh.ids["patient"]) == known
    waiting = {one["cause"]: one for one in fresh.conflicts(attention=True)}
    assert sorted(waiting["ambiguous"]["ours"]) == sorted([twin["id"], other["id"]])
    assert waiting["refused_here"]["note"] == "patient_unknown"
    assert fresh.show()["waiting"] == 2
    assert len(fresh.shelf.rows[PATIENT]) == 3  # whoever that is, there is no second one of them there


def test_a_person_says_which_patient_it_is_and_what_waited_follows(fresh: Practice) -> None:
    twins = [fresh.house.post("patients", {"name": "Eva Mora", "phone": "600 000 020"})["id"] for _ in range(2)]
    doubtful = fresh.patient_there("Eva Mora", phone="+34600000020")
    fresh.visit_there(doubtful, TEN_UTC, TEN_THIRTY_UTC)
    fresh.connect()
    fresh.settle()
    found = next(one for one in fresh.conflicts(attention=True) if one["cause"] == "ambiguous")
    fresh.house.post(f"sync-conflicts/{found['id']}/resolve", {"choice": "theirs", "match": twins[1]})
    fresh.settle()
    assert fresh.linked(twins[1]) == doubtful
    assert fresh.linked(twins[0]) not in ("", doubtful)  # the other one is somebody else, and written there now
    (visit,) = fresh.house.get("appointments", patient_id=twins[1])["items"]
    assert visit["start"] == TEN
    assert fresh.conflicts(attention=True) == []


def test_what_is_refused_is_taken_in_once_it_is_mapped(here: Practice) -> None:
    other = here.house.post("providers", {
        "name": "Dr Sol", "location_id": here.ids["location"], "languages": ["es"],
        "hours": [{"weekday": "TU", "start": "09:00", "end": "17:00"}],
    }, role="admin")  # fmt: skip
    here.house.patch(
        f"services/{here.ids['service']}", {"provider_ids": [here.ids["provider"], other["id"]]}, role="admin"
    )
    patient = here.id_there(PATIENT, here.ids["patient"])
    here.visit_there(patient, TEN_UTC, TEN_THIRTY_UTC, provider="D2")
    here.settle()
    (found,) = here.conflicts(attention=True)
    assert found["note"] == "provider_unknown"
    here.change(providers={here.ids["provider"]: "D1", other["id"]: "D2"})
    here.settle()
    (visit,) = here.house.get("appointments", patient_id=here.ids["patient"])["items"]
    assert visit["provider_id"] == other["id"]
    assert here.conflicts(attention=True) == []


def test_nothing_is_read_before_somebody_looked_at_the_preview(fresh: Practice) -> None:
    fresh.patient_there("Luis Gil")
    fresh.connect(start=False)
    fresh.house.tick(minutes=10)
    path = f"crm-connections/{fresh.connection}"
    assert fresh.house.api("POST", f"{path}/sync", {}).code == "conflict"
    assert fresh.house.api("PATCH", path, {"paused": False}, role="admin").code == "conflict"
    assert fresh.crm.calls["changes"] == 0
    fresh.preview()
    assert fresh.crm.written == []
    fresh.change(paused=False)
    fresh.settle()
    assert len(fresh.house.get("patients")["items"]) == 2


def test_a_preview_that_no_longer_says_what_would_happen_is_asked_for_again(fresh: Practice) -> None:
    fresh.connect(start=False)
    path = f"crm-connections/{fresh.connection}"

    def begin(**values: object) -> str | None:
        answer = fresh.house.api("PATCH", path, {"paused": False, **values}, role="admin")
        return answer.code if answer.status != 200 else None

    fresh.preview()
    fresh.house.tick(days=1, seconds=1)
    assert begin() == "conflict"
    fresh.preview()
    fresh.house.tick(days=1)
    fresh.change(label="Our system")  # says nothing about what is taken in
    assert begin(providers={fresh.ids["provider"]: "D2"}) == "conflict"
    fresh.change(owners={"patient": {"name": "ours"}})
    assert (begin(), fresh.show()["preview"]) == ("conflict", None)
    fresh.preview()
    assert (begin(), fresh.show()["state"]) == (None, "ok")


def test_a_first_import_that_would_message_many_may_be_taken_back(sqlite_database_url: str) -> None:
    with practice(sqlite_database_url, connected=False, blast_radius=1, undo_minutes=10) as here:
        for number, (start, end) in enumerate([(TEN_UTC, TEN_THIRTY_UTC), (ELEVEN_UTC, ELEVEN_THIRTY_UTC)]):
            here.visit_there(here.patient_there(f"Eva Mora{number}", phone=f"60000002{number}"), start, end)
        here.connect(start=False)
        path = f"crm-connections/{here.connection}"
        here.preview()
        assert here.change(paused=False)["state"] == "ok"
        here.house.patch(f"patients/{here.ids['patient']}", {"language": "ca"})  # a change here wakes connections
        here.house.tick(minutes=9)
        assert here.house.api("POST", f"{path}/sync", {}).code == "conflict"
        assert here.crm.calls["put"] + len(here.house.get("appointments")["items"]) == 0
        stopped = here.change(paused=True)
        assert (stopped["state"], stopped["state_reason"]) == ("held", "first_import")
        here.house.tick(minutes=9)
        assert here.house.get("appointments")["items"] == []
        here.change(paused=False)
        here.house.tick(minutes=11)
        assert len(here.house.get("appointments")["items"]) == 2
        assert here.change(paused=True)["state"] == "paused"


def test_a_webhook_brings_what_a_listing_does_not_show_yet(here: Practice) -> None:
    name = here.patient_there("Luis Gil", phone="600 000 011")
    here.shelf.log[PATIENT].pop(name)  # the search index is behind
    here.sync()
    assert len(here.house.get("patients")["items"]) == 1
    headers, body = webhook(here.crm, PATIENT, name)
    path = f"/hooks/connections/{here.connection}"
    assert here.house.send("POST", path, body + b" ", headers).status == 403
    for _ in range(2):
        assert here.house.send("POST", path, body, headers).status == 204
    here.house.tick(seconds=1)
    assert len(here.house.get("patients")["items"]) == 2


def test_a_refused_login_stops_it_and_is_said_once(here: Practice) -> None:
    here.crm.failures += [LoginRefused(), LoginRefused()]
    assert here.sync()["error"] == "login_refused"
    shown = here.show()
    assert (shown["state"], shown["state_reason"]) == ("needs_login", "login_refused")
    calls = here.crm.calls["changes"]
    here.house.tick(hours=7)
    assert here.crm.calls["changes"] == calls
    assert [item["reason"] for item in here.house.get("inbox")["items"]] == ["connection_trouble"]
    here.crm.failures.clear()
    here.change(settings={"token": "new"})
    here.settle()
    assert here.show()["state"] == "ok"


def test_a_limit_is_obeyed_and_a_breakdown_moves_nothing(here: Practice) -> None:
    here.crm.failures.append(PeerError(retry_after=3600))
    name = here.patient_there("Luis Gil")
    assert here.sync()["error"] == "no_answer"
    calls = here.crm.calls["changes"]
    here.house.tick(minutes=50)
    assert here.crm.calls["changes"] == calls
    here.house.tick(minutes=30)
    assert here.crm.calls["changes"] > calls
    assert name in [link["remote_id"] for card in here.house.get("patients")["items"]
                    for link in here.house.get(f"patients/{card['id']}/links")["items"]]  # fmt: skip


def test_an_emptied_system_stops_the_connection(here: Practice) -> None:
    for number in range(8):
        here.house.post("patients", {"name": f"Patient {number}", "phone": f"600 000 03{number}"})
    here.settle()
    for name in list(here.shelf.rows[PATIENT]):
        here.shelf.remove(PATIENT, name)
    assert here.sync()["error"] == "mass_removal"
    assert here.show()["state"] == "held"


@pytest.mark.parametrize("page", [100, 3])
@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize(
    ("change", "error"),
    [({"status": "cancelled"}, "mass_removal"), ({"start": HALF_PAST_NINE_UTC, "end": TEN_UTC}, "mass_move")],
)
def test_a_mass_of_visits_called_off_or_moved_stops_it_before_anybody_hears(
    here: Practice, change: dict[str, str], error: str, full: bool, page: int
) -> None:
    visits = [here.book(f"2030-05-{day:02}T10:00:00+02:00") for day in (7, 8, 9, 13, 14, 15)]
    here.settle()
    before = here.house.get("appointments")["items"]
    here.crm.page(page)
    for visit in visits:
        day = visit["start"][:10]
        moved = {name: f"{day}{value[10:]}" if name != "status" else value for name, value in change.items()}
        here.edit_there(VISIT, here.id_there(VISIT, visit["id"]), **moved)
    assert here.sync(full=full)["error"] == error
    assert (here.show()["state"], here.show()["state_reason"]) == ("held", error)
    assert here.house.get("appointments")["items"] == before
    here.change(paused=False)
    here.settle()
    assert here.house.get("appointments")["items"] != before


@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("page", [100, 2])
def test_a_mass_of_new_visits_waits_before_anybody_hears(sqlite_database_url: str, full: bool, page: int) -> None:
    with practice(sqlite_database_url, blast_radius=3) as here:
        names = [here.patient_there(f"Patient {number}") for number in range(4)]
        here.settle()
        here.crm.page(page)
        for number, name in enumerate(names):
            hour = f"2030-05-07T{8 + number:02}"
            here.visit_there(name, f"{hour}:00:00+00:00", f"{hour}:30:00+00:00")
        over = here.visit_there(names[0], "2030-04-02T08:00:00+00:00", "2030-04-02T08:30:00+00:00")
        done = here.sync(full=full)
        assert (done["error"], done["detail"]) == ("mass_arrival", "Visits of 4 patients are new at once.")
        assert here.house.get("appointments")["items"] == []
        assert here.show()["state_reason"] == "mass_arrival"
        here.shelf.remove(VISIT, over)
        here.change(paused=False)
        here.settle()
        assert len(here.house.get("appointments")["items"]) == 4


def test_a_preview_says_whose_visits_are_recognised_and_who_would_be_reminded(sqlite_database_url: str) -> None:
    with practice(sqlite_database_url, connected=False, blast_radius=1) as fresh:
        known = fresh.patient_there("Ana Ruiz", phone="+34600000010")  # not linked yet
        fresh.book(TEN)
        fresh.visit_there(known, TEN_UTC, TEN_THIRTY_UTC)
        fresh.visit_there(known, ELEVEN_UTC, ELEVEN_THIRTY_UTC)
        fresh.visit_there(known, "2030-05-08T08:00:00+00:00", "2030-05-08T08:30:00+00:00")
        fresh.connect(start=False)
        path = f"crm-connections/{fresh.connection}/preview"
        seen = fresh.house.post(path, role="admin")
        assert {name: seen["entities"][VISIT][name] for name in ("matched", "new", "ours")} == {
            "matched": 1, "new": 2, "ours": 0,
        }  # fmt: skip
        assert (seen["patients"], seen["limit"], seen["held"]) == (1, 1, False)
        other = fresh.patient_there("Luis Gil")
        fresh.visit_there(other, "2030-05-09T08:00:00+00:00", "2030-05-09T08:30:00+00:00")
        seen = fresh.house.post(path, role="admin")
        assert (seen["patients"], seen["held"]) == (2, True)
        fresh.change(paused=False)
        fresh.house.tick(minutes=6)
        fresh.settle()
        visits = fresh.house.get("appointments")["items"]
        assert len(visits) == 4  # as counted: one was there, three are new


def test_an_answer_that_never_came_makes_no_second_record(here: Practice) -> None:
    here.crm.lost = True
    here.house.post("patients", {"name": "Luis Gil", "phone": "600 000 011"})
    here.house.tick(seconds=1)
    assert here.show()["last_run"]["error"] == "no_answer"
    here.house.tick(hours=1)
    here.settle()
    assert sorted(row.fields["name"] for row in here.shelf.rows[PATIENT].values()) == ["Ana Ruiz", "Luis Gil"]


def test_what_is_wrong_over_there_stays_there_and_is_listed(here: Practice) -> None:
    name = here.patient_there("Luis Gil", phone="call his mother", email="luis@example.org")
    here.settle()
    (card,) = here.house.get("patients", q="Luis")["items"]
    assert (card["phone"], card["email"]) == (None, "luis@example.org")
    (found,) = here.conflicts(about=card["id"])
    assert (found["field"], found["theirs"]) == ("phone", "call his mother")
    assert here.shelf.rows[PATIENT][name].fields["phone"] == "call his mother"


def test_a_pass_says_how_far_it_is(here: Practice) -> None:
    for number in range(120):
        here.patient_there(f"Patient {number}")
    told: list[int] = []
    done = here.house.service.syncing.now(here.connection, watch=lambda tally: told.append(tally.pulled))
    assert (done.tally.pulled, told[0], told[-1]) == (120, 50, 120)


def test_a_process_that_is_to_end_stops_between_two_pages_and_the_next_goes_on(here: Practice) -> None:
    for number in range(120):
        here.patient_there(f"Patient {number}")
    service = here.house.service
    ended = service.syncing.now(here.connection, watch=lambda _: service.ending.set())
    assert ended.error == "stopped"
    assert service.syncing.run() == 0
    service.ending.clear()
    assert here.show()["state"] == "ok"
    assert service.syncing.run() == 1
    assert len(here.house.get("patients", q="Patient", limit=200)["items"]) == 120
