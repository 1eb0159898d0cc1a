"""What Twilio's answers mean to us, with a local server that answers as it is told."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs

import pytest

from reminders.domain.delivery import Channel, State
from reminders.errors import GatewayError
from reminders.gateways.twilio import BAD_NUMBER, OPTED_OUT, PERMANENT, STATUS, callback_report
from tests.gateways.stub import Stub, free_port, gateway, stub

TO = "+12025550100"


@pytest.fixture
def server() -> Iterator[Stub]:
    with stub() as running:
        yield running


def refusal(status: int, code: int | None, **headers: str) -> tuple[int, dict[str, str], str]:
    body = {"message": "No", "more_info": "", "status": status} | ({"code": code} if code else {})
    return (
        status,
        {"Content-Type": "application/json"} | {name.replace("_", "-"): value for name, value in headers.items()},
        json.dumps(body),
    )


def problem_of(url: str, timeout: float = 10.0) -> GatewayError:
    with pytest.raises(GatewayError) as caught:
        gateway(url, timeout).send_sms(TO, "Hello", "token")
    return caught.value


@pytest.mark.parametrize("code", sorted(PERMANENT))
def test_a_number_that_cannot_be_is_permanent(server: Stub, code: int) -> None:
    server.answer = refusal(400, code)
    problem = problem_of(server.url)
    assert (problem.permanent, problem.sent_unknown, problem.opted_out) == (True, False, False)
    assert problem.provider_code == code


def test_21610_is_an_opt_out(server: Stub) -> None:
    server.answer = refusal(400, 21610)
    problem = problem_of(server.url)
    assert (problem.permanent, problem.opted_out, problem.provider_code) == (True, True, 21610)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("7", 7.0), ("0.5", 0.5), ("-1", 0.0), ("Wed, 21 Oct 2026 07:28:00 GMT", None), ("", None), ("x", None)],
)
def test_429_is_transient_and_says_when(server: Stub, header: str, seconds: float | None) -> None:
    server.answer = refusal(429, 20429, Retry_After=header)
    problem = problem_of(server.url)
    assert (problem.permanent, problem.sent_unknown, problem.provider_code) == (False, False, 20429)
    assert problem.retry_after == seconds


@pytest.mark.parametrize(
    ("status", "code"), [(400, 21659), (401, 20003), (403, 20008), (404, 20404), (400, 30001), (302, None)]
)
def test_other_refusals_are_transient(server: Stub, status: int, code: int | None) -> None:
    server.answer = refusal(status, code)
    problem = problem_of(server.url)
    assert (problem.permanent, problem.sent_unknown, problem.opted_out) == (False, False, False)


@pytest.mark.parametrize("status", [500, 502, 503, 504])
@pytest.mark.parametrize("body", ["", "<html>Bad gateway</html>", '{"code": 20500, "message": "x", "status": 500}'])
def test_5xx_may_have_been_sent(server: Stub, status: int, body: str) -> None:
    server.answer = (status, {}, body)
    problem = problem_of(server.url)
    assert (problem.permanent, problem.sent_unknown) == (False, True)


@pytest.mark.parametrize("body", ["", "<html>", "{", "[]", "null", "{}", '{"sid": null}', '"x"'])
def test_a_yes_that_cannot_be_read_may_have_been_sent(server: Stub, body: str) -> None:
    server.answer = (201, {}, body)
    problem = problem_of(server.url)
    assert (problem.permanent, problem.sent_unknown) == (False, True)


def test_problems_in_the_newer_form(server: Stub) -> None:
    body = {"type": "about:blank", "title": "Bad", "status": 400, "code": 21211}
    server.answer = (400, {"Content-Type": "application/problem+json"}, json.dumps(body))
    assert problem_of(server.url).permanent


def test_a_timeout_may_have_been_sent(server: Stub) -> None:
    server.answer = None
    problem = problem_of(server.url, timeout=0.2)
    assert (problem.permanent, problem.sent_unknown) == (False, True)
    assert len(server.requests) == 1


def test_a_connection_that_breaks_may_have_been_sent(server: Stub) -> None:
    server.hang_up = True
    assert problem_of(server.url).sent_unknown
    assert len(server.requests) == 1


def test_a_connection_refused_was_surely_not_sent() -> None:
    problem = problem_of(f"http://127.0.0.1:{free_port()}")
    assert (problem.permanent, problem.sent_unknown) == (False, False)


def test_a_name_that_does_not_exist_was_surely_not_sent() -> None:
    problem = problem_of("http://nowhere.invalid")
    assert (problem.permanent, problem.sent_unknown) == (False, False)


def test_problems_name_no_number_and_no_text(server: Stub) -> None:
    answers: list[Any] = [refusal(400, 21211), refusal(429, 20429), (500, {}, ""), (201, {}, "{")]
    for answer in answers:
        server.answer = answer
        text = str(problem_of(server.url))
        assert TO not in text
        assert "Hello" not in text


ACCEPTED = {
    "sid": "SM" + "a" * 32, "status": "queued", "to": TO, "body": "Hello", "num_segments": "2", "price": None,
    "price_unit": "USD", "error_code": None, "date_created": "Tue, 07 May 2030 09:00:00 +0000",
}  # fmt: skip


def test_what_is_asked_of_twilio(server: Stub) -> None:
    server.answer = (201, {}, json.dumps(ACCEPTED))
    report = gateway(server.url).send_sms(TO, "Hello", "t-1")
    method, path, body = server.requests[0]
    form = {name: values[0] for name, values in parse_qs(body).items()}
    assert (method, path) == ("POST", f"/2010-04-01/Accounts/AC{'1' * 32}/Messages.json")
    assert form == {"To": TO, "From": "+15005550006", "Body": "Hello",
                    "StatusCallback": "https://clinic.example/hooks/twilio/status/t-1"}  # fmt: skip
    assert (report.sid, report.state, report.segments, report.price) == (ACCEPTED["sid"], State.SENT, 2, None)
    assert report.created_at == datetime(2030, 5, 7, 9, tzinfo=UTC)


def test_a_messaging_service_takes_the_place_of_the_sender(server: Stub) -> None:
    server.answer = (201, {}, json.dumps(ACCEPTED))
    gateway(server.url, messaging_service_sid="MG" + "2" * 32).send_sms(TO, "Hello", "t-1")
    form = parse_qs(server.requests[0][2])
    assert "From" not in form
    assert form["MessagingServiceSid"] == ["MG" + "2" * 32]


def test_a_call_asks_for_its_words_later(server: Stub) -> None:
    server.answer = (201, {}, json.dumps({"sid": "CA" + "b" * 32, "status": "queued", "to": TO}))
    report = gateway(server.url).place_call(TO, "t-2")
    form = {name: values[0] for name, values in parse_qs(server.requests[0][2]).items()}
    assert form["Url"] == "https://clinic.example/hooks/twilio/voice/t-2"
    assert form["StatusCallback"] == "https://clinic.example/hooks/twilio/status/t-2"
    assert "Twiml" not in form
    assert (report.sid, report.state, report.segments) == ("CA" + "b" * 32, State.SENT, None)


@pytest.mark.parametrize(
    ("price", "ours"), [("-0.00790", Decimal("0.00790")), (None, None), ("", None), ("0", Decimal(0)), ("x", None)]
)
def test_prices_are_what_we_pay(server: Stub, price: str | None, ours: Decimal | None) -> None:
    server.answer = (200, {}, json.dumps(ACCEPTED | {"status": "delivered", "price": price}))
    report = gateway(server.url).fetch(Channel.SMS, "SM" + "a" * 32)
    assert (report.price, report.currency, report.state) == (ours, "USD", State.DELIVERED)


@pytest.mark.parametrize("status", [*STATUS, "something new"])
def test_every_status_has_a_meaning(server: Stub, status: str) -> None:
    server.answer = (200, {}, json.dumps(ACCEPTED | {"status": status}))
    assert gateway(server.url).fetch(Channel.SMS, "SM" + "a" * 32).state is STATUS.get(status, State.SENT)


@pytest.mark.parametrize(
    "form",
    [{}, {"MessageSid": "SM1"}, {"MessageStatus": "delivered"}, {"MessageSid": "SM1", "MessageStatus": "nonsense"},
     {"MessageSid": "", "MessageStatus": "sent"}, {"CallSid": "CA1", "CallStatus": ""}],
)  # fmt: skip
def test_what_is_no_status_callback(form: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="not a status callback"):
        callback_report(form)


@pytest.mark.parametrize("code", ["", "30003", "x", "99999999999999999999", "-1"])
def test_odd_codes_in_callbacks(code: str) -> None:
    report = callback_report({"MessageSid": "SM1", "MessageStatus": "Undelivered", "ErrorCode": code, "To": TO})
    assert report.state is State.FAILED
    assert report.error_code is None or report.error_code == int(code)


def test_the_tables_agree() -> None:
    assert not PERMANENT & OPTED_OUT
    assert {code for code in BAD_NUMBER if code < 30000} <= PERMANENT
