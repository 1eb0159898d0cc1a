"""The stand-in for Twilio that the measurements use: what it answers, how it misbehaves, and that it says so."""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode

import pytest
from twilio.request_validator import RequestValidator

from benchmarks import callbacks, stubdesk, stubtwilio
from benchmarks.stubdesk import ACCOUNT, TOKEN, Behaviour
from benchmarks.stubtwilio import Stub
from reminders.domain.delivery import Channel, State
from reminders.gateways.twilio import Account, Twilio

PHONE = "+12125550100"
MESSAGES = f"/2010-04-01/Accounts/{ACCOUNT}/Messages.json"
FAULTS = ("drop_before", "drop_after", "too_many", "error_before", "error_after", "slow")


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stub]:
    with stubtwilio.running(tmp_path_factory.mktemp("stub")) as stub:
        yield stub


@pytest.fixture
def stub(running: Stub) -> Stub:
    """Well-behaved and empty."""
    running.faults(**dict.fromkeys(FAULTS, 0.0), refuse=0, latency=0.0, list_delay=0.0, callbacks=False, seed=1)
    running.reset()
    return running


@pytest.fixture
def gateway(stub: Stub) -> Twilio:
    return Twilio(Account(ACCOUNT, TOKEN, stubdesk.SENDER, "", stub.url, "http://127.0.0.1:1"), connections=1)


def post(stub: Stub, to: str = PHONE, **fields: str) -> tuple[int, dict[str, str], Any]:
    """(status, headers, JSON) of one message; ``ConnectionError`` when it hangs up."""
    connection = http.client.HTTPConnection(*stub.server.address, timeout=10)
    try:
        form = urlencode({"To": to, "Body": "See you at nine", **fields})
        connection.request("POST", MESSAGES, form, {"Content-Type": "application/x-www-form-urlencoded"})
        answer = connection.getresponse()
        return answer.status, dict(answer.headers), json.load(answer)
    finally:
        connection.close()


def test_the_gateway_understands_it(stub: Stub, gateway: Twilio) -> None:
    text = 'Grüße, “neun” Uhr; 100 % \\ "pünktlich" + €'
    sent, called = gateway.send_sms(PHONE, text, "t1"), gateway.place_call(PHONE, "t2")
    assert (sent.state, sent.to, sent.body) == (State.SENT, PHONE, text)
    since = datetime.now(UTC) - timedelta(minutes=1)
    assert [one.sid for one in gateway.find(Channel.SMS, PHONE, since)] == [sent.sid]
    assert [one.sid for one in gateway.find(Channel.VOICE, PHONE, since)] == [called.sid]
    assert gateway.find(Channel.SMS, "+12125550199", since) == []
    assert gateway.fetch(Channel.SMS, sent.sid).body == text
    assert [(one.sid, one.to, one.body) for one in stub.messages()] == [
        (sent.sid, PHONE, text),
        (called.sid, PHONE, ""),
    ]


def test_lists_are_newest_first_and_cut(stub: Stub, gateway: Twilio) -> None:
    sids = [post(stub)[2]["sid"] for _ in range(3)]
    since = datetime.now(UTC) - timedelta(minutes=1)
    assert [one.sid for one in gateway.find(Channel.SMS, PHONE, since)] == sids[::-1]
    stub.faults(list_delay=60)
    assert gateway.find(Channel.SMS, PHONE, since) == []


@pytest.mark.parametrize(
    ("fault", "answer", "accepted"),
    [
        ("drop_before", None, 0),
        ("drop_after", None, 1),
        ("too_many", 429, 0),
        ("error_before", 500, 0),
        ("error_after", 500, 1),
        ("slow", 201, 1),
    ],
)
def test_faults(stub: Stub, fault: str, answer: int | None, accepted: int) -> None:
    stub.faults(**{fault: 1.0}, slow_seconds=0.05, retry_after=2)
    if answer is None:
        with pytest.raises(ConnectionError):
            post(stub)
    else:
        status, headers, _ = post(stub)
        assert (status, headers.get("Retry-After")) == (answer, "2" if answer == 429 else None)
    assert [one.answered for one in stub.messages()] == [fault == "slow"] * accepted
    assert stub.state()["faults"] == {fault: 1}


def test_chances_come_from_the_seed() -> None:
    behaviour = Behaviour(drop_before=0.1, drop_after=0.1, slow=0.2)
    seen = [behaviour.fault(chance / 100) for chance in range(100)]
    assert [seen.count(name) for name in ("drop_before", "drop_after", "slow", "")] == [10, 10, 20, 60]


def test_a_refused_account_is_refused_everywhere(stub: Stub) -> None:
    stub.faults(refuse=20003)
    status, _, body = post(stub)
    assert (status, body["code"], stub.count()) == (401, 20003, 0)


def test_no_sid_comes_twice(stub: Stub) -> None:
    first = post(stub)[2]["sid"]
    stub.reset()
    assert post(stub)[2]["sid"] != first
    assert stub.count() == 1


def test_unknown_faults_are_refused(stub: Stub) -> None:
    with pytest.raises(OSError, match="400"):
        stub.faults(earthquake=1.0)


def test_over_tls(tmp_path: Path) -> None:
    with stubtwilio.running(tmp_path, tls=stubtwilio.certificate(tmp_path)) as stub:
        assert (stub.url[:8], stub.count()) == ("https://", 0)


# Callbacks


@contextmanager
def listener() -> Iterator[tuple[str, list[tuple[dict[str, str], str]]]]:
    """An address that takes callbacks, and what it was told: (form, signature)."""
    told: list[tuple[dict[str, str], str]] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            told.append((dict(parse_qsl(body)), self.headers["X-Twilio-Signature"]))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/status/abc", told
        server.shutdown()
        thread.join()


def wait_for_callbacks(stub: Stub) -> None:
    deadline = time.monotonic() + 10
    while stub.state()["callbacks"]["pending"] and time.monotonic() < deadline:
        time.sleep(0.01)


@pytest.mark.parametrize(
    ("chances", "statuses"),
    [
        ({}, ["sent", "delivered"]),
        ({"callback_reordered": 1.0}, ["delivered", "sent"]),
        ({"callback_duplicated": 1.0}, ["delivered", "delivered", "sent", "sent"]),
        ({"callback_lost": 1.0}, []),
    ],
)
def test_callbacks(tmp_path: Path, chances: dict[str, Any], statuses: list[str]) -> None:
    with stubtwilio.running(tmp_path, callbacks=True, callback_delay=0.2, **chances) as stub, listener() as (url, told):
        sid = post(stub, StatusCallback=url)[2]["sid"]
        wait_for_callbacks(stub)
        seen = [form["MessageStatus"] for form, _ in told]
        assert (sorted(seen) if "callback_duplicated" in chances else seen) == statuses
        assert {form["MessageSid"] for form, _ in told} <= {sid}
        assert all(RequestValidator(TOKEN).validate(url, form, signature) for form, signature in told)


def test_signature_is_that_of_the_sdk() -> None:
    url, form = "https://clinic.example/hooks?a=1", {"b": "2", "To": "+1 é", "A": ""}
    assert callbacks.signature(url, form, "secret") == RequestValidator("secret").compute_signature(url, form)
