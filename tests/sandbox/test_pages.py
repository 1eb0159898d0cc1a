"""The phones page, as a person and a browser see it."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape

import pytest
from apiflask import APIFlask

from reminders.sandbox.blueprint import create_blueprint
from tests.sandbox.support import ACCOUNT, INBOUND_URL, NUMBER, PHONE, TEMPLATES, TOKEN, World

CONVERSATION = f"/sandbox/phones/{PHONE[1:]}"
ARABIC = "موعدك غدًا الساعة 9:30 — اكتب 1 للتأكيد"
GATHER = (
    "<Response><Gather numDigits='1' action='https://clinic.example/keys'>"
    "<Say language='es-MX'>Pulse 1</Say></Gather></Response>"
)


def page(world: World, path: str = CONVERSATION) -> str:
    answer = world.browser.get(path)
    assert answer.status_code == 200
    return unescape(answer.get_data(as_text=True))


def test_an_empty_list_says_what_will_appear(world: World) -> None:
    assert "No texts and no calls yet" in page(world, "/sandbox/")
    assert NUMBER in page(world, "/sandbox/")


def test_the_list_counts_unread_texts_until_they_are_read(world: World) -> None:
    world.send("one")
    world.send("two")
    assert 'class="count"' not in page(world, "/sandbox/")
    world.pass_time()
    assert '<span class="count">2<' in page(world, "/sandbox/")
    page(world)
    assert 'class="count"' not in page(world, "/sandbox/")


def test_the_newest_phone_comes_first_and_can_be_found(world: World) -> None:
    for phone in (PHONE, "+447700900123", "+12025550101"):
        world.send(to=phone)
    listed = re.findall(r'phone-number" dir="ltr">(\+\d+)<', page(world, "/sandbox/"))
    assert listed == ["+12025550101", "+447700900123", PHONE]
    for wanted in ("7700", "%2B44 7700-900"):
        assert re.findall(r'phone-number" dir="ltr">(\+\d+)<', page(world, f"/sandbox/?q={wanted}")) == [
            "+447700900123"
        ]
    assert "No phone with" in page(world, "/sandbox/?q=999")
    world.sandbox.reply(PHONE, "1")
    assert world.sandbox.phones()[0].number == PHONE


def test_texts_are_bubbles_in_their_own_direction(world: World) -> None:
    world.send(ARABIC)
    world.pass_time()
    html = page(world)

    # Nothing else may stand inside: the first letter decides the direction.
    assert f'<span class="words" dir="auto">{ARABIC}</span>' in html
    assert "delivered" in html
    assert "$0.00790" in html


def test_a_text_cannot_smuggle_markup_in(world: World) -> None:
    world.send("<script>alert(1)</script>")
    world.sandbox.reply(PHONE, "<img src=x onerror=alert(1)>")
    for path in (CONVERSATION, "/sandbox/"):
        raw = world.browser.get(path).get_data(as_text=True)
        assert "<script>alert" not in raw
        assert "<img" not in raw


def test_a_failed_text_says_why(world: World) -> None:
    world.send(to="+12025550193")
    world.pass_time()

    assert "30003 Unreachable destination handset" in page(world, "/sandbox/phones/12025550193")


def test_one_can_answer_by_button_and_by_typing(world: World) -> None:
    for body in ("1", "¿A qué hora?\r\nGracias"):
        answer = world.browser.post(f"{CONVERSATION}/reply", data={"body": body})
        assert (answer.status_code, answer.headers["Location"]) == (303, f"{CONVERSATION}#newest")
    world.pass_time()

    assert [request.form["Body"] for request in world.application.to(INBOUND_URL)] == ["1", "¿A qué hora?\nGracias"]
    assert 'class="entry entry-mine"' in page(world)


def test_an_empty_text_is_not_sent(world: World) -> None:
    world.browser.post(f"{CONVERSATION}/reply", data={"body": "  "})

    assert world.sandbox.conversation(PHONE) == []


def test_a_stopped_phone_says_so(world: World) -> None:
    world.browser.post(f"{CONVERSATION}/reply", data={"body": "STOP"})

    assert "This phone sent STOP" in page(world)
    assert "sent STOP" in page(world, "/sandbox/")


def test_a_call_shows_what_is_said_and_takes_a_key(world: World) -> None:
    world.application.answer("https://clinic.example/keys", "<Response><Say>Gracias</Say></Response>")
    sid = world.sdk.calls.create(to=PHONE, from_=NUMBER, twiml=GATHER).sid
    world.pass_time(timedelta(seconds=4))
    html = page(world)
    assert '<q lang="es-MX" dir="auto">Pulse 1</q>' in html
    assert re.findall(r'name="digits" value="(.)"', html) == list("123456789*0#")
    assert "in a call" in page(world, "/sandbox/")

    assert world.browser.post(f"/sandbox/calls/{sid}/press", data={"digits": "1"}).status_code == 303
    world.pass_time()
    html = page(world)
    assert "You pressed <kbd>1</kbd>" in html
    assert "Gracias" in html
    assert 'name="digits"' not in html


def test_a_key_pressed_too_late_only_shows_the_page(world: World) -> None:
    sid = world.sdk.calls.create(to=PHONE, from_=NUMBER, twiml="<Response/>").sid
    world.pass_time()

    assert world.browser.post(f"/sandbox/calls/{sid}/press", data={"digits": "1"}).status_code == 303


def test_one_can_hang_up(world: World) -> None:
    sid = world.sdk.calls.create(to=PHONE, from_=NUMBER, twiml=GATHER).sid
    world.pass_time(timedelta(seconds=4))
    assert "Hang up" in page(world)
    world.browser.post(f"/sandbox/calls/{sid}/hang-up")

    assert world.sandbox.call(sid).status == "completed"
    assert "Hang up" not in page(world)


def test_a_phone_can_be_made_to_behave_differently(world: World) -> None:
    world.browser.post(f"{CONVERSATION}/behaviour", data={"behaviour": "switched-off"})

    assert '<option value="switched-off" selected>' in page(world)
    assert world.browser.post(f"{CONVERSATION}/behaviour", data={"behaviour": "nonsense"}).status_code == 400


@pytest.mark.parametrize("number", ["+1 (202) 555-0100", "12025550100"])
def test_any_phone_can_be_taken_up(world: World, number: str) -> None:
    answer = world.browser.get("/sandbox/open", query_string={"number": number})

    assert (answer.status_code, answer.headers["Location"]) == (302, CONVERSATION)
    assert "Nothing on this phone yet" in page(world)


def test_bad_answers_of_the_application_are_shown(world: World) -> None:
    world.application.answer(INBOUND_URL, "oops", 500)
    world.sandbox.reply(PHONE, "1")
    world.pass_time()

    assert "11200 HTTP retrieval failure" in page(world, "/sandbox/")


@pytest.mark.parametrize("path", ["/sandbox/phones/abc", "/sandbox/phones/0123", "/sandbox/phones/" + "1" * 16])
def test_impossible_numbers_have_no_page(world: World, path: str) -> None:
    assert world.browser.get(path).status_code == 404


@pytest.mark.parametrize("number", ["", "555", "abc"])
def test_impossible_numbers_cannot_be_taken_up(world: World, number: str) -> None:
    assert world.browser.get("/sandbox/open", query_string={"number": number}).status_code == 400


@pytest.mark.parametrize("action", ["press", "hang-up"])
def test_unknown_calls_have_no_keys(world: World, action: str) -> None:
    assert world.browser.post(f"/sandbox/calls/CA1/{action}", data={"digits": "1"}).status_code == 404


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 303),
        ({"Sec-Fetch-Site": "same-origin", "Origin": "http://localhost"}, 303),
        ({"Origin": "http://localhost"}, 303),
        ({"Sec-Fetch-Site": "none"}, 303),
        ({"Sec-Fetch-Site": "cross-site", "Origin": "https://elsewhere.example"}, 403),
        ({"Sec-Fetch-Site": "cross-site", "Origin": "http://localhost"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Origin": "https://elsewhere.example"}, 403),
        ({"Origin": "http://localhost:8001"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": ""}, 403),
    ],
)
@pytest.mark.parametrize("path", ["reply", "behaviour"])
def test_other_sites_cannot_post(world: World, headers: dict[str, str], status: int, path: str) -> None:
    form = {"body": "1", "behaviour": "busy"}
    answer = world.browser.post(f"{CONVERSATION}/{path}", data=form, headers=headers)

    assert answer.status_code == status
    if status == 403:
        assert world.sandbox.conversation(PHONE) == []
        assert world.sandbox.phone(PHONE).behaviour == "reachable"


def test_the_pages_keep_to_a_strict_content_security_policy(world: World) -> None:
    world.send(ARABIC)
    world.sdk.calls.create(to=PHONE, from_=NUMBER, twiml=GATHER)
    world.pass_time(timedelta(seconds=4))
    for path in ("/sandbox/", CONVERSATION):
        html = page(world, path)
        assert not re.search(r"<[^>]+\s(style|on\w+)\s*=", html)
        assert re.findall(r"<script(?![^>]*\ssrc=)", html) == []
        assert "<style" not in html
        assert re.findall(r'(?:src|href)="(https?:)?//', html) == []


def test_every_field_and_button_has_a_name(world: World) -> None:
    world.sdk.calls.create(to=PHONE, from_=NUMBER, twiml=GATHER)
    world.pass_time(timedelta(seconds=4))
    for path in ("/sandbox/", CONVERSATION):
        html = page(world, path)
        labelled = set(re.findall(r'<label for="([^"]+)"', html))
        fields = set(re.findall(r'<(?:input|textarea|select) id="([^"]+)"', html))
        assert fields == labelled
        assert len(re.findall(r"<(?:input|textarea|select)\b", html)) == len(fields)
        assert len(re.findall(r"<h1\b", html)) == 1
        assert '<html lang="en">' in html
        ids = re.findall(r'\sid="([^"]+)"', html)
        assert len(ids) == len(set(ids))


@pytest.mark.parametrize(("name", "kind"), [("sandbox.css", "text/css"), ("sandbox.js", "text/javascript")])
def test_style_and_script_are_served(world: World, name: str, kind: str) -> None:
    answer = world.browser.get(f"/sandbox/static/{name}")

    assert (answer.status_code, answer.mimetype) == (200, kind)
    answer.close()


def test_every_class_in_use_has_a_style(world: World) -> None:
    css = world.browser.get("/sandbox/static/sandbox.css")
    styled = set(re.findall(r"\.([a-z][a-z-]+)", css.get_data(as_text=True)))
    css.close()
    used: set[str] = set()
    for template in (TEMPLATES / "sandbox").glob("*.html"):
        plain = re.sub(r"\{\{.*?\}\}|\{%.*?%\}", " ", template.read_text())
        for names in re.findall(r'class="([^"]*)"', plain):
            used |= set(names.split())

    assert used - styled <= {"state", "write", "behave"}


def test_the_blueprint_can_be_mounted_in_an_apiflask_application(world: World) -> None:
    app = APIFlask("product", template_folder=str(TEMPLATES))
    app.testing = True
    app.register_blueprint(create_blueprint(world.sandbox))
    browser = app.test_client()
    world.send()

    assert browser.get("/sandbox/").status_code == 200
    assert browser.get(f"/sandbox/2010-04-01/Accounts/{ACCOUNT}.json").status_code == 401
    answer = browser.get(f"/sandbox/2010-04-01/Accounts/{ACCOUNT}/Messages.json", auth=(ACCOUNT, TOKEN))
    assert answer.json is not None
    assert len(answer.json["messages"]) == 1
    assert "sandbox" not in str(app.spec)
