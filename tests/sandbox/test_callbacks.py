"""Signing and addressing webhooks."""

from __future__ import annotations

import json
from functools import partial
from typing import Any

import pytest
from twilio.request_validator import RequestValidator

from reminders.sandbox.callbacks import Answer, Courier, Webhook, resolve
from tests.sandbox.support import STATUS_URL, TOKEN, World
from tests.shared_data import needs_shared, shared


def test_the_signature_covers_address_and_form() -> None:
    seen: list[tuple[str, dict[str, str], dict[str, str]]] = []

    def post(url: str, form: dict[str, str], headers: dict[str, str]) -> tuple[int, str]:
        seen.append((url, form, headers))
        return 200, "fine"

    url, form = "https://clinic.example/hook?a=1&b=%C3%A9#part", {"Body": "ñ 明", "Empty": ""}
    assert Courier(post, TOKEN).deliver(Webhook(url, "SM1", form)) == Answer(200, "fine")

    [(posted, sent, headers)] = seen
    assert posted == "https://clinic.example/hook?a=1&b=%C3%A9"
    assert sent == form
    validator, signature = RequestValidator(TOKEN), headers["X-Twilio-Signature"]
    assert validator.validate(posted, sent, signature)
    assert not validator.validate(posted, sent | {"Body": "n"}, signature)
    assert not validator.validate(posted + "&c=2", sent, signature)
    assert not RequestValidator("other").validate(posted, sent, signature)
    assert headers["Content-Type"].startswith("application/x-www-form-urlencoded")


@needs_shared
def test_signatures_agree_with_the_official_vectors() -> None:
    vectors: list[dict[str, Any]] = json.loads(shared("twilio", "signature_vectors.json").read_text())
    exact = 0
    for vector in vectors:
        url, params, token = vector["url"], vector["params"], vector["token"]
        if not vector["valid"] or not isinstance(params, dict) or any(isinstance(v, list) for v in params.values()):
            continue
        headers: dict[str, str] = {}
        Courier(partial(take_headers, headers), token).deliver(Webhook(url, "SM1", params))
        signature = headers["X-Twilio-Signature"]
        same = signature == vector["signature"]
        exact += same
        assert same or RequestValidator(token).validate(url, params, signature), vector["name"]

    # The others were signed with a port added, taken away, or with the address written differently.
    assert exact >= 15


def take_headers(kept: dict[str, str], url: str, form: dict[str, str], headers: dict[str, str]) -> tuple[int, str]:
    kept.update(headers)
    return 204, ""


@pytest.mark.parametrize(
    ("base", "url", "absolute"),
    [
        ("https://a.example/x/y?z=1", "", "https://a.example/x/y?z=1"),
        ("https://a.example/x/y?z=1", "k?d=2", "https://a.example/x/k?d=2"),
        ("https://a.example/x/y?z=1", "/k", "https://a.example/k"),
        ("https://a.example/x/y?z=1", "http://b.example:8000/k", "http://b.example:8000/k"),
        ("", "https://b.example/k", "https://b.example/k"),
        ("", "/k", None),
        ("", "", None),
        ("https://a.example/", "file:///etc/passwd", None),
        ("https://a.example/", "javascript:alert(1)", None),
    ],
)
def test_addresses_are_resolved_against_their_document(base: str, url: str, absolute: str | None) -> None:
    assert resolve(base, url) == absolute


def test_a_callback_that_is_refused_is_noted_and_not_repeated(world: World) -> None:
    world.application.answer(STATUS_URL, "no", 403)
    sid = world.send(status_callback=STATUS_URL).sid
    world.pass_time()

    assert world.application.statuses() == ["sent", "delivered"]
    assert [(alert.code, alert.sid, alert.url) for alert in world.sandbox.alerts()] == [(11200, sid, STATUS_URL)] * 2


def test_the_application_may_use_the_api_while_it_answers(world: World) -> None:
    def answer(form: dict[str, str]) -> tuple[int, str]:
        if form["MessageStatus"] == "delivered":
            world.send("a second one")
        return 200, world.sdk.messages(form["MessageSid"]).fetch().status

    world.application.answers[STATUS_URL] = answer
    world.send(status_callback=STATUS_URL)
    world.pass_time()

    assert [message.status for message in world.sdk.messages.list()] == ["delivered", "delivered"]


def test_an_error_in_the_post_does_not_stop_the_emulator_for_good(world: World) -> None:
    def broken(form: dict[str, str]) -> tuple[int, str]:
        raise RuntimeError

    world.application.answers[STATUS_URL] = broken
    sid = world.send(status_callback=STATUS_URL).sid
    with pytest.raises(RuntimeError):
        world.pass_time()
    del world.application.answers[STATUS_URL]
    world.pass_time()

    assert world.sdk.messages(sid).fetch().status == "delivered"
