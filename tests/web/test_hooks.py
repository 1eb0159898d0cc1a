"""Webhooks: signed or refused, recorded once, harmless in any order and number."""

from __future__ import annotations

import itertools
import json
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from tests.fakes import FakeMessenger
from tests.house import FORM, Local, book
from tests.seeded import Seed
from tests.shared_data import needs_shared
from tests.shared_data import shared as shared_data
from tests.web.test_repeats import at_once, fresh

ANA = "+34600000010"
SMS = "/hooks/twilio/sms"
HOOKS = [SMS, "/hooks/twilio/status/t-1", "/hooks/twilio/voice/t-1"]
GOOD = {"MessageSid": "SM1", "From": ANA, "To": "+15005550006", "Body": "1"}


def counted(web: Local, table: str) -> int:
    with web.service.database.read() as tx:
        return int(tx.execute(text(f"SELECT count(*) FROM {table}")).scalar_one())


def asked(web: Local, **changes: Any) -> dict[str, Any]:
    """A visit about which the patient was sent a reminder; ``token`` and ``sid`` are those of its message."""
    visit = book(web, web.ids, changes.pop("start", "2030-05-08T09:00:00+02:00"), **changes)
    web.tick(hours=25, minutes=1)
    with web.service.database.read() as tx:
        row = tx.execute(
            text("SELECT token, provider_sid FROM message WHERE direction = 'out' ORDER BY id DESC")
        ).first()
    assert row is not None
    return visit | {"token": row.token, "sid": row.provider_sid}


@pytest.fixture
def web(seeded: Seed) -> Local:
    """A clinic whose messages go to a fake, so that every callback is the test's own."""
    return seeded.local(messenger=FakeMessenger)


@pytest.fixture
def alone(seeded_sqlite: Seed) -> Local:
    """The same for what does not depend on the database."""
    return seeded_sqlite.local(messenger=FakeMessenger)


@needs_shared
def test_vectors_over_http_are_403_unless_valid_here(shared: Local) -> None:
    """The SDKs' vectors are signed for other addresses and secrets, so whatever they are, they are refused."""
    before = counted(shared, "message")
    for vector in json.loads(shared_data("twilio", "signature_vectors.json").read_text("utf-8")):
        query = vector["url"].partition("?")[2]
        data = (vector["body"] or urlencode(vector["params"] or {}, doseq=True)).encode()
        kind = "application/json" if vector["body"] else FORM
        for hook in HOOKS:
            answer = shared.send("POST", f"{hook}?{query.encode('ascii', 'ignore').decode()}", data,
                                 {"Content-Type": kind, "X-Twilio-Signature": vector["signature"]})  # fmt: skip
            assert (answer.status, answer.code) == (403, "bad_signature"), vector["name"]
    assert counted(shared, "message") == before


MALFORMED: list[tuple[str, bytes, dict[str, str]]] = [
    ("nothing", b"", {}),
    ("no signature", b"Body=1", {"Content-Type": FORM}),
    ("odd signature", b"Body=1", {"Content-Type": FORM, "X-Twilio-Signature": "\xe9\xff"}),
    ("long signature", b"Body=1", {"Content-Type": FORM, "X-Twilio-Signature": "A" * 60_000}),
    ("json", b'{"Body": "1"}', {"Content-Type": "application/json", "X-Twilio-Signature": "x"}),
    (
        "broken multipart",
        b"--x\r\nContent-Disposition: form-data",
        {"Content-Type": "multipart/form-data; boundary=x", "X-Twilio-Signature": "x"},
    ),
    ("no boundary", b"--x", {"Content-Type": "multipart/form-data", "X-Twilio-Signature": "x"}),
    ("bad utf-8", b"Body=%ff%fe&%80=%80", {"Content-Type": FORM, "X-Twilio-Signature": "x"}),
    ("raw bytes", bytes(range(256)), {"Content-Type": FORM, "X-Twilio-Signature": "x"}),
    ("odd charset", b"Body=1", {"Content-Type": FORM + "; charset=nonsense", "X-Twilio-Signature": "x"}),
    ("utf-16", "Body=1".encode("utf-16"), {"Content-Type": FORM + "; charset=utf-16", "X-Twilio-Signature": "x"}),
    ("nul", b"Body=%00&From=%00", {"Content-Type": FORM, "X-Twilio-Signature": "x"}),
    ("many fields", b"&".join(b"f%d=1" % n for n in range(900)), {"Content-Type": FORM, "X-Twilio-Signature": "x"}),
]


@pytest.mark.parametrize("hook", HOOKS)
@pytest.mark.parametrize(("name", "data", "headers"), MALFORMED, ids=[row[0] for row in MALFORMED])
def test_malformed_requests_are_403(shared: Local, hook: str, name: str, data: bytes, headers: dict[str, str]) -> None:
    answer = shared.send("POST", hook, data, headers)
    assert (answer.status, answer.code) == (403, "bad_signature")


@pytest.mark.parametrize("hook", HOOKS)
@pytest.mark.parametrize(
    "query", [b"x=\xff", b"\xff=1", b"%ff=%ff", b"a=1&a=2", b"?", b"=", b"&&", "ñ=1".encode(), b"x=\x00"]
)
def test_odd_queries_are_403(shared: Local, hook: str, query: bytes) -> None:
    answer = shared.client.post(
        hook,
        data={"Body": "1"},
        headers={"X-Twilio-Signature": "x"},
        environ_overrides={"QUERY_STRING": query.decode("latin-1")},
    )
    assert answer.status_code == 403


@pytest.mark.parametrize("hook", HOOKS)
def test_too_much_is_refused(shared: Local, hook: str) -> None:
    for data in (b"Body=" + b"x" * 2_000_000, b"&".join(b"f%d=1" % n for n in range(5000))):
        answer = shared.send("POST", hook, data, {"Content-Type": FORM, "X-Twilio-Signature": "x"})
        assert answer.status in {403, 413}


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    form=st.dictionaries(st.sampled_from(["MessageSid", "From", "Body", "OptOutType", "To", "Digits", "CallSid", "MessageStatus", "X"]),
                         st.text(st.characters(exclude_categories=["Cs"]), max_size=30)),
    hook=st.sampled_from(HOOKS),
)  # fmt: skip
def test_whatever_is_signed_gets_an_answer(shared: Local, form: dict[str, str], hook: str) -> None:
    assert shared.hook(hook, form).status in {200, 204, 403}


@pytest.mark.parametrize("field", ["MessageSid", "From"])
def test_a_text_without_its_essentials_is_refused(shared: Local, field: str) -> None:
    before = counted(shared, "message")
    for form in (GOOD | {field: ""}, {name: value for name, value in GOOD.items() if name != field}):
        assert shared.hook(SMS, form).status == 403
    assert counted(shared, "message") == before


@pytest.mark.parametrize(
    "sender", ["12345", "CLINIC", "anonymous", "+0", "whatsapp:+34600000010", "+" + "9" * 60, "\x00x", "é"]
)
def test_a_text_from_whoever_is_recorded_and_read_by_a_person(alone: Local, sender: str) -> None:
    answer = alone.sms(sender, "Who is this?", "SM1")
    assert answer.status == 200
    assert [item["text"] for item in alone.get("inbox")["items"]] == ["Who is this?"]


@pytest.mark.parametrize(
    "body", ["", " ", "\x00", "1\x00", "\x0b", "👍" * 400, "x" * 5000, "１", "٢", "1\n\n", "</Response>", "{{ 7*7 }}"]
)
def test_texts_of_every_kind(alone: Local, body: str) -> None:
    asked(alone)
    answer = alone.sms(ANA, body, "SM1")
    assert answer.status == 200
    assert answer.headers["Content-Type"].startswith("text/xml")
    assert answer.text.count("<Response") == 1
    assert "49" not in answer.text


def test_a_text_is_recorded_once(web: Local) -> None:
    visit = asked(web)
    first = web.sms(ANA, "1", "SM1")
    assert "<Message>" in first.text
    for _ in range(3):
        assert web.sms(ANA, "1", "SM1").text == '<?xml version="1.0" encoding="UTF-8"?><Response />'
    assert web.sms(ANA, "2", "SM1").status == 200
    assert web.get(f"appointments/{visit['id']}")["status"] == "booked"
    assert [item["change"] for item in web.get(f"appointments/{visit['id']}/history")["items"]] == ["book", "confirm"]


def test_a_text_delivered_eight_times_at_once_is_recorded_once(web: Local) -> None:
    visit = asked(web)
    answers = at_once(8, lambda _: fresh(web).sms(ANA, "maybe, who knows", "SM1"))
    assert {answer.status for answer in answers} == {200}
    assert sum("<Message>" in answer.text for answer in answers) == 1
    assert len(web.get("inbox")["items"]) == 1
    assert [item["change"] for item in web.get(f"appointments/{visit['id']}/history")["items"]] == ["book"]


def test_two_opposite_answers_at_once_leave_one_consistent_visit(web: Local) -> None:
    visit = asked(web)
    answers = at_once(2, lambda number: fresh(web).sms(ANA, "12"[number], f"SM{number}"))
    assert {answer.status for answer in answers} == {200}
    after = web.get(f"appointments/{visit['id']}")
    assert (after["status"], after["confirmation"]) in {("cancelled", "declined"), ("booked", "confirmed")}
    assert after["version"] in {2, 3}


def test_the_sample_of_advanced_opt_out(alone: Local) -> None:
    """A payload as Twilio's Advanced Opt-Out sends it: the flag decides, and Twilio says goodbye itself."""
    visit = asked(alone)
    form = GOOD | {
        "Body": "stop",
        "OptOutType": "STOP",
        "MessagingServiceSid": "MG" + "1" * 32,
        "FromZip": "",
        "NumMedia": "0",
    }
    answer = alone.hook(SMS, form)
    assert "<Message>" not in answer.text
    assert alone.get(f"patients/{alone.ids['patient']}")["opted_out"] == ["sms"]
    assert alone.reminders(visit)[1]["reason"] == "opted_out"


@needs_shared
def test_the_public_sample_of_advanced_opt_out(shared: Local) -> None:
    form = json.loads(shared_data("twilio", "inbound_optout_sample.json").read_text("utf-8"))
    form.pop("_source")
    answer = shared.hook(SMS, form)
    assert (answer.status, "<Message>" in answer.text) == (200, False)


@pytest.mark.parametrize(
    ("flag", "silent"),
    [("STOP", True), ("START", True), ("HELP", True), ("stop", True), ("NONSENSE", True), ("", False)],
)
def test_what_twilio_answers_itself_is_not_answered_twice(alone: Local, flag: str, silent: bool) -> None:
    asked(alone)
    answer = alone.sms(ANA, "1", "SM1", **({"OptOutType": flag} if flag else {}))
    assert ("<Message>" not in answer.text) is silent


STATUSES = ["queued", "sending", "sent", "delivered"]


def report(web: Local, visit: dict[str, Any], status: str, **more: str) -> int:
    form = {"MessageSid": visit["sid"], "MessageStatus": status, "To": ANA} | more
    return web.hook(f"/hooks/twilio/status/{visit['token']}", form).status


@pytest.mark.parametrize(
    "order", [*[*itertools.permutations(STATUSES)][::5], ("delivered",), ("delivered", "sent", "failed", "undelivered")]
)
def test_callbacks_in_any_order_and_number(alone: Local, order: tuple[str, ...]) -> None:
    visit = asked(alone)
    for status in order:
        assert [report(alone, visit, status), report(alone, visit, status)] == [204, 204]
    assert alone.reminders(visit)[0]["state"] == "delivered"
    assert counted(alone, "message WHERE check_at IS NOT NULL") == 1  # for the price


@pytest.mark.parametrize(
    "order", [("undelivered", "delivered"), ("failed", "sent", "delivered"), ("sent", "undelivered", "undelivered")]
)
def test_a_final_state_stays(alone: Local, order: tuple[str, ...]) -> None:
    visit = asked(alone)
    for status in order:
        report(alone, visit, status, ErrorCode="30005")
    first = alone.reminders(visit)[0]
    assert (first["state"], first["reason"], first["error_code"]) == ("failed", "undelivered", 30005)
    assert alone.get(f"patients/{alone.ids['patient']}")["phone_problem"] == "provider error 30005"


def test_callbacks_all_at_once(web: Local) -> None:
    visit = asked(web)
    statuses = ["sent", "delivered", "sent", "delivered", "undelivered", "delivered", "queued", "sent"]
    at_once(8, lambda number: fresh(web).hook(
        f"/hooks/twilio/status/{visit['token']}", {"MessageSid": visit["sid"], "MessageStatus": statuses[number]}
    ))  # fmt: skip
    assert web.reminders(visit)[0]["state"] in {"delivered", "failed"}
    assert counted(web, "message WHERE check_at IS NOT NULL") == 1


@pytest.mark.parametrize(
    ("token", "sid", "status"),
    [("unknown", "SM1", "delivered"), (None, "SM-of-another", "delivered"), (None, None, "nonsense"), (None, "", "delivered"),
     (None, None, ""), ("x" * 500, "SM1", "delivered"), ("%00", "SM1", "delivered")],
)  # fmt: skip
def test_callbacks_about_something_else_change_nothing(
    alone: Local, token: str | None, sid: str | None, status: str
) -> None:
    visit = asked(alone)
    form = {"MessageSid": visit["sid"] if sid is None else sid, "MessageStatus": status}
    assert alone.hook(f"/hooks/twilio/status/{token or visit['token']}", form).status in {204, 403, 404}
    assert alone.reminders(visit)[0]["state"] == "sent"


def test_a_callback_with_the_sid_of_another_message_changes_nothing(web: Local) -> None:
    """One message has no SID yet, and a callback for it claims that of another."""
    visit = asked(web)
    with web.service.database.write() as tx:
        tx.execute(text("UPDATE message SET provider_sid = NULL WHERE token = :token"), {"token": visit["token"]})
    web.sms(ANA, "hello?", "SM-taken")
    form = {"MessageSid": "SM-taken", "MessageStatus": "delivered"}
    assert web.hook(f"/hooks/twilio/status/{visit['token']}", form).status == 204
    assert web.reminders(visit)[0]["state"] != "delivered"


VOICE = [{"offset": "-P1D", "channels": ["voice"]}]


def ringing(web: Local) -> dict[str, Any]:
    web.patch(f"reminder-policies/{web.ids['policy']}", {"steps": VOICE}, role="admin")
    return asked(web)


def pressed(web: Local, visit: dict[str, Any], key: str | None = None, query: str = "", **changes: str) -> str:
    form = (
        {"CallSid": visit["sid"], "CallStatus": "in-progress", "To": ANA}
        | ({} if key is None else {"Digits": key})
        | changes
    )
    answer = web.hook(f"/hooks/twilio/voice/{visit['token']}{query}", form)
    assert answer.status == 200
    assert answer.headers["Content-Type"].startswith("text/xml")
    return answer.text


@pytest.mark.parametrize(
    ("key", "status", "confirmation", "asks"),
    [("1", "booked", "confirmed", False), ("2", "cancelled", "declined", False), ("3", "booked", "unconfirmed", True),
     ("9", "booked", "unconfirmed", False), ("*", "booked", "unconfirmed", True), ("5", "booked", "unconfirmed", True),
     ("#", "booked", "unconfirmed", True), ("12", "booked", "unconfirmed", True), ("", "booked", "unconfirmed", True),
     ("x" * 900, "booked", "unconfirmed", True), ("\x00", "booked", "unconfirmed", True)],
)  # fmt: skip
def test_keys_pressed_on_a_call(alone: Local, key: str, status: str, confirmation: str, asks: bool) -> None:
    visit = ringing(alone)
    assert "<Gather" in pressed(alone, visit)
    words = {pressed(alone, visit, key) for _ in range(3)}
    if key not in {"2", "1", "9"}:
        assert len(words) == 1
    assert any("<Gather" in twiml for twiml in words) is asks
    after = alone.get(f"appointments/{visit['id']}")
    assert (after["status"], after["confirmation"]) == (status, confirmation)
    assert after["version"] <= 2
    assert alone.get("inbox")["items"] == []
    assert alone.get(f"patients/{alone.ids['patient']}")["opted_out"] == (["voice"] if key == "9" else [])


def test_a_call_names_who_and_when_in_the_patients_language(alone: Local) -> None:
    visit = ringing(alone)
    words = pressed(alone, visit)
    assert "Clinica Norte" in words
    assert "Ana Ruiz" in words
    assert 'language="es-ES"' in words
    assert "mayo" not in words
    assert "8 de mayo" in pressed(alone, visit, "1", "?step=who")


@pytest.mark.parametrize("query", ["?step=who&tries=99", "?step=&tries=x", "?step=nonsense", "?tries=-1"])
def test_an_address_that_was_tampered_with_does_no_harm(alone: Local, query: str) -> None:
    assert "<Response>" in pressed(alone, ringing(alone), "7", query)


def test_words_are_read_and_a_machine_is_told_nothing(alone: Local) -> None:
    visit = ringing(alone)
    assert "8 de mayo" not in pressed(alone, visit, AnsweredBy="machine_end_beep")
    assert "8 de mayo" in pressed(alone, visit, None, "?step=who", SpeechResult="Sí.")
    assert "confirmada" in pressed(alone, visit, None, "?step=visit", SpeechResult="Sí, confirmo")
    assert alone.reminders(visit)[0]["outcome"] == "confirmed"


@pytest.mark.parametrize("change", [{"CallSid": "CA-of-another"}, {"CallSid": ""}])
def test_a_call_that_is_not_ours_is_ended(alone: Local, change: dict[str, str]) -> None:
    visit = ringing(alone)
    for key in (None, "1", "2", "9"):
        assert "<Hangup" in pressed(alone, visit, key, **change)
    assert alone.get(f"appointments/{visit['id']}")["version"] == 1
    assert "<Hangup" in pressed(alone, visit | {"token": "unknown"}, "2")


def test_a_call_about_a_visit_that_is_over_says_so(alone: Local) -> None:
    visit = ringing(alone)
    alone.post(f"appointments/{visit['id']}/cancel")
    for key in (None, "1", "2", "3"):
        words = pressed(alone, visit, key)
        assert "<Gather" not in words
        assert "<Say" in words
    assert alone.get(f"appointments/{visit['id']}")["status"] == "cancelled"
    assert pressed(alone, visit, "9")
    assert alone.get(f"patients/{alone.ids['patient']}")["opted_out"] == ["voice"]


def test_a_call_tells_the_time_that_holds_when_it_is_answered(alone: Local) -> None:
    visit = ringing(alone)
    alone.post(f"appointments/{visit['id']}/reschedule", {"start": "2030-05-10T12:00:00+02:00"})
    words = pressed(alone, visit, "1", "?step=who")
    assert "10 de mayo" in words
    assert "8 de mayo" not in words


def test_markup_in_names_stays_text(alone: Local) -> None:
    alone.patch(f"patients/{alone.ids['patient']}", {"name": '<Hangup/> & "Ana"'})
    words = pressed(alone, ringing(alone))
    assert "<Hangup/> &" not in words
    assert "&lt;Hangup/&gt; &amp;" in words
