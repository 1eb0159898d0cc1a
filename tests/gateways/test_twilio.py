"""What Twilio's answers mean to us, with a local server that answers as it is told."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs

import pytest

from reminders.domain.delivery import Channel, State
from reminders.errors import GatewayError
from reminders.gateways.twilio import Twilio, callback_report
from reminders.gateways.twilio_codes import ACCOUNT, BAD_NUMBER, OPTED_OUT, PERMANENT, SENDER, STATUS
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
    [
        ("7", 7.0),
        ("0.5", 0.5),
        ("-1", 0.0),
        ("Wed, 21 Oct 2026 07:28:00 GMT", None),
        ("", None),
        ("x", None),
        ("nan", None),
        ("inf", None),
    ],
)
def test_429_is_transient_and_says_when(server: Stub, header: str, seconds: float | None) -> None:
    server.answer = refusal(429, 20429, Retry_After=header)
    problem = problem_of(server.url)
    assert (problem.permanent, problem.sent_unknown, problem.provider_code) == (False, False, 20429)
    assert problem.retry_after == seconds


@pytest.mark.parametrize("status", [400, 401, 403])
@pytest.mark.parametrize("code", sorted(ACCOUNT))
def test_a_refused_account_is_neither_permanent_nor_unknown(server: Stub, status: int, code: int) -> None:
    server.answer = refusal(status, code)
    problem = problem_of(server.url)
    assert (problem.account, problem.permanent, problem.sent_unknown, problem.opted_out) == (True, False, False, False)
    assert problem.provider_code == code


@pytest.mark.parametrize(("status", "code"), [(401, None), (403, None), (401, 401), (403, 403)])
@pytest.mark.parametrize("body", [None, "", "<html>Forbidden</html>", "[]", "[" * 100_000, '{"code": true}'])
def test_credentials_refused_without_a_code_of_the_dictionary(
    server: Stub, status: int, code: int | None, body: str | None
) -> None:
    server.answer = refusal(status, code) if body is None else (status, {}, body)
    problem = problem_of(server.url)
    assert (problem.account, problem.permanent, problem.sent_unknown) == (True, False, False)


@pytest.mark.parametrize(
    ("status", "code"),
    [*((400, code) for code in sorted(SENDER)), (403, 20008), (403, 29999), (404, 20404), (404, None), (400, 30001),
     (400, 21611), (400, 63038), (400, None), (408, None), (302, None), (304, None)],
)  # fmt: skip
def test_other_refusals_are_transient(server: Stub, status: int, code: int | None) -> None:
    server.answer = refusal(status, code)
    problem = problem_of(server.url)
    assert (problem.account, problem.permanent, problem.sent_unknown, problem.opted_out) == (False, False, False, False)
    assert ("sender" in str(problem)) is (code in SENDER)


@pytest.mark.parametrize("status", [500, 502, 503, 504])
@pytest.mark.parametrize("body", ["", "<html>Bad gateway</html>", '{"code": 20500, "message": "x", "status": 500}'])
def test_5xx_may_have_been_sent(server: Stub, status: int, body: str) -> None:
    server.answer = (status, {}, body)
    problem = problem_of(server.url)
    assert (problem.permanent, problem.sent_unknown) == (False, True)


@pytest.mark.parametrize(
    "body", ["", "<html>", "{", "[]", "null", "{}", '{"sid": null}', '{"sid": 7}', '"x"', "[" * 100_000]
)
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


ASKING: dict[str, Callable[[Twilio], object]] = {
    "check_account": Twilio.check_account,
    "fetch": lambda twilio: twilio.fetch(Channel.SMS, "SM" + "a" * 32),
    "fetch a call": lambda twilio: twilio.fetch(Channel.VOICE, "CA" + "a" * 32),
    "find": lambda twilio: twilio.find(Channel.SMS, TO, datetime(2030, 5, 7, tzinfo=UTC)),
    "find a call": lambda twilio: twilio.find(Channel.VOICE, TO, datetime(2030, 5, 7, tzinfo=UTC)),
}


@pytest.mark.parametrize("ask", ASKING.values(), ids=ASKING)
@pytest.mark.parametrize(
    ("answer", "account"),
    [((500, {}, ""), False), ((503, {}, "<html>"), False), ((200, {}, "{"), False), ((200, {}, "[]"), False),
     ((200, {}, "{}"), False), ((401, {}, ""), True), (None, False), ((200, {}, "\xff"), False)],
)  # fmt: skip
def test_asking_makes_nothing_so_nothing_is_unknown(
    server: Stub, ask: Callable[[Twilio], object], answer: Any, account: bool
) -> None:
    server.answer = answer
    with pytest.raises(GatewayError) as caught:
        ask(gateway(server.url, 0.2 if answer is None else 10.0))
    problem = caught.value
    assert (problem.sent_unknown, problem.permanent, problem.account) == (False, False, account)


@pytest.mark.parametrize(
    ("answer", "refused"),
    [((200, {}, '{"status": "active"}'), False), (refusal(403, 20008), False),
     ((200, {}, '{"status": "suspended"}'), True), ((200, {}, '{"status": "closed"}'), True),
     (refusal(401, 20003), True), (refusal(403, 20403), True), ((403, {}, ""), True)],
)  # fmt: skip
def test_looking_at_the_account(server: Stub, answer: Any, refused: bool) -> None:
    server.answer = answer
    twilio = gateway(server.url)
    if refused:
        with pytest.raises(GatewayError) as caught:
            twilio.check_account()
        assert (caught.value.account, caught.value.permanent, caught.value.sent_unknown) == (True, False, False)
    else:
        twilio.check_account()
    assert [(method, path) for method, path, _ in server.requests] == [
        ("GET", f"/2010-04-01/Accounts/AC{'1' * 32}.json")
    ]


def test_lists_are_read_to_their_end_at_the_configured_address(server: Stub) -> None:
    pages = [
        {"messages": [ACCEPTED], "next_page_uri": "/2010-04-01/Accounts/AC1/Messages.json?Page=1&PageToken=a%2Bb"},
        {"messages": [ACCEPTED | {"sid": "SM2"}], "next_page_uri": None},
    ]
    server.answers = [(200, {}, json.dumps(page)) for page in pages]
    found = gateway(f"{server.url}/sandbox").find(Channel.SMS, TO, datetime(2030, 5, 7, tzinfo=UTC))
    assert [report.sid for report in found] == [ACCEPTED["sid"], "SM2"]
    assert [path for _, path, _ in server.requests] == [
        f"/sandbox/2010-04-01/Accounts/AC{'1' * 32}/Messages.json?To=%2B12025550100&PageSize=200",
        "/sandbox/2010-04-01/Accounts/AC1/Messages.json?Page=1&PageToken=a%2Bb",
    ]


@pytest.mark.parametrize(
    ("legs", "price"),
    [([], "0.014"), ([("completed", "-0.03")], "0.044"), ([("completed", "-0.03"), ("no-answer", None)], "0.044"),
     ([("completed", None)], None), ([("in-progress", None)], None)],
)  # fmt: skip
def test_the_price_of_a_call_is_that_of_all_its_legs(
    server: Stub, legs: list[tuple[str, str | None]], price: str | None
) -> None:
    sid = "CA" + "a" * 32
    call = {"sid": sid, "status": "completed", "price": "-0.014", "price_unit": "USD", "to": TO}
    children = [call | {"sid": "CA1", "status": status, "price": charged} for status, charged in legs]
    server.answers = [
        (200, {}, json.dumps(call)), (200, {}, json.dumps({"calls": children, "next_page_uri": None}))
    ]  # fmt: skip
    report = gateway(server.url).fetch(Channel.VOICE, sid)
    assert report.price == (Decimal(price) if price else None)
    assert f"ParentCallSid={sid}" in server.requests[1][1]


def test_a_page_elsewhere_is_not_asked_for(server: Stub) -> None:
    page = {"messages": [ACCEPTED], "meta": {"key": "messages", "next_page_url": "https://elsewhere.example/page"}}
    server.answer = (200, {}, json.dumps(page))
    with pytest.raises(GatewayError, match="cannot be read"):
        gateway(server.url).find(Channel.SMS, TO, datetime(2030, 5, 7, tzinfo=UTC))
    assert len(server.requests) == 1


def test_an_odd_sid_stays_within_its_path(server: Stub) -> None:
    with pytest.raises(GatewayError):
        gateway(server.url).fetch(Channel.SMS, "SM1 HTTP/1.1\r\nX: y")
    assert server.requests[0][1].endswith("/Messages/SM1%20HTTP/1.1%0D%0AX:%20y.json")


@pytest.mark.parametrize("token", ["a&To=+1", "ñ ?#/", "x\r\ny"])
@pytest.mark.parametrize("body", ["1 & 2 = 3 + %41", "Ana, 明天 9:00 👍", "a\r\nb\x00", "\ud800"])
def test_what_is_sent_arrives_as_it_was(server: Stub, token: str, body: str) -> None:
    server.answer = (201, {}, json.dumps(ACCEPTED))
    twilio = gateway(server.url)
    twilio.send_sms(TO, body, token)
    twilio.place_call(TO, token)
    sms, call = (parse_qs(form, strict_parsing=True) for _, _, form in server.requests)
    assert sms["Body"] == [body.replace("\ud800", "?")]
    assert sms["To"] == call["To"] == [TO]
    assert sms["StatusCallback"] == call["StatusCallback"] == [f"https://clinic.example/hooks/twilio/status/{token}"]
    assert call["Url"] == [f"https://clinic.example/hooks/twilio/voice/{token}"]


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
    assert (form["StatusCallbackEvent"], form["Timeout"], form["From"]) == ("completed", "25", "+15005550006")
    assert form["MachineDetection"] == "DetectMessageEnd"
    assert "Twiml" not in form
    assert (report.sid, report.state, report.segments) == ("CA" + "b" * 32, State.SENT, None)


@pytest.mark.parametrize(
    ("price", "ours"),
    [
        ("-0.00790", Decimal("0.00790")),
        (None, None),
        ("", None),
        ("0", Decimal(0)),
        ("x", None),
        ("NaN", None),
        ("sNaN", None),
        ("Infinity", None),
        (-0.5, Decimal("0.5")),
    ],
)
def test_prices_are_what_we_pay(server: Stub, price: str | float | None, ours: Decimal | None) -> None:
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


@pytest.mark.parametrize("text", ["yesterday", "", 7, "Tue, 99 May 2030 09:00:00 +0000", None])
def test_a_time_that_cannot_be_read_is_left_out(server: Stub, text: object) -> None:
    server.answer = (201, {}, json.dumps(ACCEPTED | {"date_created": text}))
    assert gateway(server.url).send_sms(TO, "Hello", "t-1").created_at is None


def test_the_tables_agree() -> None:
    tables = [PERMANENT, OPTED_OUT, ACCOUNT, SENDER]
    assert sum(map(len, tables)) == len(frozenset().union(*tables))
    assert {code for code in BAD_NUMBER if code < 30000} <= PERMANENT
